#include "apis/server/server.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>
#include <vector>

#include "apis/server/api.h"
#include "apis/server/listener.h"
#include "apis/server/loop.h"

namespace zoe {
namespace {

// How long connections have to end in order.
constexpr std::chrono::milliseconds kGrace{500};

Error Invalid(std::string message) { return MakeError(Code::kInvalid, std::move(message)); }

}  // namespace

struct Server::Impl {
  Impl(ServerOptions the_options, ServerDeps the_deps)
      : options(std::move(the_options)), deps(std::move(the_deps)), api(options, deps) {
    hooks.handle = [this](server::ExchangePtr exchange) { api.Handle(exchange); };
    hooks.on_closed = [this] { listener->OnClosed(); };
    const size_t threads = std::clamp<size_t>(std::thread::hardware_concurrency(), 2, 4);
    for (size_t i = 0; i < threads; ++i)
      loops.push_back(std::make_unique<server::Loop>(deps, options.limits, hooks));
    listener = std::make_unique<server::Listener>(loops, options.limits);
  }

  const ServerOptions options;
  ServerDeps deps;
  server::Api api;
  server::LoopHooks hooks;
  std::vector<std::unique_ptr<server::Loop>> loops;
  std::unique_ptr<server::Listener> listener;
  std::shared_ptr<void> cache_listener;
  bool running = false;
};

Server::Server(ServerOptions options, ServerDeps deps)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(deps))) {}

Server::~Server() { Stop(); }

Expected<void> Server::Start() {
  const ServerOptions& options = impl_->options;
  if (options.tls_cert.empty() != options.tls_key.empty())
    return Invalid("TLS needs both: a certificate and its key");
  ZOE_TRY(impl_->listener->Open(options.listen));
  if (options.auth == AuthMode::kNone && !impl_->listener->loopback()) {
    return Invalid("without authentication only a loopback address can be listened on, not " +
                   options.listen);
  }
  if (!options.tls_cert.empty())
    ZOE_TRY(impl_->listener->UseTls(options.tls_cert, options.tls_key));
  const auto notify = [impl = impl_.get()] {
    for (const auto& loop : impl->loops) loop->Notify();
  };
  impl_->api.Listen(notify);
  impl_->cache_listener = impl_->deps.cache.Listen([impl = impl_.get(), notify](const CacheEvent&) {
    impl->api.Follow();
    notify();
  });
  impl_->api.Start();
  for (const auto& loop : impl_->loops) loop->Start();
  impl_->listener->Start();
  impl_->running = true;
  return {};
}

// New work first, then streams and idle connections, then what runs; the pools before the loops,
// because their answers go out through them.
void Server::Stop() {
  if (!impl_->running) return;
  impl_->running = false;
  const auto force_at = std::chrono::steady_clock::now() + kGrace;
  impl_->cache_listener.reset();
  std::promise<void> closed;
  boost::asio::post(impl_->loops.front()->context, [&] {
    impl_->listener->Close();
    closed.set_value();
  });
  closed.get_future().wait();
  for (const auto& loop : impl_->loops) loop->BeginStop();
  impl_->api.Stop();
  for (const auto& loop : impl_->loops) loop->EndStop(force_at);
}

std::string Server::address() const { return impl_->listener->address(); }

std::string Server::url() const {
  return (impl_->options.tls_cert.empty() ? "http://" : "https://") + address();
}

}  // namespace zoe
