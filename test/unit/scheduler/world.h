// Jobs and nodes in few words, and a Swarm in memory that carries grants out.
#pragma once

#include <chrono>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "controller/scheduler/scheduler.h"

namespace zoe::scheduler {

constexpr int64_t kCpu = 1'000'000'000, kGi = int64_t{1} << 30;
inline const WallTime kStart{std::chrono::hours{1'000'000 / 2}};

inline Node MakeNode(const std::string& id, int64_t cpu, int64_t memory = 1024) {
  return {.id = id,
          .name = id,
          .role = "worker",
          .os = "linux",
          .architecture = "x86_64",
          .capacity = {cpu * kCpu, memory * kGi}};
}

inline Service MakeService(int32_t total, int32_t essential, int64_t cpu, int64_t memory = 0,
                           const std::string& name = "worker") {
  return {
      .name = name, .request = {cpu * kCpu, memory * kGi}, .total = total, .essential = essential};
}

inline Job MakeJob(const std::string& id, std::vector<Service> services, Duration later = {}) {
  Job job{.id = id, .user = id.substr(0, id.find('/')), .queued_at = kStart + later};
  job.services = std::move(services);
  return job;
}

// What a Swarm does with grants: it puts each replica on the node with fewest of its service, then
// with fewest tasks, of those that have room and that it may use. Between equal nodes, and between
// services that wait for room at once, chance decides.
class FakeSwarm {
 public:
  explicit FakeSwarm(unsigned seed) : random_(seed) {}

  void Set(const Node& node) { nodes_[node.id] = node; }
  void Remove(const std::string& id);
  void Set(const Job& job) { jobs_[job.id] = job; }
  void End(const std::string& id) { jobs_.erase(id); }
  void Apply(const Grant& grant);
  // Takes away what is too much; then places up to that many replicas. False: one has no node.
  bool Work(int most = 1 << 30);
  bool AllStand() const;
  std::string WhoHasNoNode() const;

  Resources FreeOf(const std::string& node) const;
  int32_t TasksOn(const std::string& node) const;
  const std::map<std::string, Job>& jobs() const { return jobs_; }
  std::map<std::string, Job>& jobs() { return jobs_; }
  const std::map<std::string, Node>& nodes() const { return nodes_; }
  void Tell(Scheduler& scheduler) const;

 private:
  bool PlaceOne(const Service& service, Service& into);

  std::map<std::string, Node> nodes_;
  std::map<std::string, Job> jobs_;
  std::mt19937 random_;
};

}  // namespace zoe::scheduler
