// The simulated Swarm: the Swarm port without Docker, for `--swarm sim:nodes=N,cpus=N,memory=Q` and
// for tests.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apis/sim/sim_cluster.h"
#include "controller/ports/swarm.h"

namespace zoe {

// What happens to one call: nothing; it fails before it is done (kUnavailable); it is done and its
// reply is lost (kOutcomeUnknown); or, where it reads a list: the answer is well-formed and empty,
// or what Remember() has seen.
enum class SimFault { kNone, kBefore, kAfter, kEmpty, kStale };

struct SimOptions {
  std::string deployment = "zoe";
  std::vector<sim::NodeOptions> nodes;  // empty: three nodes of 8 CPUs and 16 GiB
  sim::Delays delays;
  sim::Cluster::ProgramReader reader = sim::ReadProgram;
  // A thread of its own lets time pass (the product). Without it the test calls RunDue().
  bool threaded = true;
  // Asked before each call with its name ("CreateService", "Observe", ...); once per service for
  // the batch calls.
  std::function<SimFault(std::string_view call)> fault;
};

// `nodes=N,cpus=N,memory=Q` (each optional): N equal nodes, the first a manager. kInvalid says what
// is wrong.
Expected<std::vector<sim::NodeOptions>> ParseSimNodes(std::string_view text);

class SimSwarm : public Swarm {
 public:
  SimSwarm(SimOptions options, const Clock& clock);
  ~SimSwarm() override;

  Expected<Observation> Observe(const Context& ctx, const std::string& uid) override;
  Expected<std::vector<SwarmService>> ListServices(const Context& ctx) override;
  Expected<std::vector<SwarmTask>> ListTasks(const Context& ctx) override;
  Expected<std::vector<SwarmNetwork>> ListNetworks(const Context& ctx) override;
  Expected<std::vector<SwarmNode>> ListNodes(const Context& ctx) override;
  Expected<std::vector<SwarmUsage>> Usage(const Context& ctx) override;
  std::vector<Expected<std::string>> CreateServices(
      const Context& ctx, std::span<const SwarmServiceSpec> specs) override;
  Expected<void> UpdateService(const Context& ctx, const std::string& id, uint64_t version,
                               const SwarmServiceSpec& spec) override;
  std::vector<Expected<void>> RemoveServices(const Context& ctx,
                                             std::span<const std::string> ids) override;
  Expected<SwarmService> FindService(const Context& ctx, const std::string& name) override;
  Expected<std::string> CreateNetwork(const Context& ctx, const SwarmNetworkSpec& spec) override;
  Expected<void> RemoveNetwork(const Context& ctx, const std::string& id) override;
  Expected<std::vector<std::string>> ListSubnets(const Context& ctx) override;
  Expected<std::vector<SwarmSecret>> ListSecrets(const Context& ctx) override;
  Expected<std::string> CreateSecret(const Context& ctx, const std::string& name,
                                     const Labels& labels, std::string_view data) override;
  Expected<void> RemoveSecret(const Context& ctx, const std::string& id) override;
  Expected<void> Logs(const Context& ctx, const LogQuery& query, const LogSink& sink) override;
  // kUnavailable: nothing really runs here.
  Expected<std::unique_ptr<ExecSession>> Exec(const Context& ctx,
                                              const ExecRequest& request) override;
  Expected<std::unique_ptr<SwarmWatch>> Subscribe(
      std::function<void(const SwarmHint&)> on_hint) override;
  void ExpectChanges(Duration window) override;
  Expected<void> Ping(const Context& ctx) override;

  // For tests: the world behind the port, under its lock, every owner's objects included. Hints of
  // what `act` changed are sent.
  void With(const std::function<void(sim::Cluster&)>& act);
  // What reads that meet kStale answer from now on.
  void Remember();
  // Unthreaded: lets happen what is due by the clock and sends its hints. Returns when the next
  // thing is due.
  SteadyTime RunDue();
  // Writes that reached the cluster so far, whatever was answered.
  int writes() const;

 private:
  struct State;
  class Handle;
  struct Lists;
  template <class F>
  auto Call(const Context& ctx, std::string_view name, bool write, F f) -> decltype(f());
  template <class F>
  auto Do(SimFault fault, std::string_view name, bool write, F f) -> decltype(f());
  // `now` looks at the cluster, `past` at what was once seen of it, if anything.
  template <class F, class G>
  auto Read(const Context& ctx, std::string_view name, F now, G past) -> Expected<decltype(now())>;
  std::vector<SwarmService> Services() const;
  std::vector<SwarmNetwork> Networks() const;
  std::vector<SwarmSecret> Secrets() const;
  void Notify();
  void Loop();

  const SimOptions options_;
  const Clock& clock_;
  std::unique_ptr<State> state_;
};

std::unique_ptr<SimSwarm> MakeSimSwarm(SimOptions options, const Clock& clock);

}  // namespace zoe
