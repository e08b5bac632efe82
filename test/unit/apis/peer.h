// A small blocking HTTP client for tests: knows nothing of the server's code, can send anything,
// waits with deadlines.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace zoe {

struct Answer {
  int status = 0;                              // 0: none came
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  bool complete = false;  // the body came to its declared end
};

// One connection. Calls give up after `patience`.
class Peer {
 public:
  // `receive_buffer`: bytes that the system takes for a reader who does not read; 0: its default.
  explicit Peer(uint16_t port, int patience_ms = 10'000, int receive_buffer = 0);
  ~Peer();
  Peer(Peer&& other) noexcept;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool connected() const { return fd_ >= 0; }
  // False if the other side has closed.
  bool Send(std::string_view bytes);
  // The next answer; `head`: one to a HEAD request.
  Answer Read(bool head = false);
  Answer Call(std::string_view method, std::string_view target, std::string_view body = {},
              std::string_view headers = {});

  // Streams: the head of the answer (body empty), then what comes in it line by line. "" when it
  // has ended.
  Answer ReadHead();
  std::string ReadLine();
  // Of a stream: its last chunk has come.
  bool ended() const { return ended_; }
  // True once the other side has closed.
  bool AwaitClose();
  void Close();

 private:
  bool Fill();  // more bytes
  bool ReadUntil(std::string_view mark, std::string& out);
  bool ReadChunk();

  int fd_ = -1;
  int patience_ms_;
  std::string buffer_, stream_;
  bool chunked_ = false, ended_ = false, closed_ = false;
};

}  // namespace zoe
