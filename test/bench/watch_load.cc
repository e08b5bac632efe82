// Many watchers in one thread, cheap enough to share two cores with the server that it loads:
// watch_load HOST PORT PATH COUNT [tls [TOKEN]]. Says "open" once each of COUNT watches has its
// response head; then each line on stdin "wait EVENTS SECONDS" is answered by one line of JSON: how
// many events came to the poorest and to the richest watcher, how many watchers saw other bytes
// than the rest, and when the last event came (seconds since the epoch). "stream" gives what they
// saw: its length in bytes on a line, then the bytes. Ends with stdin.
#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

namespace {

double Now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "watch_load: %s\n", why.c_str());
  std::exit(1);
}

// The body of a chunked answer, without the framing. An event is a line.
struct Watcher {
  int fd = -1;
  SSL* ssl = nullptr;
  std::string head;  // until its end has come
  bool open = false;
  std::string size_line;  // of the chunk that begins
  size_t left = 0;        // bytes of the chunk, and of the line's end behind it
  size_t events = 0;
  size_t bytes = 0;      // of the stream
  bool differs = false;  // from what others had at the same place

  // `stream` is the longest so far.
  void Put(const char* data, size_t size, std::string& stream) {
    if (!open) {
      head.append(data, size);
      const size_t end = head.find("\r\n\r\n");
      if (end == std::string::npos) return;
      if (head.compare(0, 12, "HTTP/1.1 200") != 0) Fail("refused: " + head);
      open = true;
      const std::string rest = head.substr(end + 4);
      head = {};
      return Put(rest.data(), rest.size(), stream);
    }
    while (size > 0) {
      if (left == 0) {
        size_line += *data++, --size;
        if (size_line.back() != '\n') continue;
        left = std::strtoul(size_line.c_str(), nullptr, 16) + 2;
        size_line.clear();
        if (left == 2) Fail("a watch has ended");
        continue;
      }
      const size_t take = std::min(size, left);
      const size_t text = left > 2 ? std::min(take, left - 2) : 0;
      Compare(data, text, stream);
      data += take, size -= take, left -= take;
    }
  }

 private:
  void Compare(const char* data, size_t size, std::string& stream) {
    for (const char* at = data; (at = static_cast<const char*>(std::memchr(
                                     at, '\n', static_cast<size_t>(data + size - at)))) != nullptr;
         ++at)
      ++events;
    const size_t known = std::min(size, stream.size() - bytes);
    differs = differs || std::memcmp(stream.data() + bytes, data, known) != 0;
    stream.append(data + known, size - known);
    bytes += size;
  }
};

class Load {
 public:
  Load(const char* host, int port, const char* path, int count, bool tls, const std::string& token)
      : watchers_(static_cast<size_t>(count)), epoll_(::epoll_create1(0)) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    if (tls) context_ = SSL_CTX_new(TLS_client_method());
    std::string request = std::string("GET ") + path + " HTTP/1.1\r\nHost: localhost\r\n";
    if (!token.empty()) request += "Authorization: Bearer " + token + "\r\n";
    request += "Accept: application/json\r\n\r\n";
    for (size_t i = 0; i < watchers_.size(); ++i) Open(watchers_[i], host, port, request, i);
    while (std::any_of(watchers_.begin(), watchers_.end(), [](auto& w) { return !w.open; }))
      Poll(-1);
  }

  // Until each watcher has had `events` events, or `seconds` are over.
  void Wait(size_t events, double seconds) {
    const double end = Now() + seconds;
    const auto poorest = [&] {
      return std::min_element(watchers_.begin(), watchers_.end(), Poorer)->events;
    };
    while (total_ < events * watchers_.size() || poorest() < events) {
      if (Now() >= end) break;
      Poll(50);
    }
    const auto differing =
        std::count_if(watchers_.begin(), watchers_.end(), [](auto& w) { return w.differs; });
    std::printf("{\"least\": %zu, \"most\": %zu, \"differing\": %td, \"last\": %.6f}\n", poorest(),
                std::max_element(watchers_.begin(), watchers_.end(), Poorer)->events, differing,
                last_);
  }

  const std::string& stream() const { return stream_; }

 private:
  static bool Poorer(const Watcher& a, const Watcher& b) { return a.events < b.events; }

  void Open(Watcher& watcher, const char* host, int port, const std::string& request, size_t at) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    ::inet_pton(AF_INET, host, &address.sin_addr);
    watcher.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(watcher.fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
      Fail(std::string("connect: ") + std::strerror(errno));
    if (context_) {
      watcher.ssl = SSL_new(context_);
      SSL_set_fd(watcher.ssl, watcher.fd);
      if (SSL_connect(watcher.ssl) != 1) Fail("no TLS");
      SSL_write(watcher.ssl, request.data(), static_cast<int>(request.size()));
    } else if (::write(watcher.fd, request.data(), request.size()) < 0) {
      Fail(std::string("write: ") + std::strerror(errno));
    }
    ::fcntl(watcher.fd, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = at;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, watcher.fd, &event);
  }

  ssize_t Receive(Watcher& watcher) {
    if (!watcher.ssl) return ::read(watcher.fd, buffer_, sizeof(buffer_));
    const int got = SSL_read(watcher.ssl, buffer_, sizeof(buffer_));
    if (got <= 0 && SSL_get_error(watcher.ssl, got) == SSL_ERROR_WANT_READ) errno = EAGAIN;
    return got > 0 ? got : -1;
  }

  void Poll(int milliseconds) {
    epoll_event ready[256];
    const int count = ::epoll_wait(epoll_, ready, 256, milliseconds);
    for (int i = 0; i < count; ++i) {
      Watcher& watcher = watchers_[ready[i].data.u64];
      ssize_t got;
      while ((got = Receive(watcher)) > 0) {
        const size_t before = watcher.events;
        watcher.Put(buffer_, static_cast<size_t>(got), stream_);
        if (watcher.events == before) continue;
        total_ += watcher.events - before;
        last_ = Now();
      }
      if (got == 0 || errno != EAGAIN) Fail("the server has closed a watch");
    }
  }

  std::vector<Watcher> watchers_;
  const int epoll_;
  SSL_CTX* context_ = nullptr;
  size_t total_ = 0;
  double last_ = 0;
  std::string stream_;
  char buffer_[256 * 1024];
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) Fail("usage: watch_load HOST PORT PATH COUNT [tls [TOKEN]]");
  static Load load(argv[1], std::atoi(argv[2]), argv[3], std::atoi(argv[4]), argc > 5,
                   argc > 6 ? argv[6] : "");
  std::printf("open\n");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line); std::fflush(stdout)) {
    size_t events = 0;
    double seconds = 0;
    if (std::sscanf(line.c_str(), "wait %zu %lf", &events, &seconds) == 2) {
      load.Wait(events, seconds);
    } else if (line == "stream") {
      std::printf("%zu\n", load.stream().size());
      std::fwrite(load.stream().data(), 1, load.stream().size(), stdout);
    } else {
      Fail("unknown: " + line);
    }
  }
  return 0;
}
