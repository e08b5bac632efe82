// The embedded Store: one SQLite file, for one controller at a time.
#pragma once

#include <memory>
#include <string>

#include "controller/ports/store.h"

namespace zoe {

// Opens or makes PATH (mode 0600) and its missing parent directories (0700). Beside it stand
// PATH-wal and PATH-shm, which belong to it, and PATH.lock, which only names the process that has
// it open.
//
// Durability: a write returns when its transaction is on disk (WAL, synchronous=FULL). Writers that
// come together share a transaction; each still gets its own result. Revisions are a counter in the
// file: it never goes back, whatever is deleted. Reads use a connection of their own and wait for
// no write.
//
// Errors of Open, none of which changes an existing file:
//   kUnavailable StoreInUse          another process has it open ("... is in use by process 1234")
//   kUnavailable StoreNotWritable    a directory or file can't be made or opened, with the system's
//   reason kInternal    StoreDamaged        the file isn't a sound database; says how to save what
//   can be read kInvalid     StoreNotOurs, StoreTooNew    a database of something else, or written
//   by a later version
// Errors of calls: kUnavailable DiskFull or DiskError: nothing was written, and writes work again
// as soon as the disk does; kOutcomeUnknown where the disk failed to confirm a transaction or took
// longer than 10 s.
//
// Campaign leads before it returns: the callback runs on the caller's thread.
Expected<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path);

// The same file for reading alone, also while a controller has it open: nothing is made or changed,
// writes are kForbidden, no changes are told: all reads show the moment of the first. kNotFound if
// there is no such file; else the errors of Open but StoreInUse.
Expected<std::unique_ptr<Store>> OpenSqliteStoreForReading(const std::string& path);

}  // namespace zoe
