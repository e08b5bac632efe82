// A real ZooKeeper server for tests: Debian's package, a free port on loopback, a temporary
// directory.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "specs/meta/expected.h"

namespace zoe::conformance {

class TempDir;

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
  void Kill();               // as a power cut: SIGKILL; what it acknowledged stays on disk
  Expected<void> Restart();  // on the same port and data; waits until it serves
  void Freeze();             // SIGSTOP
  void Thaw();               // SIGCONT

 private:
  ZooKeeperServer();
  Expected<void> Launch();
  bool Serves() const;

  const std::unique_ptr<TempDir> dir_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace zoe::conformance
