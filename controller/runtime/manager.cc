#include "controller/runtime/manager.h"

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <thread>

#include "controller/runtime/log.h"
#include "controller/runtime/mutex.h"

namespace zoe {
namespace {

// Calls `on_overrun` unless it is destroyed within `timeout`.
class Watchdog {
 public:
  Watchdog(Duration timeout, std::function<void()> on_overrun)
      : thread_([this, timeout, on_overrun = std::move(on_overrun)] {
          if (!DoneBefore(std::chrono::steady_clock::now() + timeout)) on_overrun();
        }) {}
  ~Watchdog() {
    {
      const MutexLock lock(mutex_);
      done_ = true;
      done_changed_.notify_all();
    }
    thread_.join();
  }

 private:
  bool DoneBefore(SteadyTime deadline) {
    MutexLock lock(mutex_);
    while (!done_) {
      if (done_changed_.wait_until(lock.native(), deadline) == std::cv_status::timeout) break;
    }
    return done_;
  }

  Mutex mutex_;
  std::condition_variable done_changed_;
  bool done_ ZOE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

Manager::Manager(Duration stop_timeout, std::function<void(const std::string&)> on_overrun)
    : stop_timeout_(stop_timeout), on_overrun_(std::move(on_overrun)) {}

Manager::~Manager() { Stop(); }

void Manager::Add(Component component) { components_.push_back(std::move(component)); }

Expected<void> Manager::Start() {
  while (started_ < components_.size()) {
    const Component& component = components_[started_];
    if (component.start) {
      Expected<void> result = component.start();
      if (!result.ok()) {
        Error error = std::move(result).error();
        error.message = component.name + ": " + error.message;
        Stop();
        return error;
      }
    }
    ++started_;
    log::Debug("started", {{"component", component.name}});
  }
  return {};
}

void Manager::Stop() {
  if (started_ == 0) return;
  std::atomic<size_t> stopping{started_};
  const Watchdog watchdog(stop_timeout_, [this, &stopping] {
    const std::string& name = components_[stopping - 1].name;
    log::Warn("a component does not stop in time", {{"component", name}});
    if (on_overrun_) on_overrun_(name);
  });
  while (started_ > 0) {
    stopping = started_;
    const Component& component = components_[--started_];
    if (component.stop) component.stop();
    log::Debug("stopped", {{"component", component.name}});
  }
}

void BlockStopSignals() {
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

void UnblockStopSignals() {
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

int WaitForStopSignal() {
  const sigset_t set = StopSignals();
  int number = 0;
  while (sigwait(&set, &number) != 0) {
  }
  return number;
}

int WaitForStopSignal(Duration timeout) {
  const sigset_t set = StopSignals();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  timespec wait{};
  wait.tv_sec = seconds.count();
  wait.tv_nsec = std::chrono::nanoseconds(timeout - seconds).count();
  const int number = sigtimedwait(&set, nullptr, &wait);
  return number > 0 ? number : 0;
}

}  // namespace zoe
