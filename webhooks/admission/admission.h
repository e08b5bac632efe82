// What stands between a request and the store: defaults that need other objects, validation across
// objects, templates. Deterministic and without I/O: reads the cache only.
#pragma once

#include <memory>
#include <string>

#include "controller/cache/cache.h"
#include "specs/codec/value.h"
#include "specs/meta/expected.h"
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
};

class Admission {
 public:
  Admission(const Cache& cache, std::string deployment)
      : cache_(cache), deployment_(std::move(deployment)) {}

  // Before decoding, for an update (`old`) and a creation (nullptr): takes out of the document what
  // Admit will fill in anew, so that it is not held against the rest. For an Execution:
  // spec.application, if it comes from an applicationRef and that or parameters change.
  static void Prepare(const v1::Kind& kind, codec::Value& document, const ObjectBase* old_object);

  // kInvalid with causes, kForbidden. For an Execution: resolves applicationRef into
  // spec.application (on create, and when applicationRef or parameters change), checks parameters,
  // renders every template, checks lengths of DNS and Swarm names.
  Expected<void> Admit(AdmissionRequest& request) const;

 private:
  Expected<void> AdmitExecution(AdmissionRequest& request) const;
  Expected<v1::ApplicationSpec> Resolve(const v1::Execution& execution) const;
  Cause NotFound(const v1::ApplicationRef& ref, const std::string& ns) const;
  const Cache& cache_;
  const std::string deployment_;
};

}  // namespace zoe
