#include <atomic>

#include "apis/sim/sim_swarm.h"
#include "controller/runtime/system_clock.h"
#include "test/conformance/swarm/world.h"

namespace zoe::testing {
namespace {

// What becomes healthy does so a moment after it has started.
sim::Program Read(const SwarmServiceSpec& spec, int32_t slot) {
  sim::Program program = sim::ReadProgram(spec, slot);
  program.healthy_after = Duration(300);
  return program;
}

class SimWorld : public World {
 public:
  SimWorld() {
    SimOptions options;
    options.deployment = "conf";
    options.nodes = {{"node-1", 2'000'000'000, int64_t{4} << 30, true, {}, {{"rack", "r1"}}}};
    options.reader = Read;
    options.fault = [this](std::string_view) {
      return down_ ? SimFault::kBefore : SimFault::kNone;
    };
    swarm_ = MakeSimSwarm(options, clock_);
  }

  Swarm& swarm() override { return *swarm_; }
  const Clock& clock() override { return clock_; }
  std::string image() override { return "zoe-test:1"; }
  std::string directory() override { return "/mnt"; }
  Expected<std::string> CreateStranger(const SwarmServiceSpec& spec) override {
    Expected<std::string> id = std::string();
    swarm_->With([&](sim::Cluster& cluster) { id = cluster.CreateService(spec); });
    return id;
  }
  void RemoveStranger(const std::string& id) override {
    swarm_->With([&](sim::Cluster& cluster) { (void)cluster.RemoveService(id); });
  }
  void SetAvailability(const std::string& availability) override {
    swarm_->With(
        [&](sim::Cluster& cluster) { cluster.SetNodeAvailability("node-1", availability); });
  }
  void Down() override { down_ = true; }
  void Up() override { down_ = false; }
  std::function<Expected<std::string>(const std::string&)> docker() override { return nullptr; }
  Expected<std::string> OnNode(const std::string&) override {
    return MakeError(Code::kInternal, "a simulated node runs nothing");
  }

 private:
  SystemClock clock_;
  std::atomic<bool> down_ = false;
  std::unique_ptr<SimSwarm> swarm_;
};

}  // namespace

Expected<std::unique_ptr<World>> MakeWorld() {
  return std::unique_ptr<World>(std::make_unique<SimWorld>());
}

}  // namespace zoe::testing
