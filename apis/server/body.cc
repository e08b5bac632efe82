#include "apis/server/body.h"

#include <utility>

namespace zoe::server {
namespace {

Error Gone() { return MakeError(Code::kCancelled, "the client has gone"); }

}  // namespace

std::string RequestBody::Take(std::function<void()>& resume) {
  if (full_ && !cancelled_) resume = on_room_;
  full_ = false;
  return std::exchange(buffer_, {});
}

Expected<std::string> RequestBody::Next() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (cancelled_) return Gone();
    std::function<void()> resume;
    std::string piece = Take(resume);
    if (resume) {
      lock.unlock();
      resume();
      lock.lock();
    }
    if (!piece.empty()) return piece;
    if (!buffer_.empty()) continue;
    if (ended_) return std::string();
    readable_.wait(lock, [this] { return !buffer_.empty() || ended_ || cancelled_; });
  }
}

Expected<std::string> RequestBody::TryNext(bool& ended) {
  std::function<void()> resume;
  std::string piece;
  {
    const std::lock_guard lock(mutex_);
    ended = false;
    if (cancelled_) return Gone();
    piece = Take(resume);
    ended = piece.empty() && ended_;
  }
  if (resume) resume();
  return piece;
}

void RequestBody::OnReadable(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  if (!cancelled_) on_readable_ = std::move(callback);
}

bool RequestBody::Put(std::string_view piece) {
  std::unique_lock lock(mutex_);
  if (cancelled_) return true;
  buffer_ += piece;
  full_ = buffer_.size() >= kMaxBuffered;
  const bool room = !full_;
  Tell(std::move(lock));
  return room;
}

void RequestBody::OnRoom(std::function<void()> resume) {
  const std::lock_guard lock(mutex_);
  on_room_ = std::move(resume);
}

void RequestBody::End() {
  std::unique_lock lock(mutex_);
  ended_ = true;
  Tell(std::move(lock));
}

void RequestBody::Reopen() {
  const std::lock_guard lock(mutex_);
  ended_ = false;
  full_ = true;
}

void RequestBody::Cancel() {
  std::unique_lock lock(mutex_);
  if (std::exchange(cancelled_, true)) return;
  const auto forget = std::exchange(on_room_, nullptr);
  const auto last = std::exchange(on_readable_, nullptr);
  readable_.notify_all();
  lock.unlock();
  if (last) last();
}

void RequestBody::Tell(std::unique_lock<std::mutex> lock) {
  readable_.notify_all();
  const auto callback = on_readable_;
  lock.unlock();
  if (callback) callback();
}

}  // namespace zoe::server
