#include "apis/server/pool.h"

namespace zoe::server {

bool Pool::Post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return false;
  if (tasks_.size() < idle_) {
    // Somebody is free for it.
  } else if (threads_.size() < max_threads_) {
    threads_.emplace_back([this] { Run(); });
    ++idle_;
  } else if (tasks_.size() >= idle_ + max_waiting_) {
    return false;
  }
  tasks_.push_back(std::move(task));
  changed_.notify_one();
  return true;
}

void Pool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopped_ || !tasks_.empty(); });
    if (stopped_) return;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    --idle_;
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
    ++idle_;
  }
}

void Pool::Stop() {
  std::deque<std::function<void()>> dropped;
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(tasks_);
    threads.swap(threads_);
    changed_.notify_all();
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace zoe::server
