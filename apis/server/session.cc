#include "apis/server/session.h"

#include <netinet/tcp.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>

#include "apis/server/connection.h"
#include "apis/server/status.h"

namespace zoe::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Step = RequestParser::Step;

void Session::Start() {
  loop_.Add(Self());
  if (loop_.stopping) return Close();
  error_code ignored;
  const auto remote = transport_.socket().remote_endpoint(ignored);
  request.remote = remote.address().to_string(ignored);
  transport_.socket().set_option(tcp::no_delay(true), ignored);
  Expire(loop_.limits.read_deadline);
  if (!transport_.tls()) return Read();
  transport_.Handshake([self = Self()](const error_code& error) {
    if (error || self->state_ == State::kClosed) return self->Close();
    self->Read();
  });
}

void Session::NextRequest() {
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

void Session::Read() {
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
  transport_.Read(space, [self = Self()](const error_code& error, size_t bytes) {
    self->OnRead(error, bytes);
  });
}

void Session::OnRead(const error_code& error, size_t bytes) {
  reading_ = false;
  if (state_ == State::kClosed) return;
  if (state_ == State::kLingering) {
    if (transport_.tls()) return EndTls();
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

void Session::Parse() {
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

void Session::Continue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  continuing_ = true;
  transport_.Write(asio::buffer(kContinue), [self = Self()](const error_code& error, size_t) {
    self->continuing_ = false;
    if (error || self->ended()) return self->Close();
    const auto deferred = std::exchange(self->deferred_, nullptr);
    self->request.stream ? self->ParseBody() : self->Read();
    if (deferred) deferred();
  });
}

void Session::Dispatch() {
  state_ = State::kHandling;
  deadline_ = SteadyTime::max();  // handlers are bounded themselves
  begun = std::chrono::steady_clock::now();
  loop_.hooks.handle(Self());
}

void Session::DispatchStreamed() {
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
void Session::Refuse(Response response) {
  state_ = State::kHandling;
  keep_alive_ = false;
  Write(std::move(response));
}

// While a streamed answer, or one to a streamed request, is under way, nothing is expected from the
// client but its end, or its next request.
void Session::Watch() {
  if (state_ == State::kReading || ended() || body_open_ || reading_) return;
  if (!keep_alive_ && !upgraded_) buffer_.clear();
  if (buffer_.size() == 0) Read();
}

void Session::ResumeBody() {
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

void Session::ParseBody() {
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
void Session::BreakBody() {
  body_open_ = keep_alive_ = false;
  body_deadline_ = SteadyTime::max();
  const auto stream = request.stream;
  if (state_ == State::kHandling) Refuse(parser_.refusal());
  stream->Cancel();
}

// An answer goes out before its request was read. What has come is thrown away; what has not makes
// the answer the connection's last.
void Session::SettleBody() {
  while (body_open_ && body_paused_ && !parser_.waits_for_continue()) {
    const Step step = parser_.Put(buffer_, request);
    parser_.body().clear();
    if (step == Step::kDone) body_open_ = false;
    if (step != Step::kBody) break;
  }
  if (body_open_) keep_alive_ = false;
}

void Session::Tunnel() {
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

void StartSession(Loop& loop, tcp::socket socket, asio::ssl::context* tls) {
  const auto session = std::make_shared<Session>(loop, std::move(socket), tls);
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
