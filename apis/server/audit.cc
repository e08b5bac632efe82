// One line for every write, every login and every logout, and whatever enters a container: who,
// what, from where, with what outcome. Never what was sent.
#include "apis/server/api.h"
#include "controller/runtime/log.h"

namespace zoe::server {
namespace {

constexpr size_t kMaxProgram = 64;

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
  if (IsUpgrade(route)) return route.subresource;
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

// The program that exec runs; never its arguments, which may be secrets.
std::string ProgramOf(const Exchange& exchange) {
  if (exchange.route.subresource != "exec") return {};
  const std::string_view word = exchange.query.Get("command");
  return std::string(word.substr(0, std::min(word.find_first_of(" \t\r\n"), kMaxProgram)));
}

}  // namespace

void Api::Audit(const Exchange& exchange, int status) const {
  const std::string_view deed = Deed(exchange, status);
  if (deed.empty()) return;
  const std::string& user = exchange.user.name;
  const bool dry_run = exchange.query.Get("dryRun") == "All";
  const std::string program = ProgramOf(exchange);
  log::Info("audit", {{"user", user.empty() ? ClaimedUser(exchange.request) : user},
                      {"from", exchange.request.remote},
                      {"verb", std::string(deed) + (dry_run ? " (dry run)" : "") +
                                   (program.empty() ? "" : " " + program)},
                      {"object", ObjectOf(exchange.route)},
                      {"code", std::to_string(status)}});
}

}  // namespace zoe::server
