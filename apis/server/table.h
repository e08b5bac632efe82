// Kubernetes' other forms of an object: its metadata alone, and the Table: rows of what a kind's
// columns say, for clients that print without knowing the kind.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "apis/server/exchange.h"
#include "apis/server/query.h"
#include "controller/cache/cache.h"

namespace zoe::server {

enum class TableObject { kNone, kMetadata, kObject };          // includeObject
Expected<TableObject> ParseIncludeObject(const Query& query);  // kBadRequest

// By Accepted::beta.
inline constexpr std::string_view kTableTypes[] = {
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=Table;v=v1beta1;g=meta.k8s.io"};

struct TableOptions {
  TableObject object = TableObject::kMetadata;
  WallTime now{};              // dates are shown as ages
  std::string_view more = {};  // further members of the list's metadata, with a comma before each
  std::string_view version = "v1";  // of meta.k8s.io
};
std::string EncodeTable(const v1::Kind& kind, std::span<const EntryPtr> entries, Revision revision,
                        const TableOptions& options);

// PartialObjectMetadata.
std::string EncodeMetadata(const Entry& entry, std::string_view version);
std::string JoinMetadata(const std::vector<EntryPtr>& entries, std::string_view version);  // [...]

// The answer that holds one object. Not kNone.
Response EncodeOne(const EntryPtr& entry, Accepted accepted, TableObject include, WallTime now);

// The text of a top-level member's value in a JSON object as we write it: compact. Empty if there
// is none.
std::string_view TopLevelMember(std::string_view json, std::string_view name);

}  // namespace zoe::server
