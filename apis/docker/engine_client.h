// Requests to the Engines of one Swarm's managers: which of them, in which API version, and what
// their answers mean.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "apis/docker/endpoints.h"
#include "apis/docker/http_session.h"
#include "apis/docker/tunnel.h"
#include "controller/ports/context.h"

namespace zoe::docker {

struct EngineOptions {
  std::vector<std::string> endpoints;
  TlsFiles tls;
  bool told_later = false;  // by SetEndpoints; until then there is no manager
};

struct EngineRequest {
  std::string method;  // GET, POST, DELETE
  std::string target;  // "/services?filters=..."; the version is put before it
  std::string body = {};
  bool write() const { return method != "GET"; }
};

// Which managers answer requests that go out together.
enum class Ask {
  kAnyManager,  // each of them the first that can
  kOneManager,  // the same for all of them; for reads
};

// "%7B...": for one value of a query.
std::string Escape(std::string_view text);

// Thread-safe: each call leases a session (connections are kept between calls) and runs on its own
// thread. A call ends by ctx, after 10 s if that has no deadline; streams have none of their own.
class EngineClient {
 public:
  // kInvalid: an endpoint that can't be read, or none.
  static Expected<std::unique_ptr<EngineClient>> Open(EngineOptions options);
  ~EngineClient();

  // From the next call on; those under way go on with the former ones. The same again changes
  // nothing. kInvalid: one can't be read; then the former ones stay.
  Expected<void> SetEndpoints(const std::vector<std::string>& endpoints);
  // Why nothing newer than the present endpoints is known: part of the error when none answers.
  void SetTrouble(std::string why);
  std::vector<std::string> endpoints() const;
  // Another number whenever another manager is asked first: what listens to one that isn't asked
  // any more may listen in vain.
  uint64_t epoch() const { return epoch_; }
  const TlsFiles& tls() const { return tls_; }

  // The body of a 2xx answer. Other answers are errors (engine_error.h); kOutcomeUnknown: a write
  // was sent and not answered; kCancelled: ctx.stop before anything was sent.
  Expected<std::string> Do(const Context& ctx, const EngineRequest& request);
  // All together, results in their order.
  std::vector<Expected<std::string>> DoAll(const Context& ctx,
                                           std::span<const EngineRequest> requests,
                                           Ask ask = Ask::kAnyManager);
  // GETs a body without end. Ok when it ends, also by ctx or by the stream's own false.
  Expected<void> Stream(const Context& ctx, const std::string& target, const HttpStream& stream);
  // A POST that leaves HTTP (exec, attach), on a connection of its own, to the first endpoint.
  Expected<std::unique_ptr<Tunnel>> Hijack(const Context& ctx, const EngineRequest& request);

 private:
  class Lease;
  using Result = Expected<std::string>;

  explicit EngineClient(TlsFiles tls);
  std::shared_ptr<Managers> Now() const;
  std::string trouble() const;
  void Prefer(Managers& managers, size_t index);
  Expected<std::string> Negotiate(const Context& ctx, HttpSession& session, Endpoint& endpoint,
                                  const HttpLimits& limits);
  std::vector<size_t> Attempt(const Context& ctx, Endpoint& endpoint, const HttpLimits& limits,
                              std::span<const EngineRequest> requests,
                              const std::vector<size_t>& open, std::vector<Result>& results);
  Result Judge(Endpoint& endpoint, bool write, HttpReply& reply, bool& ask_another);
  HttpLimits LimitsOf(const Context& ctx, size_t left, bool write) const;

  const TlsFiles tls_;
  std::atomic<uint64_t> epoch_ = 0;
  mutable std::mutex mutex_;
  std::shared_ptr<Managers> managers_ = std::make_shared<Managers>();
  std::string trouble_;
  std::vector<std::unique_ptr<HttpSession>> idle_;
};

}  // namespace zoe::docker
