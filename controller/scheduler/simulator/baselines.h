// The published policies, as their authors' own simulator has them. Replicas are placed on the
// first machines that have room.
#pragma once

#include <string_view>

#include "controller/scheduler/simulator/player.h"

namespace zoe::scheduler::simulator {

struct Baseline {
  // Who is first: came first, shortest duration, shortest remaining time, highest response ratio
  // (1 + waited / duration). All know the durations.
  enum class Order { kFifo, kPsjf, kSrpt, kHrrn };
  enum class Mode {
    kRigid,       // The first one starts with all of its replicas; nobody passes it.
    kElastic,     // The first one starts with its essential replicas, and takes what room there is
                  // for the others. It stays the first one until it has them all.
    kFlexible,    // In order, each job's essential replicas are placed before elastic ones of those
                  // before it, as long as that makes use of room that was free. Nothing that
                  // stands is taken away.
    kPreemptive,  // As flexible, but elastic replicas that stand are placed anew each time.
  };
  Order order = Order::kFifo;
  Mode mode = Mode::kRigid;
  // What shortest is measured by: 1 time, 2 time x replicas, 3 time x replicas x cpu x memory.
  int dimensions = 1;
};

// "psjf-flexible", "srpt3-rigid"; nullopt: none of these.
std::optional<Baseline> ParseBaseline(std::string_view name);
std::string BaselineName(const Baseline& baseline);
// All of one dimension.
std::vector<Baseline> Baselines();

std::unique_ptr<Player> MakeBaseline(const Baseline& baseline);

}  // namespace zoe::scheduler::simulator
