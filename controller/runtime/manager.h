#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "controller/ports/clock.h"
#include "specs/meta/expected.h"

namespace zoe {

// One part of the process that is started and stopped. `stop` is called once, only if `start`
// succeeded.
struct Component {
  std::string name;
  std::function<Expected<void>()> start;  // empty: nothing to start
  std::function<void()> stop;             // empty: nothing to stop
};

// Starts components in the order in which they were added and stops them in reverse: what was
// started last uses what was started first. Used by one thread.
class Manager {
 public:
  // `on_overrun` runs, on a thread of its own, if Stop takes longer than `stop_timeout`, with the
  // name of the component that hangs: the process should end there, for the rest can't be stopped
  // in order any more.
  Manager(Duration stop_timeout, std::function<void(const std::string&)> on_overrun);
  ~Manager();  // Stop()

  void Add(Component component);
  // The first failure stops what has been started and is returned, with the component's name in
  // front of its message.
  Expected<void> Start();
  void Stop();

 private:
  const Duration stop_timeout_;
  const std::function<void(const std::string&)> on_overrun_;
  std::vector<Component> components_;
  size_t started_ = 0;
};

// From here on SIGTERM, SIGINT and SIGHUP arrive only through WaitForStopSignal, and SIGPIPE is
// ignored (a lost connection is an error value). Call first thing in main, before there is any
// other thread: threads inherit the mask.
void BlockStopSignals();
// Lets them end the process again, at once: for a main that serves nobody. SIGPIPE stays ignored.
void UnblockStopSignals();
// Waits for one of them and returns its number.
int WaitForStopSignal();
// The same, but at most `timeout`; 0 if none came.
int WaitForStopSignal(Duration timeout);

}  // namespace zoe
