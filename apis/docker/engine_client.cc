#include "apis/docker/engine_client.h"

#include <sys/un.h>

#include <algorithm>
#include <charconv>

#include "apis/docker/engine_error.h"
#include "controller/runtime/log.h"

namespace zoe::docker {
namespace {

constexpr Duration kCallLimit{10'000};
// With another manager to ask, one that doesn't even accept a connection isn't waited for.
constexpr Duration kConnectLimit{2'000};
constexpr size_t kIdleSessions = 16;
// 1.41: replicated jobs, constraints and all else that we use (Docker 20.10). 1.44 is the oldest
// that Docker 29 still speaks; later ones bring nothing that we use.
constexpr int kOldestMinor = 41, kNewestMinor = 44;

// "1.41" -> 41; -1 if it isn't an API version.
int MinorOf(std::string_view version) {
  if (!version.starts_with("1.")) return -1;
  int minor = -1;
  const char* end = version.data() + version.size();
  const auto [at, error] = std::from_chars(version.data() + 2, end, minor);
  return error == std::errc() && at == end ? minor : -1;
}

}  // namespace

std::string Escape(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
      out += static_cast<char>(c);
    } else {
      out += {'%', kHex[c >> 4], kHex[c & 15]};
    }
  }
  return out;
}

struct EngineClient::Endpoint {
  std::string text;         // as given, for messages
  std::string base;         // "http://localhost"
  std::string unix_socket;  // path, or empty
  std::mutex mutex;
  std::string version;  // "/v1.41" once agreed

  HttpRequest Build(std::string_view version_prefix, const EngineRequest& request) const {
    return {request.method, base + std::string(version_prefix) + request.target, unix_socket,
            request.body};
  }
  void Forget() {
    const std::lock_guard lock(mutex);
    version.clear();
  }
};

class EngineClient::Lease {
 public:
  explicit Lease(EngineClient& client) : client_(client) {
    const std::lock_guard lock(client_.mutex_);
    if (client_.idle_.empty()) {
      session_ = std::make_unique<HttpSession>(client_.tls_);
    } else {
      session_ = std::move(client_.idle_.back());
      client_.idle_.pop_back();
    }
  }
  ~Lease() {
    const std::lock_guard lock(client_.mutex_);
    if (client_.idle_.size() < kIdleSessions) client_.idle_.push_back(std::move(session_));
  }
  HttpSession& operator*() { return *session_; }
  HttpSession* operator->() { return session_.get(); }

 private:
  EngineClient& client_;
  std::unique_ptr<HttpSession> session_;
};

EngineClient::EngineClient(TlsFiles tls) : tls_(std::move(tls)) {}
EngineClient::~EngineClient() = default;

Expected<std::unique_ptr<EngineClient>> EngineClient::Open(EngineOptions options) {
  std::unique_ptr<EngineClient> client(new EngineClient(options.tls));
  if (options.endpoints.empty()) return MakeError(Code::kInvalid, "no Docker endpoint is given");
  for (const std::string& text : options.endpoints) {
    auto endpoint = std::make_unique<Endpoint>();
    endpoint->text = text;
    const size_t colon = text.find("://");
    const std::string scheme = text.substr(0, colon);
    const std::string rest = colon == text.npos ? "" : text.substr(colon + 3);
    if (scheme == "unix" && rest.starts_with('/')) {
      if (rest.size() >= sizeof(sockaddr_un::sun_path))
        return MakeError(Code::kInvalid, "the path of " + text + " is too long for a socket");
      endpoint->base = "http://localhost";
      endpoint->unix_socket = rest;
    } else if ((scheme == "tcp" || scheme == "https" || scheme == "http") && !rest.empty() &&
               rest.find('/') == rest.npos) {
      const bool tls = scheme == "https" || (scheme == "tcp" && options.tls.any());
      endpoint->base = (tls ? "https://" : "http://") + rest;
    } else {
      return MakeError(Code::kInvalid, "\"" + text +
                                           "\" is not a Docker endpoint: unix:///path, "
                                           "tcp://host:port or https://host:port");
    }
    client->endpoints_.push_back(std::move(endpoint));
  }
  return client;
}

HttpLimits EngineClient::LimitsOf(const Context& ctx, size_t left, bool write) const {
  const SteadyTime now = ctx.clock.Now();
  HttpLimits limits;
  limits.deadline = std::min(ctx.deadline, now + kCallLimit);
  if (left > 1) {
    limits.connect_timeout = kConnectLimit;
    // A read leaves time for the managers that are left; a write that was sent can't be repeated.
    if (!write) {
      const auto share = (limits.deadline - now) / static_cast<int64_t>(left);
      limits.deadline = std::min(
          limits.deadline, now + std::max<SteadyTime::duration>(share, std::chrono::seconds(1)));
    }
  }
  return limits;
}

Expected<std::string> EngineClient::Negotiate(const Context& ctx, HttpSession& session,
                                              Endpoint& endpoint, const HttpLimits& limits) {
  {
    const std::lock_guard lock(endpoint.mutex);
    if (!endpoint.version.empty()) return endpoint.version;
  }
  const HttpRequest ping = endpoint.Build("", {"GET", "/_ping"});
  HttpReply reply = session.Run(ctx, limits, {&ping, 1}).front();
  bool another = false;
  ZOE_TRY(Judge(endpoint, false, reply, another));
  const int theirs = MinorOf(reply.api_version);
  if (theirs < 0)
    return MakeError(Code::kUnavailable,
                     endpoint.text + " does not answer as a Docker Engine (no Api-Version)");
  if (theirs < kOldestMinor)
    return MakeError(Code::kUnavailable, "OldEngine",
                     "Docker at " + endpoint.text + " speaks API " + reply.api_version +
                         "; 1.41 (Docker 20.10) or later is needed");
  const std::lock_guard lock(endpoint.mutex);
  endpoint.version = "/v1." + std::to_string(std::min(theirs, kNewestMinor));
  return endpoint.version;
}

EngineClient::Result EngineClient::Judge(Endpoint& endpoint, bool write, HttpReply& reply,
                                         bool& ask_another) {
  if (reply.end == HttpEnd::kAnswered) {
    if (reply.status >= 200 && reply.status < 300) return std::move(reply.body);
    if (reply.status == 400) endpoint.Forget();  // perhaps the engine was replaced by an older one
    EngineRefusal refusal = ReadRefusal(endpoint.text, write, reply.status, reply.body);
    ask_another = refusal.ask_another;
    return std::move(refusal.error);
  }
  if (!reply.cancelled) endpoint.Forget();
  if (reply.end == HttpEnd::kLost && write)
    return MakeError(Code::kOutcomeUnknown,
                     "sent to Docker at " + endpoint.text + ", but: " + reply.failure);
  if (reply.cancelled) return MakeError(Code::kCancelled, "cancelled");
  ask_another = true;
  if (reply.end == HttpEnd::kNotSent && !reply.timed_out)
    return Unreachable(endpoint.text, !endpoint.unix_socket.empty(), reply.os_errno, reply.failure);
  return MakeError(Code::kUnavailable,
                   "Docker at " + endpoint.text + " does not answer: " + reply.failure);
}

// Returns those of `open` that another manager may be asked.
std::vector<size_t> EngineClient::Attempt(const Context& ctx, Endpoint& endpoint,
                                          const HttpLimits& limits,
                                          std::span<const EngineRequest> requests,
                                          const std::vector<size_t>& open,
                                          std::vector<Result>& results) {
  Lease session(*this);
  const auto version = Negotiate(ctx, *session, endpoint, limits);
  if (!version) {
    for (const size_t i : open) results[i] = version.error();
    return version.error().code == Code::kCancelled ? std::vector<size_t>{} : open;
  }
  const bool write = std::ranges::any_of(open, [&](size_t i) { return requests[i].write(); });
  if (write && !ctx.MayWrite()) {
    for (const size_t i : open) results[i] = MakeError(Code::kCancelled, "no longer leading");
    return {};
  }
  std::vector<HttpRequest> http;
  for (const size_t i : open) http.push_back(endpoint.Build(*version, requests[i]));
  std::vector<HttpReply> replies = session->Run(ctx, limits, http);
  std::vector<size_t> still_open;
  for (size_t k = 0; k < open.size(); ++k) {
    bool ask_another = false;
    results[open[k]] = Judge(endpoint, requests[open[k]].write(), replies[k], ask_another);
    if (ask_another) still_open.push_back(open[k]);
  }
  return still_open;
}

std::vector<Expected<std::string>> EngineClient::DoAll(const Context& ctx,
                                                       std::span<const EngineRequest> requests,
                                                       Ask ask) {
  std::vector<Result> results(requests.size(), Result(MakeError(Code::kCancelled, "cancelled")));
  if (ctx.stop.stop_requested()) return results;
  const bool write = std::ranges::any_of(requests, &EngineRequest::write);
  const size_t n = endpoints_.size(), first = preferred_;
  std::vector<size_t> all(requests.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  std::vector<size_t> open = all;
  std::string failures;
  for (size_t k = 0; k < n && !open.empty(); ++k) {
    Endpoint& endpoint = *endpoints_[(first + k) % n];
    open = Attempt(ctx, endpoint, LimitsOf(ctx, n - k, write), requests, open, results);
    if (open.empty() && k > 0) {
      preferred_ = (first + k) % n;
      log::Warn("another Swarm manager is asked from now on", {{"manager", endpoint.text}});
    }
    if (!open.empty())
      failures += (failures.empty() ? "" : "; ") + results[open.front()].error().message;
    if (!open.empty() && ask == Ask::kOneManager && k + 1 < n) open = all;
  }
  if (n > 1) {
    for (const size_t i : open)
      results[i] = MakeError(Code::kUnavailable, "no Swarm manager answers: " + failures);
  }
  return results;
}

Expected<std::string> EngineClient::Do(const Context& ctx, const EngineRequest& request) {
  return std::move(DoAll(ctx, {&request, 1}).front());
}

Expected<void> EngineClient::Stream(const Context& ctx, const std::string& target,
                                    const HttpStream& stream) {
  const EngineRequest request{"GET", target};
  const size_t n = endpoints_.size(), first = preferred_;
  Expected<void> result = MakeError(Code::kUnavailable, "no Docker endpoint");
  for (size_t k = 0; k < n; ++k) {
    Endpoint& endpoint = *endpoints_[(first + k) % n];
    Lease session(*this);
    HttpLimits limits = LimitsOf(ctx, n - k, false);
    const auto version = Negotiate(ctx, *session, endpoint, limits);
    if (!version) {
      if (version.error().code == Code::kCancelled) return {};
      result = version.error();
      continue;
    }
    limits.deadline = ctx.deadline;
    const HttpRequest http = endpoint.Build(*version, request);
    HttpReply reply = session->Run(ctx, limits, {&http, 1}, &stream).front();
    const bool begun = reply.status >= 200 && reply.status < 300;
    if (reply.cancelled || (begun && reply.timed_out)) return {};
    bool ask_another = false;
    auto judged = Judge(endpoint, false, reply, ask_another);
    if (judged) return {};
    result = std::move(judged).error();
    if (!ask_another || begun) return result;
  }
  return result;
}

Expected<std::unique_ptr<Tunnel>> EngineClient::Hijack(const Context& ctx,
                                                       const EngineRequest& request) {
  Endpoint& endpoint = *endpoints_.front();
  const Context limited{ctx.clock, ctx.stop, LimitsOf(ctx, 1, true).deadline};
  std::string version;
  {
    Lease session(*this);
    ZOE_ASSIGN(version, Negotiate(limited, *session, endpoint, LimitsOf(ctx, 1, true)));
  }
  ZOE_ASSIGN(auto tunnel,
             Tunnel::Open(limited, endpoint.text, endpoint.base, endpoint.unix_socket, tls_));
  std::string text = request.method + " " + version + request.target +
                     " HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n";
  text +=
      "Content-Type: application/json\r\nContent-Length: " + std::to_string(request.body.size()) +
      "\r\n\r\n" + request.body;
  ZOE_ASSIGN(HttpReply reply, tunnel->Ask(limited, text));
  if (reply.status == 101 || reply.status == 200) return tunnel;
  bool another = false;
  ZOE_TRY(Judge(endpoint, true, reply, another));
  return Nonsense("an upgrade", reply.body);
}

}  // namespace zoe::docker
