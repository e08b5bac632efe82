#include "apis/server/session.h"

#include <netinet/tcp.h>

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <cstdio>
#include <optional>

#include "apis/server/head.h"
#include "apis/server/request_parser.h"
#include "apis/server/status.h"

namespace zoe::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using TlsStream = asio::ssl::stream<tcp::socket>;
using Step = RequestParser::Step;

constexpr size_t kReadHeader = 4 * 1024;
constexpr size_t kReadBody = 64 * 1024;
constexpr size_t kLingerBytes = 64 << 20;
constexpr std::chrono::seconds kLinger{2};

tcp::socket& SocketOf(tcp::socket& stream) { return stream; }
tcp::socket& SocketOf(TlsStream& stream) { return stream.next_layer(); }

// One read and one write may be under way at a time. What is read belongs to the request until that
// is complete; then, in a tunnel, to the stream; else it is the next request and waits.
template <class Transport>
class Session final : public Connection, public std::enable_shared_from_this<Session<Transport>> {
 public:
  template <class... Tls>
  explicit Session(Loop& loop, tcp::socket socket, Tls&... tls)
      : loop_(loop), transport_(std::move(socket), tls...), parser_(loop.limits) {}

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

  std::shared_ptr<Session> Self() { return this->shared_from_this(); }
  static SteadyTime In(Duration after) { return std::chrono::steady_clock::now() + after; }
  void Expire(Duration after) { deadline_ = In(after); }
  bool ended() const { return state_ == State::kLingering || state_ == State::kClosed; }

  // Reading.
  void NextRequest();
  void Read();
  void OnRead(const error_code& error, size_t bytes);
  void Parse();
  void Continue();
  void Dispatch();
  void DispatchStreamed();
  void Refuse(Response response);
  void Watch();
  // Bodies that are taken as they come, and tunnels.
  void ResumeBody();
  void ParseBody();
  void BreakBody();
  void SettleBody();
  void Tunnel();
  // Answering.
  void Write(Response response);
  void OnWritten(const error_code& error);
  void BeginStream(Response head, std::shared_ptr<Producer> producer);
  Framing FrameStream(const Response& head);
  bool Account();
  void WritePieces();
  void OnStreamWritten(const error_code& error);
  void EndStream();
  void DropProducer();
  void Linger();
  void EndTls();
  void Discard();
  void Close();

  Loop& loop_;
  Transport transport_;
  beast::flat_buffer buffer_{kReadBody * 2};
  RequestParser parser_;
  State state_ = State::kReading;
  SteadyTime deadline_ = SteadyTime::max(), body_deadline_ = SteadyTime::max();
  bool reading_ = false, writing_ = false;  // under way; writing_ of kStreaming
  bool keep_alive_ = false;
  bool continuing_ = false, continued_ = false;  // "100 Continue" is being written, has been
  bool body_open_ = false;                       // more of the streamed body is to come
  bool body_paused_ = false;                     // its reader takes no more now
  bool upgraded_ = false, client_ended_ = false, sending_ended_ = false;  // a tunnel, its halves
  bool chunked_ = false;
  std::optional<uint64_t> remaining_;  // of the streamed answer, where its length is known
  size_t discarded_ = 0;
  std::string head_;  // of the answer, or of a chunk
  Response response_;
  Pieces pieces_;
  std::shared_ptr<Producer> producer_;
  std::function<void()> deferred_;  // an answer that waits for "100 Continue"
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
  if (request.stream) {
    request.stream->Cancel();
    request.stream.reset();
    request.fields.clear();
  }
  continued_ = body_paused_ = false;
  parser_.Begin();
  Expire(loop_.limits.idle);
  Parse();
}

template <class Transport>
void Session<Transport>::Read() {
  if (reading_) return;
  const size_t room = buffer_.max_size() - buffer_.size();
  if (room == 0) {
    Response refusal = ErrorResponse(
        MakeError(Code::kBadRequest, "this is no valid HTTP request: a chunk header does not end"));
    return state_ == State::kReading ? Refuse(std::move(refusal)) : BreakBody();
  }
  reading_ = true;
  const bool much = parser_.header_done() && state_ != State::kWriting;
  const auto space = buffer_.prepare(std::min(room, much ? kReadBody : kReadHeader));
  transport_.async_read_some(space, [self = Self()](const error_code& error, size_t bytes) {
    self->OnRead(error, bytes);
  });
}

template <class Transport>
void Session<Transport>::OnRead(const error_code& error, size_t bytes) {
  reading_ = false;
  if (state_ == State::kClosed) return;
  if (state_ == State::kLingering) {
    if constexpr (std::is_same_v<Transport, TlsStream>) return EndTls();
    return error ? Close() : Discard();
  }
  if (error == asio::error::eof && upgraded_) {
    client_ended_ = true;
    request.stream->End();
    if (sending_ended_) Linger();
    return;
  }
  if (error) return Close();
  buffer_.commit(bytes);
  if (state_ == State::kReading) return Parse();
  if (upgraded_) return Tunnel();
  if (body_open_) return body_paused_ ? void() : ParseBody();
  Watch();
}

template <class Transport>
void Session<Transport>::Parse() {
  while (true) {
    const bool had_begun = parser_.begun();
    const Step step = parser_.Put(buffer_, request);
    if (!had_begun && parser_.begun()) Expire(loop_.limits.read_deadline);
    switch (step) {
      case Step::kMore:
        return Read();
      case Step::kRefused:
        return Refuse(parser_.refusal());
      case Step::kDone:
        request.body = std::move(parser_.body());
        return Dispatch();
      case Step::kBody:
        break;
      case Step::kHeader:
        keep_alive_ = parser_.keep_alive() && !loop_.stopping;
        if (request.stream) return DispatchStreamed();
        if (parser_.done()) break;
        Expire(loop_.limits.read_deadline);
        if (parser_.waits_for_continue() && buffer_.size() == 0) return Continue();
        break;
    }
  }
}

template <class Transport>
void Session<Transport>::Continue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  continuing_ = true;
  asio::async_write(transport_, asio::buffer(kContinue),
                    [self = Self()](const error_code& error, size_t) {
                      self->continuing_ = false;
                      if (error || self->ended()) return self->Close();
                      const auto deferred = std::exchange(self->deferred_, nullptr);
                      self->request.stream ? self->ParseBody() : self->Read();
                      if (deferred) deferred();
                    });
}

template <class Transport>
void Session<Transport>::Dispatch() {
  state_ = State::kHandling;
  deadline_ = SteadyTime::max();  // handlers are bounded themselves
  begun = std::chrono::steady_clock::now();
  loop_.hooks.handle(Self());
}

template <class Transport>
void Session<Transport>::DispatchStreamed() {
  body_open_ = body_paused_ = !parser_.done();
  request.body.clear();
  request.stream->OnRoom([weak = this->weak_from_this()] {
    if (const auto self = weak.lock())
      asio::post(self->loop_.context, [self] { self->ResumeBody(); });
  });
  if (!body_open_) request.stream->End();
  Dispatch();
  Watch();
}

// What was not understood ends the connection: where the next request would begin is not known.
template <class Transport>
void Session<Transport>::Refuse(Response response) {
  state_ = State::kHandling;
  keep_alive_ = false;
  Write(std::move(response));
}

// While a streamed answer, or one to a streamed request, is under way, nothing is expected from the
// client but its end, or its next request.
template <class Transport>
void Session<Transport>::Watch() {
  if (state_ == State::kReading || ended() || body_open_ || reading_) return;
  if (!keep_alive_ && !upgraded_) buffer_.clear();
  if (buffer_.size() == 0) Read();
}

template <class Transport>
void Session<Transport>::ResumeBody() {
  if (ended() || !body_paused_) return;
  body_paused_ = false;
  if (upgraded_) return Tunnel();
  if (!body_open_) return;
  if (parser_.waits_for_continue() && !continued_ && buffer_.size() == 0 &&
      state_ == State::kHandling) {
    continued_ = true;
    body_deadline_ = In(loop_.limits.read_deadline);
    return Continue();
  }
  ParseBody();
}

template <class Transport>
void Session<Transport>::ParseBody() {
  while (body_open_ && !ended()) {
    const Step step = parser_.Put(buffer_, request);
    if (step == Step::kRefused) return BreakBody();
    std::string& piece = parser_.body();
    if (!piece.empty()) {
      body_paused_ = !request.stream->Put(piece);
      piece.clear();
    }
    if (!body_open_) return;
    if (step == Step::kDone) {
      body_open_ = body_paused_ = false;
      body_deadline_ = SteadyTime::max();
      request.stream->End();
      return Watch();
    }
    if (body_paused_) {
      body_deadline_ = SteadyTime::max();
      return;
    }
    if (step == Step::kMore) {
      body_deadline_ = In(loop_.limits.read_deadline);
      return Read();
    }
  }
}

// The rest of the body can't be understood. An answer that has begun is its reader's to end.
template <class Transport>
void Session<Transport>::BreakBody() {
  body_open_ = keep_alive_ = false;
  body_deadline_ = SteadyTime::max();
  const auto stream = request.stream;
  if (state_ == State::kHandling) Refuse(parser_.refusal());
  stream->Cancel();
}

// An answer goes out before its request was read. What has come is thrown away; what has not makes
// the answer the connection's last.
template <class Transport>
void Session<Transport>::SettleBody() {
  while (body_open_ && body_paused_ && !parser_.waits_for_continue()) {
    const Step step = parser_.Put(buffer_, request);
    parser_.body().clear();
    if (step == Step::kDone) body_open_ = false;
    if (step != Step::kBody) break;
  }
  if (body_open_) keep_alive_ = false;
}

template <class Transport>
void Session<Transport>::Tunnel() {
  if (sending_ended_) Expire(loop_.limits.idle);
  if (buffer_.size() > 0) {
    const auto bytes = buffer_.data();
    body_paused_ = !request.stream->Put({static_cast<const char*>(bytes.data()), bytes.size()});
    if (ended()) return;
    buffer_.consume(buffer_.size());
    if (body_paused_) return;
  }
  if (!client_ended_) Read();
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
  if (continuing_) {
    deferred_ = [this, response = std::move(response)] { Write(response); };
    return;
  }
  SettleBody();
  state_ = State::kWriting;
  Expire(loop_.limits.write_deadline);
  if (loop_.stopping) keep_alive_ = false;
  response_ = std::move(response);
  MakeHead(response_, {Framing::kLength, response_.size(), parser_.http11(), keep_alive_}, head_);
  std::array<asio::const_buffer, 4> buffers{asio::buffer(head_)};
  if (!HasNoBody(request.method, response_.status)) {
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

// Watches and logs are the last thing on their connection; what has an end of its own is not.
template <class Transport>
Framing Session<Transport>::FrameStream(const Response& head) {
  const bool empty = HasNoBody(request.method, head.status);
  if (body_open_ || loop_.stopping || !(head.length || request.stream)) keep_alive_ = false;
  chunked_ = parser_.http11() && !head.length && !head.upgrade && !empty;
  if (!chunked_ && !head.length && !empty) keep_alive_ = false;
  remaining_ = empty ? std::nullopt : head.length;
  return {head.length ? Framing::kLength : (chunked_ ? Framing::kChunked : Framing::kNone),
          head.length.value_or(0), parser_.http11(), keep_alive_};
}

template <class Transport>
void Session<Transport>::BeginStream(Response head, std::shared_ptr<Producer> producer) {
  if (state_ != State::kHandling) return producer->Closed();
  if (continuing_) {
    deferred_ = [this, head = std::move(head), producer] { BeginStream(head, producer); };
    return;
  }
  // What has come already is its reader's, and may be the request's end.
  if (body_open_ && buffer_.size() > 0 && !reading_ && !parser_.waits_for_continue()) ParseBody();
  if (state_ != State::kHandling) return producer->Closed();
  const Framing framing = FrameStream(head);
  MakeHead(head, framing, head_);
  state_ = State::kStreaming;
  producer_ = std::move(producer);
  pieces_ = {};
  pieces_.end = HasNoBody(request.method, head.status);
  if (request.stream || head.length) {
    NoticeDeadPeer(SocketOf(transport_));
  } else {
    loop_.SetStreaming(this, true);
  }
  if (head.upgrade) {
    upgraded_ = body_paused_ = true;
    request.stream->Reopen();
  }
  Watch();
  writing_ = true;
  Expire(loop_.limits.write_deadline);
  asio::async_write(
      transport_, asio::buffer(head_),
      [self = Self()](const error_code& error, size_t) { self->OnStreamWritten(error); });
}

// False if the pieces do not make up the length that was promised.
template <class Transport>
bool Session<Transport>::Account() {
  if (!remaining_) return true;
  if (pieces_.bytes > *remaining_) return false;
  *remaining_ -= pieces_.bytes;
  return !pieces_.end || *remaining_ == 0;
}

template <class Transport>
void Session<Transport>::Pump() {
  if (state_ != State::kStreaming || writing_) return;
  pieces_ = {};
  producer_->Fill(pieces_);
  if (state_ != State::kStreaming) return;
  const bool endless = !remaining_ && !request.stream;
  if (loop_.stopping && endless) pieces_.end = true;
  if (pieces_.abort || !Account()) return Close();
  if (sending_ended_) return;
  if (pieces_.bodies.empty() && !pieces_.end) {
    deadline_ = SteadyTime::max();
    return;
  }
  WritePieces();
}

template <class Transport>
void Session<Transport>::WritePieces() {
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(pieces_.bodies.size() + 3);
  head_.clear();
  if (chunked_ && pieces_.bytes > 0) {
    char size[24];
    head_.assign(size,
                 static_cast<size_t>(std::snprintf(size, sizeof(size), "%zx\r\n", pieces_.bytes)));
    buffers.push_back(asio::buffer(head_));
  }
  for (const Body& body : pieces_.bodies) buffers.push_back(asio::buffer(*body));
  static constexpr std::string_view kChunkEnd = "\r\n", kLastChunk = "0\r\n\r\n";
  if (chunked_ && pieces_.bytes > 0) buffers.push_back(asio::buffer(kChunkEnd));
  if (chunked_ && pieces_.end) buffers.push_back(asio::buffer(kLastChunk));
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
  if (pieces_.end) return EndStream();
  Pump();
}

template <class Transport>
void Session<Transport>::EndStream() {
  if constexpr (std::is_same_v<Transport, tcp::socket>) {
    // Half closed: the client may go on, its end or a silence is the tunnel's.
    if (upgraded_ && !client_ended_) {
      sending_ended_ = true;
      pieces_ = {};
      Expire(loop_.limits.idle);
      error_code ignored;
      transport_.shutdown(tcp::socket::shutdown_send, ignored);
      return;
    }
  }
  if (!keep_alive_ || loop_.stopping) return Linger();
  DropProducer();
  NextRequest();
}

template <class Transport>
void Session<Transport>::Wake() {
  asio::post(loop_.context, [self = Self()] { self->Pump(); });
}

template <class Transport>
void Session<Transport>::Tick(SteadyTime now) {
  if (now >= deadline_ || now >= body_deadline_) return Close();
  if (state_ == State::kStreaming && !writing_ && now >= producer_->next()) Pump();
}

template <class Transport>
void Session<Transport>::Finish() {
  if (state_ == State::kReading && !parser_.begun()) return Close();
  if (state_ == State::kLingering || upgraded_) return Close();
  keep_alive_ = false;
  stop_.request_stop();
  if (body_open_) request.stream->Cancel();
  if (state_ == State::kStreaming) Pump();
}

template <class Transport>
void Session<Transport>::DropProducer() {
  if (!producer_) return;
  loop_.SetStreaming(this, false);
  std::exchange(producer_, nullptr)->Closed();
}

// Closing a socket with unread bytes resets the connection, and the client may lose an answer that
// it has not read yet: so our side is closed first, and what still comes is thrown away for a
// while.
template <class Transport>
void Session<Transport>::Linger() {
  state_ = State::kLingering;
  DropProducer();
  body_open_ = false;
  body_deadline_ = SteadyTime::max();
  if (request.stream) request.stream->Cancel();
  if (loop_.stopping) return Close();
  Expire(kLinger);
  error_code ignored;
  if constexpr (std::is_same_v<Transport, TlsStream>) {
    if (!reading_) return EndTls();
    SocketOf(transport_).cancel(ignored);
  } else {
    transport_.shutdown(tcp::socket::shutdown_send, ignored);
    if (!reading_) Discard();
  }
}

template <class Transport>
void Session<Transport>::EndTls() {
  if constexpr (std::is_same_v<Transport, TlsStream>) {
    transport_.async_shutdown([self = Self()](const error_code&) {
      error_code ignored;
      SocketOf(self->transport_).shutdown(tcp::socket::shutdown_send, ignored);
      self->Discard();
    });
  }
}

template <class Transport>
void Session<Transport>::Discard() {
  if (state_ != State::kLingering || discarded_ > kLingerBytes) return Close();
  buffer_.clear();
  SocketOf(transport_)
      .async_read_some(buffer_.prepare(kReadBody),
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
  body_open_ = false;
  deferred_ = nullptr;
  stop_.request_stop();
  if (request.stream) request.stream->Cancel();
  DropProducer();
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

void NoticeDeadPeer(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  using Seconds = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using Between = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  using Probes = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
  socket.set_option(Seconds(60), ignored);
  socket.set_option(Between(15), ignored);
  socket.set_option(Probes(4), ignored);
}

}  // namespace zoe::server
