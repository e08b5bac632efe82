#include "apis/server/views.h"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdio>
#include <set>

#include "apis/server/api.h"
#include "apis/server/status.h"
#include "controller/runtime/log.h"
#include "specs/core/event.h"
#include "specs/core/kinds.h"
#include "specs/core/namespace.h"
#include "specs/v1/event.h"
#include "specs/v1/user.h"

namespace zoe::server {
namespace {

constexpr Duration kReadLimit{10'000};
// While somebody watches: looks are this far apart without and with a hint, and take at most a
// tenth of the time.
constexpr Duration kLook{2'000}, kLookAfterHint{200};
constexpr int kRestFactor = 10;

std::string MicroTime(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  std::string text = FormatTime(seconds);
  text.pop_back();
  std::array<char, 16> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%06dZ",
                static_cast<int>((time - seconds).count()) * 1000);
  return text + fraction.data();
}

std::shared_ptr<ObjectBase> CoreEvent(const v1::Event& from) {
  auto event = std::make_shared<core::Event>();
  event->meta = from.meta;
  event->meta.managed_fields.clear();
  event->involved_object = from.involved_object;
  event->type = from.type;
  event->reason = from.reason;
  event->message = from.message;
  event->source.component = event->reporting_component = from.source;
  event->count = from.count;
  event->first_timestamp = from.first_timestamp;
  event->last_timestamp = from.last_timestamp;
  if (from.first_timestamp) event->event_time = MicroTime(*from.first_timestamp);
  return event;
}

std::shared_ptr<ObjectBase> CoreEvent(const Entry& entry) {
  return CoreEvent(static_cast<const v1::Event&>(*entry.object));
}

std::shared_ptr<core::Namespace> MakeNamespace(const std::string& name) {
  auto place = std::make_shared<core::Namespace>();
  place->meta.name = name;
  place->meta.labels = {{"kubernetes.io/metadata.name", name}};
  place->status.phase = "Active";
  return place;
}

}  // namespace

Views::Views(const Cache& objects, Swarm& swarm, const Clock& clock, bool all_namespaces)
    : objects_(objects),
      swarm_(swarm),
      clock_(clock),
      all_namespaces_(all_namespaces),
      namespace_kind_(core::FindKind("Namespace")),
      node_kind_(core::FindKind("Node")),
      pod_kind_(core::FindKind("Pod")),
      event_kind_(core::FindKind("Event")),
      namespaces_(*namespace_kind_),
      nodes_(*node_kind_),
      pods_(*pod_kind_),
      events_(*event_kind_),
      usage_(swarm, clock, [this](const Labels& labels) { return LabelsOfOwner(labels); }) {
  const auto begin =
      std::chrono::duration_cast<std::chrono::microseconds>(clock.WallNow().time_since_epoch());
  pods_.Advance(begin.count());
  nodes_.Advance(begin.count());
}

Views::~Views() { Stop(); }

const Cache& Views::CacheOf(const v1::Kind& kind) const {
  if (const Cache* used = usage_.CacheOf(kind)) return *used;
  if (&kind == namespace_kind_) return namespaces_.cache();
  if (&kind == event_kind_) return events_.cache();
  return &kind == pod_kind_ ? pods_.cache() : nodes_.cache();
}

void Views::Listen(const std::function<void()>& tell) {
  for (Projection* each : {&namespaces_, &nodes_, &pods_, &events_})
    listeners_.push_back(each->Listen([tell](const CacheEvent&) { tell(); }));
}

void Views::Stop() {
  listeners_.clear();
  usage_.Stop();
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Views::Refresh(const v1::Kind& kind, Done done) {
  if (usage_.CacheOf(kind) != nullptr) return usage_.Refresh(std::move(done));
  if (!FollowsSwarm(kind)) {
    {
      const std::lock_guard lock(follow_mutex_);
      &kind == event_kind_ ? FollowEvents() : FollowNamespaces();
    }
    return done({});
  }
  std::unique_lock lock(mutex_);
  if (stopped_) {
    lock.unlock();
    return done(MakeError(Code::kUnavailable, "the server stops"));
  }
  waiting_.push_back(std::move(done));
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  wake_.notify_all();
}

std::shared_ptr<void> Views::KeepCurrent(const v1::Kind& kind) {
  const std::lock_guard lock(mutex_);
  ++watched_[&kind];
  if (!thread_.joinable() && !stopped_ && FollowsSwarm(kind))
    thread_ = std::thread([this] { Run(); });
  wake_.notify_all();
  return std::shared_ptr<void>(nullptr, [this, &kind](void*) {
    const std::lock_guard removal(mutex_);
    if (--watched_[&kind] == 0) watched_.erase(&kind);
    wake_.notify_all();
  });
}

void Views::Follow() {
  bool events = false, namespaces = false;
  {
    const std::lock_guard lock(mutex_);
    events = watched_.contains(event_kind_);
    namespaces = watched_.contains(namespace_kind_);
  }
  const std::lock_guard lock(follow_mutex_);
  if (events) FollowEvents();
  if (namespaces) FollowNamespaces();
}

void Views::FollowEvents() {
  const Cache& shown = events_.cache();
  const Revision since = shown.revision();
  if (shown.synced() && objects_.revision() == since) return;
  const auto changes = objects_.Since("Event", since, SIZE_MAX);
  if (!shown.synced() || !changes.ok()) {
    const Snapshot all = objects_.List("Event");
    std::vector<std::shared_ptr<ObjectBase>> events;
    for (const EntryPtr& entry : all.entries) events.push_back(CoreEvent(*entry));
    return events_.Reset(std::move(events), all.revision);
  }
  for (const CacheEvent& change : changes->events) {
    const Key& key = change.entry->key;
    if (change.type == ChangeType::kDeleted) {
      events_.Erase(key.ns, key.name, change.revision);
    } else {
      events_.Put(CoreEvent(*change.entry), change.revision);
    }
  }
  events_.Advance(changes->upto);
}

// Those of Users, and the catalog; where nobody logs in, also those that their first object has
// made. As old as the User, else as the oldest object.
void Views::FollowNamespaces() {
  const Revision revision = objects_.revision();
  if (namespaces_.cache().synced() && namespaces_.cache().revision() == revision) return;
  std::map<std::string, std::shared_ptr<core::Namespace>> all;
  const auto place_of = [&](const std::string& name) -> core::Namespace& {
    auto& place = all[name];
    if (!place) place = MakeNamespace(name);
    return *place;
  };
  place_of(std::string(v1::kCatalog));
  for (const v1::Kind& kind : v1::Kinds()) {
    if (!kind.namespaced) continue;
    const auto only = all_namespaces_ ? std::string_view() : v1::kCatalog;
    for (const EntryPtr& entry : objects_.List(kind.name, only).entries) {
      auto& created_at = place_of(entry->key.ns).meta.creation_timestamp;
      const auto& own = entry->object->meta.creation_timestamp;
      if (own && (!created_at || *own < *created_at)) created_at = own;
    }
  }
  for (const EntryPtr& entry : objects_.List("User").entries) {
    const Meta& user = entry->object->meta;
    core::Namespace& place = place_of(user.name);
    place.meta.uid = user.uid;
    place.meta.creation_timestamp = user.creation_timestamp;
    place.meta.deletion_timestamp = user.deletion_timestamp;
    if (user.deletion_timestamp) place.status.phase = "Terminating";
  }
  std::vector<std::shared_ptr<ObjectBase>> objects;
  for (auto& [name, place] : all) objects.push_back(std::move(place));
  namespaces_.Replace(std::move(objects), revision);
}

void Views::Run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    LookAfter(lock);
    if (waiting_.empty() && clock_.Now() < NextLook()) {
      clock_.WaitUntil(wake_, lock, NextLook());
      continue;
    }
    // Who asks again and again has the Swarm's managers busy half of the time at most.
    if (!waiting_.empty() && clock_.Now() < looked_at_ + took_) {
      clock_.WaitUntil(wake_, lock, looked_at_ + took_);
      continue;
    }
    std::vector<Done> waiting = std::move(waiting_);
    waiting_.clear();
    hinted_ = false;
    lock.unlock();
    const SteadyTime begin = clock_.Now();
    const Expected<void> result = Read();
    took_ = std::chrono::ceil<Duration>(clock_.Now() - begin);
    for (const Done& done : waiting) done(result);
    waiting.clear();
    lock.lock();
    looked_at_ = clock_.Now();
  }
  std::vector<Done> waiting = std::move(waiting_);
  lock.unlock();
  watch_.reset();
  for (const Done& done : waiting) done(MakeError(Code::kUnavailable, "the server stops"));
}

SteadyTime Views::NextLook() const {
  const bool watched = watched_.contains(pod_kind_) || watched_.contains(node_kind_);
  if (!watched) return SteadyTime::max();
  return looked_at_ + std::max(hinted_ ? kLookAfterHint : kLook, took_ * kRestFactor);
}

// Hints are wanted while somebody watches.
void Views::LookAfter(std::unique_lock<std::mutex>& lock) {
  const bool watched = watched_.contains(pod_kind_) || watched_.contains(node_kind_);
  if (watched == (watch_ != nullptr)) return;
  lock.unlock();
  if (watched) {
    auto watch = swarm_.Subscribe([this](const SwarmHint&) {
      const std::lock_guard hint(mutex_);
      hinted_ = true;
      wake_.notify_all();
    });
    if (watch.ok()) watch_ = std::move(*watch);
  } else {
    watch_.reset();
    last_services_.clear();
  }
  lock.lock();
}

Expected<void> Views::Read() {
  const Context ctx = Context{clock_, stop_.get_token()}.WithTimeout(kReadLimit);
  SwarmPicture picture;
  // In this order: the service of each task that is listed has been listed before, or is new.
  ZOE_ASSIGN(picture.tasks, swarm_.ListTasks(ctx));
  ZOE_ASSIGN(picture.services, swarm_.ListServices(ctx));
  ZOE_ASSIGN(picture.nodes, swarm_.ListNodes(ctx));
  KeepOldServices(picture);
  nodes_.Replace(MakeNodes(picture));
  pods_.Replace(MakePods(picture, [this](const Labels& labels) { return LabelsOfOwner(labels); }));
  return {};
}

Labels Views::LabelsOfOwner(const Labels& service_labels) const {
  const EntryPtr owner =
      objects_.Get({LabelOf(service_labels, kLabelKind), LabelOf(service_labels, kLabelNamespace),
                    LabelOf(service_labels, kLabelName)});
  return owner ? owner->object->meta.labels : Labels();
}

// A service that is removed is gone before its tasks have ended: while these are still told of,
// what they were made of is remembered.
void Views::KeepOldServices(SwarmPicture& picture) {
  std::set<std::string_view> known;
  for (const SwarmService& service : picture.services) known.insert(service.id);
  std::set<std::string_view> wanted;
  for (const SwarmTask& task : picture.tasks) {
    if (!IsTerminal(task.state) && !known.contains(task.service_id)) wanted.insert(task.service_id);
  }
  std::vector<SwarmService> kept;
  for (SwarmService& service : last_services_) {
    if (wanted.contains(service.id)) kept.push_back(std::move(service));
  }
  for (SwarmService& service : kept) {
    service.spec.replicas = 0;
    picture.services.push_back(std::move(service));
  }
  last_services_ = picture.services;
}

const Cache& Api::CacheOf(const v1::Kind& kind) const {
  return kind.view ? views_.CacheOf(kind) : deps_.cache;
}

void Api::View(const ExchangePtr& exchange) {
  const Route& route = exchange->route;
  if (route.subresource == "exec" || route.subresource == "attach") return Exec(exchange);
  if (route.subresource == "portforward") return PortForward(exchange);
  if (route.subresource == "log") return PodLog(exchange);
  views_.Refresh(*route.kind, [this, exchange](const Expected<void>& result) {
    boost::asio::post(exchange->context(), [this, exchange, result] {
      if (result.ok()) return Read(exchange);
      Reply(exchange, ErrorResponse(result.error(), &exchange->route));
    });
  });
}

// Who may not see every namespace, or Quota, sees those that they may get one by one.
void Api::Narrow(const Exchange& exchange, ListOptions& options) {
  const v1::Kind& kind = *options.selection.kind;
  if (kind.view && options.watch) options.keep = views_.KeepCurrent(kind);
  const bool quotas = kind.name == "Quota";
  if (kind.name != "Namespace" && !quotas) return;
  const auto may_get = [&](const std::string& name) {
    Route one = exchange.route;
    one.name = name;
    return auth_.Authorize(exchange.user, "get", one, exchange.request).ok();
  };
  if (may_get("")) return;
  std::vector<std::string> names;
  for (const std::string& name :
       {quotas ? exchange.user.quota : exchange.user.name, std::string(v1::kCatalog)}) {
    if (may_get(name)) names.push_back(name);
  }
  options.selection.names = std::move(names);
}

}  // namespace zoe::server
