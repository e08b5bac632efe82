// The election in a store that only one process can open.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "controller/ports/store.h"

namespace zoe {

// Leads at once and for ever. Thread-safe; may end before what Campaign returned.
class SoleCandidate {
 public:
  std::unique_ptr<Watch> Campaign(std::string identity, const LeaderCallback& callback) {
    auto standing = std::make_unique<Standing>();
    {
      const std::lock_guard lock(field_->mutex);
      field_->candidates.push_back({std::move(identity), true});
    }
    standing->field = field_;
    callback(SteadyTime::max());
    return standing;
  }
  std::vector<Candidate> List() const {
    const std::lock_guard lock(field_->mutex);
    return field_->candidates;
  }

 private:
  struct Field {
    std::mutex mutex;
    std::vector<Candidate> candidates;
  };
  struct Standing : Watch {
    ~Standing() override {
      const std::lock_guard lock(field->mutex);
      field->candidates.clear();
    }
    std::shared_ptr<Field> field;
  };

  const std::shared_ptr<Field> field_ = std::make_shared<Field>();
};

}  // namespace zoe
