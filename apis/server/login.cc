// Sessions of browsers: the page at /login, what it posts, and the end at /logout.
#include <openssl/sha.h>

#include <algorithm>

#include "apis/server/api.h"
#include "apis/server/status.h"
#include "controller/crypto/crypto.h"
#include "specs/codec/value.h"

namespace zoe::server {
namespace {

using codec::Value;

constexpr size_t kMaxNext = 2048;
constexpr std::string_view kForm = "application/x-www-form-urlencoded";
constexpr std::string_view kStyle =
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:20rem;margin:4rem auto;padding:0 1rem}"
    "label{display:block;margin-top:1rem}input,button{font:inherit;width:100%;padding:.5rem;"
    "box-sizing:border-box}button{margin-top:1.5rem}[role=alert]{color:#b00020}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}[role=alert]{color:#ff8a80}"
    "}";

struct Form {
  std::string username, password, next;
  bool html = false;  // answered with a page or a redirect
};

std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

// Only within this server: "//host" and "/\host" lead elsewhere, and browsers drop control
// characters before they look.
std::string LocalPath(std::string_view next) {
  const bool local = next.size() <= kMaxNext && next.starts_with('/') && !next.starts_with("//") &&
                     std::all_of(next.begin(), next.end(),
                                 [](char c) { return c > 0x20 && c < 0x7f && c != '\\'; });
  return local ? std::string(next) : "/";
}

const std::string& PagePolicy() {
  static const std::string policy = [] {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256(reinterpret_cast<const unsigned char*>(kStyle.data()), kStyle.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return "default-src 'none'; style-src 'sha256-" + crypto::EncodeBase64(digest) +
           "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
  }();
  return policy;
}

Response Page(int status, const std::string& body) {
  Response response{.status = status, .content_type = "text/html; charset=utf-8"};
  response.prefix =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Log in - Zoe"
      "</title>\n<meta name=\"viewport\" content=\"width=device-width\"><style>" +
      std::string(kStyle) + "</style></head>\n<body><main><h1>Zoe</h1>\n" + body +
      "</main></body></html>\n";
  response.headers = {{"Content-Security-Policy", PagePolicy()},
                      {"X-Frame-Options", "DENY"},
                      {"Referrer-Policy", "same-origin"}};
  return response;
}

Response LoginPage(int status, const Form& form, const std::string& problem) {
  std::string body;
  if (!problem.empty()) body += "<p role=\"alert\">" + Escape(problem) + "</p>\n";
  body +=
      "<form method=\"post\" action=\"/login\">\n<label for=\"username\">User</label>"
      "<input id=\"username\" name=\"username\" autocomplete=\"username\" autocapitalize=\"none\" "
      "required autofocus value=\"" +
      Escape(form.username) +
      "\">\n<label for=\"password\">Password</label><input id=\"password\" name=\"password\" "
      "type=\"password\" autocomplete=\"current-password\" required>\n"
      "<input type=\"hidden\" name=\"next\" value=\"" +
      Escape(LocalPath(form.next)) + "\">\n<button>Log in</button></form>\n";
  return Page(status, body);
}

Response LogoutPage(const std::string& user) {
  return Page(200, "<p>You are logged in as <strong>" + Escape(user) +
                       "</strong>.</p>\n<form method=\"post\" action=\"/logout\">"
                       "<button>Log out</button></form>\n");
}

Response Redirect(std::string where) {
  Response response{.status = 303, .content_type = "text/plain; charset=utf-8"};
  response.headers = {{"Location", std::move(where)}};
  return response;
}

bool IsForm(const Request& request) { return request.content_type.starts_with(kForm); }

Expected<Form> ParseForm(const Request& request) {
  Form form;
  form.html = IsForm(request);
  if (form.html) {
    ZOE_ASSIGN(const Query fields, Query::Parse(request.body));
    form.username = fields.Get("username");
    form.password = fields.Get("password");
    form.next = fields.Get("next");
    return form;
  }
  const auto body = codec::ParseJson(request.body);
  const auto text = [&](const char* name) -> const std::string* {
    const Value* value = body->Find(name);
    return value != nullptr && value->is_string() ? &value->as_string() : nullptr;
  };
  if (!body.ok() || text("username") == nullptr || text("password") == nullptr) {
    return MakeError(Code::kBadRequest,
                     "the body must be {\"username\": \"...\", \"password\": \"...\"}");
  }
  form.username = *text("username");
  form.password = *text("password");
  return form;
}

Response LoginAnswer(const User& user, const NewToken* session) {
  Value value;
  value.Set("user", user.name);
  value.Set("role", user.role);
  if (session != nullptr) {
    value.Set("csrfToken", CsrfToken(session->secret));
    value.Set("expiresAt", FormatTime(*session->expires_at));
  }
  return {.prefix = codec::ToJson(value) + "\n"};
}

}  // namespace

Response LoginRedirect(const Request& request) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string next;
  for (const char c : PathAndQuery(request.target).substr(0, kMaxNext)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '-' || c == '.' || c == '_';
    if (plain) {
      next += c;
    } else {
      next += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return Redirect("/login?next=" + next);
}

std::string Api::SessionCookie(const std::string& secret, int64_t seconds) const {
  return std::string(kSessionCookie) + "=" + secret +
         "; Path=/; Max-Age=" + std::to_string(seconds) + "; HttpOnly; SameSite=Lax" +
         (options_.tls_cert.empty() ? "" : "; Secure");
}

void Api::Login(const ExchangePtr& exchange) {
  const Request& request = exchange->request;
  if (request.method != Method::kPost) {
    const std::string session = SessionOf(request);
    const auto user = auth_.Recognize(request, exchange->route);
    if (!session.empty() && user && user->ok()) return Reply(exchange, LogoutPage((*user)->name));
    return Reply(exchange, LoginPage(200, {.next = std::string(exchange->query.Get("next"))}, ""));
  }
  auto checked = auth_.CheckBrowser(request, exchange->route);
  if (checked.ok() && auth_.enabled() && !deps_.cache.synced())
    checked = MakeError(Code::kUnavailable, "the store has not been read yet: try again");
  auto form = checked.ok() ? ParseForm(request) : Expected<Form>(checked.error());
  if (!form.ok()) return Reply(exchange, ErrorResponse(form.error()));
  exchange->user.name = form->username.substr(0, 64);  // who tries: for the audit
  if (!auth_.enabled()) {
    return Reply(exchange, form->html ? Redirect(LocalPath(form->next))
                                      : LoginAnswer({.name = "admin"}, nullptr));
  }
  auth_.Verify(form->username, form->password, request.remote,
               [this, exchange, form = *form](const Expected<User>& user) {
                 if (user.ok()) return StartSession(exchange, *user, form.html, form.next);
                 const Error& error = user.error();
                 Reply(exchange, form.html ? LoginPage(HttpStatus(error.code), form, error.message)
                                           : ErrorResponse(error));
               });
}

void Api::StartSession(const ExchangePtr& exchange, const User& user, bool html,
                       const std::string& next) {
  RunBlocking(exchange, [this, user, html, next] {
    const auto found = credentials_.FindActive(user.name);
    const auto session =
        found ? credentials_.StartSession(*found)
              : Expected<NewToken>(MakeError(Code::kUnauthorized, "wrong user or password"));
    if (!session.ok()) return ErrorResponse(session.error());
    Response response = html ? Redirect(LocalPath(next)) : LoginAnswer(user, &*session);
    response.headers.emplace_back(
        "Set-Cookie",
        SessionCookie(session->secret, std::chrono::seconds(kSessionLifetime).count()));
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
  });
}

// A cookie that is no session any more is as good as logged out.
void Api::Logout(const ExchangePtr& exchange) {
  if (auto checked = auth_.CheckBrowser(exchange->request, exchange->route); !checked.ok())
    return Reply(exchange, ErrorResponse(checked.error()));
  RunBlocking(exchange, [this, exchange] {
    const std::string secret = SessionOf(exchange->request);
    const auto session = credentials_.FindSecret(secret, kSessionKind);
    if (session.ok()) {
      exchange->user.name = UserOfSecret(secret);
      const auto user = deps_.cache.Get<v1::User>({"User", "", exchange->user.name});
      const auto ended = user ? credentials_.Revoke(*user, session->name) : Expected<void>();
      if (!ended.ok() && ended.error().code != Code::kNotFound) return ErrorResponse(ended.error());
    }
    Response response = IsForm(exchange->request) ? Redirect("/login") : StatusSuccess();
    response.headers.emplace_back("Set-Cookie", SessionCookie("", 0));
    return response;
  });
}

}  // namespace zoe::server
