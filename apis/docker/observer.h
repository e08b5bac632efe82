// Notices changes in the Swarm: events where Swarm has them, bounded polling where it has none.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "apis/docker/engine_client.h"
#include "apis/docker/object_codec.h"
#include "apis/docker/others.h"
#include "controller/ports/swarm.h"

namespace zoe::docker {

// The Swarm's nodes as last read. Thread-safe.
//
// A new leader of the Swarm knows no node until that has reported: for some seconds all of them are
// `unknown`, and what ran there runs on. Such a node, ready before, is still taken for ready: Swarm
// itself waits 40 s before it calls one down and moves its tasks.
class NodeCache {
 public:
  // Never read, called stale, or read more than 10 s before `now`.
  bool NeedsRead(SteadyTime now) const;
  void Set(std::vector<SwarmNode> nodes, const std::set<std::string>& unknown, SteadyTime now);
  void CallStale();
  std::vector<SwarmNode> Nodes(SteadyTime now) const;  // in the order in which they were read
  // Fills in node_name and node_down. False if a task's node isn't known here.
  bool Describe(std::vector<SwarmTask>& tasks, SteadyTime now) const;
  // Ids of the nodes that aren't ready.
  std::set<std::string> Down(SteadyTime now) const;

 private:
  struct Node {
    SwarmNode node;
    // Since when it is unknown, if it was ready before.
    std::optional<SteadyTime> unknown_since = {};
    bool IsReady(SteadyTime now) const;
  };
  const Node* Find(const std::string& id) const;  // under the lock

  mutable std::mutex mutex_;
  std::vector<Node> nodes_;
  SteadyTime read_at_{};
  bool stale_ = true;
};

// What the port and its watches share: until when tasks are converging, and how many of the watches
// have no events, so that only the first and the last of them says so. Thread-safe.
class Attention {
 public:
  void Expect(SteadyTime until);
  bool FirstWithoutEvents();  // true for the first; each one that called it calls the other, too
  bool LastWithEventsAgain();

 private:
  friend class Observer;
  std::mutex mutex_;
  std::condition_variable changed_;
  SteadyTime fast_until_{};
  int without_events_ = 0;
};

// One subscription. Two threads: one reads GET /events, one polls services and tasks of the
// deployment, and, when told of a change or at rest, its networks and secrets. It calls `on_hint`
// for the owner of each one whose version differs from the last time. After events of nodes, and of
// others' services and containers, it looks whether there is other room: kCapacityHint.
class Observer : public SwarmWatch {
 public:
  struct Parts {
    EngineClient& client;
    const Clock& clock;
    NodeCache& nodes;
    Attention& attention;
    std::string deployment;
  };
  Observer(const Parts& parts, std::function<void(const SwarmHint&)> on_hint);
  ~Observer() override;

 private:
  using Owner = std::tuple<std::string, std::string, std::string>;  // kind, ns, name: ordered

  void ReadEvents();
  void SetWithoutEvents(bool without, std::string_view reason);
  void OnEvent(std::string_view line);
  // What the next poll, which is soon, is to do besides reading tasks; it adds up.
  struct Look {
    bool services = false;
    bool others = false;                   // networks and secrets
    bool all = false;                      // hint every owner
    bool resync = false;                   // say that anything may have changed
    bool nodes = false;                    // say that the room on them may have
    bool containers = false;               // one of another deployment ended
    std::set<std::string> events_of = {};  // services
    bool any() const { return services || others || all || resync || nodes || containers; }
  };
  void Poke(const Look& look);

  void PollLoop();
  bool WaitUntilDue();
  // Adds the owners of what differs from the last poll. False: no manager answered.
  bool Poll(const Look& look, std::set<Owner>& changed);
  // Whether there is other room than before, of what others reserve; nullopt: no manager answered.
  std::optional<bool> LookAtOthers(const Look& look);
  void TakeServices(const std::vector<ObjectMark>& marks, std::set<Owner>& changed);
  void TakeOthers(const std::vector<ObjectMark>& marks, std::set<Owner>& changed);
  bool TakeTasks(const std::vector<TaskMark>& marks, std::set<Owner>& changed);

  const Parts parts_;
  const std::function<void(const SwarmHint&)> on_hint_;
  std::stop_source stop_;

  // Guarded by attention.mutex_, which is held for looking only.
  Look look_{.resync = true};
  std::set<std::string> our_services_;

  bool without_events_ = false;  // the events thread's own

  // The poll thread's own.
  std::set<std::string> down_;              // nodes
  std::string last_services_, last_tasks_;  // answers: the same text means no change
  std::map<std::string, ObjectMark> services_, others_;
  std::map<std::string, TaskMark> tasks_;
  std::map<std::string, Owner> owners_;  // by service id; of removed ones while tasks are left
  SteadyTime polled_at_{}, rested_at_{};
  Duration poll_took_{0};
  int failures_ = 0;
  Others others_room_;

  std::jthread events_thread_, poll_thread_;
};

}  // namespace zoe::docker
