// StoreInfo: what a store says of itself. One object in each store, which no wire serves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/key.h"
#include "specs/meta/meta.h"

namespace zoe::v1 {

inline constexpr std::string_view kStoreInfo = "StoreInfo";
// StoreInfo//self.
const Key& StoreInfoKey();

// The form of records that this program writes, and the newest that it reads. A store without a
// StoreInfo is of version 0: the same records, before stores had one. Grows whenever an older
// program would misunderstand or lose what a newer one writes: a new kind, a new field, a field of
// another meaning.
inline constexpr int64_t kSchemaVersion = 2;

// Later versions only add fields, so that each can read the schemaVersion of all: of this kind
// alone, unknown fields are skipped (v1::DecodeStored).
struct StoreInfoSpec {
  std::string id;  // what the Swarm's objects carry as zoe.store; goes with backups
  int64_t schema_version = 0;
  std::optional<WallTime> created_at;
  // A backup is being written into it: half of it may be there.
  bool restoring = false;
  std::string restoring_from;  // the SHA-256 of that backup
  // Ids of stores in whose place a backup put this one: what carries them is this one's.
  std::vector<std::string> replaced;
  bool operator==(const StoreInfoSpec&) const = default;
};

struct StoreInfoStatus {
  bool operator==(const StoreInfoStatus&) const = default;
};

using StoreInfo = Object<StoreInfoSpec, StoreInfoStatus>;

}  // namespace zoe::v1
