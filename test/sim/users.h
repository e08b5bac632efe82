#pragma once

#include "controller/cache/informer.h"
#include "test/sim/api.h"
#include "test/sim/truth.h"

namespace zoe::sim_test {

// An API that is always there and up to date.
class Users {
 public:
  Users(Ensemble& ensemble, const Clock& clock, AdmissionOptions admission)
      : truth(ensemble),
        informer_(truth, cache_, clock, metrics_),
        api_(truth, cache_, clock, std::move(admission)) {}

  Api& api() {
    truth.TellGap();
    while (informer_.PumpOnce()) {
    }
    return api_;
  }

  TruthStore truth;

 private:
  Metrics metrics_;
  Cache cache_;
  Informer informer_;
  Api api_;
};

}  // namespace zoe::sim_test
