#include "test/unit/apis/network.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace zoe {
namespace {

constexpr int kPatience = 10'000;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

Wire Wire::To(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  Wire wire(fd);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) wire.Close();
  return wire;
}

Wire::~Wire() { Close(); }
Wire::Wire(Wire&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      buffer_(std::move(other.buffer_)),
      closed_(other.closed_) {}

void Wire::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

// Disconnecting resets, whoever else holds the socket.
void Wire::Reset() {
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  connect(fd_, &nowhere, sizeof(nowhere));
}

void Wire::EndSending() { shutdown(fd_, SHUT_WR); }

bool Wire::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    pollfd wait{fd_, POLLOUT, 0};
    if (poll(&wait, 1, kPatience) <= 0) return false;
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

size_t Wire::SendUntilFull(std::string_view piece, size_t most) {
  size_t total = 0;
  while (total < most) {
    pollfd wait{fd_, POLLOUT, 0};
    if (poll(&wait, 1, 500) <= 0) return total;
    const ssize_t sent = send(fd_, piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return total;
    total += static_cast<size_t>(sent);
  }
  return total;
}

bool Wire::Fill() {
  pollfd wait{fd_, POLLIN, 0};
  if (fd_ < 0 || closed_ || poll(&wait, 1, kPatience) <= 0) return false;
  char bytes[65536];
  const ssize_t got = recv(fd_, bytes, sizeof(bytes), 0);
  if (got <= 0) {
    closed_ = true;
    return false;
  }
  buffer_.append(bytes, static_cast<size_t>(got));
  return true;
}

std::string Wire::Read(size_t size) {
  while (buffer_.size() < size && Fill()) {
  }
  std::string bytes = buffer_.substr(0, size);
  buffer_.erase(0, bytes.size());
  return bytes;
}

std::string Wire::ReadSome() {
  if (buffer_.empty()) Fill();
  return std::exchange(buffer_, {});
}

std::string Wire::ReadHead() {
  size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) return "";
  }
  return Read(end + 4);
}

std::string Wire::ReadAll() {
  while (Fill()) {
  }
  return std::exchange(buffer_, "");
}

size_t Wire::CountAll() {
  size_t count = std::exchange(buffer_, "").size();
  while (Fill()) count += std::exchange(buffer_, "").size();
  return count;
}

Network::Network(std::string password) : password_(std::move(password)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
  listen(listener_, 64);
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

Network::~Network() {
  stopping_ = true;
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  for (auto& [fd, thread] : threads_) {
    shutdown(fd, SHUT_RDWR);
    thread.join();
    close(fd);
  }
}

void Network::Add(const std::string& address, Program program) {
  const std::lock_guard lock(mutex_);
  programs_[address] = std::move(program);
}

void Network::Accept() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0 || stopping_) {
      if (fd >= 0) close(fd);
      return;
    }
    ++connections_;
    // A second descriptor stays open until the end: so that the destructor ends the right one.
    threads_.emplace_back(dup(fd), [this, fd] {
      Wire wire(fd);
      Serve(wire);
      if (wire.fd() >= 0) shutdown(wire.fd(), SHUT_RDWR);
    });
  }
}

void Network::Serve(Wire& wire) {
  if (wire.Read(3) != std::string("\x05\x01\x02", 3)) return;
  wire.Send(std::string("\x05\x02", 2));
  const auto text = [&wire] {
    const std::string size = wire.Read(1);
    return size.empty() ? size : wire.Read(static_cast<unsigned char>(size[0]));
  };
  wire.Read(1);
  const std::string user = text(), password = text();
  const bool known = user == "_gateway" && password == password_;
  wire.Send(std::string("\x01", 1) + (known ? '\0' : '\1'));
  if (!known || wire.Read(4) != std::string("\x05\x01\x00\x03", 4)) return;
  const std::string host = text(), port = wire.Read(2);
  if (port.size() < 2) return;
  const int number =
      static_cast<unsigned char>(port[0]) * 256 + static_cast<unsigned char>(port[1]);
  Program program;
  {
    const std::lock_guard lock(mutex_);
    const auto found = programs_.find(host + ":" + std::to_string(number));
    if (found != programs_.end()) program = found->second;
  }
  if (!program && refusal_ == 0) {
    wire.ReadAll();
    return;
  }
  const char reply = program ? '\0' : static_cast<char>(refusal_.load());
  wire.Send(std::string("\x05", 1) + reply + std::string("\0\x01\x0a\0\0\1\0\1", 8));
  if (program) program(wire);
}

}  // namespace zoe
