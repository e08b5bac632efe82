#include "controller/scheduler/round.h"

#include <algorithm>
#include <tuple>

#include "controller/scheduler/resources.h"

namespace zoe::scheduler {
namespace {

// So many different demands are tried in vain, then those behind wait for the next decision.
constexpr int kDepth = 400;
constexpr uint8_t kOpenFailed = 1, kAllFailed = 2;

// Large ones first: they find room more easily while there is much of it.
double SizeOf(const Resources& request) {
  constexpr double kCpu = 1e9, kMemory = 4.0 * (1 << 30);
  return static_cast<double>(request.cpu_nano) / kCpu +
         static_cast<double>(request.memory_bytes) / kMemory;
}

std::vector<size_t> LargeFirst(const std::vector<Shape::Part>& parts) {
  std::vector<size_t> order(parts.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](size_t i) { return SizeOf(parts[i].request); });
  return order;
}

std::string Count(int32_t replicas, const std::string& service) {
  return std::to_string(replicas) + (replicas == 1 ? " replica of " : " replicas of ") + service;
}

}  // namespace

Round::Round(const World& world, WallTime now, Outcome& outcome)
    : world_(world), now_(now), out_(outcome), board_(outcome.board) {
  out_ = {.now = now, .board = Board(world.cluster, world.options.placement), .use = world.use};
  failed_.resize(world.jobs.shapes());
}

bool Round::Older(JobNumber a, JobNumber b) const {
  const Job &x = slot(a).job, &y = slot(b).job;
  return std::tie(x.queued_at, x.id) < std::tie(y.queued_at, y.id);
}

std::vector<JobNumber> Round::InOrder(const std::set<JobNumber>& jobs) const {
  std::vector<JobNumber> order(jobs.begin(), jobs.end());
  std::ranges::sort(order, [&](JobNumber a, JobNumber b) { return Older(a, b); });
  return order;
}

Round::Draft& Round::DraftOf(JobNumber job, Change change) {
  const auto [it, fresh] = drafts_.try_emplace(job);
  Draft& draft = it->second;
  if (!fresh) return draft;
  const JobSlot& s = slot(job);
  const size_t services = s.job.services.size();
  draft.change = change;
  draft.claims.resize(services);
  draft.taken.resize(services);
  for (size_t i = 0; i < services; ++i) {
    draft.replicas.push_back(change == Change::kStart ? 0 : s.job.services[i].granted);
    draft.within.push_back(change == Change::kStart ? std::vector<NodeNumber>()
                                                    : s.services[i].within);
  }
  return draft;
}

Decision Round::Run() {
  Assume();
  Restore();
  Walk();
  Grow();
  Lift();
  Decision decision;
  Emit(decision);
  decision.next = Next();
  return decision;
}

// ---- what was granted before

void Round::Assume() {
  const std::vector<JobNumber> moving = InOrder(world_.watched.moving);
  for (const JobNumber job : moving) SeeLeaving(job);
  for (const NodeNumber n : world_.cluster.by_id()) {
    something_leaves_ = something_leaves_ || world_.cluster.slot(n).node.leaving != Resources{};
  }
  for (const bool essential : {true, false}) {
    for (const JobNumber job : moving) AssumeFor(job, essential);
  }
}

// The Swarm takes replicas from where most of them are.
void Round::SeeLeaving(JobNumber job) {
  const JobSlot& s = slot(job);
  for (size_t i = 0; i < s.services.size(); ++i) {
    Standing standing = StandingOf(world_.cluster, s.job.services[i], s.services[i]);
    if (standing.leaving == 0) continue;
    something_leaves_ = true;
    Spots spots;
    for (const Spot& spot : s.services[i].seen) {
      if (world_.cluster.slot(spot.node).known) spots.push_back(spot);
    }
    for (; standing.leaving > 0; --standing.leaving)
      board_.Leave(Board::kSoon, s.job.services[i].request, TakeOne(spots));
  }
}

void Round::AssumeFor(JobNumber job, bool essential) {
  const JobSlot& s = slot(job);
  Parts broken;
  for (size_t i = 0; i < s.services.size(); ++i) {
    const Service& service = s.job.services[i];
    const Standing standing = StandingOf(world_.cluster, service, s.services[i]);
    const int32_t replicas = essential ? standing.essential : standing.missing - standing.essential;
    if (replicas == 0) continue;
    // The Swarm knows one service: what its essential replicas claim on each node that they may
    // come to is no claim on its elastic ones.
    Claimed& claimed = assumed_[{job, i}];
    board_.Unclaim(service.request, claimed.spots);
    int32_t left = 0;
    claimed.spots = board_.Assume({.clas = &world_.cluster.clas(s.services[i].clas),
                                   .request = service.request,
                                   .replicas = claimed.replicas + replicas,
                                   .standing = &s.services[i].seen,
                                   .within = &s.services[i].within},
                                  left);
    board_.Claim(service.request, claimed.spots);
    claimed.replicas += replicas - left;
    Add(out_.assumed, service.request, replicas - left);
    if (left == 0 || !s.runs()) continue;
    if (essential) {
      broken.push_back({s.services[i].clas, service.request, left});
    } else {
      Draft& draft = DraftOf(job, Change::kShrink);
      draft.replicas[i] -= left;
      Add(out_.use[static_cast<size_t>(s.user)].resources, service.request, -left);
      draft.reason = "NoRoom";
      draft.message = "no node is left for " + Count(left, service.name);
    }
  }
  if (!broken.empty()) broken_.emplace_back(job, std::move(broken));
}

void Round::Requeue(JobNumber job, std::string reason, std::string message) {
  Draft& draft = DraftOf(job, Change::kRequeue);
  draft.change = Change::kRequeue;
  std::ranges::fill(draft.replicas, 0);
  for (auto& within : draft.within) within.clear();
  draft.reason = std::move(reason);
  draft.message = std::move(message);
}

// Essentials that stand nowhere come before everybody who waits; what finds no node for too long
// goes back to its place in the queue.
void Round::Restore() {
  for (const JobNumber job : InOrder(world_.watched.stuck)) {
    const JobSlot& s = slot(job);
    if (!s.runs() || *s.job.stuck_since + world_.options.restore > now_) continue;
    Requeue(job, "NodeLost",
            "its essential replicas found no node for " + FormatAge(now_ - *s.job.stuck_since));
  }
  for (const auto& [job, parts] : broken_) {
    if (drafts_.contains(job) && drafts_.at(job).change == Change::kRequeue) continue;
    if (!Promise(job, parts, 0)) Reclaim(job, parts, 0);
  }
}

// ---- those who wait

void Round::Walk() {
  std::vector<Resources> usage;
  if (world_.options.policy == Policy::kFairShare) {
    for (const Use& use : out_.use) usage.push_back(use.resources);
  }
  const auto& order = world_.line.Order(world_.jobs, world_.cluster, usage, now_);
  out_.waiting.reserve(order.size());
  SeeMost();
  now_bounds_ = BoundsOf(Board::kNow);
  most_bounds_ = BoundsOf(Board::kMost);
  for (const Line::Place& place : order) {
    if (!Consider(place)) out_.waiting.push_back({place.job, place.stamp});
  }
}

// True if it starts.
bool Round::Consider(const Line::Place& place) {
  uint8_t& failed = failed_[static_cast<size_t>(place.shape)];
  const bool done =
      (failed & kAllFailed) != 0 || (out_.kept && (failed & kOpenFailed) != 0 && !out_.shadow);
  if ((done || looked_ >= kDepth) && out_.head && !world_.options.preempt) return false;
  const JobSlot& s = slot(place.job);
  // Those which have ended before the first one can start are in nobody's way.
  const bool passes = out_.shadow && s.job.duration && now_ + *s.job.duration <= *out_.shadow;
  const uint8_t closed = out_.kept && !passes ? Board::kForHead : 0;
  const uint8_t bit = closed != 0 ? kOpenFailed : kAllFailed;
  Shape& shape = world_.jobs.shape(place.shape);
  const bool large = !most_bounds_.Allow(shape);
  if ((failed & bit) == 0 && !large && looked_ < kDepth) {
    if (!Possible(shape)) {
      failed |= kAllFailed | kOpenFailed;
      return false;
    }
    if (!WithinLimits(s, s.essential, true) && !ReclaimWithinLimits(place.job, shape.parts, closed))
      return false;
    if (now_bounds_.Allow(shape) && Start(place.job, closed)) return true;
    if (Promise(place.job, shape.parts, closed) || Reclaim(place.job, shape.parts, closed))
      return false;
    ++looked_;
  }
  failed |= closed != 0 ? kOpenFailed : kAllFailed | kOpenFailed;
  if (out_.head && !world_.options.preempt) return false;
  if (!Possible(shape) || !WithinLimits(s, s.essential, true)) return false;
  if (Preempt(place.job, shape.parts, closed)) return false;
  if (!out_.head) {
    out_.head = place.job;
    if (now_ - s.job.queued_at >= world_.options.backfill) Keep(place.job);
  }
  return false;
}

Round::Bounds Round::BoundsOf(Board::Room room) const {
  Bounds bounds;
  for (const NodeNumber n : world_.cluster.by_id()) {
    if (!world_.cluster.slot(n).node.schedulable) continue;
    const Resources& r = board_.room(room, n);
    const Resources some = {std::max<int64_t>(0, r.cpu_nano), std::max<int64_t>(0, r.memory_bytes)};
    bounds.largest.cpu_nano = std::max(bounds.largest.cpu_nano, some.cpu_nano);
    bounds.largest.memory_bytes = std::max(bounds.largest.memory_bytes, some.memory_bytes);
    Add(bounds.sum, some);
  }
  return bounds;
}

bool Round::Bounds::Allow(const Shape& shape) const {
  return Fits(shape.sum, sum) && std::ranges::all_of(shape.parts, [&](const Shape::Part& part) {
           return Fits(part.request, largest);
         });
}

bool Round::Possible(Shape& shape) {
  if (shape.judged == world_.cluster.version()) return shape.possible;
  shape.judged = world_.cluster.version();
  shape.possible = Place(Empty(), shape.parts, Board::kNow, 0, false).has_value();
  return shape.possible;
}

Board& Round::Empty() {
  if (!empty_) empty_.emplace(world_.cluster, Placement::kPack, true);
  return *empty_;
}

bool Round::WithinLimits(const JobSlot& s, const Resources& more, bool starts) const {
  const auto it = world_.limits.find(s.job.user);
  if (it == world_.limits.end()) return true;
  const Limits& limits = it->second;
  const Use& use = out_.use[static_cast<size_t>(s.user)];
  const auto fits = [](const std::optional<int64_t>& limit, int64_t used, int64_t asked) {
    return !limit || asked == 0 || Sum(used, asked) <= *limit;
  };
  return fits(limits.executions, use.executions, starts ? 1 : 0) &&
         fits(limits.services, use.services,
              starts ? static_cast<int64_t>(s.services.size()) : 0) &&
         fits(limits.cpu_nano, use.resources.cpu_nano, more.cpu_nano) &&
         fits(limits.memory_bytes, use.resources.memory_bytes, more.memory_bytes);
}

std::optional<std::vector<Spots>> PlaceAll(const Cluster& cluster, Board& board, const Parts& parts,
                                           Board::Room room, uint8_t closed, bool keep) {
  std::vector<Spots> claims(parts.size());
  bool all = true;
  const std::vector<size_t> order = LargeFirst(parts);
  size_t placed = 0;
  for (; placed < order.size(); ++placed) {
    const Shape::Part& part = parts[order[placed]];
    auto spots = board.Choose(
        {.clas = &cluster.clas(part.clas), .request = part.request, .replicas = part.replicas},
        room, closed);
    all = spots.has_value();
    if (!all) break;
    board.Claim(part.request, *spots);
    claims[order[placed]] = std::move(*spots);
  }
  if (!all || !keep) {
    while (placed-- > 0) board.Unclaim(parts[order[placed]].request, claims[order[placed]]);
  }
  if (!all) return std::nullopt;
  return claims;
}

bool Round::Start(JobNumber job, uint8_t closed) {
  const JobSlot& s = slot(job);
  const Parts& parts = world_.jobs.shape(s.shape).parts;
  auto claims = Place(board_, parts, Board::kNow, closed, true);
  if (!claims) return false;
  Draft& draft = DraftOf(job, Change::kStart);
  draft.reason = "Admitted";
  size_t part = 0;
  for (size_t i = 0; i < s.services.size(); ++i) {
    const Service& service = s.job.services[i];
    draft.replicas[i] = std::min(service.essential, service.total);
    if (draft.replicas[i] == 0) continue;
    draft.claims[i] = std::move((*claims)[part++]);
    for (const Spot& spot : draft.claims[i]) draft.within[i].push_back(spot.node);
  }
  Use& use = out_.use[static_cast<size_t>(s.user)];
  ++use.executions;
  use.services += static_cast<int64_t>(s.services.size());
  Add(use.resources, s.essential);
  Add(out_.assumed, s.essential);
  started_.push_back(job);
  return true;
}

// ---- the result

void Round::Emit(Decision& decision) {
  std::vector<JobNumber> order;
  for (const auto& [job, draft] : drafts_) {
    if (draft.change != Change::kStart) order.push_back(job);
  }
  std::ranges::sort(order, [&](JobNumber a, JobNumber b) {
    const Change x = drafts_.at(a).change, y = drafts_.at(b).change;
    const auto rank = [](Change c) { return c == Change::kGrow ? 1 : 0; };
    if (rank(x) != rank(y)) return rank(x) < rank(y);
    return slot(a).job.id < slot(b).job.id;
  });
  const auto grows = std::ranges::find_if(
      order, [&](JobNumber job) { return drafts_.at(job).change == Change::kGrow; });
  order.insert(grows, started_.begin(), started_.end());
  for (const JobNumber job : order) {
    Draft& draft = drafts_.at(job);
    const JobSlot& s = slot(job);
    Grant grant{.job = s.job.id, .change = draft.change, .replicas = draft.replicas};
    for (size_t i = 0; i < draft.within.size(); ++i) {
      std::vector<std::string>& ids = grant.nodes.emplace_back();
      for (const NodeNumber n : draft.within[i]) ids.push_back(world_.cluster.slot(n).node.id);
      std::ranges::sort(ids);
      if (draft.taken[i] == 0) continue;
      if (!draft.message.empty()) draft.message += "; ";
      draft.message += Count(draft.taken[i], s.job.services[i].name) +
                       (draft.taken[i] == 1 ? " gives way to " : " give way to ") + draft.taker;
    }
    grant.reason = std::move(draft.reason);
    grant.message = std::move(draft.message);
    decision.grants.push_back(std::move(grant));
  }
}

std::optional<WallTime> Round::Next() const {
  std::optional<WallTime> next;
  const auto at = [&](const std::optional<WallTime>& time) {
    if (time && *time > now_ && (!next || *time < *next)) next = time;
  };
  for (const JobNumber job : world_.watched.stuck) {
    if (slot(job).runs()) at(*slot(job).job.stuck_since + world_.options.restore);
  }
  if (out_.waiting.empty()) return next;
  at(world_.line.NextAged(now_));
  if (out_.head) at(slot(*out_.head).job.queued_at + world_.options.backfill);
  return next;
}

}  // namespace zoe::scheduler
