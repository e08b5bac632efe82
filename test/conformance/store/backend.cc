#include "test/conformance/store/backend.h"

#include <stdlib.h>

#include <atomic>
#include <filesystem>

#include "apis/memory/memory_store.h"
#include "apis/sqlite/sqlite_store.h"
#include "apis/zookeeper/zookeeper_store.h"
#include "test/conformance/store/zookeeper_server.h"

namespace zoe::conformance {
namespace {

class Memory : public Backend {
 public:
  Expected<std::unique_ptr<Store>> Open() override { return MakeMemoryStore(); }
  bool durable() const override { return false; }
};

class Sqlite : public Backend {
 public:
  Expected<std::unique_ptr<Store>> Open() override {
    return OpenSqliteStore(dir_.path() + "/made/on/demand/state.db");
  }
  bool durable() const override { return true; }

 private:
  TempDir dir_;
};

// All tests of the process share one server; each has its own chroot.
class ZooKeeper : public Backend {
 public:
  explicit ZooKeeper(std::string hosts) {
    static std::atomic<int> next{0};
    options_.hosts = std::move(hosts);
    options_.chroot = "/suite/test-" + std::to_string(++next);
  }
  Expected<std::unique_ptr<Store>> Open() override { return OpenZooKeeperStore(options_); }
  bool durable() const override { return true; }
  Expected<std::unique_ptr<Store>> OpenAnother() override { return Open(); }

 private:
  ZooKeeperOptions options_;
};

}  // namespace

BackendParam MemoryBackend() {
  return {"Memory", [] { return std::unique_ptr<Backend>(std::make_unique<Memory>()); }};
}

BackendParam SqliteBackend() {
  return {"Sqlite", [] { return std::unique_ptr<Backend>(std::make_unique<Sqlite>()); }};
}

BackendParam ZooKeeperBackend() {
  return {"ZooKeeper", []() -> Expected<std::unique_ptr<Backend>> {
            static const Expected<std::unique_ptr<ZooKeeperServer>> server =
                ZooKeeperServer::Start();
            if (!server.ok()) return server.error();
            return std::unique_ptr<Backend>(std::make_unique<ZooKeeper>((*server)->hosts()));
          }};
}

TempDir::TempDir() {
  std::string path = std::filesystem::temp_directory_path() / "zoe-store-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) abort();
  path_ = path;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace zoe::conformance
