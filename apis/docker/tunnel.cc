#include "apis/docker/tunnel.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "apis/docker/engine_error.h"

namespace zoe::docker {
namespace {

constexpr int kPiece = 64 * 1024;
constexpr size_t kMaxHead = 64 * 1024, kMaxRefusal = 64 * 1024;
// How long a call sleeps without a look at its clock.
constexpr int64_t kSliceMs = 250;

std::string TlsFailure() {
  std::array<char, 256> text{};
  const unsigned long code = ERR_get_error();
  if (code == 0) return "the TLS connection broke";
  ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

void Wake(int event) {
  const uint64_t one = 1;
  (void)!write(event, &one, sizeof(one));
}

// The value of a header field of `head`, which has a line for each; "" if it isn't there.
std::string FieldOf(const std::string& head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at)) {
    at += 2;
    const size_t colon = at + name.size();
    if (colon >= head.size() || head[colon] != ':' ||
        strncasecmp(head.data() + at, name.data(), name.size()) != 0)
      continue;
    const size_t begin = std::min(head.find_first_not_of(' ', colon + 1), head.size());
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
  return {};
}

}  // namespace

struct Tunnel::Tls {
  SSL_CTX* context = nullptr;
  SSL* session = nullptr;
  ~Tls() {
    SSL_free(session);
    SSL_CTX_free(context);
  }
};

Tunnel::Tunnel(int socket, std::string where)
    : socket_(socket),
      wake_reader_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      wake_writer_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      where_(std::move(where)) {
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
}

Tunnel::~Tunnel() {
  tls_.reset();
  for (const int fd : {socket_, wake_reader_, wake_writer_}) close(fd);
}

Error Tunnel::Broken() const {
  return MakeError(Code::kUnavailable, "the connection to Docker at " + where_ + " broke");
}

Expected<std::unique_ptr<Tunnel>> Tunnel::Open(const Context& ctx, const std::string& where,
                                               const std::string& base,
                                               const std::string& unix_socket,
                                               const TlsFiles& tls) {
  const HttpDial dial = Dial(ctx, base, unix_socket);
  if (dial.socket < 0) {
    if (ctx.stop.stop_requested()) return MakeError(Code::kCancelled, "cancelled");
    return Unreachable(where, !unix_socket.empty(), dial.os_errno, dial.failure);
  }
  std::unique_ptr<Tunnel> tunnel(new Tunnel(dial.socket, where));
  if (base.starts_with("https://")) ZOE_TRY(tunnel->StartTls(ctx, dial.host, tls));
  return tunnel;
}

Expected<void> Tunnel::StartTls(const Context& ctx, const std::string& host,
                                const TlsFiles& files) {
  const auto no = [&](const std::string& why) {
    return MakeError(Code::kUnavailable, "no TLS connection to Docker at " + where_ + ": " + why);
  };
  auto tls = std::make_unique<Tls>();
  tls->context = SSL_CTX_new(TLS_client_method());
  SSL_CTX* context = tls->context;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (files.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_locations(context, files.ca.c_str(), nullptr) != 1) {
    return no("the authority's file " + files.ca + " can't be read: " + TlsFailure());
  }
  if (!files.cert.empty() &&
      (SSL_CTX_use_certificate_chain_file(context, files.cert.c_str()) != 1 ||
       SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1)) {
    return no("our certificate or its key can't be read: " + TlsFailure());
  }
  tls->session = SSL_new(context);
  X509_VERIFY_PARAM* expected = SSL_get0_param(tls->session);
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) != 1) {
    SSL_set1_host(tls->session, host.c_str());
    SSL_set_tlsext_host_name(tls->session, host.c_str());
  }
  SSL_set_fd(tls->session, socket_);
  while (true) {
    ERR_clear_error();
    const int done = SSL_connect(tls->session);
    if (done == 1) break;
    const int error = SSL_get_error(tls->session, done);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      const long verified = SSL_get_verify_result(tls->session);
      return no(verified == X509_V_OK ? TlsFailure() : X509_verify_cert_error_string(verified));
    }
    ZOE_TRY(Wait(ctx, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, wake_reader_));
  }
  tls_ = std::move(tls);
  return {};
}

Expected<void> Tunnel::Wait(const Context& ctx, short events, int wake) {
  const std::stop_callback on_stop(ctx.stop, [wake] { Wake(wake); });
  if (ctx.Done()) return MakeError(Code::kCancelled, "cancelled");
  const auto left = std::chrono::ceil<Duration>(ctx.deadline - ctx.clock.Now()).count();
  std::array<pollfd, 2> watched{{{socket_, events, 0}, {wake, POLLIN, 0}}};
  poll(watched.data(), watched.size(), static_cast<int>(std::clamp<int64_t>(left, 1, kSliceMs)));
  uint64_t woken = 0;
  (void)!read(wake, &woken, sizeof(woken));
  return {};
}

int Tunnel::TryRead(char* to, int size, short& events) {
  events = POLLIN;
  if (!tls_) {
    const ssize_t n = recv(socket_, to, static_cast<size_t>(size), 0);
    if (n < 0 && errno != EAGAIN && errno != EINTR) events = 0;
    return static_cast<int>(n);
  }
  const std::lock_guard lock(mutex_);
  ERR_clear_error();
  const int n = SSL_read(tls_->session, to, size);
  if (n > 0) return n;
  const int error = SSL_get_error(tls_->session, n);
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  events = error == SSL_ERROR_WANT_READ ? POLLIN : (error == SSL_ERROR_WANT_WRITE ? POLLOUT : 0);
  return -1;
}

int Tunnel::TryWrite(const char* from, int size, short& events) {
  events = POLLOUT;
  if (!tls_) {
    const ssize_t n = send(socket_, from, static_cast<size_t>(size), MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) events = 0;
    return static_cast<int>(n);
  }
  const std::lock_guard lock(mutex_);
  ERR_clear_error();
  const int n = SSL_write(tls_->session, from, size);
  if (n > 0) return n;
  const int error = SSL_get_error(tls_->session, n);
  events = error == SSL_ERROR_WANT_READ ? POLLIN : (error == SSL_ERROR_WANT_WRITE ? POLLOUT : 0);
  return -1;
}

Expected<std::string> Tunnel::Read(const Context& ctx) {
  if (!early_.empty()) return std::exchange(early_, {});
  std::string piece(kPiece, '\0');
  while (true) {
    short events = 0;
    const int n = TryRead(piece.data(), kPiece, events);
    if (n >= 0) {
      piece.resize(static_cast<size_t>(n));
      return piece;
    }
    if (events == 0) return Broken();
    ZOE_TRY(Wait(ctx, events, wake_reader_));
  }
}

Expected<void> Tunnel::Write(const Context& ctx, std::string_view bytes) {
  while (!bytes.empty()) {
    short events = 0;
    const int size = static_cast<int>(std::min<size_t>(bytes.size(), kPiece));
    const int n = TryWrite(bytes.data(), size, events);
    if (n > 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    if (events == 0) return Broken();
    ZOE_TRY(Wait(ctx, events, wake_writer_));
  }
  return {};
}

void Tunnel::EndWriting() {
  if (!tls_) {
    shutdown(socket_, SHUT_WR);
    return;
  }
  const std::lock_guard lock(mutex_);
  SSL_shutdown(tls_->session);
}

Expected<HttpReply> Tunnel::Ask(const Context& ctx, std::string_view request) {
  ZOE_TRY(Write(ctx, request));
  std::string text;
  size_t end = std::string::npos;
  while (end == std::string::npos) {
    ZOE_ASSIGN(const std::string piece, Read(ctx));
    if (piece.empty() || text.size() > kMaxHead) return Broken();
    text += piece;
    end = text.find("\r\n\r\n");
  }
  HttpReply reply;
  reply.end = HttpEnd::kAnswered;
  if (!text.starts_with("HTTP/1.1 ") || text.size() < 12) return Nonsense("an upgrade", text);
  std::from_chars(text.data() + 9, text.data() + 12, reply.status);
  const std::string head = text.substr(0, end + 2);
  early_ = text.substr(end + 4);
  // Engines before 1.42's days answer a hijack with 200 and a stream without a length.
  const std::string length = FieldOf(head, "content-length");
  if (reply.status == 101 || (reply.status == 200 && length.empty())) return reply;
  size_t most = kMaxRefusal;
  if (!length.empty()) std::from_chars(length.data(), length.data() + length.size(), most);
  reply.body = std::exchange(early_, {});
  while (reply.body.size() < std::min(most, kMaxRefusal)) {
    ZOE_ASSIGN(const std::string piece, Read(ctx));
    if (piece.empty()) break;
    reply.body += piece;
  }
  return reply;
}

}  // namespace zoe::docker
