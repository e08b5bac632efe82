// What users do in a schedule, made from a seed: their acts are such that the state in the end
// depends on their order alone, not on when the control loop came to look.
//
// - An execution that runs is edited, suspended, resumed, restarted, deleted and made again. Specs
//   that can't come right (images that are missing, too large, ends at once) come in between; the
//   last one is good.
// - One that ends (a job, one with a deadline) is made, deleted and made again, and else left
//   alone. Where tasks are killed, its job is such that it ends well all the same.
// - Users are made, edited, deleted with all that they have, and made again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "test/sim/schedule.h"

namespace zoe::sim_test {

struct WorkloadOptions {
  int acts = 8;        // about as many
  bool kills = false;  // tasks may be killed, nodes may go
  bool calm = false;   // time to settle between acts
};

// Steps put, delete and restart (play.h), in the order of time.
std::vector<Step> MakeWorkload(uint64_t seed, const WorkloadOptions& options);

}  // namespace zoe::sim_test
