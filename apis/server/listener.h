#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "apis/server/loop.h"
#include "specs/meta/expected.h"

namespace zoe::server {

// Accepts connections and deals them out to the loops. At the cap of connections it stops accepting
// until one ends; the kernel's queue holds the rest. Accepts on the first loop's thread.
class Listener {
 public:
  Listener(std::vector<std::unique_ptr<Loop>>& loops, const ServerLimits& limits);

  // Binds. kInvalid: no ADDRESS:PORT; kUnavailable: taken, no such address.
  Expected<void> Open(const std::string& listen);
  // kInvalid: the files can't be read or don't belong together.
  Expected<void> UseTls(const std::string& cert_file, const std::string& key_file);
  void Start();
  // On the first loop's thread.
  void Close();
  // A connection has ended. Any thread.
  void OnClosed();

  std::string address() const;
  bool loopback() const { return endpoint_.address().is_loopback(); }

 private:
  void Accept();

  std::vector<std::unique_ptr<Loop>>& loops_;
  const ServerLimits& limits_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer retry_;
  boost::asio::ip::tcp::endpoint endpoint_;
  std::unique_ptr<boost::asio::ssl::context> tls_;
  std::atomic<size_t> open_{0};
  bool accepting_ = false;  // on the first loop's thread
  size_t cap_ = 0;
  size_t next_ = 0;
};

// Raises this process's limit of open files to what the system allows. Returns the limit.
size_t RaiseFileLimit();

}  // namespace zoe::server
