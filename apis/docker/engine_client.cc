#include "apis/docker/engine_client.h"

#include <algorithm>
#include <charconv>

#include "apis/docker/engine_error.h"
#include "controller/runtime/log.h"

namespace zoe::docker {
namespace {

constexpr Duration kCallLimit{10'000};
// With another manager to ask, one that doesn't even accept a connection isn't waited for.
constexpr Duration kConnectLimit{2'000};
// The least that one of several managers is given of a call's time, for a read.
constexpr Duration kShare{300};
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

Error NobodyAnswers(const std::string& failures, const std::string& trouble) {
  std::string why = failures;
  if (!trouble.empty()) why += (why.empty() ? "" : "; ") + trouble;
  return MakeError(Code::kUnavailable,
                   "no Swarm manager answers: " + (why.empty() ? "none is known" : why));
}

HttpRequest Build(const Endpoint& endpoint, std::string_view version,
                  const EngineRequest& request) {
  return {request.method, endpoint.base() + std::string(version) + request.target,
          endpoint.unix_socket(), request.body};
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
  if (!options.told_later) ZOE_TRY(client->SetEndpoints(options.endpoints));
  return client;
}

Expected<void> EngineClient::SetEndpoints(const std::vector<std::string>& endpoints) {
  if (endpoints.empty()) return MakeError(Code::kInvalid, "no Docker endpoint is given");
  auto next = std::make_shared<Managers>();
  const std::shared_ptr<Managers> former = Now();
  for (const std::string& text : endpoints) {
    ZOE_ASSIGN(std::shared_ptr<Endpoint> endpoint, Endpoint::Parse(text, tls_.any()));
    const auto known =
        std::ranges::find(former->endpoints, text, [](const auto& e) { return e->text(); });
    if (known != former->endpoints.end()) endpoint = *known;
    next->endpoints.push_back(std::move(endpoint));
  }
  const std::lock_guard lock(mutex_);
  trouble_.clear();
  if (managers_->endpoints == next->endpoints) return {};
  managers_ = std::move(next);
  ++epoch_;
  return {};
}

void EngineClient::SetTrouble(std::string why) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(why);
}

std::vector<std::string> EngineClient::endpoints() const {
  std::vector<std::string> texts;
  for (const auto& endpoint : Now()->endpoints) texts.push_back(endpoint->text());
  return texts;
}

std::shared_ptr<Managers> EngineClient::Now() const {
  const std::lock_guard lock(mutex_);
  return managers_;
}

std::string EngineClient::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void EngineClient::Prefer(Managers& managers, size_t index) {
  if (managers.preferred.exchange(index) == index) return;
  ++epoch_;
  log::Warn("another Swarm manager is asked from now on",
            {{"manager", managers.endpoints[index]->text()}});
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
      limits.deadline =
          std::min(limits.deadline, now + std::max<SteadyTime::duration>(share, kShare));
    }
  }
  return limits;
}

Expected<std::string> EngineClient::Negotiate(const Context& ctx, HttpSession& session,
                                              Endpoint& endpoint, const HttpLimits& limits) {
  if (std::string agreed = endpoint.version(); !agreed.empty()) return agreed;
  const HttpRequest ping = Build(endpoint, "", {"GET", "/_ping"});
  HttpReply reply = session.Run(ctx, limits, {&ping, 1}).front();
  bool another = false;
  ZOE_TRY(Judge(endpoint, false, reply, another));
  const int theirs = MinorOf(reply.api_version);
  if (theirs < 0)
    return MakeError(Code::kUnavailable,
                     endpoint.text() + " does not answer as a Docker Engine (no Api-Version)");
  if (theirs < kOldestMinor)
    return MakeError(Code::kUnavailable, "OldEngine",
                     "Docker at " + endpoint.text() + " speaks API " + reply.api_version +
                         "; 1.41 (Docker 20.10) or later is needed");
  std::string version = "/v1." + std::to_string(std::min(theirs, kNewestMinor));
  endpoint.Agree(version);
  return version;
}

EngineClient::Result EngineClient::Judge(Endpoint& endpoint, bool write, HttpReply& reply,
                                         bool& ask_another) {
  if (reply.end == HttpEnd::kAnswered) {
    if (reply.status >= 200 && reply.status < 300) return std::move(reply.body);
    if (reply.status == 400) endpoint.Forget();  // perhaps the engine was replaced by an older one
    EngineRefusal refusal = ReadRefusal(endpoint.text(), write, reply.status, reply.body);
    ask_another = refusal.ask_another;
    return std::move(refusal.error);
  }
  if (!reply.cancelled) endpoint.Forget();
  if (reply.end == HttpEnd::kLost && write)
    return MakeError(Code::kOutcomeUnknown,
                     "sent to Docker at " + endpoint.text() + ", but: " + reply.failure);
  if (reply.cancelled) return MakeError(Code::kCancelled, "cancelled");
  ask_another = true;
  if (reply.end == HttpEnd::kNotSent && !reply.timed_out)
    return Unreachable(endpoint.text(), !endpoint.unix_socket().empty(), reply.os_errno,
                       reply.failure);
  return MakeError(Code::kUnavailable,
                   "Docker at " + endpoint.text() + " does not answer: " + reply.failure);
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
  for (const size_t i : open) http.push_back(Build(endpoint, *version, requests[i]));
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
  const std::shared_ptr<Managers> managers = Now();
  const size_t n = managers->endpoints.size(), first = managers->preferred;
  std::vector<size_t> all(requests.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  std::vector<size_t> open = all;
  std::string failures;
  for (size_t k = 0; k < n && !open.empty(); ++k) {
    Endpoint& endpoint = *managers->endpoints[(first + k) % n];
    open = Attempt(ctx, endpoint, LimitsOf(ctx, n - k, write), requests, open, results);
    if (open.empty() && k > 0) Prefer(*managers, (first + k) % n);
    if (!open.empty())
      failures += (failures.empty() ? "" : "; ") + results[open.front()].error().message;
    if (!open.empty() && ask == Ask::kOneManager && k + 1 < n) open = all;
  }
  const std::string why = trouble();
  if (n == 1 && why.empty()) return results;
  for (const size_t i : open) results[i] = NobodyAnswers(failures, why);
  return results;
}

Expected<std::string> EngineClient::Do(const Context& ctx, const EngineRequest& request) {
  return std::move(DoAll(ctx, {&request, 1}).front());
}

Expected<void> EngineClient::Stream(const Context& ctx, const std::string& target,
                                    const HttpStream& stream) {
  const EngineRequest request{"GET", target};
  const std::shared_ptr<Managers> managers = Now();
  const size_t n = managers->endpoints.size(), first = managers->preferred;
  Expected<void> result = NobodyAnswers("", trouble());
  for (size_t k = 0; k < n; ++k) {
    Endpoint& endpoint = *managers->endpoints[(first + k) % n];
    Lease session(*this);
    HttpLimits limits = LimitsOf(ctx, n - k, false);
    const auto version = Negotiate(ctx, *session, endpoint, limits);
    if (!version) {
      if (version.error().code == Code::kCancelled) return {};
      result = version.error();
      continue;
    }
    limits.deadline = ctx.deadline;
    const HttpRequest http = Build(endpoint, *version, request);
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
  const std::shared_ptr<Managers> managers = Now();
  if (managers->endpoints.empty()) return NobodyAnswers("", trouble());
  Endpoint& endpoint = *managers->endpoints.front();
  const Context limited{ctx.clock, ctx.stop, LimitsOf(ctx, 1, true).deadline};
  std::string version;
  {
    Lease session(*this);
    ZOE_ASSIGN(version, Negotiate(limited, *session, endpoint, LimitsOf(ctx, 1, true)));
  }
  ZOE_ASSIGN(auto tunnel,
             Tunnel::Open(limited, endpoint.text(), endpoint.base(), endpoint.unix_socket(), tls_));
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
