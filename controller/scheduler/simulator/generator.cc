#include "controller/scheduler/simulator/generator.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace zoe::scheduler::simulator {
namespace {

// The standard library's distributions differ between implementations: these are ours.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }  // [0, 1)
  int32_t Below(int32_t n) { return static_cast<int32_t>(Uniform() * n); }
  double Exponential(double mean) { return -mean * std::log(1 - Uniform()); }
  double LogNormal(double median, double sigma) {
    const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
    return median * std::exp(sigma * radius * std::cos(2 * std::numbers::pi * Uniform()));
  }
  double Pareto(double least, double alpha) { return least / std::pow(1 - Uniform(), 1 / alpha); }

 private:
  uint64_t Next() {  // splitmix64
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  uint64_t state_;
};

constexpr double kLongest = 9 * 24 * 3600.0;  // seconds: a tenth of the authors' horizon
constexpr int32_t kMostComponents = 50;       // before an elastic job's are made ten times as many

int32_t Components(Random& random) {
  return static_cast<int32_t>(std::min<double>(kMostComponents, random.Pareto(1, 1.3)));
}

Resources Request(Random& random) {
  const double cpu = std::clamp(0.7 * random.LogNormal(1, 0.8), 0.1, 6.4);
  const double memory = std::clamp(0.7 * random.LogNormal(3, 1), 0.125, 25.6);  // GiB
  return {std::llround(cpu * 10) * 100'000'000, std::llround(memory * 1024) << 20};
}

TraceJob Draw(Random& random, const Workload& workload) {
  TraceJob job;
  const double kind = random.Uniform();
  job.kind = kind < workload.rigid                          ? Class::kRigid
             : kind < workload.rigid + workload.interactive ? Class::kInteractive
                                                            : Class::kElastic;
  double seconds = 0;
  if (job.kind == Class::kInteractive) {
    job.total = 1 + random.Below(3);
    seconds = random.LogNormal(1800, 1);
  } else {
    job.total = Components(random) * (job.kind == Class::kElastic ? 10 : 1);
    seconds = 30 * random.LogNormal(20, 1.7);
  }
  job.duration = Duration(std::llround(std::clamp(seconds, 30.0, kLongest) * 1000));
  job.declared = job.duration;
  if (workload.error > 0) {
    const double factor = random.LogNormal(1, workload.error);
    job.declared = Duration(
        std::max<int64_t>(1, std::llround(static_cast<double>(job.duration.count()) * factor)));
  }
  // The authors draw 0 to 4; something must stand that the job is.
  job.essential =
      job.kind == Class::kElastic ? std::clamp(random.Below(5), 1, job.total) : job.total;
  job.request = Request(random);
  // A few users have most of the jobs: the k-th has a k-th of the first one's.
  const double u = std::exp(random.Uniform() * std::log(workload.users + 1.0));
  job.user = "user" + std::to_string(std::min(workload.users, static_cast<int32_t>(u)));
  return job;
}

// Nine of ten gaps are short; their mean is 1.
double Gap(Random& random) {
  return random.Uniform() < 0.9 ? random.Exponential(0.25) : random.Exponential(7.75);
}

}  // namespace

std::vector<TraceJob> Generate(const Workload& workload) {
  Random random(workload.seed);
  std::vector<TraceJob> jobs;
  std::vector<double> arrivals;
  double cpu = 0, memory = 0, time = 0;  // in seconds of all machines
  while (static_cast<int32_t>(jobs.size()) < workload.jobs) {
    TraceJob job = Draw(random, workload);
    if (!Fits(job, workload.machines)) continue;
    const double share =
        static_cast<double>(job.Work()) / 1000 / static_cast<double>(workload.machines.count);
    cpu += share * static_cast<double>(job.request.cpu_nano) /
           static_cast<double>(workload.machines.each.cpu_nano);
    memory += share * static_cast<double>(job.request.memory_bytes) /
              static_cast<double>(workload.machines.each.memory_bytes);
    job.id = "j" + std::to_string(jobs.size() + 1);
    jobs.push_back(std::move(job));
    arrivals.push_back(time += Gap(random));
  }
  const double span = std::max(cpu, memory) / workload.load;
  for (size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].submitted = Duration(std::llround(arrivals[i] / time * span * 1000));
  }
  return jobs;
}

}  // namespace zoe::scheduler::simulator
