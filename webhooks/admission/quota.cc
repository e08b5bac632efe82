#include "controller/quota/quota.h"

#include <algorithm>

#include "specs/schema/names.h"
#include "webhooks/admission/admission.h"

namespace zoe {

bool Admission::CountsOthers(const v1::Kind& kind, const std::string& ns,
                             const Caller& caller) const {
  if (kind.name != "Execution") return false;
  return caller.role == v1::kRoleGuest || QuotaOf(cache_, ns) != nullptr;
}

Expected<void> Admission::CheckQuota(AdmissionRequest& request) const {
  const auto& execution = static_cast<const v1::Execution&>(*request.object);
  const auto* before = static_cast<const v1::Execution*>(request.old_object.get());
  const auto quota = QuotaOf(cache_, execution.meta.ns);
  if (!quota) return {};
  v1::Usage others;
  if (v1::WantsMore(execution, before)) {
    request.in_turn = true;
    others = UsageOf(cache_, execution.meta.ns, execution.meta.name);
  }
  ZOE_TRY(v1::CheckQuota(*quota, execution, before, others));
  // The scheduler won't look at them again.
  if (before == nullptr || !v1::EnlargesGranted(execution, *before)) return {};
  request.in_turn = true;
  others = UsageOf(cache_, execution.meta.ns, execution.meta.name, v1::HeldOf);
  return v1::CheckQuota(*quota, execution, before, others, v1::HeldOf);
}

// Else it would depend on names whom it limits.
Expected<void> Admission::AdmitQuota(const AdmissionRequest& request) const {
  const auto& quota = static_cast<const v1::Quota&>(*request.object);
  Error error = MakeError(Code::kInvalid, "Invalid",
                          "Quota " + schema::Quote(quota.meta.name) + " is invalid");
  for (const EntryPtr& entry : cache_.List("Quota").entries) {
    const auto& other = static_cast<const v1::Quota&>(*entry->object);
    if (other.meta.name == quota.meta.name) continue;
    for (size_t i = 0; i < quota.spec.roles.size(); ++i) {
      const std::string& role = quota.spec.roles[i];
      if (std::ranges::find(other.spec.roles, role) == other.spec.roles.end()) continue;
      error.causes.push_back({.field = "spec.roles[" + std::to_string(i) + "]",
                              .reason = "FieldValueDuplicate",
                              .message = schema::Quote(role) + " stands in quota " +
                                         schema::Quote(other.meta.name) + " already"});
    }
  }
  return error.causes.empty() ? Expected<void>() : error;
}

// It may come later; nobody should take it for granted.
void Admission::WarnOfQuota(const v1::User& user, std::vector<std::string>& warnings) const {
  const std::string& name = user.spec.quota;
  if (name.empty() || cache_.Get({"Quota", "", name})) return;
  const auto instead = QuotaOf(cache_, user);
  warnings.push_back("spec.quota: there is no Quota " + schema::Quote(name) + " yet: until then " +
                     (instead ? "that of role " + user.spec.role + ", " +
                                    schema::Quote(instead->meta.name) + ", limits the user"
                              : "nothing limits the user"));
}

}  // namespace zoe
