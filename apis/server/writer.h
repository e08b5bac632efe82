// Every change that a user makes: read, change, admit, compare-and-swap. Knows nothing of HTTP.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "apis/server/credentials.h"
#include "apis/server/query.h"
#include "controller/cache/cache.h"
#include "controller/ports/clock.h"
#include "controller/ports/store.h"
#include "specs/codec/value.h"
#include "webhooks/admission/admission.h"

namespace zoe::server {

struct Written {
  bool created = false, removed = false;
  std::string name, uid;
  std::shared_ptr<const std::string> json;  // the object as it stands now; when removed, as it was
  std::vector<std::string> warnings;        // fieldValidation=Warn
};

struct Preconditions {
  std::string uid;
  Revision revision = 0;  // 0: any
};

// What becomes of the objects that a deleted one owns. kUnsaid: in the background, unless the
// object's finalizers say otherwise.
enum class Propagation { kUnsaid, kBackground, kForeground, kOrphan };

struct Deletion {
  Preconditions preconditions;
  Propagation propagation = Propagation::kUnsaid;
  bool dry_run = false;
};

// Which part of an object a request is about.
enum class Part { kObject, kStatus };

// Turns the stored object's document into the wanted one, in place. Called again with a newer one
// when another writer came first.
using Transform = std::function<Expected<void>(codec::Value& document)>;

inline constexpr int kAttempts = 6;  // of one write, while others come first

std::shared_ptr<const std::string> Encode(const v1::Kind& kind, const ObjectBase& object);
// As it stands in the store.
std::string EncodeWithoutRevision(const v1::Kind& kind, ObjectBase& object);

// Thread-safe; may block on the store. A change that changes nothing writes nothing. Errors:
// kNotFound, kAlreadyExists, kConflict, kInvalid with causes, kBadRequest, and the store's. A
// User's password goes to its Credential, after the User itself has been written.
class Writer {
 public:
  Writer(Store& store, const Cache& cache, const Admission& admission, Credentials& credentials,
         const Clock& clock)
      : store_(store),
        cache_(cache),
        admission_(admission),
        credentials_(credentials),
        clock_(clock) {}

  // `place`: kind and namespace of the request; the name, or generateName, comes from the document.
  Expected<Written> Create(const v1::Kind& kind, const Key& place, codec::Value document,
                           const WriteOptions& options, const Caller& caller);
  // PUT: `document` is the whole object.
  Expected<Written> Replace(const v1::Kind& kind, const Key& key, Part part, codec::Value document,
                            const WriteOptions& options, const Caller& caller);
  Expected<Written> Patch(const v1::Kind& kind, const Key& key, Part part,
                          const Transform& transform, const WriteOptions& options,
                          const Caller& caller);
  Expected<Written> Delete(const v1::Kind& kind, const Key& key, const Deletion& deletion);

 private:
  struct Current {
    Revision revision = 0;
    std::shared_ptr<ObjectBase> object;
  };
  struct Wanted {
    std::shared_ptr<ObjectBase> object;
    std::vector<std::string> warnings;
    bool pinned = false;                  // the request names a resourceVersion: no second try
    std::string password, password_hash;  // of a User
  };
  // What the object is to become, given what it is.
  using Change = std::function<Expected<Wanted>(const Current&)>;

  Expected<Current> Read(const v1::Kind& kind, const Key& key);
  Expected<Written> Update(const v1::Kind& kind, const Key& key, Part part, const Change& change,
                           const WriteOptions& options, const Caller& caller);
  Expected<Wanted> Decode(const v1::Kind& kind, const Key& key, codec::Value document,
                          const WriteOptions& options, const Current& current) const;
  Expected<void> Complete(const v1::Kind& kind, Part part, const Current& current, Wanted& wanted,
                          const WriteOptions& options, const Caller& caller) const;
  Expected<void> Admit(AdmissionRequest& request, const WriteOptions& options) const;
  // A guest's write waits for those of other guests: how many executions there are already must not
  // change between being counted and being written. kUnavailable.
  Expected<std::unique_lock<std::timed_mutex>> AwaitTurn(const Caller& caller);
  // The object stands already: what fails now leaves it without its new password.
  Expected<void> StorePassword(const ObjectBase& object, const std::string& password,
                               const std::string& password_hash, PasswordHashes hashed = {});
  std::shared_ptr<const std::string> Settle(const v1::Kind& kind, const Key& key, Revision revision,
                                            ObjectBase& object) const;

  Store& store_;
  const Cache& cache_;
  const Admission& admission_;
  Credentials& credentials_;
  const Clock& clock_;
  std::timed_mutex guests_;
};

}  // namespace zoe::server
