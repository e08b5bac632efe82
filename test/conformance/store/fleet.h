// Several sessions with ZooKeeper, each over a network of its own that can fail, and a witness
// whose network does not.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "apis/zookeeper/zookeeper_store.h"
#include "test/conformance/store/storm.h"
#include "test/conformance/store/tcp_proxy.h"

namespace zoe::conformance {

// One client's way to every server.
class Link {
 public:
  explicit Link(const std::vector<int>& ports);
  std::string hosts() const;
  TcpProxy& to(size_t server) { return *proxies_[server]; }
  size_t size() const { return proxies_.size(); }
  void Block();
  void BlockReplies();
  void Unblock();
  void Cut();
  int64_t largest_message() const;

 private:
  std::vector<std::unique_ptr<TcpProxy>> proxies_;
};

class Fleet {
 public:
  // `options` but for the hosts; the witness has a session that outlasts every fault.
  static Expected<std::unique_ptr<Fleet>> Open(const ZooKeeperOptions& options,
                                               const std::vector<int>& ports, int sessions);
  std::vector<Store*> stores() const;
  Store& store(size_t i) { return *sessions_[i]->store; }
  Link& link(size_t i) { return sessions_[i]->link; }
  size_t size() const { return sessions_.size(); }
  Store& witness() { return *witness_; }
  // After the last fault: every session reads every object once more, and every feed hears of a
  // last write.
  Expected<void> Settle(History& history, int keys);
  Judgement Judge(const std::vector<Operation>& operations, Reads reads) const;

 private:
  struct Session {
    explicit Session(const std::vector<int>& ports) : link(ports) {}
    Link link;
    FeedLog feed;
    std::unique_ptr<Store> store;
    std::unique_ptr<Watch> watch;
  };
  std::vector<std::unique_ptr<Session>> sessions_;
  FeedLog order_;
  std::unique_ptr<Store> witness_;
  std::unique_ptr<Watch> order_watch_;
};

// Faults at random, one after the other, for a time; each is counted by its name.
class Nemesis {
 public:
  struct Fault {
    std::string name;
    int weight = 1;
    std::function<void()> act;  // does it, and undoes it
  };
  Nemesis(uint64_t seed, std::vector<Fault> faults) : random_(seed), faults_(std::move(faults)) {}

  void RunFor(Duration duration);
  // Lets the world go on for as long as a fault lasts, at random between the two.
  void Last(int least_ms, int most_ms);
  size_t Any(size_t count) { return random_() % count; }
  int count() const;
  std::string ToString() const;  // "12 faults: cut 3, ..."

 private:
  std::mt19937_64 random_;
  const std::vector<Fault> faults_;
  std::map<std::string, int> counts_;
};

// What can happen to the sessions' networks.
std::vector<Nemesis::Fault> NetworkFaults(Fleet& fleet, Nemesis*& nemesis);

}  // namespace zoe::conformance
