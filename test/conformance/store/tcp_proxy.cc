#include "test/conformance/store/tcp_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace zoe::conformance {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

TcpProxy::TcpProxy(int server_port, Absent absent) : server_port_(server_port), absent_(absent) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      pipe2(wake_, O_CLOEXEC | O_NONBLOCK) != 0)
    std::abort();
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Run(); });
}

TcpProxy::~TcpProxy() {
  stop_ = true;
  Wake();
  thread_.join();
  for (const Pair& pair : pairs_) close(pair.client), close(pair.server);
  for (const int fd : {listener_, wake_[0], wake_[1]}) close(fd);
}

void TcpProxy::Set(bool to_server, bool to_client) {
  to_server_ = to_server;
  to_client_ = to_client;
  const int mine = ++set_;
  Wake();
  while (seen_ < mine) poll(nullptr, 0, 1);
}

void TcpProxy::Cut() {
  cut_ = true;
  Wake();
  while (cut_) poll(nullptr, 0, 1);
}

void TcpProxy::Wake() {
  if (write(wake_[1], "x", 1) < 0) return;  // full: it wakes anyway
}

void TcpProxy::Run() {
  while (!stop_) {
    const int set = set_;
    const bool to_server = to_server_, to_client = to_client_;
    seen_ = set;
    std::vector<pollfd> fds = {{wake_[0], POLLIN, 0},
                               {to_server && !absent_now_ ? listener_ : -1, POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      fds.push_back({to_server ? pair.client : -1, POLLIN, 0});
      fds.push_back({to_client ? pair.server : -1, POLLIN, 0});
    }
    poll(fds.data(), fds.size(), absent_now_ ? 10 : -1);
    absent_now_ = false;
    char drained[64];
    while (read(wake_[0], drained, sizeof(drained)) > 0) continue;
    const bool cut = cut_;
    std::vector<Pair> open;
    for (size_t i = 0; i < pairs_.size(); ++i) {
      Pair pair = pairs_[i];
      const bool request = !cut && fds[2 + 2 * i].revents != 0,
                 reply = !cut && fds[3 + 2 * i].revents != 0;
      bool fine = !cut && (!request || Forward(pair.client, pair.server, pair.requests) > 0);
      if (fine && reply) {
        const int64_t size = Forward(pair.server, pair.client, pair.replies);
        fine = size > 0;
        if (hold_after_ > 0 && (hold_after_ -= size) <= 0) hold_after_ = 0, to_server_ = false;
        if (hold_replies_after_ > 0 && (hold_replies_after_ -= size) <= 0)
          hold_replies_after_ = 0, to_client_ = false;
      }
      if (fine) {
        open.push_back(pair);
      } else {
        close(pair.client);
        close(pair.server);
      }
    }
    pairs_ = std::move(open);
    if (cut) cut_ = false;
    if (fds[1].revents != 0) Accept();
  }
}

void TcpProxy::Accept() {
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(server_port_);
  const bool present =
      connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  absent_now_ = !present && absent_ == Absent::kWait;
  const int client = absent_now_ ? -1 : accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (!present || client < 0) {
    close(server);
    if (client >= 0) close(client);
    return;
  }
  const int on = 1;
  for (const int fd : {client, server}) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  pairs_.push_back({client, server});
}

int64_t TcpProxy::Forward(int from, int to, Framing& framing) {
  char bytes[65536];
  const ssize_t size = recv(from, bytes, sizeof(bytes), 0);
  if (size <= 0) return 0;
  Measure(bytes, size, framing);
  for (ssize_t sent = 0; sent < size;) {
    const ssize_t n = send(to, bytes + sent, static_cast<size_t>(size - sent), MSG_NOSIGNAL);
    if (n <= 0) return 0;
    sent += n;
  }
  return size;
}

void TcpProxy::Measure(const char* bytes, int64_t size, Framing& framing) {
  for (int64_t i = 0; i < size;) {
    if (framing.left > 0) {
      const int64_t step = std::min(framing.left, size - i);
      framing.left -= step;
      i += step;
      continue;
    }
    framing.length = framing.length << 8 | static_cast<unsigned char>(bytes[i++]);
    if (++framing.length_bytes < 4) continue;
    framing.left = framing.length;
    largest_message_ = std::max<int64_t>(largest_message_, framing.length);
    framing.length = 0;
    framing.length_bytes = 0;
  }
}

}  // namespace zoe::conformance
