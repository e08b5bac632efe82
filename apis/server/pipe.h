#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "apis/server/exchange.h"

namespace zoe::server {

// A streamed answer from the thread that makes it to the connection's, bounded: a client that reads
// slowly slows down the making. Whoever pushes or ends wakes the exchange.
class Pipe final : public Producer {
 public:
  static constexpr size_t kMaxBuffered = 256 * 1024;

  // Blocks while the buffer is full. False: nobody reads any more.
  bool Push(std::string_view text) {
    std::unique_lock lock(mutex_);
    drained_.wait(lock, [this] { return closed_ || buffer_.size() < kMaxBuffered; });
    if (closed_) return false;
    buffer_ += text;
    return true;
  }
  void End(bool broken) {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    broken_ = broken;
  }

  void Fill(Pieces& out) override {
    const std::lock_guard lock(mutex_);
    if (!buffer_.empty()) {
      out.Add(std::make_shared<std::string>(std::move(buffer_)));
      buffer_.clear();
      drained_.notify_all();
    } else {
      out.abort = ended_ && broken_;
    }
    out.end = ended_ && !broken_;
  }
  void Closed() override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    drained_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable drained_;
  std::string buffer_;
  bool ended_ = false, broken_ = false, closed_ = false;
};

}  // namespace zoe::server
