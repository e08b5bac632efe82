#include <array>
#include <boost/asio/post.hpp>
#include <cstdio>

#include "apis/server/connection.h"
#include "apis/server/session.h"

namespace zoe::server {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
namespace {

constexpr size_t kLingerBytes = 64 << 20;
constexpr std::chrono::seconds kLinger{2};

}  // namespace

void Session::Send(Response response) {
  if (loop_.InThread()) return Write(std::move(response));
  asio::post(loop_.context, [self = Self(), response = std::move(response)]() mutable {
    self->Write(std::move(response));
  });
}

void Session::Write(Response response) {
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
  transport_.Write(buffers,
                   [self = Self()](const error_code& error, size_t) { self->OnWritten(error); });
}

void Session::OnWritten(const error_code& error) {
  if (error || state_ == State::kClosed) return Close();
  response_ = {};
  if (!keep_alive_ || loop_.stopping) return Linger();
  NextRequest();
}

void Session::Stream(Response head, std::shared_ptr<Producer> producer) {
  if (loop_.InThread()) return BeginStream(std::move(head), std::move(producer));
  asio::post(loop_.context,
             [self = Self(), head = std::move(head), producer = std::move(producer)]() mutable {
               self->BeginStream(std::move(head), std::move(producer));
             });
}

// Watches and logs are the last thing on their connection; what has an end of its own is not.
Framing Session::FrameStream(const Response& head) {
  const bool empty = HasNoBody(request.method, head.status);
  if (body_open_ || loop_.stopping || !(head.length || request.stream)) keep_alive_ = false;
  chunked_ = parser_.http11() && !head.length && !head.upgrade && !empty;
  if (!chunked_ && !head.length && !empty) keep_alive_ = false;
  remaining_ = empty ? std::nullopt : head.length;
  return {head.length ? Framing::kLength : (chunked_ ? Framing::kChunked : Framing::kNone),
          head.length.value_or(0), parser_.http11(), keep_alive_};
}

void Session::BeginStream(Response head, std::shared_ptr<Producer> producer) {
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
    NoticeDeadPeer(transport_.socket());
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
  transport_.Write(asio::buffer(head_), [self = Self()](const error_code& error, size_t) {
    self->OnStreamWritten(error);
  });
}

// False if the pieces do not make up the length that was promised.
bool Session::Account() {
  if (!remaining_) return true;
  if (pieces_.bytes > *remaining_) return false;
  *remaining_ -= pieces_.bytes;
  return !pieces_.end || *remaining_ == 0;
}

void Session::Pump() {
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

void Session::WritePieces() {
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
  transport_.Write(
      buffers, [self = Self()](const error_code& error, size_t) { self->OnStreamWritten(error); });
}

void Session::OnStreamWritten(const error_code& error) {
  writing_ = false;
  if (error || state_ != State::kStreaming) return Close();
  if (pieces_.end) return EndStream();
  Pump();
}

void Session::EndStream() {
  // Half closed: the client may go on, its end or a silence is the tunnel's.
  if (upgraded_ && !client_ended_ && !transport_.tls()) {
    sending_ended_ = true;
    pieces_ = {};
    Expire(loop_.limits.idle);
    error_code ignored;
    transport_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    return;
  }
  if (!keep_alive_ || loop_.stopping) return Linger();
  DropProducer();
  NextRequest();
}

void Session::Wake() {
  asio::post(loop_.context, [self = Self()] { self->Pump(); });
}

void Session::Tick(SteadyTime now) {
  if (now >= deadline_ || now >= body_deadline_) return Close();
  if (state_ == State::kStreaming && !writing_ && now >= producer_->next()) Pump();
}

void Session::Finish() {
  if (state_ == State::kReading && !parser_.begun()) return Close();
  if (state_ == State::kLingering || upgraded_) return Close();
  keep_alive_ = false;
  stop_.request_stop();
  if (body_open_) request.stream->Cancel();
  if (state_ == State::kStreaming) Pump();
}

void Session::DropProducer() {
  if (!producer_) return;
  loop_.SetStreaming(this, false);
  std::exchange(producer_, nullptr)->Closed();
}

// Closing a socket with unread bytes resets the connection, and the client may lose an answer that
// it has not read yet: so our side is closed first, and what still comes is thrown away for a
// while.
void Session::Linger() {
  state_ = State::kLingering;
  DropProducer();
  body_open_ = false;
  body_deadline_ = SteadyTime::max();
  if (request.stream) request.stream->Cancel();
  if (loop_.stopping) return Close();
  Expire(kLinger);
  error_code ignored;
  if (transport_.tls()) {
    if (!reading_) return EndTls();
    transport_.socket().cancel(ignored);
  } else {
    transport_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    if (!reading_) Discard();
  }
}

void Session::EndTls() {
  transport_.EndTls([self = Self()](const error_code&) {
    error_code ignored;
    self->transport_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    self->Discard();
  });
}

void Session::Discard() {
  if (state_ != State::kLingering || discarded_ > kLingerBytes) return Close();
  buffer_.clear();
  transport_.socket().async_read_some(buffer_.prepare(kReadBody),
                                      [self = Self()](const error_code& error, size_t bytes) {
                                        if (error) return self->Close();
                                        self->discarded_ += bytes;
                                        self->Discard();
                                      });
}

void Session::Close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  const auto self = Self();
  body_open_ = false;
  deferred_ = nullptr;
  stop_.request_stop();
  if (request.stream) request.stream->Cancel();
  DropProducer();
  error_code ignored;
  transport_.socket().close(ignored);
  loop_.Remove(self);
}

}  // namespace zoe::server
