// User: a person, and what a person has: a namespace of the same name with its network, its
// Workspace and its Gateway. Field docs, defaults and bounds stand in user.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "specs/meta/meta.h"

namespace zoe::v1 {

inline constexpr std::string_view kRoleAdmin = "admin", kRoleUser = "user", kRoleGuest = "guest";

// Holds a User until everything in its namespace has gone.
inline constexpr std::string_view kUserFinalizer = "zoe/user";
// Applications in this namespace are offered to everybody; it belongs to no User.
inline constexpr std::string_view kCatalog = "catalog";

struct UserNetwork {
  int32_t addresses = 500;  // containers at one time
  std::string subnet;       // CIDR; empty: planned
  bool encrypted = false;
  bool operator==(const UserNetwork&) const = default;
};

struct UserSpec {
  std::string role{kRoleUser};
  bool enabled = true;
  std::string full_name, email;
  // Write-only: admission takes them out, and only a Credential keeps a hash.
  std::string password, password_hash;
  std::string quota;  // name of a Quota
  std::vector<std::string> ssh_keys;
  std::optional<int64_t> uid, gid;  // filled by admission
  UserNetwork network;
  bool operator==(const UserSpec&) const = default;
};

struct UserStatus {
  int64_t observed_generation = 0;
  std::string network, subnet;  // Swarm's network, its CIDR
  // NetworkReady, WorkspaceReady, GatewayReady, Ready; while it is deleted Ready says what is
  // waited for.
  std::vector<Condition> conditions;
  bool operator==(const UserStatus&) const = default;
};

using User = Object<UserSpec, UserStatus>;

}  // namespace zoe::v1
