#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "specs/schema/names.h"
#include "webhooks/admission/admission.h"

namespace zoe {
namespace {

using codec::Value;
using schema::Quote;

constexpr size_t kShortestPassword = 8;
// Where ids that nobody chose lie: beyond those that people and systems are given by hand, below
// those that user namespaces take (subuid(5)).
constexpr int64_t kFirstId = 200'000, kIds = 300'000'000;
// Accounts of Debian's base system, which a gateway has already.
constexpr std::array<std::string_view, 19> kSystemAccounts = {
    "root", "daemon", "bin",      "sys",    "sync", "games", "man",    "lp",   "mail", "news",
    "uucp", "proxy",  "www-data", "backup", "list", "irc",   "nobody", "sshd", "gnats"};
// Annotations in which clients keep the manifest that they applied.
constexpr std::array<std::string_view, 2> kApplied = {
    "zoe/last-applied-configuration", "kubectl.kubernetes.io/last-applied-configuration"};

// FNV-1a.
uint64_t Hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

Cause Wrong(std::string field, std::string message) {
  return {.field = std::move(field), .reason = "FieldValueInvalid", .message = std::move(message)};
}

void CheckName(const std::string& name, std::vector<Cause>& causes) {
  const bool number = name.find_first_not_of("0123456789") == std::string::npos;
  const bool system =
      std::find(kSystemAccounts.begin(), kSystemAccounts.end(), name) != kSystemAccounts.end();
  if (name == v1::kCatalog) {
    causes.push_back(Wrong("metadata.name", "must not be catalog: that namespace is everybody's"));
  } else if (number) {
    causes.push_back(Wrong("metadata.name", "must not be a number: it would be taken for an uid"));
  } else if (system) {
    causes.push_back(Wrong("metadata.name", Quote(name) + " is an account of the system"));
  } else if (name.size() > 32) {
    causes.push_back(Wrong("metadata.name", "must be at most 32 long, as accounts of Linux are"));
  }
}

// Takes the password out of the object, and out of every copy of the manifest in its annotations.
void TakePassword(v1::User& user, AdmissionRequest& request, std::vector<Cause>& causes) {
  v1::UserSpec& spec = user.spec;
  if (!spec.password.empty() && !spec.password_hash.empty())
    causes.push_back(Wrong("spec.passwordHash", "must not stand beside password"));
  if (!spec.password.empty() && spec.password.size() < kShortestPassword) {
    causes.push_back(Wrong(
        "spec.password", "must be at least " + std::to_string(kShortestPassword) + " bytes long"));
  }
  request.password = std::exchange(spec.password, {});
  request.password_hash = std::exchange(spec.password_hash, {});
  for (const std::string_view name : kApplied) {
    const auto annotation = user.meta.annotations.find(std::string(name));
    if (annotation == user.meta.annotations.end()) continue;
    auto manifest = codec::ParseJson(annotation->second);
    if (!manifest.ok()) {  // what can't be looked into may hold one
      user.meta.annotations.erase(annotation);
      continue;
    }
    Value* applied = manifest->is_object() ? manifest->Find("spec") : nullptr;
    if (applied == nullptr || !applied->is_object()) continue;
    const bool password = applied->Remove("password");
    const bool hash = applied->Remove("passwordHash");
    if (password || hash) annotation->second = codec::ToJson(*manifest) + "\n";
  }
}

// What users may change of themselves. Not their finalizers: who takes them away leaves without
// what is to be removed first.
bool OnlyOwnFieldsDiffer(const v1::User& user, const v1::User& old_user) {
  v1::UserSpec spec = user.spec;
  spec.ssh_keys = old_user.spec.ssh_keys;
  spec.full_name = old_user.spec.full_name;
  spec.email = old_user.spec.email;
  return spec == old_user.spec && user.meta.finalizers == old_user.meta.finalizers &&
         user.meta.owner_references == old_user.meta.owner_references;
}

bool IsActiveAdmin(const v1::User& user) {
  return user.spec.role == v1::kRoleAdmin && user.spec.enabled && !user.meta.deletion_timestamp;
}

}  // namespace

Expected<void> Admission::AdmitUser(AdmissionRequest& request) const {
  auto& user = static_cast<v1::User&>(*request.object);
  const auto* old_user = static_cast<const v1::User*>(request.old_object.get());
  auto& finalizers = user.meta.finalizers;
  if (!user.meta.deletion_timestamp &&
      std::find(finalizers.begin(), finalizers.end(), v1::kUserFinalizer) == finalizers.end())
    finalizers.emplace_back(v1::kUserFinalizer);
  std::vector<Cause> causes;
  if (old_user == nullptr) CheckName(user.meta.name, causes);
  TakePassword(user, request, causes);
  if (old_user == nullptr || old_user->spec.quota != user.spec.quota)
    WarnOfQuota(user, request.warnings);
  if (causes.empty()) {
    if (auto filled = FillIds(user, old_user); !filled.ok()) causes = filled.error().causes;
  }
  if (!causes.empty()) {
    Error error =
        MakeError(Code::kInvalid, "Invalid", "User " + Quote(user.meta.name) + " is invalid");
    error.causes = std::move(causes);
    return error;
  }
  if (old_user == nullptr) return {};
  if (request.caller.role == v1::kRoleAdmin) return KeepAnAdmin(user, *old_user);
  if (OnlyOwnFieldsDiffer(user, *old_user)) return {};
  return MakeError(Code::kForbidden, "Forbidden",
                   "users may change their own sshKeys, fullName, email and password; the rest is "
                   "for admins");
}

// An id that nobody chose follows from the name, so that a user who is made again finds the files
// of the first time.
Expected<void> Admission::FillIds(v1::User& user, const v1::User* old_user) const {
  std::map<int64_t, std::string> taken;
  for (const EntryPtr& entry : cache_.List("User").entries) {
    const auto& other = static_cast<const v1::User&>(*entry->object);
    if (other.meta.name != user.meta.name && other.spec.uid)
      taken[*other.spec.uid] = other.meta.name;
  }
  Error invalid = MakeError(Code::kInvalid, "");
  auto& uid = user.spec.uid;
  auto& gid = user.spec.gid;
  if (old_user != nullptr) {
    if (!uid) uid = old_user->spec.uid;
    if (!gid) gid = old_user->spec.gid;
    const std::string fixed = "can't be changed: the user's files belong to ";
    if (old_user->spec.uid && uid != old_user->spec.uid)
      invalid.causes.push_back(Wrong("spec.uid", fixed + std::to_string(*old_user->spec.uid)));
    if (old_user->spec.gid && gid != old_user->spec.gid)
      invalid.causes.push_back(Wrong("spec.gid", fixed + std::to_string(*old_user->spec.gid)));
  } else if (uid && taken.contains(*uid)) {
    invalid.causes.push_back(
        {.field = "spec.uid",
         .reason = "FieldValueDuplicate",
         .message = std::to_string(*uid) + " is that of user " + Quote(taken[*uid]) + " already"});
  }
  if (!invalid.causes.empty()) return invalid;
  if (!uid) {
    int64_t id = kFirstId + static_cast<int64_t>(Hash(user.meta.name) % kIds);
    while (taken.contains(id)) ++id;
    uid = id;
  }
  if (!gid) gid = uid;
  return {};
}

// Nobody could let anybody in any more.
Expected<void> Admission::KeepAnAdmin(const v1::User& user, const v1::User& old_user) const {
  if (!options_.users_make_namespaces || !IsActiveAdmin(old_user) || IsActiveAdmin(user) ||
      user.meta.deletion_timestamp)
    return {};
  for (const EntryPtr& entry : cache_.List("User").entries) {
    const auto& other = static_cast<const v1::User&>(*entry->object);
    if (other.meta.name != user.meta.name && IsActiveAdmin(other)) return {};
  }
  return MakeError(
      Code::kForbidden, "Forbidden",
      Quote(user.meta.name) + " is the only admin who is enabled: make another one first");
}

}  // namespace zoe
