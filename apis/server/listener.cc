#include "apis/server/listener.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <charconv>

#include "apis/server/session.h"
#include "controller/runtime/log.h"

namespace zoe::server {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
namespace {

constexpr size_t kFilesForOthers = 256;  // store, Swarm, logs
constexpr std::chrono::milliseconds kAcceptRetry{100};

Expected<tcp::endpoint> ParseListen(const std::string& listen) {
  const auto invalid = [&listen] {
    return MakeError(
        Code::kInvalid,
        "\"" + listen +
            "\" is no address to listen on: ADDRESS:PORT or [IPv6]:PORT, such as 127.0.0.1:4850");
  };
  const size_t colon = listen.rfind(':');
  if (colon == std::string::npos || colon == 0) return invalid();
  std::string host = listen.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    return invalid();
  }
  if (host == "localhost") host = "127.0.0.1";
  uint16_t port = 0;
  const char* const end = listen.data() + listen.size();
  const auto [stop, failure] = std::from_chars(listen.data() + colon + 1, end, port);
  if (failure != std::errc() || stop != end || colon + 1 == listen.size()) return invalid();
  error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error) return invalid();
  return tcp::endpoint(address, port);
}

}  // namespace

size_t RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  return static_cast<size_t>(limit.rlim_cur);
}

Listener::Listener(std::vector<std::unique_ptr<Loop>>& loops, const ServerLimits& limits)
    : loops_(loops),
      limits_(limits),
      acceptor_(loops.front()->context),
      retry_(loops.front()->context) {}

Expected<void> Listener::Open(const std::string& listen) {
  ZOE_ASSIGN(endpoint_, ParseListen(listen));
  const size_t files = RaiseFileLimit();
  cap_ = std::min(limits_.connections,
                  files > 2 * kFilesForOthers ? files - kFilesForOthers : files / 2);
  error_code error;
  acceptor_.open(endpoint_.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint_, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (!error) endpoint_ = acceptor_.local_endpoint(error);
  if (error)
    return MakeError(Code::kUnavailable, "can't listen on " + listen + ": " + error.message());
  return {};
}

Expected<void> Listener::UseTls(const std::string& cert_file, const std::string& key_file) {
  tls_ = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  error_code error;
  tls_->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                        asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                        asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression,
                    error);
  if (!error) tls_->use_certificate_chain_file(cert_file, error);
  if (error)
    return MakeError(Code::kInvalid, "TLS certificate " + cert_file + ": " + error.message());
  tls_->use_private_key_file(key_file, asio::ssl::context::pem, error);
  if (error) return MakeError(Code::kInvalid, "TLS key " + key_file + ": " + error.message());
  return {};
}

std::string Listener::address() const {
  const std::string host = endpoint_.address().to_string();
  return (endpoint_.address().is_v6() ? "[" + host + "]" : host) + ":" +
         std::to_string(endpoint_.port());
}

void Listener::Start() {
  asio::post(loops_.front()->context, [this] { Accept(); });
}

void Listener::Accept() {
  if (accepting_ || !acceptor_.is_open() || open_ >= cap_) return;
  accepting_ = true;
  Loop& loop = *loops_[next_++ % loops_.size()];
  acceptor_.async_accept(loop.context, [this, &loop](const error_code& error, tcp::socket socket) {
    accepting_ = false;
    if (error == asio::error::operation_aborted) return;
    if (error) {
      // Out of file descriptors, or the client was gone already. The former needs time, or this
      // would spin.
      log::Warn("can't accept a connection", {{"reason", error.message()}});
      retry_.expires_after(kAcceptRetry);
      retry_.async_wait([this](const error_code& cancelled) {
        if (!cancelled) Accept();
      });
      return;
    }
    ++open_;
    StartSession(loop, std::move(socket), tls_.get());
    Accept();
  });
}

void Listener::OnClosed() {
  --open_;
  asio::post(loops_.front()->context, [this] { Accept(); });
}

void Listener::Close() {
  error_code ignored;
  acceptor_.close(ignored);
  retry_.cancel();
}

}  // namespace zoe::server
