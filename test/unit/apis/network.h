// A namespace's network behind its gateway, in this process: a SOCKS5 server with programs that it
// leads to. Traffic goes over real sockets.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace zoe {

// One end of a connection: blocking, every call gives up after ten seconds.
class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  static Wire To(uint16_t port);
  ~Wire();
  Wire(Wire&& other) noexcept;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  bool Send(std::string_view bytes);
  // As much as is taken without anybody reading; stops at `most`.
  size_t SendUntilFull(std::string_view piece, size_t most);
  std::string Read(size_t size);  // shorter at the end
  std::string ReadSome();         // what there is, waited for; "" at the end
  std::string ReadHead();         // with its empty line; "" if none came
  std::string ReadAll();          // to the end
  size_t CountAll();              // the same, keeping nothing
  bool AtEnd() { return Read(1).empty() && closed_; }
  void EndSending();
  void Reset();  // the other side sees an error, not an end
  void Close();
  int fd() const { return fd_; }

 private:
  bool Fill();

  int fd_;
  std::string buffer_;
  bool closed_ = false;
};

class Network {
 public:
  using Program = std::function<void(Wire& wire)>;

  explicit Network(std::string password = "secret");
  ~Network();  // ends connections, joins

  // "web.lab:8080" is served by it, one thread for each connection.
  void Add(const std::string& address, Program program);
  // What the gateway answers to a CONNECT to any other; 0: nothing at all.
  void set_refusal(uint8_t reply) { refusal_ = reply; }
  uint16_t port() const { return port_; }
  size_t connections() const { return connections_; }

 private:
  void Accept();
  void Serve(Wire& wire);

  const std::string password_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::atomic<uint8_t> refusal_{4};
  std::atomic<size_t> connections_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::map<std::string, Program> programs_;
  std::vector<std::pair<int, std::thread>> threads_;
  std::thread acceptor_;
};

}  // namespace zoe
