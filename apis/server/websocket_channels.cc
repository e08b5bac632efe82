#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "apis/server/websocket.h"

namespace zoe::server {
namespace {

constexpr int kCloseChannel = 255;

Error Gone() { return MakeError(Code::kCancelled, "the client has gone"); }

class WebSocketChannels final : public Channels,
                                public Producer,
                                public std::enable_shared_from_this<WebSocketChannels> {
 public:
  WebSocketChannels(ExchangePtr exchange, WebSocketChannelsOptions options)
      : exchange_(std::move(exchange)),
        options_(std::move(options)),
        stream_(exchange_->request.stream) {}

  Expected<ChannelPiece> Next() override;
  Expected<std::optional<ChannelPiece>> TryNext() override;
  void OnReadable(std::function<void()> callback) override;

  bool Send(int channel, std::string_view bytes) override;
  bool WaitForRoom() override;
  void OnRoom(std::function<void()> callback) override;
  void Close(int channel) override;
  void End() override { Finish(WebSocketClose::kNormal, ""); }
  bool closes_channels() const override { return options_.closes_channels; }

  void Fill(Pieces& out) override;
  void Closed() override;

 private:
  // Of the reader.
  void Take(std::string_view bytes);
  void TakeData(WebSocketEvent event);
  std::optional<ChannelPiece> Pop();
  // With the lock held.
  bool Put(int channel, std::string_view bytes);
  bool Full() const { return out_.size() >= kMaxBuffered; }

  void Finish(WebSocketClose code, std::string_view reason);

  const ExchangePtr exchange_;
  const WebSocketChannelsOptions options_;
  const std::shared_ptr<RequestBody> stream_;

  // The reader's.
  WebSocketParser parser_;
  std::deque<ChannelPiece> pieces_;
  int channel_ = -1;  // of the message that is being read; -1: not told yet
  bool ended_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string out_;
  std::optional<std::string> pong_;  // to the last ping only: pings that pile up cost nothing
  bool opened_ = false;              // the handshake's answer has gone out
  bool closed_ = false;              // nobody reads any more
  bool was_full_ = false;
  std::atomic<bool> ending_{false};  // the close frame is in out_: nothing follows
  std::function<void()> on_readable_, on_room_;
};

// ---- from the client

void WebSocketChannels::TakeData(WebSocketEvent event) {
  if (!options_.numbered) {
    if (!event.bytes.empty()) pieces_.push_back({0, std::move(event.bytes), false});
    return;
  }
  if (event.begins) channel_ = -1;
  if (event.bytes.empty()) return;
  if (channel_ < 0) {
    channel_ = static_cast<uint8_t>(event.bytes.front());
    event.bytes.erase(0, 1);
    if (event.bytes.empty()) return;
  }
  if (options_.closes_channels && channel_ == kCloseChannel) {
    pieces_.push_back({static_cast<uint8_t>(event.bytes.front()), "", true});
  } else {
    pieces_.push_back({channel_, std::move(event.bytes), false});
  }
}

void WebSocketChannels::Take(std::string_view bytes) {
  std::vector<WebSocketEvent> events;
  const bool sound = parser_.Feed(bytes, events);
  for (WebSocketEvent& event : events) {
    switch (event.kind) {
      case WebSocketEvent::kData:
        TakeData(std::move(event));
        break;
      case WebSocketEvent::kPing: {
        {
          const std::lock_guard lock(mutex_);
          pong_ = std::move(event.bytes);
        }
        exchange_->Wake();
        break;
      }
      case WebSocketEvent::kPong:
        break;
      case WebSocketEvent::kClose:
        ended_ = true;
        Finish(static_cast<WebSocketClose>(event.code), "");
        break;
    }
  }
  if (!sound) {
    ended_ = true;
    Finish(parser_.close_code(), parser_.error());
  }
}

std::optional<ChannelPiece> WebSocketChannels::Pop() {
  if (pieces_.empty()) return {};
  ChannelPiece piece = std::move(pieces_.front());
  pieces_.pop_front();
  return piece;
}

Expected<ChannelPiece> WebSocketChannels::Next() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return opened_ || closed_; });
  }
  while (true) {
    if (ending_ && !ended_) return Gone();
    if (auto piece = Pop()) return std::move(*piece);
    if (ended_) return Gone();
    ZOE_ASSIGN(const std::string bytes, stream_->Next());
    if (bytes.empty()) return Gone();
    Take(bytes);
  }
}

Expected<std::optional<ChannelPiece>> WebSocketChannels::TryNext() {
  {
    const std::lock_guard lock(mutex_);
    if (!opened_ && !closed_) return std::optional<ChannelPiece>();
  }
  while (true) {
    if (ending_ && !ended_) return Gone();
    if (auto piece = Pop()) return std::optional(std::move(*piece));
    if (ended_) return Gone();
    bool ended = false;
    ZOE_ASSIGN(const std::string bytes, stream_->TryNext(ended));
    if (ended) return Gone();
    if (bytes.empty()) return std::optional<ChannelPiece>();
    Take(bytes);
  }
}

void WebSocketChannels::OnReadable(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  if (opened_) return stream_->OnReadable(std::move(callback));
  on_readable_ = std::move(callback);
}

// ---- to the client

bool WebSocketChannels::Put(int channel, std::string_view bytes) {
  if (ending_ || closed_) return false;
  const bool idle = out_.empty();
  out_ += WebSocketHead(WebSocketOpcode::kBinary, bytes.size() + (options_.numbered ? 1 : 0));
  if (options_.numbered) out_ += static_cast<char>(channel);
  out_ += bytes;
  was_full_ = Full();
  if (idle) exchange_->Wake();
  return !was_full_;
}

bool WebSocketChannels::Send(int channel, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  return Put(channel, bytes);
}

bool WebSocketChannels::WaitForRoom() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return closed_ || ending_ || !Full(); });
  return !closed_ && !ending_;
}

void WebSocketChannels::OnRoom(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  if (!closed_) on_room_ = std::move(callback);
}

void WebSocketChannels::Close(int channel) {
  if (!options_.closes_channels) return;
  const char number = static_cast<char>(channel);
  const std::lock_guard lock(mutex_);
  Put(kCloseChannel, {&number, 1});
}

void WebSocketChannels::Finish(WebSocketClose code, std::string_view reason) {
  {
    const std::lock_guard lock(mutex_);
    if (ending_.exchange(true)) return;
    out_ += WebSocketCloseFrame(code, reason);
    changed_.notify_all();
  }
  // Whoever waits for the client's next piece returns; what still comes is read and thrown away.
  stream_->Cancel();
  exchange_->Wake();
}

void WebSocketChannels::Fill(Pieces& out) {
  std::function<void()> readable, room;
  {
    const std::lock_guard lock(mutex_);
    if (!opened_) {
      opened_ = true;
      readable = std::exchange(on_readable_, nullptr);
      changed_.notify_all();
    }
    if (pong_ && !ending_) {
      out_ += WebSocketHead(WebSocketOpcode::kPong, pong_->size()) + *pong_;
    }
    pong_.reset();
    if (!out_.empty()) out.Add(std::make_shared<std::string>(std::exchange(out_, {})));
    out.end = ending_;
    if (std::exchange(was_full_, false)) room = on_room_;
    changed_.notify_all();
  }
  if (readable) {
    stream_->OnReadable(readable);
    readable();
  }
  if (room) room();
}

void WebSocketChannels::Closed() {
  std::function<void()> readable, forgotten;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    readable = std::exchange(on_readable_, nullptr);
    forgotten = std::exchange(on_room_, nullptr);
    changed_.notify_all();
  }
  if (readable) readable();
}

}  // namespace

ChannelsPtr OpenWebSocketChannels(const ExchangePtr& exchange, const WebSocketOffer& offer,
                                  WebSocketChannelsOptions options) {
  Response head = AcceptWebSocket(offer, options.protocol);
  auto channels = std::make_shared<WebSocketChannels>(exchange, std::move(options));
  exchange->Stream(std::move(head), channels);
  return channels;
}

}  // namespace zoe::server
