#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "apis/server/spdy_channels.h"

namespace zoe::server {
namespace {

Error Gone() { return MakeError(Code::kCancelled, "the client has gone"); }

bool EqualNoCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

// Calls with every comma-separated word of the fields of this name, until that says true.
template <class F>
bool AnyWord(const Request& request, std::string_view name, F&& is_it) {
  for (const auto& [key, value] : request.fields) {
    if (key.size() != name.size() || !EqualNoCase(key, name)) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view word = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
      while (word.starts_with(' ')) word.remove_prefix(1);
      while (word.ends_with(' ')) word.remove_suffix(1);
      if (!word.empty() && is_it(word)) return true;
    }
  }
  return false;
}

bool HasWord(const Request& request, std::string_view name, std::string_view word) {
  return AnyWord(request, name, [&](std::string_view found) { return EqualNoCase(found, word); });
}

// The connection itself after its upgrade. Until the answer has gone out, nothing is read: the
// request's body has ended, the tunnel has not begun.
class Tunnel final : public Channels, public Producer, public std::enable_shared_from_this<Tunnel> {
 public:
  explicit Tunnel(ExchangePtr exchange)
      : exchange_(std::move(exchange)), stream_(exchange_->request.stream) {}

  Expected<ChannelPiece> Next() override {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return opened_ || closed_ || ended_; });
      if (ended_) return Gone();
    }
    ZOE_ASSIGN(std::string bytes, stream_->Next());
    if (bytes.empty()) return Gone();
    return ChannelPiece{0, std::move(bytes)};
  }
  Expected<std::optional<ChannelPiece>> TryNext() override {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return Gone();
      if (!opened_ && !closed_) return std::optional<ChannelPiece>();
    }
    bool end = false;
    ZOE_ASSIGN(std::string bytes, stream_->TryNext(end));
    if (end) return Gone();
    if (bytes.empty()) return std::optional<ChannelPiece>();
    return std::optional(ChannelPiece{0, std::move(bytes)});
  }
  void OnReadable(std::function<void()> callback) override {
    const std::lock_guard lock(mutex_);
    if (opened_) return stream_->OnReadable(std::move(callback));
    on_readable_ = std::move(callback);
  }

  bool Send(int, std::string_view bytes) override;
  bool WaitForRoom() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || ended_ || out_.size() < kMaxBuffered; });
    return !closed_ && !ended_;
  }
  void OnRoom(std::function<void()> callback) override {
    const std::lock_guard lock(mutex_);
    if (!closed_) on_room_ = std::move(callback);
  }
  void Close(int) override {}
  void End() override {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      changed_.notify_all();
    }
    stream_->Cancel();
    exchange_->Wake();
  }
  bool closes_channels() const override { return false; }

  void Fill(Pieces& out) override;
  void Closed() override;

 private:
  const ExchangePtr exchange_;
  const std::shared_ptr<RequestBody> stream_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string out_;
  bool opened_ = false, full_ = false, ended_ = false, closed_ = false;
  std::function<void()> on_readable_, on_room_;
};

bool Tunnel::Send(int, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (closed_ || ended_) return true;
  if (out_.empty()) exchange_->Wake();
  out_ += bytes;
  full_ = out_.size() >= kMaxBuffered;
  return !full_;
}

void Tunnel::Fill(Pieces& out) {
  std::function<void()> readable, room;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(opened_, true)) readable = std::exchange(on_readable_, nullptr);
    if (!out_.empty()) out.Add(std::make_shared<std::string>(std::exchange(out_, {})));
    // Whoever had more to say has had the time for it: an end that waits for the client's would go
    // on taking what nobody reads.
    out.abort = ended_ && out.bodies.empty();
    if (std::exchange(full_, false)) room = on_room_;
    changed_.notify_all();
  }
  if (readable) {
    stream_->OnReadable(readable);
    readable();
  }
  if (room) room();
}

void Tunnel::Closed() {
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

bool AsksForSpdy(const Request& request) {
  return HasWord(request, "Connection", "Upgrade") && HasWord(request, "Upgrade", "SPDY/3.1");
}

Expected<std::string> ChooseSpdyProtocol(const Request& request,
                                         const std::vector<std::string_view>& supported) {
  std::string chosen, ours;
  AnyWord(request, "X-Stream-Protocol-Version", [&](std::string_view word) {
    if (std::find(supported.begin(), supported.end(), word) == supported.end()) return false;
    chosen = word;
    return true;
  });
  if (!chosen.empty()) return chosen;
  for (const std::string_view name : supported)
    ours += (ours.empty() ? "" : ", ") + std::string(name);
  return MakeError(Code::kBadRequest,
                   "X-Stream-Protocol-Version names none of the protocols served here: " + ours);
}

ChannelsPtr OpenSpdyTunnel(const ExchangePtr& exchange, std::string_view protocol) {
  Response head{.status = 101, .upgrade = true, .content_type = ""};
  head.headers = {{"Connection", "Upgrade"},
                  {"Upgrade", "SPDY/3.1"},
                  {"X-Stream-Protocol-Version", std::string(protocol)}};
  auto tunnel = std::make_shared<Tunnel>(exchange);
  exchange->Stream(std::move(head), tunnel);
  return tunnel;
}

}  // namespace zoe::server
