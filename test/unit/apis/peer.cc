#include "test/unit/apis/peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace zoe {

Peer::Peer(uint16_t port, int patience_ms, int receive_buffer)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), patience_ms_(patience_ms) {
  if (receive_buffer > 0)
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) Close();
}

Peer::~Peer() { Close(); }

Peer::Peer(Peer&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      patience_ms_(other.patience_ms_),
      buffer_(std::move(other.buffer_)),
      stream_(std::move(other.stream_)),
      chunked_(other.chunked_),
      ended_(other.ended_),
      closed_(other.closed_) {}

void Peer::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

bool Peer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool Peer::Fill() {
  if (fd_ < 0 || closed_) return false;
  pollfd wait{fd_, POLLIN, 0};
  if (poll(&wait, 1, patience_ms_) <= 0) return false;
  char bytes[16384];
  const ssize_t got = recv(fd_, bytes, sizeof(bytes), 0);
  if (got <= 0) {
    closed_ = true;
    return false;
  }
  buffer_.append(bytes, static_cast<size_t>(got));
  return true;
}

bool Peer::AwaitClose() {
  while (Fill()) buffer_.clear();
  return closed_;
}

bool Peer::ReadUntil(std::string_view mark, std::string& out) {
  size_t at = 0;
  while ((at = buffer_.find(mark)) == std::string::npos) {
    if (!Fill()) return false;
  }
  out = buffer_.substr(0, at);
  buffer_.erase(0, at + mark.size());
  return true;
}

Answer Peer::ReadHead() {
  Answer answer;
  std::string head;
  if (!ReadUntil("\r\n\r\n", head)) return answer;
  answer.status = std::atoi(head.substr(head.find(' ') + 1).c_str());
  size_t at = head.find("\r\n");
  while (at != std::string::npos) {
    const size_t end = head.find("\r\n", at + 2);
    const std::string line = head.substr(at + 2, end == std::string::npos ? end : end - at - 2);
    const size_t colon = line.find(": ");
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    answer.headers[name] = line.substr(colon + 2);
    at = end;
  }
  chunked_ = answer.headers.contains("transfer-encoding");
  return answer;
}

// One chunk into stream_. False at the end of the stream, however it comes.
bool Peer::ReadChunk() {
  std::string size_text;
  if (ended_ || !ReadUntil("\r\n", size_text)) return false;
  const size_t size = std::strtoul(size_text.c_str(), nullptr, 16);
  while (buffer_.size() < size + 2) {
    if (!Fill()) return false;
  }
  stream_ += buffer_.substr(0, size);
  buffer_.erase(0, size + 2);
  ended_ = size == 0;
  return !ended_;
}

std::string Peer::ReadLine() {
  size_t end = 0;
  while ((end = stream_.find('\n')) == std::string::npos) {
    if (!ReadChunk()) return "";
  }
  std::string line = stream_.substr(0, end);
  stream_.erase(0, end + 1);
  return line;
}

Answer Peer::Read(bool head) {
  Answer answer = ReadHead();
  if (answer.status == 0 || head || answer.status == 100) return answer;
  if (chunked_) {
    while (ReadChunk()) {
    }
    answer.body = std::exchange(stream_, "");
    answer.complete = std::exchange(ended_, false);
    return answer;
  }
  const size_t length = std::strtoul(answer.headers["content-length"].c_str(), nullptr, 10);
  while (buffer_.size() < length) {
    if (!Fill()) return answer;
  }
  answer.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  answer.complete = true;
  return answer;
}

Answer Peer::Call(std::string_view method, std::string_view target, std::string_view body,
                  std::string_view headers) {
  std::string request = std::string(method) + " " + std::string(target) +
                        " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers);
  if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  request += "\r\n" + std::string(body);
  if (!Send(request)) return {};
  return Read(method == "HEAD");
}

}  // namespace zoe
