#include "controller/scheduler/board.h"

#include <algorithm>
#include <tuple>

#include "controller/scheduler/resources.h"

namespace zoe::scheduler {

Board::Board(const Cluster& cluster, Placement placement, bool empty)
    : cluster_(&cluster),
      placement_(placement),
      free_(cluster.size()),
      tasks_(cluster.size()),
      closed_(cluster.size()),
      position_(cluster.size()),
      rank_(cluster.size(), -1) {
  uint32_t position = 0;
  for (const NodeNumber n : cluster.by_id()) {
    const NodeSlot& slot = cluster.slot(n);
    position_[n] = position++;
    free_[n] = slot.node.capacity;
    Add(free_[n], slot.node.foreign, -1);
    tasks_[n] = slot.node.foreign_tasks;
    if (empty) {
      Add(free_[n], slot.node.leaving, 1);
      continue;
    }
    Add(free_[n], slot.held, -1);
    tasks_[n] += slot.held_tasks;
  }
  rooms_.fill(free_);
  for (const NodeNumber n : cluster.by_id()) {
    if (!empty) Add(rooms_[kSoon][n], cluster.slot(n).node.leaving, 1);
  }
  for (const NodeNumber n : cluster.by_id()) {
    if (cluster.slot(n).node.schedulable) Move(n);
  }
}

int Board::Rank(NodeNumber n) const {
  if (placement_ == Placement::kSwarm) return std::min(tasks_[n], kRanks - 1);
  const double free = DominantShare(rooms_[kNow][n], cluster_->slot(n).node.capacity);
  const int rank = std::clamp(static_cast<int>(free * kRanks), 0, kRanks - 1);
  return placement_ == Placement::kPack ? rank : kRanks - 1 - rank;
}

void Board::Move(NodeNumber n) {
  const int rank = Rank(n);
  if (rank == rank_[n]) return;
  const auto place = [&](std::vector<NodeNumber>& nodes) {
    return std::ranges::lower_bound(nodes, position_[n], {},
                                    [&](NodeNumber i) { return position_[i]; });
  };
  if (rank_[n] >= 0) {
    auto& before = ranked_[static_cast<size_t>(rank_[n])];
    before.erase(place(before));
  }
  auto& nodes = ranked_[static_cast<size_t>(rank)];
  nodes.insert(place(nodes), n);
  rank_[n] = static_cast<int8_t>(rank);
}

void Board::Claim(const Resources& request, const Spots& spots, int64_t times) {
  for (const Spot& spot : spots) {
    for (auto& room : rooms_) Add(room[spot.node], request, -spot.replicas * times);
    tasks_[spot.node] += static_cast<int32_t>(spot.replicas * times);
    if (rank_[spot.node] >= 0) Move(spot.node);
  }
}

bool Board::Open(const Ask& ask, NodeNumber n, uint8_t closed) const {
  return ask.clas->allowed[n] != 0 && (closed_[n] & closed) == 0;
}

Board::Candidate Board::Look(const Ask& ask, Room room, NodeNumber n) const {
  Candidate c{n, Slots(rooms_[room][n], ask.request, ask.replicas),
              Slots(free_[n], ask.request, ask.replicas), 0};
  if (ask.standing == nullptr) return c;
  for (const Spot& spot : *ask.standing) {
    if (spot.node == n) c.standing += spot.replicas;
  }
  return c;
}

// The smallest level up to which the nodes take all replicas.
std::optional<int32_t> Board::LevelOf(const std::vector<Candidate>& nodes, int32_t replicas) {
  int32_t low = 0, high = replicas;
  const auto taken = [&](int32_t level) {
    int64_t sum = 0;
    for (const Candidate& c : nodes) sum += std::min(c.slots, std::max(0, level - c.standing));
    return sum;
  };
  for (const Candidate& c : nodes) high = std::max(high, c.standing + replicas);
  if (taken(high) < replicas) return std::nullopt;
  while (high - low > 1) {
    const int32_t middle = low + (high - low) / 2;
    (taken(middle) >= replicas ? high : low) = middle;
  }
  return high;
}

// Claims on these nodes, or fewer of them if `fixed` is false. A node that may get more than it has
// room for is left out.
std::optional<Spots> Board::Fill(std::vector<Candidate> nodes, int32_t replicas, bool fixed) {
  while (true) {
    const auto level = LevelOf(nodes, replicas);
    if (!level) return std::nullopt;
    const auto most = [&](const Candidate& c) {
      return std::min(c.physical, std::max(0, *level - c.standing));
    };
    const auto bad = [&](const Candidate& c) { return most(c) > c.slots; };
    if (std::ranges::none_of(nodes, bad)) {
      Spots spots;
      for (const Candidate& c : nodes) spots.push_back({c.node, most(c)});
      return spots;
    }
    if (fixed) return std::nullopt;
    std::erase_if(nodes, bad);
  }
}

std::optional<Spots> Board::Choose(const Ask& ask, Room room, uint8_t closed) const {
  return placement_ == Placement::kPack ? Pack(ask, room, closed) : Spread(ask, room, closed);
}

// One on each of the first nodes that have room; all that have, where they are too few.
std::optional<Spots> Board::Spread(const Ask& ask, Room room, uint8_t closed) const {
  Spots spots;
  for (const auto& nodes : ranked_) {
    for (const NodeNumber n : nodes) {
      if (!Fits(ask.request, rooms_[room][n]) || !Open(ask, n, closed)) continue;
      spots.push_back({n, 1});
      if (static_cast<int32_t>(spots.size()) == ask.replicas) return spots;
    }
  }
  if (spots.empty()) return std::nullopt;
  std::vector<Candidate> candidates;
  for (const Spot& spot : spots) {
    candidates.push_back(Look(ask, room, spot.node));
    if (room != kNow) candidates.back().physical = candidates.back().slots;
  }
  return Fill(std::move(candidates), ask.replicas, false);
}

// As few nodes as possible; the fullest one that takes them all.
std::optional<Spots> Board::Pack(const Ask& ask, Room room, uint8_t closed) const {
  std::vector<Candidate> candidates;
  for (const auto& nodes : ranked_) {
    for (const NodeNumber n : nodes) {
      if (!Fits(ask.request, rooms_[room][n]) || !Open(ask, n, closed)) continue;
      const Candidate c = Look(ask, room, n);
      if (c.slots >= ask.replicas) return Spots{{n, ask.replicas}};
      candidates.push_back(c);
      if (room != kNow) candidates.back().physical = c.slots;
    }
  }
  std::ranges::stable_sort(candidates, std::greater<>(), &Candidate::slots);
  std::vector<Candidate> taken;
  int32_t sum = 0;
  for (const Candidate& c : candidates) {
    taken.push_back(c);
    sum += c.slots;
    if (sum < ask.replicas) continue;
    if (auto spots = Fill(taken, ask.replicas, true)) return spots;
  }
  return Fill(std::move(candidates), ask.replicas, false);
}

std::optional<Spots> Board::Anywhere(const Ask& ask, uint8_t closed) const {
  std::vector<Candidate> candidates;
  const auto look = [&](NodeNumber n) {
    if (ask.clas->allowed[n] == 0) return;
    candidates.push_back(Look(ask, kNow, n));
    if ((closed_[n] & closed) != 0) candidates.back().slots = 0;
  };
  if (ask.within != nullptr && !ask.within->empty()) {
    std::ranges::for_each(*ask.within, look);
  } else {
    std::ranges::for_each(cluster_->by_id(), look);
  }
  return Fill(std::move(candidates), ask.replicas, true);
}

std::optional<Spots> Board::Extend(const Ask& ask, uint8_t closed) const {
  std::vector<Candidate> candidates;
  int64_t slots = 0;
  const auto add = [&](NodeNumber n) {
    candidates.push_back(Look(ask, kNow, n));
    if (!Open(ask, n, closed)) candidates.back().slots = 0;
    slots += candidates.back().slots;
  };
  std::ranges::for_each(*ask.within, add);
  if (auto spots = Fill(candidates, ask.replicas, true)) return spots;
  for (const auto& nodes : ranked_) {
    for (const NodeNumber n : nodes) {
      if (!Fits(ask.request, rooms_[kNow][n]) || !Open(ask, n, closed) ||
          std::ranges::find(*ask.within, n) != ask.within->end())
        continue;
      add(n);
      if (slots < ask.replicas) continue;
      if (auto spots = Fill(candidates, ask.replicas, true)) return spots;
    }
  }
  return std::nullopt;
}

Spots Board::Assume(const Ask& ask, int32_t& left) const {
  std::vector<Candidate> candidates;
  int32_t slots = 0;
  const auto look = [&](NodeNumber n) {
    if (ask.clas->allowed[n] == 0) return;
    const Candidate c = Look(ask, kNow, n);
    if (c.slots == 0) return;
    candidates.push_back(c);
    slots = std::min(ask.replicas, slots + c.slots);
  };
  if (ask.within != nullptr && !ask.within->empty()) {
    std::ranges::for_each(*ask.within, look);
  } else {
    std::ranges::for_each(cluster_->by_id(), look);
  }
  left = ask.replicas - slots;
  Spots spots;
  if (slots == 0) return spots;
  const auto level = LevelOf(candidates, slots);
  for (const Candidate& c : candidates) {
    const int32_t most = std::min({c.slots, c.physical, std::max(0, *level - c.standing)});
    if (most > 0) spots.push_back({c.node, most});
  }
  return spots;
}

}  // namespace zoe::scheduler
