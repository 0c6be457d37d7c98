// SPDX-License-Identifier: Apache-2.0
// sqlite.h: a thin layer over SQLite: connections, statements, codes as Status.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "firn/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace firn::iceberg {

// One prepared statement. Thread-compatible; its database must outlive it.
class SqliteStatement {
 public:
  ~SqliteStatement();
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&&) = delete;

  // Parameters count from 1.
  Status Bind(int parameter, std::string_view text);
  // True while there is a row; false at the end.
  Result<bool> Step();
  // REQUIRES: the last Step answered true. Columns count from 0. Absent for NULL.
  std::optional<std::string> Text(int column) const;

 private:
  friend class SqliteDatabase;
  SqliteStatement(sqlite3* db, sqlite3_stmt* statement)
      : db_(db), statement_(statement) {}
  sqlite3* db_;
  sqlite3_stmt* statement_;
};

struct SqliteOpenOptions {
  int busy_timeout_ms = 0;
  // Statements change nothing, and the file is to be there.
  bool read_only = false;
};

// One connection. Thread-compatible: the owner serializes.
//
// Errors: ResourceExhausted (disk full, memory), Unavailable (locked, disk error),
// Corruption, PermissionDenied, AlreadyExists (a constraint), Internal.
class SqliteDatabase {
 public:
  // An empty `path` opens a database in memory.
  static Result<std::unique_ptr<SqliteDatabase>> Open(const std::string& path,
                                                      const SqliteOpenOptions& options);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  Result<SqliteStatement> Prepare(std::string_view sql);
  // Run statements without parameters or rows.
  Status Execute(const char* sql);
  // Rows changed by the last statement.
  std::int64_t changes() const;
  bool in_transaction() const;

 private:
  explicit SqliteDatabase(sqlite3* db) : db_(db) {}
  sqlite3* db_;
};

}  // namespace firn::iceberg
