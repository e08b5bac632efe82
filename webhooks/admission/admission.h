// What stands between a request and the store: defaults that need other objects, validation across objects, templates. Deterministic and
// without I/O: reads the cache only.
#pragma once

#include <memory>
#include <string>

#include "controller/cache/cache.h"
#include "specs/meta/expected.h"
#include "specs/v1/execution.h"

namespace zoe {

struct AdmissionRequest {
  enum class Operation { kCreate, kUpdate } operation = Operation::kCreate;
  const v1::Kind* kind = nullptr;
  std::string user;                              // who asks
  std::shared_ptr<ObjectBase> object;            // changed in place
  std::shared_ptr<const ObjectBase> old_object;  // kUpdate
};

class Admission {
 public:
  Admission(const Cache& cache, std::string deployment) : cache_(cache), deployment_(std::move(deployment)) {}

  // kInvalid with causes, kForbidden. For an Execution: resolves applicationRef into spec.application (on create, and when applicationRef or
  // parameters change), checks parameters, renders every template, checks lengths of DNS and Swarm names.
  Expected<void> Admit(AdmissionRequest& request) const;

 private:
  Expected<void> AdmitExecution(AdmissionRequest& request) const;
  const Cache& cache_;
  const std::string deployment_;
};

}  // namespace zoe
