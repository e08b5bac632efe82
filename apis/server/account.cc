// Passwords and tokens of users, the gateway's account: what stands in Credentials.
#include <algorithm>

#include "apis/server/api.h"
#include "apis/server/status.h"
#include "specs/codec/value.h"
#include "specs/schema/names.h"
#include "specs/v1/credential.h"
#include "specs/v1/gateway.h"

namespace zoe::server {
namespace {

using codec::Value;

constexpr size_t kMaxDescription = 256;
constexpr int64_t kMaxLifetimeSeconds = int64_t{10} * 366 * 24 * 3600;

Error BadRequest(std::string message) { return MakeError(Code::kBadRequest, std::move(message)); }

Error Invalid(const std::string& field, std::string message) {
  Error error = MakeError(Code::kInvalid, "the request is invalid");
  error.causes = {{.field = field, .reason = "FieldValueInvalid", .message = std::move(message)}};
  return error;
}

// The body holds secrets: what is wrong with it is told without a word of it.
Expected<Value> ParseFields(const std::string& body, const std::vector<std::string_view>& known) {
  auto value = codec::ParseJson(body);
  if (!value.ok() || !value->is_object()) return BadRequest("the body must be a JSON object");
  for (const codec::Member& member : value->as_object()) {
    if (std::find(known.begin(), known.end(), member.key) == known.end())
      return BadRequest("unknown field " + schema::Quote(member.key) + "; there are " +
                        schema::Join(known));
  }
  return value;
}

Expected<std::string> StringField(const Value& body, const std::string& name) {
  const Value* value = body.Find(name);
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string()) return BadRequest(name + " must be a string");
  return value->as_string();
}

Response Json(int status, const Value& value) {
  Response response{.status = status, .prefix = codec::ToJson(value) + "\n"};
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Value TokenValue(const v1::Token& token) {
  Value value;
  value.Set("name", token.name);
  value.Set("kind", token.kind);
  if (!token.description.empty()) value.Set("description", token.description);
  if (token.created_at) value.Set("createdAt", FormatTime(*token.created_at));
  if (token.expires_at) value.Set("expiresAt", FormatTime(*token.expires_at));
  return value;
}

}  // namespace

void Api::Account(const ExchangePtr& exchange) {
  RunBlocking(exchange, [this, exchange] {
    auto response = [&]() -> Expected<Response> {
      const Route& route = exchange->route;
      if (route.subresource == "credentials") return GatewayCredentials(route);
      const auto user = deps_.cache.Get<v1::User>(route.key());
      if (!user) return NotFound(route.key());
      if (route.subresource == "password") return ChangePassword(*exchange, *user);
      if (exchange->request.method == Method::kPost) return CreateToken(*exchange, *user);
      if (exchange->request.method == Method::kDelete) {
        ZOE_TRY(credentials_.Revoke(*user, route.rest));
        return DeletedResponse(route, "");
      }
      return Tokens(*user, route.rest);
    }();
    return response.ok() ? std::move(response).value()
                         : ErrorResponse(response.error(), &exchange->route);
  });
}

// Whoever holds no more than a stolen token or session must not be able to take the user over.
// Admins could by other ways.
Expected<Response> Api::ChangePassword(const Exchange& exchange, const v1::User& user) {
  ZOE_ASSIGN(const Value body, ParseFields(exchange.request.body, {"password", "currentPassword"}));
  ZOE_ASSIGN(const std::string password, StringField(body, "password"));
  ZOE_ASSIGN(const std::string current, StringField(body, "currentPassword"));
  ZOE_TRY(CheckPassword(password, "password"));
  if (!current.empty()) {
    ZOE_TRY(auth_.VerifyCurrent(exchange.user, current, exchange.request.remote));
  } else if (!ProvesPassword(exchange.user)) {
    return MakeError(Code::kForbidden,
                     "currentPassword is missing: a token or a session alone doesn't change the "
                     "password");
  }
  ZOE_TRY(credentials_.SetPassword(user, password));
  return StatusSuccess();
}

Expected<Response> Api::CreateToken(const Exchange& exchange, const v1::User& user) {
  ZOE_ASSIGN(const Value body,
             ParseFields(exchange.request.body, {"name", "expirationSeconds", "description"}));
  TokenRequest request;
  ZOE_ASSIGN(request.name, StringField(body, "name"));
  ZOE_ASSIGN(request.description, StringField(body, "description"));
  if (const std::string wrong = schema::MustBeDnsLabel(request.name); !wrong.empty())
    return Invalid("name", wrong);
  if (request.description.size() > kMaxDescription)
    return Invalid("description",
                   "must be at most " + std::to_string(kMaxDescription) + " bytes long");
  const Value* seconds = body.Find("expirationSeconds");
  if (seconds != nullptr && !seconds->is_null()) {
    if (seconds->kind() != Value::Kind::kInt || seconds->as_int() < 1 ||
        seconds->as_int() > kMaxLifetimeSeconds) {
      return Invalid("expirationSeconds",
                     "must be a number from 1 to " + std::to_string(kMaxLifetimeSeconds));
    }
    request.expires_at = std::chrono::floor<std::chrono::seconds>(deps_.clock.WallNow()) +
                         std::chrono::seconds(seconds->as_int());
  }
  // What ends must not make what outlives it.
  const auto& end = exchange.user.expires_at;
  if (end && (!request.expires_at || *request.expires_at > *end)) request.expires_at = end;
  ZOE_ASSIGN(const NewToken token, credentials_.CreateToken(user, request));
  Value value;
  value.Set("name", token.name);
  value.Set("token", token.secret);
  if (token.expires_at) value.Set("expiresAt", FormatTime(*token.expires_at));
  return Json(201, value);
}

Expected<Response> Api::Tokens(const v1::User& user, const std::string& name) const {
  codec::Array items;
  for (const v1::Token& token : credentials_.List(user)) {
    if (token.expires_at && *token.expires_at <= deps_.clock.WallNow()) continue;
    if (token.name == name) return Json(200, TokenValue(token));
    items.push_back(TokenValue(token));
  }
  if (!name.empty()) return MakeError(Code::kNotFound, "tokens \"" + name + "\" not found");
  Value list;
  list.Set("items", std::move(items));
  return Json(200, list);
}

Expected<Response> Api::GatewayCredentials(const Route& route) const {
  if (!deps_.cache.Get(route.key())) return NotFound(route.key());
  const auto credential = deps_.cache.Get<v1::Credential>(
      {"Credential", route.ns, std::string(v1::kGatewayCredential)});
  if (!credential || credential->spec.socks_password.empty())
    return MakeError(Code::kUnavailable, "the gateway's account has not been made yet");
  Value value;
  value.Set("username", std::string(v1::kGatewayAccount));
  value.Set("password", credential->spec.socks_password);
  return Json(200, value);
}

}  // namespace zoe::server
