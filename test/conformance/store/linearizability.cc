#include "test/conformance/store/linearizability.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace zoe::conformance {
namespace {

// What a write of unknown outcome left behind: somebody has read it.
struct Seen {
  Revision revision = 0;
  SteadyTime by{};  // when the first reader had returned
};
using Sightings = std::unordered_map<std::string, Seen>;  // by the bytes

Sightings Look(const std::vector<Operation>& operations, Violations& violations) {
  std::unordered_map<std::string, const Operation*> writers;
  for (const Operation& o : operations) {
    if (o.write() && !o.bytes.empty()) writers[o.bytes] = &o;
  }
  Sightings sightings;
  const auto see = [&](const Operation& reader, const Key& key, Revision revision,
                       const std::string& bytes) {
    const auto writer = writers.find(bytes);
    if (writer == writers.end() || writer->second->key != key) {
      violations.push_back("read what nobody has written there: " + reader.ToString());
    } else if (const Operation& w = *writer->second; w.done() && w.revision != revision) {
      violations.push_back("read at another revision than it was written at: " + reader.ToString() +
                           "; " + w.ToString());
    } else if (!w.done() && !w.unknown()) {
      violations.push_back("read what was refused: " + reader.ToString() + "; " + w.ToString());
    }
    Seen& seen = sightings.try_emplace(bytes, Seen{revision, reader.returned}).first->second;
    if (seen.revision != revision)
      violations.push_back("one write, two revisions: " + std::to_string(seen.revision) + " and " +
                           reader.ToString());
    seen.by = std::min(seen.by, reader.returned);
  };
  for (const Operation& o : operations) {
    if (!o.done()) continue;
    if (o.act == Act::kGet) see(o, o.key, o.revision, o.bytes);
    for (const Record& record : o.records) see(o, record.key, record.revision, record.bytes);
  }
  return sightings;
}

// ---- the search

// One object.
struct State {
  bool exists = false;
  Revision revision = 0;  // 0: written by a write of unknown outcome, and nobody has said where
  Revision floor = 0;     // the newest revision that is known: later ones are greater
  const Operation* writer = nullptr;
};

class Search {
 public:
  Search(std::vector<const Operation*> operations, const Sightings& sightings,
         const std::unordered_set<Revision>& known)
      : operations_(std::move(operations)), sightings_(sightings), known_(known) {
    std::ranges::stable_sort(operations_, {}, &Operation::invoked);
    Link();
  }

  // Empty: there is an order.
  std::string Run(uint64_t limit);
  uint64_t steps() const { return steps_; }

 private:
  // Calls and returns, by time, as a list from which calls are lifted out with their returns.
  struct Entry {
    size_t operation;
    bool call;
    SteadyTime at;
    size_t before = 0, after = 0, partner = 0;  // 0: the head; of a call without a return, partner
  };
  struct Choice {
    size_t entry;
    State before;
    SteadyTime invoked_before;
  };

  void Link();
  void Lift(size_t call);
  void Unlift(size_t call);
  bool Required(const Operation& o) const {
    return !o.unknown() || (!o.bytes.empty() && sightings_.contains(o.bytes));
  }
  SteadyTime MustReturn(const Operation& o) const {
    return o.unknown() ? sightings_.at(o.bytes).by : o.returned;
  }
  Revision RevisionOf(const Operation& o) const {
    if (!o.unknown()) return o.revision;
    const auto seen = sightings_.find(o.bytes);
    return o.bytes.empty() || seen == sightings_.end() ? 0 : seen->second.revision;
  }
  bool At(const State& state, Revision expected) const;
  bool Refused(const State& state, const Operation& o) const;
  bool Step(const State& state, const Operation& o, State& next) const;
  std::string Key(const State& state) const;
  std::string Explain(size_t entry, const State& state) const;

  std::vector<const Operation*> operations_;
  const Sightings& sightings_;
  const std::unordered_set<Revision>& known_;
  std::vector<Entry> entries_;
  std::string done_;  // one bit per operation
  uint64_t steps_ = 0;
};

void Search::Link() {
  std::vector<Entry> sorted;
  for (size_t i = 0; i < operations_.size(); ++i) {
    sorted.push_back({i, true, operations_[i]->invoked});
    if (Required(*operations_[i])) sorted.push_back({i, false, MustReturn(*operations_[i])});
  }
  std::ranges::stable_sort(sorted, [](const Entry& a, const Entry& b) {
    return a.at != b.at ? a.at < b.at : a.call && !b.call;
  });
  entries_ = {Entry{}};
  std::vector<size_t> call_of(operations_.size());
  for (Entry& entry : sorted) {
    const size_t at = entries_.size();
    entry.before = at - 1;
    entries_.back().after = at;
    entries_.push_back(entry);
    if (entry.call) {
      call_of[entry.operation] = at;
    } else {
      entries_[at].partner = call_of[entry.operation];
      entries_[call_of[entry.operation]].partner = at;
    }
  }
  done_.assign((operations_.size() + 7) / 8, '\0');
}

void Search::Lift(size_t call) {
  for (const size_t at : {call, entries_[call].partner}) {
    if (at == 0) continue;
    entries_[entries_[at].before].after = entries_[at].after;
    if (entries_[at].after != 0) entries_[entries_[at].after].before = entries_[at].before;
  }
}

void Search::Unlift(size_t call) {
  for (const size_t at : {entries_[call].partner, call}) {
    if (at == 0) continue;
    entries_[entries_[at].before].after = at;
    if (entries_[at].after != 0) entries_[entries_[at].after].before = at;
  }
}

// A revision that nobody knows may be any that is not another write's.
bool Search::At(const State& state, Revision expected) const {
  if (!state.exists) return false;
  if (state.revision != 0) return state.revision == expected;
  return expected > state.floor && !known_.contains(expected);
}

bool Search::Refused(const State& state, const Operation& o) const {
  switch (*o.error) {
    case Code::kAlreadyExists:
      return state.exists;
    case Code::kNotFound:
      return !state.exists;
    case Code::kConflict:
      return state.exists && (state.revision == 0 || state.revision != o.expected);
    default:
      return false;
  }
}

bool Search::Step(const State& state, const Operation& o, State& next) const {
  next = state;
  if (o.error && !o.unknown()) return Refused(state, o);
  if (o.act == Act::kGet)
    return state.exists && state.writer->bytes == o.bytes &&
           (state.revision == 0 || state.revision == o.revision);
  if (o.act == Act::kCreate ? state.exists : !At(state, o.expected)) return false;
  const Revision revision = RevisionOf(o);
  if (revision != 0 && revision <= state.floor) return false;
  next.exists = o.act != Act::kDelete;
  next.revision = revision;
  next.floor = std::max({state.floor, revision, o.act == Act::kCreate ? 0 : o.expected});
  next.writer = &o;
  return true;
}

std::string Search::Key(const State& state) const {
  std::string key = done_;
  key.append(reinterpret_cast<const char*>(&state.writer), sizeof(state.writer));
  key.append(reinterpret_cast<const char*>(&state.floor), sizeof(state.floor));
  key.push_back(state.exists ? 'e' : '-');
  return key;
}

std::string Search::Run(uint64_t limit) {
  std::unordered_set<std::string> tried;
  std::vector<Choice> choices;
  State state, next, furthest_state;
  SteadyTime invoked = SteadyTime::min();
  size_t at = entries_[0].after, furthest = 0, furthest_depth = 0;
  while (at != 0) {
    if (++steps_ > limit) return "the search for an order gave up: " + Explain(at, state);
    const Entry& entry = entries_[at];
    const Operation& o = *operations_[entry.operation];
    if (entry.call) {
      const bool in_time = !o.unknown() || invoked <= o.latest;
      if (in_time && Step(state, o, next)) {
        done_[entry.operation / 8] ^= static_cast<char>(1 << entry.operation % 8);
        if (tried.insert(Key(next)).second) {
          choices.push_back({at, state, invoked});
          state = next;
          invoked = std::max(invoked, o.invoked);
          Lift(at);
          at = entries_[0].after;
          continue;
        }
        done_[entry.operation / 8] ^= static_cast<char>(1 << entry.operation % 8);
      }
      at = entry.after;
      continue;
    }
    // It has returned, and nothing explains how.
    if (furthest == 0 || choices.size() > furthest_depth) {
      furthest = at;
      furthest_depth = choices.size();
      furthest_state = state;
    }
    if (choices.empty()) return "no order explains " + Explain(furthest, furthest_state);
    const Choice choice = choices.back();
    choices.pop_back();
    const size_t undone = entries_[choice.entry].operation;
    done_[undone / 8] ^= static_cast<char>(1 << undone % 8);
    Unlift(choice.entry);
    state = choice.before;
    invoked = choice.invoked_before;
    at = entries_[choice.entry].after;
  }
  return "";
}

std::string Search::Explain(size_t entry, const State& state) const {
  std::string text = operations_[entries_[entry].operation]->ToString() + "; the object then: ";
  if (!state.exists) {
    text += "missing";
  } else {
    text += "revision " + (state.revision == 0 ? "unknown" : std::to_string(state.revision)) +
            ", by " + state.writer->ToString();
  }
  return text;
}

// Whether its answer depends on the object's present state.
bool Judged(const Operation& o, Reads reads) {
  if (o.act == Act::kList) return false;
  if (o.done()) return o.write() || reads == Reads::kPresent;
  if (o.unknown()) return o.write();
  if (o.act == Act::kCreate) return *o.error == Code::kAlreadyExists;
  return reads == Reads::kPresent && (*o.error == Code::kNotFound || *o.error == Code::kConflict);
}

bool Possible(const Operation& o) {
  if (o.done() || o.error == Code::kUnavailable) return true;
  if (o.unknown()) return o.write();
  switch (o.act) {
    case Act::kCreate:
      return o.error == Code::kAlreadyExists;
    case Act::kReplace:
    case Act::kDelete:
      return o.error == Code::kNotFound || o.error == Code::kConflict;
    case Act::kGet:
      return o.error == Code::kNotFound;
    case Act::kList:
      return false;
  }
  return false;
}

}  // namespace

Violations CheckLinearizable(const std::vector<Operation>& operations, Reads reads,
                             SearchFigures* figures, uint64_t limit) {
  Violations violations;
  const Sightings sightings = Look(operations, violations);
  std::map<Key, std::vector<const Operation*>> by_key;
  std::unordered_set<Revision> known;
  for (const Operation& o : operations) {
    if (!Possible(o)) violations.push_back("an answer that makes no sense: " + o.ToString());
    if (Judged(o, reads)) by_key[o.key].push_back(&o);
    if (o.write() && o.done() && !known.insert(o.revision).second)
      violations.push_back("a revision of two writes: " + o.ToString());
  }
  for (const auto& [bytes, seen] : sightings) known.insert(seen.revision);
  for (auto& [key, of_key] : by_key) {
    if (figures != nullptr) ++figures->searches, figures->operations += of_key.size();
    Search search(std::move(of_key), sightings, known);
    if (std::string found = search.Run(limit); !found.empty())
      violations.push_back(key.ToString() + ": " + found);
    if (figures != nullptr) figures->steps += search.steps();
  }
  return violations;
}

}  // namespace zoe::conformance
