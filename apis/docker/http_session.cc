#include "apis/docker/http_session.h"

#include <curl/curl.h>
#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace zoe::docker {
namespace {

// Swarm's store has one writer: more connections than this only queue there, measured with 21
// creates.
constexpr long kConnections = 4;
constexpr size_t kMaxBody = size_t{256} << 20;
// How often a call looks at its clock and ticks.
constexpr int64_t kSliceMs = 250;
constexpr long kDialMs = 5'000;

void InitOnce() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)done;
}

}  // namespace

struct HttpSession::Transfer {
  CURL* easy = nullptr;
  const HttpRequest* request = nullptr;
  const HttpStream* stream = nullptr;
  HttpReply reply;
  size_t body_sent = 0;
  bool finished = false;
  bool too_large = false;
  char words[CURL_ERROR_SIZE] = {};

  bool Streams() {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return stream && status >= 200 && status < 300;
  }

  static size_t OnBody(char* data, size_t, size_t size, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    if (t.Streams()) {
      if (t.stream->on_chunk({data, size})) return size;
      t.reply.cancelled = true;
      return size + 1;  // anything but `size` ends the transfer
    }
    if (t.reply.body.size() + size > kMaxBody) {
      t.too_large = true;
      return size + 1;
    }
    t.reply.body.append(data, size);
    return size;
  }

  static size_t OnHeader(char* data, size_t, size_t size, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    constexpr std::string_view kName = "api-version:";
    std::string_view line(data, size);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    if (line.empty() && t.Streams() && t.stream->on_open) t.stream->on_open();
    if (line.size() > kName.size() && curl_strnequal(line.data(), kName.data(), kName.size())) {
      line.remove_prefix(kName.size());
      while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
      t.reply.api_version = line;
    }
    return size;
  }

  // A body that is read from a function which can't rewind: libcurl, which repeats any request
  // whose kept connection turns out dead, then gives up (CURLE_SEND_FAIL_REWIND) instead of posting
  // twice.
  static size_t OnSend(char* to, size_t one, size_t room, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    const size_t n = std::min(one * room, t.request->body.size() - t.body_sent);
    std::memcpy(to, t.request->body.data() + t.body_sent, n);
    t.body_sent += n;
    return n;
  }
};

class HttpSession::Curl {
 public:
  explicit Curl(TlsFiles tls) : tls_(std::move(tls)) {
    InitOnce();
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, kConnections);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kConnections);
    headers_ = curl_slist_append(headers_, "Content-Type: application/json");
    headers_ = curl_slist_append(headers_, "Expect:");
  }
  ~Curl() {
    for (CURL* easy : idle_) curl_easy_cleanup(easy);
    curl_multi_cleanup(multi_);
    curl_slist_free_all(headers_);
  }
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;

  void Begin(Transfer& t, const HttpLimits& limits) {
    if (idle_.empty()) idle_.push_back(curl_easy_init());
    t.easy = idle_.back();
    idle_.pop_back();
    Set(t, limits);
    curl_multi_add_handle(multi_, t.easy);
  }

  // Lets the transfers go on until all are finished or the call is over.
  void Pump(const Context& ctx, SteadyTime deadline, std::vector<Transfer>& transfers,
            const HttpStream* stream) {
    const std::stop_callback wake(ctx.stop, [this] { curl_multi_wakeup(multi_); });
    SteadyTime tick = ctx.clock.Now();
    for (;;) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      Collect(transfers);
      if (std::ranges::all_of(transfers, &Transfer::finished)) return;
      const SteadyTime now = ctx.clock.Now();
      if (ctx.stop.stop_requested()) return Abandon(transfers, "cancelled", true);
      if (now >= deadline) return Abandon(transfers, "no answer in time", false);
      if (stream && now - tick >= Duration(kSliceMs)) {
        tick = now;
        if (!stream->on_tick()) return Abandon(transfers, "ended", true);
      }
      const auto left = std::chrono::ceil<Duration>(deadline - now).count();
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(std::clamp<int64_t>(left, 1, kSliceMs)),
                      nullptr);
    }
  }

 private:
  void Set(Transfer& t, const HttpLimits& limits) {
    CURL* e = t.easy;
    const HttpRequest& request = *t.request;
    curl_easy_setopt(e, CURLOPT_URL, request.url.c_str());
    if (!request.unix_socket.empty())
      curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
    curl_easy_setopt(e, CURLOPT_PRIVATE, &t);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PROXY, "");  // http_proxy is not for the engine
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 15L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 5L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                     std::max<long>(1, static_cast<long>(limits.connect_timeout.count())));
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t.words);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, &t);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, &t);
    if (request.method == "POST") {
      curl_easy_setopt(e, CURLOPT_POST, 1L);
      curl_easy_setopt(e, CURLOPT_READFUNCTION, &Transfer::OnSend);
      curl_easy_setopt(e, CURLOPT_READDATA, &t);
      curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers_);
    } else if (request.method != "GET") {
      curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    if (!tls_.ca.empty()) curl_easy_setopt(e, CURLOPT_CAINFO, tls_.ca.c_str());
    if (!tls_.cert.empty()) curl_easy_setopt(e, CURLOPT_SSLCERT, tls_.cert.c_str());
    if (!tls_.key.empty()) curl_easy_setopt(e, CURLOPT_SSLKEY, tls_.key.c_str());
  }

  void Collect(std::vector<Transfer>& transfers) {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      const auto t = std::ranges::find(transfers, message->easy_handle, &Transfer::easy);
      if (t != transfers.end()) End(*t, code);
    }
  }

  void End(Transfer& t, CURLcode code) {
    long number = 0;
    curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &number);
    t.reply.status = static_cast<int>(number);
    curl_easy_getinfo(t.easy, CURLINFO_OS_ERRNO, &number);
    t.reply.os_errno = static_cast<int>(number);
    number = 0;
    curl_easy_getinfo(t.easy, CURLINFO_REQUEST_SIZE, &number);
    const bool sent = number > 0 || t.body_sent > 0;
    if (code == CURLE_OK) {
      t.reply.end = HttpEnd::kAnswered;
    } else {
      t.reply.end = sent ? HttpEnd::kLost : HttpEnd::kNotSent;
      if (t.reply.failure.empty())
        t.reply.failure = t.words[0] ? t.words : curl_easy_strerror(code);
      if (t.too_large) t.reply.failure = "the answer is larger than 256 MiB";
      t.reply.timed_out = t.reply.timed_out || code == CURLE_OPERATION_TIMEDOUT;
    }
    curl_multi_remove_handle(multi_, t.easy);
    curl_easy_reset(t.easy);
    idle_.push_back(std::exchange(t.easy, nullptr));
    t.finished = true;
  }

  void Abandon(std::vector<Transfer>& transfers, const char* why, bool cancelled) {
    for (Transfer& t : transfers) {
      if (t.finished) continue;
      t.reply.failure = why;
      t.reply.cancelled = cancelled;
      t.reply.timed_out = !cancelled;
      End(t, CURLE_ABORTED_BY_CALLBACK);
    }
  }

  const TlsFiles tls_;
  CURLM* multi_ = nullptr;
  curl_slist* headers_ = nullptr;
  std::vector<CURL*> idle_;
};

HttpSession::HttpSession(TlsFiles tls) : curl_(std::make_unique<Curl>(std::move(tls))) {}
HttpSession::~HttpSession() = default;

std::vector<HttpReply> HttpSession::Run(const Context& ctx, const HttpLimits& limits,
                                        std::span<const HttpRequest> requests,
                                        const HttpStream* stream) {
  std::vector<Transfer> transfers(requests.size());  // never resized: libcurl keeps their addresses
  for (size_t i = 0; i < requests.size(); ++i) {
    transfers[i].request = &requests[i];
    transfers[i].stream = stream;
    curl_->Begin(transfers[i], limits);
  }
  curl_->Pump(ctx, limits.deadline, transfers, stream);
  std::vector<HttpReply> replies;
  for (Transfer& t : transfers) replies.push_back(std::move(t.reply));
  return replies;
}

namespace {

// "host" and "port" of a URL; its scheme's port if it names none.
std::pair<std::string, std::string> AddressOf(const std::string& url) {
  std::pair<std::string, std::string> address;
  CURLU* parts = curl_url();
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(parts, which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return std::string();
    std::string copy = text;
    curl_free(text);
    return copy;
  };
  if (curl_url_set(parts, CURLUPART_URL, url.c_str(), 0) == CURLUE_OK)
    address = {part(CURLUPART_HOST), part(CURLUPART_PORT)};
  curl_url_cleanup(parts);
  return address;
}

int Stopped(void* ctx, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const Context*>(ctx)->Done() ? 1 : 0;
}

}  // namespace

HttpDial Dial(const Context& ctx, const std::string& url, const std::string& unix_socket) {
  InitOnce();
  HttpDial dial;
  const auto [host, port] = AddressOf(url);
  const std::string target = "http://" + host + ":" + port;
  CURL* e = curl_easy_init();
  char words[CURL_ERROR_SIZE] = {};
  curl_easy_setopt(e, CURLOPT_URL, target.c_str());
  if (!unix_socket.empty()) curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, unix_socket.c_str());
  curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(e, CURLOPT_PROXY, "");
  curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 15L);
  curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 5L);
  curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, kDialMs);
  curl_easy_setopt(e, CURLOPT_ERRORBUFFER, words);
  curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, &Stopped);
  curl_easy_setopt(e, CURLOPT_XFERINFODATA, &ctx);
  const CURLcode code = curl_easy_perform(e);
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (code == CURLE_OK && curl_easy_getinfo(e, CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK &&
      socket != CURL_SOCKET_BAD) {
    dial.socket = fcntl(socket, F_DUPFD_CLOEXEC, 0);
  }
  long number = 0;
  curl_easy_getinfo(e, CURLINFO_OS_ERRNO, &number);
  dial.os_errno = static_cast<int>(number);
  dial.failure = words[0] ? words : curl_easy_strerror(code);
  dial.host = host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
  curl_easy_cleanup(e);
  return dial;
}

}  // namespace zoe::docker
