#include "test/conformance/store/storm.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

namespace zoe::conformance {
namespace {

SteadyTime Now() { return std::chrono::steady_clock::now(); }

// Terms of leading, over all processes of a test: none is used twice.
int64_t NextTerm() {
  static std::atomic<int64_t> next{0};
  return static_cast<int64_t>(getpid()) * 1'000'000 + ++next;
}

}  // namespace

struct Storm::Client {
  Client(Store& store, History& history, int id)
      : plain(store, history, id), leader(plain.ForLeader(term)) {}
  std::atomic<int64_t> term{0};
  RecordedStore plain, leader;
  std::unique_ptr<Watch> campaign;
};

Storm::Storm(StormOptions options, History& history, const std::vector<Store*>& stores)
    : options_(options) {
  for (Store* store : stores)
    clients_.push_back(
        std::make_unique<Client>(*store, history, static_cast<int>(clients_.size()) + 1));
}

Storm::~Storm() { Stop(); }

void Storm::Start() {
  stop_ = false;
  for (size_t i = 0; i < clients_.size(); ++i) {
    Client& client = *clients_[i];
    if (options_.lead) {
      Expected<std::unique_ptr<Watch>> campaign = client.plain.plain().Campaign(
          "storm-" + std::to_string(i), [&client, leads = false](SteadyTime until) mutable {
            const bool led = std::exchange(leads, until != kNotLeading);
            if (led != leads) client.term = leads ? NextTerm() : 0;
          });
      if (campaign.ok()) client.campaign = std::move(campaign).value();
    }
    for (int t = 0; t < options_.threads; ++t) {
      const uint64_t seed = options_.seed * 1'000 + i * 100 + static_cast<uint64_t>(t);
      threads_.emplace_back([this, &client, seed] { Work(client, seed); });
    }
  }
}

void Storm::Join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  for (const auto& client : clients_) client->campaign.reset();
}

void Storm::Stop() {
  stop_ = true;
  Join();
}

int Storm::leader() const {
  for (size_t i = 0; i < clients_.size(); ++i) {
    if (clients_[i]->term != 0) return static_cast<int>(i);
  }
  return -1;
}

void Storm::Work(Client& client, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int i = 0; !stop_ && (options_.operations == 0 || i < options_.operations); ++i) {
    const Key key{"Execution", random() % 2 == 0 ? "alice" : "bob",
                  "e" + std::to_string(random() % static_cast<uint64_t>(options_.keys))};
    RecordedStore& store =
        options_.lead && random() % (client.term != 0 ? 2 : 8) == 0 ? client.leader : client.plain;
    Act(client, store, key, random());
    ++done_;
    if (options_.pause.count() > 0)
      std::this_thread::sleep_for(std::chrono::microseconds(
          random() % static_cast<uint64_t>(options_.pause.count() * 1000)));
  }
}

// Half of the swaps stand on what was just read, the others on what anybody has seen: of another
// store, or long ago.
void Storm::Act(Client& client, RecordedStore& store, const Key& key, uint64_t dice) {
  const uint64_t act = dice % 100;
  if (act < 3 && options_.lists) {
    (void)client.plain.List(dice % 2 == 0 ? "Execution" : "");
    return;
  }
  if (act < 8) {
    if (const Expected<Revision> made = store.Create(key); made.ok()) Note(key, *made);
    return;
  }
  Revision expected = Noted(key);
  if (act < 60) {
    const Expected<Record> read = client.plain.Get(key);
    if (read.ok()) Note(key, expected = read->revision);
    if (!read.ok() && read.error().code == Code::kNotFound) Note(key, expected = 0);
    if (act < 30) return;
  }
  Expected<Revision> written = Revision{0};
  if (expected == 0) {
    written = store.Create(key);
  } else if (dice / 100 % 8 == 0) {
    written = store.Delete(key, expected);
    if (written.ok()) return Note(key, 0);
  } else {
    written = store.Replace(key, expected);
  }
  if (written.ok()) Note(key, *written);
}

void Storm::Note(const Key& key, Revision revision) {
  const std::lock_guard lock(mutex_);
  noted_[key] = revision;
}

Revision Storm::Noted(const Key& key) {
  const std::lock_guard lock(mutex_);
  return noted_[key];
}

Judgement Judge(const std::vector<Operation>& operations, Reads reads, const FeedLog& order,
                const std::vector<const FeedLog*>& feeds) {
  const SteadyTime start = Now();
  Judgement judgement;
  const auto add = [&](Violations more) {
    for (std::string& what : more) judgement.violations.push_back(std::move(what));
  };
  SearchFigures search;
  const std::vector<FeedLog::Event> events = order.events();
  add(CheckLinearizable(operations, reads, &search));
  add(CheckOrder(operations, events, reads));
  size_t told = events.size();
  int gaps = 0;
  for (const FeedLog* feed : feeds) {
    add(CheckFeed(operations, events, *feed));
    told += feed->events().size();
    gaps += feed->gaps();
  }
  size_t done = 0, refused = 0, unavailable = 0, unknown = 0;
  Duration longest{0};
  for (const Operation& o : operations) {
    ++(o.done()                        ? done
       : o.unknown()                   ? unknown
       : o.error == Code::kUnavailable ? unavailable
                                       : refused);
    if (o.returned != SteadyTime::max())
      longest = std::max(longest, std::chrono::duration_cast<Duration>(o.returned - o.invoked));
  }
  char line[512];
  std::snprintf(line, sizeof(line),
                "%zu operations: %zu done, %zu refused, %zu unavailable, %zu of unknown outcome; "
                "longest call %ld ms; %zu changes told to %zu feeds, %d gaps; search over %zu "
                "objects, %lu steps; judged in %ld ms",
                operations.size(), done, refused, unavailable, unknown,
                static_cast<long>(longest.count()), told, feeds.size() + 1, gaps, search.searches,
                static_cast<unsigned long>(search.steps),
                static_cast<long>(std::chrono::duration_cast<Duration>(Now() - start).count()));
  judgement.figures = line;
  return judgement;
}

uint64_t StormSeed() {
  const char* seed = std::getenv("ZOE_STORM_SEED");
  return seed != nullptr ? std::strtoull(seed, nullptr, 10) : std::random_device{}() % 1'000'000;
}

Duration StormDuration(Duration usual) {
  const char* seconds = std::getenv("ZOE_STORM_SECONDS");
  return seconds != nullptr ? Duration(1'000 * std::atoll(seconds)) : usual;
}

}  // namespace zoe::conformance
