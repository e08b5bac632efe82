// A connection of its own to an Engine that has left HTTP: bytes both ways, each with an end of its
// own, over a Unix socket, TCP or TLS. libcurl can't end only the sending side of TLS.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "apis/docker/http_session.h"
#include "controller/ports/context.h"

namespace zoe::docker {

// One thread may read while another writes. Calls end by ctx: kCancelled; kUnavailable: the
// connection broke. SIGPIPE must be ignored by the process.
class Tunnel {
 public:
  // `base`: "http://host:port", "https://host:port". kUnavailable in Unreachable's words, `where`
  // being what they name.
  static Expected<std::unique_ptr<Tunnel>> Open(const Context& ctx, const std::string& where,
                                                const std::string& base,
                                                const std::string& unix_socket,
                                                const TlsFiles& tls);
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  // Sends the request (its head and body) and reads the answer's head. What the other side sends
  // after a head that changes the protocol is Read's. Another answer's body is read into it.
  Expected<HttpReply> Ask(const Context& ctx, std::string_view request);

  Expected<std::string> Read(const Context& ctx);  // "" at the end
  Expected<void> Write(const Context& ctx, std::string_view bytes);
  void EndWriting();

 private:
  struct Tls;
  Tunnel(int socket, std::string where);
  Expected<void> StartTls(const Context& ctx, const std::string& host, const TlsFiles& files);
  // One attempt: bytes done, 0 at the end; `events` says what to wait for if it is -1.
  int TryRead(char* to, int size, short& events);
  int TryWrite(const char* from, int size, short& events);
  Expected<void> Wait(const Context& ctx, short events, int wake);
  Error Broken() const;

  const int socket_, wake_reader_, wake_writer_;
  const std::string where_;
  std::mutex mutex_;  // of tls_, which serves one call at a time
  std::unique_ptr<Tls> tls_;
  std::string early_;  // came with the answer's head
};

}  // namespace zoe::docker
