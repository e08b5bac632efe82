// The command line of zoe-sched-sim.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace zoe::scheduler::simulator {

// Exit code: 0; 1: something failed, `err` says what; 2: the arguments are wrong, `err` says how.
int Main(const std::vector<std::string>& args, std::ostream& out, std::ostream& err);

}  // namespace zoe::scheduler::simulator
