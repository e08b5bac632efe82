// Kubernetes' Table: rows of what a kind's columns say, for clients that print without knowing the
// kind.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "controller/cache/cache.h"

namespace zoe::server {

enum class TableObject { kNone, kMetadata, kObject };  // includeObject

struct TableOptions {
  TableObject object = TableObject::kMetadata;
  WallTime now{};         // dates are shown as ages
  std::string_view more;  // further members of the list's metadata, with a comma before each
};
std::string EncodeTable(const v1::Kind& kind, std::span<const EntryPtr> entries, Revision revision,
                        const TableOptions& options);

// The text of a top-level member's value in a JSON object as we write it: compact. Empty if there
// is none.
std::string_view TopLevelMember(std::string_view json, std::string_view name);

}  // namespace zoe::server
