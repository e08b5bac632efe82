// Every change that a user makes: read, change, admit, compare-and-swap. Knows nothing of HTTP.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "apis/server/credentials.h"
#include "apis/server/ownership.h"
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
  std::vector<std::string> warnings;        // fieldValidation=Warn; effects of a dry run
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

// ServerDeps::effects.
using Effects =
    std::function<std::vector<std::string>(const ObjectBase* before, const ObjectBase& after)>;

inline constexpr int kAttempts = 6;  // of one write, while others come first

std::shared_ptr<const std::string> Encode(const v1::Kind& kind, const ObjectBase& object);
// As it stands in the store.
std::string EncodeWithoutRevision(const v1::Kind& kind, ObjectBase& object);
// The same as a document.
Expected<codec::Value> DocumentOf(const v1::Kind& kind, ObjectBase& object);
// Fills what the path says and the document may leave out; refuses what contradicts it. An empty
// name in `key` leaves the document's.
Expected<void> MatchPath(const v1::Kind& kind, const Key& key, codec::Value& document);

// Thread-safe; may block on the store. A change that changes nothing writes nothing. Errors:
// kNotFound, kAlreadyExists, kConflict, kInvalid with causes, kBadRequest, and the store's. A
// User's password goes to its Credential, after the User itself has been written. Who has changed
// which field is noted in metadata.managedFields (decision 0008).
class Writer {
 public:
  Writer(Store& store, const Cache& cache, const Admission& admission, Credentials& credentials,
         const Clock& clock, Effects effects = {})
      : store_(store),
        cache_(cache),
        admission_(admission),
        credentials_(credentials),
        clock_(clock),
        effects_(std::move(effects)) {}

  // `place`: kind and namespace of the request; the name, or generateName, comes from the document.
  Expected<Written> Create(const v1::Kind& kind, const Key& place, codec::Value document,
                           const WriteOptions& options, const Caller& caller);
  // PUT: `document` is the whole object.
  Expected<Written> Replace(const v1::Kind& kind, const Key& key, Part part, codec::Value document,
                            const WriteOptions& options, const Caller& caller);
  Expected<Written> Patch(const v1::Kind& kind, const Key& key, Part part,
                          const Transform& transform, const WriteOptions& options,
                          const Caller& caller);
  // Server-side apply: `document` holds the fields that options.field_manager wants, and all of
  // them. Creates the object if it isn't there and `may_create` agrees. kConflict with causes:
  // other managers want other values, and options.force isn't set.
  Expected<Written> Apply(const v1::Kind& kind, const Key& key, Part part, codec::Value document,
                          const WriteOptions& options, const Caller& caller,
                          const std::function<Expected<void>()>& may_create);
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
    bool in_turn = false;                 // AdmissionRequest::in_turn
    // Of an apply: the fields that it names, and whose all were before.
    std::optional<schema::FieldSet> applied;
    Ownership ownership;
    bool synced = false;  // kubectl's annotation of the last apply was brought up to date
  };
  // What the object is to become, given what it is.
  using Change = std::function<Expected<Wanted>(const Current&)>;

  Expected<Current> Read(const v1::Kind& kind, const Key& key);
  Expected<Written> Make(const v1::Kind& kind, const Key& place, codec::Value document,
                         const WriteOptions& options, const Caller& caller, bool applies);
  // Lays an applied document over what stands.
  Expected<Wanted> Overlay(const v1::Kind& kind, const Key& key, Part part, const Current& current,
                           const codec::Value& applied, const WriteOptions& options) const;
  // Notes in `wanted`, as it will be stored, who has changed what. `asked`: the fields of what was
  // asked for, before admission.
  Expected<void> Track(const v1::Kind& kind, Part part, const Current& current, Wanted& wanted,
                       const schema::FieldSet& asked, const WriteOptions& options) const;
  Expected<Written> Update(const v1::Kind& kind, const Key& key, Part part, const Change& change,
                           const WriteOptions& options, const Caller& caller);
  Expected<Wanted> Decode(const v1::Kind& kind, const Key& key, codec::Value document,
                          const WriteOptions& options, const Current& current) const;
  Expected<void> Complete(const v1::Kind& kind, Part part, const Current& current, Wanted& wanted,
                          const WriteOptions& options, const Caller& caller) const;
  Expected<void> Admit(AdmissionRequest& request, const WriteOptions& options) const;
  // For a write that may be admitted beside what else stands in its namespace: what that is must
  // not change between being counted and being written. Others of this process wait.
  struct Turn {
    Key place;
    std::unique_lock<std::timed_mutex> lock;  // empty: it counts on nothing
    Revision revision = 0;
    SteadyTime until{};
  };
  // kUnavailable.
  Expected<Turn> AwaitTurn(const v1::Kind& kind, const std::string& ns, const WriteOptions& options,
                           const Caller& caller);
  // Before each attempt: the turn as it is now, with all that was written before it in the cache.
  Expected<void> ReadTurn(Turn& turn);
  // Create (`expected` 0) or Replace. nullopt: the turn was taken, by another process.
  std::optional<Expected<Revision>> Put(const Turn& turn, bool in_turn, const Key& key,
                                        Revision expected, std::string bytes);
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
  const Effects effects_;
  std::array<std::timed_mutex, 64> turns_;  // by namespace; several may share one
};

}  // namespace zoe::server
