// The fixture of the suite's tests: one world for all of them, unique names, everything removed
// after each test.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "test/conformance/swarm/world.h"

namespace zoe::testing {

class SwarmConformance : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  World& world();
  Swarm& swarm() { return world().swarm(); }
  Context Ctx(Duration limit = Duration(30'000));

  // A service of this test's object (uid()) that runs until it is stopped, and stops quickly.
  SwarmServiceSpec Spec(const std::string& name, const std::string& script = "sleep 1000");
  const std::string& uid() const { return uid_; }
  std::string Named(const std::string& name) const { return name + "-" + uid_; }

  std::string Create(const SwarmServiceSpec& spec);  // its id; empty and a failure
  Observation Observe();
  SwarmService Service(const std::string& id);
  std::vector<SwarmTask> Tasks(const std::string& service_id);
  std::vector<SwarmTask> Tasks(const std::string& service_id, TaskState state);
  void Remove(const std::string& id);

  // Looks until it holds; a failure that says `what` after `limit`.
  bool Until(const std::string& what, const std::function<bool()>& holds,
             Duration limit = Duration(30'000));
  bool UntilRunning(const std::string& service_id, size_t tasks);

  std::string Network(const std::string& name);  // made, removed after the test
  // Its id. Made for `kind`/alice/`name of the test`, removed after the test.
  std::string Secret(const std::string& name, const std::string& data,
                     const std::string& kind = "Gateway");

  // Hints of a subscription, to be looked at from the test.
  struct Hints {
    std::mutex mutex;
    std::vector<SwarmHint> seen;
    std::unique_ptr<SwarmWatch> watch;
    bool Has(const std::string& kind, const std::string& name);
    void Clear();
  };
  std::unique_ptr<Hints> Subscribe();

 private:
  std::string uid_;
  std::vector<std::string> networks_, secrets_;
};

}  // namespace zoe::testing
