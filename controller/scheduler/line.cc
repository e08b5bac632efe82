#include "controller/scheduler/line.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>
#include <tuple>

#include "controller/scheduler/resources.h"

namespace zoe::scheduler {
namespace {

// A size is compared also where no duration is declared.
constexpr double kUsualSeconds = 3600;

double SecondsOf(Duration duration) {
  return std::max(1.0, std::chrono::duration<double>(duration).count());
}

}  // namespace

double Line::KeyOf(const Job& job, const Resources& essential, const Resources& total,
                   WallTime now) const {
  const double share = DominantShare(essential, total);
  const double seconds = job.duration ? SecondsOf(*job.duration) : kUsualSeconds;
  switch (options_.policy) {
    case Policy::kFifo:
    case Policy::kPriority:
    case Policy::kFairShare:
      return 0;
    case Policy::kSize:
      return share * seconds;
    case Policy::kDynamicSize: {
      const double waited =
          std::max(0.0, std::chrono::duration<double>(now - job.queued_at).count());
      return share * seconds / (1 + waited / seconds);
    }
    case Policy::kShortestRemaining: {
      const auto left = job.remaining ? job.remaining : job.duration;
      if (!left) return std::numeric_limits<double>::infinity();
      return share * SecondsOf(*left);
    }
  }
  return 0;
}

bool Line::Before(const JobTable&, const JobSlot& a, const JobSlot& b, const Resources& total,
                  WallTime now) const {
  const bool aged_a = Aged(a.job, now), aged_b = Aged(b.job, now);
  if (aged_a != aged_b) return aged_a;
  if (!aged_a) {
    const auto rule = [&](const JobSlot& s) {
      return std::tuple(TierOf(s.job), KeyOf(s.job, s.essential, total, now));
    };
    if (rule(a) != rule(b)) return rule(a) < rule(b);
  }
  return std::tie(a.job.queued_at, a.job.id) < std::tie(b.job.queued_at, b.job.id);
}

void Line::Enter(const JobTable& jobs, JobNumber job) {
  const JobSlot& slot = jobs.slot(job);
  if (!slot.waits()) return;
  fresh_.push_back({.tier = TierOf(slot.job),
                    .key = 0,
                    .queued_at = slot.job.queued_at,
                    .job = job,
                    .stamp = jobs.stamp(job),
                    .shape = slot.shape,
                    .user = slot.user});
}

void Line::Settle(const JobTable& jobs, const Resources& total, WallTime now) {
  const auto gone = [&](const Place& p) { return jobs.stamp(p.job) != p.stamp; };
  const auto older = [&](const Place& a, const Place& b) {
    if (a.queued_at != b.queued_at) return a.queued_at < b.queued_at;
    return jobs.slot(a.job).job.id < jobs.slot(b.job).job.id;
  };
  const auto sooner = [&](const Place& a, const Place& b) {
    if (a.tier != b.tier) return a.tier < b.tier;
    if (a.key != b.key) return a.key < b.key;
    return older(a, b);
  };
  if (left_ > 0) {
    for (auto* places : {&by_age_, &by_rule_, &fresh_}) std::erase_if(*places, gone);
    left_ = 0;
  }
  const auto key = [&](Place& p) {
    p.key = KeyOf(jobs.slot(p.job).job, jobs.slot(p.job).essential, total, now);
  };
  const bool keyless = options_.policy == Policy::kFifo || options_.policy == Policy::kPriority ||
                       options_.policy == Policy::kFairShare;
  if (!keyless && (total != total_ || options_.policy == Policy::kDynamicSize)) {
    std::ranges::for_each(by_rule_, key);
    std::ranges::sort(by_rule_, sooner);
  }
  total_ = total;
  if (fresh_.empty()) return;
  if (!keyless) std::ranges::for_each(fresh_, key);
  const auto merge = [&](std::vector<Place>& into, const auto& less) {
    std::ranges::sort(fresh_, less);
    const auto middle = static_cast<std::ptrdiff_t>(into.size());
    into.insert(into.end(), fresh_.begin(), fresh_.end());
    std::inplace_merge(into.begin(), into.begin() + middle, into.end(), less);
  };
  merge(by_age_, older);
  if (options_.policy != Policy::kFifo) merge(by_rule_, sooner);
  fresh_.clear();
}

std::optional<WallTime> Line::NextAged(WallTime now) const {
  if (options_.policy == Policy::kFifo) return std::nullopt;
  const auto it = std::ranges::upper_bound(by_age_, now - options_.patience, {}, &Place::queued_at);
  if (it == by_age_.end()) return std::nullopt;
  return it->queued_at + options_.patience;
}

const std::vector<Line::Place>& Line::Order(const JobTable& jobs, const Cluster& cluster,
                                            const std::vector<Resources>& usage, WallTime now) {
  Settle(jobs, cluster.total(), now);
  if (options_.policy == Policy::kFifo) return by_age_;
  const WallTime aged = now - options_.patience;
  const auto old = std::ranges::upper_bound(by_age_, aged, {}, &Place::queued_at);
  order_.assign(by_age_.begin(), old);
  if (options_.policy == Policy::kFairShare) {
    const size_t first = order_.size();
    order_.insert(order_.end(), old, by_age_.end());
    ShareOut(jobs, cluster.total(), usage, first);
  } else if (order_.empty()) {
    return by_rule_;
  } else {
    std::ranges::copy_if(by_rule_, std::back_inserter(order_),
                         [&](const Place& p) { return p.queued_at > aged; });
  }
  return order_;
}

// Those from `first` on, which stand by age: always the next one of the user who would have least
// if all before had started.
void Line::ShareOut(const JobTable& jobs, const Resources& total, std::vector<Resources> usage,
                    size_t first) {
  usage.resize(jobs.users());
  const std::vector<Place> places(order_.begin() + static_cast<std::ptrdiff_t>(first),
                                  order_.end());
  order_.resize(first);
  struct Queue {
    std::vector<uint32_t> places;
    size_t next = 0;
  };
  std::map<int64_t, std::vector<Queue>> tiers;
  for (uint32_t i = 0; i < places.size(); ++i) {
    std::vector<Queue>& queues = tiers[places[i].tier];
    queues.resize(jobs.users());
    queues[static_cast<size_t>(places[i].user)].places.push_back(i);
  }
  struct Turn {
    double share;
    int32_t user, rank;  // by name
  };
  const auto later = [](const Turn& a, const Turn& b) {
    return a.share != b.share ? a.share > b.share : a.rank > b.rank;
  };
  std::vector<int32_t> names(jobs.users()), ranks(jobs.users());
  for (int32_t user = 0; user < static_cast<int32_t>(names.size()); ++user)
    names[static_cast<size_t>(user)] = user;
  std::ranges::sort(names, {}, [&](int32_t user) { return std::string_view(jobs.user(user)); });
  for (size_t i = 0; i < names.size(); ++i)
    ranks[static_cast<size_t>(names[i])] = static_cast<int32_t>(i);
  for (auto& [tier, queues] : tiers) {
    std::vector<Turn> turns;
    for (int32_t user = 0; user < static_cast<int32_t>(queues.size()); ++user) {
      const auto u = static_cast<size_t>(user);
      if (!queues[u].places.empty())
        turns.push_back({DominantShare(usage[u], total), user, ranks[u]});
    }
    std::ranges::make_heap(turns, later);
    while (!turns.empty()) {
      std::ranges::pop_heap(turns, later);
      Turn& turn = turns.back();
      const auto user = static_cast<size_t>(turn.user);
      Queue& queue = queues[user];
      order_.push_back(places[queue.places[queue.next]]);
      Add(usage[user], jobs.shape(order_.back().shape).sum);
      if (++queue.next == queue.places.size()) {
        turns.pop_back();
        continue;
      }
      turn.share = DominantShare(usage[user], total);
      std::ranges::push_heap(turns, later);
    }
  }
}

}  // namespace zoe::scheduler
