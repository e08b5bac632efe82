#include "controller/scheduler/simulator/baselines.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace zoe::scheduler::simulator {
namespace {

constexpr const char* kOrders[] = {"fifo", "psjf", "srpt", "hrrn"};
constexpr const char* kModes[] = {"rigid", "elastic", "flexible", "preemptive"};

// Room on machines, while something is tried; and who has how many replicas on each.
using Free = std::vector<Resources>;
using Counts = std::vector<int32_t>;

void Take(Free& free, size_t machine, const Resources& request, int32_t replicas) {
  free[machine].cpu_nano -= replicas * request.cpu_nano;
  free[machine].memory_bytes -= replicas * request.memory_bytes;
}

// Places up to that many replicas on the first machines with room; what was placed.
Counts Place(Free& free, const Resources& request, int32_t replicas) {
  Counts counts(free.size());
  for (size_t m = 0; m < free.size() && replicas > 0; ++m) {
    counts[m] = std::clamp(World::Room(free[m], request), 0, replicas);
    Take(free, m, request, counts[m]);
    replicas -= counts[m];
  }
  return counts;
}

void Undo(Free& free, const Resources& request, const Counts& counts) {
  for (size_t m = 0; m < counts.size(); ++m) Take(free, m, request, -counts[m]);
}

int32_t Sum(const Counts& counts) { return std::accumulate(counts.begin(), counts.end(), 0); }

// Of the cluster: what the authors measure whether room was made use of by.
double Product(const Free& free) {
  double cpu = 0, memory = 0;
  for (const Resources& machine : free) {
    cpu += static_cast<double>(machine.cpu_nano);
    memory += static_cast<double>(machine.memory_bytes);
  }
  return cpu * memory;
}

void Apply(World& world, int job, const Counts& counts) {
  for (size_t m = 0; m < counts.size(); ++m) world.Add(job, static_cast<int>(m), counts[m]);
}

class BaselinePlayer : public Player {
 public:
  explicit BaselinePlayer(const Baseline& baseline) : baseline_(baseline) {}

  void Submitted(const World&, int job) override { pending_.insert(job); }
  void Ended(const World&, int job) override {
    pending_.erase(job);
    running_.erase(job);
  }

  std::optional<Duration> Decide(World& world) override {
    switch (baseline_.mode) {
      case Baseline::Mode::kRigid:
        Rigid(world);
        break;
      case Baseline::Mode::kElastic:
        Elastic(world);
        break;
      case Baseline::Mode::kFlexible:
        while (Flexible(world, world.free())) {
        }
        break;
      case Baseline::Mode::kPreemptive:
        Preemptive(world);
        break;
    }
    return std::nullopt;
  }

 private:
  // One that the heuristic lets run, and what it would get.
  struct Chosen {
    int job;
    Counts essential, elastic;
  };

  double Key(const World& world, int job) const {
    const TraceJob& trace = world.trace()[job];
    const auto duration = static_cast<double>(trace.declared.count());
    double size = 1;
    if (baseline_.dimensions >= 2) size *= trace.total;
    if (baseline_.dimensions >= 3) {
      size *= static_cast<double>(trace.request.cpu_nano) *
              static_cast<double>(trace.request.memory_bytes);
    }
    switch (baseline_.order) {
      case Baseline::Order::kFifo:
        return job;  // they are numbered in order of arrival
      case Baseline::Order::kPsjf:
        return size * duration;
      case Baseline::Order::kSrpt:
        return size * duration * static_cast<double>(world.Left(job)) /
               static_cast<double>(trace.Work());
      case Baseline::Order::kHrrn:
        return -(1 + static_cast<double>((world.now() - trace.submitted).count()) / duration);
    }
    return 0;
  }

  int First(const World& world) const {
    std::pair<double, int> first{0, -1};
    for (const int job : pending_) {
      const std::pair<double, int> key{Key(world, job), job};
      if (first.second < 0 || key < first) first = key;
    }
    return first.second;
  }

  void Start(World& world, int job, const Counts& counts) {
    Apply(world, job, counts);
    running_.insert(job);
    if (world.runs()[job].replicas == world.trace()[job].total) pending_.erase(job);
  }

  void Rigid(World& world) {
    while (!pending_.empty()) {
      const int job = First(world);
      const TraceJob& trace = world.trace()[job];
      Free free = world.free();
      const Counts counts = Place(free, trace.request, trace.total);
      if (Sum(counts) < trace.total) return;
      Start(world, job, counts);
    }
  }

  void Elastic(World& world) {
    while (!pending_.empty()) {
      const int job = First(world);
      const TraceJob& trace = world.trace()[job];
      const int32_t missing = trace.total - world.runs()[job].replicas;
      Free free = world.free();
      const Counts counts = Place(free, trace.request, missing);
      if (!running_.contains(job) && Sum(counts) < trace.essential) return;
      Start(world, job, counts);
      if (Sum(counts) < missing) return;
    }
  }

  std::vector<std::pair<double, int>> Keys(const World& world, const std::set<int>& jobs) const {
    std::vector<std::pair<double, int>> keys;
    keys.reserve(jobs.size());
    for (const int job : jobs) keys.emplace_back(Key(world, job), job);
    return keys;
  }

  // The heuristic: who of `queue` gets what of what is free. `standing` elastic replicas of running
  // ones count as missing.
  std::vector<Chosen> Choose(const World& world, Free& free,
                             std::vector<std::pair<double, int>> queue,
                             const std::vector<int32_t>& standing) const {
    std::vector<Chosen> chosen, before;
    double unused = Product(free);
    // Only the first few are looked at, mostly: a heap is cheaper than sorting all.
    std::make_heap(queue.begin(), queue.end(), std::greater<>());
    while (!queue.empty()) {
      const int job = queue.front().second;
      std::pop_heap(queue.begin(), queue.end(), std::greater<>());
      queue.pop_back();
      before = chosen;
      for (Chosen& c : chosen) Undo(free, world.trace()[c.job].request, c.elastic);
      const TraceJob& trace = world.trace()[job];
      Counts essential(free.size());
      bool runs = running_.contains(job);
      if (!runs) {
        essential = Place(free, trace.request, trace.essential);
        runs = Sum(essential) == trace.essential;
        if (!runs) Undo(free, trace.request, essential);
      }
      if (runs) chosen.push_back({job, std::move(essential), {}});
      for (Chosen& c : chosen) {
        const TraceJob& other = world.trace()[c.job];
        const int32_t have = running_.contains(c.job) ? standing[c.job] : other.essential;
        c.elastic = Place(free, other.request, other.total - have);
      }
      const double now_unused = Product(free);
      if (now_unused >= unused) return before;
      unused = now_unused;
    }
    return chosen;
  }

  // Whether anything was placed.
  bool Flexible(World& world, Free free) {
    std::vector<int32_t> standing(world.runs().size());
    for (const int job : pending_) standing[job] = world.runs()[job].replicas;
    bool placed = false;
    for (const Chosen& c : Choose(world, free, Keys(world, pending_), standing)) {
      placed |= Sum(c.essential) + Sum(c.elastic) > 0;
      Apply(world, c.job, c.essential);
      if (Sum(c.essential) + Sum(c.elastic) > 0) Start(world, c.job, c.elastic);
    }
    return placed;
  }

  // What stands on each machine stays where it is if there are to be as many or more there.
  void Preemptive(World& world) {
    Free free = world.free();
    std::vector<int32_t> standing(world.runs().size());
    std::set<int> growing;  // those that may have elastic replicas
    std::vector<std::pair<int, Counts>> kept;
    for (const int job : running_) {
      const TraceJob& trace = world.trace()[job];
      if (trace.essential == trace.total) continue;
      growing.insert(job);
      standing[job] = trace.essential;
      Counts essential(free.size());
      int32_t left = trace.essential;
      const Counts& on = world.runs()[job].on;
      for (size_t m = 0; m < on.size(); ++m) {
        essential[m] = std::min(left, on[m]);
        left -= essential[m];
        Take(free, m, trace.request, essential[m] - on[m]);
      }
      kept.emplace_back(job, std::move(essential));
    }
    std::set<int> queue = growing;
    queue.insert(pending_.begin(), pending_.end());
    Free after = free;
    std::vector<Chosen> chosen = Choose(world, after, Keys(world, queue), standing);
    // The heuristic stops at the first who makes no use of room. Others that run keep what is left.
    after = free;
    for (const Chosen& c : chosen) {
      growing.erase(c.job);
      for (const Counts* counts : {&c.essential, &c.elastic}) {
        for (size_t m = 0; m < counts->size(); ++m) {
          Take(after, m, world.trace()[c.job].request, (*counts)[m]);
        }
      }
    }
    for (const auto& [key, job] : Sorted(Keys(world, growing))) {
      const TraceJob& trace = world.trace()[job];
      chosen.push_back({job, {}, Place(after, trace.request, trace.total - trace.essential)});
    }
    Replace(world, kept, chosen);
  }

  static std::vector<std::pair<double, int>> Sorted(std::vector<std::pair<double, int>> keys) {
    std::sort(keys.begin(), keys.end());
    return keys;
  }

  void Replace(World& world, const std::vector<std::pair<int, Counts>>& kept,
               const std::vector<Chosen>& chosen) {
    std::vector<std::pair<int, Counts>> wanted = kept;  // by job
    const auto add = [&](int job, const Counts& counts) {
      auto at = std::lower_bound(wanted.begin(), wanted.end(), job,
                                 [](const auto& entry, int other) { return entry.first < other; });
      if (at == wanted.end() || at->first != job) {
        at = wanted.insert(at, {job, Counts(world.free().size())});
      }
      for (size_t m = 0; m < counts.size(); ++m) at->second[m] += counts[m];
    };
    for (const Chosen& c : chosen) {
      add(c.job, c.essential);
      add(c.job, c.elastic);
    }
    const auto difference = [&](int job, const Counts& to, size_t m) {
      const Counts& on = world.runs()[job].on;
      return to[m] - (on.empty() ? 0 : on[m]);
    };
    for (const auto& [job, to] : wanted) {
      for (size_t m = 0; m < to.size(); ++m) {
        if (const int32_t n = difference(job, to, m); n < 0) world.Remove(job, m, -n);
      }
    }
    for (const auto& [job, to] : wanted) {
      for (size_t m = 0; m < to.size(); ++m) {
        if (const int32_t n = difference(job, to, m); n > 0) world.Add(job, m, n);
      }
      running_.insert(job);
      pending_.erase(job);
    }
  }

  const Baseline baseline_;
  std::set<int> pending_;  // who waits, and who runs and still lacks elastic replicas
  std::set<int> running_;
};

}  // namespace

std::optional<Baseline> ParseBaseline(std::string_view name) {
  for (Baseline baseline : Baselines()) {
    const bool sized =
        baseline.order == Baseline::Order::kPsjf || baseline.order == Baseline::Order::kSrpt;
    for (; baseline.dimensions <= (sized ? 3 : 1); ++baseline.dimensions) {
      if (BaselineName(baseline) == name) return baseline;
    }
  }
  return std::nullopt;
}

std::string BaselineName(const Baseline& baseline) {
  std::string name = kOrders[static_cast<int>(baseline.order)];
  if (baseline.dimensions > 1) name += std::to_string(baseline.dimensions);
  return name + "-" + kModes[static_cast<int>(baseline.mode)];
}

std::vector<Baseline> Baselines() {
  std::vector<Baseline> all;
  for (size_t mode = 0; mode < std::size(kModes); ++mode) {
    for (size_t order = 0; order < std::size(kOrders); ++order) {
      all.push_back({static_cast<Baseline::Order>(order), static_cast<Baseline::Mode>(mode)});
    }
  }
  return all;
}

std::unique_ptr<Player> MakeBaseline(const Baseline& baseline) {
  return std::make_unique<BaselinePlayer>(baseline);
}

}  // namespace zoe::scheduler::simulator
