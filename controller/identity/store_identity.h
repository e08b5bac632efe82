// Which store this is, and whether this process may act on what it holds.
#pragma once

#include <condition_variable>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "controller/cache/cache.h"
#include "controller/ports/store.h"
#include "controller/runtime/metrics.h"
#include "controller/runtime/mutex.h"
#include "specs/v1/store_info.h"

namespace zoe {

// What the store says of itself; made if it says nothing, with `id`, or with a new one if that is
// empty. Several processes that start together agree, for the store decides. A store of schema
// version 0 becomes one of this version: its objects stay as they are. kInvalid StoreTooNew: a
// later version of this program has written it; kInternal: its StoreInfo can't be read; else the
// store's errors.
Expected<v1::StoreInfo> EnsureStoreInfo(Store& store, WallTime now, const std::string& id = "");

// A StoreInfo that no store has yet. An empty `id`: a new one.
v1::StoreInfo NewStoreInfo(WallTime now, const std::string& id = "");
// kInternal StoreUnreadable.
Expected<v1::StoreInfo> DecodeStoreInfo(const Record& record);
std::string EncodeStoreInfo(v1::StoreInfo info);

// kInvalid StoreTooNew, with what to do, if this program doesn't know the store's schema version.
Expected<void> CheckSchemaVersion(const v1::StoreInfo& info);

// The id of the store whose objects the cache shows, for kLabelStore; "" if it shows none.
std::string StoreIdOf(const Cache& cache);

// Holds back the loops and every write while the store is not one to act on: while a backup is
// being written into it, when it has lost its contents, and, for as long as this process lives,
// once a later version of this program has taken it over. Thread-safe.
class StoreGuard {
 public:
  // `cache` outlives it. `known`: from EnsureStoreInfo; writes are judged by it until the informer
  // knows better.
  StoreGuard(const Cache& cache, Metrics& metrics, const v1::StoreInfo& known);

  // Whom SetLease goes to. Once, before the leader gate starts. They must only post.
  void SetLoops(std::vector<LeaderCallback> loops);
  // From the leader gate. The loops get it too while the store may be acted on, else kNotLeading.
  void SetLease(SteadyTime until);
  // From the informer (IdentityCallback).
  void OnIdentity(bool known);

  // kUnavailable (StoreRestoring, StoreLost, StoreTooNew, StoreUnreadable) with what to do.
  Expected<void> Check() const;
  // Waits until a later version has taken the store over: its controllers should lead. False:
  // stopped.
  bool AwaitTakeOver(const std::stop_token& stop) const;

 private:
  std::optional<Error> Judge() ZOE_REQUIRES(mutex_);
  std::optional<Error> JudgeInfo(const v1::StoreInfo& info) ZOE_REQUIRES(mutex_);
  void TellLoops() ZOE_REQUIRES(mutex_);

  const Cache& cache_;
  Gauge& usable_;
  mutable Mutex mutex_;
  mutable std::condition_variable_any taken_over_changed_;
  std::vector<LeaderCallback> loops_ ZOE_GUARDED_BY(mutex_);
  SteadyTime lease_ ZOE_GUARDED_BY(mutex_) = kNotLeading;
  bool told_ ZOE_GUARDED_BY(mutex_) = false;   // that they lead
  bool known_ ZOE_GUARDED_BY(mutex_) = false;  // to the informer
  bool taken_over_ ZOE_GUARDED_BY(mutex_) = false;
  std::string id_ ZOE_GUARDED_BY(mutex_);
  std::optional<Error> problem_ ZOE_GUARDED_BY(mutex_);
};

// The same store, whose writes are refused with the guard's error while it has one. Both must
// outlive it.
std::unique_ptr<Store> MakeGuardedStore(Store& store, const StoreGuard& guard);

}  // namespace zoe
