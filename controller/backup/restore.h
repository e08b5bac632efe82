#pragma once

#include <string>

#include "controller/backup/backup_file.h"
#include "controller/ports/store.h"

namespace zoe {

struct RestoreOptions {
  std::string deployment;       // of the store
  std::string from_deployment;  // the backup's, where that is another one; else empty
};

struct Restored {
  int objects = 0;  // that the backup holds
  int written = 0;  // of them, by this call
  int removed = 0;  // that were there before
  std::string store_id;
};

// Makes the store what the backup tells, its identity included, and nothing else. Only a store
// without objects is taken, or one that holds no more than a controller makes by itself at its
// first start (StoreInfo, User admin and what belongs to that user, Events), which goes.
//
// While it works, and for as long as it was interrupted, StoreInfo.restoring is set: controllers
// neither reconcile nor write. It may be run again with the same backup, and goes on.
//
// kInvalid, before anything is written: StoreNotEmpty with what is there, StoreTooNew,
// OtherDeployment, OtherRestore (another backup's was interrupted). kConflict StoreChanged:
// somebody wrote into the store meanwhile. Else the store's errors.
Expected<Restored> Restore(Store& store, const Backup& backup, const RestoreOptions& options,
                           WallTime now);

}  // namespace zoe
