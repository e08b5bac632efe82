// A network that can fail, between a client and a server on loopback.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace zoe::conformance {

// Thread-safe.
class TcpProxy {
 public:
  explicit TcpProxy(int server_port);
  ~TcpProxy();
  std::string hosts() const { return "127.0.0.1:" + std::to_string(port_); }

  // A blocked direction loses nothing: its bytes wait, as behind a silent switch. New connections
  // wait as well.
  void Block() { Set(false, false); }
  void BlockReplies() { Set(true, false); }
  void Unblock() { Set(true, true); }
  // Blocks requests as soon as another `bytes` of replies have passed; Held says that it has
  // happened.
  void HoldRequestsAfter(int64_t bytes) { hold_after_ = bytes; }
  bool Held() const { return !to_server_; }
  // Closes every connection; what waited in it is lost.
  void Cut();

 private:
  struct Pair {
    int client, server;
  };
  void Set(bool to_server, bool to_client);
  void Wake();
  void Run();
  void Accept();
  static int64_t Forward(int from, int to);  // bytes, 0 at the end

  const int server_port_;
  int port_ = 0, listener_ = -1, wake_[2] = {-1, -1};
  std::atomic<bool> to_server_{true}, to_client_{true}, cut_{false}, stop_{false};
  std::atomic<int64_t> hold_after_{0};  // 0: not at all
  std::vector<Pair> pairs_;             // the thread's
  std::thread thread_;
};

}  // namespace zoe::conformance
