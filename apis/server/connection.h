// The class behind StartSession. Internal to apis/server.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "apis/server/head.h"
#include "apis/server/loop.h"
#include "apis/server/request_parser.h"
#include "apis/server/transport.h"

namespace zoe::server {

// A connection that serves requests one after another. What is read belongs to the request until
// that is complete; then, in a tunnel, to the stream; else it is the next request and waits.
class Session final : public Connection, public std::enable_shared_from_this<Session> {
 public:
  Session(Loop& loop, boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls)
      : loop_(loop), transport_(std::move(socket), tls), parser_(loop.limits) {}

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
  boost::asio::io_context& context() override { return loop_.context; }

 private:
  static constexpr size_t kReadHeader = 4 * 1024, kReadBody = 64 * 1024;
  enum class State { kReading, kHandling, kWriting, kStreaming, kLingering, kClosed };

  std::shared_ptr<Session> Self() { return this->shared_from_this(); }
  static SteadyTime In(Duration after) { return std::chrono::steady_clock::now() + after; }
  void Expire(Duration after) { deadline_ = In(after); }
  bool ended() const { return state_ == State::kLingering || state_ == State::kClosed; }

  // Reading (session.cc).
  void NextRequest();
  void Read();
  void OnRead(const boost::system::error_code& error, size_t bytes);
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
  // Answering, ending (answer.cc).
  void Write(Response response);
  void OnWritten(const boost::system::error_code& error);
  void BeginStream(Response head, std::shared_ptr<Producer> producer);
  Framing FrameStream(const Response& head);
  bool Account();
  void WritePieces();
  void OnStreamWritten(const boost::system::error_code& error);
  void EndStream();
  void DropProducer();
  void Linger();
  void EndTls();
  void Discard();
  void Close();

  Loop& loop_;
  Transport transport_;
  boost::beast::flat_buffer buffer_{2 * kReadBody};
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

}  // namespace zoe::server
