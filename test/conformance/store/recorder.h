// Collects what a change feed says, and waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "controller/ports/store.h"

namespace zoe::conformance {

// Must outlive the Watch that it feeds.
class Recorder {
 public:
  Feed feed() {
    return {
        .on_change = [this](const Change& change) { Note([&] { changes_.push_back(change); }); },
        .on_gap = [this] { Note([&] { ++gaps_; }); }};
  }
  std::vector<Change> changes() const {
    const std::lock_guard lock(mutex_);
    return changes_;
  }
  int gaps() const {
    const std::lock_guard lock(mutex_);
    return gaps_;
  }
  // False after `timeout`.
  bool WaitForChanges(size_t count, std::chrono::seconds timeout = std::chrono::seconds(10)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return changes_.size() >= count; });
  }
  bool WaitForGaps(int count, std::chrono::seconds timeout = std::chrono::seconds(20)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return gaps_ >= count; });
  }

 private:
  template <class F>
  void Note(F note) {
    {
      const std::lock_guard lock(mutex_);
      note();
    }
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Change> changes_;
  int gaps_ = 0;
};

// The same for a campaign.
class Leadership {
 public:
  // For a candidate, which does not lead to begin with. Renewals are not counted.
  LeaderCallback callback() {
    {
      const std::lock_guard lock(mutex_);
      leading_ = false;
    }
    return [this](SteadyTime until) {
      {
        const std::lock_guard lock(mutex_);
        const bool leading = until != kNotLeading;
        if (std::exchange(leading_, leading) != leading || !leading) ++calls_;
      }
      changed_.notify_all();
    };
  }
  bool leading() const {
    const std::lock_guard lock(mutex_);
    return leading_;
  }
  int calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  bool WaitFor(bool leading, std::chrono::seconds timeout = std::chrono::seconds(20)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return leading_ == leading; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool leading_ = false;
  int calls_ = 0;
};

}  // namespace zoe::conformance
