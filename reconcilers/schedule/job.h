// An Execution as the scheduler knows it: pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "controller/scheduler/scheduler.h"
#include "reconcilers/schedule/reading.h"
#include "specs/v1/execution.h"

namespace zoe::schedule {

// "alice/wordcount".
std::string JobId(const v1::Execution& execution);

// What a replica asks Docker for: a request that isn't given is its limit. What is more than any
// node has is not told apart.
scheduler::Resources RequestOf(const v1::Service& service);

// Nothing is granted to it any more, and nothing taken: what it has goes.
bool IsEnding(const v1::Execution& execution);

// As its spec and status tell, before anything is seen of it. nullopt while the execution's
// reconciler has not looked at this spec yet, and where it can't run at all.
std::optional<scheduler::Job> ToJob(const v1::Execution& execution, std::string_view deployment);

// Adds what is seen of its tasks (null: nothing), and what has passed of its duration, in
// sixteenths: so that not every moment changes a job. `stuck_since` is kept while it holds.
void SetSeen(const std::map<std::string, ServiceTasks>* tasks,
             const std::optional<WallTime>& started_at, WallTime now, scheduler::Job& job);

// Some of what was granted is on no node, and has not ended either.
bool IsOnItsWay(const scheduler::Job& job);
// More could be granted.
bool LacksElastic(const scheduler::Job& job);

}  // namespace zoe::schedule
