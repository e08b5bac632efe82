#pragma once

#include <string>

#include "controller/backup/backup_file.h"
#include "controller/ports/store.h"

namespace zoe {

// What the store holds at one revision, to be written to a file; controllers may run meanwhile.
// kInvalid: there is nothing to back up, a backup is being restored into it, or a later version
// wrote it; else TakeCut's errors.
Expected<Backup> TakeBackup(Store& store, const std::string& deployment, WallTime now);

}  // namespace zoe
