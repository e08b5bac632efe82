// A real Docker engine in Swarm mode that a test starts and that leaves nothing behind: dockerd.sh
// as C++.
#pragma once

#include <memory>
#include <string>

#include "specs/meta/expected.h"

namespace zoe::testing {

class DockerFixture {
 public:
  // The image of every engine: bash as sh, coreutils, getent, grep, sed; runs `sleep infinity`.
  static constexpr const char* kImage = "zoe-test:1";

  // Empty if this machine can run one, else why not: for GTEST_SKIP.
  static std::string WhyNot();
  // About 1.5 s. kUnavailable with the engine's last words.
  static Expected<std::unique_ptr<DockerFixture>> Start();
  // Ends the engine and its containers, removes its directory. Also happens if the process is
  // killed.
  ~DockerFixture();

  const std::string& host() const { return host_; }  // "unix:///...": an endpoint, a DOCKER_HOST
  const std::string& dir() const { return dir_; }    // seen inside the engine's machine as well

  Expected<void> StopEngine();
  Expected<void> StartEngine();
  // COMMAND in the engine's machine: its network, mounts and processes; its output.
  Expected<std::string> Run(const std::string& command) const;
  // `docker ARGUMENTS` against it, through a shell; its output.
  Expected<std::string> Docker(const std::string& arguments) const;

 private:
  explicit DockerFixture(std::string dir) : dir_(std::move(dir)) {}
  std::string dir_, host_;
};

}  // namespace zoe::testing
