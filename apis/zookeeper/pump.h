// The store's own thread: runs what is posted, one thing after the other, and timers.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "specs/meta/time.h"

namespace zoe::zookeeper {

// Thread-safe.
class Pump {
 public:
  using Task = std::function<void()>;

  Pump();
  ~Pump() { Stop(); }

  // False, and nothing will run, once the pump has stopped.
  bool Post(Task task);
  bool PostAt(SteadyTime when, Task task);
  bool PostAfter(Duration delay, Task task) {
    return PostAt(std::chrono::steady_clock::now() + delay, std::move(task));
  }
  // Lets the running task end and forgets the others. Not from a task.
  void Stop();

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  std::multimap<SteadyTime, Task> timers_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace zoe::zookeeper
