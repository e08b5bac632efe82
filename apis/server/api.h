// What the requests are answered with: handlers behind the sessions, free of the HTTP library.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "apis/server/auth.h"
#include "apis/server/exchange.h"
#include "apis/server/pages.h"
#include "apis/server/pool.h"
#include "apis/server/server.h"
#include "apis/server/writer.h"

namespace zoe::server {

// Thread-safe. Handle is called on io threads and never blocks there.
class Api {
 public:
  Api(const ServerOptions& options, ServerDeps& deps);

  void Handle(const ExchangePtr& exchange);
  // Joins the pools; requests that still wait in them are dropped.
  void Stop();

 private:
  Expected<void> Prepare(Exchange& exchange);
  void Answer(const ExchangePtr& exchange);
  void HandleResource(const ExchangePtr& exchange);
  void Reply(const ExchangePtr& exchange, Response response);
  // Runs it on the pool, then replies.
  void RunBlocking(const ExchangePtr& exchange, std::function<Response()> handler);
  void Count(const Exchange& exchange, int status);

  // Reads, from the cache.
  void Read(const ExchangePtr& exchange);
  Expected<Response> Get(const Exchange& exchange, Format format);
  Expected<Response> List(const Exchange& exchange, const ListOptions& options, Format format);
  Response WholeList(const v1::Kind& kind, const std::string& ns);

  // Writes, on the pool.
  void Write(const ExchangePtr& exchange);
  Expected<Response> DeleteCollection(const Exchange& exchange);

  // Logs, on a pool of their own.
  void Log(const ExchangePtr& exchange);

  // Files of a workspace (files.cc), endpoints of an execution (proxy.cc), passwords, tokens,
  // sessions and the gateway's credentials (account.cc).
  void Files(const ExchangePtr& exchange);
  void Proxy(const ExchangePtr& exchange);
  void Account(const ExchangePtr& exchange);

  // What is no resource of ours.
  Response Root() const;
  Response Version() const;
  Response Discovery(const Route& route) const;
  Response Readyz(const Exchange& exchange);
  Expected<Response> Nodes(const Exchange& exchange);
  Expected<Response> Namespaces(const Exchange& exchange) const;

  const ServerOptions& options_;
  ServerDeps& deps_;
  Auth auth_;
  Writer writer_;
  Pages pages_;
  ListBodies lists_;
  Pool work_, logs_;

  struct Series {
    Counter* requests = nullptr;
    Histogram* seconds = nullptr;
  };
  std::mutex series_mutex_;
  std::map<std::string, Series, std::less<>> series_;
};

// The verb that a request is, in Kubernetes' words.
std::string_view VerbOf(const Exchange& exchange);

}  // namespace zoe::server
