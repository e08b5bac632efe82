#include "controller/runtime/local_files.h"

#include <filesystem>
#include <system_error>

namespace zoe {

Expected<void> LocalFiles::EnsureDirectory(const std::string& path, const Ownership& owner) {
  namespace fs = std::filesystem;
  std::error_code error;
  const bool made = fs::create_directories(path, error);
  if (!error && made) {
    // Whatever the umask says: containers run as other users.
    fs::permissions(path, fs::perms{owner.mode}, error);
  }
  if (!error && !fs::is_directory(path, error) && !error) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (!error) return {};
  return MakeError(Code::kUnavailable, "WorkspaceUnavailable",
                   "can't make directory " + path + ": " + error.message());
}

}  // namespace zoe
