// Kubernetes' core as caches: namespaces and events follow the store's objects, pods and nodes the
// Swarm.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "apis/server/pods.h"
#include "apis/server/usage.h"
#include "controller/cache/cache.h"
#include "controller/cache/projection.h"
#include "controller/ports/clock.h"
#include "controller/ports/swarm.h"
#include "specs/meta/expected.h"

namespace zoe::server {

// Thread-safe. At rest it does nothing: namespaces and events are brought up to date when somebody
// asks, pods and nodes are read from the Swarm then, many requests at once by one reading; while
// somebody watches a kind it is kept up to date, pods and nodes by the Swarm's hints and by looking
// every few seconds (more rarely the longer a look takes).
//
// resourceVersions: of namespaces and events the store's own; of pods and nodes they begin with the
// time of the server's start in microseconds, so that they don't go back when it starts anew, and
// grow by one with each change.
class Views {
 public:
  // `all_namespaces`: those count, too, that no User stands for but only objects.
  Views(const Cache& objects, Swarm& swarm, const Clock& clock, bool all_namespaces);
  ~Views();  // Stop()

  // `kind` is one of core::Kinds() or core::MetricsKinds().
  const Cache& CacheOf(const v1::Kind& kind) const;

  using Done = std::function<void(const Expected<void>&)>;
  // Calls `done` when the kind's cache shows all that was so when this was called: at once for what
  // follows the store, else on a thread of this class, where it must not block. After Stop: with
  // kUnavailable.
  void Refresh(const v1::Kind& kind, Done done);
  // While the handle is held, the kind is kept up to date.
  std::shared_ptr<void> KeepCurrent(const v1::Kind& kind);
  // The objects have changed.
  void Follow();

  // `tell` after each change, any thread; must only post.
  void Listen(const std::function<void()>& tell);
  // Nobody is called any more. What waits is answered before.
  void Stop();

 private:
  bool FollowsSwarm(const v1::Kind& kind) const {
    return &kind == pod_kind_ || &kind == node_kind_;
  }
  void FollowEvents();
  void FollowNamespaces();
  void Run();
  SteadyTime NextLook() const;
  void LookAfter(std::unique_lock<std::mutex>& lock);
  Expected<void> Read();
  void KeepOldServices(SwarmPicture& picture);
  Labels LabelsOfOwner(const Labels& service_labels) const;

  const Cache& objects_;
  Swarm& swarm_;
  const Clock& clock_;
  const bool all_namespaces_;
  const v1::Kind *namespace_kind_, *node_kind_, *pod_kind_, *event_kind_;
  Projection namespaces_, nodes_, pods_, events_;
  UsageViews usage_;
  std::vector<std::shared_ptr<void>> listeners_;

  std::mutex follow_mutex_;  // one writer of namespaces_ and events_

  // The thread's own.
  std::vector<SwarmService> last_services_;
  std::unique_ptr<SwarmWatch> watch_;
  Duration took_{0};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<const v1::Kind*, int> watched_;
  std::vector<Done> waiting_;
  bool hinted_ = false, stopped_ = false;
  SteadyTime looked_at_{};
  std::stop_source stop_;
  std::thread thread_;
};

}  // namespace zoe::server
