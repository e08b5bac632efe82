// SQLite with RAII and Expected; the only file that includes its header is database.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "specs/meta/expected.h"

struct sqlite3;
struct sqlite3_stmt;

namespace zoe::sqlite {

class Database;

// A prepared statement. Not thread-safe; must not outlive its Database.
class Statement {
 public:
  Statement(Statement&&) = default;
  Statement& operator=(Statement&&) = default;

  // Parameters from 1. Text and blobs are not copied: they must live until Reset.
  Statement& Text(int index, std::string_view value);
  Statement& Blob(int index, std::string_view value);
  Statement& Int(int index, int64_t value);

  // True: there is a row to read. After an error or the last row the statement is reset.
  Expected<bool> Step();
  // Step and Reset, for statements without rows.
  Expected<void> Run();
  void Reset();

  // Columns from 0 of the current row.
  int64_t Int(int column) const;
  std::string Bytes(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(const Database* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}
  const Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// One connection. Not thread-safe.
class Database {
 public:
  // The file must exist. Until AllowCheckpoint, closing leaves the file and its WAL exactly as they
  // were found.
  static Expected<std::unique_ptr<Database>> Open(const std::string& path);
  ~Database();

  void AllowCheckpoint();
  Expected<void> Execute(const char* sql);
  Expected<Statement> Prepare(const char* sql);
  // The first column of the first row.
  Expected<int64_t> QueryInt(const char* sql);
  Expected<std::string> QueryText(const char* sql);
  bool InTransaction() const;
  // After a failed COMMIT: true if the disk refused to confirm what had been written, so that the
  // transaction could reappear after a crash.
  bool SyncFailed() const;
  // What the last failure was, in the terms of sqlite_store.h.
  Error LastError() const;

 private:
  Database(std::string path, sqlite3* db) : path_(std::move(path)), db_(db) {}
  friend class Statement;
  const std::string path_;
  sqlite3* const db_;
};

// In the file's header: "ZoeS", and the schema that this program writes.
inline constexpr int64_t kApplicationId = 0x5a6f6553, kSchemaVersion = 1;

// Says how to save what can be read.
Error DamagedError(const std::string& path, const std::string& reason);

}  // namespace zoe::sqlite
