// Many clients at work on a few objects of one or several Stores, while a test does harm; then the
// judgement over everything that they were told.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "test/conformance/store/linearizability.h"

namespace zoe::conformance {

struct StormOptions {
  uint64_t seed = 1;
  Reads reads = Reads::kPresent;
  int keys = 6;
  int threads = 3;     // per store
  int operations = 0;  // per thread; 0: until the end is told
  Duration pause{0};   // of a thread between two operations, at most
  bool lists = true;
  // Each store stands for election. Of a leader's writes half are for the leader, of the others' an
  // eighth: those must be refused.
  bool lead = false;
};

// The clients. Also used by a process that is made to be killed (store_writer.cc).
class Storm {
 public:
  // The stores outlive it and are the sessions 1, 2, ... of the history.
  Storm(StormOptions options, History& history, const std::vector<Store*>& stores);
  ~Storm();  // Stop

  void Start();
  void Join();  // of threads with a number of operations
  void Stop();
  uint64_t done() const { return done_; }  // calls that have returned so far
  int leader() const;                      // the index of a store that leads; -1 if none does

 private:
  struct Client;
  void Work(Client& client, uint64_t seed);
  void Act(Client& client, RecordedStore& store, const Key& key, uint64_t dice);
  void Note(const Key& key, Revision revision);
  Revision Noted(const Key& key);

  const StormOptions options_;
  std::vector<std::unique_ptr<Client>> clients_;  // one per store
  std::vector<std::thread> threads_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> done_{0};
  std::mutex mutex_;
  std::map<Key, Revision> noted_;  // what anyone has last seen; 0: missing
};

// What a test of a store under faults found, and how much it has tried.
struct Judgement {
  Violations violations;
  std::string figures;  // one line
};

// `order` is a feed as CheckOrder needs it; `feeds` are all others.
Judgement Judge(const std::vector<Operation>& operations, Reads reads, const FeedLog& order,
                const std::vector<const FeedLog*>& feeds);

// The seed of this run: ZOE_STORM_SEED, or a new one.
uint64_t StormSeed();
// `usual`, or as many times longer as ZOE_STORM_SECONDS says (the whole of one storm).
Duration StormDuration(Duration usual);

}  // namespace zoe::conformance
