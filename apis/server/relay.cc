#include "apis/server/relay.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstdio>
#include <limits>
#include <optional>
#include <stop_token>

#include "apis/server/bytes_body.h"
#include "apis/server/head.h"
#include "apis/server/session.h"
#include "apis/server/status.h"

namespace zoe::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kReadSize = 64 * 1024;
constexpr size_t kMaxBuffered = 256 * 1024;
constexpr uint32_t kMaxHead = 64 * 1024;
constexpr int kMaxInterim = 16;  // answers such as 103 before the final one

class Relay final : public Producer, public std::enable_shared_from_this<Relay> {
 public:
  Relay(ExchangePtr exchange, RelayOptions options)
      : exchange_(std::move(exchange)),
        options_(std::move(options)),
        forwarded_(Forward(*exchange_, options_.target, options_.tls)),
        stream_(exchange_->request.stream),
        socket_(exchange_->context()),
        timer_(exchange_->context()) {}

  void Start();
  void Fill(Pieces& out) override;
  void Closed() override { Cut(); }

 private:
  using Parser = http::response_parser<BytesBody>;

  void Expire(Duration after, std::string what);
  void OnDialed(const Expected<void>& dialed);
  // Towards the program.
  void Upload();
  void WritePiece(std::string piece);
  void EndUpload();
  // From the program.
  void BeginParser();
  void Read();
  void OnRead(const error_code& error);
  void ParseHead();
  void OnHead();
  void OnUpgrade(Response head);
  void Download();
  void DownloadEnd(const error_code& error);

  void Fail(int status, std::string_view reason, const std::string& what);
  void Break();
  void Cut();
  std::string name() const {
    return options_.target.host + ":" + std::to_string(options_.target.port);
  }

  const ExchangePtr exchange_;
  const RelayOptions options_;
  const ForwardedRequest forwarded_;
  const std::shared_ptr<RequestBody> stream_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
  std::string timed_out_;  // what has taken too long

  bool connected_ = false, writing_ = false, uploaded_ = false;
  std::string piece_, chunk_head_;  // being written
  beast::flat_buffer buffer_{kReadSize * 2};
  std::optional<Parser> parser_;
  int interim_ = 0;
  bool reading_ = false, answered_ = false, tunnel_ = false;
  std::string out_;  // for the client
  bool ended_ = false, broken_ = false, cut_ = false;
};

void Relay::Start() {
  on_stop_.emplace(exchange_->stop(), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Cut();
  });
  Expire(options_.connect, "the connection to " + name() + " took too long");
  SocksConnect(
      socket_, options_.gateway, options_.target.host, options_.target.port,
      [self = shared_from_this()](const Expected<void>& dialed) { self->OnDialed(dialed); });
}

void Relay::Expire(Duration after, std::string what) {
  timer_.expires_after(after);
  timer_.async_wait([weak = weak_from_this(), what = std::move(what)](const error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->answered_) return;
    self->timed_out_ = what;
    error_code ignored;
    self->socket_.close(ignored);
  });
}

void Relay::OnDialed(const Expected<void>& dialed) {
  if (cut_) return;
  if (!dialed.ok()) {
    const bool behind = dialed.error().reason == kBadGateway;
    return Fail(behind ? 502 : 503, behind ? kBadGateway : "ServiceUnavailable",
                dialed.error().message);
  }
  if (!socket_.is_open()) return Fail(504, "Timeout", timed_out_);
  connected_ = true;
  NoticeDeadPeer(socket_);
  Expire(options_.head, name() + " has not answered in time");
  stream_->OnReadable([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Upload();
  });
  BeginParser();
  writing_ = true;
  asio::async_write(socket_, asio::buffer(forwarded_.head),
                    [self = shared_from_this()](const error_code&, size_t) {
                      self->writing_ = false;
                      self->Upload();  // an error shows when the answer is read
                    });
  Read();
}

// One piece at a time; the next is asked for when it has been written.
void Relay::Upload() {
  if (!connected_ || writing_ || uploaded_ || cut_) return;
  // Bodies that were not announced don't come; what a tunnel sends does when it stands.
  if (forwarded_.upgrade && !tunnel_) return;
  bool ended = false;
  auto piece = stream_->TryNext(ended);
  if (!piece.ok()) return Break();
  if (ended) return EndUpload();
  if (!piece->empty()) WritePiece(std::move(piece).value());
}

void Relay::WritePiece(std::string piece) {
  piece_ = std::move(piece);
  std::array<asio::const_buffer, 3> buffers{};
  buffers[1] = asio::buffer(piece_);
  if (forwarded_.body == BodyKind::kChunked) {
    char size[24];
    chunk_head_.assign(
        size, static_cast<size_t>(std::snprintf(size, sizeof(size), "%zx\r\n", piece_.size())));
    buffers[0] = asio::buffer(chunk_head_);
    buffers[2] = asio::buffer("\r\n", 2);
  }
  writing_ = true;
  asio::async_write(socket_, buffers, [self = shared_from_this()](const error_code& error, size_t) {
    self->writing_ = false;
    if (error && self->tunnel_) return self->Break();
    // Who takes no more of the request may have answered nonetheless.
    self->uploaded_ = self->uploaded_ || error;
    if (!self->answered_ && !error)
      self->Expire(self->options_.head, self->name() + " has not answered in time");
    self->Upload();
  });
}

void Relay::EndUpload() {
  uploaded_ = true;
  error_code ignored;
  if (tunnel_) {
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  } else if (forwarded_.body == BodyKind::kChunked) {
    writing_ = true;
    asio::async_write(
        socket_, asio::buffer("0\r\n\r\n", 5),
        [self = shared_from_this()](const error_code&, size_t) { self->writing_ = false; });
  }
}

void Relay::BeginParser() {
  parser_.emplace();
  parser_->header_limit(kMaxHead);
  parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
  parser_->skip(exchange_->request.method == Method::kHead);
}

void Relay::Read() {
  if (reading_ || cut_) return;
  reading_ = true;
  const size_t room = std::min(kReadSize, buffer_.max_size() - buffer_.size());
  socket_.async_read_some(buffer_.prepare(room),
                          [self = shared_from_this()](const error_code& error, size_t bytes) {
                            self->reading_ = false;
                            self->buffer_.commit(bytes);
                            self->OnRead(error);
                          });
}

void Relay::OnRead(const error_code& error) {
  if (cut_) return;
  if (answered_) return error ? DownloadEnd(error) : Download();
  if (!timed_out_.empty()) return Fail(504, "Timeout", timed_out_);
  if (error == asio::error::eof)
    return Fail(502, kBadGateway, name() + " has closed the connection without an answer");
  if (error) return Fail(502, kBadGateway, name() + ": " + error.message());
  ParseHead();
}

void Relay::ParseHead() {
  while (true) {
    error_code error;
    buffer_.consume(parser_->put(buffer_.data(), error));
    if (error == http::error::need_more) return Read();
    if (error == http::error::header_limit)
      return Fail(502, kBadGateway,
                  "the header of the answer of " + name() + " is larger than " +
                      std::to_string(kMaxHead) + " bytes");
    if (error)
      return Fail(502, kBadGateway,
                  "the answer of " + name() + " is no valid HTTP: " + error.message());
    const unsigned status = parser_->get().result_int();
    if (!parser_->is_header_done()) return Read();
    if (status >= 200 || status == 101) return OnHead();
    if (++interim_ > kMaxInterim)
      return Fail(502, kBadGateway, name() + " sends interim answers without end");
    BeginParser();
    if (buffer_.size() == 0) return Read();
  }
}

void Relay::OnHead() {
  const auto& message = parser_->get();
  const bool upgrade = message.result_int() == 101;
  if (upgrade && !forwarded_.upgrade)
    return Fail(502, kBadGateway, name() + " changes the protocol without being asked to");
  if (message.count(http::field::transfer_encoding) > 0 &&
      !beast::iequals(message[http::field::transfer_encoding], "chunked"))
    return Fail(502, kBadGateway,
                "the answer of " + name() + " has a transfer encoding that is not chunked");
  timer_.cancel();
  Fields fields;
  for (const auto& field : message)
    fields.emplace_back(std::string(field.name_string()), std::string(field.value()));
  Response head;
  head.relayed = true;
  head.status = static_cast<int>(message.result_int());
  head.headers = Backward(fields, options_.target, exchange_->request.host);
  head.upgrade = upgrade;
  if (const auto length = parser_->content_length(); length && !parser_->chunked() && !upgrade)
    head.length = *length;
  answered_ = true;
  options_.count(head.status);
  if (upgrade) {
    tunnel_ = true;
    head.headers.emplace_back("Connection", "Upgrade");
    head.headers.emplace_back("Upgrade", std::string(message[http::field::upgrade]));
  }
  exchange_->Stream(std::move(head), shared_from_this());
  if (tunnel_) Upload();
  Download();
}

// Takes from the program until the client has enough waiting.
void Relay::Download() {
  while (!cut_ && !ended_ && out_.size() < kMaxBuffered) {
    if (tunnel_) {
      if (buffer_.size() == 0) return Read();
      const auto bytes = buffer_.data();
      out_.append(static_cast<const char*>(bytes.data()), bytes.size());
      buffer_.consume(buffer_.size());
      exchange_->Wake();
      continue;
    }
    if (parser_->is_done()) {
      ended_ = true;
      return exchange_->Wake();
    }
    if (buffer_.size() == 0) return Read();
    error_code error;
    buffer_.consume(parser_->put(buffer_.data(), error));
    std::string& piece = parser_->get().body();
    if (!piece.empty()) {
      out_ += piece;
      piece.clear();
      exchange_->Wake();
    }
    if (error == http::error::need_more) {
      if (buffer_.size() == buffer_.max_size()) return Break();
      return Read();
    }
    if (error) return Break();
  }
}

// What has come before the end was taken already: reads begin when the buffer has been parsed.
void Relay::DownloadEnd(const error_code& error) {
  if (error != asio::error::eof) return Break();
  error_code incomplete;
  if (!tunnel_) parser_->put_eof(incomplete);
  if (incomplete) return Break();
  ended_ = true;
  exchange_->Wake();
}

void Relay::Fill(Pieces& out) {
  if (!out_.empty()) out.Add(std::make_shared<std::string>(std::exchange(out_, {})));
  if (!ended_ && !broken_) Download();
  out.end = ended_ && out_.empty();
  out.abort = broken_ && out.bodies.empty();
}

void Relay::Fail(int status, std::string_view reason, const std::string& what) {
  if (answered_) return Break();
  if (cut_) return;
  const std::string& message = timed_out_.empty() ? what : timed_out_;
  Response response = timed_out_.empty() ? StatusResponse(status, reason, message)
                                         : StatusResponse(504, "Timeout", message);
  answered_ = true;
  Cut();
  options_.reply(std::move(response));
}

// The answer can't be completed: the client must see that.
void Relay::Break() {
  broken_ = true;
  Cut();
  exchange_->Wake();
}

void Relay::Cut() {
  cut_ = true;
  error_code ignored;
  timer_.cancel();
  socket_.close(ignored);
}

}  // namespace

void StartRelay(ExchangePtr exchange, RelayOptions options) {
  std::make_shared<Relay>(std::move(exchange), std::move(options))->Start();
}

}  // namespace zoe::server
