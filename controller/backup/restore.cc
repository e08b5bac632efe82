#include "controller/backup/restore.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "controller/identity/store_identity.h"
#include "specs/v1/kinds.h"

namespace zoe {
namespace {

constexpr int kRounds = 8;
constexpr size_t kListed = 10;
constexpr char kAdmin[] = "admin";

// What others are made of comes first, so that a controller that has not noticed yet meets no
// execution without its user.
// "": all others.
constexpr std::string_view kOrder[] = {"Credential",  "User", "Workspace", "Gateway",
                                       "Application", "",     "Execution", "Event"};

std::ptrdiff_t RankOf(const Key& key) {
  const auto own = std::ranges::find(kOrder, key.kind);
  return (own != std::end(kOrder) ? own : std::ranges::find(kOrder, "")) - std::begin(kOrder);
}

// What a controller makes by itself when it finds an empty store, and what comes of that.
bool IsOfFirstStart(const Key& key) {
  if (key.kind == v1::kStoreInfo || key.kind == "Event") return true;
  if (key.kind == "User") return key.name == kAdmin;
  return key.ns == kAdmin &&
         (key.kind == "Credential" ||
          ((key.kind == "Workspace" || key.kind == "Gateway") && key.name == kAdmin));
}

std::string Names(const std::vector<Key>& keys) {
  std::string text;
  for (size_t i = 0; i < std::min(keys.size(), kListed); ++i)
    text += (text.empty() ? "" : ", ") + keys[i].ToString();
  if (keys.size() > kListed) text += " and " + std::to_string(keys.size() - kListed) + " more";
  return text;
}

// A write that somebody else's came before is looked at again in the next round; so is one whose
// reply was lost.
bool IsSettledLater(const Error& error) {
  return error.code == Code::kAlreadyExists || error.code == Code::kConflict ||
         error.code == Code::kNotFound || error.code == Code::kOutcomeUnknown;
}

class Restorer {
 public:
  Restorer(Store& store, const Backup& backup, WallTime now)
      : store_(store), backup_(backup), now_(now) {
    for (const Record& record : backup.records) {
      if (record.key == v1::StoreInfoKey()) {
        own_ = &record;
      } else {
        wanted_.emplace(record.key, &record);
      }
    }
    result_.objects = static_cast<int>(backup.records.size());
  }

  Expected<Restored> Run() {
    ZOE_TRY(Mark());
    for (int round = 0; round < kRounds; ++round) {
      ZOE_ASSIGN(const bool equal, Round());
      if (!equal) continue;
      ZOE_TRY(Unmark());
      return result_;
    }
    return MakeError(Code::kConflict, "StoreChanged",
                     "somebody keeps writing into the store: stop the controllers and run this "
                     "again");
  }

 private:
  // Afterwards the store says that it is being restored from this very backup.
  Expected<void> Mark() {
    for (int round = 0; round < kRounds; ++round) {
      ZOE_ASSIGN(const Listing listing, store_.List(""));
      const auto record = std::ranges::find(listing.records, v1::StoreInfoKey(), &Record::key);
      std::optional<v1::StoreInfo> present;
      if (record != listing.records.end()) {
        ZOE_ASSIGN(present, DecodeStoreInfo(*record));
        ZOE_TRY(CheckSchemaVersion(*present));
      }
      if (present && present->spec.restoring) {
        if (present->spec.restoring_from == backup_.sha256) return {};
        return MakeError(Code::kInvalid, "OtherRestore",
                         "another backup (SHA-256 " + present->spec.restoring_from +
                             ") was not restored completely: run that --restore again, or empty "
                             "the store");
      }
      ZOE_TRY(CheckEmpty(listing));
      ZOE_ASSIGN(v1::StoreInfo info, Final(present));
      info.spec.restoring = true;
      info.spec.restoring_from = backup_.sha256;
      const std::string bytes = EncodeStoreInfo(info);
      const auto marked = present ? store_.Replace(v1::StoreInfoKey(), record->revision, bytes)
                                  : store_.Create(v1::StoreInfoKey(), bytes);
      if (marked.ok()) return {};
      if (!IsSettledLater(marked.error())) return marked.error();
    }
    return MakeError(Code::kConflict, "StoreChanged", "somebody else restores into the store");
  }

  static Expected<void> CheckEmpty(const Listing& listing) {
    std::vector<Key> there;
    for (const Record& record : listing.records) {
      if (!IsOfFirstStart(record.key)) there.push_back(record.key);
    }
    if (there.empty()) return {};
    return MakeError(Code::kInvalid, "StoreNotEmpty",
                     "the store has " + std::to_string(there.size()) + " objects (" + Names(there) +
                         "): a backup is restored only into a store without any. Choose another "
                         "--store, or back this one up and empty it");
  }

  // What the store will say of itself in the end.
  Expected<v1::StoreInfo> Final(const std::optional<v1::StoreInfo>& present) const {
    v1::StoreInfo info;
    if (own_ != nullptr) {
      ZOE_ASSIGN(info, DecodeStoreInfo(*own_));
    } else if (present) {
      info = *present;
    } else {
      info = NewStoreInfo(now_);
    }
    if (!present || present->spec.id == info.spec.id) return info;
    std::vector<std::string> replaced = present->spec.replaced;
    replaced.push_back(present->spec.id);
    for (std::string& id : replaced) {
      if (std::ranges::find(info.spec.replaced, id) == info.spec.replaced.end())
        info.spec.replaced.push_back(std::move(id));
    }
    return info;
  }

  // Writes what differs. True if nothing did.
  Expected<bool> Round() {
    ZOE_ASSIGN(const Listing listing, store_.List(""));
    std::map<Key, const Record*> present;
    std::vector<Key> strangers;
    bool equal = true;
    for (const Record& record : listing.records) {
      if (record.key == v1::StoreInfoKey()) continue;
      present.emplace(record.key, &record);
      if (wanted_.contains(record.key)) continue;
      if (!IsOfFirstStart(record.key)) {
        strangers.push_back(record.key);
        continue;
      }
      equal = false;
      ZOE_TRY(Settled(store_.Delete(record.key, record.revision), result_.removed));
    }
    if (!strangers.empty()) {
      return MakeError(Code::kConflict, "StoreChanged",
                       "somebody has written into the store meanwhile (" + Names(strangers) +
                           "): stop the controllers, empty the store and run this again");
    }
    std::vector<const Record*> order;
    for (const auto& [key, record] : wanted_) order.push_back(record);
    std::ranges::stable_sort(order, {}, [](const Record* record) { return RankOf(record->key); });
    for (const Record* record : order) {
      const auto there = present.find(record->key);
      if (there != present.end() && there->second->bytes == record->bytes) continue;
      equal = false;
      ZOE_TRY(Settled(there == present.end()
                          ? store_.Create(record->key, record->bytes)
                          : store_.Replace(record->key, there->second->revision, record->bytes),
                      result_.written));
    }
    return equal;
  }

  static Expected<void> Settled(const Expected<Revision>& written, int& count) {
    if (written.ok()) ++count;
    if (written.ok() || IsSettledLater(written.error())) return {};
    Error error = written.error();
    error.message += " (run the same --restore again: it goes on)";
    return error;
  }

  Expected<void> Unmark() {
    for (int round = 0; round < kRounds; ++round) {
      ZOE_ASSIGN(const Record record, store_.Get(v1::StoreInfoKey()));
      ZOE_ASSIGN(v1::StoreInfo info, DecodeStoreInfo(record));
      result_.store_id = info.spec.id;
      if (!info.spec.restoring) return {};  // another restore of the same backup, or a lost reply
      info.spec.restoring = false;
      info.spec.restoring_from.clear();
      // The backup's own bytes where they say the same.
      std::string bytes = EncodeStoreInfo(info);
      if (own_ != nullptr) {
        ZOE_ASSIGN(const v1::StoreInfo own, DecodeStoreInfo(*own_));
        if (own.spec == info.spec) bytes = own_->bytes;
      }
      const auto done = store_.Replace(record.key, record.revision, std::move(bytes));
      if (done.ok()) return {};
      if (!IsSettledLater(done.error())) return done.error();
    }
    return MakeError(Code::kConflict, "StoreChanged", "somebody else restores into the store");
  }

  Store& store_;
  const Backup& backup_;
  const WallTime now_;
  const Record* own_ = nullptr;  // the backup's StoreInfo
  std::map<Key, const Record*> wanted_;
  Restored result_;
};

}  // namespace

Expected<Restored> Restore(Store& store, const Backup& backup, const RestoreOptions& options,
                           WallTime now) {
  v1::StoreInfo written_by;
  written_by.spec.schema_version = backup.schema_version;
  if (!CheckSchemaVersion(written_by).ok()) {
    return MakeError(Code::kInvalid, "StoreTooNew",
                     "a later version of this program (" + backup.program +
                         ") has made the backup (schema " + std::to_string(backup.schema_version) +
                         ", this one knows " + std::to_string(v1::kSchemaVersion) +
                         "): restore it with that version");
  }
  const std::string& from =
      options.from_deployment.empty() ? options.deployment : options.from_deployment;
  if (backup.deployment != from) {
    return MakeError(
        Code::kInvalid, "OtherDeployment",
        "the backup is of deployment " + backup.deployment + ", not of " + from +
            ": what runs on the Swarm belongs to that one. Restore with --deployment " +
            backup.deployment + ", or, to start its executions anew as " + options.deployment +
            ", with --from-deployment " + backup.deployment);
  }
  return Restorer(store, backup, now).Run();
}

}  // namespace zoe
