// What dry runs tell about containers.
#include "reconcilers/execution/effects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apis/memory/memory_store.h"
#include "controller/cache/informer.h"
#include "controller/runtime/manual_clock.h"
#include "specs/v1/kinds.h"
#include "specs/v1/user.h"
#include "specs/v1/workspace.h"
#include "test/unit/reconcilers/scene.h"

namespace zoe::execution {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kTwoServices = R"(
- {name: master, image: "spark:1"}
- {name: worker, image: "spark:1", replicas: {total: 3, essential: 1}, mounts: [{workspace: true, path: /w}]}
)";

class Effects : public testing::Test {
 protected:
  Effects() { before.status.phase = v1::kRunning; }

  std::vector<std::string> Of(const std::function<void(v1::Execution&)>& change) {
    v1::Execution after = before;
    change(after);
    return EffectsOn(cache, {}, &before, after);
  }
  static v1::Service& Service(v1::Execution& execution, size_t index) {
    return execution.spec.application->services.at(index);
  }
  template <class T>
  void Put(const char* kind, const T& object) {
    const Key key{kind, object.meta.ns, object.meta.name};
    ASSERT_TRUE(store->Create(key, v1::EncodeJson(*v1::FindKind(kind), object)).ok());
    while (informer.PumpOnce()) {
    }
  }

  v1::Execution before = Scene(kTwoServices).execution;
  ManualClock clock;
  Metrics metrics;
  std::unique_ptr<Store> store = MakeMemoryStore({.threaded = false});
  Cache cache;
  Informer informer{*store, cache, clock, metrics};
};

TEST_F(Effects, ANewExecutionStartsAllItsContainers) {
  EXPECT_THAT(EffectsOn(cache, {}, nullptr, before), ElementsAre("4 containers would be started"));
  before.spec.suspend = true;
  EXPECT_THAT(EffectsOn(cache, {}, nullptr, before), IsEmpty());
}

TEST_F(Effects, AChangeOfWhatContainersAreRestartsThemAndSaysWhy) {
  EXPECT_THAT(
      Of([](v1::Execution& e) { Service(e, 1).image = "spark:2"; }),
      ElementsAre("service worker: 3 containers would be restarted (image spark:1 -> spark:2)"));
  EXPECT_THAT(Of([](v1::Execution& e) {
                Service(e, 0).env.push_back({"A", "b"});
                Service(e, 0).update.parallelism = 2;
              }),
              ElementsAre("service master: 1 container would be restarted (env)"));
  EXPECT_THAT(
      Of([](v1::Execution& e) { e.meta.annotations[std::string(v1::kRestartedAt)] = "now"; }),
      ElementsAre("service master: 1 container would be restarted (restart requested)",
                  "service worker: 3 containers would be restarted (restart requested)"));
}

TEST_F(Effects, ScalingRestartsNothing) {
  EXPECT_THAT(Of([](v1::Execution& e) { Service(e, 1).replicas.total = 5; }),
              ElementsAre("service worker: 2 containers would be started (replicas 3 -> 5)"));
  EXPECT_THAT(Of([](v1::Execution& e) { Service(e, 1).replicas.total = 2; }),
              ElementsAre("service worker: 1 container would be removed (replicas 3 -> 2)"));
  EXPECT_THAT(Of([](v1::Execution& e) {
                Service(e, 1).replicas.total = 5;
                Service(e, 1).args = {"-v"};
              }),
              ElementsAre("service worker: 3 containers would be restarted (args), 2 started "
                          "(replicas 3 -> 5)"));
}

TEST_F(Effects, ServicesComeAndGo) {
  EXPECT_THAT(Of([](v1::Execution& e) { e.spec.application->services[0].name = "boss"; }),
              ElementsAre("service master: 1 container would be removed (no longer declared)",
                          "service boss: 1 container would be started (new service)"));
  EXPECT_THAT(Of([](v1::Execution& e) { e.spec.suspend = true; }),
              ElementsAre("4 containers would be removed (suspend false -> true)"));
  before.spec.suspend = true;
  before.status.phase = v1::kSuspended;
  EXPECT_THAT(Of([](v1::Execution& e) { e.spec.suspend = false; }),
              ElementsAre("4 containers would be started (suspend true -> false)"));
}

TEST_F(Effects, WhatTouchesNoContainerIsSilent) {
  EXPECT_THAT(Of([](v1::Execution& e) {
                e.meta.labels["a"] = "b";
                e.spec.priority = 5;
                Service(e, 1).replicas.essential = 2;
                Service(e, 1).update.order = "start-first";
              }),
              IsEmpty());
  const auto other_image = [](v1::Execution& e) { Service(e, 0).image = "spark:2"; };
  for (const auto phase : {v1::kQueued, v1::kSucceeded, v1::kFailed}) {
    before.status.phase = phase;
    EXPECT_THAT(Of(other_image), IsEmpty()) << phase;
  }
}

TEST_F(Effects, AnotherUidOrWorkspaceRestartsWhatUsesIt) {
  Put("Execution", before);
  v1::User user;
  user.meta.name = before.meta.ns;
  user.spec.uid = user.spec.gid = 1001;
  Put("User", user);
  v1::Workspace workspace;
  workspace.meta.name = workspace.meta.ns = before.meta.ns;
  Put("Workspace", workspace);
  v1::User other = user;
  other.spec.email = "alice@example.org";
  EXPECT_THAT(EffectsOn(cache, {}, &user, other), IsEmpty());
  other.spec.gid = 1002;
  EXPECT_THAT(EffectsOn(cache, {}, &user, other),
              ElementsAre("execution run, service master: 1 container would be restarted (user)",
                          "execution run, service worker: 3 containers would be restarted (user)"));
  v1::Workspace volume = workspace;
  volume.spec.volume.emplace();
  EXPECT_THAT(
      EffectsOn(cache, {}, &workspace, volume),
      ElementsAre("execution run, service worker: 3 containers would be restarted (mounts)"));
}

}  // namespace
}  // namespace zoe::execution
