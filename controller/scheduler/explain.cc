#include "controller/scheduler/explain.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "controller/scheduler/constraint.h"
#include "controller/scheduler/resources.h"

namespace zoe::scheduler {
namespace {

std::string Decimal(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", number);
  std::string s = text;
  s.erase(s.find_last_not_of('0') + 1);
  if (s.back() == '.') s.pop_back();
  return s;
}

std::string Cpu(int64_t nano) { return Decimal(static_cast<double>(nano) / 1e9); }

std::string Memory(int64_t bytes) {
  constexpr double kMi = 1 << 20, kGi = 1 << 30;
  const double amount = static_cast<double>(bytes);
  if (amount >= kGi) return Decimal(amount / kGi) + "Gi";
  return Decimal(amount / kMi) + "Mi";
}

std::string Both(const Resources& r) {
  if (r.memory_bytes <= 0) return "cpu=" + Cpu(r.cpu_nano);
  if (r.cpu_nano <= 0) return "memory=" + Memory(r.memory_bytes);
  return "cpu=" + Cpu(r.cpu_nano) + " and memory=" + Memory(r.memory_bytes);
}

// Of `have`, what is wanted: none of it is something, too.
std::string Of(const Resources& have, const Resources& want) {
  if (want.memory_bytes <= 0) return "cpu=" + Cpu(have.cpu_nano);
  if (want.cpu_nano <= 0) return "memory=" + Memory(have.memory_bytes);
  return "cpu=" + Cpu(have.cpu_nano) + " and memory=" + Memory(have.memory_bytes);
}

std::string Essentials(int32_t replicas, const std::string& service) {
  return std::to_string(replicas) + (replicas == 1 ? " replica of " : " replicas of ") + service;
}

class Explainer {
 public:
  Explainer(const World& world, Outcome& outcome, JobNumber job)
      : world_(world), out_(outcome), number_(job), slot_(world.jobs.slot(job)) {
    for (size_t i = 0; i < slot_.services.size(); ++i) {
      const Service& service = slot_.job.services[i];
      const int32_t replicas = std::min(service.essential, service.total);
      if (replicas == 0) continue;
      parts_.push_back({slot_.services[i].clas, service.request, replicas});
      names_.push_back(service.name);
    }
  }

  Explanation Explain() {
    if (auto why = Unschedulable()) return *why;
    if (auto why = Quota()) return *why;
    if (out_.promised.contains(number_)) {
      return {0, Lacking(), "room for it is on its way: it starts when what makes room has gone"};
    }
    if (Fits(parts_, Board::kNow, 0)) return Reserved();
    return Insufficient();
  }

 private:
  bool Allowed(const Shape::Part& part, NodeNumber n) const {
    return world_.cluster.clas(part.clas).allowed[n] != 0;
  }
  bool Fits(const Parts& parts, Board::Room room, uint8_t closed) {
    return PlaceAll(world_.cluster, out_.board, parts, room, closed, false).has_value();
  }

  std::optional<Explanation> Unschedulable() {
    const auto because = [](std::string text) {
      return Explanation{0, "Unschedulable", std::move(text)};
    };
    if (world_.cluster.by_id().empty()) return because("there is no node");
    for (size_t i = 0; i < parts_.size(); ++i) {
      if (const auto text = NoNodeFor(parts_[i], names_[i])) return because(*text);
    }
    Board empty(world_.cluster, Placement::kPack, true);
    if (PlaceAll(world_.cluster, empty, parts_, Board::kNow, 0, false)) return std::nullopt;
    Resources have;
    for (const NodeNumber n : world_.cluster.by_id()) {
      if (std::ranges::any_of(parts_, [&](const auto& part) { return Allowed(part, n); }))
        Add(have, empty.free(n));
    }
    return because("its essential replicas want " + Both(slot_.essential) +
                   " at once; all nodes that it may use, without other executions, have " +
                   Of(have, slot_.essential) +
                   (scheduler::Fits(slot_.essential, have) ? ", in pieces too small" : "") +
                   "; it can run on more or larger nodes");
  }

  // Why no node can ever take one replica.
  std::optional<std::string> NoNodeFor(const Shape::Part& part, const std::string& name) const {
    const auto& by_id = world_.cluster.by_id();
    const auto& constraints = world_.cluster.clas(part.clas).constraints;
    const auto up = [&](NodeNumber n) { return world_.cluster.slot(n).node.schedulable; };
    if (std::ranges::none_of(by_id, up)) return "no node takes new tasks";
    for (const std::string& text : constraints) {
      const auto meets = [&](NodeNumber n) { return Meets(world_.cluster.slot(n).node, text); };
      if (std::ranges::none_of(by_id, meets))
        return "no node meets " + text + ", which " + name + " wants";
      if (std::ranges::none_of(by_id, [&](NodeNumber n) { return up(n) && meets(n); }))
        return "no node that takes new tasks meets " + text + ", which " + name + " wants";
    }
    Resources largest;
    bool any = false, fits = false;
    for (const NodeNumber n : by_id) {
      if (!Allowed(part, n)) continue;
      any = true;
      Resources room = world_.cluster.slot(n).node.capacity;
      Add(room, world_.cluster.slot(n).node.foreign, -1);
      Add(room, world_.cluster.slot(n).node.leaving);
      fits = fits || scheduler::Fits(part.request, room);
      largest.cpu_nano = std::max(largest.cpu_nano, room.cpu_nano);
      largest.memory_bytes = std::max(largest.memory_bytes, room.memory_bytes);
    }
    if (!any) return "no node meets all constraints of " + name + " together";
    if (fits) return std::nullopt;
    return "no node is large enough for one replica of " + name + ": it wants " +
           Both(part.request) + ", and nodes that it may use have at most " +
           Of(largest, part.request);
  }

  std::optional<Explanation> Quota() const {
    const auto it = world_.limits.find(slot_.job.user);
    if (it == world_.limits.end()) return std::nullopt;
    const Limits& limits = it->second;
    const Use& use = out_.use[static_cast<size_t>(slot_.user)];
    std::string requested, used, limited;
    const auto check = [&](const char* name, const std::optional<int64_t>& limit, int64_t has,
                           int64_t asks, const auto& text) {
      if (!limit || asks == 0 || Sum(has, asks) <= *limit) return;
      const std::string comma = requested.empty() ? "" : ",";
      requested += comma + name + "=" + text(asks);
      used += comma + name + "=" + text(has);
      limited += comma + name + "=" + text(*limit);
    };
    const auto number = [](int64_t n) { return std::to_string(n); };
    check("executions", limits.executions, use.executions, 1, number);
    check("cpu", limits.cpu_nano, use.resources.cpu_nano, slot_.essential.cpu_nano, Cpu);
    check("memory", limits.memory_bytes, use.resources.memory_bytes, slot_.essential.memory_bytes,
          Memory);
    check("services", limits.services, use.services, static_cast<int64_t>(slot_.services.size()),
          number);
    if (requested.empty()) return std::nullopt;
    return Explanation{0, "QuotaExceeded",
                       "exceeded quota: " + limits.quota + ", requested: " + requested +
                           ", used: " + used + ", limited: " + limited +
                           "; it starts when other executions of " + slot_.job.user +
                           " have ended"};
  }

  Explanation Reserved() {
    std::string text = "there is room, which is kept";
    if (out_.head && *out_.head != number_ && out_.kept) {
      text += " for " + NameFor(slot_.job, world_.jobs.slot(*out_.head).job) +
              ", which has waited longest";
      if (out_.shadow) text += " and starts by " + FormatTime(*out_.shadow) + " if all end in time";
    } else {
      text += " until replicas that were granted stand";
    }
    return {0, "ReservedForOthers", text};
  }

  // Which of the two there is too little of, each looked at alone.
  std::string Lacking() {
    const auto only = [&](bool cpu) {
      Parts parts = parts_;
      for (Shape::Part& part : parts) (cpu ? part.request.memory_bytes : part.request.cpu_nano) = 0;
      return Fits(parts, Board::kNow, 0);
    };
    const bool cpu = only(true), memory = only(false);
    if (!cpu && memory) return "InsufficientCpu";
    if (cpu && !memory) return "InsufficientMemory";
    return "InsufficientResources";
  }

  Explanation Insufficient() {
    Resources want, have, largest;
    for (const Shape::Part& part : parts_) Add(want, part.request, part.replicas);
    for (const NodeNumber n : world_.cluster.by_id()) {
      if (std::ranges::none_of(parts_, [&](const auto& part) { return Allowed(part, n); }))
        continue;
      Resources room = out_.board.room(Board::kNow, n);
      room.cpu_nano = std::max<int64_t>(0, room.cpu_nano);
      room.memory_bytes = std::max<int64_t>(0, room.memory_bytes);
      Add(have, room);
      if (DominantShare(room, world_.cluster.total()) >
          DominantShare(largest, world_.cluster.total()))
        largest = room;
    }
    const Resources missing = {std::max<int64_t>(0, want.cpu_nano - have.cpu_nano),
                               std::max<int64_t>(0, want.memory_bytes - have.memory_bytes)};
    Explanation why{0, Lacking(),
                    "wants " + Both(want) + " for its essential replicas (" + Wishes() +
                        "); free on nodes that it may use: " + Of(have, want)};
    if (missing == Resources{}) {
      why.message += ", in pieces too small: the largest is " + Of(largest, want);
    } else {
      why.message += "; missing: " + Both(missing);
    }
    if (out_.head && *out_.head == number_ && out_.shadow) {
      why.message += "; it starts by " + FormatTime(*out_.shadow) + " if all end in time";
    } else {
      why.message += missing == Resources{} ? "; it starts when larger pieces are free"
                                            : "; it starts when that is free";
    }
    return why;
  }

  std::string Wishes() const {
    std::string text;
    for (size_t i = 0; i < parts_.size() && i < 3; ++i)
      text += (i > 0 ? ", " : "") + Essentials(parts_[i].replicas, names_[i]);
    return parts_.size() > 3 ? text + ", ..." : text;
  }

  const World& world_;
  Outcome& out_;
  const JobNumber number_;
  const JobSlot& slot_;
  Parts parts_;
  std::vector<std::string> names_;
};

}  // namespace

Explanation WhyItWaits(const World& world, Outcome& outcome, JobNumber job) {
  return Explainer(world, outcome, job).Explain();
}

}  // namespace zoe::scheduler
