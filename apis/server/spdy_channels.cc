#include "apis/server/spdy_channels.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

namespace zoe::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::seconds kToOpen{30}, kToClose{5};
// Of answers (to PING, to refused streams) that a client lets pile up.
constexpr size_t kMaxAnswers = 64 * 1024;
constexpr size_t kMaxAhead = 16;  // pieces, of at most what a connection buffers

Error Gone() { return MakeError(Code::kCancelled, "the client has gone"); }

class SpdyChannels final : public Channels, public std::enable_shared_from_this<SpdyChannels> {
 public:
  SpdyChannels(const ExchangePtr& exchange, ChannelsPtr link, SpdyStreams streams)
      : link_(std::move(link)), hooks_(std::move(streams)), timer_(exchange->context()) {}

  // The callbacks hold this until the client has gone.
  void Start() {
    link_->OnRoom([self = shared_from_this()] { self->Drained(); });
    link_->OnReadable([self = shared_from_this()] { self->Readable(); });
  }

  Expected<ChannelPiece> Next() override;
  Expected<std::optional<ChannelPiece>> TryNext() override;
  void OnReadable(std::function<void()> callback) override {
    const std::lock_guard lock(mutex_);
    if (!gone_) on_readable_ = std::move(callback);
  }

  bool Send(int channel, std::string_view bytes) override;
  bool WaitForRoom() override { return link_->WaitForRoom(); }
  void OnRoom(std::function<void()> callback) override {
    const std::lock_guard lock(mutex_);
    if (!gone_) on_room_ = std::move(callback);
  }
  void Close(int channel) override;
  void End() override;
  bool closes_channels() const override { return true; }

  // Reads ahead, a bounded piece. False: the client has gone.
  bool ReadAhead();
  bool IsOpen(int channel) {
    const std::lock_guard lock(mutex_);
    return stream_of_.contains(channel);
  }

 private:
  struct Stream {
    int channel = 0;
    bool received = false, sent = false;  // the client's, our last has passed
  };

  void Readable();
  void Tell();
  void Drained();
  void EndLink();
  void Linger();
  void Drain();
  // By who reads. False: the link has nothing now.
  Expected<bool> Pull();
  Expected<void> Take(std::string_view bytes);
  Expected<void> OnFrame(const spdy::Frame& frame);
  Expected<void> OnOpen(const spdy::Frame& frame);
  void OnPiece(const spdy::Frame& frame);
  void OnReset(uint32_t stream);
  void Forget();
  // With mutex_ held.
  bool Put(const spdy::Frame& frame);
  Expected<void> Answer(const spdy::Frame& frame);
  void Finish(std::map<uint32_t, Stream>::iterator stream);

  const ChannelsPtr link_;
  const SpdyStreams hooks_;
  asio::steady_timer timer_;  // the connection's thread's

  std::mutex reading_;  // who reads; before mutex_
  spdy::Decoder decoder_;
  std::deque<ChannelPiece> pieces_;
  uint32_t last_stream_ = 0;
  bool going_ = false;  // the client has said GOAWAY

  std::mutex mutex_;
  std::condition_variable readable_;
  bool news_ = false;     // the link may have something
  bool telling_ = false;  // that is about to be told
  bool ended_ = false;    // End() was called
  bool gone_ = false;     // the client is
  spdy::Encoder encoder_;
  std::map<uint32_t, Stream> streams_;
  std::map<int, uint32_t> stream_of_;
  size_t answers_ = 0;  // bytes that the client has let pile up
  std::function<void()> on_readable_, on_room_;
};

Expected<ChannelPiece> SpdyChannels::Next() {
  while (true) {
    ZOE_ASSIGN(std::optional<ChannelPiece> piece, TryNext());
    if (piece) return std::move(*piece);
    std::unique_lock lock(mutex_);
    readable_.wait(lock, [this] { return news_ || ended_ || gone_; });
    news_ = false;
  }
}

Expected<std::optional<ChannelPiece>> SpdyChannels::TryNext() {
  const std::lock_guard reading(reading_);
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return Gone();
    }
    if (!pieces_.empty()) {
      std::optional piece = std::move(pieces_.front());
      pieces_.pop_front();
      return piece;
    }
    ZOE_ASSIGN(const bool pulled, Pull());
    if (!pulled) return std::optional<ChannelPiece>();
  }
}

bool SpdyChannels::ReadAhead() {
  const std::lock_guard reading(reading_);
  while (pieces_.size() < kMaxAhead) {
    const auto pulled = Pull();
    if (!pulled.ok()) return false;
    if (!*pulled) return true;
  }
  return true;
}

Expected<bool> SpdyChannels::Pull() {
  auto bytes = link_->TryNext();
  if (bytes.ok() && !bytes->has_value()) return false;
  if (bytes.ok() && Take((*bytes)->bytes).ok()) return true;
  Forget();
  if (bytes.ok()) EndLink();
  return Gone();
}

// Posted: the link may call back while it ends.
void SpdyChannels::EndLink() {
  asio::post(timer_.get_executor(), [link = link_] { link->End(); });
}

// Nothing is read any more.
void SpdyChannels::Forget() {
  std::function<void()> readable, room;
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    readable = std::exchange(on_readable_, nullptr);
    room = std::exchange(on_room_, nullptr);
  }
  readable_.notify_all();
}

// Posted: the link may say so in the middle of being read.
void SpdyChannels::Readable() {
  {
    const std::lock_guard lock(mutex_);
    news_ = true;
    if (std::exchange(telling_, true)) return;
  }
  readable_.notify_all();
  asio::post(timer_.get_executor(), [self = shared_from_this()] { self->Tell(); });
}

void SpdyChannels::Tell() {
  std::function<void()> tell;
  bool drain;
  {
    const std::lock_guard lock(mutex_);
    telling_ = false;
    drain = ended_;
    tell = on_readable_;
  }
  if (drain) return Drain();
  if (tell) tell();
}

void SpdyChannels::Drained() {
  std::function<void()> tell;
  {
    const std::lock_guard lock(mutex_);
    answers_ = 0;
    tell = on_room_;
  }
  if (tell) tell();
}

Expected<void> SpdyChannels::Take(std::string_view bytes) {
  spdy::Frame frame;
  while (true) {
    ZOE_ASSIGN(const bool is_frame, decoder_.Next(bytes, frame));
    if (!is_frame) return {};
    ZOE_TRY(OnFrame(frame));
  }
}

Expected<void> SpdyChannels::OnFrame(const spdy::Frame& frame) {
  switch (frame.type) {
    case spdy::Type::kSynStream:
      return OnOpen(frame);
    case spdy::Type::kData:
    case spdy::Type::kHeaders:
      OnPiece(frame);
      return {};
    case spdy::Type::kRstStream:
      OnReset(frame.id);
      return {};
    case spdy::Type::kPing: {
      // Even ones would answer ours.
      const std::lock_guard lock(mutex_);
      return frame.id % 2 == 1 ? Answer(frame) : Expected<void>();
    }
    case spdy::Type::kGoAway:
      going_ = true;
      return {};
    default:
      return {};
  }
}

Expected<void> SpdyChannels::OnOpen(const spdy::Frame& frame) {
  spdy::Frame refusal{
      .type = spdy::Type::kRstStream, .id = frame.id, .value = spdy::kRefusedStream};
  std::optional<int> channel;
  const bool valid = frame.id % 2 == 1 && frame.id > last_stream_;
  if (valid) {
    last_stream_ = frame.id;
    size_t open;
    {
      const std::lock_guard lock(mutex_);
      open = ended_ ? hooks_.most : streams_.size();
    }
    if (open < hooks_.most) channel = hooks_.open(frame.id, frame.headers);
  } else {
    refusal.value = spdy::kProtocolError;
  }
  const std::lock_guard lock(mutex_);
  if (!channel || !stream_of_.emplace(*channel, frame.id).second) return Answer(refusal);
  streams_[frame.id] = {.channel = *channel, .received = frame.fin};
  if (frame.fin) pieces_.push_back({*channel, "", true});
  return Answer({.type = spdy::Type::kSynReply, .id = frame.id});
}

// Of streams that are no more, what was under way is passed over.
void SpdyChannels::OnPiece(const spdy::Frame& frame) {
  const std::lock_guard lock(mutex_);
  const auto it = streams_.find(frame.id);
  if (it == streams_.end() || it->second.received) return;
  const int channel = it->second.channel;
  if (!frame.data.empty()) pieces_.push_back({channel, std::string(frame.data), false});
  if (!frame.fin) return;
  pieces_.push_back({channel, "", true});
  it->second.received = true;
  Finish(it);
}

void SpdyChannels::OnReset(uint32_t stream) {
  int channel;
  {
    const std::lock_guard lock(mutex_);
    const auto it = streams_.find(stream);
    if (it == streams_.end()) return;
    channel = it->second.channel;
    if (!it->second.received) pieces_.push_back({channel, "", true});
    it->second.received = it->second.sent = true;
    Finish(it);
  }
  if (hooks_.reset) hooks_.reset(channel);
}

bool SpdyChannels::Put(const spdy::Frame& frame) {
  std::string bytes;
  encoder_.Put(frame, bytes);
  return link_->Send(0, bytes);
}

Expected<void> SpdyChannels::Answer(const spdy::Frame& frame) {
  std::string bytes;
  encoder_.Put(frame, bytes);
  if (!link_->Send(0, bytes) && (answers_ += bytes.size()) > kMaxAnswers)
    return MakeError(Code::kInvalid, "the client asks much and reads nothing");
  return {};
}

void SpdyChannels::Finish(std::map<uint32_t, Stream>::iterator stream) {
  if (!stream->second.received || !stream->second.sent) return;
  stream_of_.erase(stream->second.channel);
  streams_.erase(stream);
}

bool SpdyChannels::Send(int channel, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  const auto it = stream_of_.find(channel);
  if (it == stream_of_.end() || streams_[it->second].sent) return true;
  return Put({.id = it->second, .data = bytes});
}

void SpdyChannels::Close(int channel) {
  const std::lock_guard lock(mutex_);
  const auto it = stream_of_.find(channel);
  if (it == stream_of_.end()) return;
  const auto stream = streams_.find(it->second);
  if (std::exchange(stream->second.sent, true)) return;
  Put({.id = stream->first, .fin = true});
  Finish(stream);
}

void SpdyChannels::End() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    for (auto& [id, stream] : streams_) {
      if (!std::exchange(stream.sent, true)) Put({.id = id, .fin = true});
    }
    streams_.clear();
    stream_of_.clear();
  }
  readable_.notify_all();
  asio::post(timer_.get_executor(), [self = shared_from_this()] { self->Linger(); });
}

void SpdyChannels::Linger() {
  timer_.expires_after(kToClose);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->link_->End();
  });
  Drain();
}

// After the end: until the client goes.
void SpdyChannels::Drain() {
  const std::lock_guard reading(reading_);
  while (true) {
    const auto pulled = Pull();
    pieces_.clear();
    if (pulled.ok() && !*pulled) return;
    if (pulled.ok() && !going_) continue;
    Forget();
    timer_.cancel();
    return EndLink();
  }
}

// Waits for the streams of an exec.
class ExecStreams final : public std::enable_shared_from_this<ExecStreams> {
 public:
  ExecStreams(const ExchangePtr& exchange, std::vector<int> expected,
              std::function<void(ChannelsPtr)> ready)
      : expected_(std::move(expected)), ready_(std::move(ready)), timer_(exchange->context()) {}

  void Start(const ExchangePtr& exchange, std::string_view protocol) {
    SpdyStreams streams;
    streams.open = [expected = expected_](uint32_t, const spdy::Headers& headers) {
      return ChannelOf(headers, expected);
    };
    channels_ = std::make_shared<SpdyChannels>(exchange, OpenSpdyTunnel(exchange, protocol),
                                               std::move(streams));
    timer_.expires_after(kToOpen);
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error) self->Finish(false);
    });
    channels_->OnReadable([self = shared_from_this()] { self->Look(); });
    channels_->Start();
    Look();
  }

 private:
  static std::optional<int> ChannelOf(const spdy::Headers& headers,
                                      const std::vector<int>& expected) {
    static constexpr std::pair<std::string_view, int> kTypes[] = {{"stdin", kStdinChannel},
                                                                  {"stdout", kStdoutChannel},
                                                                  {"stderr", kStderrChannel},
                                                                  {"error", kErrorChannel},
                                                                  {"resize", kResizeChannel}};
    for (const auto& [name, channel] : kTypes) {
      if (name == spdy::Find(headers, "streamtype") &&
          std::find(expected.begin(), expected.end(), channel) != expected.end())
        return channel;
    }
    return {};
  }

  void Look() {
    if (!ready_) return;
    if (!channels_->ReadAhead()) return Finish(false);
    if (std::all_of(expected_.begin(), expected_.end(),
                    [this](int channel) { return channels_->IsOpen(channel); }))
      Finish(true);
  }
  void Finish(bool there) {
    const auto ready = std::exchange(ready_, nullptr);
    if (!ready) return;
    timer_.cancel();
    channels_->OnReadable(nullptr);
    const auto channels = std::exchange(channels_, nullptr);
    there ? ready(channels) : channels->End();
  }

  const std::vector<int> expected_;
  std::function<void(ChannelsPtr)> ready_;
  asio::steady_timer timer_;
  std::shared_ptr<SpdyChannels> channels_;
};

}  // namespace

ChannelsPtr OpenSpdyChannels(const ExchangePtr& exchange, ChannelsPtr link, SpdyStreams streams) {
  auto channels = std::make_shared<SpdyChannels>(exchange, std::move(link), std::move(streams));
  channels->Start();
  return channels;
}

void OpenSpdyExec(const ExchangePtr& exchange, std::string_view protocol, std::vector<int> expected,
                  std::function<void(ChannelsPtr)> ready) {
  auto streams = std::make_shared<ExecStreams>(exchange, std::move(expected), std::move(ready));
  boost::asio::post(exchange->context(),
                    [=, protocol = std::string(protocol)] { streams->Start(exchange, protocol); });
}

}  // namespace zoe::server
