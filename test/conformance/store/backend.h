// What the suite runs on: one Backend per implementation of Store.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "controller/ports/store.h"

namespace zoe::conformance {

// A place of its own for one test's data, removed with the object.
class Backend {
 public:
  virtual ~Backend() = default;
  // Opens the store; called again after the first one's end, it opens the same data if `durable`.
  virtual Expected<std::unique_ptr<Store>> Open() = 0;
  virtual bool durable() const = 0;
  // A second one on the same data, as another process would; kUnavailable where only one may.
  virtual Expected<std::unique_ptr<Store>> OpenAnother() {
    return MakeError(Code::kUnavailable, "only one process can open this store");
  }
};

struct BackendParam {
  std::string name;
  // On an error the tests of this backend are skipped with its message.
  std::function<Expected<std::unique_ptr<Backend>>()> make;
};
inline void PrintTo(const BackendParam& param, std::ostream* out) { *out << param.name; }

BackendParam MemoryBackend();
BackendParam SqliteBackend();
BackendParam ZooKeeperBackend();

// A directory that is removed with the object.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace zoe::conformance
