#include "reconcilers/user/plan.h"

#include <algorithm>

#include "specs/v1/kinds.h"

namespace zoe::user {
namespace {

int Rank(const Key& key) {
  if (key.kind == "Execution") return 0;
  if (key.kind == "Gateway") return 1;
  if (key.kind == "Workspace") return 3;
  if (key.kind == "Credential") return 4;
  return 2;
}

// The status is what is remembered of the time before this pass; it decides what is said, never
// what is done.
bool Stood(const v1::User& user, std::string_view condition) {
  const Condition* before = FindCondition(user.status.conditions, condition);
  return before != nullptr && before->reason != "Creating";
}

PendingEvent Made(bool stood, const std::string& what) {
  if (stood) return {true, "DriftMended", what + " was removed from outside: made again"};
  return {false, "Created", "made " + what};
}

template <class T>
Action Create(const v1::User& user, std::string_view kind, std::string_view finalizer, T object) {
  const std::string& name = user.meta.name;
  object.meta.name = object.meta.ns = name;
  object.meta.generation = 1;
  object.meta.finalizers = {std::string(finalizer)};
  object.meta.owner_references = {
      {std::string(v1::kApiVersion), "User", name, user.meta.uid, true, true}};
  const bool stood = Stood(user, std::string(kind) + "Ready");
  const std::string what = (kind == "Workspace" ? "workspace " : "gateway ") + name;
  return {CreateObject{{std::string(kind), name, name}, std::make_shared<T>(std::move(object))},
          {Made(stood, what)}};
}

std::vector<Action> PlanPlace(const v1::User& user, const Observed& observed) {
  std::vector<Action> actions;
  if (!observed.network && !observed.stranger) {
    NetworkNeed need{user.meta.name, user.spec.network, true, user.status.subnet};
    const std::string what = "the network of " + user.meta.name;
    actions.push_back({EnsureNetwork{std::move(need)}, {Made(!user.status.network.empty(), what)}});
  }
  if (!observed.workspace) {
    v1::Workspace workspace;
    workspace.spec.uid = user.spec.uid;
    workspace.spec.gid = user.spec.gid ? user.spec.gid : user.spec.uid;
    actions.push_back(Create(user, "Workspace", v1::kWorkspaceFinalizer, std::move(workspace)));
  }
  if (!observed.gateway)
    actions.push_back(Create(user, "Gateway", v1::kGatewayFinalizer, v1::Gateway()));
  return actions;
}

std::vector<Action> PlanEnd(const Observed& observed) {
  std::vector<Action> actions;
  const std::vector<Member> next = NextToGo(observed);
  for (const Member& member : next) {
    if (!member.deleting) actions.push_back({DeleteObject{member.key}, {}});
  }
  if (!next.empty()) return actions;
  for (const Key& event : observed.events) actions.push_back({DeleteObject{event}, {}});
  if (observed.network) actions.push_back({RemoveNetwork{observed.network->id}, {}});
  return actions;
}

}  // namespace

std::vector<Member> NextToGo(const Observed& observed) {
  std::vector<Member> next;
  for (const Member& member : observed.members) {
    if (!next.empty() && Rank(member.key) > Rank(next.front().key)) continue;
    if (!next.empty() && Rank(member.key) < Rank(next.front().key)) next.clear();
    next.push_back(member);
  }
  return next;
}

std::vector<Action> Plan(const v1::User& user, const Observed& observed) {
  return user.meta.deletion_timestamp ? PlanEnd(observed) : PlanPlace(user, observed);
}

std::string ToString(const Action& action) {
  struct Printer {
    std::string operator()(const EnsureNetwork& a) const { return "network " + a.need.ns; }
    std::string operator()(const CreateObject& a) const { return "create " + a.key.ToString(); }
    std::string operator()(const DeleteObject& a) const { return "delete " + a.key.ToString(); }
    std::string operator()(const RemoveNetwork&) const { return "remove network"; }
  };
  return std::visit(Printer{}, action.what);
}

}  // namespace zoe::user
