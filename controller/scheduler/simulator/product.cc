#include "controller/scheduler/simulator/product.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace zoe::scheduler::simulator {
namespace {

constexpr const char* kPolicies[] = {"fifo",         "priority",           "size",
                                     "dynamic-size", "shortest-remaining", "fair-share"};
// A decision is made again after it was carried out, until it is to leave all as it is.
constexpr int kMostRounds = 1000;
// zoe-controller estimates what remains by the clock, in as many steps, whatever replicas there
// are.
constexpr int64_t kSteps = 16;

WallTime Wall(Duration time) { return WallTime(time); }

std::string NodeId(int machine) {
  const std::string number = std::to_string(machine);
  return "m" + std::string(number.size() < 4 ? 4 - number.size() : 0, '0') + number;
}

class ProductPlayer : public Player {
 public:
  explicit ProductPlayer(const Product& product) : product_(product), scheduler_(product.options) {}

  void Submitted(const World& world, int job) override {
    if (!told_machines_) TellMachines(world);
    jobs_.resize(world.trace().size());
    numbers_[world.trace()[job].id] = job;
    scheduler_.SetJob(Describe(world, job));
  }

  void Ended(const World& world, int job) override {
    numbers_.erase(world.trace()[job].id);
    active_.erase(job);
    scheduler_.RemoveJob(world.trace()[job].id);
  }

  std::optional<Duration> Decide(World& world) override {
    for (const int job : active_) {
      if (!product_.durations || jobs_[job].told_steps == StepsDone(world, job)) continue;
      jobs_[job].told_steps = StepsDone(world, job);
      scheduler_.SetJob(Describe(world, job));
    }
    for (int round = 0; round < kMostRounds; ++round) {
      const Decision decision = scheduler_.Decide(Wall(world.now()));
      for (const Grant& grant : decision.grants) CarryOut(world, grant);
      if (!decision.grants.empty()) continue;
      if (!decision.next) return std::nullopt;
      return std::max(world.now() + Duration(1), decision.next->time_since_epoch());
    }
    world.Fail("decisions never come to rest");
    return std::nullopt;
  }

 private:
  struct Granted {
    int32_t replicas = 0;
    std::vector<std::string> nodes;
    std::optional<Duration> started;
    int64_t told_steps = 0;
  };

  void TellMachines(const World& world) {
    for (int m = 0; m < world.machines().count; ++m) {
      scheduler_.SetNode({.id = NodeId(m),
                          .name = NodeId(m),
                          .role = "worker",
                          .capacity = world.machines().each});
      machines_[NodeId(m)] = m;
    }
    told_machines_ = true;
  }

  int64_t StepsDone(const World& world, int job) const {
    const std::optional<Duration>& started = jobs_[job].started;
    if (!started) return 0;
    const Duration passed = world.now() - *started;
    return std::min(kSteps, passed.count() * kSteps / world.trace()[job].declared.count());
  }

  Job Describe(const World& world, int number) const {
    const TraceJob& trace = world.trace()[number];
    const Run& run = world.runs()[number];
    const Granted& granted = jobs_[number];
    Job job{.id = trace.id, .user = trace.user, .priority = trace.priority};
    job.queued_at = Wall(trace.submitted);
    job.started = granted.replicas > 0;
    if (product_.durations) {
      job.duration = trace.declared;
      job.remaining = trace.declared * (kSteps - StepsDone(world, number)) / kSteps;
    }
    Service service{.name = "worker", .request = trace.request, .total = trace.total};
    service.essential = product_.elastic ? trace.essential : trace.total;
    service.granted = granted.replicas;
    service.nodes = granted.nodes;
    for (size_t m = 0; m < run.on.size(); ++m) {
      if (run.on[m] > 0) service.placed.push_back({NodeId(static_cast<int>(m)), run.on[m]});
    }
    job.services.push_back(std::move(service));
    return job;
  }

  void CarryOut(World& world, const Grant& grant) {
    const int job = numbers_.at(grant.job);
    Granted& granted = jobs_[job];
    granted.replicas = grant.replicas.at(0);
    granted.nodes = grant.nodes.empty() ? std::vector<std::string>() : grant.nodes.at(0);
    if (grant.change == Change::kRequeue) {
      world.Restart(job);
      active_.erase(job);
      granted = {};
    } else {
      active_.insert(job);
      if (!granted.started) granted.started = world.now();
      TakeAway(world, job);
      Place(world, job);
    }
    scheduler_.SetJob(Describe(world, job));
  }

  // From where most of the job's replicas are.
  void TakeAway(World& world, int job) {
    while (world.runs()[job].replicas > jobs_[job].replicas) {
      const std::vector<int32_t>& on = world.runs()[job].on;
      world.Remove(job, static_cast<int>(std::max_element(on.begin(), on.end()) - on.begin()), 1);
    }
  }

  // Of the nodes that it may use, each replica goes to the one with fewest of the job, then with
  // fewest replicas at all.
  void Place(World& world, int job) {
    Granted& granted = jobs_[job];
    const TraceJob& trace = world.trace()[job];
    std::vector<int> allowed;
    for (const std::string& id : granted.nodes) allowed.push_back(machines_.at(id));
    for (int m = 0; granted.nodes.empty() && m < world.machines().count; ++m) allowed.push_back(m);
    while (world.runs()[job].replicas < granted.replicas) {
      std::tuple<int32_t, int32_t, int> best{0, 0, -1};
      for (const int m : allowed) {
        if (World::Room(world.free()[m], trace.request) < 1) continue;
        const std::vector<int32_t>& on = world.runs()[job].on;
        const std::tuple<int32_t, int32_t, int> key{on.empty() ? 0 : on[m], world.tasks()[m], m};
        if (std::get<2>(best) < 0 || key < best) best = key;
      }
      if (std::get<2>(best) < 0) {
        world.Fail("no node has room for a replica of " + trace.id + " that was granted");
        return;
      }
      world.Add(job, std::get<2>(best), 1);
    }
  }

  const Product product_;
  Scheduler scheduler_;
  bool told_machines_ = false;
  std::map<std::string, int> machines_, numbers_;  // by id
  std::vector<Granted> jobs_;
  std::set<int> active_;  // that something was granted
};

}  // namespace

std::optional<Product> ParseProduct(std::string_view name, const Options& options) {
  Product product{.options = options};
  const auto strip = [&](std::string_view suffix) {
    if (!name.ends_with(suffix)) return false;
    name.remove_suffix(suffix.size());
    return true;
  };
  if (!name.starts_with("zoe-")) return std::nullopt;
  name.remove_prefix(4);
  product.elastic = !strip("-rigid");
  product.durations = !strip("-blind");
  const auto policy = ParsePolicy(name);
  if (!policy) return std::nullopt;
  product.options.policy = *policy;
  return product;
}

std::vector<std::string> ProductNames() {
  std::vector<std::string> names;
  for (const char* policy : kPolicies) names.push_back(std::string("zoe-") + policy);
  for (const char* policy : kPolicies) names.push_back(std::string("zoe-") + policy + "-blind");
  for (const char* policy : kPolicies) names.push_back(std::string("zoe-") + policy + "-rigid");
  return names;
}

std::unique_ptr<Player> MakeProduct(const Product& product) {
  return std::make_unique<ProductPlayer>(product);
}

}  // namespace zoe::scheduler::simulator
