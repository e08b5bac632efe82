#include "apis/zookeeper/pump.h"

#include <utility>

namespace zoe::zookeeper {

Pump::Pump() : thread_([this] { Run(); }) {}

bool Pump::Post(Task task) {
  const std::lock_guard lock(mutex_);
  if (stop_) return false;
  tasks_.push_back(std::move(task));
  wake_.notify_one();
  return true;
}

bool Pump::PostAt(SteadyTime when, Task task) {
  const std::lock_guard lock(mutex_);
  if (stop_) return false;
  timers_.emplace(when, std::move(task));
  wake_.notify_one();
  return true;
}

void Pump::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  // Tasks may own what must not be destroyed under the lock.
  std::deque<Task> tasks;
  std::multimap<SteadyTime, Task> timers;
  const std::lock_guard lock(mutex_);
  tasks.swap(tasks_);
  timers.swap(timers_);
}

void Pump::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    Task task;
    // Timers first: what is due must not wait behind a flood of tasks.
    if (!timers_.empty() && timers_.begin()->first <= std::chrono::steady_clock::now()) {
      task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
    } else if (!tasks_.empty()) {
      task = std::move(tasks_.front());
      tasks_.pop_front();
    } else if (timers_.empty()) {
      wake_.wait(lock);
      continue;
    } else {
      wake_.wait_until(lock, SteadyTime(timers_.begin()->first));
      continue;
    }
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

}  // namespace zoe::zookeeper
