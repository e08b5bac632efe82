#include "controller/scheduler/line.h"

#include <algorithm>
#include <limits>
#include <map>
#include <queue>
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
                    .shape = slot.shape});
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
  std::map<int64_t, std::map<int32_t, std::vector<Place>>> tiers;
  for (size_t i = first; i < order_.size(); ++i)
    tiers[order_[i].tier][jobs.slot(order_[i].job).user].push_back(order_[i]);
  order_.resize(first);
  usage.resize(jobs.users());
  struct Turn {
    double share;
    const std::string* user;
    int32_t number;
    bool operator>(const Turn& o) const {
      return std::tie(share, *user) > std::tie(o.share, *o.user);
    }
  };
  for (auto& [tier, users] : tiers) {
    std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns;
    std::map<int32_t, size_t> next;
    const auto queue = [&](int32_t user) {
      turns.push({DominantShare(usage[static_cast<size_t>(user)], total), &jobs.user(user), user});
    };
    for (const auto& [user, places] : users) queue(user);
    while (!turns.empty()) {
      const int32_t user = turns.top().number;
      turns.pop();
      const std::vector<Place>& places = users[user];
      size_t& at = next[user];
      order_.push_back(places[at]);
      Add(usage[static_cast<size_t>(user)], jobs.slot(places[at].job).essential);
      if (++at < places.size()) queue(user);
    }
  }
}

}  // namespace zoe::scheduler
