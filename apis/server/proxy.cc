#include "apis/server/proxy.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "apis/server/api.h"
#include "apis/server/relay.h"
#include "apis/server/status.h"
#include "specs/v1/credential.h"
#include "specs/v1/endpoints.h"
#include "specs/v1/execution.h"
#include "specs/v1/gateway.h"

namespace zoe::server {
namespace {

Expected<ProxyTarget> FindTarget(const Route& route, const v1::Execution& execution) {
  std::vector<v1::EndpointTarget> endpoints;
  if (execution.spec.application) endpoints = v1::EndpointsOf(execution.spec.application->services);
  const v1::EndpointTarget* found = v1::FindEndpoint(endpoints, route.endpoint_id);
  const std::string who = "execution \"" + route.name + "\" ";
  if (found == nullptr) {
    std::string names;
    for (const auto& endpoint : endpoints) names += (names.empty() ? "" : ", ") + endpoint.id;
    return MakeError(Code::kNotFound,
                     who + "has no endpoint \"" + route.endpoint_id + "\"" +
                         (names.empty() ? ", nor any other" : ": there are " + names));
  }
  if (!v1::IsProxied(found->port)) {
    return MakeError(Code::kBadRequest, "endpoint \"" + found->id +
                                            "\" does not speak HTTP: reach it through the "
                                            "namespace's gateway");
  }
  const std::string& phase = execution.status.phase;
  if (phase != v1::kRunning && phase != v1::kStarting) {
    return MakeError(Code::kUnavailable, who + "is not running: it is " +
                                             (phase.empty() ? std::string(v1::kPending) : phase));
  }
  return ProxyTarget{.host = found->service + "." + route.name,
                     .port = static_cast<uint16_t>(found->port.port),
                     .ns = route.ns,
                     .prefix = v1::ProxyPath(route.ns, route.name, found->id),
                     .strip = found->port.proxy_path != "keep"};
}

// Relative links of a page lead into the proxy only from behind its slash.
Response ToSlash(const Exchange& exchange, const ProxyTarget& target) {
  const std::string_view asked = PathAndQuery(exchange.request.target);
  const size_t mark = std::min(asked.find('?'), asked.size());
  Response response{.status = 307, .content_type = ""};
  response.headers.emplace_back("Location", target.prefix + "/" + std::string(asked.substr(mark)));
  return response;
}

}  // namespace

Expected<SocksServer> FindGateway(const Cache& cache, const std::string& ns) {
  const auto no = [&ns](const std::string& why) {
    return MakeError(Code::kUnavailable, "the gateway of namespace \"" + ns + "\" " + why);
  };
  const auto gateway = cache.Get<v1::Gateway>({"Gateway", ns, ns});
  if (!gateway) return no("does not exist: a namespace that belongs to a User has one");
  const v1::GatewayStatus& status = gateway->status;
  const Condition* ready = FindCondition(status.conditions, "Ready");
  if (ready == nullptr) return no("is not ready yet");
  if (ready->status != "True") return no("is not ready: " + ready->message);
  const auto credential =
      cache.Get<v1::Credential>({"Credential", ns, std::string(v1::kGatewayCredential)});
  if (status.address.empty() || status.socks_port <= 0) return no("has no address yet");
  if (!credential || credential->spec.socks_password.empty())
    return no("has no account for this server yet");
  return SocksServer{status.address, static_cast<uint16_t>(status.socks_port),
                     std::string(v1::kGatewayAccount), credential->spec.socks_password};
}

std::shared_ptr<void> Api::TakePlace() {
  if (proxied_.fetch_add(1) < options_.limits.proxied) return {this, [this](void*) { --proxied_; }};
  --proxied_;
  return nullptr;
}

void Api::Proxy(const ExchangePtr& exchange) {
  const Route& route = exchange->route;
  const auto fail = [&](const Error& error) { Reply(exchange, ErrorResponse(error, &route)); };
  const auto execution = deps_.cache.Get<v1::Execution>(route.key());
  if (!execution) return fail(NotFound(route.key()));
  auto target = FindTarget(route, *execution);
  if (!target.ok()) return fail(target.error());
  const Method method = exchange->request.method;
  if (route.rest.empty() && (method == Method::kGet || method == Method::kHead))
    return Reply(exchange, ToSlash(*exchange, *target));
  auto gateway = FindGateway(deps_.cache, route.ns);
  if (!gateway.ok()) return fail(gateway.error());
  RelayOptions options;
  options.slot = TakePlace();
  if (!options.slot)
    return fail(MakeError(Code::kTooManyRequests, "too much is being proxied: try again"));
  options.gateway = std::move(*gateway);
  options.target = std::move(*target);
  options.tls = !options_.tls_cert.empty();
  options.connect = options_.limits.proxy_connect;
  options.head = options_.limits.proxy_head;
  options.reply = [this, exchange](Response response) { Reply(exchange, std::move(response)); };
  options.count = [this, exchange](int status) { Count(*exchange, status); };
  // The handler may have been called on another thread, after a password was verified.
  boost::asio::post(exchange->context(), [exchange, options = std::move(options)]() mutable {
    StartRelay(exchange, std::move(options));
  });
}

}  // namespace zoe::server
