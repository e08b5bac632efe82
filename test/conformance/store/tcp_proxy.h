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
  // What becomes of a connection while nobody listens at the server's port: it is closed, or it
  // waits until somebody does.
  enum class Absent { kClose, kWait };
  explicit TcpProxy(int server_port, Absent absent = Absent::kClose);
  ~TcpProxy();
  std::string hosts() const { return "127.0.0.1:" + std::to_string(port_); }

  // A blocked direction loses nothing: its bytes wait, as behind a silent switch. New connections
  // wait as well. It holds for every byte that comes after the call.
  void Block() { Set(false, false); }
  void BlockReplies() { Set(true, false); }
  void Unblock() {
    hold_after_ = hold_replies_after_ = 0;
    Set(true, true);
  }
  // Blocks requests as soon as another `bytes` of replies have passed; Held says that it has
  // happened.
  void HoldRequestsAfter(int64_t bytes) { hold_after_ = bytes; }
  bool Held() const { return !to_server_; }
  // The same for the replies after those.
  void HoldRepliesAfter(int64_t bytes) { hold_replies_after_ = bytes; }
  // Closes every connection; what waited in it is lost.
  void Cut();
  // The largest message so far, either way, of a protocol whose messages begin with their length
  // (4 bytes, big-endian): ZooKeeper's.
  int64_t largest_message() const { return largest_message_; }

 private:
  // Where one direction of a connection stands: bytes left of a message, of its length those read.
  struct Framing {
    int64_t left = 0;
    uint32_t length = 0;
    int length_bytes = 0;
  };
  struct Pair {
    int client, server;
    Framing requests = {}, replies = {};
  };
  void Set(bool to_server, bool to_client);
  void Wake();
  void Run();
  void Accept();
  int64_t Forward(int from, int to, Framing& framing);  // bytes, 0 at the end
  void Measure(const char* bytes, int64_t size, Framing& framing);

  const int server_port_;
  const Absent absent_;
  bool absent_now_ = false;  // the thread's
  std::atomic<int64_t> largest_message_{0};
  int port_ = 0, listener_ = -1, wake_[2] = {-1, -1};
  std::atomic<bool> to_server_{true}, to_client_{true}, cut_{false}, stop_{false};
  std::atomic<int> set_{0}, seen_{0};  // the thread acts on what was set so far
  std::atomic<int64_t> hold_after_{0}, hold_replies_after_{0};  // 0: not at all
  std::vector<Pair> pairs_;                                     // the thread's
  std::thread thread_;
};

}  // namespace zoe::conformance
