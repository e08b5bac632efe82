#include "test/conformance/store/fleet.h"

#include <numeric>
#include <thread>

namespace zoe::conformance {
namespace {

SteadyTime Now() { return std::chrono::steady_clock::now(); }
constexpr Duration kSettleTimeout{40'000};

}  // namespace

Link::Link(const std::vector<int>& ports) {
  for (const int port : ports) proxies_.push_back(std::make_unique<TcpProxy>(port));
}

std::string Link::hosts() const {
  std::string all;
  for (const auto& proxy : proxies_) all += (all.empty() ? "" : ",") + proxy->hosts();
  return all;
}

void Link::Block() {
  for (const auto& proxy : proxies_) proxy->Block();
}
void Link::BlockReplies() {
  for (const auto& proxy : proxies_) proxy->BlockReplies();
}
void Link::Unblock() {
  for (const auto& proxy : proxies_) proxy->Unblock();
}
void Link::Cut() {
  for (const auto& proxy : proxies_) proxy->Cut();
}

int64_t Link::largest_message() const {
  int64_t largest = 0;
  for (const auto& proxy : proxies_) largest = std::max(largest, proxy->largest_message());
  return largest;
}

// ---- Fleet

Expected<std::unique_ptr<Fleet>> Fleet::Open(const ZooKeeperOptions& options,
                                             const std::vector<int>& ports, int sessions) {
  auto fleet = std::make_unique<Fleet>();
  ZooKeeperOptions steady = options;
  steady.hosts.clear();
  for (const int port : ports)
    steady.hosts += (steady.hosts.empty() ? "127.0.0.1:" : ",127.0.0.1:") + std::to_string(port);
  steady.session_timeout = Duration(60'000);
  steady.call_timeout = Duration(30'000);
  ZOE_ASSIGN(fleet->witness_, OpenZooKeeperStore(steady));
  ZOE_ASSIGN(fleet->order_watch_, fleet->witness_->Subscribe(fleet->order_.feed()));
  fleet->order_.Subscribed();
  for (int i = 0; i < sessions; ++i) {
    fleet->sessions_.push_back(std::make_unique<Session>(ports));
    Session& session = *fleet->sessions_.back();
    ZooKeeperOptions own = options;
    own.hosts = session.link.hosts();
    ZOE_ASSIGN(session.store, OpenZooKeeperStore(own));
    ZOE_ASSIGN(session.watch, session.store->Subscribe(session.feed.feed()));
    session.feed.Subscribed();
  }
  return fleet;
}

std::vector<Store*> Fleet::stores() const {
  std::vector<Store*> stores;
  for (const auto& session : sessions_) stores.push_back(session->store.get());
  return stores;
}

Expected<void> Fleet::Settle(History& history, int keys) {
  const SteadyTime deadline = Now() + kSettleTimeout;
  for (size_t i = 0; i < sessions_.size(); ++i) {
    RecordedStore store(this->store(i), history, static_cast<int>(i) + 1);
    while (!store.plain().Ping().ok()) {
      if (Now() > deadline)
        return MakeError(Code::kUnavailable,
                         "session " + std::to_string(i + 1) + " does not come back");
    }
    for (int key = 0; key < keys; ++key) {
      for (const char* ns : {"alice", "bob"})
        (void)store.Get({"Execution", ns, "e" + std::to_string(key)});
    }
    ZOE_TRY(store.List(""));
  }
  RecordedStore witness(*witness_, history, 0);
  // A feed may have its gap after the last write: then it waits for another.
  for (int last = 0;; ++last) {
    ZOE_ASSIGN(const Revision revision,
               witness.Create({"Last", "", std::to_string(getpid()) + "-" + std::to_string(last)}));
    bool all = order_.WaitFor(revision);
    for (const auto& session : sessions_)
      all = session->feed.WaitFor(revision, Duration(3'000)) && all;
    if (all) return {};
    if (Now() > deadline) return MakeError(Code::kUnavailable, "a feed has not heard of the end");
  }
}

Judgement Fleet::Judge(const std::vector<Operation>& operations, Reads reads) const {
  std::vector<const FeedLog*> feeds;
  for (const auto& session : sessions_) feeds.push_back(&session->feed);
  return conformance::Judge(operations, reads, order_, feeds);
}

// ---- Nemesis

void Nemesis::RunFor(Duration duration) {
  const int weights = std::accumulate(faults_.begin(), faults_.end(), 0,
                                      [](int sum, const Fault& f) { return sum + f.weight; });
  for (const SteadyTime end = Now() + duration; Now() < end;) {
    int dice = static_cast<int>(Any(static_cast<size_t>(weights)));
    for (const Fault& fault : faults_) {
      if ((dice -= fault.weight) >= 0) continue;
      fault.act();
      ++counts_[fault.name];
      break;
    }
    Last(10, 120);
  }
}

void Nemesis::Last(int least_ms, int most_ms) {
  std::this_thread::sleep_for(
      Duration(least_ms + static_cast<int>(Any(static_cast<size_t>(most_ms - least_ms + 1)))));
}

int Nemesis::count() const {
  return std::accumulate(counts_.begin(), counts_.end(), 0,
                         [](int sum, const auto& entry) { return sum + entry.second; });
}

std::string Nemesis::ToString() const {
  std::string text = std::to_string(count()) + " faults:";
  for (const auto& [name, times] : counts_) text += " " + name + " " + std::to_string(times) + ",";
  text.back() = ' ';
  return text;
}

std::vector<Nemesis::Fault> NetworkFaults(Fleet& fleet, Nemesis*& nemesis) {
  const auto any = [&fleet, &nemesis]() -> Link& { return fleet.link(nemesis->Any(fleet.size())); };
  return {{"cut", 4, [any] { any().Cut(); }},
          {"delay", 2,
           [any, &nemesis] {
             Link& link = any();
             link.Block();
             nemesis->Last(5, 200);
             link.Unblock();
           }},
          {"cut after request", 7,
           [any, &nemesis] {
             Link& link = any();
             link.BlockReplies();
             nemesis->Last(5, 60);
             link.Cut();
             link.Unblock();
           }},
          {"cut before request", 2,
           [any, &nemesis] {
             Link& link = any();
             link.Block();
             nemesis->Last(5, 60);
             link.Cut();
             link.Unblock();
           }},
          {"hold amid replies", 3,
           [any, &nemesis] {
             Link& link = any();
             for (size_t i = 0; i < link.size(); ++i)
               link.to(i).HoldRequestsAfter(1 + static_cast<int64_t>(nemesis->Any(3'000)));
             nemesis->Last(10, 200);
             link.Unblock();
           }},
          {"partition past expiry", 1, [any, &nemesis] {
             Link& link = any();
             link.Block();
             nemesis->Last(2'000, 3'000);
             link.Cut();
             link.Unblock();
           }}};
}

}  // namespace zoe::conformance
