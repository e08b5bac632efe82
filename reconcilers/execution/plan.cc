#include "reconcilers/execution/plan.h"

#include <algorithm>
#include <set>

#include "reconcilers/execution/grant.h"
#include "reconcilers/execution/supervise.h"

namespace zoe::execution {
namespace {

// What a user calls it.
std::string ServiceOf(const SwarmServiceSpec& spec) {
  const std::string service = LabelOf(spec.labels, kLabelService);
  return service.empty() ? spec.name : service;
}

std::string Join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Action RemoveAll(const std::vector<const SwarmService*>& services, const std::string& why) {
  RemoveServices remove;
  std::vector<std::string> names;
  for (const SwarmService* s : services) {
    remove.ids.push_back(s->id);
    names.push_back(ServiceOf(s->spec));
  }
  return {std::move(remove), {{false, "Removed", "removed services " + Join(names) + ": " + why}}};
}

std::vector<Action> PlanInactive(const Picture& picture) {
  const bool keep_ended = picture.mode == Mode::kFinished && !picture.execution->spec.suspend;
  std::vector<const SwarmService*> gone;
  for (const SwarmService& s : picture.observed.services) {
    const bool ended = ReadHistory(s, picture.observed.tasks, {}).AllEnded();
    if (!(keep_ended && ended)) gone.push_back(&s);
  }
  if (gone.empty()) return {};
  std::vector<Action> actions;
  actions.push_back(RemoveAll(gone, picture.mode == Mode::kFinished ? "the execution has ended"
                                    : picture.mode == Mode::kSuspended
                                        ? "the execution is suspended"
                                        : "the execution is being deleted"));
  return actions;
}

// It stood at the last pass, and no one of us has removed it since.
bool RemovedFromOutside(const Picture& picture, const ServicePicture& s) {
  const std::string& phase = picture.execution->status.phase;
  return s.before != nullptr && s.before->running > 0 && phase != v1::kSuspended &&
         phase != v1::kQueued;
}

Action Create(const Picture& picture, const std::vector<const ServicePicture*>& missing) {
  CreateServices create;
  Action action;
  std::vector<std::string> names;
  for (const ServicePicture* s : missing) {
    create.specs.push_back(s->desired);
    if (RemovedFromOutside(picture, *s)) {
      action.events.push_back(
          {true, "DriftMended",
           "service " + s->service.name + " was removed from outside: created again"});
    } else {
      names.push_back(s->service.name);
    }
  }
  if (!names.empty())
    action.events.push_back({false, "Created", "created services " + Join(names)});
  action.what = std::move(create);
  return action;
}

// It was made from the same object in another store (a backup of it was restored here), or before
// stores had identities.
bool OnlyStoreDiffers(SwarmServiceSpec from, const SwarmServiceSpec& target) {
  from.labels[std::string(kLabelStore)] = LabelOf(target.labels, kLabelStore);
  return from == target;
}

// More or fewer elastic replicas, or other nodes: as far as can be told the scheduler's doing, and
// not drift.
bool Regranted(const Picture& picture, const ServicePicture& s, const SwarmServiceSpec& target) {
  const auto total = static_cast<uint64_t>(s.service.replicas.total);
  const bool elastic = s.service.essential() < s.service.replicas.total;
  const SwarmServiceSpec& stands = s.observed->spec;
  // What is replaced keeps its slot beside them.
  const uint64_t replaced = ReadReplacements(LabelOf(stands.labels, kLabelReplaced)).size();
  const uint64_t from = stands.replicas - std::min(replaced, stands.replicas);
  return picture.options.queued && OnlyRegrants(stands, target) &&
         (stands.replicas == target.replicas || (elastic && from <= total));
}

// What ended gets another one in its place: an event tells it once that is there.
bool OnlyReplaces(SwarmServiceSpec from, SwarmServiceSpec target) {
  const std::string label(kLabelReplaced);
  if (LabelOf(from.labels, label) == LabelOf(target.labels, label)) return false;
  from.labels.erase(label);
  target.labels.erase(label);
  from.replicas = target.replicas;
  return from == target;
}

Action Update(const Picture& picture, const ServicePicture& s, SwarmServiceSpec target) {
  const SwarmServiceSpec& from = s.observed->spec;
  const v1::Execution& execution = *picture.execution;
  const bool declared_anew = execution.status.observed_generation != execution.meta.generation ||
                             from.force_update != target.force_update;
  Action action;
  const std::string change = DescribeChange(from, target);
  if (OnlyStoreDiffers(from, target) || OnlyReplaces(from, target)) {
    // Told to nobody: containers run on.
  } else if (Regranted(picture, s, target)) {
    if (from.replicas != target.replicas)
      action.events.push_back({false, "Scaled", "service " + s.service.name + ": " + change});
  } else if (declared_anew) {
    action.events.push_back({false, "Updated", "service " + s.service.name + ": " + change});
  } else {
    action.events.push_back(
        {true, "DriftMended",
         "service " + s.service.name + " differed from its declaration: " + change});
  }
  const bool rolls = !SameTasks(from, target) && !s.confines;
  action.what =
      UpdateService{s.service.name, s.observed->id, s.observed->version, std::move(target), rolls};
  return action;
}

// The workspace's directory, where no Workspace object has it made.
bool NeedsDirectory(const Picture& picture, const std::vector<const ServicePicture*>& services) {
  const Place& place = picture.observed.place;
  return !place.volume && !place.has_workspace &&
         std::ranges::any_of(services, [](const ServicePicture* s) {
           return std::ranges::any_of(s->service.mounts, &v1::Mount::workspace);
         });
}

Action RemoveStrays(const Picture& picture) {
  const std::string attempt = AttemptLabel(picture.execution->status.attempts);
  const bool failed = std::ranges::any_of(picture.strays, [&](const SwarmService* s) {
    return LabelOf(s->spec.labels, kLabelAttempt) != attempt;
  });
  return RemoveAll(picture.strays, failed ? "that attempt has failed" : "no longer declared");
}

std::vector<Action> PlanQueued(const Picture& picture) {
  std::vector<const SwarmService*> standing;
  for (const SwarmService& s : picture.observed.services) standing.push_back(&s);
  if (standing.empty()) return {};
  std::vector<Action> actions;
  actions.push_back(RemoveAll(standing, "the execution waits in the queue"));
  return actions;
}

std::vector<Action> PlanActive(const Picture& picture) {
  std::vector<Action> actions, updates;
  std::vector<const ServicePicture*> missing, changed;
  for (const ServicePicture& s : picture.services) {
    if (s.waiting) continue;
    const bool is_missing = s.observed == nullptr && s.open && !s.Ungranted();
    if (is_missing) missing.push_back(&s);
    SwarmServiceSpec target = s.Target();
    const bool differs = s.observed && target != s.observed->spec;
    if (differs || is_missing) changed.push_back(&s);
    if (differs) updates.push_back(Update(picture, s, std::move(target)));
  }
  if (!picture.strays.empty()) actions.push_back(RemoveStrays(picture));
  if (picture.observed.network_id.empty() && !(missing.empty() && updates.empty())) {
    const std::string& ns = picture.execution->meta.ns;
    actions.push_back({EnsureNetwork{ns, NetworkName(picture.options.deployment, ns)}, {}});
  }
  if (NeedsDirectory(picture, changed)) {
    const std::string& ns = picture.execution->meta.ns;
    actions.push_back({EnsureDirectory{WorkspacePath(picture.options, ns)}, {}});
  }
  if (!missing.empty()) actions.push_back(Create(picture, missing));
  std::ranges::move(updates, std::back_inserter(actions));
  return actions;
}

}  // namespace

std::vector<Action> Plan(const Picture& picture) {
  if (picture.mode != Mode::kActive) return PlanInactive(picture);
  if (picture.ended()) return {};
  if (picture.queued) return PlanQueued(picture);
  return PlanActive(picture);
}

std::string ToString(const Action& action) {
  struct Printer {
    std::string operator()(const RemoveServices& a) const { return "remove " + Join(a.ids); }
    std::string operator()(const EnsureNetwork& a) const { return "network " + a.name; }
    std::string operator()(const EnsureDirectory& a) const { return "directory " + a.path; }
    std::string operator()(const CreateServices& a) const {
      std::vector<std::string> names;
      for (const SwarmServiceSpec& spec : a.specs) names.push_back(ServiceOf(spec));
      return "create " + Join(names);
    }
    std::string operator()(const UpdateService& a) const {
      return (a.rolls ? "roll " : "change ") + a.service;
    }
  };
  return std::visit(Printer{}, action.what);
}

}  // namespace zoe::execution
