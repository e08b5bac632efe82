#include "test/conformance/store/history.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>
#include <thread>

namespace zoe::conformance {
namespace {

constexpr std::string_view kActs[] = {"Get", "List", "Create", "Replace", "Delete"};

SteadyTime Now() { return std::chrono::steady_clock::now(); }

std::string Millis(SteadyTime time) {
  if (time == SteadyTime::max()) return "never";
  std::ostringstream out;
  out.precision(3);
  out << std::fixed << std::chrono::duration<double, std::milli>(time.time_since_epoch()).count();
  return out.str();
}

// As one line of text, and back.
void Put(int fd, char what, const Operation& o) {
  std::ostringstream out;
  out << what << ' ' << o.id << ' ' << o.store << ' ' << static_cast<int>(o.act) << ' '
      << o.key.kind << ' ' << (o.key.ns.empty() ? "-" : o.key.ns) << ' '
      << (o.key.name.empty() ? "-" : o.key.name) << ' ' << o.expected << ' '
      << (o.bytes.empty() ? "-" : o.bytes) << ' ' << o.invoked.time_since_epoch().count() << ' '
      << o.returned.time_since_epoch().count() << ' ' << (o.error ? static_cast<int>(*o.error) : -1)
      << ' ' << o.revision << ' ' << o.term << " .\n";
  const std::string line = out.str();
  if (write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
}

std::optional<Operation> Parse(const std::string& line) {
  std::istringstream in(line);
  Operation o;
  int act = 0, error = 0;
  SteadyTime::rep invoked = 0, returned = 0;
  std::string what, end;
  in >> what >> o.id >> o.store >> act >> o.key.kind >> o.key.ns >> o.key.name >> o.expected >>
      o.bytes >> invoked >> returned >> error >> o.revision >> o.term >> end;
  if (!in || end != ".") return std::nullopt;
  o.act = static_cast<Act>(act);
  for (std::string* text : {&o.key.ns, &o.key.name, &o.bytes}) {
    if (*text == "-") text->clear();
  }
  o.invoked = SteadyTime(SteadyTime::duration(invoked));
  o.returned = SteadyTime(SteadyTime::duration(returned));
  if (error >= 0) o.error = static_cast<Code>(error);
  return o;
}

}  // namespace

std::string Operation::ToString() const {
  std::ostringstream out;
  out << "store " << store << (term != 0 ? " leading in term " + std::to_string(term) : "") << ": "
      << kActs[static_cast<size_t>(act)] << " " << key.ToString();
  if (act == Act::kReplace || act == Act::kDelete) out << " at " << expected;
  out << " -> " << (error ? std::string(CodeName(*error)) : std::to_string(revision));
  if (!bytes.empty()) out << " '" << bytes << "'";
  if (act == Act::kList) out << " (" << records.size() << " records)";
  out << " [" << Millis(invoked) << ", " << Millis(returned) << "]";
  return out.str();
}

void History::Begin(Operation& operation) {
  operation.id = ++next_;
  if (journal_ >= 0) Put(journal_, 'I', operation);
}

void History::Add(Operation operation) {
  if (journal_ >= 0) Put(journal_, 'R', operation);
  const std::lock_guard lock(mutex_);
  operations_.push_back(std::move(operation));
}

std::vector<Operation> History::Operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

std::string History::NextBytes() { return prefix_ + std::to_string(++next_); }

std::vector<Operation> ReadJournal(const std::string& lines, SteadyTime latest) {
  std::map<int64_t, Operation> by_id;
  std::istringstream in(lines);
  std::string line;
  while (std::getline(in, line)) {
    std::optional<Operation> o = Parse(line);
    if (!o) continue;  // cut off by the end
    const bool returned = line.starts_with("R");
    if (!returned) {
      o->error = Code::kOutcomeUnknown;
      o->returned = SteadyTime::max();
      o->latest = latest;
    }
    if (returned || !by_id.contains(o->id)) by_id[o->id] = std::move(*o);
  }
  std::vector<Operation> operations;
  for (auto& [id, o] : by_id) {
    if (o.act != Act::kList && (o.write() || !o.unknown())) operations.push_back(std::move(o));
  }
  return operations;
}

RecordedStore RecordedStore::ForLeader(const std::atomic<int64_t>& term) const {
  RecordedStore leader(store_.ForLeader(), history_, id_);
  leader.term_ = &term;
  return leader;
}

Expected<Record> RecordedStore::Get(const Key& key) {
  Operation operation{.store = id_, .act = Act::kGet, .key = key};
  operation.invoked = Now();
  history_.Begin(operation);
  Expected<Record> record = store_.Get(key);
  operation.returned = Now();
  if (record.ok()) {
    operation.revision = record->revision;
    operation.bytes = record->bytes;
  } else {
    operation.error = record.error().code;
  }
  history_.Add(std::move(operation));
  return record;
}

Expected<Listing> RecordedStore::List(std::string_view kind) {
  Operation operation{.store = id_, .act = Act::kList, .key = {std::string(kind), "", ""}};
  operation.invoked = Now();
  history_.Begin(operation);
  Expected<Listing> listing = store_.List(kind);
  operation.returned = Now();
  if (listing.ok()) {
    operation.revision = listing->revision;
    operation.records = listing->records;
  } else {
    operation.error = listing.error().code;
  }
  history_.Add(std::move(operation));
  return listing;
}

template <class F>
Expected<Revision> RecordedStore::Write(Operation operation, F call) {
  const int64_t term = term_ != nullptr ? term_->load() : 0;
  operation.store = id_;
  operation.invoked = Now();
  history_.Begin(operation);
  const Expected<Revision> revision = call();
  operation.returned = Now();
  if (term_ != nullptr && term_->load() == term) operation.term = term;
  if (revision.ok()) {
    operation.revision = *revision;
  } else {
    operation.error = revision.error().code;
  }
  history_.Add(std::move(operation));
  return revision;
}

Expected<Revision> RecordedStore::Create(const Key& key) {
  const std::string bytes = history_.NextBytes();
  return Write({.act = Act::kCreate, .key = key, .bytes = bytes},
               [&] { return store_.Create(key, bytes); });
}

Expected<Revision> RecordedStore::Replace(const Key& key, Revision expected) {
  const std::string bytes = history_.NextBytes();
  return Write({.act = Act::kReplace, .key = key, .expected = expected, .bytes = bytes},
               [&] { return store_.Replace(key, expected, bytes); });
}

Expected<Revision> RecordedStore::Delete(const Key& key, Revision expected) {
  return Write({.act = Act::kDelete, .key = key, .expected = expected},
               [&] { return store_.Delete(key, expected); });
}

// ---- FeedLog

SteadyTime FeedLog::Clock() { return Now(); }

Feed FeedLog::feed() {
  return {.on_change =
              [this](const Change& change) {
                const std::lock_guard lock(mutex_);
                events_.push_back({.change = change});
              },
          .on_gap =
              [this] {
                const std::lock_guard lock(mutex_);
                events_.push_back({.gap = true});
              }};
}

std::vector<FeedLog::Event> FeedLog::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

int FeedLog::gaps() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(std::ranges::count_if(events_, &Event::gap));
}

bool FeedLog::WaitFor(Revision revision, Duration timeout) const {
  const SteadyTime deadline = Now() + timeout;
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (!events_.empty() && !events_.back().gap && events_.back().change.revision >= revision)
        return true;
    }
    if (Now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace zoe::conformance
