#pragma once

#include "test/sim/sim_store.h"

namespace zoe::sim_test {

// The store as it really is, without a session and whatever the faults.
class TruthStore : public Store {
 public:
  explicit TruthStore(Ensemble& ensemble) : ensemble_(ensemble) {}

  Expected<Record> Get(const Key& key) override { return ensemble_.Get(key, ensemble_.head()); }
  Expected<Listing> List(std::string_view kind) override {
    Listing listing{.revision = ensemble_.LastChange(ensemble_.head())};
    ensemble_.Each(kind, ensemble_.head(),
                   [&](const Key& key, Revision revision, const std::string& bytes) {
                     listing.records.push_back({key, revision, bytes});
                   });
    return listing;
  }
  Expected<Revision> Create(const Key& key, std::string bytes) override {
    return ensemble_.Create(key, std::move(bytes));
  }
  Expected<Revision> Replace(const Key& key, Revision expected, std::string bytes) override {
    return ensemble_.Replace(key, expected, std::move(bytes));
  }
  Expected<Revision> Delete(const Key& key, Revision expected) override {
    return ensemble_.Delete(key, expected);
  }
  Expected<Revision> Turn(const Key& place) override {
    return ensemble_.Turn(place, ensemble_.head());
  }
  Expected<Revision> WriteInTurn(const Key& key, Revision expected, std::string bytes,
                                 Revision turn) override {
    return ensemble_.WriteInTurn(key, expected, std::move(bytes), turn);
  }
  // Its one subscriber hears of gaps only, by TellGap.
  Expected<std::unique_ptr<Watch>> Subscribe(Feed feed) override {
    feed_ = std::move(feed);
    return std::unique_ptr<Watch>(std::make_unique<Watch>());
  }
  void TellGap() {
    if (feed_.on_gap) feed_.on_gap();
  }
  Expected<std::unique_ptr<Watch>> Campaign(std::string, LeaderCallback) override {
    return MakeError(Code::kInternal, "the truth doesn't stand for election");
  }
  Expected<std::vector<Candidate>> Candidates() override { return std::vector<Candidate>{}; }
  Store& ForLeader() override { return *this; }
  Expected<void> Ping() override { return {}; }

 private:
  Ensemble& ensemble_;
  Feed feed_;
};

}  // namespace zoe::sim_test
