#include "apis/server/session.h"

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdio>
#include <ctime>
#include <optional>

#include "apis/server/status.h"

namespace zoe::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using TlsStream = asio::ssl::stream<tcp::socket>;

constexpr size_t kReadHeader = 4 * 1024;
constexpr size_t kReadBody = 64 * 1024;
constexpr size_t kLingerBytes = 64 << 20;
constexpr std::chrono::seconds kLinger{2};

tcp::socket& SocketOf(tcp::socket& stream) { return stream; }
tcp::socket& SocketOf(TlsStream& stream) { return stream.next_layer(); }

Method MethodOf(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Method::kGet;
    case http::verb::head:
      return Method::kHead;
    case http::verb::post:
      return Method::kPost;
    case http::verb::put:
      return Method::kPut;
    case http::verb::patch:
      return Method::kPatch;
    case http::verb::delete_:
      return Method::kDelete;
    default:
      return Method::kOther;
  }
}

// IMF-fixdate of now, made once a second by each thread.
const std::string& DateHeader() {
  thread_local std::time_t made_at = 0;
  thread_local std::string text;
  const std::time_t now = std::time(nullptr);
  if (now != made_at) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    char buffer[40];
    text.assign(buffer, std::strftime(buffer, sizeof(buffer), "%a, %d %b %Y %H:%M:%S GMT", &utc));
    made_at = now;
  }
  return text;
}

// The answer to what the parser refuses.
Response Refusal(const error_code& error, const ServerLimits& limits) {
  if (error == http::error::body_limit) {
    return StatusResponse(
        413, "RequestEntityTooLarge",
        "the body is larger than " + std::to_string(limits.body_bytes) + " bytes");
  }
  if (error == http::error::header_limit) {
    return StatusResponse(
        431, "RequestHeaderFieldsTooLarge",
        "the header is larger than " + std::to_string(limits.header_bytes) + " bytes");
  }
  return ErrorResponse(
      MakeError(Code::kBadRequest, "this is no valid HTTP request: " + error.message()));
}

template <class Transport>
class Session final : public Connection, public std::enable_shared_from_this<Session<Transport>> {
 public:
  template <class... Tls>
  explicit Session(Loop& loop, tcp::socket socket, Tls&... tls)
      : loop_(loop), transport_(std::move(socket), tls...) {}

  void Start() override;
  void Tick(SteadyTime now) override;
  void Pump() override;
  void Finish() override;
  void Abort() override { Close(); }

  void Send(Response response) override;
  void Stream(Response head, std::shared_ptr<Producer> producer) override;
  void Wake() override;
  std::stop_token stop() const override { return stop_.get_token(); }
  WatchHub& hub() override { return loop_.hub; }
  asio::io_context& context() override { return loop_.context; }

 private:
  enum class State { kReading, kHandling, kWriting, kStreaming, kLingering, kClosed };
  using Parser = http::request_parser<http::string_body>;

  std::shared_ptr<Session> Self() { return this->shared_from_this(); }
  void Expire(Duration after) { deadline_ = std::chrono::steady_clock::now() + after; }

  void NextRequest();
  void Read();
  void OnRead(const error_code& error, size_t bytes);
  void Parse();
  bool OnHeader();
  void Dispatch();
  void Refuse(Response response);
  void Write(Response response);
  void OnWritten(const error_code& error);
  void BeginStream(Response head, std::shared_ptr<Producer> producer);
  void OnStreamWritten(const error_code& error);
  void MakeHead(const Response& response, bool streamed);
  void WatchForClose();
  void Linger();
  void Discard();
  void Close();

  Loop& loop_;
  Transport transport_;
  beast::flat_buffer buffer_{kReadBody * 2};
  std::optional<Parser> parser_;
  State state_ = State::kReading;
  SteadyTime deadline_ = SteadyTime::max();
  bool begun_request_ = false, header_done_ = false;
  bool keep_alive_ = false, http11_ = true;
  bool writing_ = false;  // kStreaming: a write is under way
  size_t discarded_ = 0;
  std::string head_;  // of the answer, or of a chunk
  Response response_;
  Pieces pieces_;
  std::shared_ptr<Producer> producer_;
  std::stop_source stop_;
};

template <class Transport>
void Session<Transport>::Start() {
  loop_.Add(Self());
  if (loop_.stopping) return Close();
  error_code ignored;
  const auto remote = SocketOf(transport_).remote_endpoint(ignored);
  request.remote = remote.address().to_string(ignored);
  SocketOf(transport_).set_option(tcp::no_delay(true), ignored);
  Expire(loop_.limits.read_deadline);
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(loop_.limits.header_bytes));
  parser_->body_limit(loop_.limits.body_bytes);
  if constexpr (std::is_same_v<Transport, TlsStream>) {
    transport_.async_handshake(asio::ssl::stream_base::server,
                               [self = Self()](const error_code& error) {
                                 if (error || self->state_ == State::kClosed) return self->Close();
                                 self->Read();
                               });
  } else {
    Read();
  }
}

template <class Transport>
void Session<Transport>::NextRequest() {
  state_ = State::kReading;
  begun_request_ = header_done_ = false;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(loop_.limits.header_bytes));
  parser_->body_limit(loop_.limits.body_bytes);
  Expire(loop_.limits.idle);
  Parse();
}

template <class Transport>
void Session<Transport>::Read() {
  const size_t room = buffer_.max_size() - buffer_.size();
  if (room == 0) {
    return Refuse(ErrorResponse(MakeError(
        Code::kBadRequest, "this is no valid HTTP request: a chunk header does not end")));
  }
  const auto space = buffer_.prepare(std::min(room, header_done_ ? kReadBody : kReadHeader));
  transport_.async_read_some(space, [self = Self()](const error_code& error, size_t bytes) {
    self->OnRead(error, bytes);
  });
}

template <class Transport>
void Session<Transport>::OnRead(const error_code& error, size_t bytes) {
  if (error || state_ == State::kClosed) return Close();
  buffer_.commit(bytes);
  Parse();
}

template <class Transport>
void Session<Transport>::Parse() {
  while (buffer_.size() > 0) {
    if (!begun_request_) {
      begun_request_ = true;
      Expire(loop_.limits.read_deadline);
    }
    error_code error;
    buffer_.consume(parser_->put(buffer_.data(), error));
    if (error == http::error::need_more) break;
    if (error) return Refuse(Refusal(error, loop_.limits));
    if (!header_done_ && parser_->is_header_done()) {
      header_done_ = true;
      if (!OnHeader()) return;
    }
    if (parser_->is_done()) return Dispatch();
  }
  Read();
}

// False if the request went another way: refused, or waiting for "100 Continue" to be written.
template <class Transport>
bool Session<Transport>::OnHeader() {
  const auto& message = parser_->get();
  const auto text = [&](http::field field) { return std::string(message[field]); };
  http11_ = message.version() >= 11;
  keep_alive_ = message.keep_alive() && !loop_.stopping;
  request.method = MethodOf(message.method());
  request.target = std::string(message.target());
  request.host = text(http::field::host);
  request.origin = text(http::field::origin);
  request.fetch_site = std::string(message["Sec-Fetch-Site"]);
  request.accept = text(http::field::accept);
  request.content_type = text(http::field::content_type);
  request.authorization = text(http::field::authorization);
  // RFC 9112 3.2 and 6.1: what is ambiguous between us and a proxy before us is refused.
  const char* wrong = nullptr;
  if (message.version() != 10 && message.version() != 11)
    wrong = "only HTTP/1.0 and HTTP/1.1 are spoken here";
  if (http11_ && message.count(http::field::host) != 1)
    wrong = "HTTP/1.1 needs exactly one Host header";
  if (message.count(http::field::transfer_encoding) > 0 && !parser_->chunked())
    wrong = "the only transfer encoding is chunked";
  if (wrong != nullptr) {
    Refuse(ErrorResponse(MakeError(Code::kBadRequest, wrong)));
    return false;
  }
  if (parser_->is_done()) return true;
  Expire(loop_.limits.read_deadline);
  if (!beast::iequals(message[http::field::expect], "100-continue") || buffer_.size() > 0)
    return true;
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(transport_, asio::buffer(kContinue),
                    [self = Self()](const error_code& error, size_t) {
                      if (error || self->state_ == State::kClosed) return self->Close();
                      self->Read();
                    });
  return false;
}

template <class Transport>
void Session<Transport>::Dispatch() {
  request.body = std::move(parser_->get().body());
  state_ = State::kHandling;
  deadline_ = SteadyTime::max();  // handlers are bounded themselves
  begun = std::chrono::steady_clock::now();
  loop_.hooks.handle(Self());
}

// What was not understood ends the connection: where the next request would begin is not known.
template <class Transport>
void Session<Transport>::Refuse(Response response) {
  state_ = State::kHandling;
  keep_alive_ = false;
  Write(std::move(response));
}

template <class Transport>
void Session<Transport>::MakeHead(const Response& response, bool streamed) {
  head_.clear();
  head_ += "HTTP/1.1 ";
  head_ += std::to_string(response.status);
  head_ += ' ';
  head_ += StatusText(response.status);
  head_ += "\r\nDate: ";
  head_ += DateHeader();
  head_ += "\r\nContent-Type: ";
  head_ += response.content_type;
  if (!streamed) {
    head_ += "\r\nContent-Length: ";
    head_ += std::to_string(response.size());
  } else if (http11_) {
    head_ += "\r\nTransfer-Encoding: chunked";
  }
  head_ += "\r\nCache-Control: no-cache, private\r\nX-Content-Type-Options: nosniff";
  for (const auto& [name, value] : response.headers) head_ += "\r\n" + name + ": " + value;
  if (!keep_alive_) {
    head_ += "\r\nConnection: close";
  } else if (!http11_) {
    head_ += "\r\nConnection: keep-alive";
  }
  head_ += "\r\n\r\n";
}

template <class Transport>
void Session<Transport>::Send(Response response) {
  if (loop_.InThread()) return Write(std::move(response));
  asio::post(loop_.context, [self = Self(), response = std::move(response)]() mutable {
    self->Write(std::move(response));
  });
}

template <class Transport>
void Session<Transport>::Write(Response response) {
  if (state_ != State::kHandling) return;
  state_ = State::kWriting;
  Expire(loop_.limits.write_deadline);
  if (loop_.stopping) keep_alive_ = false;
  response_ = std::move(response);
  MakeHead(response_, false);
  const bool head_only = request.method == Method::kHead;
  std::array<asio::const_buffer, 4> buffers{asio::buffer(head_)};
  if (!head_only) {
    buffers[1] = asio::buffer(response_.prefix);
    buffers[2] = response_.body ? asio::buffer(*response_.body) : asio::const_buffer();
    buffers[3] = asio::buffer(response_.suffix);
  }
  asio::async_write(transport_, buffers,
                    [self = Self()](const error_code& error, size_t) { self->OnWritten(error); });
}

template <class Transport>
void Session<Transport>::OnWritten(const error_code& error) {
  if (error || state_ == State::kClosed) return Close();
  response_ = {};
  if (!keep_alive_ || loop_.stopping) return Linger();
  NextRequest();
}

template <class Transport>
void Session<Transport>::Stream(Response head, std::shared_ptr<Producer> producer) {
  if (loop_.InThread()) return BeginStream(std::move(head), std::move(producer));
  asio::post(loop_.context,
             [self = Self(), head = std::move(head), producer = std::move(producer)]() mutable {
               self->BeginStream(std::move(head), std::move(producer));
             });
}

template <class Transport>
void Session<Transport>::BeginStream(Response head, std::shared_ptr<Producer> producer) {
  if (state_ != State::kHandling) return producer->Closed();
  keep_alive_ = false;  // a stream is the last thing on its connection
  state_ = State::kStreaming;
  producer_ = std::move(producer);
  MakeHead(head, true);
  writing_ = true;
  Expire(loop_.limits.write_deadline);
  if (request.method == Method::kHead) pieces_.end = true;
  loop_.SetStreaming(this, true);
  WatchForClose();
  asio::async_write(
      transport_, asio::buffer(head_),
      [self = Self()](const error_code& error, size_t) { self->OnStreamWritten(error); });
}

template <class Transport>
void Session<Transport>::Pump() {
  if (state_ != State::kStreaming || writing_) return;
  pieces_ = {};
  producer_->Fill(pieces_);
  if (loop_.stopping) pieces_.end = true;
  if (pieces_.abort) return Close();
  if (pieces_.bodies.empty() && !pieces_.end) {
    deadline_ = SteadyTime::max();
    return;
  }
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(pieces_.bodies.size() + 2);
  head_.clear();
  if (http11_ && pieces_.bytes > 0) {
    char size[24];
    head_.assign(size,
                 static_cast<size_t>(std::snprintf(size, sizeof(size), "%zx\r\n", pieces_.bytes)));
    buffers.push_back(asio::buffer(head_));
  }
  for (const Body& body : pieces_.bodies) buffers.push_back(asio::buffer(*body));
  static constexpr std::string_view kChunkEnd = "\r\n", kLastChunk = "0\r\n\r\n";
  if (http11_ && pieces_.bytes > 0) buffers.push_back(asio::buffer(kChunkEnd));
  if (http11_ && pieces_.end) buffers.push_back(asio::buffer(kLastChunk));
  writing_ = true;
  Expire(loop_.limits.write_deadline);
  asio::async_write(transport_, buffers, [self = Self()](const error_code& error, size_t) {
    self->OnStreamWritten(error);
  });
}

template <class Transport>
void Session<Transport>::OnStreamWritten(const error_code& error) {
  writing_ = false;
  if (error || state_ != State::kStreaming) return Close();
  if (pieces_.end) return Linger();
  Pump();
}

template <class Transport>
void Session<Transport>::Wake() {
  asio::post(loop_.context, [self = Self()] { self->Pump(); });
}

// While an answer is streamed nothing is expected from the client but its end.
template <class Transport>
void Session<Transport>::WatchForClose() {
  buffer_.clear();
  transport_.async_read_some(buffer_.prepare(512),
                             [self = Self()](const error_code& error, size_t) {
                               if (self->state_ == State::kLingering)
                                 return error ? self->Close() : self->Discard();
                               if (error || self->state_ != State::kStreaming) return self->Close();
                               self->WatchForClose();
                             });
}

template <class Transport>
void Session<Transport>::Tick(SteadyTime now) {
  if (now >= deadline_) return Close();
  if (state_ == State::kStreaming && !writing_ && now >= producer_->next()) Pump();
}

template <class Transport>
void Session<Transport>::Finish() {
  if (state_ == State::kReading && !begun_request_) return Close();
  if (state_ == State::kLingering) return Close();
  keep_alive_ = false;
  stop_.request_stop();
  if (state_ == State::kStreaming) Pump();
}

// Closing a socket with unread bytes resets the connection, and the client may lose an answer that
// it has not read yet: so our side is closed first, and what still comes is thrown away for a
// while.
template <class Transport>
void Session<Transport>::Linger() {
  const bool reading =
      state_ == State::kStreaming;  // WatchForClose() reads, and will go on by Discard()
  if (producer_) {
    loop_.SetStreaming(this, false);
    producer_->Closed();
    producer_.reset();
  }
  state_ = State::kLingering;
  if (loop_.stopping) return Close();
  Expire(kLinger);
  error_code ignored;
  if constexpr (std::is_same_v<Transport, TlsStream>) {
    if (reading) return Close();
    transport_.async_shutdown([self = Self()](const error_code&) { self->Close(); });
  } else {
    SocketOf(transport_).shutdown(tcp::socket::shutdown_send, ignored);
    if (!reading) Discard();
  }
}

template <class Transport>
void Session<Transport>::Discard() {
  if (state_ != State::kLingering || discarded_ > kLingerBytes) return Close();
  buffer_.clear();
  transport_.async_read_some(buffer_.prepare(kReadBody),
                             [self = Self()](const error_code& error, size_t bytes) {
                               if (error) return self->Close();
                               self->discarded_ += bytes;
                               self->Discard();
                             });
}

template <class Transport>
void Session<Transport>::Close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  const auto self = Self();
  stop_.request_stop();
  if (producer_) {
    producer_->Closed();
    producer_.reset();
  }
  error_code ignored;
  SocketOf(transport_).close(ignored);
  loop_.Remove(self);
}

}  // namespace

void StartSession(Loop& loop, tcp::socket socket, asio::ssl::context* tls) {
  std::shared_ptr<Connection> session;
  if (tls != nullptr) {
    session = std::make_shared<Session<TlsStream>>(loop, std::move(socket), *tls);
  } else {
    session = std::make_shared<Session<tcp::socket>>(loop, std::move(socket));
  }
  asio::post(loop.context, [session] { session->Start(); });
}

}  // namespace zoe::server
