// Judges a History: is there one order of all writes that explains everything that anyone was told?
//
// What Store promises, and so what is looked for:
// - Writes are linearizable: each takes effect at one moment between its call and its return, a
//   compare-and-swap only on exactly the revision it expects, and revisions follow that order over
//   all objects. kOutcomeUnknown: at some moment after the call, or never, but not twice. Any other
//   refusal: never.
// - Reads of one Store never go back behind what that Store has shown or written before, and show
//   only what stood at that revision. Over one server they show the present (Reads::kPresent). A
//   follower of an ensemble may lag (Reads::kPerStore); so may refusals that rest on a look
//   (kConflict and kNotFound of Replace and Delete).
// - A write of unknown outcome has happened before the next read of the same Store, or never: that
//   read resolves it.
// - The feed tells every write once, in order.
// - Writes through ForLeader of one term are not interleaved with those of another.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "test/conformance/store/history.h"

namespace zoe::conformance {

enum class Reads { kPresent, kPerStore };

// What is wrong, for people; empty if nothing is.
using Violations = std::vector<std::string>;

struct SearchFigures {
  size_t searches = 0;    // keys
  size_t operations = 0;  // judged
  uint64_t steps = 0;     // tried
};

// By search alone: per key, an order of the operations that fits their times and answers
// (Wing and Gong's algorithm with Lowe's memory of what has been tried). Needs no feed. Gives up
// with a violation after `limit` steps for one key.
Violations CheckLinearizable(const std::vector<Operation>& operations, Reads reads,
                             SearchFigures* figures = nullptr, uint64_t limit = 20'000'000);

// By the order itself: `order` is what a feed told that was subscribed before the first write and
// has heard of the last. Then everything above can be looked up.
Violations CheckOrder(const std::vector<Operation>& operations,
                      const std::vector<FeedLog::Event>& order, Reads reads);

// Another feed against that one: complete from `feed.subscribed()`, or from a gap, on; up to its
// end. A gap excuses what came between the change before and the change after it.
Violations CheckFeed(const std::vector<Operation>& operations,
                     const std::vector<FeedLog::Event>& order, const FeedLog& feed);

}  // namespace zoe::conformance
