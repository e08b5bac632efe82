#include "apis/zookeeper/election.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <set>
#include <utility>

#include "controller/runtime/log.h"

namespace zoe::zookeeper {
namespace {

constexpr Duration kRetryDelay{1'000}, kWithdrawTimeout{2'000};

SteadyTime Now() { return std::chrono::steady_clock::now(); }

// Tells our node from all others even when the reply that named it was lost.
std::string UniquePrefix() {
  std::random_device random;
  char text[32];
  std::snprintf(text, sizeof(text), "n-%08x%08x-", static_cast<unsigned>(random()),
                static_cast<unsigned>(random()));
  return text;
}

}  // namespace

struct Election::Candidate {
  const std::string prefix = UniquePrefix();
  std::string identity;

  // On the pump:
  std::string node;     // our child of the election node, once known
  std::string watched;  // the predecessor, or our own node if we are the first
  bool leading = false;
  bool busy = false, again = false;
  SteadyTime lease_end{};

  std::mutex mutex;  // held while the callback runs
  LeaderCallback callback;
  bool ended = false;
  bool gone = false;  // the node is deleted, or will be with its session
  std::condition_variable left;

  bool Ended() {
    const std::lock_guard lock(mutex);
    return ended;
  }
};

class Election::Campaign : public Watch {
 public:
  Campaign(std::weak_ptr<Election> election, Ptr candidate)
      : election_(std::move(election)), candidate_(std::move(candidate)) {}
  ~Campaign() override {
    {
      const std::lock_guard lock(candidate_->mutex);
      candidate_->ended = true;
    }
    const std::shared_ptr<Election> election = election_.lock();
    if (!election || !election->pump_->Post(
                         [election, candidate = candidate_] { election->Withdraw(candidate); }))
      return;
    std::unique_lock lock(candidate_->mutex);
    candidate_->left.wait_for(lock, kWithdrawTimeout, [this] { return candidate_->gone; });
  }

 private:
  const std::weak_ptr<Election> election_;
  const Ptr candidate_;
};

std::unique_ptr<Watch> Election::Join(std::string identity, LeaderCallback callback) {
  auto candidate = std::make_shared<Candidate>();
  candidate->identity = std::move(identity);
  candidate->callback = std::move(callback);
  pump_->Post([this, candidate] {
    candidates_.push_back(candidate);
    Evaluate(candidate);
    if (!std::exchange(beating_, true)) Heartbeat();
  });
  return std::make_unique<Campaign>(weak_from_this(), std::move(candidate));
}

Election::Lease Election::FenceNow() const {
  const std::lock_guard lock(mutex_);
  return Now() < fence_.until ? fence_ : Lease{};
}

// A candidate whose reply was lost may have entered twice: the first node counts.
std::vector<std::string> Election::InOrder(const std::vector<std::string>& children) {
  std::vector<std::pair<int32_t, std::string>> nodes;
  for (const std::string& node : children) {
    if (const auto sequence = SequenceOf(node)) nodes.emplace_back(*sequence, node);
  }
  std::ranges::sort(nodes,
                    [](const auto& a, const auto& b) { return Distance(a.first, b.first) < 0; });
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (auto& [sequence, node] : nodes) {
    if (seen.insert(node.substr(0, node.rfind('-'))).second) names.push_back(std::move(node));
  }
  return names;
}

void Election::OnConnected() {
  ++epoch_;
  for (const Ptr& candidate : std::vector(candidates_)) {
    candidate->busy = candidate->again = false;
    candidate->Ended() ? Withdraw(candidate) : Evaluate(candidate);
  }
}

void Election::OnOver() {
  ++epoch_;
  for (const Ptr& candidate : std::vector(candidates_)) {
    SetLeading(candidate, false);
    candidate->node.clear();
    candidate->watched.clear();
    if (candidate->Ended()) Remove(candidate);
  }
}

void Election::OnNode(const std::string& path) {
  for (const Ptr& candidate : std::vector(candidates_)) {
    if (candidate->watched == path) Evaluate(candidate);
  }
}

Session::Done Election::Then(const Ptr& candidate, std::function<void(const Reply&)> then) {
  return [this, candidate, epoch = epoch_, then = std::move(then)](Reply reply) {
    pump_->Post([this, candidate, epoch, then, reply = std::move(reply)] {
      if (epoch != epoch_) return;
      candidate->busy = false;
      if (reply.rc == Rc::kLost || reply.rc == Rc::kNotSent) return;
      if (reply.rc == Rc::kOk || reply.rc == Rc::kNoNode || reply.rc == Rc::kNodeExists)
        return then(reply);
      log::Warn("can't take part in the election of the leader",
                {{"reason", reply.bytes.empty() ? "no access" : reply.bytes}});
      pump_->PostAfter(kRetryDelay, [this, candidate] { Evaluate(candidate); });
    });
  };
}

void Election::Evaluate(const Ptr& candidate) {
  const auto session = client_.connected();
  if (!session || candidate->Ended()) return;
  candidate->again = true;
  if (candidate->busy) return;
  candidate->again = false;
  candidate->busy = true;
  session->Children(layout_.election(), Then(candidate, [this, candidate](const Reply& children) {
                      if (children.rc == Rc::kNoNode) return OnMissing(candidate);
                      OnField(candidate, children);
                      if (candidate->again) Evaluate(candidate);
                    }));
}

// Somebody has removed the election's node. It holds nothing, so it may be made anew, but not what
// it stands in: that is gone only with all objects, and comes back with them.
void Election::OnMissing(const Ptr& candidate) {
  SetLeading(candidate, false);
  candidate->node.clear();
  candidate->watched.clear();
  const auto session = client_.connected();
  if (!session) return;
  candidate->busy = true;
  session->Create(layout_.election(), "", CreateMode::kPersistent,
                  Then(candidate, [this, candidate](const Reply&) {
                    pump_->PostAfter(kRetryDelay, [this, candidate] { Evaluate(candidate); });
                  }));
}

void Election::OnField(const Ptr& candidate, const Reply& children) {
  if (candidate->Ended()) return;
  std::string own, predecessor;
  int32_t own_sequence = 0, predecessor_sequence = 0;
  for (const std::string& node : children.children) {
    const std::optional<int32_t> sequence = SequenceOf(node);
    if (!sequence || !node.starts_with(candidate->prefix)) continue;
    if (own.empty() || Distance(*sequence, own_sequence) < 0) own = node, own_sequence = *sequence;
  }
  if (own.empty()) {
    SetLeading(candidate, false);
    return Enter(candidate);
  }
  for (const std::string& node : children.children) {
    const std::optional<int32_t> sequence = SequenceOf(node);
    if (!sequence || Distance(*sequence, own_sequence) >= 0) continue;
    if (predecessor.empty() || Distance(*sequence, predecessor_sequence) > 0)
      predecessor = node, predecessor_sequence = *sequence;
  }
  const std::string node = layout_.election() + "/" + own;
  // Who leads by another node of its own, which is gone, proves it anew.
  if (!predecessor.empty() || node != candidate->node) SetLeading(candidate, false);
  candidate->node = node;
  Follow(candidate, predecessor.empty() ? node : layout_.election() + "/" + predecessor);
}

void Election::Enter(const Ptr& candidate) {
  const auto session = client_.connected();
  if (!session) return;
  candidate->node.clear();
  candidate->watched.clear();
  candidate->busy = true;
  session->Create(layout_.election() + "/" + candidate->prefix, candidate->identity,
                  CreateMode::kEphemeralSequential,
                  Then(candidate, [this, candidate](const Reply&) { Evaluate(candidate); }));
}

// Also the first one follows a node, its own: whoever removes it by hand makes another one lead.
void Election::Follow(const Ptr& candidate, const std::string& node) {
  const auto session = client_.connected();
  if (!session) return;
  candidate->busy = true;
  candidate->watched = node;
  session->Exists(node, true, Then(candidate, [this, candidate](const Reply& reply) {
                    if (reply.rc == Rc::kNoNode || candidate->again) return Evaluate(candidate);
                    Prove(candidate);
                  }));
}

// If we are the first: nobody can come before us any more, so all that is to be shown is that our
// node is there.
void Election::Prove(const Ptr& candidate) {
  const auto session = client_.connected();
  if (!session || candidate->node.empty() || candidate->watched != candidate->node) return;
  session->Multi({{.kind = Op::Kind::kCheck, .path = candidate->node},
                  {.kind = Op::Kind::kSet, .path = layout_.election()}},
                 [this, candidate, epoch = epoch_, asked = Now()](const Reply& reply) {
                   pump_->Post([this, candidate, epoch, asked, rc = reply.rc] {
                     if (epoch == epoch_ && !candidate->Ended()) OnProof(candidate, rc, asked);
                   });
                 });
}

void Election::OnProof(const Ptr& candidate, Rc rc, SteadyTime asked) {
  if (rc == Rc::kOk) return Renew(candidate, asked);
  if (rc != Rc::kNoNode) return;
  SetLeading(candidate, false);
  Evaluate(candidate);
}

void Election::SetLeading(const Ptr& candidate, bool leading) {
  if (candidate->leading == leading) return;
  candidate->leading = leading;
  {
    const std::lock_guard lock(mutex_);
    if (leading) {
      fence_ = {candidate->node, candidate->lease_end};
    } else if (fence_.node == candidate->node) {
      fence_ = {};
    }
  }
  const std::lock_guard lock(candidate->mutex);
  if (!candidate->ended) candidate->callback(leading ? candidate->lease_end : kNotLeading);
}

void Election::Renew(const Ptr& candidate, SteadyTime asked) {
  const SteadyTime end = asked + client_.timeout() * 2 / 3;
  if (end <= candidate->lease_end || end <= Now()) return;
  candidate->lease_end = end;
  if (!candidate->leading) {
    SetLeading(candidate, true);
  } else {
    {
      const std::lock_guard lock(mutex_);
      if (fence_.node == candidate->node) fence_.until = end;
    }
    const std::lock_guard lock(candidate->mutex);
    if (!candidate->ended) candidate->callback(end);
  }
  pump_->PostAt(end, [this, candidate] {
    if (!candidate->leading || Now() < candidate->lease_end) return;
    log::Warn("ZooKeeper has been silent for 2/3 of the session timeout: no longer leading");
    SetLeading(candidate, false);
  });
}

void Election::Heartbeat() {
  if (candidates_.empty()) {
    beating_ = false;
    return;
  }
  for (const Ptr& candidate : candidates_) Prove(candidate);
  pump_->PostAfter(client_.timeout() / 6, [this] { Heartbeat(); });
}

void Election::Withdraw(const Ptr& candidate) {
  {
    const std::lock_guard lock(mutex_);
    if (candidate->leading && fence_.node == candidate->node) fence_ = {};
  }
  candidate->leading = false;
  const auto session = client_.connected();
  if (!session) return;  // OnConnected comes back to it; with the session, the node goes anyway
  // What is listed includes a node whose creation is still under way: requests are answered in
  // order.
  session->Children(layout_.election(), Then(candidate, [this, candidate](const Reply& children) {
                      const auto current = client_.connected();
                      for (const std::string& node : children.children) {
                        if (!node.starts_with(candidate->prefix)) continue;
                        if (!current) return;
                        return current->Delete(layout_.election() + "/" + node,
                                               Then(candidate, [this, candidate](const Reply&) {
                                                 Withdraw(candidate);
                                               }));
                      }
                      Remove(candidate);
                    }));
}

void Election::Remove(const Ptr& candidate) {
  std::erase(candidates_, candidate);
  const std::lock_guard lock(candidate->mutex);
  candidate->gone = true;
  candidate->left.notify_all();
}

}  // namespace zoe::zookeeper
