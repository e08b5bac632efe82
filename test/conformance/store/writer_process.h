// A store_writer (store_writer.cc) that a test starts, pauses and kills.
#pragma once

#include <sys/types.h>

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "test/conformance/store/history.h"

namespace zoe::conformance {

class WriterProcess {
 public:
  // As store_writer's command line.
  explicit WriterProcess(const std::vector<std::string>& arguments);
  ~WriterProcess() { Kill(); }
  void Freeze();
  void Thaw();
  void Kill();  // SIGKILL
  SteadyTime killed() const { return killed_; }
  // What it has told so far; of a killed one, all. What had not returned happened at `latest` at
  // the latest: what was sent to a server may happen after the sender's end.
  std::vector<Operation> Operations(SteadyTime latest) const;

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  SteadyTime killed_ = SteadyTime::max();
  std::thread reader_;
  mutable std::mutex mutex_;
  std::string journal_;
};

}  // namespace zoe::conformance
