// The calls of a controller to its store and to the Swarm, and what may come in between.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "specs/meta/error.h"

namespace zoe::sim_test {

// One call as it is made.
struct Call {
  int controller = 0;
  bool write = false;
  std::string_view name;  // "Store.Replace", "Swarm.CreateService"
  // What it is about: "Execution/alice/run", "alice/run/worker" for the service of an execution,
  // "net alice", "Gateway/alice" for the service of a gateway; may be empty.
  std::function<std::string()> object;

  std::string ToString() const {
    const std::string about = object ? object() : "";
    return about.empty() ? std::string(name) : std::string(name) + " " + about;
  }
};

// Which call is meant, and where in it.
struct CallPoint {
  enum Where {
    kBefore,    // nothing was sent yet; what it must ask first (its lease) it asks afterwards
    kInFlight,  // it was sent: nothing holds it back any more
    kAfter,     // it is done, the caller has not heard of it
  };
  std::string call;  // how Call::ToString() begins; empty: any
  Where where = kBefore;
  int controller = -3;  // a number, or kAny; kLeader: whoever leads when it calls
  bool writes_only = true;
  int nth = 1;  // of those that are made from now on
};

enum class Verdict { kDo, kRefuse };

// Asked by the ports of a controller around each of their calls. May let the world go on meanwhile.
class CallGuard {
 public:
  virtual ~CallGuard() = default;
  // kRefuse: it is not done, who calls is told so.
  virtual Verdict Before(const Call& call) = 0;
  virtual void InFlight(const Call& call) = 0;
  // `error`: null if it succeeded. True: the reply is lost.
  virtual bool After(const Call& call, const Error* error) = 0;
};

}  // namespace zoe::sim_test
