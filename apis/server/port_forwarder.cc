#include "apis/server/port_forwarder.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <deque>
#include <map>
#include <optional>

#include "apis/server/session.h"
#include "apis/server/spdy_channels.h"

namespace zoe::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// What clients have sent and programs have not taken yet, of all connections of a client; then it
// has to wait. A protocol without windows can make only all of its streams wait.
constexpr size_t kMaxBacklog = 1 << 20;
constexpr size_t kReadSize = 64 * 1024;
constexpr std::chrono::seconds kTick{30}, kToPair{30};
constexpr std::chrono::hours kIdle{4}, kHalfClosedIdle{1};

class Forwarder;

// One connection. Its data channel and the program's socket end one direction after the other.
class PortConnection : public std::enable_shared_from_this<PortConnection> {
 public:
  PortConnection(Forwarder& forwarder, uint16_t port, int data, int error);

  void Start(std::shared_ptr<void> place);
  // From the client.
  void Take(std::string bytes);
  void EndOfClient();
  void Reset() { Cut(); }
  // Reads on: when something comes; at once, for which there must be room towards the client.
  // False: there is none now, this waits for it.
  void Read();
  bool Receive();
  void Fail(const std::string& what);
  void Cut();
  bool IsForgotten(SteadyTime now) const { return client_ended_ && now - last_ > kHalfClosedIdle; }

 private:
  void OnDialed(const Expected<void>& dialed);
  void Write();
  void EndOfProgram();
  std::string name() const;

  Forwarder* forwarder_;  // null: this is cut
  const uint16_t port_;
  const int data_, error_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  std::shared_ptr<void> place_;
  std::string backlog_, writing_;
  bool connected_ = false, timed_out_ = false, is_writing_ = false, is_reading_ = false;
  bool client_ended_ = false, program_ended_ = false;
  SteadyTime last_ = std::chrono::steady_clock::now();
};
using PortConnectionPtr = std::shared_ptr<PortConnection>;

class Forwarder : public std::enable_shared_from_this<Forwarder> {
 public:
  Forwarder(const ExchangePtr& exchange, PortForwardOptions options)
      : exchange_(exchange), options_(std::move(options)), timer_(exchange->context()) {}

  void ServeSpdy(ChannelsPtr link);
  void ServeNumbered(ChannelsPtr channels, const std::vector<uint16_t>& ports);

  // Of connections.
  Channels& channels() { return *channels_; }
  const PortForwardOptions& options() const { return options_; }
  asio::io_context& context() { return exchange_->context(); }
  std::array<char, kReadSize>& buffer() { return buffer_; }
  // False: it is full, and the connection is called when there is room.
  bool Send(PortConnectionPtr connection, int channel, std::string_view bytes);
  bool AwaitRoom(PortConnectionPtr connection);
  void Queued(size_t bytes) { backlog_ += bytes; }
  void Written(size_t bytes);
  void Busy() { last_ = std::chrono::steady_clock::now(); }
  void Forget(int data);

 private:
  struct Half {
    int stream = 0;
    bool is_data = false;
    uint16_t port = 0;
    SteadyTime since;
  };
  struct Pair {
    uint16_t port = 0;
    int data = 0, error = 0;
  };
  void Listen();
  std::optional<int> OnStream(uint32_t stream, const spdy::Headers& headers);
  void OnReset(int channel);
  // The connection is under way, or has failed, when this returns.
  void Open(const Pair& pair);
  void OnRoom();
  void Pump();
  void Tick();
  void Stop();

  const ExchangePtr exchange_;
  const PortForwardOptions options_;
  asio::steady_timer timer_;
  ChannelsPtr channels_;
  std::map<int, PortConnectionPtr> connections_;  // by data channel
  std::map<std::string, Half> halves_;            // streams without their other, by request
  std::vector<Pair> begun_;                       // whose second stream is being answered
  std::deque<PortConnectionPtr> waiting_;         // for room towards the client
  bool full_ = false;
  std::array<char, kReadSize> buffer_;
  size_t backlog_ = 0;
  SteadyTime last_ = std::chrono::steady_clock::now();
  bool end_with_last_ = false, stopped_ = false, pumping_ = false;
};

PortConnection::PortConnection(Forwarder& forwarder, uint16_t port, int data, int error)
    : forwarder_(&forwarder),
      port_(port),
      data_(data),
      error_(error),
      socket_(forwarder.context()),
      timer_(forwarder.context()) {}

std::string PortConnection::name() const {
  return forwarder_->options().host + ":" + std::to_string(port_);
}

void PortConnection::Start(std::shared_ptr<void> place) {
  place_ = std::move(place);
  timer_.expires_after(forwarder_->options().connect);
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (error || !self || self->connected_) return;
    self->timed_out_ = true;
    error_code ignored;
    self->socket_.close(ignored);
  });
  SocksConnect(
      socket_, forwarder_->options().gateway, forwarder_->options().host, port_,
      [self = shared_from_this()](const Expected<void>& dialed) { self->OnDialed(dialed); });
}

void PortConnection::OnDialed(const Expected<void>& dialed) {
  timer_.cancel();
  if (forwarder_ == nullptr) return;
  if (timed_out_ || (dialed.ok() && !socket_.is_open()))
    return Fail("the connection to " + name() + " took too long");
  if (!dialed.ok()) return Fail(dialed.error().message);
  connected_ = true;
  NoticeDeadPeer(socket_);
  error_code ignored;
  socket_.non_blocking(true, ignored);
  Write();
  Read();
}

void PortConnection::Take(std::string bytes) {
  if (forwarder_ == nullptr || client_ended_) return;
  forwarder_->Queued(bytes.size());
  if (backlog_.empty()) {
    backlog_ = std::move(bytes);
  } else {
    backlog_ += bytes;
  }
  Write();
}

void PortConnection::EndOfClient() {
  client_ended_ = true;
  Write();
}

void PortConnection::Write() {
  if (!connected_ || is_writing_ || forwarder_ == nullptr) return;
  if (backlog_.empty()) {
    if (!client_ended_) return;
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    if (program_ended_) Cut();
    return;
  }
  writing_ = std::exchange(backlog_, {});
  is_writing_ = true;
  asio::async_write(socket_, asio::buffer(writing_),
                    [self = shared_from_this()](const error_code& error, size_t) {
                      self->is_writing_ = false;
                      if (self->forwarder_ == nullptr) return;
                      self->forwarder_->Written(std::exchange(self->writing_, {}).size());
                      if (!error) return self->Write();
                      // What the program has said before may still be read.
                      if (self->program_ended_) return self->Cut();
                      self->client_ended_ = true;
                      self->forwarder_->Written(std::exchange(self->backlog_, {}).size());
                    });
}

// Waits without a buffer of its own: most connections are silent most of the time.
void PortConnection::Read() {
  if (forwarder_ == nullptr || !connected_ || is_reading_ || program_ended_) return;
  is_reading_ = true;
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](const error_code& error) {
    self->is_reading_ = false;
    if (self->forwarder_ == nullptr) return;
    error ? self->Cut() : void(self->Receive());
  });
}

bool PortConnection::Receive() {
  if (forwarder_ == nullptr) return true;
  if (!forwarder_->AwaitRoom(shared_from_this())) return false;
  error_code failure;
  auto& buffer = forwarder_->buffer();
  const size_t size = socket_.read_some(asio::buffer(buffer), failure);
  if (failure == asio::error::eof) {
    EndOfProgram();
  } else if (failure && failure != asio::error::would_block) {
    Cut();
  } else {
    last_ = std::chrono::steady_clock::now();
    if (!forwarder_->Send(shared_from_this(), data_, {buffer.data(), size})) return false;
    Read();
  }
  return true;
}

// Both channels end here, though the client may send on: kubectl 1.20 waits for the end of
// both before it ends its own side.
void PortConnection::EndOfProgram() {
  program_ended_ = true;
  forwarder_->channels().Close(data_);
  forwarder_->channels().Close(error_);
  const bool client_can_end = forwarder_->channels().closes_channels();
  if (!client_can_end || (client_ended_ && backlog_.empty() && !is_writing_)) Cut();
}

void PortConnection::Fail(const std::string& what) {
  if (forwarder_ == nullptr) return;
  forwarder_->channels().Send(error_, what);
  Cut();
}

void PortConnection::Cut() {
  if (forwarder_ == nullptr) return;
  const auto self = shared_from_this();
  Forwarder& forwarder = *std::exchange(forwarder_, nullptr);
  error_code ignored;
  timer_.cancel();
  socket_.close(ignored);
  place_.reset();
  forwarder.channels().Close(error_);
  forwarder.channels().Close(data_);
  forwarder.Written(backlog_.size() + writing_.size());
  forwarder.Forget(data_);
}

void Forwarder::Listen() {
  channels_->OnRoom([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->OnRoom();
  });
  // Holds this until the client has gone.
  channels_->OnReadable([self = shared_from_this()] { self->Pump(); });
  Tick();
  Pump();
}

void Forwarder::ServeSpdy(ChannelsPtr link) {
  SpdyStreams streams;
  streams.most = 2 * kMaxForwards + 2;
  streams.open = [weak = weak_from_this()](uint32_t stream, const spdy::Headers& headers) {
    const auto self = weak.lock();
    return self ? self->OnStream(stream, headers) : std::nullopt;
  };
  streams.reset = [weak = weak_from_this()](int channel) {
    if (const auto self = weak.lock()) self->OnReset(channel);
  };
  channels_ = OpenSpdyChannels(exchange_, std::move(link), std::move(streams));
  Listen();
}

void Forwarder::ServeNumbered(ChannelsPtr channels, const std::vector<uint16_t>& ports) {
  channels_ = std::move(channels);
  for (size_t i = 0; i < ports.size(); ++i) {
    const Pair pair{ports[i], static_cast<int>(2 * i), static_cast<int>(2 * i + 1)};
    const std::string port{static_cast<char>(ports[i] & 0xff), static_cast<char>(ports[i] >> 8)};
    channels_->Send(pair.data, port);
    channels_->Send(pair.error, port);
    Open(pair);
  }
  end_with_last_ = true;
  Listen();
  if (connections_.empty()) channels_->End();
}

// A stream's channel is its number. The pair is opened when its second stream has been answered.
std::optional<int> Forwarder::OnStream(uint32_t stream, const spdy::Headers& headers) {
  const std::string_view type = spdy::Find(headers, "streamtype");
  const std::string_view port_text = spdy::Find(headers, "port");
  if (type != "error" && type != "data") return {};
  Half half{.stream = static_cast<int>(stream), .is_data = type == "data"};
  const auto [end, error] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), half.port);
  if (error != std::errc() || end != port_text.data() + port_text.size() || half.port == 0)
    return {};
  half.since = std::chrono::steady_clock::now();
  std::string request(spdy::Find(headers, "requestid"));
  // Clients of old open the two one after the other and don't name the pair.
  if (request.empty()) request = "#" + std::to_string(half.is_data ? stream - 2 : stream);
  const auto [other, is_first] = halves_.emplace(std::move(request), half);
  if (is_first) return half.stream;
  if (other->second.is_data == half.is_data || other->second.port != half.port) return {};
  const int before = other->second.stream;
  begun_.push_back(
      {half.port, half.is_data ? half.stream : before, half.is_data ? before : half.stream});
  halves_.erase(other);
  return half.stream;
}

void Forwarder::OnReset(int channel) {
  const auto it = connections_.find(channel);
  if (it != connections_.end()) PortConnectionPtr(it->second)->Cut();
  std::erase_if(halves_, [&](const auto& half) { return half.second.stream == channel; });
  std::erase_if(begun_, [&](const Pair& pair) {
    if (pair.data == channel) channels_->Close(pair.error);
    return pair.data == channel;
  });
}

void Forwarder::Open(const Pair& pair) {
  const auto connection = std::make_shared<PortConnection>(*this, pair.port, pair.data, pair.error);
  connections_[pair.data] = connection;
  auto place = connections_.size() > kMaxForwards ? nullptr : options_.place();
  if (!place) return connection->Fail("too many connections are being forwarded: try again");
  connection->Start(std::move(place));
}

bool Forwarder::AwaitRoom(PortConnectionPtr connection) {
  if (full_) waiting_.push_back(std::move(connection));
  return !full_;
}

bool Forwarder::Send(PortConnectionPtr connection, int channel, std::string_view bytes) {
  Busy();
  if (bytes.empty()) return true;
  full_ = !channels_->Send(channel, bytes);
  return AwaitRoom(std::move(connection));
}

void Forwarder::Written(size_t bytes) {
  const bool was_full = backlog_ >= kMaxBacklog;
  backlog_ -= bytes;
  if (!was_full || backlog_ >= kMaxBacklog || pumping_ || stopped_) return;
  asio::post(context(), [self = shared_from_this()] { self->Pump(); });
}

void Forwarder::Forget(int data) {
  connections_.erase(data);
  if (end_with_last_ && connections_.empty() && !stopped_) channels_->End();
}

void Forwarder::OnRoom() {
  full_ = false;
  while (!full_ && !waiting_.empty()) {
    const PortConnectionPtr connection = std::move(waiting_.front());
    waiting_.pop_front();
    connection->Receive();
  }
}

void Forwarder::Pump() {
  const auto self = shared_from_this();
  if (pumping_ || stopped_) return;
  pumping_ = true;
  while (backlog_ < kMaxBacklog) {
    auto piece = channels_->TryNext();
    for (const Pair& pair : std::exchange(begun_, {})) Open(pair);
    if (!piece.ok()) {
      Stop();
      break;
    }
    if (!piece->has_value()) break;
    Busy();
    const auto it = connections_.find((*piece)->channel);
    if (it == connections_.end()) continue;
    const PortConnectionPtr connection = it->second;
    (*piece)->closed ? connection->EndOfClient() : connection->Take(std::move((*piece)->bytes));
  }
  pumping_ = false;
}

void Forwarder::Tick() {
  const auto now = std::chrono::steady_clock::now();
  for (auto it = halves_.begin(); it != halves_.end();) {
    const int stream = it->second.stream;
    if (now - it->second.since < kToPair) {
      ++it;
      continue;
    }
    if (!it->second.is_data) channels_->Send(stream, "no data stream has followed in time");
    channels_->Close(stream);
    it = halves_.erase(it);
  }
  for (const auto& [data, connection] : std::map(connections_)) {
    if (connection->IsForgotten(now)) connection->Cut();
  }
  if (now - last_ > kIdle) {
    channels_->End();
    return Stop();
  }
  timer_.expires_after(kTick);
  timer_.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (!error && self && !self->stopped_) self->Tick();
  });
}

void Forwarder::Stop() {
  stopped_ = true;
  timer_.cancel();
  waiting_.clear();
  for (const auto& [data, connection] : std::map(connections_)) connection->Cut();
}

}  // namespace

void ForwardSpdyPorts(const ExchangePtr& exchange, ChannelsPtr link, PortForwardOptions options) {
  auto forwarder = std::make_shared<Forwarder>(exchange, std::move(options));
  asio::post(exchange->context(), [forwarder, link] { forwarder->ServeSpdy(link); });
}

void ForwardPorts(const ExchangePtr& exchange, ChannelsPtr channels,
                  const std::vector<uint16_t>& ports, PortForwardOptions options) {
  auto forwarder = std::make_shared<Forwarder>(exchange, std::move(options));
  asio::post(exchange->context(), [=] { forwarder->ServeNumbered(channels, ports); });
}

}  // namespace zoe::server
