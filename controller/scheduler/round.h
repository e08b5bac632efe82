// One decision, from what is known and nothing else.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/scheduler/board.h"
#include "controller/scheduler/cluster.h"
#include "controller/scheduler/job_table.h"
#include "controller/scheduler/line.h"

namespace zoe::scheduler {

// What started executions of a user have together.
struct Use {
  int64_t executions = 0, services = 0;
  Resources resources;
};

// Jobs of which something must be looked at in each decision.
struct Watched {
  std::set<JobNumber> moving;                // not all that is granted stands, or something leaves
  std::set<JobNumber> hungry;                // elastic replicas are not granted
  std::map<Shape::Part, int32_t> appetites;  // theirs: one replica, how often
  std::set<JobNumber> rich;                  // elastic replicas are granted
  std::set<JobNumber> stuck;
  std::set<std::pair<Duration, JobNumber>> ends;  // of started ones, where declared: what remains
};

struct World {
  const Options& options;
  const Cluster& cluster;
  JobTable& jobs;
  Line& line;
  const std::map<std::string, Limits>& limits;
  const std::vector<Use>& use;  // by user
  const Watched& watched;
};

// What a decision leaves behind for questions.
struct Outcome {
  WallTime now{};
  Board board;
  struct Waiting {
    JobNumber job;
    uint32_t stamp;
  };
  std::vector<Waiting> waiting;  // in order
  std::vector<Use> use;
  std::optional<JobNumber> head;   // the first one that waits for room that isn't coming yet
  bool kept = false;               // nodes are closed for it
  std::optional<WallTime> shadow;  // when it can start at the latest, as far as declared
  std::set<JobNumber> promised;    // those whose room is on its way
  Resources assumed;               // granted, and not seen yet
};

using Parts = std::vector<Shape::Part>;

// Nodes and claims for all parts of a gang, or for none. The claims stay if `keep`.
std::optional<std::vector<Spots>> PlaceAll(const Cluster& cluster, Board& board, const Parts& parts,
                                           Board::Room room, uint8_t closed, bool keep);

class Round {
 public:
  Round(const World& world, WallTime now, Outcome& outcome);
  Decision Run();

 private:
  // No replica, and no gang, is larger than these: looked at before nodes are.
  struct Bounds {
    Resources largest, sum;
    bool Allow(const Shape& shape) const;
  };
  Bounds BoundsOf(Board::Room room) const;
  // What a job is to have.
  struct Draft {
    Change change = Change::kStart;
    std::vector<int32_t> replicas;
    std::vector<Spots> claims;
    std::vector<std::vector<NodeNumber>> within;  // by service; empty: any node
    std::string reason, message;
    std::vector<int32_t> taken;  // by service: elastic replicas that give way
    std::string taker;
  };
  // What of a service was granted before, is seen nowhere, and has found room.
  struct Claimed {
    int32_t replicas = 0;
    Spots spots;
  };
  // Elastic replicas that can be told to leave.
  struct Victim {
    JobNumber job;
    std::vector<int32_t> spare;
    std::vector<Spots> standing;
    Resources spared;
  };
  struct Taken {
    size_t victim, service;
    NodeNumber node;
  };

  const JobSlot& slot(JobNumber n) const { return world_.jobs.slot(n); }
  bool Older(JobNumber a, JobNumber b) const;
  std::vector<JobNumber> InOrder(const std::set<JobNumber>& jobs) const;
  Draft& DraftOf(JobNumber job, Change change);

  // round.cc
  void Assume();
  void AssumeFor(JobNumber job, bool essential);
  void SeeLeaving(JobNumber job);
  void Requeue(JobNumber job, std::string reason, std::string message);
  void Restore();
  void Walk();
  bool Consider(const Line::Place& place);
  bool Start(JobNumber job, uint8_t closed);
  bool WithinLimits(const JobSlot& slot, const Resources& more, bool starts) const;
  bool Possible(Shape& shape);
  Board& Empty();
  std::optional<std::vector<Spots>> Place(Board& board, const Parts& parts, Board::Room room,
                                          uint8_t closed, bool keep) const {
    return PlaceAll(world_.cluster, board, parts, room, closed, keep);
  }
  void Emit(Decision& decision);
  std::optional<WallTime> Next() const;

  // reclaim.cc
  void SeeMost();
  void FindVictims();
  bool Promise(JobNumber job, const Parts& parts, uint8_t closed);
  bool Reclaim(JobNumber job, const Parts& parts, uint8_t closed);
  bool ReclaimWithinLimits(JobNumber job, const Parts& parts, uint8_t closed);
  bool Richer(size_t a, size_t b) const;  // b is
  void GiveBack(const Taken& taken, int sign);
  void Tell(const Taken& taken, JobNumber taker);
  bool Preempt(JobNumber job, const Parts& parts, uint8_t closed);
  void Keep(JobNumber head);
  bool KeepByTime(const Parts& parts);

  // grow.cc
  void Grow();
  bool GrowBy(JobNumber job, size_t service, int32_t by);
  int32_t GrowMost(JobNumber job, size_t service);
  bool MayGrow(JobNumber job, size_t service) const;
  bool RoomFor(const Shape::Part& one);
  void Lift();
  bool LiftService(JobNumber job, Draft& draft, size_t service);

  const World& world_;
  const WallTime now_;
  Outcome& out_;
  Board& board_;
  std::map<JobNumber, Draft> drafts_;
  std::vector<JobNumber> started_;
  std::map<std::pair<JobNumber, size_t>, Claimed> assumed_;  // by job and service
  std::vector<std::pair<JobNumber, Parts>> broken_;          // essentials that stand nowhere
  std::optional<Board> empty_;                               // the cluster without jobs
  int failed_growths_ = 0;
  std::map<Shape::Part, bool> room_for_;
  std::vector<uint8_t> failed_;                // by shape: bit 0 on open nodes, bit 1 on all
  std::map<int32_t, int32_t> not_preempting_;  // by shape: up to this priority
  std::vector<Victim> victims_;
  std::map<int32_t, Resources> spared_;  // by user: what its victims could give
  bool seen_most_ = false, found_victims_ = false, something_leaves_ = false;
  Bounds now_bounds_, most_bounds_;
  int looked_ = 0;  // shapes that were tried in vain
};

}  // namespace zoe::scheduler
