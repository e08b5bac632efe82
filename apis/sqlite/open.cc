#include "apis/sqlite/open.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

namespace zoe::sqlite {
namespace {

// The counter starts at 1 because revision 0 means "none". Objects are kept in a rowid table: with
// WITHOUT ROWID a large record would make every look-up of a neighbour slower.
constexpr const char* kSchema = R"(
BEGIN IMMEDIATE;
CREATE TABLE objects(
  kind TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL,
  revision INTEGER NOT NULL, bytes BLOB NOT NULL,
  UNIQUE(kind, ns, name));
CREATE TABLE counter(id INTEGER PRIMARY KEY CHECK (id = 0), revision INTEGER NOT NULL);
INSERT INTO counter VALUES (0, 1);
PRAGMA application_id = 1517249875;
PRAGMA user_version = 1;
COMMIT;
)";
static_assert(kApplicationId == 1517249875 && kSchemaVersion == 1, "as in kSchema");

Error NotWritable(const std::string& what) {
  return MakeError(Code::kUnavailable, "StoreNotWritable", what + ": " + std::strerror(errno));
}

std::string HolderOf(int lock_fd) {
  char text[32] = {};
  const ssize_t size = pread(lock_fd, text, sizeof(text) - 1, 0);
  const std::string pid(text, size > 0 ? static_cast<size_t>(size) : 0);
  return pid.substr(0, pid.find_first_not_of("0123456789"));
}

Expected<void> CheckSound(Database& db, const std::string& path) {
  ZOE_ASSIGN(const std::string verdict, db.QueryText("PRAGMA quick_check(1)"));
  if (verdict != "ok") return DamagedError(path, verdict.substr(verdict.rfind('\n') + 1));
  return {};
}

Expected<void> CheckSchema(Database& db, const std::string& path) {
  ZOE_ASSIGN(const int64_t application, db.QueryInt("PRAGMA application_id"));
  if (application != kApplicationId) {
    return MakeError(
        Code::kInvalid, "StoreNotOurs",
        path + " is an SQLite database, but not a store of this program: choose another path");
  }
  ZOE_ASSIGN(const int64_t version, db.QueryInt("PRAGMA user_version"));
  if (version > kSchemaVersion) {
    return MakeError(Code::kInvalid, "StoreTooNew",
                     path + " was written by a later version of this program (schema " +
                         std::to_string(version) + ", this one knows " +
                         std::to_string(kSchemaVersion) +
                         "): start that version, or restore a backup made before the upgrade");
  }
  return {};
}

Expected<void> UseWal(Database& db, const std::string& path) {
  ZOE_ASSIGN(const std::string mode, db.QueryText("PRAGMA journal_mode = WAL"));
  if (mode != "wal") {
    return MakeError(
        Code::kUnavailable, "StoreNotWritable",
        "the filesystem of " + path +
            " can't share memory, which SQLite's write-ahead log needs (journal mode " + mode +
            "): choose a local disk");
  }
  return db.Execute("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;");
}

}  // namespace

Expected<std::unique_ptr<LockFile>> LockFile::Acquire(const std::string& path) {
  const std::string lock_path = path + ".lock";
  const int fd = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return NotWritable("can't open " + lock_path);
  std::unique_ptr<LockFile> lock(new LockFile(fd));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return NotWritable("can't lock " + lock_path);
    const std::string pid = HolderOf(fd);
    return MakeError(Code::kUnavailable, "StoreInUse",
                     path + " is in use by " +
                         (pid.empty() ? "another process" : "process " + pid) +
                         ": one controller at a time can have it open");
  }
  // The pid only serves the message above: a full disk must not keep the store from opening.
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) errno = 0;
  return lock;
}

LockFile::~LockFile() { close(fd_); }

Expected<void> MakeParents(const std::string& path) {
  std::vector<std::filesystem::path> missing;
  std::error_code ignored;
  for (auto dir = std::filesystem::path(path).parent_path();
       !dir.empty() && !std::filesystem::exists(dir, ignored); dir = dir.parent_path())
    missing.push_back(dir);
  for (auto dir = missing.rbegin(); dir != missing.rend(); ++dir) {
    if (mkdir(dir->c_str(), 0700) != 0 && errno != EEXIST)
      return NotWritable("can't make directory " + dir->string());
  }
  return {};
}

Expected<void> MakeFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return NotWritable("can't open " + path);
  struct stat status = {};
  const bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  close(fd);
  if (!regular) return MakeError(Code::kInvalid, "StoreNotOurs", path + " isn't a regular file");
  return {};
}

Expected<std::unique_ptr<Database>> OpenChecked(const std::string& path) {
  ZOE_ASSIGN(std::unique_ptr<Database> db, Database::Open(path));
  ZOE_ASSIGN(const int64_t tables, db->QueryInt("SELECT count(*) FROM sqlite_master"));
  ZOE_ASSIGN(const int64_t version, db->QueryInt("PRAGMA user_version"));
  const bool fresh = tables == 0 && version == 0;
  if (!fresh) {
    ZOE_TRY(CheckSchema(*db, path));
    ZOE_TRY(CheckSound(*db, path));
  }
  ZOE_TRY(UseWal(*db, path));
  if (fresh) ZOE_TRY(db->Execute(kSchema));
  db->AllowCheckpoint();
  return db;
}

Expected<void> CheckForReading(const std::string& path) {
  if (std::error_code ignored; !std::filesystem::exists(path, ignored))
    return MakeError(Code::kNotFound, "StoreMissing", "there is no store at " + path);
  ZOE_ASSIGN(const std::unique_ptr<Database> db, Database::Open(path));
  return CheckSchema(*db, path);
}

}  // namespace zoe::sqlite
