#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "apis/server/pool.h"

namespace zoe::server {

// The threads on which files are read and written: apart from those of writes, for a slow client or
// a slow filesystem holds one for long. One user has at most half of them. Thread-safe.
class Transfers {
 public:
  explicit Transfers(size_t most) : each_((most + 1) / 2), pool_(most, 0) {}

  // False if none is free; the task is dropped then.
  bool Post(const std::string& user, std::function<void()> task) {
    if (!Begin(user)) return false;
    if (pool_.Post([this, user, task = std::move(task)] {
          task();
          End(user);
        }))
      return true;
    End(user);
    return false;
  }
  // Joins what runs: exchanges must have been stopped.
  void Stop() { pool_.Stop(); }

 private:
  bool Begin(const std::string& user) {
    const std::lock_guard lock(mutex_);
    size_t& running = running_[user];
    if (running == each_) return false;
    ++running;
    return true;
  }
  void End(const std::string& user) {
    const std::lock_guard lock(mutex_);
    if (--running_[user] == 0) running_.erase(user);
  }

  const size_t each_;
  std::mutex mutex_;
  std::map<std::string, size_t> running_;
  Pool pool_;
};

}  // namespace zoe::server
