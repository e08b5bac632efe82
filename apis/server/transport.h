// A connection's bytes, with or without TLS. Internal to apis/server.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <optional>
#include <utility>

namespace zoe::server {

// One read and one write may be under way at a time. Buffers and handlers are Asio's.
class Transport {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  // `tls`: null without.
  Transport(Socket socket, boost::asio::ssl::context* tls) {
    if (tls != nullptr) {
      tls_.emplace(std::move(socket), *tls);
    } else {
      plain_.emplace(std::move(socket));
    }
  }

  bool tls() const { return tls_.has_value(); }
  Socket& socket() { return tls_ ? tls_->next_layer() : *plain_; }

  // With TLS only.
  template <class Handler>
  void Handshake(Handler&& handler) {
    tls_->async_handshake(boost::asio::ssl::stream_base::server, std::forward<Handler>(handler));
  }
  template <class Handler>
  void EndTls(Handler&& handler) {
    tls_->async_shutdown(std::forward<Handler>(handler));
  }

  template <class Handler>
  void Read(const boost::asio::mutable_buffer& space, Handler&& handler) {
    if (tls_) {
      tls_->async_read_some(space, std::forward<Handler>(handler));
    } else {
      plain_->async_read_some(space, std::forward<Handler>(handler));
    }
  }
  // All of them.
  template <class Buffers, class Handler>
  void Write(const Buffers& buffers, Handler&& handler) {
    if (tls_) {
      boost::asio::async_write(*tls_, buffers, std::forward<Handler>(handler));
    } else {
      boost::asio::async_write(*plain_, buffers, std::forward<Handler>(handler));
    }
  }

 private:
  std::optional<Socket> plain_;
  std::optional<boost::asio::ssl::stream<Socket>> tls_;
};

}  // namespace zoe::server
