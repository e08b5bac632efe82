// A Store that forgets: for tests, simulations and `--store memory:`. Nothing outlives the object.
#pragma once

#include <memory>

#include "controller/ports/store.h"

namespace zoe {

struct MemoryStoreOptions {
  // true: the change feed runs on a thread of its own. false: each write delivers its change before
  // it returns, outside of the store's lock, so that a run in one thread is deterministic.
  bool threaded = true;
};

// Never fails otherwise than by the contract's kNotFound, kAlreadyExists, kConflict and kTooLarge.
// Campaign leads before it returns: the callback runs on the caller's thread.
std::unique_ptr<Store> MakeMemoryStore(const MemoryStoreOptions& options = {});

}  // namespace zoe
