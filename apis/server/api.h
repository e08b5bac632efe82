// What the requests are answered with: handlers behind the sessions, free of the HTTP library.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "apis/server/auth.h"
#include "apis/server/credentials.h"
#include "apis/server/exchange.h"
#include "apis/server/pages.h"
#include "apis/server/pool.h"
#include "apis/server/server.h"
#include "apis/server/store_health.h"
#include "apis/server/transfers.h"
#include "apis/server/views.h"
#include "apis/server/writer.h"

namespace zoe::server {

// Thread-safe. Handle is called on io threads and never blocks there.
class Api {
 public:
  Api(const ServerOptions& options, ServerDeps& deps);

  void Handle(const ExchangePtr& exchange);
  // Before the first request.
  void Start() { store_health_.Start(); }
  // The store's cache has changed; any thread.
  void Follow() { views_.Follow(); }
  // `tell` after each change of what is shown beside it; until Stop.
  void Listen(const std::function<void()>& tell) { views_.Listen(tell); }
  // Joins the pools; requests that still wait in them are dropped.
  void Stop();

 private:
  Expected<void> Parse(Exchange& exchange);
  // The caller is known, or will not be.
  void Enter(const ExchangePtr& exchange, const Expected<User>& user);
  void Refuse(const ExchangePtr& exchange, const Error& error);
  void Answer(const ExchangePtr& exchange);
  void HandleResource(const ExchangePtr& exchange);
  void Reply(const ExchangePtr& exchange, Response response);
  // Runs it on the pool, then replies.
  void RunBlocking(const ExchangePtr& exchange, std::function<Response()> handler);
  void MarkStale(const Exchange& exchange, Response& response) const;
  void Count(const Exchange& exchange, int status);
  void Audit(const Exchange& exchange, int status) const;

  // Reads, from the cache.
  const Cache& CacheOf(const v1::Kind& kind) const;
  void Narrow(const Exchange& exchange, ListOptions& options);
  void Read(const ExchangePtr& exchange);
  void ReadList(const ExchangePtr& exchange);
  void WhenFresh(const ExchangePtr& exchange, const Cache& cache, Revision revision,
                 std::function<void()> then);
  Expected<Response> Get(const Exchange& exchange, Accepted accepted);
  Expected<Response> List(const Exchange& exchange, const ListOptions& options, Accepted accepted);
  Expected<Pages::SnapshotPtr> FindSnapshot(const ListOptions& options, size_t& at) const;
  Expected<Page> CutPage(const ListOptions& options);
  Response WholeList(const v1::Kind& kind, const std::string& ns);

  // Writes, on the pool.
  void Write(const ExchangePtr& exchange);
  Expected<Response> Delete(const Exchange& exchange);
  Expected<Response> DeleteCollection(const Exchange& exchange);

  void Scale(const ExchangePtr& exchange);
  Expected<Response> WriteScale(const Exchange& exchange);

  // Logs, on a pool of their own.
  void Log(const ExchangePtr& exchange);
  void StreamLog(const ExchangePtr& exchange, const LogQuery& query, std::optional<int64_t> limit);

  // Files of a workspace (files.cc), endpoints of an execution (proxy.cc).
  void Files(const ExchangePtr& exchange);
  void Proxy(const ExchangePtr& exchange);
  // One of ServerLimits::proxied, given back by its end; nullptr: they are all taken.
  std::shared_ptr<void> TakePlace();

  // Passwords, tokens and the gateway's account (account.cc), sessions of browsers (login.cc).
  void Account(const ExchangePtr& exchange);
  Expected<Response> ChangePassword(const Exchange& exchange, const v1::User& user);
  Expected<Response> CreateToken(const Exchange& exchange, const v1::User& user);
  Expected<Response> Tokens(const v1::User& user, const std::string& name) const;
  Expected<Response> GatewayCredentials(const Route& route) const;
  void Login(const ExchangePtr& exchange);
  void Logout(const ExchangePtr& exchange);
  void StartSession(const ExchangePtr& exchange, const User& user, bool html,
                    const std::string& next);
  std::string SessionCookie(const std::string& secret, int64_t seconds) const;

  // What is no resource of ours.
  Response Root() const;
  Response Version() const;
  Response Controllers();
  Response Discovery(const Exchange& exchange) const;
  Response OpenApi(const Exchange& exchange) const;
  Response Readyz(const Exchange& exchange);

  // Kubernetes' core (views.cc), what streams out of a pod (exec.cc, portforward.cc), and what
  // people ask about themselves (reviews.cc).
  void View(const ExchangePtr& exchange);
  void Exec(const ExchangePtr& exchange);  // attach, too
  void PortForward(const ExchangePtr& exchange);
  Response Review(const Exchange& exchange) const;
  codec::Value Self(const User& user) const;
  void PodLog(const ExchangePtr& exchange);

  const ServerOptions& options_;
  ServerDeps& deps_;
  Views views_;
  StoreHealth store_health_;
  Credentials credentials_;
  Auth auth_;
  Writer writer_;
  Pages pages_;
  ListBodies lists_;
  Pool work_, logs_;
  Transfers transfers_, execs_;

  std::atomic<size_t> proxied_{0};

  struct Series {
    Counter* requests = nullptr;
    Histogram* seconds = nullptr;
  };
  std::mutex series_mutex_;
  std::map<std::string, Series, std::less<>> series_;
};

// The verb that a request is, in Kubernetes' words.
std::string_view VerbOf(const Exchange& exchange);
// True if the caller may set a new password without saying the current one.
bool ProvesPassword(const User& user);
// To the login page, and back afterwards.
Response LoginRedirect(const Request& request);

}  // namespace zoe::server
