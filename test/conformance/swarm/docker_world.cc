#include <gtest/gtest.h>

#include <filesystem>

#include "apis/docker/docker_swarm.h"
#include "controller/runtime/system_clock.h"
#include "test/conformance/swarm/world.h"
#include "test/docker_fixture/docker_fixture.h"

namespace zoe::testing {
namespace {

class DockerWorld : public World {
 public:
  explicit DockerWorld(std::unique_ptr<DockerFixture> engine) : engine_(std::move(engine)) {
    DockerOptions options{.endpoints = {engine_->host()}, .deployment = "conf"};
    swarm_ = *OpenDockerSwarm(options, clock_);
    options.deployment = "other";
    stranger_ = *OpenDockerSwarm(options, clock_);
    std::filesystem::create_directory(directory());
  }

  Swarm& swarm() override { return *swarm_; }
  const Clock& clock() override { return clock_; }
  std::string image() override { return DockerFixture::kImage; }
  std::string directory() override { return engine_->dir() + "/mount"; }
  Expected<std::string> CreateStranger(const SwarmServiceSpec& spec) override {
    return std::move(stranger_->CreateServices(Context{clock_}, {&spec, 1}).front());
  }
  void RemoveStranger(const std::string& id) override {
    (void)stranger_->RemoveServices(Context{clock_}, {&id, 1});
  }
  void SetAvailability(const std::string& availability) override {
    const auto nodes = swarm_->ListNodes(Context{clock_});
    ASSERT_TRUE(nodes.ok() && nodes->size() == 1);
    const auto done =
        engine_->Docker("node update --availability " + availability + " " + (*nodes)[0].id);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  void Down() override {
    const auto stopped = engine_->StopEngine();
    ASSERT_TRUE(stopped.ok()) << stopped.error().message;
  }
  void Up() override {
    const auto started = engine_->StartEngine();
    ASSERT_TRUE(started.ok()) << started.error().message;
  }
  std::function<Expected<std::string>(const std::string&)> docker() override {
    return [this](const std::string& arguments) { return engine_->Docker(arguments); };
  }
  Expected<std::string> OnNode(const std::string& command) override {
    return engine_->Run(command);
  }

 private:
  SystemClock clock_;
  std::unique_ptr<DockerFixture> engine_;
  std::unique_ptr<Swarm> swarm_, stranger_;
};

}  // namespace

Expected<std::unique_ptr<World>> MakeWorld() {
  const std::string why_not = DockerFixture::WhyNot();
  if (!why_not.empty()) return MakeError(Code::kUnavailable, why_not);
  auto engine = DockerFixture::Start();
  if (!engine) {
    ADD_FAILURE() << engine.error().message;
    return engine.error();
  }
  return std::unique_ptr<World>(std::make_unique<DockerWorld>(*std::move(engine)));
}

}  // namespace zoe::testing
