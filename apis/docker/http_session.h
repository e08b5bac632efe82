// HTTP requests over libcurl, several in flight on the calling thread, on connections that are
// kept.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/ports/context.h"

namespace zoe::docker {

struct TlsFiles {
  std::string ca, cert, key;
  bool any() const { return !ca.empty() || !cert.empty() || !key.empty(); }
};

struct HttpRequest {
  std::string method;  // GET, POST, DELETE
  std::string url;
  std::string unix_socket;  // path; empty: TCP
  std::string body;         // of a POST: JSON
};

enum class HttpEnd {
  kAnswered,  // status and body are complete
  kNotSent,   // no byte of the request has left: nothing was done
  kLost,      // (part of) the request was sent, the answer is missing or cut
};

struct HttpReply {
  HttpEnd end = HttpEnd::kNotSent;
  int status = 0;
  std::string body;         // of a stream: only that of an error
  std::string api_version;  // the header Api-Version
  std::string failure;      // unless answered: libcurl's words
  int os_errno = 0;         // of a connection that failed
  bool cancelled = false;   // ctx.stop, or a sink's false, ended it
  bool timed_out = false;
};

// How a streamed answer is handed out, on the thread that called Run.
struct HttpStream {
  std::function<void()> on_open;                        // headers of a 2xx have come; may be empty
  std::function<bool(std::string_view)> on_chunk;       // false ends the stream
  std::function<bool()> on_tick = [] { return true; };  // about four times a second; false ends it
};

struct HttpLimits {
  SteadyTime deadline = SteadyTime::max();
  Duration connect_timeout{10'000};
};

// One call at a time; not thread-safe. Different sessions share nothing.
class HttpSession {
 public:
  explicit HttpSession(TlsFiles tls);
  ~HttpSession();

  // All requests together; replies in their order. Never sends a POST twice.
  std::vector<HttpReply> Run(const Context& ctx, const HttpLimits& limits,
                             std::span<const HttpRequest> requests,
                             const HttpStream* stream = nullptr);

 private:
  struct Transfer;
  class Curl;
  std::unique_ptr<Curl> curl_;
};

// A connection without a request: for what isn't HTTP. Of an https URL only its address counts.
struct HttpDial {
  int socket = -1;      // the caller's to close; -1: none
  std::string host;     // of the URL, without brackets
  std::string failure;  // libcurl's words
  int os_errno = 0;
};
// Ends by ctx, at the latest after five seconds.
HttpDial Dial(const Context& ctx, const std::string& url, const std::string& unix_socket);

}  // namespace zoe::docker
