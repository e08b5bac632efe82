// Everything that must hold before the first call: directories, the lock, a sound file of our own
// schema.
#pragma once

#include <memory>
#include <string>

#include "apis/sqlite/database.h"
#include "specs/meta/expected.h"

namespace zoe::sqlite {

// Holds PATH.lock (flock) until destroyed; a killed process's lock ends with it.
class LockFile {
 public:
  static Expected<std::unique_ptr<LockFile>> Acquire(const std::string& path);
  ~LockFile();

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  const int fd_;
};

// Makes the parent directories (0700) and the file (0600) where they are missing. The lock must be
// held afterwards.
Expected<void> MakeParents(const std::string& path);
Expected<void> MakeFile(const std::string& path);

// A connection to a file that was checked, has our schema and is in WAL mode with synchronous=FULL.
// The lock must be held.
Expected<std::unique_ptr<Database>> OpenChecked(const std::string& path);

// For reading beside whoever holds the lock: kNotFound, or that the schema is not ours.
Expected<void> CheckForReading(const std::string& path);

}  // namespace zoe::sqlite
