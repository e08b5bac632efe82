#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace zoe::server {

// Threads for what may block. They are made when they are needed, and stay. Thread-safe.
class Pool {
 public:
  // At most `threads` tasks run, at most `waiting` more wait.
  Pool(size_t threads, size_t waiting) : max_threads_(threads), max_waiting_(waiting) {}
  ~Pool() { Stop(); }

  // False if it is full or stopped; the task is dropped then.
  bool Post(std::function<void()> task);
  // Drops what waits, joins what runs.
  void Stop();

 private:
  void Run();

  const size_t max_threads_, max_waiting_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stopped_ = false;
};

}  // namespace zoe::server
