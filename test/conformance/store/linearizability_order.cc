// What can be looked up once the order of all writes is known.
#include <algorithm>
#include <map>
#include <queue>
#include <unordered_map>

#include "test/conformance/store/linearizability.h"

namespace zoe::conformance {
namespace {

// One state of one object, from its revision until that of the next.
struct Version {
  Revision revision = 0;
  bool exists = false;
  const Operation* writer = nullptr;  // null: nobody is known
};

class Order {
 public:
  Order(const std::vector<Operation>& operations, const std::vector<FeedLog::Event>& events,
        Violations& violations)
      : operations_(operations), violations_(violations) {
    Read(events);
    Explain();
  }

  const std::map<Key, std::vector<Version>>& versions() const { return versions_; }
  // The greatest revision that one who returned at `returned` can have seen: whatever was called
  // later is later.
  Revision Ceiling(SteadyTime returned) const {
    const auto it = std::ranges::upper_bound(called_, returned, {}, &Called::invoked);
    return it == called_.end() ? std::numeric_limits<Revision>::max() : it->least_from_here - 1;
  }
  // The least revision in [floor, ceiling] at which `holds` of the object; 0 if there is none.
  template <class F>
  Revision First(const Key& key, Revision floor, Revision ceiling, F holds) const {
    static const std::vector<Version> kMissing = {Version{}};
    const auto it = versions_.find(key);
    const std::vector<Version>& of_key = it == versions_.end() ? kMissing : it->second;
    for (size_t i = 0; i < of_key.size(); ++i) {
      const Revision end =
          i + 1 < of_key.size() ? of_key[i + 1].revision : std::numeric_limits<Revision>::max();
      if (of_key[i].revision > ceiling) break;
      if (end > floor && holds(of_key[i]))
        return std::max({floor, of_key[i].revision, Revision{1}});
    }
    return 0;
  }
  // Where a write of unknown outcome took effect; 0: it did not, or it isn't sure which one did.
  Revision Happened(const Operation& o) const {
    const auto it = happened_.find(&o);
    return it == happened_.end() ? 0 : it->second;
  }

 private:
  struct Called {
    SteadyTime invoked;
    Revision least_from_here;
  };

  void Read(const std::vector<FeedLog::Event>& events);
  void Explain();
  const Operation* Unknown(const Key& key, const Version& before, const Version& version,
                           bool& sure) const;
  void Complain(std::string what) { violations_.push_back(std::move(what)); }

  const std::vector<Operation>& operations_;
  Violations& violations_;
  std::map<Key, std::vector<Version>> versions_;
  std::unordered_map<const Operation*, Revision> happened_;
  std::multimap<Key, const Operation*> unknown_;
  std::unordered_map<std::string, Revision> read_at_;  // by the bytes
  std::vector<Called> called_;                         // by when they were called
};

void Order::Read(const std::vector<FeedLog::Event>& events) {
  Revision last = 0;
  for (const FeedLog::Event& event : events) {
    if (event.gap) return Complain("the feed that tells the order has a gap");
    const Change& change = event.change;
    if (change.revision <= last)
      Complain("the feed tells " + std::to_string(change.revision) + " after " +
               std::to_string(last));
    last = change.revision;
    std::vector<Version>& of_key = versions_[change.key];
    if (of_key.empty()) of_key.push_back({});
    of_key.push_back({change.revision, !change.deleted, nullptr});
  }
}

// Finds for every version who wrote it, and checks what writes promise.
void Order::Explain() {
  std::unordered_map<Revision, const Operation*> done;
  for (const Operation& o : operations_) {
    if (o.write() && o.done() && !done.emplace(o.revision, &o).second)
      Complain("a revision of two writes: " + o.ToString());
    if (o.unknown()) unknown_.emplace(o.key, &o);
    if (o.act == Act::kGet && o.done()) read_at_[o.bytes] = o.revision;
    for (const Record& record : o.records) read_at_[record.bytes] = record.revision;
  }
  for (auto& [key, of_key] : versions_) {
    for (size_t i = 1; i < of_key.size(); ++i) {
      Version& version = of_key[i];
      const Version& before = of_key[i - 1];
      const auto it = done.find(version.revision);
      bool sure = true;
      const Operation* writer = it != done.end() ? it->second : Unknown(key, before, version, sure);
      const std::string where = key.ToString() + (version.exists ? " set at " : " deleted at ") +
                                std::to_string(version.revision) + " after " +
                                std::to_string(before.revision);
      if (writer == nullptr) {
        Complain("nobody's write: " + where);
        continue;
      }
      version.writer = writer;
      if (writer->unknown()) happened_[writer] = sure ? version.revision : 0;
      if (sure) called_.push_back({writer->invoked, version.revision});
      const bool fits =
          writer->key == key && (writer->act != Act::kDelete) == version.exists &&
          (writer->act == Act::kCreate ? !before.exists
                                       : before.exists && writer->expected == before.revision);
      if (!fits)
        Complain("a write on what it did not expect: " + where + ": " + writer->ToString());
      if (it != done.end()) done.erase(it);
    }
  }
  for (const auto& [revision, o] : done)
    Complain("an acknowledged write that the feed has not told: " + o->ToString());

  std::ranges::sort(called_, {}, &Called::invoked);
  Revision least = std::numeric_limits<Revision>::max();
  for (auto it = called_.rbegin(); it != called_.rend(); ++it)
    least = it->least_from_here = std::min(least, it->least_from_here);
}

// Of the writes whose outcome nobody knows, one that can have made `version`.
const Operation* Order::Unknown(const Key& key, const Version& before, const Version& version,
                                bool& sure) const {
  const Operation* found = nullptr;
  const auto [begin, end] = unknown_.equal_range(key);
  for (auto it = begin; it != end; ++it) {
    const Operation& o = *it->second;
    if (happened_.contains(&o) || (o.act != Act::kDelete) != version.exists) continue;
    if (o.act == Act::kCreate ? before.exists : o.expected != before.revision) continue;
    const auto read = o.bytes.empty() ? read_at_.end() : read_at_.find(o.bytes);
    if (read != read_at_.end()) {
      if (read->second != version.revision) continue;
      sure = true;
      return &o;
    }
    if (found != nullptr) sure = false;
    if (found == nullptr) found = &o;
  }
  return found;
}

// ---- reads, refusals and real time

// What a Store has seen at least, by the operations that have returned so far.
class Floor {
 public:
  Revision At(SteadyTime invoked) {
    while (!returned_.empty() && returned_.top().first < invoked) {
      floor_ = std::max(floor_, returned_.top().second);
      returned_.pop();
    }
    return floor_;
  }
  void Add(SteadyTime returned, Revision seen) { returned_.emplace(returned, seen); }

 private:
  using Return = std::pair<SteadyTime, Revision>;
  std::priority_queue<Return, std::vector<Return>, std::greater<>> returned_;
  Revision floor_ = 0;
};

class Judge {
 public:
  Judge(const Order& order, Reads reads, Violations& violations)
      : order_(order), reads_(reads), violations_(violations) {}

  // In the order in which they were called.
  void Take(const Operation& o) {
    const Revision written = o.write() && o.done() ? o.revision : order_.Happened(o);
    const Revision all = writes_.At(o.invoked);
    if (written != 0 && written <= all)
      Complain(o, "later than a write at " + std::to_string(all) + ", with a smaller revision");
    if (o.write() && o.done()) writes_.Add(o.returned, o.revision);

    Floor& mine = floors_[reads_ == Reads::kPresent ? 0 : o.store];
    const Revision floor =
        o.act == Act::kCreate ? std::max(all, mine.At(o.invoked)) : mine.At(o.invoked);
    const Revision ceiling = order_.Ceiling(o.returned);
    if (const Revision seen = Seen(o, floor, ceiling); seen != 0) mine.Add(o.returned, seen);
    Resolve(o, ceiling);
  }

 private:
  // The least revision that this answer proves the Store to be at; 0: none.
  Revision Seen(const Operation& o, Revision floor, Revision ceiling) {
    if (o.write() && o.done()) return o.revision;
    if (o.act == Act::kList) return o.done() ? SeenByList(o, floor, ceiling) : 0;
    const auto holds = [&](const Version& v) {
      if (o.done()) return v.exists && v.revision == o.revision && Same(v, o.bytes);
      if (o.error == Code::kAlreadyExists) return v.exists;
      if (o.error == Code::kConflict) return v.exists && v.revision != o.expected;
      return !v.exists;  // kNotFound
    };
    if (!o.done() && o.error != Code::kAlreadyExists && o.error != Code::kConflict &&
        o.error != Code::kNotFound)
      return 0;
    const Revision seen = order_.First(o.key, floor, ceiling, holds);
    if (seen == 0)
      Complain(o, "not so at any moment between revision " + std::to_string(floor) + " and " +
                      std::to_string(ceiling));
    return seen;
  }

  Revision SeenByList(const Operation& o, Revision floor, Revision ceiling) {
    if (o.revision < floor || o.revision > ceiling)
      Complain(o,
               "not between revision " + std::to_string(floor) + " and " + std::to_string(ceiling));
    std::map<Key, const Record*> records;
    for (const Record& record : o.records) records[record.key] = &record;
    Revision seen = o.revision;
    const auto look = [&](const Key& key) {
      const auto it = records.find(key);
      const Record* record = it == records.end() ? nullptr : it->second;
      const Revision first = order_.First(key, o.revision, ceiling, [&](const Version& v) {
        return record == nullptr
                   ? !v.exists
                   : v.exists && v.revision == record->revision && Same(v, record->bytes);
      });
      if (first == 0)
        Complain(o, "shows " + key.ToString() + " " +
                        (record == nullptr ? "missing" : "at " + std::to_string(record->revision)) +
                        ", which was not so at any moment from the list's revision on");
      seen = std::max(seen, first);
    };
    for (const auto& [key, of_key] : order_.versions()) {
      if (key.kind == o.key.kind || o.key.kind.empty()) look(key);
    }
    for (const auto& [key, record] : records) {
      if (!order_.versions().contains(key)) look(key);
    }
    return seen;
  }

  // Reads resolve the unknown writes of the same Store that were answered before.
  void Resolve(const Operation& o, Revision ceiling) {
    if (o.unknown() && o.returned != SteadyTime::max()) {
      unresolved_.emplace(o.store, &o);
    } else if (!o.write() && (o.done() || o.error == Code::kNotFound)) {
      const auto [begin, end] = unresolved_.equal_range(o.store);
      for (auto it = begin; it != end;) {
        if (it->second->returned >= o.invoked) {
          ++it;
          continue;
        }
        if (order_.Happened(*it->second) > ceiling)
          Complain(*it->second, "took effect at " + std::to_string(order_.Happened(*it->second)) +
                                    ", after a read that should have resolved it: " + o.ToString());
        it = unresolved_.erase(it);
      }
    }
  }

  static bool Same(const Version& v, const std::string& bytes) {
    return v.writer == nullptr || v.writer->bytes == bytes;
  }
  void Complain(const Operation& o, const std::string& what) {
    violations_.push_back(o.ToString() + ": " + what);
  }

  const Order& order_;
  const Reads reads_;
  Violations& violations_;
  Floor writes_;
  std::map<int, Floor> floors_;
  std::multimap<int, const Operation*> unresolved_;
};

void CheckTerms(const Order& order, Violations& violations) {
  std::map<Revision, const Operation*> writes;
  for (const auto& [key, of_key] : order.versions()) {
    for (const Version& version : of_key) {
      if (version.writer != nullptr && version.writer->term != 0)
        writes[version.revision] = version.writer;
    }
  }
  std::map<int64_t, bool> ended;  // terms that have written
  int64_t current = 0;
  for (const auto& [revision, o] : writes) {
    if (o->term == current) continue;
    if (ended[o->term])
      violations.push_back("a leader wrote at " + std::to_string(revision) +
                           " after the next one had written: " + o->ToString());
    if (current != 0) ended[current] = true;
    current = o->term;
  }
}

}  // namespace

Violations CheckOrder(const std::vector<Operation>& operations,
                      const std::vector<FeedLog::Event>& events, Reads reads) {
  Violations violations;
  const Order order(operations, events, violations);
  std::vector<const Operation*> by_call;
  for (const Operation& o : operations) by_call.push_back(&o);
  std::ranges::stable_sort(by_call, {}, &Operation::invoked);
  Judge judge(order, reads, violations);
  for (const Operation* o : by_call) judge.Take(*o);
  CheckTerms(order, violations);
  return violations;
}

Violations CheckFeed(const std::vector<Operation>& operations,
                     const std::vector<FeedLog::Event>& order, const FeedLog& feed) {
  Violations violations;
  std::map<Revision, Change> told;
  for (const FeedLog::Event& event : order) told[event.change.revision] = event.change;
  Revision must = std::numeric_limits<Revision>::max();  // the first that may not be missing
  for (const Operation& o : operations) {
    if (o.write() && o.done() && o.invoked > feed.subscribed()) must = std::min(must, o.revision);
  }
  Revision last = must - 1;  // everything up to it has come or need not
  bool gap = false, begun = false;
  for (const FeedLog::Event& event : feed.events()) {
    if (event.gap) {
      gap = true;
      continue;
    }
    const Change& change = event.change;
    const std::string what = change.key.ToString() + " at " + std::to_string(change.revision);
    const auto it = told.find(change.revision);
    if (it == told.end() || it->second.key != change.key || it->second.deleted != change.deleted)
      violations.push_back("the feed tells what did not happen: " + what);
    if (begun && change.revision <= last)
      violations.push_back("the feed tells " + what + " after " + std::to_string(last));
    const auto missed = told.upper_bound(last);
    if (!gap && missed != told.end() && missed->first < change.revision)
      violations.push_back("the feed left out " + std::to_string(missed->first) + " before " +
                           what);
    last = change.revision;
    begun = true;
    gap = false;
  }
  if (!gap && !told.empty() && told.rbegin()->first > last)
    violations.push_back("the feed ended at " + std::to_string(last));
  return violations;
}

}  // namespace zoe::conformance
