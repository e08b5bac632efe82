// The election in a store that only one process can open.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "controller/ports/store.h"

namespace zoe {

// Leads at once and for ever. Thread-safe; outlives what Campaign returns.
class SoleCandidate {
 public:
  std::unique_ptr<Watch> Campaign(std::string identity, const LeaderCallback& callback) {
    {
      const std::lock_guard lock(mutex_);
      candidates_.push_back({std::move(identity), true});
    }
    callback(SteadyTime::max());
    return std::make_unique<Standing>(*this);
  }
  std::vector<Candidate> List() const {
    const std::lock_guard lock(mutex_);
    return candidates_;
  }

 private:
  class Standing : public Watch {
   public:
    explicit Standing(SoleCandidate& owner) : owner_(owner) {}
    ~Standing() override {
      const std::lock_guard lock(owner_.mutex_);
      owner_.candidates_.clear();
    }

   private:
    SoleCandidate& owner_;
  };

  mutable std::mutex mutex_;
  std::vector<Candidate> candidates_;
};

}  // namespace zoe
