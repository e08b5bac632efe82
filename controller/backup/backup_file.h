// The file of a backup: JSON, one object per line, so that people's tools can read it.
//
//   {"format":"zoe-backup","formatVersion":1,"schemaVersion":1,"storeId":"...","deployment":"zoe",
//    "revision":57,"createdAt":"...","program":"...","objects":2}
//   {"kind":"User","namespace":"","name":"alice","object":{...}}       the stored bytes, unchanged
//   {"kind":"User","namespace":"","name":"bob","base64":"..."}         bytes that are no JSON
//   object
//   {"end":"zoe-backup","objects":2,"sha256":"..."}                    of all lines before
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/ports/store.h"
#include "specs/meta/expected.h"
#include "specs/meta/time.h"

namespace zoe {

inline constexpr int64_t kBackupFormat = 1;

struct Backup {
  int64_t schema_version = 0;
  std::string store_id;  // empty: of a store that had no StoreInfo
  std::string deployment;
  Revision revision = 0;
  WallTime created_at{};
  std::string program;          // version of the one that made it
  std::vector<Record> records;  // without revisions
  std::string sha256;           // only in what was parsed
};

// kInternal: a key that the file can't hold (no valid UTF-8).
Expected<std::string> EncodeBackup(const Backup& backup);
// Complete or kInvalid: damaged, truncated, changed by hand, of a later format. Messages begin with
// "NAME:LINE: ".
Expected<Backup> ParseBackup(std::string_view text, const std::string& name);

// "-" is stdout. Else a file of mode 0600 that is there completely, and on disk, or not at all; one
// that was there before is replaced. kUnavailable.
Expected<void> WriteBackupFile(const std::string& path, std::string_view text);
// "-" is stdin. kNotFound, kUnavailable.
Expected<std::string> ReadBackupFile(const std::string& path);

}  // namespace zoe
