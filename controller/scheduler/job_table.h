// The jobs, by number, with what a decision needs of each worked out when it is told.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "controller/scheduler/cluster.h"

namespace zoe::scheduler {

using JobNumber = uint32_t;

// Replicas on nodes.
struct Spot {
  NodeNumber node = 0;
  int32_t replicas = 0;
  bool operator==(const Spot&) const = default;
};
using Spots = std::vector<Spot>;

// A service, as told.
struct ServiceSlot {
  int32_t clas = -1;  // its constraints
  Spots seen;
  Spots spare;  // elastic ones of those: from where most are, as the Swarm takes them
  std::vector<NodeNumber> within;  // the grant's nodes; empty: any
};

// What all essentials of a job ask for: equal ones share a number, since what doesn't fit for one
// doesn't for the other.
struct Shape {
  struct Part {
    int32_t clas = -1;
    Resources request;
    int32_t replicas = 0;
    auto operator<=>(const Part& other) const {
      return std::tie(clas, request.cpu_nano, request.memory_bytes, replicas) <=>
             std::tie(other.clas, other.request.cpu_nano, other.request.memory_bytes,
                      other.replicas);
    }
    bool operator==(const Part& other) const = default;
  };
  std::vector<Part> parts;  // of the services that have essentials, in their order
  Resources sum;
  int32_t users = 0;
  // Whether a cluster without other jobs has room: known for that version of the cluster.
  uint64_t judged = 0;
  bool possible = false;
};

struct JobSlot {
  Job job;
  bool used = false;
  int32_t shape = -1;  // of one that waits
  int32_t user = -1;
  std::vector<ServiceSlot> services;
  Resources essential, granted;  // requests of all those replicas that have not ended
  bool waits() const { return used && !job.started && !job.fixed; }
  bool runs() const { return used && job.started && !job.fixed; }
};

// Numbers are used again. Order of telling shows nowhere: equal jobs stand equal.
class JobTable {
 public:
  explicit JobTable(Cluster& cluster) : cluster_(cluster) {}

  // The number of the job; nothing was changed if it is the same as before.
  struct Told {
    JobNumber number;
    bool changed;
  };
  Told Set(const Job& job);
  bool Remove(const std::string& id);
  // To be said of all when a node came or left.
  void LookAgain(JobNumber job);

  const JobSlot* Find(const std::string& id) const;
  JobNumber NumberOf(const JobSlot& slot) const {
    return static_cast<JobNumber>(&slot - slots_.data());
  }
  size_t size() const { return slots_.size(); }
  const JobSlot& slot(JobNumber n) const { return slots_[n]; }
  // Another one whenever a job was told anew; 0: no job has that number.
  uint32_t stamp(JobNumber n) const { return stamps_[n]; }
  const Shape& shape(int32_t n) const { return shapes_[static_cast<size_t>(n)]; }
  Shape& shape(int32_t n) { return shapes_[static_cast<size_t>(n)]; }
  size_t shapes() const { return shapes_.size(); }
  const std::string& user(int32_t n) const { return users_[static_cast<size_t>(n)]; }
  size_t users() const { return users_.size(); }
  int32_t UserNumber(const std::string& name);

 private:
  void Enter(JobSlot& slot);
  void SetSpare(JobSlot& slot);
  void DropSpare(JobSlot& slot);
  void Leave(JobSlot& slot);

  Cluster& cluster_;
  std::vector<JobSlot> slots_;
  std::vector<JobNumber> unused_;
  std::unordered_map<std::string, JobNumber> numbers_;
  std::vector<Shape> shapes_;
  std::vector<int32_t> unused_shapes_;
  std::map<std::vector<Shape::Part>, int32_t> shape_numbers_;
  std::vector<std::string> users_;
  std::unordered_map<std::string, int32_t> user_numbers_;
  std::vector<uint32_t> stamps_;
  uint32_t last_stamp_ = 0;
};

// What `reader`'s user is told of another job: executions of others are not for everybody to see.
std::string NameFor(const Job& reader, const Job& other);

// Of one service: how much of what is granted stands where.
struct Standing {
  int32_t alive = 0;      // granted, and not ended
  int32_t seen = 0;       // on known nodes
  int32_t missing = 0;    // granted and not seen
  int32_t essential = 0;  // of those
  int32_t leaving = 0;    // seen beyond what is granted
};
// One replica fewer, from where most are.
Spot TakeOne(Spots& spots);
Standing StandingOf(const Cluster& cluster, const Service& service, const ServiceSlot& slot);

}  // namespace zoe::scheduler
