#include "webhooks/admission/admission.h"

#include <algorithm>
#include <map>
#include <vector>

#include "specs/schema/names.h"
#include "specs/v1/gateway.h"
#include "specs/v1/template.h"
#include "specs/v1/workspace.h"

namespace zoe {
namespace {

using codec::Value;

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
void AddFinalizer(ObjectBase& object, std::string_view finalizer) {
  auto& finalizers = object.meta.finalizers;
  if (object.meta.deletion_timestamp) return;
  if (std::find(finalizers.begin(), finalizers.end(), finalizer) != finalizers.end()) return;
  finalizers.emplace_back(finalizer);
}

Error Forbidden(std::string reason, std::string message) {
  return MakeError(Code::kForbidden, std::move(reason), std::move(message));
}

// What an execution refers to is copied into it: who may not read it there must not read it here.
Expected<void> MayRead(const Caller& caller, const v1::Execution& execution) {
  const std::string ns = NamespaceOf(*execution.spec.application_ref, execution.meta);
  if (caller.role == v1::kRoleAdmin || ns == execution.meta.ns || ns == v1::kCatalog) return {};
  return Forbidden("Forbidden", "spec.applicationRef: user " + schema::Quote(caller.name) +
                                    " cannot get applications in the namespace " +
                                    schema::Quote(ns));
}

// A user's Workspace or Gateway.
Expected<void> AdmitOnePerNamespace(AdmissionRequest& request, std::string_view finalizer) {
  AddFinalizer(*request.object, finalizer);
  const Meta& meta = request.object->meta;
  if (meta.name == meta.ns) return {};
  return Invalid(*request.object, *request.kind,
                 {{.field = "metadata.name",
                   .reason = "FieldValueInvalid",
                   .message = "must be " + schema::Quote(meta.ns) + ": a namespace has one " +
                              std::string(request.kind->name) + ", named as the namespace"}});
}

// What containers may have: host paths and capabilities. What runs as it did is not looked at
// again: who may suspend an execution need not be who may give it a host path. Parameters are part
// of what runs: they may be its command.
std::vector<Cause> CheckContainers(const AdmissionOptions& options, const Caller& caller,
                                   const v1::ExecutionSpec& spec,
                                   const v1::Execution* old_execution) {
  std::vector<Cause> causes;
  if (!spec.application) return causes;
  if (old_execution != nullptr && old_execution->spec.application == spec.application &&
      old_execution->spec.parameters == spec.parameters)
    return causes;
  const auto refuse = [&causes](const std::string& field, std::string_view value,
                                const std::string& why) {
    if (why.empty()) return;
    causes.push_back({.field = field,
                      .reason = "FieldValueForbidden",
                      .message = schema::Quote(value) + " " + why});
  };
  for (size_t i = 0; i < spec.application->services.size(); ++i) {
    const v1::Service& service = spec.application->services[i];
    const std::string path = "spec.application.services[" + std::to_string(i) + "].";
    for (size_t j = 0; j < service.mounts.size(); ++j) {
      const v1::Mount& mount = service.mounts[j];
      if (mount.host_path.empty()) continue;
      refuse(path + "mounts[" + std::to_string(j) + "].hostPath", mount.host_path,
             v1::RefusePath(options.host_paths, mount.host_path, mount.read_only, caller.role));
    }
    for (size_t j = 0; j < service.capabilities.size(); ++j) {
      const std::string& capability = service.capabilities[j];
      refuse(path + "capabilities[" + std::to_string(j) + "]", capability,
             v1::RefuseCapability(options.capabilities, capability, caller.role));
    }
  }
  return causes;
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
  ZOE_TRY(AdmitNamespace(request));
  const std::string_view kind = request.kind->name;
  if (kind == "Execution") return AdmitExecution(request);
  if (kind == "User") return AdmitUser(request);
  if (kind == "Quota") return AdmitQuota(request);
  if (kind == "Workspace") return AdmitOnePerNamespace(request, v1::kWorkspaceFinalizer);
  if (kind == "Gateway") return AdmitOnePerNamespace(request, v1::kGatewayFinalizer);
  return {};
}

// A new object needs a namespace, and one that isn't going.
Expected<void> Admission::AdmitNamespace(const AdmissionRequest& request) const {
  if (!request.kind->namespaced || request.operation != AdmissionRequest::Operation::kCreate)
    return {};
  const std::string& ns = request.object->meta.ns;
  const auto user = cache_.Get<v1::User>({"User", "", ns});
  if (user && user->meta.deletion_timestamp) {
    return Forbidden("NamespaceTerminating", "nothing can be made in namespace " +
                                                 schema::Quote(ns) +
                                                 ": it is being deleted with its User");
  }
  if (user || !options_.users_make_namespaces) return {};
  if (ns != v1::kCatalog) {
    return MakeError(
        Code::kNotFound, "NotFound",
        "namespaces " + schema::Quote(ns) + " not found: a User of that name makes it");
  }
  if (request.kind->name == "Application") return {};
  return Forbidden("Forbidden", "namespace catalog holds Applications only");
}

Expected<void> Admission::AdmitExecution(AdmissionRequest& request) const {
  auto& execution = static_cast<v1::Execution&>(*request.object);
  const auto* old_execution = static_cast<const v1::Execution*>(request.old_object.get());
  AddFinalizer(execution, v1::kExecutionFinalizer);
  if (old_execution == nullptr) execution.status.phase = v1::kPending;
  if (request.caller.role == v1::kRoleGuest) ZOE_TRY(AdmitGuest(request));
  if (execution.spec.application_ref) {
    const bool same = old_execution != nullptr && old_execution->spec.application &&
                      AsksForTheSame(execution, *old_execution);
    if (!same) {
      ZOE_TRY(MayRead(request.caller, execution));
      ZOE_ASSIGN(execution.spec.application, Resolve(execution));
    } else if (!execution.spec.application) {
      // An execution that is going must stay editable after its Application has gone.
      execution.spec.application = old_execution->spec.application;
    } else if (request.caller.role == v1::kRoleGuest &&
               execution.spec.application != old_execution->spec.application) {
      return Forbidden("Forbidden", "a guest may not change what an application of the catalog is");
    }
    std::vector<Cause> causes;
    request.kind->validate(execution, causes);
    if (!causes.empty()) return Invalid(execution, *request.kind, std::move(causes));
  }
  std::vector<Cause> refused =
      CheckContainers(options_, request.caller, execution.spec, old_execution);
  if (!refused.empty()) return Invalid(execution, *request.kind, std::move(refused));
  auto rendered = v1::RenderServices(execution, options_.deployment);
  if (!rendered.ok()) return rendered.error();
  return CheckQuota(request);
}

// A guest runs what the catalog offers, one at a time, and not for ever unused.
Expected<void> Admission::AdmitGuest(AdmissionRequest& request) const {
  auto& execution = static_cast<v1::Execution&>(*request.object);
  const auto& ref = execution.spec.application_ref;
  if (!ref || NamespaceOf(*ref, execution.meta) != v1::kCatalog) {
    return Forbidden("Forbidden",
                     "a guest may only run applications of the catalog: spec.applicationRef: "
                     "{name: NAME, namespace: catalog}");
  }
  if (!execution.spec.suspend) {
    request.in_turn = true;
    for (const EntryPtr& entry : cache_.List("Execution", execution.meta.ns).entries) {
      const auto& other = static_cast<const v1::Execution&>(*entry->object);
      if (other.meta.name == execution.meta.name || other.spec.suspend ||
          v1::IsFinished(other.status))
        continue;
      return Forbidden("Forbidden", "a guest may run one execution at a time: " +
                                        schema::Quote(other.meta.name) +
                                        " has to end, be deleted or be suspended first");
    }
  }
  auto& idle = execution.spec.idle;
  if (!idle) idle.emplace();
  if (idle->timeout_seconds <= 0 || idle->timeout_seconds > options_.guest_idle_seconds)
    idle->timeout_seconds = options_.guest_idle_seconds;
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
  } else if (ns != v1::kCatalog &&
             cache_.Get({"Application", std::string(v1::kCatalog), ref.name})) {
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
