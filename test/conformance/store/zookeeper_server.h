// Real ZooKeeper servers for tests: Debian's package, free ports on loopback, temporary
// directories.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "specs/meta/expected.h"
#include "test/conformance/store/tcp_proxy.h"

namespace zoe::conformance {

class TempDir;

// One process. Its end comes with that of the thread which started it, so start it from the
// test's own.
class ZooKeeperServer {
 public:
  // kUnavailable with the reason, if Java or the server's jar is missing or it doesn't come up
  // within 30 s.
  // sync: every write waits for the disk, as in production; without it only a power cut of the
  // machine could lose any, and tests are several times faster.
  static Expected<std::unique_ptr<ZooKeeperServer>> Start(bool sync = false);
  ~ZooKeeperServer();  // kills it

  std::string hosts() const { return "127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  bool running() const { return pid_ > 0; }
  void Kill();               // as a power cut: SIGKILL; what it acknowledged stays on disk
  Expected<void> Restart();  // on the same port and data; waits until it serves
  Expected<void> WaitServing();
  void Freeze();  // SIGSTOP
  void Thaw();    // SIGCONT
  // "standalone", "leader", "follower"; empty while it serves nobody.
  std::string Mode() const;
  std::string Log() const;  // what it has printed: warnings and errors

 private:
  friend class ZooKeeperEnsemble;
  ZooKeeperServer();
  void WriteConfig(bool sync, const std::string& more);
  void Spawn();

  const std::unique_ptr<TempDir> dir_;
  int port_ = 0;
  pid_t pid_ = -1;
};

// Three servers (or any other number) that need a majority, in which every follower's link to
// its leader can be held up.
class ZooKeeperEnsemble {
 public:
  // As ZooKeeperServer::Start; they come up together.
  static Expected<std::unique_ptr<ZooKeeperEnsemble>> Start(int size = 3);

  int size() const { return static_cast<int>(servers_.size()); }
  ZooKeeperServer& server(int i) { return *servers_[static_cast<size_t>(i)]; }
  std::string hosts() const;  // of all
  // Who leads, waiting for an election to end at most 30 s; -1 if none does.
  int Leader();
  int Follower();  // one that serves
  // Starts what was killed, thaws what was frozen, ends every lag; waits until all serve.
  Expected<void> Heal();
  Expected<void> WaitServing();
  void Spawn(int i) { server(i).Spawn(); }  // without waiting: alone it may have no majority

  // A follower that lags: it hears nothing from its leader but goes on answering reads, until it
  // gives up after kPatience.
  void Lag(int follower);
  void CatchUp(int follower);
  static constexpr int kPatienceMillis = 3'000;

 private:
  ZooKeeperEnsemble() = default;
  void Configure(int size);

  std::vector<std::unique_ptr<ZooKeeperServer>> servers_;
  std::vector<std::vector<std::unique_ptr<TcpProxy>>> links_;  // [follower][leader]
};

}  // namespace zoe::conformance
