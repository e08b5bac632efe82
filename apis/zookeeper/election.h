// Who reconciles: ephemeral sequential nodes, of which the lowest leads. Each candidate watches
// only its predecessor.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "apis/zookeeper/client.h"
#include "apis/zookeeper/layout.h"

namespace zoe::zookeeper {

// Leading rests on a lease: 2/3 of the session timeout from the moment at which the last answered
// proof was asked for, by our own clock. A paused or cut-off leader is told nothing by the client,
// and this ends before the servers can let its node expire. A proof is a write that a majority of
// the servers has agreed to: one server alone may answer questions for long after the others have
// gone on without it.
class Election : public std::enable_shared_from_this<Election> {
 public:
  Election(const Layout& layout, Client& client, std::shared_ptr<Pump> pump)
      : layout_(layout), client_(client), pump_(std::move(pump)) {}

  // Thread-safe. The Watch's end withdraws the node (at most 2 s) and must not come from a
  // callback.
  std::unique_ptr<Watch> Join(std::string identity, LeaderCallback callback);
  // The node whose existence proves that this process leads; empty if it doesn't, or if its lease
  // has passed. Thread-safe.
  std::string Fence() const { return FenceNow().node; }
  // The same with the end of the lease.
  struct Lease {
    std::string node;
    SteadyTime until{};
  };
  Lease FenceNow() const;
  // Everyone's, from the children of the election's node: names in the order of leading, one for
  // each candidate.
  static std::vector<std::string> InOrder(const std::vector<std::string>& children);

  // On the pump:
  void OnConnected();
  void OnOver();
  void OnNode(const std::string& path);

 private:
  struct Candidate;
  class Campaign;
  using Ptr = std::shared_ptr<Candidate>;

  void Evaluate(const Ptr& candidate);
  void OnField(const Ptr& candidate, const Reply& children);
  void OnMissing(const Ptr& candidate);
  void Enter(const Ptr& candidate);
  void Follow(const Ptr& candidate, const std::string& node);
  void Prove(const Ptr& candidate);
  void OnProof(const Ptr& candidate, Rc rc, SteadyTime asked);
  void SetLeading(const Ptr& candidate, bool leading);
  void Renew(const Ptr& candidate, SteadyTime asked);
  void Heartbeat();
  void Withdraw(const Ptr& candidate);
  void Remove(const Ptr& candidate);
  // As ChangeLog::Then: lost replies wait for OnConnected.
  Session::Done Then(const Ptr& candidate, std::function<void(const Reply&)> then);

  const Layout& layout_;
  Client& client_;
  const std::shared_ptr<Pump> pump_;

  std::vector<Ptr> candidates_;  // on the pump
  uint64_t epoch_ = 0;
  bool beating_ = false;

  mutable std::mutex mutex_;
  Lease fence_;
};

}  // namespace zoe::zookeeper
