#include "apis/server/forward.h"

#include <algorithm>
#include <cctype>

namespace zoe::server {
namespace {

bool EqualsNoCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

bool StartsNoCase(std::string_view text, std::string_view start) {
  return EqualsNoCase(text.substr(0, start.size()), start);
}

std::string_view Trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// The next of a list, trimmed.
std::string_view Cut(std::string_view& rest, char separator) {
  const size_t at = std::min(rest.find(separator), rest.size());
  const std::string_view item = Trim(rest.substr(0, at));
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return item;
}

std::string_view Find(const Fields& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [name](const auto& field) {
    return EqualsNoCase(field.first, name);
  });
  return found == fields.end() ? std::string_view() : std::string_view(found->second);
}

bool ListNames(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    if (EqualsNoCase(Cut(list, ','), name)) return true;
  }
  return false;
}

// True if a Connection field names it.
bool IsConnectionOption(const Fields& fields, std::string_view name) {
  return std::any_of(fields.begin(), fields.end(), [name](const auto& field) {
    return EqualsNoCase(field.first, "Connection") && ListNames(field.second, name);
  });
}

// RFC 9110 7.6.1, and the framing, which is each connection's own.
bool IsHopByHop(const Fields& fields, std::string_view name) {
  static constexpr std::string_view kNames[] = {"Connection",
                                                "Keep-Alive",
                                                "Proxy-Connection",
                                                "Proxy-Authenticate",
                                                "Proxy-Authorization",
                                                "TE",
                                                "Trailer",
                                                "Transfer-Encoding",
                                                "Upgrade",
                                                "Content-Length"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [name](std::string_view known) { return EqualsNoCase(known, name); }) ||
         IsConnectionOption(fields, name);
}

// Ours: of this server's logins. Browsers compare names exactly, but not all programs do.
bool IsOurCookie(std::string_view name) { return StartsNoCase(name, "zoe-"); }

std::string WithoutOurCookies(std::string_view cookies) {
  std::string kept;
  while (!cookies.empty()) {
    const std::string_view cookie = Cut(cookies, ';');
    if (cookie.empty() || IsOurCookie(cookie)) continue;
    if (!kept.empty()) kept += "; ";
    kept += cookie;
  }
  return kept;
}

// Made anew, or not for the program.
bool IsKept(const Exchange& exchange, std::string_view name) {
  static constexpr std::string_view kMadeAnew[] = {"Host",
                                                   "Expect",
                                                   "Cookie",
                                                   "X-CSRF-Token",
                                                   "X-Forwarded-For",
                                                   "X-Forwarded-Host",
                                                   "X-Forwarded-Proto",
                                                   "X-Forwarded-Prefix"};
  const bool made =
      std::any_of(std::begin(kMadeAnew), std::end(kMadeAnew),
                  [name](std::string_view known) { return EqualsNoCase(known, name); });
  const Proof proof = exchange.user.proof;
  const bool ours =
      (proof == Proof::kBasic || proof == Proof::kToken) && EqualsNoCase(name, "Authorization");
  return !made && !ours && !IsHopByHop(exchange.request.fields, name);
}

void Add(std::string& head, std::string_view name, std::string_view value) {
  if (!value.empty()) head.append(name).append(": ").append(value).append("\r\n");
}

bool IsUnder(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  const std::string_view rest = path.substr(prefix.size());
  return rest.empty() || rest.front() == '/' || rest.front() == '?' || rest.front() == '#';
}

// By the names that its network has for the program.
bool IsTarget(std::string_view authority, const ProxyTarget& target) {
  const std::string port = ":" + std::to_string(target.port);
  if (authority.ends_with(port)) authority.remove_suffix(port.size());
  return EqualsNoCase(authority, target.host) ||
         EqualsNoCase(authority, target.host + "." + target.ns);
}

}  // namespace

ForwardedRequest Forward(const Exchange& exchange, const ProxyTarget& target, bool tls) {
  const Request& request = exchange.request;
  const Fields& fields = request.fields;
  ForwardedRequest forwarded;
  std::string path = target.strip ? exchange.route.rest : target.prefix + exchange.route.rest;
  if (path.empty()) path = "/";
  const std::string_view asked = PathAndQuery(request.target);
  if (const size_t mark = asked.find('?'); mark != std::string_view::npos)
    path += asked.substr(mark);

  std::string& head = forwarded.head;
  head = request.method_name + " " + path + " HTTP/1.1\r\n";
  Add(head, "Host", request.host.empty() ? std::string_view(target.host) : request.host);
  std::string cookies;
  for (const auto& [name, value] : fields) {
    if (EqualsNoCase(name, "Cookie")) {
      const std::string kept = WithoutOurCookies(value);
      if (!cookies.empty() && !kept.empty()) cookies += "; ";
      cookies += kept;
    } else if (IsKept(exchange, name)) {
      Add(head, name, value);
    }
  }
  Add(head, "Cookie", cookies);
  const std::string_view before = Find(fields, "X-Forwarded-For");
  Add(head, "X-Forwarded-For",
      before.empty() ? request.remote : std::string(before) + ", " + request.remote);
  const std::string_view outer_host = Find(fields, "X-Forwarded-Host");
  Add(head, "X-Forwarded-Host", outer_host.empty() ? request.host : outer_host);
  const bool https = tls || EqualsNoCase(Find(fields, "X-Forwarded-Proto"), "https");
  Add(head, "X-Forwarded-Proto", https ? "https" : "http");
  if (target.strip) Add(head, "X-Forwarded-Prefix", target.prefix);

  if (!Find(fields, "Transfer-Encoding").empty()) {
    forwarded.body = BodyKind::kChunked;
    Add(head, "Transfer-Encoding", "chunked");
  } else if (const std::string_view length = Find(fields, "Content-Length"); !length.empty()) {
    forwarded.body = BodyKind::kLength;
    Add(head, "Content-Length", length);
  }
  forwarded.upgrade = forwarded.body == BodyKind::kNone && IsConnectionOption(fields, "Upgrade") &&
                      !Find(fields, "Upgrade").empty();
  if (forwarded.upgrade) Add(head, "Upgrade", Find(fields, "Upgrade"));
  Add(head, "Connection", forwarded.upgrade ? "Upgrade" : "close");
  head += "\r\n";
  return forwarded;
}

std::string RewriteLocation(std::string_view location, const ProxyTarget& target,
                            std::string_view host) {
  std::string_view rest = location;
  bool absolute = false;
  for (const std::string_view start : {"http://", "https://", "//"}) {
    if (!StartsNoCase(rest, start)) continue;
    rest.remove_prefix(start.size());
    absolute = true;
    break;
  }
  if (absolute) {
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    const bool ours = EqualsNoCase(authority, host);
    if (!IsTarget(authority, target) && !(ours && target.strip)) return std::string(location);
    rest.remove_prefix(authority.size());
  } else if (!rest.starts_with('/') || !target.strip) {
    return std::string(location);
  }
  std::string path(rest);
  if (!path.starts_with('/')) path.insert(0, "/");
  return target.strip && !IsUnder(path, target.prefix) ? target.prefix + path : path;
}

std::optional<std::string> RewriteCookie(std::string_view cookie, const ProxyTarget& target) {
  std::string_view rest = cookie;
  const std::string_view pair = Cut(rest, ';');
  const size_t equals = pair.find('=');
  // A browser may send a cookie without a name as its bare value, which could look like ours.
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string_view name = Trim(pair.substr(0, equals));
  if (name.empty() || IsOurCookie(name)) return std::nullopt;
  std::string rewritten(pair);
  while (!rest.empty()) {
    const std::string_view attribute = Cut(rest, ';');
    const std::string_view key = Trim(attribute.substr(0, attribute.find('=')));
    if (attribute.empty() || EqualsNoCase(key, "Domain")) continue;
    if (!EqualsNoCase(key, "Path")) {
      rewritten.append("; ").append(attribute);
      continue;
    }
    const size_t at = attribute.find('=');
    std::string path(at == std::string_view::npos ? "" : Trim(attribute.substr(at + 1)));
    if (!IsUnder(path, target.prefix))
      path = target.prefix + (path.starts_with('/') ? path : std::string("/"));
    rewritten.append("; Path=").append(path);
  }
  return rewritten;
}

namespace {

// A browser would take a login by HTTP Basic for this server's: it would ask for a password under
// this server's name, and from then on send it with whatever pages of the program ask of the API.
bool AsksForBasic(std::string_view challenges) {
  while (!challenges.empty()) {
    const std::string_view challenge = Cut(challenges, ',');
    if (EqualsNoCase(challenge.substr(0, challenge.find_first_of(" \t")), "Basic")) return true;
  }
  return false;
}

}  // namespace

Fields Backward(const Fields& fields, const ProxyTarget& target, std::string_view host) {
  static constexpr std::string_view kBeyond[] = {"Clear-Site-Data", "Service-Worker-Allowed",
                                                 "Alt-Svc", "Strict-Transport-Security"};
  Fields kept;
  for (const auto& [name, value] : fields) {
    const bool beyond =
        std::any_of(std::begin(kBeyond), std::end(kBeyond),
                    [&field = name](std::string_view known) { return EqualsNoCase(known, field); });
    if (beyond || IsHopByHop(fields, name)) continue;
    if (EqualsNoCase(name, "WWW-Authenticate") && AsksForBasic(value)) continue;
    if (EqualsNoCase(name, "Location")) {
      kept.emplace_back(name, RewriteLocation(value, target, host));
    } else if (EqualsNoCase(name, "Set-Cookie")) {
      if (auto cookie = RewriteCookie(value, target)) kept.emplace_back(name, std::move(*cookie));
    } else {
      kept.emplace_back(name, value);
    }
  }
  return kept;
}

}  // namespace zoe::server
