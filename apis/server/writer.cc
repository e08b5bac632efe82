#include "apis/server/writer.h"

#include <algorithm>
#include <random>

#include "apis/server/status.h"
#include "controller/crypto/crypto.h"

namespace zoe::server {
namespace {

using codec::Value;
using schema::FieldSet;

constexpr size_t kSuffix = 5;
constexpr Duration kReadOwnWrite{2'000}, kTurn{5'000};
// Of a record: the rest is for the status, and for what deletion writes.
constexpr size_t kMaxWithoutStatus = kMaxRecordBytes - 64 * 1024;

// Kubernetes' alphabet: no vowels, so no words.
std::string RandomSuffix() {
  static constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  thread_local std::mt19937_64 random{std::random_device{}()};
  std::string suffix;
  for (size_t i = 0; i < kSuffix; ++i)
    suffix += kAlphabet[std::uniform_int_distribution<size_t>(0, kAlphabet.size() - 1)(random)];
  return suffix;
}

Error BadRequest(std::string message) { return MakeError(Code::kBadRequest, std::move(message)); }

bool Contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// Other errors quote what they found; a password must not come back, nor stand in a log of a
// client.
Expected<v1::DecodeResult> DecodeQuietly(const Value& document, v1::Strictness strictness) {
  auto decoded = v1::Decode(document, strictness);
  if (decoded.ok()) return decoded;
  Error error = std::move(decoded).error();
  for (Cause& cause : error.causes) {
    if (cause.field.starts_with("spec.passwordHash")) {
      cause.message = "must be an Argon2id hash: $argon2id$v=19$m=...,t=...,p=...$SALT$HASH";
    } else if (cause.field.starts_with("spec.password")) {
      cause.message = "must be a string of 8 to 1024 bytes";
    }
  }
  return error;
}

// Kubernetes' rule: who is going may lose finalizers, not gain them.
Expected<void> CheckFinalizers(const ObjectBase& before, const ObjectBase& after) {
  if (!before.meta.deletion_timestamp) return {};
  for (const std::string& finalizer : after.meta.finalizers) {
    if (Contains(before.meta.finalizers, finalizer)) continue;
    Error error =
        MakeError(Code::kInvalid, "finalizers can't be added to an object that is being deleted");
    error.causes = {
        {.field = "metadata.finalizers",
         .reason = "FieldValueForbidden",
         .message = "\"" + finalizer + "\" can't be added: the object is being deleted"}};
    return error;
  }
  return {};
}

// What is too large already may get smaller.
Expected<void> CheckSize(const v1::Kind& kind, const ObjectBase& object, size_t bytes,
                         size_t bytes_before) {
  if (bytes <= kMaxWithoutStatus || bytes <= bytes_before) return {};
  const auto bare = kind.clone(object);
  if (kind.has_status) kind.copy_status(*kind.make(), *bare);
  const size_t size = EncodeWithoutRevision(kind, *bare).size();
  if (size <= kMaxWithoutStatus) return {};
  return MakeError(Code::kTooLarge, std::string(kind.name) + " \"" + object.meta.name +
                                        "\" takes " + std::to_string(size) +
                                        " bytes without its status; at most " +
                                        std::to_string(kMaxWithoutStatus) + " are kept");
}

Error TooManyWrites(const std::string& ns) {
  return MakeError(Code::kUnavailable,
                   "too much is written in namespace \"" + ns + "\" at the same time: try again");
}

}  // namespace

std::shared_ptr<const std::string> Encode(const v1::Kind& kind, const ObjectBase& object) {
  return std::make_shared<std::string>(v1::EncodeJson(kind, object));
}

std::string EncodeWithoutRevision(const v1::Kind& kind, ObjectBase& object) {
  const Revision revision = std::exchange(object.meta.resource_version, 0);
  std::string bytes = v1::EncodeJson(kind, object);
  object.meta.resource_version = revision;
  return bytes;
}

Expected<Value> DocumentOf(const v1::Kind& kind, ObjectBase& object) {
  const std::string bytes = EncodeWithoutRevision(kind, object);
  return codec::ParseJson(bytes, {.bytes = bytes.size(), .nodes = bytes.size()});
}

Expected<void> MatchPath(const v1::Kind& kind, const Key& key, Value& document) {
  if (!document.is_object())
    return BadRequest("the body must be one " + std::string(kind.name) +
                      ", as a JSON or YAML object");
  if (document.Find("apiVersion") == nullptr)
    document.Set("apiVersion", std::string(v1::kApiVersion));
  if (document.Find("kind") == nullptr) document.Set("kind", std::string(kind.name));
  const std::string given_kind = document.StringAt("kind");
  if (given_kind != kind.name) {
    return BadRequest("the body's kind is \"" + given_kind + "\", the path is for " +
                      std::string(kind.plural));
  }
  Value* metadata = document.Find("metadata");
  if (metadata == nullptr || metadata->is_null()) {
    document.Set("metadata", codec::Object{});
    metadata = document.Find("metadata");
  }
  if (!metadata->is_object()) return {};  // decoding says what is wrong
  const auto match = [&](const char* field, const std::string& path) -> Expected<void> {
    if (path.empty()) return {};
    const Value* value = metadata->Find(field);
    if (value == nullptr || value->is_null() ||
        (value->is_string() && value->as_string().empty())) {
      metadata->Set(field, path);
    } else if (!value->is_string() || value->as_string() != path) {
      return BadRequest("metadata." + std::string(field) + " is \"" + value->ScalarText() +
                        "\", the path says \"" + path + "\"");
    }
    return {};
  };
  ZOE_TRY(match("namespace", key.ns));
  return match("name", key.name);
}

Expected<Writer::Current> Writer::Read(const v1::Kind& kind, const Key& key) {
  auto record = store_.Get(key);
  if (!record.ok()) {
    if (record.error().code == Code::kNotFound) return NotFound(key);
    return record.error();
  }
  ZOE_ASSIGN(std::shared_ptr<ObjectBase> object, v1::DecodeStored(kind, record->bytes));
  object->meta.resource_version = record->revision;
  return Current{record->revision, std::move(object)};
}

// The bytes to answer with after a write. Waits for the cache, so that who reads next reads this
// write.
std::shared_ptr<const std::string> Writer::Settle(const v1::Kind& kind, const Key& key,
                                                  Revision revision, ObjectBase& object) const {
  cache_.WaitFor(revision, kReadOwnWrite);
  const EntryPtr entry = cache_.Get(key);
  if (entry && entry->revision == revision) return {entry, &entry->json};
  object.meta.resource_version = revision;
  return Encode(kind, object);
}

Expected<void> Writer::Admit(AdmissionRequest& request, const WriteOptions& options) const {
  ZOE_TRY(admission_.Admit(request));
  if (request.password.empty() && request.password_hash.empty()) return {};
  if (!options.may_set_password) {
    return MakeError(Code::kForbidden,
                     "a token or a session alone doesn't change the password: log in by HTTP "
                     "Basic, or PUT it to the subresource password with currentPassword");
  }
  if (!request.password.empty()) ZOE_TRY(CheckPassword(request.password, "spec.password"));
  if (request.password_hash.empty()) return {};
  const auto checked = crypto::CheckHash(request.password_hash);
  if (checked.ok()) return {};
  Error error = MakeError(Code::kInvalid, checked.error().message);
  error.causes = {{.field = "spec.passwordHash",
                   .reason = "FieldValueInvalid",
                   .message = checked.error().message}};
  return error;
}

Expected<Writer::Turn> Writer::AwaitTurn(const v1::Kind& kind, const std::string& ns,
                                         const WriteOptions& options, const Caller& caller) {
  Turn turn{.place = {std::string(kind.name), ns, ""}};
  if (options.dry_run || !admission_.CountsOthers(kind, ns, caller)) return turn;
  turn.lock =
      std::unique_lock(turns_[std::hash<std::string>()(ns) % turns_.size()], std::defer_lock);
  turn.until = std::chrono::steady_clock::now() + kTurn;
  if (!turn.lock.try_lock_until(turn.until)) return TooManyWrites(ns);
  return turn;
}

Expected<void> Writer::ReadTurn(Turn& turn) {
  if (!turn.lock) return {};
  if (std::chrono::steady_clock::now() >= turn.until) return TooManyWrites(turn.place.ns);
  ZOE_ASSIGN(turn.revision, store_.Turn(turn.place));
  if (cache_.WaitFor(turn.revision, kReadOwnWrite)) return {};
  return MakeError(Code::kUnavailable, "what else is in namespace \"" + turn.place.ns +
                                           "\" is not known yet: try again");
}

std::optional<Expected<Revision>> Writer::Put(const Turn& turn, bool in_turn, const Key& key,
                                              Revision expected, std::string bytes) {
  if (!turn.lock || !in_turn)
    return expected == 0 ? store_.Create(key, std::move(bytes))
                         : store_.Replace(key, expected, std::move(bytes));
  auto revision = store_.WriteInTurn(key, expected, std::move(bytes), turn.revision);
  const bool taken = !revision.ok() && revision.error().reason == "TurnTaken";
  return taken ? std::nullopt : std::optional(std::move(revision));
}

Expected<void> Writer::StorePassword(const ObjectBase& object, const std::string& password,
                                     const std::string& password_hash, PasswordHashes hashed) {
  if (password.empty() && password_hash.empty()) return {};
  const auto& user = static_cast<const v1::User&>(object);
  auto stored = password.empty() ? credentials_.SetPasswordHash(user, password_hash)
                                 : credentials_.SetPassword(user, password, std::move(hashed));
  if (stored.ok()) return {};
  Error error = std::move(stored).error();
  error.message = "user \"" + user.meta.name +
                  "\" stands as written, but without its new password: " + error.message;
  return error;
}

Expected<Written> Writer::Create(const v1::Kind& kind, const Key& place, Value document,
                                 const WriteOptions& options, const Caller& caller) {
  return Make(kind, place, std::move(document), options, caller, false);
}

Expected<Written> Writer::Make(const v1::Kind& kind, const Key& place, Value document,
                               const WriteOptions& options, const Caller& caller, bool applies) {
  ZOE_TRY(MatchPath(kind, place, document));
  ZOE_ASSIGN(Turn turn, AwaitTurn(kind, document.StringAt("metadata.namespace"), options, caller));
  Admission::Prepare(kind, document, nullptr);
  const std::string generate = document.StringAt("metadata.generateName");
  const bool generated = !generate.empty() && document.StringAt("metadata.name").empty();
  for (int attempt = 1;; ++attempt) {
    if (generated)
      document.Find("metadata")->Set("name", generate.substr(0, 63 - kSuffix) + RandomSuffix());
    ZOE_TRY(ReadTurn(turn));
    ZOE_ASSIGN(v1::DecodeResult decoded, DecodeQuietly(document, options.strictness));
    ObjectBase& object = *decoded.object;
    if (object.meta.resource_version != 0)
      return BadRequest("metadata.resourceVersion must not be set on objects to be created");
    object.meta.uid = NewUid();
    object.meta.creation_timestamp = std::chrono::floor<std::chrono::seconds>(clock_.WallNow());
    object.meta.deletion_timestamp.reset();
    object.meta.deletion_grace_period_seconds.reset();
    object.meta.generation = 1;
    if (kind.has_status) kind.copy_status(*kind.make(), object);
    object.meta.managed_fields.clear();
    // Who applies owns what it says, who creates otherwise its defaults as well.
    FieldSet owned = schema::FieldsOf(*kind.type, document);
    if (!applies) {
      ZOE_ASSIGN(const Value asked, DocumentOf(kind, object));
      owned = schema::FieldsOf(*kind.type, asked);
    }
    KeepOwnable(owned, false);
    AdmissionRequest request{AdmissionRequest::Operation::kCreate, &kind, caller, decoded.object,
                             nullptr};
    ZOE_TRY(Admit(request, options));
    Ownership ownership;
    ownership.Settle({options.field_manager, applies, options.subresource}, owned, {},
                     clock_.WallNow());
    ZOE_ASSIGN(object.meta.managed_fields, ownership.Write());
    const Key key{std::string(kind.name), object.meta.ns, object.meta.name};
    Written written{
        true, false, object.meta.name, object.meta.uid, nullptr, std::move(decoded.warnings)};
    std::ranges::copy(request.warnings, back_inserter(written.warnings));
    std::string bytes = EncodeWithoutRevision(kind, object);
    ZOE_TRY(CheckSize(kind, object, bytes.size(), 0));
    if (options.dry_run) {
      if (cache_.Get(key)) return AlreadyExists(key);
      if (effects_) std::ranges::copy(effects_(nullptr, object), back_inserter(written.warnings));
      written.json = Encode(kind, object);
      return written;
    }
    // Before the object stands: its reconcilers begin at once, and the gateway is made anew for
    // each change of its accounts.
    PasswordHashes hashed;
    if (!request.password.empty()) {
      ZOE_ASSIGN(hashed, credentials_.HashPassword(request.password));
    }
    const auto put = Put(turn, request.in_turn, key, 0, std::move(bytes));
    if (!put) continue;
    const Expected<Revision>& revision = *put;
    if (revision.ok()) {
      ZOE_TRY(StorePassword(object, request.password, request.password_hash, std::move(hashed)));
      written.json = Settle(kind, key, *revision, object);
      return written;
    }
    if (revision.error().code != Code::kAlreadyExists) return revision.error();
    if (!generated || attempt >= kAttempts) return AlreadyExists(key);
  }
}

Expected<Writer::Wanted> Writer::Decode(const v1::Kind& kind, const Key& key, Value document,
                                        const WriteOptions& options, const Current& current) const {
  ZOE_TRY(MatchPath(kind, key, document));
  Admission::Prepare(kind, document, current.object.get());
  ZOE_ASSIGN(v1::DecodeResult decoded, DecodeQuietly(document, options.strictness));
  const Meta& meta = decoded.object->meta;
  if (meta.resource_version != 0 && meta.resource_version != current.revision) return Conflict(key);
  if (!meta.uid.empty() && meta.uid != current.object->meta.uid) {
    return MakeError(Code::kConflict, Conflict(key).message + " (metadata.uid is \"" + meta.uid +
                                          "\", the object's is \"" + current.object->meta.uid +
                                          "\")");
  }
  return Wanted{std::move(decoded.object), std::move(decoded.warnings), meta.resource_version != 0};
}

Expected<Written> Writer::Replace(const v1::Kind& kind, const Key& key, Part part, Value document,
                                  const WriteOptions& options, const Caller& caller) {
  return Update(
      kind, key, part,
      [&](const Current& current) { return Decode(kind, key, document, options, current); },
      options, caller);
}

Expected<Written> Writer::Patch(const v1::Kind& kind, const Key& key, Part part,
                                const Transform& transform, const WriteOptions& options,
                                const Caller& caller) {
  const auto change = [&](const Current& current) -> Expected<Wanted> {
    ZOE_ASSIGN(Value document, DocumentOf(kind, *current.object));
    const std::string revision = std::to_string(current.revision);
    document.Find("metadata")->Set("resourceVersion", revision);
    ZOE_TRY(transform(document));
    // What is still the stored one pins nothing: if the patch sets it, and another write comes
    // first, it will be another one.
    Value* metadata = document.Find("metadata");
    if (metadata != nullptr && metadata->StringAt("resourceVersion") == revision)
      metadata->Remove("resourceVersion");
    return Decode(kind, key, std::move(document), options, current);
  };
  return Update(kind, key, part, change, options, caller);
}

// Makes `wanted` what is to be stored: what users can't change is as it was, admission has had its
// say.
Expected<void> Writer::Complete(const v1::Kind& kind, Part part, const Current& current,
                                Wanted& wanted, const WriteOptions& options,
                                const Caller& caller) const {
  if (part == Part::kStatus) {
    const auto object = kind.clone(*current.object);
    kind.copy_status(*wanted.object, *object);
    wanted.object = object;
    return {};
  }
  ObjectBase& object = *wanted.object;
  const Meta& old = current.object->meta;
  object.meta.uid = old.uid;
  object.meta.generate_name = old.generate_name;
  object.meta.creation_timestamp = old.creation_timestamp;
  object.meta.deletion_timestamp = old.deletion_timestamp;
  object.meta.deletion_grace_period_seconds = old.deletion_grace_period_seconds;
  object.meta.resource_version = old.resource_version;
  object.meta.generation = old.generation;
  if (kind.has_status) kind.copy_status(*current.object, object);
  ZOE_TRY(CheckFinalizers(*current.object, object));
  AdmissionRequest request{AdmissionRequest::Operation::kUpdate, &kind, caller, wanted.object,
                           current.object};
  ZOE_TRY(Admit(request, options));
  wanted.password = std::move(request.password);
  wanted.password_hash = std::move(request.password_hash);
  wanted.in_turn = request.in_turn;
  std::ranges::copy(request.warnings, back_inserter(wanted.warnings));
  if (!kind.spec_equal(*current.object, object)) ++object.meta.generation;
  return {};
}

Expected<Written> Writer::Update(const v1::Kind& kind, const Key& key, Part part,
                                 const Change& change, const WriteOptions& options,
                                 const Caller& caller) {
  Turn turn;
  if (part == Part::kObject) {
    ZOE_ASSIGN(turn, AwaitTurn(kind, key.ns, options, caller));
  }
  for (int attempt = 1;; ++attempt) {
    ZOE_TRY(ReadTurn(turn));
    ZOE_ASSIGN(const Current current, Read(kind, key));
    ZOE_ASSIGN(Wanted wanted, change(current));
    ZOE_ASSIGN(const Value asked, DocumentOf(kind, *wanted.object));
    ZOE_TRY(Complete(kind, part, current, wanted, options, caller));
    ZOE_TRY(Track(kind, part, current, wanted, schema::FieldsOf(*kind.type, asked), options));
    ObjectBase& object = *wanted.object;
    Written written{false,           false,   object.meta.name,
                    object.meta.uid, nullptr, std::move(wanted.warnings)};
    std::string bytes = EncodeWithoutRevision(kind, object);
    const std::string before = EncodeWithoutRevision(kind, *current.object);
    if (part == Part::kObject) ZOE_TRY(CheckSize(kind, object, bytes.size(), before.size()));
    if (options.dry_run || bytes == before) {
      if (options.dry_run && effects_ && part == Part::kObject)
        std::ranges::copy(effects_(current.object.get(), object), back_inserter(written.warnings));
      written.json = Encode(kind, object);
      if (!options.dry_run) ZOE_TRY(StorePassword(object, wanted.password, wanted.password_hash));
      return written;
    }
    // The last finalizer has gone from an object that was waiting for just that.
    written.removed = object.meta.deletion_timestamp.has_value() && object.meta.finalizers.empty();
    const auto put = written.removed
                         ? std::optional(store_.Delete(key, current.revision))
                         : Put(turn, wanted.in_turn, key, current.revision, std::move(bytes));
    if (!put) continue;
    const Expected<Revision>& revision = *put;
    if (revision.ok()) {
      written.json = Settle(kind, key, *revision, object);
      if (!written.removed) ZOE_TRY(StorePassword(object, wanted.password, wanted.password_hash));
      return written;
    }
    if (revision.error().code == Code::kNotFound) return NotFound(key);
    if (revision.error().code != Code::kConflict) return revision.error();
    if (wanted.pinned || attempt >= kAttempts) return Conflict(key);
  }
}

}  // namespace zoe::server
