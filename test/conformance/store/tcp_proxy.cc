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

TcpProxy::TcpProxy(int server_port) : server_port_(server_port) {
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
  Wake();
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
    const bool to_server = to_server_, to_client = to_client_;
    std::vector<pollfd> fds = {{wake_[0], POLLIN, 0}, {to_server ? listener_ : -1, POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      fds.push_back({to_server ? pair.client : -1, POLLIN, 0});
      fds.push_back({to_client ? pair.server : -1, POLLIN, 0});
    }
    poll(fds.data(), fds.size(), -1);
    char drained[64];
    while (read(wake_[0], drained, sizeof(drained)) > 0) continue;
    const bool cut = cut_;
    std::vector<Pair> open;
    for (size_t i = 0; i < pairs_.size(); ++i) {
      const Pair pair = pairs_[i];
      const bool request = !cut && fds[2 + 2 * i].revents != 0,
                 reply = !cut && fds[3 + 2 * i].revents != 0;
      bool fine = !cut && (!request || Forward(pair.client, pair.server) > 0);
      if (fine && reply) {
        const int64_t size = Forward(pair.server, pair.client);
        fine = size > 0;
        if (hold_after_ > 0 && (hold_after_ -= size) <= 0) hold_after_ = 0, to_server_ = false;
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
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(server_port_);
  if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close(client);
    close(server);
    return;
  }
  const int on = 1;
  for (const int fd : {client, server}) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  pairs_.push_back({client, server});
}

int64_t TcpProxy::Forward(int from, int to) {
  char bytes[65536];
  const ssize_t size = recv(from, bytes, sizeof(bytes), 0);
  if (size <= 0) return 0;
  for (ssize_t sent = 0; sent < size;) {
    const ssize_t n = send(to, bytes + sent, static_cast<size_t>(size - sent), MSG_NOSIGNAL);
    if (n <= 0) return 0;
    sent += n;
  }
  return size;
}

}  // namespace zoe::conformance
