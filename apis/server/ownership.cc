#include "apis/server/ownership.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "specs/v1/kinds.h"

namespace zoe::server {
namespace {

using schema::FieldSet;

constexpr std::string_view kApply = "Apply", kUpdate = "Update", kFieldsV1 = "FieldsV1";
constexpr std::string_view kAncient = "ancient-changes";
constexpr size_t kMaxUpdaters = 10;  // Kubernetes' bound; older ones become kAncient
constexpr size_t kMaxManager = 128, kMaxSubresource = 256;
constexpr size_t kMaxBytes = 512 * 1024, kEntryBytes = 256;  // beside its fields, about

bool ByOrder(const ManagedFields& a, const ManagedFields& b) {
  const auto rank = [](const ManagedFields& entry) {
    return std::tuple(std::string_view(entry.operation), entry.time.value_or(WallTime::min()),
                      std::string_view(entry.manager), std::string_view(entry.api_version),
                      std::string_view(entry.subresource));
  };
  return rank(a) < rank(b);
}

// `"kubectl-edit" using zoe/v1`
std::string Name(const ManagedFields& entry) {
  std::string name;
  codec::AppendJsonString(name, entry.manager);
  if (!entry.subresource.empty()) {
    name += " with subresource ";
    codec::AppendJsonString(name, entry.subresource);
  }
  // An applier is the same one in each version.
  if (entry.operation == kUpdate) name += " using " + entry.api_version;
  return name;
}

using Conflicts = std::map<std::string, std::vector<std::string>>;  // paths by owner

std::string Message(const Conflicts& conflicts, size_t count) {
  if (count == 1) {
    return "Apply failed with 1 conflict: conflict with " + conflicts.begin()->first + ": " +
           conflicts.begin()->second.front();
  }
  std::string message = "Apply failed with " + std::to_string(count) + " conflicts:";
  char separator = ' ';
  for (const auto& [owner, paths] : conflicts) {
    message += separator + ("conflicts with " + owner) + ":";
    for (const std::string& path : paths) message += "\n- " + path;
    separator = '\n';
  }
  return message;
}

}  // namespace

void KeepOwnable(FieldSet& fields, bool status) {
  if (status) {
    std::erase_if(fields.children, [](const auto& child) { return child.first != "f:status"; });
    return;
  }
  fields.children.erase("f:status");
  for (const std::string_view name :
       {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
        "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields"})
    fields.Remove({"f:metadata", schema::FieldElement(name)});
}

void KeepOwnable(schema::Changes& changes, bool status) {
  KeepOwnable(changes.added, status);
  KeepOwnable(changes.modified, status);
  KeepOwnable(changes.removed, status);
}

Expected<Ownership> Ownership::Read(const std::vector<ManagedFields>& entries) {
  Ownership ownership;
  std::map<std::tuple<std::string, std::string, std::string, std::string>, size_t> places;
  for (const ManagedFields& entry : entries) {
    const bool known = entry.operation == kApply || entry.operation == kUpdate;
    if (!known || entry.fields_type != kFieldsV1 || entry.manager.size() > kMaxManager ||
        entry.subresource.size() > kMaxSubresource)
      return MakeError(Code::kInvalid, "metadata.managedFields: an entry is no one's");
    const std::string& text = entry.fields.text;
    ZOE_ASSIGN(const codec::Value tree,
               codec::ParseJson(text.empty() ? std::string_view("{}") : std::string_view(text),
                                {.bytes = text.size() + 2, .nodes = text.size() + 2}));
    ZOE_ASSIGN(FieldSet fields, schema::ReadFieldsV1(tree));
    if (fields.empty()) continue;
    const auto [place, is_first] =
        places.try_emplace({entry.operation, entry.manager,
                            entry.operation == kApply ? "" : entry.api_version, entry.subresource},
                           ownership.entries_.size());
    if (is_first) {
      ownership.entries_.emplace_back(Entry{entry, std::move(fields)}).head.fields = {};
    } else {
      ownership.entries_[place->second].fields = std::move(fields);
    }
  }
  return ownership;
}

Ownership Ownership::OfUpdate(const std::vector<ManagedFields>& live,
                              const std::vector<ManagedFields>& given) {
  if (given.size() == 1 && given.front() == ManagedFields{}) return {};
  if (!given.empty()) {
    auto read = Read(given);
    if (read.ok() && !read->empty()) return std::move(read).value();
  }
  return Read(live).value_or(Ownership());
}

Expected<std::vector<ManagedFields>> Ownership::Write() const {
  std::vector<ManagedFields> entries;
  size_t bytes = 0;
  for (const Entry& entry : entries_) {
    if (entry.fields.empty()) continue;
    entries.push_back(entry.head);
    entries.back().fields.text = schema::WriteFieldsV1(entry.fields);
    bytes += entries.back().fields.text.size() + kEntryBytes;
  }
  if (bytes > kMaxBytes) {
    return MakeError(Code::kTooLarge, "metadata.managedFields would have " + std::to_string(bytes) +
                                          " bytes, too many managers or fields; at most " +
                                          std::to_string(kMaxBytes) + " are kept");
  }
  std::stable_sort(entries.begin(), entries.end(), ByOrder);
  return entries;
}

bool Ownership::Is(const Entry& entry, const Manager& manager) {
  const ManagedFields& head = entry.head;
  return head.manager == manager.name && head.subresource == manager.subresource &&
         head.operation == (manager.applies ? kApply : kUpdate) &&
         (manager.applies || head.api_version == v1::kApiVersion);
}

FieldSet Ownership::Of(const Manager& manager) const {
  FieldSet fields;
  for (const Entry& entry : entries_) {
    if (Is(entry, manager)) fields.Add(entry.fields);
  }
  return fields;
}

FieldSet Ownership::OfAllBut(const Manager& manager) const {
  FieldSet fields;
  for (const Entry& entry : entries_) {
    if (!Is(entry, manager)) fields.Add(entry.fields);
  }
  return fields;
}

Expected<void> Ownership::CheckConflicts(const Manager& manager, const FieldSet& fields,
                                         const FieldSet& own) const {
  const FieldSet contested = schema::Difference(fields, own);
  Conflicts conflicts;
  Error error = MakeError(Code::kConflict, "");
  for (const Entry& entry : entries_) {
    if (Is(entry, manager)) continue;
    const std::string owner = Name(entry.head);
    for (const std::string& path : schema::PathsOf(schema::Intersection(entry.fields, contested))) {
      conflicts[owner].push_back(path);
      error.causes.push_back(
          {.field = path, .reason = "FieldManagerConflict", .message = "conflict with " + owner});
    }
  }
  if (conflicts.empty()) return {};
  error.message = Message(conflicts, error.causes.size());
  return error;
}

Ownership::Entry& Ownership::Obtain(const Manager& manager) {
  for (Entry& entry : entries_) {
    if (Is(entry, manager)) return entry;
  }
  Entry& entry = entries_.emplace_back();
  entry.head.manager = manager.name;
  entry.head.operation = manager.applies ? kApply : kUpdate;
  entry.head.api_version = v1::kApiVersion;
  entry.head.fields_type = kFieldsV1;
  entry.head.subresource = manager.subresource;
  return entry;
}

void Ownership::Settle(const Manager& manager, const FieldSet& fields,
                       const schema::Changes& changes, WallTime now) {
  now = std::chrono::floor<std::chrono::seconds>(now);
  const FieldSet changed = schema::Union(changes.added, changes.modified);
  for (Entry& entry : entries_) {
    if (manager.applies && Is(entry, manager)) continue;
    entry.fields = schema::Without(schema::Difference(entry.fields, changed), changes.removed);
  }
  if (manager.applies) {
    Entry& mine = Obtain(manager);
    const bool same = mine.fields == fields && mine.head.api_version == v1::kApiVersion;
    if (!same || !changes.empty()) mine.head.time = now;
    mine.head.api_version = v1::kApiVersion;
    mine.fields = fields;
  } else if (!fields.empty()) {
    Entry& mine = Obtain(manager);
    mine.fields.Add(fields);
    mine.head.time = now;
  }
  std::erase_if(entries_, [](const Entry& entry) { return entry.fields.empty(); });
  CapUpdaters();
}

void Ownership::CapUpdaters() {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return ByOrder(a.head, b.head); });
  const auto first = std::find_if(entries_.begin(), entries_.end(),
                                  [](const Entry& e) { return e.head.operation == kUpdate; });
  const auto updaters = static_cast<size_t>(entries_.end() - first);
  if (updaters <= kMaxUpdaters) return;
  // The oldest become one, which stands in the place of the last of them.
  const auto last = first + static_cast<std::ptrdiff_t>(updaters - kMaxUpdaters);
  for (auto it = first; it != last; ++it) last->fields.Add(it->fields);
  last->head.manager = kAncient;
  last->head.subresource.clear();
  entries_.erase(first, last);
}

}  // namespace zoe::server
