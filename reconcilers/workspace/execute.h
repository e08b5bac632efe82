#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "controller/loop/reconciler.h"
#include "reconcilers/workspace/plan.h"

namespace zoe::workspace {

// Countings that go on over several passes. Lost with the process: begun anew. Thread-safe.
class Measurements {
 public:
  // One step of the object's. Nothing while there is more to do; an error ends it.
  Expected<std::optional<Usage>> Step(Files& files, const Observed& observed,
                                      const StepBudget& budget);
  void Forget(const Key& key);

 private:
  struct Going {
    std::string path;
    std::unique_ptr<Measurement> count;
  };
  std::mutex mutex_;
  std::map<Key, Going> going_;
};

struct Done {
  bool made = false, mended = false;
  bool more = false;           // a long work goes on: call again after a pause
  bool removed = false;        // the directory has gone: call again
  std::optional<Usage> usage;  // counted to the end
  bool uncounted = false;      // counting failed: begun anew another time
  std::optional<Error> failed;
};

// Does the actions in their order, up to the first that fails.
Done Execute(Files& files, Measurements& measurements, const Observed& observed, const Plan& plan,
             const WorkspaceOptions& options);

}  // namespace zoe::workspace
