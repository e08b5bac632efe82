#include "apis/server/api.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <exception>
#include <thread>

#include "apis/server/resources.h"
#include "apis/server/status.h"
#include "apis/server/websocket.h"
#include "controller/runtime/log.h"
#include "specs/codec/value.h"

namespace zoe::server {
namespace {

constexpr size_t kMaxWaiting = 1024;

size_t WorkThreads() { return std::clamp<size_t>(std::thread::hardware_concurrency() * 2, 4, 16); }

bool IsRead(Method method) { return method == Method::kGet || method == Method::kHead; }

// Probes must work for those who know no password; sessions are what one logs in by.
bool IsOpen(Endpoint endpoint) {
  return endpoint == Endpoint::kHealthz || endpoint == Endpoint::kLivez ||
         endpoint == Endpoint::kReadyz || endpoint == Endpoint::kVersion ||
         endpoint == Endpoint::kLogin || endpoint == Endpoint::kLogout;
}

// People who open a page log in by a form, and browsers are never asked for HTTP Basic: they would
// send that password with whatever a proxied program asks of this server.
bool IsPageOfBrowser(const Exchange& exchange) {
  const Request& request = exchange.request;
  const bool page =
      exchange.route.subresource == "proxy" || exchange.route.endpoint == Endpoint::kRoot;
  return page && IsRead(request.method) && request.authorization.empty() && IsBrowser(request) &&
         request.accept.find("text/html") != std::string::npos;
}

Response MethodNotAllowed(std::string_view allowed) {
  Response response = StatusResponse(
      405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
  response.headers.emplace_back("Allow", std::string(allowed));
  return response;
}

// For people who use curl (?pretty) and for those who asked for YAML: re-encoded, at their own
// cost.
Response Rewritten(Response response, bool yaml) {
  std::string text =
      response.prefix + (response.body ? *response.body : std::string()) + response.suffix;
  const auto value = codec::ParseJson(text, {.bytes = text.size() + 1, .nodes = text.size() + 1});
  if (!value.ok()) return response;
  response.prefix = yaml ? codec::ToYaml(*value) : codec::ToPrettyJson(*value, 2) + "\n";
  response.body = nullptr;
  response.suffix.clear();
  if (yaml) response.content_type = "application/yaml";
  return response;
}

}  // namespace

std::string_view VerbOf(const Exchange& exchange) {
  const Route& route = exchange.route;
  switch (exchange.request.method) {
    case Method::kPost:
      return "create";
    case Method::kPut:
      return "update";
    case Method::kPatch:
      return "patch";
    case Method::kDelete:
      return route.name.empty() ? "deletecollection" : "delete";
    case Method::kOther:
      return "other";
    case Method::kGet:
    case Method::kHead:
      break;
  }
  if (!route.name.empty() || route.endpoint != Endpoint::kResource) return "get";
  return exchange.query.Bool("watch", false).value_or(false) ? "watch" : "list";
}

bool ProvesPassword(const User& user) {
  return user.role == v1::kRoleAdmin || user.proof == Proof::kBasic;
}

Api::Api(const ServerOptions& options, ServerDeps& deps)
    : options_(options),
      deps_(deps),
      views_(deps.cache, deps.swarm, deps.clock, options.auth == AuthMode::kNone),
      store_health_(deps.store, deps.clock, deps.metrics),
      credentials_(deps.store, deps.cache, deps.clock),
      auth_(options.auth, credentials_, deps.cache, deps.clock),
      writer_(deps.store, deps.cache, deps.admission, credentials_, deps.clock, deps.effects),
      work_(WorkThreads(), kMaxWaiting),
      logs_(options.limits.log_streams, 0),
      transfers_(options.limits.transfers),
      execs_(options.limits.execs) {}

void Api::Stop() {
  store_health_.Stop();
  views_.Stop();
  auth_.Stop();
  transfers_.Stop();
  execs_.Stop();
  logs_.Stop();
  work_.Stop();
}

// Path and query.
Expected<void> Api::Parse(Exchange& exchange) {
  const std::string_view target = PathAndQuery(exchange.request.target);
  const size_t mark = std::min(target.find('?'), target.size());
  exchange.route = {};
  exchange.query = {};
  ZOE_ASSIGN(exchange.route, ParseRoute(target.substr(0, mark)));
  // A proxied program's query is its own affair, whatever it looks like.
  if (mark < target.size() && exchange.route.subresource != "proxy") {
    ZOE_ASSIGN(exchange.query, Query::Parse(target.substr(mark + 1)));
  }
  return {};
}

void Api::Handle(const ExchangePtr& exchange) {
  exchange->user = {};
  if (auto parsed = Parse(*exchange); !parsed.ok())
    return Reply(exchange, ErrorResponse(parsed.error()));
  if (IsOpen(exchange->route.endpoint)) {
    if (!IsAllowed(exchange->route, exchange->request.method))
      return Reply(exchange, MethodNotAllowed(AllowedMethods(exchange->route)));
    return Answer(exchange);
  }
  if (IsUpgrade(exchange->route)) {
    if (auto taken = TakeWebSocketToken(exchange->request); !taken.ok())
      return Refuse(exchange, taken.error());
  }
  if (const auto user = auth_.Recognize(exchange->request, exchange->route))
    return Enter(exchange, *user);
  auth_.VerifyBasic(exchange->request, [this, exchange](const Expected<User>& user) {
    boost::asio::post(exchange->context(), [this, exchange, user] { Enter(exchange, user); });
  });
}

void Api::Refuse(const ExchangePtr& exchange, const Error& error) {
  if (error.code != Code::kUnauthorized) return Reply(exchange, ErrorResponse(error));
  if (IsPageOfBrowser(*exchange)) return Reply(exchange, LoginRedirect(exchange->request));
  Response response = ErrorResponse(error);
  if (!IsBrowser(exchange->request))
    response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"zoe\", charset=\"UTF-8\"");
  Reply(exchange, std::move(response));
}

void Api::Enter(const ExchangePtr& exchange, const Expected<User>& user) {
  if (!user.ok()) return Refuse(exchange, user.error());
  exchange->user = *user;
  const auto allowed =
      auth_.Authorize(*user, VerbOf(*exchange), exchange->route, exchange->request);
  if (!allowed.ok()) return Refuse(exchange, allowed.error());
  if (!IsAllowed(exchange->route, exchange->request.method))
    return Reply(exchange, MethodNotAllowed(AllowedMethods(exchange->route)));
  Answer(exchange);
}

void Api::Answer(const ExchangePtr& exchange) {
  static const auto kOk = std::make_shared<const std::string>("ok");
  switch (exchange->route.endpoint) {
    case Endpoint::kResource:
      return HandleResource(exchange);
    case Endpoint::kHealthz:
    case Endpoint::kLivez:
      return Reply(exchange, {.content_type = "text/plain; charset=utf-8", .body = kOk});
    case Endpoint::kReadyz:
      return RunBlocking(exchange, [this, exchange] { return Readyz(*exchange); });
    case Endpoint::kMetrics:
      return Reply(exchange, {.content_type = "text/plain; version=0.0.4; charset=utf-8",
                              .prefix = deps_.metrics.Exposition()});
    case Endpoint::kVersion:
      return Reply(exchange, Version());
    case Endpoint::kControllers:
      return RunBlocking(exchange, [this] { return Controllers(); });
    case Endpoint::kRoot:
      return Reply(exchange, Root());
    case Endpoint::kLogin:
      return Login(exchange);
    case Endpoint::kLogout:
      return Logout(exchange);
    case Endpoint::kOpenApi2:
    case Endpoint::kOpenApi3:
      return Reply(exchange, OpenApi(*exchange));
    case Endpoint::kReview:
      return Reply(exchange, Review(*exchange));
    default:
      return Reply(exchange, Discovery(*exchange));
  }
}

void Api::HandleResource(const ExchangePtr& exchange) {
  if (!deps_.cache.synced()) {
    return Reply(exchange, ErrorResponse(MakeError(Code::kUnavailable,
                                                   "the store has not been read yet: try again"),
                                         &exchange->route));
  }
  if (exchange->route.kind->view) return View(exchange);
  const std::string& subresource = exchange->route.subresource;
  if (subresource == "files") return Files(exchange);
  if (subresource == "proxy") return Proxy(exchange);
  if (const auto since = store_health_.away_since(); since && !IsRead(exchange->request.method)) {
    // At once: who waits for the store holds a thread, and those are few.
    return Reply(exchange,
                 ErrorResponse(MakeError(Code::kUnavailable, "the store has not answered since " +
                                                                 FormatTime(*since) +
                                                                 ": nothing was written"),
                               &exchange->route));
  }
  if (subresource == "scale") return Scale(exchange);
  if (subresource == "password" || subresource == "tokens" || subresource == "credentials")
    return Account(exchange);
  if (!IsRead(exchange->request.method)) return Write(exchange);
  if (subresource == "log") return Log(exchange);
  Read(exchange);
}

void Api::RunBlocking(const ExchangePtr& exchange, std::function<Response()> handler) {
  const bool posted = work_.Post([this, exchange, handler = std::move(handler)] {
    try {
      Reply(exchange, handler());
    } catch (const std::exception& error) {
      log::Error("a request has failed", {{"reason", error.what()}});
      Reply(exchange, ErrorResponse(MakeError(Code::kInternal, error.what()), &exchange->route));
    }
  });
  if (!posted)
    Reply(exchange, ErrorResponse(MakeError(Code::kTooManyRequests,
                                            "too many requests are waiting: try again"),
                                  &exchange->route));
}

// Kubernetes' clients show warnings to people.
void Api::MarkStale(const Exchange& exchange, Response& response) const {
  const Route& route = exchange.route;
  if (route.endpoint != Endpoint::kResource || !IsRead(exchange.request.method) ||
      response.status != 200 || route.kind->plural == "nodes")
    return;
  if (const auto since = store_health_.away_since())
    response.headers.emplace_back("Warning", "299 - \"the store has not answered since " +
                                                 FormatTime(*since) +
                                                 ": this may be out of date\"");
  if (deps_.ready) {
    if (const auto acted_on = deps_.ready(); !acted_on.ok())
      response.headers.emplace_back("Warning", "299 - \"" + acted_on.error().message + "\"");
  }
}

void Api::Reply(const ExchangePtr& exchange, Response response) {
  MarkStale(*exchange, response);
  if (response.content_type == "application/json" && !exchange->query.empty() &&
      exchange->query.Find("pretty") != nullptr &&
      exchange->query.Bool("pretty", true).value_or(false)) {
    response = Rewritten(std::move(response), false);
  } else if (response.content_type == "application/json" && !exchange->request.accept.empty() &&
             exchange->request.accept != "application/json" &&
             ParseAccept(exchange->request.accept).format == Format::kYaml) {
    response = Rewritten(std::move(response), true);
  }
  Count(*exchange, response.status);
  Audit(*exchange, response.status);
  exchange->Send(std::move(response));
}

// Series are found by a key made without allocating labels: asking the registry each time would
// cost more than the request itself.
void Api::Count(const Exchange& exchange, int status) {
  const std::string_view verb = VerbOf(exchange), resource = exchange.route.plural();
  std::array<char, 96> key{};
  const int length =
      std::snprintf(key.data(), key.size(), "%.*s %.*s %s %d", static_cast<int>(verb.size()),
                    verb.data(), static_cast<int>(resource.size()), resource.data(),
                    exchange.route.subresource.c_str(), status);
  Series series;
  {
    const std::lock_guard lock(series_mutex_);
    const std::string_view name(key.data(), std::min(static_cast<size_t>(length), key.size() - 1));
    auto it = series_.find(name);
    if (it == series_.end()) it = series_.emplace(std::string(name), Series{}).first;
    Series& found = it->second;
    if (found.requests == nullptr) {
      MetricLabels labels{{"verb", std::string(verb)}, {"resource", std::string(resource)}};
      if (!exchange.route.subresource.empty())
        labels.emplace_back("subresource", exchange.route.subresource);
      found.seconds = &deps_.metrics.HistogramOf(
          "zoe_http_request_seconds", "From a request read to its answer ready.", labels);
      labels.emplace_back("code", std::to_string(status));
      found.requests =
          &deps_.metrics.CounterOf("zoe_http_requests_total", "Requests answered.", labels);
    }
    series = found;
  }
  series.requests->Add();
  series.seconds->Observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - exchange.begun).count());
}

}  // namespace zoe::server
