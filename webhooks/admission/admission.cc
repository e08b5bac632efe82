#include "webhooks/admission/admission.h"

#include <algorithm>
#include <map>
#include <vector>

#include "specs/schema/names.h"
#include "specs/v1/template.h"

namespace zoe {
namespace {

using codec::Value;

// Applications in this namespace are offered to everybody.
constexpr std::string_view kCatalog = "catalog";

Error Invalid(const ObjectBase& object, const v1::Kind& kind, std::vector<Cause> causes) {
  Error error = MakeError(Code::kInvalid, "Invalid",
                          std::string(kind.name) + " \"" + object.meta.name + "\" is invalid");
  error.causes = std::move(causes);
  return error;
}

std::string NamespaceOf(const v1::ApplicationRef& ref, const Meta& meta) {
  return ref.ns.empty() ? meta.ns : ref.ns;
}

// True if the application that `old_execution` was given is still what `execution` asks for.
bool AsksForTheSame(const v1::Execution& execution, const v1::Execution& old_execution) {
  const auto& ref = execution.spec.application_ref;
  const auto& old_ref = old_execution.spec.application_ref;
  return ref && old_ref && ref->name == old_ref->name &&
         NamespaceOf(*ref, execution.meta) == NamespaceOf(*old_ref, old_execution.meta) &&
         execution.spec.parameters == old_execution.spec.parameters;
}

// The finalizer holds the object until its services are gone. Who deletes may force it off; until
// then it comes back.
void AddFinalizer(ObjectBase& object) {
  auto& finalizers = object.meta.finalizers;
  if (object.meta.deletion_timestamp) return;
  if (std::find(finalizers.begin(), finalizers.end(), v1::kExecutionFinalizer) != finalizers.end())
    return;
  finalizers.emplace_back(v1::kExecutionFinalizer);
}

}  // namespace

void Admission::Prepare(const v1::Kind& kind, Value& document, const ObjectBase* old_object) {
  if (kind.name != "Execution" || !document.is_object()) return;
  Value* spec = document.Find("spec");
  if (spec == nullptr || !spec->is_object() || spec->Find("application") == nullptr) return;
  const Value* ref = spec->Find("applicationRef");
  if (ref == nullptr || !ref->is_object()) return;
  if (old_object != nullptr) {
    v1::Execution asked;
    asked.meta.ns = document.StringAt("metadata.namespace");
    asked.spec.application_ref =
        v1::ApplicationRef{ref->StringAt("name"), ref->StringAt("namespace")};
    if (const Value* parameters = spec->Find("parameters");
        parameters != nullptr && parameters->is_object()) {
      for (const codec::Member& member : parameters->as_object())
        asked.spec.parameters[member.key] = member.value.ScalarText();
    }
    if (AsksForTheSame(asked, static_cast<const v1::Execution&>(*old_object))) return;
  }
  spec->Remove("application");
}

Expected<void> Admission::Admit(AdmissionRequest& request) const {
  if (request.kind->name == "Execution") return AdmitExecution(request);
  return {};
}

Expected<void> Admission::AdmitExecution(AdmissionRequest& request) const {
  auto& execution = static_cast<v1::Execution&>(*request.object);
  const auto* old_execution = static_cast<const v1::Execution*>(request.old_object.get());
  AddFinalizer(execution);
  if (old_execution == nullptr) execution.status.phase = v1::kPending;
  if (execution.spec.application_ref) {
    const bool same = old_execution != nullptr && AsksForTheSame(execution, *old_execution);
    // An execution that is going must stay editable after its Application has gone.
    if (same && !execution.spec.application)
      execution.spec.application = old_execution->spec.application;
    if (!same || !execution.spec.application) {
      ZOE_ASSIGN(execution.spec.application, Resolve(execution));
    }
    std::vector<Cause> causes;
    request.kind->validate(execution, causes);
    if (!causes.empty()) return Invalid(execution, *request.kind, std::move(causes));
  }
  auto rendered = v1::RenderServices(execution, deployment_);
  if (!rendered.ok()) return rendered.error();
  return {};
}

Expected<v1::ApplicationSpec> Admission::Resolve(const v1::Execution& execution) const {
  const v1::ApplicationRef& ref = *execution.spec.application_ref;
  const std::string ns = NamespaceOf(ref, execution.meta);
  const auto application = cache_.Get<v1::Application>({"Application", ns, ref.name});
  if (application) return application->spec;
  return Invalid(execution, *v1::FindKind("Execution"), {NotFound(ref, ns)});
}

Cause Admission::NotFound(const v1::ApplicationRef& ref, const std::string& ns) const {
  const Snapshot known = cache_.List("Application", ns);
  std::vector<std::string_view> names;
  for (const EntryPtr& entry : known.entries) names.push_back(entry->key.name);
  std::string message =
      "there is no Application " + schema::Quote(ref.name) + " in namespace " + schema::Quote(ns);
  const std::string suggestion = schema::DidYouMean(ref.name, names);
  if (!suggestion.empty()) {
    message += suggestion;
  } else if (ns != kCatalog && cache_.Get({"Application", std::string(kCatalog), ref.name})) {
    message += "; the catalog has one: add namespace: catalog";
  } else if (!names.empty() && names.size() <= 20) {
    message += "; there are: " + schema::Join(names);
  } else if (names.empty()) {
    message += ": it has none";
  }
  return {.field = "spec.applicationRef.name",
          .reason = "FieldValueNotFound",
          .message = std::move(message)};
}

}  // namespace zoe
