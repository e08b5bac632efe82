// What is used on the Swarm, in the words of metrics.k8s.io: views beside those of views.h.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "apis/server/pods.h"
#include "controller/cache/cache.h"
#include "controller/cache/projection.h"
#include "controller/ports/clock.h"
#include "controller/ports/swarm.h"

namespace zoe::server {

// Of the pods whose use is known.
std::vector<std::shared_ptr<ObjectBase>> MakePodMetrics(const SwarmPicture& picture,
                                                        const std::vector<SwarmUsage>& usage,
                                                        const LabelsOf& labels_of);
// The sum of the tasks whose use is known, on each node. A node is left out that runs tasks of this
// deployment, but the use of none is known: its engine can't be reached, or they have just begun.
std::vector<std::shared_ptr<ObjectBase>> MakeNodeMetrics(const SwarmPicture& picture,
                                                         const std::vector<SwarmUsage>& usage,
                                                         WallTime now);

// Thread-safe. Measures when somebody asks, many requests at once by one measuring, on a thread of
// its own: it takes a second now and then.
class UsageViews {
 public:
  UsageViews(Swarm& swarm, const Clock& clock, LabelsOf labels_of);
  ~UsageViews();  // Stop()

  // nullptr: the kind is none of these.
  const Cache* CacheOf(const v1::Kind& kind) const;
  using Done = std::function<void(const Expected<void>&)>;
  // As Views::Refresh.
  void Refresh(Done done);
  void Stop();

 private:
  void Run();
  Expected<void> Read();

  Swarm& swarm_;
  const Clock& clock_;
  const LabelsOf labels_of_;
  const v1::Kind *node_kind_, *pod_kind_;
  Projection nodes_, pods_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Done> waiting_;
  bool stopped_ = false;
  std::stop_source stop_;
  std::thread thread_;
};

}  // namespace zoe::server
