#include "controller/backup/backup.h"

#include <algorithm>
#include <utility>

#include "controller/backup/cut.h"
#include "controller/identity/store_identity.h"

namespace zoe {

Expected<Backup> TakeBackup(Store& store, const std::string& deployment, WallTime now) {
  ZOE_ASSIGN(Listing listing, TakeCut(store));
  Backup backup{.deployment = deployment,
                .revision = listing.revision,
                .created_at = std::chrono::floor<std::chrono::seconds>(now)};
  const auto own = std::ranges::find(listing.records, v1::StoreInfoKey(), &Record::key);
  if (own != listing.records.end()) {
    ZOE_ASSIGN(const v1::StoreInfo info, DecodeStoreInfo(*own));
    ZOE_TRY(CheckSchemaVersion(info));
    if (info.spec.restoring) {
      return MakeError(Code::kInvalid, "StoreRestoring",
                       "a backup is being restored into this store: what is there is incomplete");
    }
    backup.store_id = info.spec.id;
    backup.schema_version = info.spec.schema_version;
  } else if (listing.records.empty()) {
    return MakeError(
        Code::kInvalid, "StoreEmpty",
        "the store holds nothing for deployment " + deployment + ": there is nothing to back up");
  }
  backup.records = std::move(listing.records);
  for (Record& record : backup.records) record.revision = 0;
  return backup;
}

}  // namespace zoe
