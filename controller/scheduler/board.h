// The room of one decision, and what is promised of it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "controller/scheduler/cluster.h"
#include "controller/scheduler/job_table.h"
#include "controller/scheduler/resources.h"

namespace zoe::scheduler {

// Replicas of one service that are to be placed.
struct Ask {
  const Class* clas = nullptr;
  Resources request;
  int32_t replicas = 0;
  const Spots* standing = nullptr;                  // what of it is there already
  const std::vector<NodeNumber>* within = nullptr;  // nothing else; null or empty: any node
};

// A Swarm puts each replica on the node with fewest of its service, then with fewest tasks, of
// those that have room: which one is not ours to say, and what it starts first neither. So a grant
// lays claims: for each node that the Swarm may choose, the most that it can put there. All claims
// on a node fit together, thus whatever the Swarm does, in whatever order, it finds a node for
// each.
//
// With L the level up to which the nodes fill when each takes as many as its claims leave it, no
// node gets more than min(room there is, L - what stands on it) of the service.
class Board {
 public:
  // kNow: free, and nobody's claim. kSoon: with what is leaving, or is told to. kMost: with all
  // that can be told to. kLater: with what ends until a time that is looked at.
  enum Room { kNow, kSoon, kMost, kLater };
  enum Closed : uint8_t { kForHead = 1, kForGrowth = 2 };

  Board() = default;
  // `empty`: as if no job had anything.
  Board(const Cluster& cluster, Placement placement, bool empty = false);

  // Nodes for the replicas, where the placement wants them, and claims that hold. nullopt: there is
  // no such room. `closed`: nodes closed for any of these are not for them.
  std::optional<Spots> Choose(const Ask& ask, Room room, uint8_t closed) const;
  // Claims on every node that the ask allows, so that the Swarm may choose among all of them.
  std::optional<Spots> Anywhere(const Ask& ask, uint8_t closed) const;
  // As Anywhere, on the nodes of `within` and as many others as it takes.
  std::optional<Spots> Extend(const Ask& ask, uint8_t closed) const;
  // As many of the replicas as find room, for those that were granted long ago.
  Spots Assume(const Ask& ask, int32_t& left) const;

  void Claim(const Resources& request, const Spots& spots, int64_t times = 1);
  void Unclaim(const Resources& request, const Spots& spots) { Claim(request, spots, -1); }
  // Replicas that won't be there any more: more room.
  void Leave(Room room, const Resources& request, const Spot& spot) {
    Add(rooms_[room][spot.node], request, spot.replicas);
  }
  void Copy(Room from, Room to) { rooms_[to] = rooms_[from]; }
  void Close(NodeNumber n, Closed what) { closed_[n] |= what; }
  bool IsClosed(NodeNumber n, uint8_t what) const { return (closed_[n] & what) != 0; }

  const Resources& room(Room room, NodeNumber n) const { return rooms_[room][n]; }
  size_t size() const { return free_.size(); }
  const Resources& free(NodeNumber n) const { return free_[n]; }

 private:
  struct Candidate {
    NodeNumber node;
    int32_t slots, physical, standing;
  };
  bool Open(const Ask& ask, NodeNumber n, uint8_t closed) const;
  Candidate Look(const Ask& ask, Room room, NodeNumber n) const;
  std::optional<Spots> Spread(const Ask& ask, Room room, uint8_t closed) const;
  std::optional<Spots> Pack(const Ask& ask, Room room, uint8_t closed) const;
  static std::optional<int32_t> LevelOf(const std::vector<Candidate>& nodes, int32_t replicas);
  static std::optional<Spots> Fill(std::vector<Candidate> nodes, int32_t replicas, bool fixed);
  int Rank(NodeNumber n) const;
  void Move(NodeNumber n);

  static constexpr int kRanks = 128;
  const Cluster* cluster_ = nullptr;
  Placement placement_ = Placement::kSwarm;
  std::vector<Resources> free_;  // not reserved by what is there
  std::array<std::vector<Resources>, 4> rooms_;
  std::vector<int32_t> tasks_;
  std::vector<uint8_t> closed_;
  std::vector<uint32_t> position_;  // among the ids
  std::vector<int8_t> rank_;
  std::array<std::vector<NodeNumber>, kRanks> ranked_;  // in the order in which nodes are tried
};

}  // namespace zoe::scheduler
