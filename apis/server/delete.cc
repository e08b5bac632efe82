#include "apis/server/api.h"
#include "apis/server/documents.h"
#include "apis/server/status.h"
#include "specs/meta/finalizers.h"

namespace zoe::server {
namespace {

using codec::Value;

struct DeleteOptions {
  Deletion deletion;
  // Asked for in the old way (orphanDependents: false): what is not deleted at once is answered
  // with 202.
  bool accepts = false;
};

Expected<Propagation> ParsePropagation(const std::string& name) {
  if (name.empty()) return Propagation::kUnsaid;
  if (name == "Background") return Propagation::kBackground;
  if (name == "Foreground") return Propagation::kForeground;
  if (name == "Orphan") return Propagation::kOrphan;
  return InvalidOption(
      "DeleteOptions", "propagationPolicy", "FieldValueNotSupported",
      "\"" + name + "\": supported values: \"Foreground\", \"Background\", \"Orphan\"");
}

Expected<void> SetPropagation(const std::string& policy, std::optional<bool> orphans,
                              DeleteOptions& options) {
  if (!policy.empty() && orphans)
    return InvalidOption(
        "DeleteOptions", "propagationPolicy", "FieldValueInvalid",
        "\"" + policy + "\": orphanDependents and deletionPropagation cannot be both set");
  ZOE_ASSIGN(const Propagation named, ParsePropagation(policy));
  if (named != Propagation::kUnsaid) options.deletion.propagation = named;
  if (orphans)
    options.deletion.propagation = *orphans ? Propagation::kOrphan : Propagation::kBackground;
  options.accepts = orphans.has_value() && !*orphans;
  return {};
}

Error BadOptions(std::string message) { return MakeError(Code::kBadRequest, std::move(message)); }

Expected<void> ParseQueryOptions(const Query& query, DeleteOptions& options) {
  ZOE_ASSIGN(const WriteOptions write, ParseWriteOptions(query));
  options.deletion.dry_run = write.dry_run;
  ZOE_TRY(query.Int("gracePeriodSeconds", 0));
  std::optional<bool> orphans;
  if (!query.Get("orphanDependents").empty()) {
    ZOE_ASSIGN(orphans, query.Bool("orphanDependents", false));
  }
  return SetPropagation(std::string(query.Get("propagationPolicy")), orphans, options);
}

Expected<void> ParsePreconditions(const Value& body, Preconditions& preconditions) {
  const Value* given = body.Find("preconditions");
  if (given == nullptr || given->is_null()) return {};
  if (!given->is_object()) return BadOptions("preconditions is an object: {uid, resourceVersion}");
  for (const char* field : {"uid", "resourceVersion"}) {
    const Value* value = given->Find(field);
    if (value != nullptr && !value->is_null() && !value->is_string())
      return BadOptions(std::string("preconditions.") + field + " is a string");
  }
  preconditions.uid = given->StringAt("uid");
  const std::string revision = given->StringAt("resourceVersion");
  if (revision.empty()) return {};
  ZOE_ASSIGN(const Query number, Query::Parse("resourceVersion=" + revision));
  ZOE_ASSIGN(preconditions.revision, number.Int("resourceVersion", 0));
  return {};
}

Expected<bool> ParseDryRun(const Value& body) {
  const Value* given = body.Find("dryRun");
  if (given == nullptr || given->is_null()) return false;
  if (!given->is_array() || given->as_array().size() > 1 ||
      (given->as_array().size() == 1 && !(given->as_array()[0] == Value("All"))))
    return BadOptions("dryRun is [All], or empty");
  return !given->as_array().empty();
}

// How long containers get to end is what their services say (stopGracePeriodSeconds).
Expected<void> CheckGracePeriod(const Value& body) {
  const Value* given = body.Find("gracePeriodSeconds");
  if (given == nullptr || given->is_null() || given->kind() == Value::Kind::kInt) return {};
  return BadOptions("gracePeriodSeconds is a whole number");
}

Expected<void> ParseBodyOptions(const Value& body, DeleteOptions& options) {
  if (!body.is_object())
    return BadOptions("the body of a DELETE is a DeleteOptions object, or empty");
  const std::string kind = body.StringAt("kind");
  if (!kind.empty() && kind != "DeleteOptions")
    return BadOptions("the body of a DELETE is a DeleteOptions object, not " + kind);
  ZOE_TRY(ParsePreconditions(body, options.deletion.preconditions));
  ZOE_ASSIGN(const bool dry_run, ParseDryRun(body));
  options.deletion.dry_run = options.deletion.dry_run || dry_run;
  ZOE_TRY(CheckGracePeriod(body));
  std::optional<bool> orphans;
  if (const Value* old = body.Find("orphanDependents"); old != nullptr && !old->is_null()) {
    if (old->kind() != Value::Kind::kBool) return BadOptions("orphanDependents is true or false");
    orphans = old->as_bool();
  }
  return SetPropagation(body.StringAt("propagationPolicy"), orphans, options);
}

// DeleteOptions come in the body, in the query, or not at all.
Expected<DeleteOptions> ParseDeleteOptions(const Exchange& exchange) {
  DeleteOptions options;
  ZOE_TRY(ParseQueryOptions(exchange.query, options));
  if (exchange.request.body.find_first_not_of(" \t\r\n") == std::string::npos) return options;
  ZOE_ASSIGN(const Value body, ParseBody(exchange.request.body, Syntax::kEither));
  if (!body.is_null()) ZOE_TRY(ParseBodyOptions(body, options));
  return options;
}

Expected<void> CheckPreconditions(const Key& key, const Preconditions& wanted, const Meta& meta,
                                  Revision revision) {
  if (!wanted.uid.empty() && wanted.uid != meta.uid)
    return Conflict(key, "the UID in the precondition (" + wanted.uid +
                             ") does not match the UID in record (" + meta.uid +
                             "). The object might have been deleted and then recreated");
  if (wanted.revision != 0 && wanted.revision != revision)
    return Conflict(key, "the ResourceVersion in the precondition (" +
                             std::to_string(wanted.revision) +
                             ") does not match the ResourceVersion in record (" +
                             std::to_string(revision) + "). The object might have been modified");
  return {};
}

// Whoever collects garbage takes them off again.
void SetFinalizers(Propagation propagation, std::vector<std::string>& finalizers) {
  if (propagation == Propagation::kUnsaid) return;
  std::erase(finalizers, kForegroundFinalizer);
  std::erase(finalizers, kOrphanFinalizer);
  if (propagation == Propagation::kForeground) finalizers.emplace_back(kForegroundFinalizer);
  if (propagation == Propagation::kOrphan) finalizers.emplace_back(kOrphanFinalizer);
}

}  // namespace

Expected<Written> Writer::Delete(const v1::Kind& kind, const Key& key, const Deletion& deletion) {
  for (int attempt = 1;; ++attempt) {
    ZOE_ASSIGN(const Current current, Read(kind, key));
    ObjectBase& object = *current.object;
    ZOE_TRY(CheckPreconditions(key, deletion.preconditions, object.meta, current.revision));
    const std::vector<std::string> finalizers = object.meta.finalizers;
    SetFinalizers(deletion.propagation, object.meta.finalizers);
    Written written{
        false, object.meta.finalizers.empty(), object.meta.name, object.meta.uid, nullptr, {}};
    const bool going = !written.removed && object.meta.deletion_timestamp.has_value() &&
                       finalizers == object.meta.finalizers;
    if (!written.removed && !object.meta.deletion_timestamp) {
      object.meta.deletion_timestamp = std::chrono::floor<std::chrono::seconds>(clock_.WallNow());
      object.meta.deletion_grace_period_seconds = 0;
    }
    if (deletion.dry_run || going) {
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
    if (deletion.preconditions.revision != 0 || attempt == kAttempts) return Conflict(key);
  }
}

Expected<Response> Api::Delete(const Exchange& exchange) {
  const Route& route = exchange.route;
  if (route.name.empty()) return DeleteCollection(exchange);
  ZOE_ASSIGN(const DeleteOptions options, ParseDeleteOptions(exchange));
  ZOE_ASSIGN(const Written written, writer_.Delete(*route.kind, route.key(), options.deletion));
  if (written.removed) return DeletedResponse(route, written.uid);
  Response response = WrittenResponse(written);
  if (options.accepts) response.status = 202;
  return response;
}

// The answer is the list of what was asked to go, as it was, as Kubernetes answers it. Ends early
// if the client has gone: what is left was not deleted.
Expected<Response> Api::DeleteCollection(const Exchange& exchange) {
  const Route& route = exchange.route;
  ZOE_ASSIGN(const ListOptions list, ParseListOptions(exchange.query, *route.kind, route.ns));
  ZOE_ASSIGN(const DeleteOptions options, ParseDeleteOptions(exchange));
  const bool bound =
      !options.deletion.preconditions.uid.empty() || options.deletion.preconditions.revision != 0;
  ZOE_ASSIGN(Page page, CutPage(list));
  // By one name it would be forbidden.
  std::erase_if(page.entries, [&](const EntryPtr& entry) {
    return auth_.enabled() && entry->key == Key{"User", "", exchange.user.name};
  });
  for (const EntryPtr& entry : page.entries) {
    if (exchange.stop().stop_requested()) return MakeError(Code::kCancelled, "the client has gone");
    Deletion deletion = options.deletion;
    // Bound to what was selected: an object of the same name that was made meanwhile stays.
    if (deletion.preconditions.uid.empty()) deletion.preconditions.uid = entry->object->meta.uid;
    const auto deleted = writer_.Delete(*route.kind, entry->key, deletion);
    if (deleted.ok() || deleted.error().code == Code::kNotFound ||
        (deleted.error().code == Code::kConflict && !bound))
      continue;
    return deleted.error();
  }
  const v1::Kind& kind = *route.kind;
  return Response{.prefix =
                      ListHead(kind.api_version, kind.name, page.snapshot->revision, page.more) +
                      JoinItems(page.entries) + "}\n"};
}

}  // namespace zoe::server
