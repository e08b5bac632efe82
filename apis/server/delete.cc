#include "apis/server/api.h"
#include "apis/server/documents.h"
#include "apis/server/status.h"

namespace zoe::server {
namespace {

using codec::Value;

struct DeleteOptions {
  Preconditions preconditions;
  bool dry_run = false;
};

// DeleteOptions come in the body, in the query, or not at all.
Expected<DeleteOptions> ParseDeleteOptions(const Exchange& exchange) {
  DeleteOptions options;
  ZOE_ASSIGN(const WriteOptions query, ParseWriteOptions(exchange.query));
  options.dry_run = query.dry_run;
  if (exchange.request.body.find_first_not_of(" \t\r\n") == std::string::npos) return options;
  ZOE_ASSIGN(const Value body, ParseBody(exchange.request.body, Syntax::kEither));
  if (body.is_null()) return options;
  if (!body.is_object())
    return MakeError(Code::kBadRequest, "the body of a DELETE is a DeleteOptions object, or empty");
  const std::string kind = body.StringAt("kind");
  if (!kind.empty() && kind != "DeleteOptions")
    return MakeError(Code::kBadRequest,
                     "the body of a DELETE is a DeleteOptions object, not " + kind);
  options.preconditions.uid = body.StringAt("preconditions.uid");
  const std::string revision = body.StringAt("preconditions.resourceVersion");
  if (!revision.empty()) {
    ZOE_ASSIGN(const Query number, Query::Parse("resourceVersion=" + revision));
    ZOE_ASSIGN(options.preconditions.revision, number.Int("resourceVersion", 0));
  }
  if (const Value* dry_run = body.Find("dryRun"); dry_run != nullptr && !dry_run->is_null()) {
    if (!dry_run->is_array() || dry_run->as_array().size() > 1 ||
        (dry_run->as_array().size() == 1 && !(dry_run->as_array()[0] == Value("All")))) {
      return MakeError(Code::kBadRequest, "dryRun is [All], or empty");
    }
    options.dry_run = options.dry_run || !dry_run->as_array().empty();
  }
  return options;
}

}  // namespace

Expected<Written> Writer::Delete(const v1::Kind& kind, const Key& key,
                                 const Preconditions& preconditions, bool dry_run) {
  for (int attempt = 1;; ++attempt) {
    ZOE_ASSIGN(const Current current, Read(kind, key));
    ObjectBase& object = *current.object;
    if ((!preconditions.uid.empty() && preconditions.uid != object.meta.uid) ||
        (preconditions.revision != 0 && preconditions.revision != current.revision)) {
      return MakeError(Code::kConflict,
                       Conflict(key).message + " (the preconditions of the deletion are not met)");
    }
    Written written{
        false, object.meta.finalizers.empty(), object.meta.name, object.meta.uid, nullptr, {}};
    const bool going = !written.removed && object.meta.deletion_timestamp.has_value();
    if (!written.removed && !going) {
      object.meta.deletion_timestamp = std::chrono::floor<std::chrono::seconds>(clock_.WallNow());
      object.meta.deletion_grace_period_seconds = 0;
    }
    if (dry_run || going) {
      written.json = Encode(kind, object);
      return written;
    }
    const auto revision = written.removed ? store_.Delete(key, current.revision)
                                          : store_.Replace(key, current.revision,
                                                           EncodeWithoutRevision(kind, object));
    if (revision.ok()) {
      written.json = Settle(kind, key, *revision, object);
      return written;
    }
    if (revision.error().code == Code::kNotFound) return NotFound(key);
    if (revision.error().code != Code::kConflict) return revision.error();
    if (preconditions.revision != 0 || attempt == kAttempts) return Conflict(key);
  }
}

Expected<Response> Api::Delete(const Exchange& exchange) {
  const Route& route = exchange.route;
  if (route.name.empty()) return DeleteCollection(exchange);
  ZOE_ASSIGN(const DeleteOptions options, ParseDeleteOptions(exchange));
  ZOE_ASSIGN(const Written written,
             writer_.Delete(*route.kind, route.key(), options.preconditions, options.dry_run));
  if (written.removed) return DeletedResponse(route, written.uid);
  return WrittenResponse(written);
}

Expected<Response> Api::DeleteCollection(const Exchange& exchange) {
  const Route& route = exchange.route;
  ZOE_ASSIGN(const ListOptions list, ParseListOptions(exchange.query, *route.kind, route.ns));
  ZOE_ASSIGN(const DeleteOptions options, ParseDeleteOptions(exchange));
  for (const EntryPtr& entry : deps_.cache.List(route.kind->name, route.ns).entries) {
    if (!list.selection.Matches(*entry)) continue;
    // By one name it would be forbidden.
    if (auth_.enabled() && entry->key == Key{"User", "", exchange.user.name}) continue;
    // Bound to what was selected: an object of the same name that was made meanwhile stays.
    const auto deleted =
        writer_.Delete(*route.kind, entry->key, {.uid = entry->object->meta.uid}, options.dry_run);
    if (deleted.ok() || deleted.error().code == Code::kNotFound ||
        deleted.error().code == Code::kConflict)
      continue;
    return deleted.error();
  }
  return DeletedResponse(route, "");
}

}  // namespace zoe::server
