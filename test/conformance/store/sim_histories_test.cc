// The simulation's model of a replicated store, held to what the real ones are held to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <random>

#include "test/conformance/store/storm.h"
#include "test/sim/clock.h"
#include "test/sim/sim_store.h"

namespace zoe::conformance {
namespace {

using sim_test::Ensemble;
using sim_test::SimStore;
using sim_test::WorldClock;

constexpr int kClients = 3, kSteps = 400;

// One thread: every call is over before the next one begins, faults and time in between.
class Trial {
 public:
  explicit Trial(uint64_t seed) : random_(seed) {
    witness_watch_ = witness_->Subscribe(order_.feed()).value();
    order_.Subscribed();
    for (int i = 0; i < kClients; ++i) {
      clients_[i].store = ensemble_.Connect(Duration(Any(500)));
      Client& client = clients_[i];
      client.watch = client.store->Subscribe(client.feed.feed()).value();
      client.feed.Subscribed();
      client.campaign = client.store
                            ->Campaign("c" + std::to_string(i),
                                       [&client, this, leads = false](SteadyTime until) mutable {
                                         const bool led =
                                             std::exchange(leads, until != kNotLeading);
                                         if (led != leads) client.term = leads ? ++terms_ : 0;
                                       })
                            .value();
    }
  }

  Judgement Play() {
    for (int step = 0; step < kSteps; ++step) {
      Client& client = clients_[Any(kClients)];
      Any(8) == 0 ? Disturb(client) : Act(client);
      Pass(Duration(Any(100) == 0 ? 5'000 : Any(40)));
    }
    ensemble_.SetQuorum(true);
    for (Client& client : clients_) {
      client.store->SetCut(false);
      client.store->SetLagging(false);
      client.store->SetAlone(false);
    }
    for (int i = 0; i < 20; ++i) Pass(Duration(500));
    for (int i = 0; i < kClients; ++i) {
      RecordedStore store(*clients_[i].store, history_, i + 1);
      for (int key = 0; key < 3; ++key) (void)store.Get(KeyOf(key));
    }
    // Feeds that had their gap at the very end hear of one write more.
    EXPECT_TRUE(RecordedStore(*witness_, history_, 0).Create({"Last", "", "x"}).ok());
    for (int i = 0; i < 4; ++i) Pass(Duration(500));
    return Judge(history_.Operations(), Reads::kPerStore, order_,
                 {&clients_[0].feed, &clients_[1].feed, &clients_[2].feed});
  }
  const History& history() const { return history_; }

 private:
  struct Client {
    FeedLog feed;
    std::atomic<int64_t> term{0};
    std::unique_ptr<SimStore> store;
    std::unique_ptr<Watch> watch, campaign;
  };

  uint64_t Any(uint64_t count) { return random_() % count; }
  static Key KeyOf(uint64_t i) { return {"Execution", "alice", "e" + std::to_string(i)}; }

  void Act(Client& client) {
    RecordedStore plain(*client.store, history_, static_cast<int>(&client - clients_) + 1);
    RecordedStore store = Any(3) == 0 ? plain.ForLeader(client.term) : plain;
    const Key key = KeyOf(Any(3));
    const uint64_t act = Any(10);
    if (act == 0) return (void)plain.List("");
    if (act < 3) return (void)store.Create(key);
    Revision& expected = noted_[key.name];
    if (act < 8) {
      const Expected<Record> read = plain.Get(key);
      if (read.ok()) expected = read->revision;
    }
    if (act == 9) return (void)store.Delete(key, expected);
    if (const Expected<Revision> made = store.Replace(key, expected); made.ok()) expected = *made;
  }

  void Disturb(Client& client) {
    switch (Any(7)) {
      case 0:
        return client.store->SetCut(true);
      case 1:
        client.store->SetCut(false);
        return client.store->SetAlone(false);
      case 2:
        return client.store->SetLagging(true);
      case 3:
        return client.store->SetLagging(false);
      case 4:
        return ensemble_.EndSession(client.store->session());
      case 5:
        return client.store->SetAlone(true);
      case 6:
        ensemble_.SetQuorum(Any(4) != 0);
        return;
    }
  }

  void Pass(Duration d) {
    clock_.Advance(d);
    ensemble_.RunDue();
    witness_->Pump();
    for (Client& client : clients_) client.store->Pump();
  }

  std::mt19937_64 random_;
  History history_;
  int64_t terms_ = 0;
  std::map<std::string, Revision> noted_;
  WorldClock clock_;
  Ensemble ensemble_{clock_, Duration(6'000)};
  FeedLog order_;
  std::unique_ptr<SimStore> witness_ = ensemble_.Connect(Duration(0));
  std::unique_ptr<Watch> witness_watch_;
  Client clients_[kClients];
};

TEST(SimHistoriesTest, TheModelKeepsWhatTheRealStoresKeep) {
  size_t operations = 0, done = 0;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    Trial trial(seed);
    const Judgement judgement = trial.Play();
    ASSERT_THAT(judgement.violations, testing::IsEmpty()) << "seed " << seed;
    for (const Operation& o : trial.history().Operations()) ++operations, done += o.done();
  }
  std::printf("150 histories, %zu operations, %zu of them done\n", operations, done);
  EXPECT_GT(done, operations / 10) << "the faults leave nothing to judge";
}

}  // namespace
}  // namespace zoe::conformance
