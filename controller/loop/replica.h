// What a controller says of itself to those that stand for election beside it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "specs/meta/time.h"

namespace zoe {

struct Replica {
  std::string id;                 // HOST/PID, for people
  std::string url;                // of its API; empty: not known
  std::optional<WallTime> since;  // when it was started
};

// As an identity for Store::Campaign: one line of JSON.
std::string EncodeReplica(const Replica& replica);
// Never fails: what another version or somebody else wrote is an id.
Replica DecodeReplica(std::string_view identity);

}  // namespace zoe
