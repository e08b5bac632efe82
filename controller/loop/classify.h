#pragma once

#include <string>

#include "specs/meta/error.h"

namespace zoe {

// What the queue does with a key whose pass ended in an error.
enum class Requeue {
  kNow,           // somebody else was quicker: look again, decide again
  kBackoff,       // wait, longer with every failure in a row
  kObserveFirst,  // a write may or may not have happened: wait until it shows, then look again
  kWaitForSpec,   // waiting doesn't help: only a new spec does (or the resync)
};

struct Verdict {
  Requeue requeue = Requeue::kBackoff;
  bool tell = true;  // people should know: a Warning event
};

Verdict Classify(Code code);

// CamelCase word for conditions and events: the error's own reason, else its code's name.
std::string ConditionReason(const Error& error);

}  // namespace zoe
