// What the suite needs of an implementation. One program per world: it defines MakeWorld.
#pragma once

#include <memory>
#include <string>

#include "controller/ports/swarm.h"

namespace zoe::testing {

class World {
 public:
  virtual ~World() = default;
  // Deployment "conf".
  virtual Swarm& swarm() = 0;
  virtual const Clock& clock() = 0;
  virtual std::string image() = 0;
  virtual std::string directory() = 0;  // exists on the node, for mounts
  // In the same Swarm, of another deployment.
  virtual Expected<std::string> CreateStranger(const SwarmServiceSpec& spec) = 0;
  virtual void RemoveStranger(const std::string& id) = 0;
  // Of the node, which is one: active | pause | drain. It has the engine label rack=r1.
  virtual void SetAvailability(const std::string& availability) = 0;
  // No manager answers until Up().
  virtual void Down() = 0;
  virtual void Up() = 0;
  // `docker ...`; null in a world without containers, names and programs of its own.
  virtual std::function<Expected<std::string>(const std::string& arguments)> docker() = 0;
  // A shell command on the node; kInternal in a world that has no docker().
  virtual Expected<std::string> OnNode(const std::string& command) = 0;
};

// An error is the reason to skip all.
Expected<std::unique_ptr<World>> MakeWorld();

}  // namespace zoe::testing
