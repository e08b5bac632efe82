#include "apis/sqlite/database.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>

namespace zoe::sqlite {
namespace {

constexpr int kBusyTimeoutMs =
    5'000;  // an administrator's sqlite3 shell may hold a lock for a moment

// A failed COMMIT doesn't pass the system's error on; then errno still is what the failed call
// left.
int SystemErrno(sqlite3* db) {
  const int system_errno = errno;
  return sqlite3_system_errno(db) != 0 ? sqlite3_system_errno(db) : system_errno;
}

std::string SystemReason(sqlite3* db, int system_errno) {
  return system_errno != 0 ? std::strerror(system_errno) : sqlite3_errmsg(db);
}

bool IsOutOfRoom(int system_errno) {
  return system_errno == ENOSPC || system_errno == EDQUOT || system_errno == EFBIG;
}

}  // namespace

// .dump, not .recover: Debian's sqlite3 is built without what .recover needs.
Error DamagedError(const std::string& path, const std::string& reason) {
  return MakeError(
      Code::kInternal, "StoreDamaged",
      path + " is damaged (" + reason +
          "). Nothing was changed. Restore it from a backup, or save what can be read into a new "
          "file: "
          "(sqlite3 '" +
          path + "' .dump | sed 's/^ROLLBACK.*/COMMIT;/'; echo 'PRAGMA application_id=" +
          std::to_string(kApplicationId) +
          "; PRAGMA user_version=" + std::to_string(kSchemaVersion) + ";') | sqlite3 '" + path +
          ".recovered'. Then move the old file with its -wal and -shm away and the "
          "new one in its place");
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement& Statement::Text(int index, std::string_view value) {
  sqlite3_bind_text(statement_.get(), index, value.data(), static_cast<int>(value.size()),
                    SQLITE_STATIC);
  return *this;
}

// A null pointer would bind NULL, which the table refuses: an empty record is an empty blob.
Statement& Statement::Blob(int index, std::string_view value) {
  const char* data = value.empty() ? "" : value.data();
  sqlite3_bind_blob(statement_.get(), index, data, static_cast<int>(value.size()), SQLITE_STATIC);
  return *this;
}

Statement& Statement::Int(int index, int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
  return *this;
}

Expected<bool> Statement::Step() {
  const int rc = sqlite3_step(statement_.get());
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) {
    Reset();
    return false;
  }
  Error error = database_->LastError();  // before Reset, which could overwrite it
  Reset();
  return error;
}

Expected<void> Statement::Run() {
  ZOE_ASSIGN([[maybe_unused]] const bool row, Step());
  Reset();
  return {};
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string Statement::Bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  return {data == nullptr ? "" : data,
          static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

Expected<std::unique_ptr<Database>> Database::Open(const std::string& path) {
  sqlite3* db = nullptr;
  const int rc =
      sqlite3_open_v2(path.c_str(), &db,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (db == nullptr)
    return MakeError(Code::kUnavailable, "StoreNotWritable", "out of memory opening " + path);
  std::unique_ptr<Database> database(new Database(path, db));
  if (rc != SQLITE_OK) return database->LastError();
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  return database;
}

Database::~Database() { sqlite3_close_v2(db_); }

void Database::AllowCheckpoint() {
  sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

Expected<void> Database::Execute(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return LastError();
  return {};
}

Expected<Statement> Database::Prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    return LastError();
  return Statement(this, statement);
}

Expected<int64_t> Database::QueryInt(const char* sql) {
  ZOE_ASSIGN(Statement statement, Prepare(sql));
  ZOE_ASSIGN(const bool row, statement.Step());
  return row ? statement.Int(0) : int64_t{0};
}

Expected<std::string> Database::QueryText(const char* sql) {
  ZOE_ASSIGN(Statement statement, Prepare(sql));
  ZOE_ASSIGN(const bool row, statement.Step());
  return row ? statement.Bytes(0) : std::string();
}

bool Database::InTransaction() const { return sqlite3_get_autocommit(db_) == 0; }

bool Database::SyncFailed() const {
  const int rc = sqlite3_extended_errcode(db_);
  return rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC;
}

Error Database::LastError() const {
  const int system_errno = SystemErrno(db_);
  const int rc = sqlite3_extended_errcode(db_);
  const bool out_of_room = IsOutOfRoom(system_errno);
  switch (rc & 0xff) {
    case SQLITE_FULL:
      return MakeError(
          Code::kUnavailable, "DiskFull",
          "no room to write " + path_ + ": the disk is full; make room and writes work again");
    case SQLITE_IOERR:
      return MakeError(Code::kUnavailable, out_of_room ? "DiskFull" : "DiskError",
                       (out_of_room ? "no room to write " : "the disk of ") + path_ +
                           (out_of_room ? ": " : " fails: ") + SystemReason(db_, system_errno));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return MakeError(Code::kUnavailable, "StoreInUse",
                       "another program, such as a sqlite3 shell, holds a lock on " + path_);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return DamagedError(path_, sqlite3_errmsg(db_));
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return MakeError(Code::kUnavailable, "StoreNotWritable",
                       "can't write " + path_ + ": " + SystemReason(db_, system_errno));
    default:
      return MakeError(Code::kInternal, "SQLite failed on " + path_ + ": " + sqlite3_errmsg(db_));
  }
}

}  // namespace zoe::sqlite
