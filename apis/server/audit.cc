// One line for every write, every login and every logout: who, what, from where, with what outcome.
// Never what was sent.
#include "apis/server/api.h"
#include "controller/runtime/log.h"

namespace zoe::server {
namespace {

bool IsRead(Method method) { return method == Method::kGet || method == Method::kHead; }

// What it was; "" if it is not worth a line. Those who are being slowed down get none: they could
// fill the disk.
std::string_view Deed(const Exchange& exchange, int status) {
  const Route& route = exchange.route;
  const bool reads = IsRead(exchange.request.method);
  if (status == 429) return {};
  if (route.endpoint == Endpoint::kLogin) return reads ? "" : "login";
  if (route.endpoint == Endpoint::kLogout) return reads ? "" : "logout";
  if (status == 401) return ShowsSecret(exchange.request) ? "login" : "";
  if (exchange.user.name.empty() || route.endpoint != Endpoint::kResource) return {};
  if (route.subresource == "proxy") return {};  // the program's own
  if (reads && route.subresource != "credentials") return {};
  return VerbOf(exchange);
}

std::string ObjectOf(const Route& route) {
  if (route.endpoint != Endpoint::kResource) return {};
  std::string text = route.key().ToString();
  if (!route.subresource.empty()) text += "/" + route.subresource;
  if (!route.rest.empty()) text += "/" + route.rest;
  return text;
}

}  // namespace

void Api::Audit(const Exchange& exchange, int status) const {
  const std::string_view deed = Deed(exchange, status);
  if (deed.empty()) return;
  const std::string& user = exchange.user.name;
  const bool dry_run = exchange.query.Get("dryRun") == "All";
  log::Info("audit", {{"user", user.empty() ? ClaimedUser(exchange.request) : user},
                      {"from", exchange.request.remote},
                      {"verb", std::string(deed) + (dry_run ? " (dry run)" : "")},
                      {"object", ObjectOf(exchange.route)},
                      {"code", std::to_string(status)}});
}

}  // namespace zoe::server
