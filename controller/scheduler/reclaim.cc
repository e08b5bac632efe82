// How a round makes room for who waits, and keeps it.
#include <algorithm>
#include <tuple>

#include "controller/scheduler/resources.h"
#include "controller/scheduler/round.h"

namespace zoe::scheduler {
namespace {

constexpr int kTriesToGiveBack = 64;

}  // namespace

// Room as it would be without all elastic replicas.
void Round::SeeMost() {
  if (seen_most_) return;
  seen_most_ = true;
  board_.Copy(Board::kSoon, Board::kMost);
  if (!world_.options.reclaim) return;
  for (const NodeNumber n : world_.cluster.by_id())
    board_.Leave(Board::kMost, world_.cluster.slot(n).spare, {n, 1});
  for (const auto& [job, draft] : drafts_) {
    if (draft.change != Change::kRequeue) continue;
    const JobSlot& s = slot(job);
    for (size_t i = 0; i < s.services.size(); ++i) {
      for (const Spot& spot : s.services[i].spare)
        board_.Leave(Board::kMost, s.job.services[i].request, {spot.node, -spot.replicas});
    }
  }
}

// Who has elastic replicas that stand.
void Round::FindVictims() {
  if (found_victims_) return;
  found_victims_ = true;
  for (const JobNumber job : world_.watched.rich) {
    const JobSlot& s = slot(job);
    const auto draft = drafts_.find(job);
    if (!s.runs() || (draft != drafts_.end() && draft->second.change == Change::kRequeue)) continue;
    Victim victim{.job = job};
    int32_t all = 0;
    for (size_t i = 0; i < s.services.size(); ++i) {
      int32_t spare = 0;
      for (const Spot& spot : s.services[i].spare) spare += spot.replicas;
      all += spare;
      victim.spare.push_back(spare);
      Spots& spots = victim.standing.emplace_back();
      for (const Spot& spot : s.services[i].seen) {
        if (world_.cluster.slot(spot.node).known) spots.push_back(spot);
      }
      Add(victim.spared, s.job.services[i].request, spare);
    }
    if (all == 0) continue;
    Add(spared_[s.user], victim.spared);
    victims_.push_back(std::move(victim));
  }
}

// Room for it is on its way: nobody else's.
bool Round::Promise(JobNumber job, const Parts& parts, uint8_t closed) {
  if (!something_leaves_) return false;
  if (!Place(board_, parts, Board::kSoon, closed, true)) return false;
  out_.promised.insert(job);
  for (const Shape::Part& part : parts) {
    for (const NodeNumber n : world_.cluster.by_id()) {
      if (world_.cluster.clas(part.clas).allowed[n] != 0) board_.Close(n, Board::kForGrowth);
    }
  }
  return true;
}

// With -1 it leaves, with 1 it stays.
void Round::GiveBack(const Taken& taken, int sign) {
  Victim& victim = victims_[taken.victim];
  const Resources& request = slot(victim.job).job.services[taken.service].request;
  board_.Leave(Board::kSoon, request, {taken.node, -sign});
  Add(victim.spared, request, sign);
  Add(spared_[slot(victim.job).user], request, sign);
  victim.spare[taken.service] += sign;
  for (Spot& spot : victim.standing[taken.service]) {
    if (spot.node == taken.node) spot.replicas += sign;
  }
}

// It is to leave, for that job.
void Round::Tell(const Taken& taken, JobNumber taker) {
  Draft& draft = DraftOf(victims_[taken.victim].job, Change::kShrink);
  const JobSlot& s = slot(victims_[taken.victim].job);
  --draft.replicas[taken.service];
  ++draft.taken[taken.service];
  Add(out_.use[static_cast<size_t>(s.user)].resources, s.job.services[taken.service].request, -1);
  draft.reason = "Reclaimed";
  if (draft.taker.empty()) draft.taker = NameFor(s.job, slot(taker).job);
  something_leaves_ = true;
}

// Where only elastic replicas of its own user are in the way of its limits, these give way: those
// of the richest job first.
bool Round::ReclaimWithinLimits(JobNumber job, const Parts& parts, uint8_t closed) {
  if (!world_.options.reclaim || world_.watched.rich.empty()) return false;
  FindVictims();
  const JobSlot& s = slot(job);
  const auto spared = spared_.find(s.user);
  if (spared == spared_.end()) return false;
  Resources without = s.essential;
  Add(without, spared->second, -1);
  if (!WithinLimits(s, without, true)) return false;
  SeeMost();
  if (!Place(board_, parts, Board::kMost, closed, false)) return false;
  while (!WithinLimits(s, s.essential, true)) {
    size_t richest = victims_.size();
    for (size_t v = 0; v < victims_.size(); ++v) {
      if (slot(victims_[v].job).user != s.user || std::ranges::max(victims_[v].spare) == 0)
        continue;
      if (richest == victims_.size() || Richer(richest, v)) richest = v;
    }
    if (richest == victims_.size()) return false;
    const Victim& victim = victims_[richest];
    const auto i =
        static_cast<size_t>(std::ranges::max_element(victim.spare) - victim.spare.begin());
    const Spot& most = *std::ranges::max_element(victim.standing[i], {}, &Spot::replicas);
    const Taken taken{richest, i, most.node};
    GiveBack(taken, -1);
    Tell(taken, job);
  }
  return true;
}

bool Round::Richer(size_t a, size_t b) const {
  const Victim &x = victims_[a], &y = victims_[b];
  const double p = DominantShare(x.spared, world_.cluster.total()),
               q = DominantShare(y.spared, world_.cluster.total());
  return p != q ? p < q : Older(x.job, y.job);
}

// Elastic replicas of the richest give way, no more of them than it takes.
bool Round::Reclaim(JobNumber job, const Parts& parts, uint8_t closed) {
  if (!world_.options.reclaim) return false;
  if (world_.watched.rich.empty()) return false;
  SeeMost();
  if (!Place(board_, parts, Board::kMost, closed, false)) return false;
  FindVictims();
  const auto useful = [&](const Spot& spot) {
    return spot.replicas > 0 && !board_.IsClosed(spot.node, closed) &&
           std::ranges::any_of(parts, [&](const Shape::Part& part) {
             return world_.cluster.clas(part.clas).allowed[spot.node] != 0;
           });
  };
  const auto richer = [&](size_t a, size_t b) { return Richer(a, b); };
  std::vector<size_t> heap;
  for (size_t v = 0; v < victims_.size(); ++v) {
    if (victims_[v].job != job) heap.push_back(v);
  }
  std::ranges::make_heap(heap, richer);
  std::vector<Taken> taken;
  // One replica of the victim, from where most of its service are, as the Swarm does.
  const auto take = [&](size_t v) {
    Victim& victim = victims_[v];
    for (size_t i = victim.spare.size(); i-- > 0;) {
      if (victim.spare[i] == 0 || std::ranges::none_of(victim.standing[i], useful)) continue;
      const Spot most = *std::ranges::max_element(victim.standing[i], [&](auto& a, auto& b) {
        return std::tuple(a.replicas, useful(a)) < std::tuple(b.replicas, useful(b));
      });
      taken.push_back({v, i, most.node});
      GiveBack(taken.back(), -1);
      return true;
    }
    return false;
  };
  bool enough = false;
  for (size_t test = 1; !enough && !heap.empty();) {
    std::ranges::pop_heap(heap, richer);
    if (take(heap.back())) {
      std::ranges::push_heap(heap, richer);
    } else {
      heap.pop_back();
    }
    if (taken.size() < test && !heap.empty()) continue;
    enough = Place(board_, parts, Board::kSoon, closed, false).has_value();
    test = taken.size() * 2;
  }
  std::vector<Taken> kept;
  int tries = 0;
  while (!taken.empty()) {
    const Taken last = taken.back();
    taken.pop_back();
    GiveBack(last, 1);
    if (!enough) continue;
    if (tries < kTriesToGiveBack) {
      ++tries;
      if (Place(board_, parts, Board::kSoon, closed, false)) continue;
    }
    GiveBack(last, -1);
    kept.push_back(last);
  }
  if (!enough) return false;
  for (const Taken& t : kept) Tell(t, job);
  return Promise(job, parts, closed);
}

// Whole executions of lower priority give way: the lowest first, of those the youngest. One that
// would come first again when it waits is left alone.
bool Round::Preempt(JobNumber job, const Parts& parts, uint8_t closed) {
  const JobSlot& s = slot(job);
  if (!world_.options.preempt || world_.options.policy == Policy::kFifo) return false;
  const auto known = not_preempting_.find(s.shape);
  if (known != not_preempting_.end() && s.job.priority <= known->second) return false;
  std::vector<JobNumber> victims;
  for (JobNumber n = 0; n < world_.jobs.size(); ++n) {
    const JobSlot& v = slot(n);
    if (!v.runs() || v.job.priority >= s.job.priority) continue;
    if (world_.line.Before(world_.jobs, v, s, world_.cluster.total(), now_)) continue;
    const auto draft = drafts_.find(n);
    if (draft != drafts_.end() && draft->second.change == Change::kRequeue) continue;
    victims.push_back(n);
  }
  std::ranges::sort(victims, [&](JobNumber a, JobNumber b) {
    const int32_t p = slot(a).job.priority, q = slot(b).job.priority;
    return p != q ? p < q : Older(b, a);
  });
  const auto leave = [&](JobNumber n, int sign) {
    const JobSlot& v = slot(n);
    for (size_t i = 0; i < v.services.size(); ++i) {
      for (const Spot& spot : v.services[i].seen)
        board_.Leave(Board::kSoon, v.job.services[i].request, {spot.node, spot.replicas * sign});
    }
  };
  const auto fits = [&] { return Place(board_, parts, Board::kSoon, closed, false).has_value(); };
  std::vector<JobNumber> chosen;
  bool enough = false;
  for (size_t i = 0; i < victims.size() && !enough; ++i) {
    if (drafts_.contains(victims[i])) continue;  // what it gives already isn't given twice
    leave(victims[i], 1);
    chosen.push_back(victims[i]);
    enough = fits();
  }
  for (size_t i = chosen.size(); i-- > 0;) {
    leave(chosen[i], -1);
    if (enough && !fits()) {
      leave(chosen[i], 1);
      continue;
    }
    chosen.erase(chosen.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (!enough) {
    not_preempting_[s.shape] = s.job.priority;
    return false;
  }
  for (const JobNumber n : chosen)
    Requeue(n, "Preempted", "gives way to " + NameFor(slot(n).job, s.job));
  something_leaves_ = true;
  return Promise(job, parts, closed);
}

// ---- the first one in the queue

// Closes the nodes on which it can start first, as far as durations tell; else those on which it
// would stand if it were alone: the same ones each time, so that they do become free.
void Round::Keep(JobNumber head) {
  out_.kept = true;
  const Parts& parts = world_.jobs.shape(slot(head).shape).parts;
  if (KeepByTime(parts)) return;
  out_.shadow.reset();
  const auto claims = Place(Empty(), parts, Board::kNow, 0, false);
  if (!claims) return;
  for (const Spots& spots : *claims) {
    for (const Spot& spot : spots) board_.Close(spot.node, Board::kForHead);
  }
}

bool Round::KeepByTime(const Parts& parts) {
  board_.Copy(Board::kMost, Board::kLater);
  const auto end = [&](JobNumber n, int sign) {
    const JobSlot& s = slot(n);
    for (size_t i = 0; i < s.services.size(); ++i) {
      for (const Spot& spot : s.services[i].seen) {
        if (world_.cluster.slot(spot.node).known)
          board_.Leave(Board::kLater, s.job.services[i].request, {spot.node, spot.replicas * sign});
      }
    }
  };
  // Those that end together count together. First in growing strides, then back to the first end
  // that is enough.
  const auto& ends = world_.watched.ends;
  std::vector<std::vector<JobNumber>> groups;
  std::vector<Duration> times;
  auto next = ends.begin();
  const auto fits = [&] { return Place(board_, parts, Board::kLater, 0, false); };
  const auto apply = [&](size_t group, int sign) {
    for (const JobNumber n : groups[group]) end(n, sign);
  };
  for (size_t step = 1; next != ends.end() && !fits(); step *= 2) {
    for (size_t i = 0; i < step && next != ends.end(); ++i) {
      times.push_back(next->first);
      std::vector<JobNumber>& group = groups.emplace_back();
      for (; next != ends.end() && next->first == times.back(); ++next)
        group.push_back(next->second);
      apply(groups.size() - 1, 1);
    }
  }
  if (!fits()) return false;
  size_t low = 0, done = groups.size();
  while (low < done) {
    const size_t middle = low + (done - low) / 2;
    for (size_t i = done; i-- > middle;) apply(i, -1);
    if (fits()) {
      done = middle;
    } else {
      for (size_t i = middle; i < done; ++i) apply(i, 1);
      low = middle + 1;
    }
  }
  const auto claims = fits();
  if (!claims) return false;
  for (const Spots& spots : *claims) {
    for (const Spot& spot : spots) board_.Close(spot.node, Board::kForHead);
  }
  out_.shadow = now_ + (done == 0 ? Duration(0) : times[done - 1]);
  return true;
}

}  // namespace zoe::scheduler
