// What users do, as the API of one controller does it: decodes, fills defaults, admits by that
// controller's cache, and writes by compare-and-swap. Of apis/server it leaves out wires, rights,
// passwords and field ownership.
#pragma once

#include <memory>
#include <string>

#include "controller/cache/cache.h"
#include "controller/ports/clock.h"
#include "controller/ports/store.h"
#include "specs/codec/value.h"
#include "webhooks/admission/admission.h"

namespace zoe::sim_test {

class Api {
 public:
  // What was acknowledged.
  struct Done {
    Key key;
    std::string uid;
    std::shared_ptr<const ObjectBase> object;  // as it was written; null: deleted at once
    // False: it was so already, as far as this API saw. That is no more than a read.
    bool written = true;
  };

  Api(Store& store, const Cache& cache, const Clock& clock, AdmissionOptions admission)
      : store_(store), cache_(cache), clock_(clock), admission_(cache, std::move(admission)) {}

  // Creates the object, or replaces its labels, annotations, owners and spec.
  Expected<Done> Put(const codec::Value& document);
  // `finalizer`: set on it first, if not empty. kNotFound.
  Expected<Done> Remove(const Key& key, std::string_view finalizer);

 private:
  Expected<Done> Make(const v1::Kind& kind, const codec::Value& document);
  Expected<Done> Change(const v1::Kind& kind, const codec::Value& document, const Record& record);
  // With all that was written before it in the cache.
  Expected<Revision> Turn(const v1::Kind& kind, const std::string& ns);
  Expected<Revision> Write(const AdmissionRequest& request, const Key& key, Revision expected,
                           std::string bytes, Revision turn);

  Store& store_;
  const Cache& cache_;
  const Clock& clock_;
  const Admission admission_;
};

}  // namespace zoe::sim_test
