// Kubernetes' Table: rows of what a kind's columns say, for clients that print without knowing the
// kind.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "controller/cache/cache.h"

namespace zoe::server {

enum class TableObject { kNone, kMetadata, kObject };  // includeObject

// `more`: further members of the list's metadata, with a comma before each; empty for none.
std::string EncodeTable(const v1::Kind& kind, std::span<const EntryPtr> entries, Revision revision,
                        TableObject object, std::string_view more = {});

// The text of a top-level member's value in a JSON object as we write it: compact. Empty if there
// is none.
std::string_view TopLevelMember(std::string_view json, std::string_view name);

}  // namespace zoe::server
