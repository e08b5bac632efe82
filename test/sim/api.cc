#include "test/sim/api.h"

#include <algorithm>

#include "specs/v1/kinds.h"

namespace zoe::sim_test {
namespace {

constexpr int kAttempts = 6;

WallTime Seconds(WallTime time) { return std::chrono::floor<std::chrono::seconds>(time); }

}  // namespace

Expected<Api::Done> Api::Put(const codec::Value& document) {
  const v1::Kind* kind = v1::FindKind(document.StringAt("kind"));
  if (kind == nullptr) return MakeError(Code::kBadRequest, "no such kind");
  const Key key{std::string(kind->name), document.StringAt("metadata.namespace"),
                document.StringAt("metadata.name")};
  for (int attempt = 1;; ++attempt) {
    const auto record = store_.Get(key);
    if (!record.ok() && record.error().code != Code::kNotFound) return record.error();
    Expected<Done> done = record.ok() ? Change(*kind, document, *record) : Make(*kind, document);
    const bool again = !done.ok() && (done.error().code == Code::kConflict ||
                                      done.error().code == Code::kAlreadyExists);
    if (!again || attempt == kAttempts) return done;
  }
}

Expected<Api::Done> Api::Make(const v1::Kind& kind, const codec::Value& document) {
  codec::Value prepared = document;
  Admission::Prepare(kind, prepared, nullptr);
  ZOE_ASSIGN(const v1::DecodeResult decoded, v1::Decode(prepared));
  Meta& meta = decoded.object->meta;
  meta.uid = NewUid();
  meta.creation_timestamp = Seconds(clock_.WallNow());
  meta.deletion_timestamp.reset();
  meta.generation = 1;
  if (kind.has_status) kind.copy_status(*kind.make(), *decoded.object);
  ZOE_ASSIGN(const Revision turn, Turn(kind, meta.ns));
  AdmissionRequest request{.kind = &kind, .object = decoded.object};
  ZOE_TRY(admission_.Admit(request));
  const Key key{std::string(kind.name), meta.ns, meta.name};
  ZOE_TRY(Write(request, key, 0, v1::EncodeJson(kind, *decoded.object), turn));
  return Done{key, meta.uid, decoded.object};
}

Expected<Api::Done> Api::Change(const v1::Kind& kind, const codec::Value& document,
                                const Record& record) {
  ZOE_ASSIGN(const std::shared_ptr<ObjectBase> old, v1::DecodeStored(kind, record.bytes));
  codec::Value prepared = document;
  Admission::Prepare(kind, prepared, old.get());
  ZOE_ASSIGN(const v1::DecodeResult decoded, v1::Decode(prepared));
  ObjectBase& object = *decoded.object;
  Meta meta = old->meta;
  meta.labels = object.meta.labels;
  meta.annotations = object.meta.annotations;
  meta.owner_references = object.meta.owner_references;
  object.meta = meta;
  if (kind.has_status) kind.copy_status(*old, object);
  ZOE_ASSIGN(const Revision turn, Turn(kind, object.meta.ns));
  AdmissionRequest request{.operation = AdmissionRequest::Operation::kUpdate,
                           .kind = &kind,
                           .object = decoded.object,
                           .old_object = old};
  ZOE_TRY(admission_.Admit(request));
  if (!kind.spec_equal(*old, object)) ++object.meta.generation;
  std::string bytes = v1::EncodeJson(kind, object);
  const bool differs = bytes != record.bytes;
  if (differs) ZOE_TRY(Write(request, record.key, record.revision, std::move(bytes), turn));
  return Done{record.key, object.meta.uid, decoded.object, differs};
}

Expected<Revision> Api::Turn(const v1::Kind& kind, const std::string& ns) {
  if (!cache_.synced()) return MakeError(Code::kUnavailable, "the store has not been read yet");
  if (!admission_.CountsOthers(kind, ns, {})) return Revision{0};
  ZOE_ASSIGN(const Revision turn, store_.Turn({std::string(kind.name), ns, ""}));
  if (cache_.WaitFor(turn, Duration(0))) return turn;
  return MakeError(Code::kUnavailable, "what else is in the namespace is not known yet");
}

Expected<Revision> Api::Write(const AdmissionRequest& request, const Key& key, Revision expected,
                              std::string bytes, Revision turn) {
  if (request.in_turn) return store_.WriteInTurn(key, expected, std::move(bytes), turn);
  return expected == 0 ? store_.Create(key, std::move(bytes))
                       : store_.Replace(key, expected, std::move(bytes));
}

Expected<Api::Done> Api::Remove(const Key& key, std::string_view finalizer) {
  const v1::Kind& kind = *v1::FindKind(key.kind);
  for (int attempt = 1;; ++attempt) {
    ZOE_ASSIGN(const Record record, store_.Get(key));
    ZOE_ASSIGN(const std::shared_ptr<ObjectBase> object, v1::DecodeStored(kind, record.bytes));
    Meta& meta = object->meta;
    if (!finalizer.empty() &&
        std::ranges::find(meta.finalizers, finalizer) == meta.finalizers.end())
      meta.finalizers.emplace_back(finalizer);
    if (!meta.deletion_timestamp) {
      meta.deletion_timestamp = Seconds(clock_.WallNow());
      meta.deletion_grace_period_seconds = 0;
      ++meta.generation;
    }
    const bool stays = !meta.finalizers.empty();
    std::string bytes = v1::EncodeJson(kind, *object);
    Done done{key, meta.uid, stays ? object : nullptr};
    done.written = !stays || bytes != record.bytes;
    if (!done.written) return done;
    const auto written = stays ? store_.Replace(key, record.revision, std::move(bytes))
                               : store_.Delete(key, record.revision);
    if (written.ok()) return done;
    if (written.error().code != Code::kConflict || attempt == kAttempts) return written.error();
  }
}

}  // namespace zoe::sim_test
