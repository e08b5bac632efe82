// The files of a workspace through the API, and copies between them and local files.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apis/client/client.h"
#include "cli/progress.h"
#include "cli/session.h"

namespace zoe::cli {

// A path in the workspace without empty and "." steps; "" is its root. kBadRequest for "..".
Expected<std::string> WorkspacePath(std::string_view text);
// "a/b" and "c" -> "a/b/c".
std::string Below(const std::string& directory, const std::string& name);

// What a path in the workspace holds.
struct Fetched {
  bool directory = false;
  codec::Value listing;  // of a directory: FileList
  uint64_t bytes = 0;    // of a file: how many came
};

// Errors are the server's.
class Workspace {
 public:
  Workspace(client::Client& client, const std::string& ns)
      : client_(client),
        base_(client::ResourcePath("/apis/zoe/v1", ns, "workspaces", ns) + "/files") {}

  // A directory's listing, or a file's bytes piece by piece, on another thread (client::Download);
  // `length` is the file's, where it is known. False from `on_bytes` ends it, with ok.
  using OnBytes =
      std::function<bool(std::string_view bytes, const std::optional<uint64_t>& length)>;
  Expected<Fetched> Fetch(const std::string& path, const OnBytes& on_bytes,
                          const client::Query& query = {});
  // Errors but kNotFound, which is kNothing.
  enum class Seen { kNothing, kFile, kDirectory };
  Expected<Seen> Look(const std::string& path);
  // nullopt: it is no directory.
  Expected<std::optional<codec::Value>> List(const std::string& path);
  Expected<void> Put(const std::string& path, std::optional<uint64_t> length,
                     const client::Source& source);
  Expected<void> MakeDirectory(const std::string& path);
  Expected<void> Remove(const std::string& path, bool recursive);

 private:
  Expected<void> Complete(const std::string& path, codec::Value& listing);

  client::Client& client_;
  const std::string base_;
};

// Copies, and tells how far it is. What can't be copied is said on stderr and counted; the rest
// goes on.
class Copier {
 public:
  Copier(Session& session, Workspace& workspace)
      : session_(session), workspace_(workspace), view_(session.io()) {}

  // "-" is stdout. An existing local directory takes the copy in. Exit codes, as of the next.
  int Get(const std::string& remote, std::string local, bool recursive);
  // "-" is stdin. `into`: `remote` was written with a slash at its end.
  int Put(const std::string& local, std::string remote, bool into, bool recursive);

 private:
  Expected<Fetched> Download(const std::string& remote, const std::string& local);
  void GetTree(const codec::Value& listing, const std::string& remote, const std::string& local);
  Expected<void> Upload(const std::string& local, const std::string& remote);
  void PutTree(const std::string& local, const std::string& remote);
  void Refuse(const std::string& what, const std::string& why);
  void Show(const std::string& name, uint64_t bytes, const std::optional<uint64_t>& length);
  int Finish(std::string_view verb);

  Session& session_;
  Workspace& workspace_;
  LiveView view_;
  SteadyTime begun_ = std::chrono::steady_clock::now(), shown_;
  uint64_t files_ = 0, bytes_ = 0, refused_ = 0;
};

// "12.3Mi"
std::string Bytes(int64_t bytes);

}  // namespace zoe::cli
