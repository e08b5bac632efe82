// How a round shares out what is left, and lets the Swarm choose where it may.
#include <algorithm>
#include <tuple>

#include "controller/scheduler/resources.h"
#include "controller/scheduler/round.h"

namespace zoe::scheduler {
namespace {

constexpr uint8_t kClosed = Board::kForHead | Board::kForGrowth;
// After so many turns around all of them, each gets twice as many replicas at a time.
constexpr int kTurns = 8;
// After so many attempts in vain the others grow in a later round.
constexpr int kFailures = 50;
// With more starts at once, each stays on its nodes.
constexpr size_t kMostToLift = 8;

// What a job is expected to take in all: its share with all replicas, for its duration. One that
// says none may last for as long as it has been here: most are short, and those that are not show
// it. What remains by the clock would put first who has long had too few replicas.
double Need(const Job& job, const Resources& total, WallTime now) {
  Resources all;
  for (const Service& service : job.services) Add(all, service.request, service.total);
  const std::chrono::duration<double> time = job.duration.value_or(now - job.queued_at);
  return DominantShare(all, total) * std::max(1.0, time.count());
}

}  // namespace

// Where a size is compared, who is expected to need least gets all that it can use; else each gets
// one in turn.
void Round::Grow() {
  struct Hungry {
    JobNumber job;
    size_t service;
    double key;
    bool done = false;
  };
  std::vector<Hungry> hungry;
  bool appetite = !started_.empty();
  for (const auto& [one, times] : world_.watched.appetites) appetite = appetite || RoomFor(one);
  if (!appetite) return;
  const auto look = [&](JobNumber job) {
    const JobSlot& s = slot(job);
    const double key = Need(s.job, world_.cluster.total(), now_);
    for (size_t i = 0; i < s.services.size(); ++i) {
      if (RoomFor({s.services[i].clas, s.job.services[i].request, 1}) && MayGrow(job, i))
        hungry.push_back({job, i, key});
    }
  };
  for (const JobNumber job : world_.watched.hungry) {
    if (slot(job).runs() && !drafts_.contains(job)) look(job);
  }
  for (const JobNumber job : started_) look(job);
  if (hungry.empty()) return;
  const auto user_share = [&](JobNumber job) {
    return DominantShare(out_.use[static_cast<size_t>(slot(job).user)].resources,
                         world_.cluster.total());
  };
  const bool fair = world_.options.policy == Policy::kFairShare;
  std::ranges::sort(hungry, [&](const Hungry& a, const Hungry& b) {
    const Job &x = slot(a.job).job, &y = slot(b.job).job;
    const auto rank = [&](const Hungry& h, const Job& job) {
      return std::tuple(world_.line.TierOf(job), fair ? user_share(h.job) : h.key, job.queued_at);
    };
    const auto p = rank(a, x), q = rank(b, y);
    return p != q ? p < q : std::tie(x.id, a.service) < std::tie(y.id, b.service);
  });
  const bool greedy = world_.options.policy == Policy::kSize ||
                      world_.options.policy == Policy::kDynamicSize ||
                      world_.options.policy == Policy::kShortestRemaining;
  if (greedy) {
    for (const Hungry& h : hungry) GrowMost(h.job, h.service);
    return;
  }
  // Whoever has the higher priority has enough, or all that there is, before others get anything.
  for (size_t first = 0, end = 0; first < hungry.size(); first = end) {
    const int64_t tier = world_.line.TierOf(slot(hungry[first].job).job);
    while (end < hungry.size() && world_.line.TierOf(slot(hungry[end].job).job) == tier) ++end;
    int32_t by = 1;
    bool any = true;
    for (int turn = 1; any; ++turn) {
      any = false;
      if (turn % kTurns == 0) by *= 2;
      for (size_t i = first; i < end; ++i) {
        Hungry& h = hungry[i];
        if (h.done) continue;
        h.done = !GrowBy(h.job, h.service, by) && (by == 1 || GrowMost(h.job, h.service) == 0);
        any = any || !h.done;
      }
      if (fair) {
        std::stable_sort(hungry.begin() + static_cast<std::ptrdiff_t>(first),
                         hungry.begin() + static_cast<std::ptrdiff_t>(end),
                         [&](const Hungry& a, const Hungry& b) {
                           return user_share(a.job) < user_share(b.job);
                         });
      }
    }
  }
}

// On any node; what is said may be of before a claim.
bool Round::RoomFor(const Shape::Part& one) {
  const auto [it, fresh] = room_for_.try_emplace(one, false);
  if (!fresh) return it->second;
  const Class& clas = world_.cluster.clas(one.clas);
  it->second = std::ranges::any_of(world_.cluster.by_id(), [&](NodeNumber n) {
    return clas.allowed[n] != 0 && !board_.IsClosed(n, kClosed) &&
           Fits(one.request, board_.room(Board::kNow, n));
  });
  return it->second;
}

// A grant that isn't carried out yet is carried out first.
bool Round::MayGrow(JobNumber job, size_t service) const {
  const JobSlot& s = slot(job);
  const Service& told = s.job.services[service];
  const auto draft = drafts_.find(job);
  const int32_t has = draft == drafts_.end() ? told.granted : draft->second.replicas[service];
  if (has >= told.total || told.ended > 0) return false;
  if (!s.job.started) return true;
  const Standing standing = StandingOf(world_.cluster, told, s.services[service]);
  return standing.missing == 0 && standing.leaving == 0;
}

int32_t Round::GrowMost(JobNumber job, size_t service) {
  const auto has = [&] {
    const auto draft = drafts_.find(job);
    return draft == drafts_.end() ? slot(job).job.services[service].granted
                                  : draft->second.replicas[service];
  };
  const int32_t before = has();
  int32_t by = slot(job).job.services[service].total - before;
  for (; by > 0; by = std::min(by / 2, slot(job).job.services[service].total - has()))
    GrowBy(job, service, by);
  return has() - before;
}

bool Round::GrowBy(JobNumber job, size_t service, int32_t by) {
  const JobSlot& s = slot(job);
  const Service& told = s.job.services[service];
  const auto known = drafts_.find(job);
  const int32_t has = known == drafts_.end() ? told.granted : known->second.replicas[service];
  by = std::min(by, told.total - has);
  Resources more;
  Add(more, told.request, by);
  const Shape::Part one{s.services[service].clas, told.request, 1};
  if (by <= 0 || failed_growths_ >= kFailures || !RoomFor(one) || !WithinLimits(s, more, false))
    return false;
  static const Spots kNone;
  const Spots& claimed = known == drafts_.end() ? kNone : known->second.claims[service];
  std::vector<NodeNumber> within =
      known == drafts_.end() ? s.services[service].within : known->second.within[service];
  Ask ask{.clas = &world_.cluster.clas(s.services[service].clas), .request = told.request};
  board_.Unclaim(told.request, claimed);
  std::optional<Spots> spots;
  if (!s.job.started) {
    ask.replicas = has + by;
    spots = board_.Choose(ask, Board::kNow, kClosed);
    within.clear();
  } else {
    ask.replicas = has + by - told.granted;
    ask.standing = &s.services[service].seen;
    ask.within = &within;
    spots = within.empty() ? board_.Anywhere(ask, kClosed) : board_.Extend(ask, kClosed);
  }
  if (!spots) {
    board_.Claim(told.request, claimed);
    room_for_.erase(one);
    ++failed_growths_;
    return false;
  }
  board_.Claim(told.request, *spots);
  Draft& draft = DraftOf(job, Change::kGrow);
  if (!s.job.started || !within.empty()) {
    for (const Spot& spot : *spots) {
      if (spot.replicas > 0 && std::ranges::find(within, spot.node) == within.end())
        within.push_back(spot.node);
    }
    draft.within[service] = within;
  }
  draft.claims[service] = std::move(*spots);
  draft.replicas[service] += by;
  if (draft.change == Change::kGrow) draft.reason = "Grown";
  Add(out_.use[static_cast<size_t>(s.user)].resources, more);
  Add(out_.assumed, more);
  return true;
}

// ---- where the Swarm may choose

// A service stays on the nodes that were found for it only where something else could be pushed
// aside otherwise.
void Round::Lift() {
  if (world_.options.placement != Placement::kSwarm || started_.size() > kMostToLift) return;
  for (const JobNumber job : started_) {
    Draft& draft = drafts_.at(job);
    for (size_t i = 0; i < draft.within.size(); ++i) LiftService(job, draft, i);
  }
}

bool Round::LiftService(JobNumber job, Draft& draft, size_t service) {
  if (draft.replicas[service] == 0) return false;
  const JobSlot& s = slot(job);
  const Resources& request = s.job.services[service].request;
  const int32_t replicas = draft.replicas[service];
  board_.Unclaim(request, draft.claims[service]);
  auto spots = board_.Anywhere({.clas = &world_.cluster.clas(s.services[service].clas),
                                .request = request,
                                .replicas = replicas},
                               kClosed);
  int64_t claimed = 0;
  // Claims in many places cost others room until the Swarm has chosen: at most half of it.
  const auto cheap = [&](const Spot& spot) {
    Resources twice;
    Add(twice, request, int64_t{2} * spot.replicas);
    return spot.replicas == 0 || Fits(twice, board_.room(Board::kNow, spot.node));
  };
  if (spots) {
    for (const Spot& spot : *spots) claimed += spot.replicas;
    if (claimed > replicas && !std::ranges::all_of(*spots, cheap)) spots.reset();
  }
  if (!spots) {
    board_.Claim(request, draft.claims[service]);
    return false;
  }
  board_.Claim(request, *spots);
  draft.claims[service] = std::move(*spots);
  draft.within[service].clear();
  return true;
}

}  // namespace zoe::scheduler
