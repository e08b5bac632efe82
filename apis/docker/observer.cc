#include "apis/docker/observer.h"

#include <algorithm>

#include "controller/runtime/log.h"

namespace zoe::docker {
namespace {

constexpr Duration kFast{50}, kRest{10'000}, kNodesAge{10'000};
// Polls take at most about a tenth of the time of one core.
constexpr int kRestFactor = 10;
// Swarm calls a node down that a new leader has not heard of for 40 s; with room for the way here.
constexpr Duration kUnknownGrace{60'000};
// Events come in bursts: one poll for those that come this close together.
constexpr Duration kBurst{10};
// /tasks lags behind what a container's event told by up to a quarter of a second.
constexpr Duration kAfterContainerEvent{600};
constexpr Duration kFirstRetry{200}, kLastRetry{5'000};
constexpr Duration kPollLimit{10'000};
// Beyond any event's size: what comes then isn't an event stream.
constexpr size_t kMaxEventLine = size_t{1} << 20;

Duration Backoff(int failures) {
  return std::min(kLastRetry, kFirstRetry * (1 << std::min(failures, 5)));
}

}  // namespace

bool NodeCache::NeedsRead(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  return stale_ || now - read_at_ > kNodesAge;
}

bool NodeCache::Node::IsReady(SteadyTime now) const {
  return node.ready || (unknown_since && now - *unknown_since < kUnknownGrace);
}

const NodeCache::Node* NodeCache::Find(const std::string& id) const {
  const auto it = std::ranges::find(nodes_, id, [](const Node& n) { return n.node.id; });
  return it == nodes_.end() ? nullptr : &*it;
}

void NodeCache::Set(std::vector<SwarmNode> nodes, const std::set<std::string>& unknown,
                    SteadyTime now) {
  const std::lock_guard lock(mutex_);
  std::vector<Node> next;
  for (SwarmNode& node : nodes) {
    Node entry{std::move(node)};
    if (unknown.contains(entry.node.id)) {
      const Node* before = Find(entry.node.id);
      if (before == nullptr || before->node.ready) {
        entry.unknown_since = now;
      } else {
        entry.unknown_since = before->unknown_since;
      }
    }
    next.push_back(std::move(entry));
  }
  nodes_ = std::move(next);
  read_at_ = now;
  stale_ = false;
}

void NodeCache::CallStale() {
  const std::lock_guard lock(mutex_);
  stale_ = true;
}

std::vector<SwarmNode> NodeCache::Nodes(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  std::vector<SwarmNode> nodes;
  for (const Node& entry : nodes_) {
    nodes.push_back(entry.node);
    nodes.back().ready = entry.IsReady(now);
  }
  return nodes;
}

bool NodeCache::Describe(std::vector<SwarmTask>& tasks, SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  bool all_known = true;
  for (SwarmTask& task : tasks) {
    if (task.node_id.empty()) continue;
    const Node* entry = Find(task.node_id);
    all_known = all_known && entry != nullptr;
    task.node_down = entry == nullptr || !entry->IsReady(now);
    if (entry != nullptr) task.node_name = entry->node.name;
  }
  return all_known;
}

std::set<std::string> NodeCache::Down(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> down;
  for (const Node& entry : nodes_) {
    if (!entry.IsReady(now)) down.insert(entry.node.id);
  }
  return down;
}

void Attention::Expect(SteadyTime until) {
  const std::lock_guard lock(mutex_);
  if (until <= fast_until_) return;
  fast_until_ = until;
  changed_.notify_all();
}

bool Attention::FirstWithoutEvents() {
  const std::lock_guard lock(mutex_);
  return ++without_events_ == 1;
}

bool Attention::LastWithEventsAgain() {
  const std::lock_guard lock(mutex_);
  return --without_events_ == 0;
}

Observer::Observer(const Parts& parts, std::function<void(const SwarmHint&)> on_hint)
    : parts_(parts), on_hint_(std::move(on_hint)) {
  events_thread_ = std::jthread([this] { ReadEvents(); });
  poll_thread_ = std::jthread([this] { PollLoop(); });
}

Observer::~Observer() {
  stop_.request_stop();
  {
    const std::lock_guard lock(parts_.attention.mutex_);
    parts_.attention.changed_.notify_all();
  }
  events_thread_.join();
  poll_thread_.join();
  if (without_events_) parts_.attention.LastWithEventsAgain();
}

void Observer::Poke(const Look& look) {
  const std::lock_guard lock(parts_.attention.mutex_);
  look_.services |= look.services;
  look_.others |= look.others;
  look_.all |= look.all;
  look_.resync |= look.resync;
  look_.nodes |= look.nodes;
  look_.containers |= look.containers;
  look_.events_of.insert(look.events_of.begin(), look.events_of.end());
  parts_.attention.changed_.notify_all();
}

void Observer::SetWithoutEvents(bool without, std::string_view reason) {
  if (std::exchange(without_events_, without) == without) return;
  if (without) {
    if (parts_.attention.FirstWithoutEvents())
      log::Warn("the Swarm's events have ended, trying again", {{"reason", std::string(reason)}});
    return;
  }
  if (parts_.attention.LastWithEventsAgain()) log::Info("the Swarm's events are read again");
}

void Observer::ReadEvents() {
  const std::string target =
      "/events?filters=" +
      Filters({{"type", {"service", "node", "network", "secret", "container"}},
               {"event", {"create", "update", "remove", "start", "die", "oom", "health_status"}}});
  int failures = 0;
  bool lost = false;
  while (!stop_.stop_requested()) {
    std::string line;
    HttpStream stream;
    stream.on_open = [&] {
      if (std::exchange(lost, false)) Poke({.resync = true});
      SetWithoutEvents(false, "");
      failures = 0;
    };
    stream.on_chunk = [&](std::string_view piece) {
      line += piece;
      for (size_t end; (end = line.find('\n')) != line.npos; line.erase(0, end + 1))
        OnEvent(std::string_view(line).substr(0, end));
      return line.size() < kMaxEventLine;
    };
    // A manager that isn't asked any more may be gone without a word, or another Swarm's.
    const uint64_t epoch = parts_.client.epoch();
    stream.on_tick = [&] { return parts_.client.epoch() == epoch; };
    const Context ctx{parts_.clock, stop_.get_token()};
    const auto result = parts_.client.Stream(ctx, target, stream);
    if (stop_.stop_requested()) return;
    if (parts_.client.epoch() != epoch) {
      parts_.nodes.CallStale();
      Poke({.resync = true});
      lost = true;
      continue;
    }
    lost = true;
    SetWithoutEvents(true, result ? "end of stream" : result.error().message);
    std::unique_lock lock(parts_.attention.mutex_);
    const SteadyTime until = parts_.clock.Now() + Backoff(failures++);
    while (!stop_.stop_requested() && parts_.clock.Now() < until)
      parts_.clock.WaitUntil(parts_.attention.changed_, lock, until);
  }
}

void Observer::OnEvent(std::string_view line) {
  const EngineEvent event = DecodeEvent(line);
  if (event.type == "service") return Poke({.services = true, .events_of = {event.service_id}});
  if (event.type == "network" || event.type == "secret") return Poke({.others = true});
  if (event.type == "node") {
    parts_.nodes.CallStale();
    // `node_down` of any task may have changed.
    return Poke({.all = true, .nodes = true});
  }
  if (event.type != "container" || event.service_id.empty()) return;
  bool ours = false;
  {
    const std::lock_guard lock(parts_.attention.mutex_);
    ours = our_services_.contains(event.service_id);
  }
  if (!ours && event.action == "die") Poke({.containers = true});
  if (!ours) return;
  parts_.attention.Expect(parts_.clock.Now() + kAfterContainerEvent);
}

void Observer::PollLoop() {
  while (WaitUntilDue()) {
    Look look;
    {
      const std::lock_guard lock(parts_.attention.mutex_);
      look = std::exchange(look_, {});
    }
    const SteadyTime begin = parts_.clock.Now();
    if (look.resync || begin - rested_at_ >= kRest) look.services = look.others = true;
    if (auto down = parts_.nodes.Down(begin); down != down_) {
      down_ = std::move(down);
      look.all = look.nodes = true;
    }
    std::set<Owner> changed;
    const auto ours = [this](const std::string& id) { return owners_.contains(id); };
    std::erase_if(look.events_of, ours);
    const bool polled = Poll(look, changed);
    std::erase_if(look.events_of, ours);
    const auto room = polled ? LookAtOthers(look) : std::nullopt;
    polled_at_ = parts_.clock.Now();
    poll_took_ = std::chrono::ceil<Duration>(polled_at_ - begin);
    if (!room) {
      ++failures_;
      Poke({.resync = true});  // what happened meanwhile isn't known: everything is to be looked at
      continue;
    }
    failures_ = 0;
    if (look.services && look.others) rested_at_ = begin;
    if (look.resync) {
      on_hint_(SwarmHint{});
      continue;
    }
    for (const auto& [kind, ns, name] : changed) {
      if (!kind.empty()) on_hint_({kind, ns, name});
    }
    if (look.nodes || *room) on_hint_({std::string(kCapacityHint), "", ""});
  }
}

std::optional<bool> Observer::LookAtOthers(const Look& look) {
  const SteadyTime now = parts_.clock.Now();
  if (look.resync) others_room_.Begin(now);
  if (look.containers || !look.events_of.empty()) others_room_.Happened(now);
  if (now < others_room_.due()) return false;
  const Context ctx = Context{parts_.clock, stop_.get_token()}.WithTimeout(kPollLimit);
  const auto answer = parts_.client.Do(ctx, {"GET", "/tasks"});
  auto tasks = answer ? DecodeTasks(*answer) : Expected<std::vector<SwarmTask>>(answer.error());
  if (!tasks) return std::nullopt;
  parts_.nodes.Describe(*tasks, now);
  return others_room_.Look(
      *tasks, [&](const SwarmTask& task) { return owners_.contains(task.service_id); }, now);
}

bool Observer::WaitUntilDue() {
  Attention& attention = parts_.attention;
  std::unique_lock lock(attention.mutex_);
  for (;;) {
    if (stop_.stop_requested()) return false;
    const SteadyTime now = parts_.clock.Now();
    const Duration busy = poll_took_ * kRestFactor;
    SteadyTime due = polled_at_ + kRest;
    if (failures_ > 0) {
      due = polled_at_ + Backoff(failures_);
    } else if (look_.any()) {
      due = polled_at_ + std::max(kBurst, poll_took_ * 2);
    } else if (now < attention.fast_until_) {
      due = polled_at_ + std::max(kFast, busy);
    }
    if (failures_ == 0) due = std::min(due, others_room_.due());
    if (polled_at_ == SteadyTime{} || now >= due) return true;
    parts_.clock.WaitUntil(attention.changed_, lock, due);
  }
}

bool Observer::Poll(const Look& look, std::set<Owner>& changed) {
  const Context ctx = Context{parts_.clock, stop_.get_token()}.WithTimeout(kPollLimit);
  const std::string filters =
      Filters({{"label", {std::string(kLabelDeployment) + "=" + parts_.deployment}}});
  std::vector<EngineRequest> requests = {{"GET", "/tasks?filters=" + filters}};
  const bool services = look.services || look.all;
  if (services) requests.push_back({"GET", "/services?filters=" + filters});
  if (look.others) {
    requests.push_back({"GET", "/networks?filters=" + filters});
    requests.push_back({"GET", "/secrets?filters=" + filters});
  }
  // Of one manager: one without a leader would answer for networks alone, and have none.
  auto answers = parts_.client.DoAll(ctx, requests, Ask::kOneManager);
  for (const auto& answer : answers) {
    if (!answer) return false;
  }
  if (look.others) {
    const size_t at = answers.size() - 2;
    const auto marks = DecodeOtherMarks(*answers[at], *answers[at + 1]);
    if (!marks) return false;
    TakeOthers(*marks, changed);
  }
  if (services) {
    if (*answers[1] != last_services_) {
      const auto marks = DecodeServiceMarks(*answers[1]);
      if (!marks) return false;
      TakeServices(*marks, changed);
      last_services_ = std::move(*answers[1]);
    }
  }
  bool owners_known = true;
  if (*answers[0] != last_tasks_) {
    const auto marks = DecodeTaskMarks(*answers[0]);
    if (!marks) return false;
    owners_known = TakeTasks(*marks, changed);
    last_tasks_ = owners_known ? std::move(*answers[0]) : "";
  }
  if (look.all) {
    for (const auto& [id, owner] : owners_) changed.insert(owner);
  }
  return owners_known || services || Poll({.services = true}, changed);
}

void Observer::TakeOthers(const std::vector<ObjectMark>& marks, std::set<Owner>& changed) {
  std::map<std::string, ObjectMark> now;
  for (const ObjectMark& mark : marks) now[mark.id] = mark;
  const auto differ = [&](const auto& some, const auto& others) {
    for (const auto& [id, mark] : some) {
      const auto other = others.find(id);
      if (other == others.end() || other->second.version != mark.version)
        changed.insert({mark.owner.kind, mark.owner.ns, mark.owner.name});
    }
  };
  differ(now, others_);
  differ(others_, now);
  others_ = std::move(now);
}

void Observer::TakeServices(const std::vector<ObjectMark>& marks, std::set<Owner>& changed) {
  std::map<std::string, ObjectMark> now;
  for (const ObjectMark& mark : marks) {
    now[mark.id] = mark;
    const Owner owner{mark.owner.kind, mark.owner.ns, mark.owner.name};
    owners_[mark.id] = owner;
    const auto before = services_.find(mark.id);
    if (before == services_.end() || before->second.version != mark.version) changed.insert(owner);
  }
  for (const auto& [id, mark] : services_) {
    if (!now.contains(id)) changed.insert(owners_[id]);
  }
  services_ = std::move(now);
  std::set<std::string> with_tasks;
  for (const auto& [id, task] : tasks_) with_tasks.insert(task.service_id);
  std::erase_if(owners_, [&](const auto& entry) {
    return !services_.contains(entry.first) && !with_tasks.contains(entry.first);
  });
  const std::lock_guard lock(parts_.attention.mutex_);
  our_services_.clear();
  for (const auto& [id, owner] : owners_) our_services_.insert(id);
}

// False if a task belongs to a service that isn't known yet. One whose service was removed before
// it was ever seen is told from its container's labels: whoever waits for its end must hear of it.
bool Observer::TakeTasks(const std::vector<TaskMark>& marks, std::set<Owner>& changed) {
  bool known = true;
  const auto tell = [&](const TaskMark& mark) {
    auto owner = owners_.find(mark.service_id);
    if (owner == owners_.end() && !mark.owner.kind.empty()) {
      known = false;
      owner =
          owners_.emplace(mark.service_id, Owner{mark.owner.kind, mark.owner.ns, mark.owner.name})
              .first;
    }
    if (owner != owners_.end()) changed.insert(owner->second);
    return owner != owners_.end();
  };
  std::map<std::string, TaskMark> now;
  for (const TaskMark& mark : marks) {
    const auto before = tasks_.find(mark.id);
    if (before == tasks_.end() || before->second.version != mark.version) {
      if (!tell(mark)) {
        known = false;
        continue;  // not taken: it is new again once its service is known
      }
    }
    now[mark.id] = mark;
  }
  for (const auto& [id, mark] : tasks_) {
    if (!now.contains(id)) tell(mark);
  }
  tasks_ = std::move(now);
  return known;
}

}  // namespace zoe::docker
