#include "cli/applier.h"

#include <algorithm>

#include "cli/changes.h"
#include "cli/merge.h"

namespace zoe::cli {
namespace {

using codec::Value;
using Mode = ApplyOptions::Mode;

constexpr int kAttempts = 5;

std::string LabelAt(const Value& object, std::string_view label) {
  const Value* labels = object.At("metadata.labels");
  const Value* value = labels == nullptr ? nullptr : labels->Find(label);
  return value == nullptr ? "" : value->ScalarText();
}

// A password that is sent again changes nothing, and only the server knows that it is the same.
bool IsSame(const Manifest& manifest, const Outcome& outcome, Mode mode) {
  if (!Differences(outcome.before, outcome.object).empty()) return false;
  Value written = manifest.object;
  return !RemoveSecrets(written) || mode != Mode::kReal ||
         outcome.before.StringAt("metadata.resourceVersion") ==
             outcome.object.StringAt("metadata.resourceVersion");
}

}  // namespace

bool IsOwnedByOthers(const Error& error) {
  return std::ranges::any_of(
      error.causes, [](const Cause& cause) { return cause.reason == "FieldManagerConflict"; });
}

client::Query Applier::DryRun() const {
  return options_.mode == Mode::kServerDryRun ? client::Query{{"dryRun", "All"}} : client::Query{};
}

Value Applier::Written(const Manifest& manifest) const {
  Value written = Configuration(manifest.object);
  if (options_.set.empty()) return written;
  Value& meta = *written.Find("metadata");
  if (meta.Find("labels") == nullptr) meta.Set("labels", codec::Object{});
  meta.Find("labels")->Set(kApplySetLabel, options_.set);
  return written;
}

Expected<void> Applier::CheckSet(const Manifest& manifest, const Value& live) const {
  const std::string other = LabelAt(live, kApplySetLabel);
  if (options_.set.empty() || options_.force || other.empty() || other == options_.set) return {};
  return MakeError(Code::kConflict, "ApplySet",
                   manifest.Label() + " belongs to apply set " + other +
                       ": take it out of one of the two, or take it over with --force-conflicts");
}

Expected<client::Applied> Applier::Send(const Manifest& manifest, Value& live) {
  const Value written = Written(manifest);
  const bool adopts = live.is_object() && NeedsAdoption(live);
  if (adopts && options_.mode == Mode::kServerDryRun) {
    // Who owns what isn't known before it has been written; that this one wins is.
    ZOE_ASSIGN(Value changed,
               client_.MergePatch(manifest.Path(),
                                  ThreeWayPatch(written, manifest.complete, live, options_.manager),
                                  DryRun()));
    return client::Applied{.object = std::move(changed)};
  }
  if (adopts) {
    ZOE_ASSIGN(live, client_.MergePatch(
                         manifest.Path(),
                         AdoptionPatch(*manifest.resource.known, written, live, options_.manager),
                         {{"fieldManager", options_.manager}}));
  }
  client::Query query = DryRun();
  query.emplace_back("fieldManager", options_.manager);
  if (options_.force) query.emplace_back("force", "true");
  return client_.Apply(manifest.Path(), written, query);
}

Expected<Outcome> Applier::Once(const Manifest& manifest, const Value& live) {
  Outcome outcome{.before = live};
  const bool absent = live.is_null();
  if (!absent) ZOE_TRY(CheckSet(manifest, live));
  if (!absent && live.At("metadata.deletionTimestamp") != nullptr) {
    outcome.warnings.push_back(manifest.Label() + " is being deleted; its changes go with it");
  } else if (!absent && NeedsAdoption(live) && LastApplied(live).is_null()) {
    outcome.warnings.push_back(
        manifest.Label() + " was not made by apply: fields that this file doesn't mention stay");
  }
  if (options_.mode == Mode::kClientDryRun) {
    outcome.object = absent ? Value(codec::Object{}) : live;
    const Value written = Written(manifest);
    codec::MergePatch(
        outcome.object,
        absent ? written : ThreeWayPatch(written, manifest.complete, live, options_.manager));
    RemoveSecrets(outcome.object);
    outcome.verb = absent ? "created" : "";
  } else {
    ZOE_ASSIGN(client::Applied applied, Send(manifest, outcome.before));
    outcome.object = std::move(applied.object);
    for (const std::string& warning : applied.warnings)
      outcome.warnings.push_back(manifest.Label() + ": " + warning);
    // Somebody may have removed or made it in between.
    outcome.verb = applied.created || absent ? "created" : "";
  }
  if (outcome.verb.empty())
    outcome.verb = IsSame(manifest, outcome, options_.mode) ? "unchanged" : "configured";
  return outcome;
}

Expected<Outcome> Applier::Apply(const Manifest& manifest) {
  for (int attempt = 1;; ++attempt) {
    Expected<Value> live = client_.Get(manifest.Path());
    const bool absent = !live.ok() && live.error().code == Code::kNotFound;
    if (!live.ok() && !absent) return live.error();
    Expected<Outcome> result = Once(manifest, absent ? Value() : *live);
    if (result.ok() || attempt == kAttempts || IsOwnedByOthers(result.error()) ||
        result.error().reason == "ApplySet")
      return result;
    const Code code = result.error().code;
    const bool pinned = manifest.object.At("metadata.resourceVersion") != nullptr;
    const bool raced = code == Code::kAlreadyExists || (code == Code::kConflict && !pinned) ||
                       (code == Code::kNotFound && !absent);
    if (!raced) return result;
  }
}

}  // namespace zoe::cli
