// What is simulated: jobs with their times of arrival, as a CSV file that users can bring.
//
//   id,user,class,priority,submitted,duration,declared,total,essential,cpu,memory
//   j1,ann,elastic,0,12.5,600,900,40,3,500m,2Gi
//
// Columns stand in any order under a first line that names them; `id`, `submitted`, `duration`,
// `cpu` and `memory` must be there. `submitted`, `duration` and `declared` are seconds; `duration`
// is how long the job takes with all of its `total` (1) replicas, of which `essential` (total) must
// run at once; `declared` is what policies are told of that (the truth). `cpu` and `memory` are of
// one replica, written as in an Application. `class` is elastic, rigid or interactive and only
// sorts the statistics (elastic where essential < total, else rigid). Empty lines and those that
// begin with # are skipped. No quotes.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "controller/scheduler/scheduler.h"

namespace zoe::scheduler::simulator {

enum class Class { kElastic, kRigid, kInteractive };
constexpr int kClasses = 3;
const char* ClassName(Class value);  // "elastic"

struct TraceJob {
  std::string id, user = "nobody";
  Class kind = Class::kRigid;
  int32_t priority = 0;
  Duration submitted{};             // since the beginning
  Duration duration{}, declared{};  // at least 1 ms
  int32_t total = 1, essential = 1;
  Resources request;

  bool operator==(const TraceJob&) const = default;
  // Replica-milliseconds.
  int64_t Work() const { return total * duration.count(); }
};

struct Machines {
  int32_t count = 25;
  Resources each{int64_t{32} * 1'000'000'000, int64_t{128} << 30};
};

// In order of arrival. kInvalid: "NAME:3: duration: ...".
Expected<std::vector<TraceJob>> ReadTrace(std::istream& in, const std::string& name);
void WriteTrace(std::ostream& out, const std::vector<TraceJob>& jobs);

// Whether all of its replicas fit on the machines when they are empty.
bool Fits(const TraceJob& job, const Machines& machines);

}  // namespace zoe::scheduler::simulator
