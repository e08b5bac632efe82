// Waiting until objects are as they should be, or can't become so any more.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/resource.h"
#include "cli/session.h"

namespace zoe::cli {

enum class Verdict { kWaiting, kMet, kHopeless };

struct Judgement {
  Verdict verdict = Verdict::kWaiting;
  std::string why;  // kHopeless: for people
};

// `object` is nullptr while there is none (or no more).
using Judge = std::function<Judgement(const codec::Value* object)>;

struct Awaited {
  Resource resource;
  std::string ns, name;
  Judge judge;
  // Filled in by Wait.
  std::optional<codec::Value> object;  // as last seen
  bool listed = false;                 // the server has said whether there is one
  Judgement judgement;
};

struct WaitOptions {
  Duration timeout{};  // 0: without end
  bool once = false;   // look once, don't wait
  bool show = true;    // progress: redrawn on a terminal
  bool tell = false;   // changes of phase as plain lines on stderr where there is no terminal
  std::function<void(const Awaited&)>
      on_met;  // once per object, in the order in which they come true; on the calling thread
};

// 0 if all are met; 1 as soon as one is hopeless or the server refuses; 124 after the timeout. Says
// on stderr what went wrong. Watches once per collection, however many objects of it are awaited.
int Wait(Session& session, std::vector<Awaited>& awaited, const WaitOptions& options);

// What `apply --wait` and `run --wait` wait for: Complete for an execution with monitor services,
// else Ready. Not before the controller has seen generation `generation`.
Judge ExecutionJudge(int64_t generation);
// The same of kinds that have a condition Ready and nothing else to end with.
bool BecomesReady(const Resource& resource);
Judge ReadyJudge(int64_t generation);
// Prints the last lines of the service that failed, if one did.
void ShowFailure(Session& session, const Awaited& awaited);

}  // namespace zoe::cli
