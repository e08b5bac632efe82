// Who waits, in the order in which they are to start.
#pragma once

#include <cstdint>
#include <vector>

#include "controller/scheduler/job_table.h"

namespace zoe::scheduler {

// First those who have waited longer than the options' patience, in the order in which they came;
// then by priority and policy. Who came first goes first among equals, then the smaller id.
class Line {
 public:
  struct Place {
    int64_t tier;  // smaller first: priorities, turned round
    double key;    // smaller first: the policy's
    WallTime queued_at;
    JobNumber job;
    uint32_t stamp;
    int32_t shape, user;
  };

  explicit Line(const Options& options) : options_(options) {}

  void Enter(const JobTable& jobs, JobNumber job);
  void Left() { ++left_; }  // a job's place, before its number may be another's

  // The order at `now`. `usage`: by user, what their started jobs have.
  const std::vector<Place>& Order(const JobTable& jobs, const Cluster& cluster,
                                  const std::vector<Resources>& usage, WallTime now);
  // When the next of those who wait will have waited too long.
  std::optional<WallTime> NextAged(WallTime now) const;
  bool Before(const JobTable& jobs, const JobSlot& a, const JobSlot& b, const Resources& total,
              WallTime now) const;
  // How the policy orders those of one tier; less is sooner.
  double KeyOf(const Job& job, const Resources& essential, const Resources& total,
               WallTime now) const;
  int64_t TierOf(const Job& job) const {
    return options_.policy == Policy::kFifo ? 0 : -int64_t{job.priority};
  }
  bool Aged(const Job& job, WallTime now) const {
    return options_.policy != Policy::kFifo && now - job.queued_at >= options_.patience;
  }

 private:
  void Settle(const JobTable& jobs, const Resources& total, WallTime now);
  void ShareOut(const JobTable& jobs, const Resources& total, std::vector<Resources> usage,
                size_t first);

  const Options& options_;
  Resources total_;             // of which the keys are made
  std::vector<Place> by_age_;   // queued_at, id
  std::vector<Place> by_rule_;  // tier, key, queued_at, id
  std::vector<Place> fresh_;    // in neither yet
  std::vector<Place> order_;
  size_t left_ = 0;
};

}  // namespace zoe::scheduler
