// What stands between a request and the store: defaults that need other objects, validation across
// objects, templates. Deterministic and without I/O: reads the cache only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "controller/cache/cache.h"
#include "specs/codec/value.h"
#include "specs/meta/expected.h"
#include "specs/v1/allow_list.h"
#include "specs/v1/execution.h"
#include "specs/v1/user.h"

namespace zoe {

// Who asks.
struct Caller {
  std::string name;
  std::string role{v1::kRoleAdmin};
};

struct AdmissionRequest {
  enum class Operation { kCreate, kUpdate } operation = Operation::kCreate;
  const v1::Kind* kind = nullptr;
  Caller caller;
  std::shared_ptr<ObjectBase> object;            // changed in place
  std::shared_ptr<const ObjectBase> old_object;  // kUpdate
  // Out, for a User: what its spec said, taken out of the object. To be stored as a Credential once
  // the object is.
  std::string password, password_hash;
  // Out: what clients are to tell their users.
  std::vector<std::string> warnings;
  // Out: it was admitted beside what else the cache shows in its namespace. To be written in the
  // turn that was read, and waited for in the cache, before (Store::WriteInTurn).
  bool in_turn = false;
};

struct AdmissionOptions {
  std::string deployment = "zoe";
  // True: only a User makes a namespace (and `catalog` is there anyway). False: its first object
  // does.
  bool users_make_namespaces = false;
  std::vector<v1::Allowance> host_paths, capabilities;
  int32_t guest_idle_seconds = 3600;  // at most
};

class Admission {
 public:
  Admission(const Cache& cache, AdmissionOptions options)
      : cache_(cache), options_(std::move(options)) {}

  // Before decoding, for an update (`old`) and a creation (nullptr): takes out of the document what
  // Admit will fill in anew, so that it is not held against the rest. For an Execution:
  // spec.application, if it comes from an applicationRef and that or parameters change.
  static void Prepare(const v1::Kind& kind, codec::Value& document, const ObjectBase* old_object);

  // kInvalid with causes, kForbidden, kNotFound (the namespace of a new object).
  //  - Execution: resolves applicationRef into spec.application (on create, and when applicationRef
  //    or parameters change), checks parameters, renders every template, checks lengths of DNS and
  //    Swarm names, what its containers may have (host paths, capabilities), what a guest may run
  //    and what the namespace's Quota leaves.
  //  - Quota: one for each role.
  //  - User: fills uid and gid, takes the password out, holds users who are no admins to what is
  //    theirs to change.
  //  - Workspace, Gateway: one per namespace, named as it.
  Expected<void> Admit(AdmissionRequest& request) const;
  // False: nothing of the kind in the namespace will be admitted in_turn.
  bool CountsOthers(const v1::Kind& kind, const std::string& ns, const Caller& caller) const;

 private:
  Expected<void> AdmitNamespace(const AdmissionRequest& request) const;
  Expected<void> AdmitExecution(AdmissionRequest& request) const;
  Expected<void> AdmitGuest(AdmissionRequest& request) const;
  Expected<void> AdmitUser(AdmissionRequest& request) const;
  Expected<void> AdmitQuota(const AdmissionRequest& request) const;
  Expected<void> CheckQuota(AdmissionRequest& request) const;
  void WarnOfQuota(const v1::User& user, std::vector<std::string>& warnings) const;
  Expected<void> FillIds(v1::User& user, const v1::User* old_user) const;
  Expected<void> KeepAnAdmin(const v1::User& user, const v1::User& old_user) const;
  Expected<v1::ApplicationSpec> Resolve(const v1::Execution& execution) const;
  Cause NotFound(const v1::ApplicationRef& ref, const std::string& ns) const;
  const Cache& cache_;
  const AdmissionOptions options_;
};

}  // namespace zoe
