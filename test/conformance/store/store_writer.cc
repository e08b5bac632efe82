// A process that works on a store and tells its journal on standard output, until it is killed:
// store_writer STORE SEED THREADS PREFIX [SESSION_TIMEOUT_MS: then it stands for election].
// STORE is sqlite:PATH or zk://HOSTS/PATH.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "apis/sqlite/sqlite_store.h"
#include "apis/zookeeper/zookeeper_store.h"
#include "test/conformance/store/storm.h"

namespace {

using namespace zoe;

Expected<std::unique_ptr<Store>> Open(const std::string& name, Duration session_timeout) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (name.starts_with(kSqlite)) return OpenSqliteStore(name.substr(kSqlite.size()));
  ZOE_ASSIGN(ZooKeeperOptions options, ParseZooKeeperUrl(name));
  options.session_timeout = session_timeout;
  options.call_timeout = Duration(3'000);
  return OpenZooKeeperStore(options);
}

}  // namespace

int main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (argc < 5) return 2;
  const bool lead = argc > 5;
  Expected<std::unique_ptr<Store>> store = Open(argv[1], Duration(lead ? std::atoi(argv[5]) : 0));
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  conformance::History history(argv[4], STDOUT_FILENO);
  conformance::Storm storm({.seed = std::strtoull(argv[2], nullptr, 10),
                            .threads = std::atoi(argv[3]),
                            .pause = Duration(lead ? 4 : 0),
                            .lists = false,
                            .lead = lead},
                           history, {store->get()});
  storm.Start();
  storm.Join();
}
