// SPDX-License-Identifier: Apache-2.0
#include "iceberg/sqlite.h"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

namespace firn::iceberg {
namespace {

Status ToStatus(sqlite3* db, int code) {
  std::string text = std::string("sqlite: ") +
                     (db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code));
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return Status::ResourceExhausted(std::move(text));
    case SQLITE_IOERR: {
      const int error = db != nullptr ? sqlite3_system_errno(db) : 0;
      if (error == ENOSPC || error == EDQUOT) {
        return Status::ResourceExhausted(text + " (disk full)");
      }
      return Status::Unavailable(std::move(text));
    }
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
      return Status::Unavailable(std::move(text));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Status::Corruption(std::move(text));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Status::PermissionDenied(std::move(text));
    case SQLITE_CONSTRAINT:
      return Status::AlreadyExists(std::move(text));
    default:
      return Status::Internal(std::move(text));
  }
}

}  // namespace

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : db_(other.db_), statement_(std::exchange(other.statement_, nullptr)) {}

SqliteStatement::~SqliteStatement() { sqlite3_finalize(statement_); }

Status SqliteStatement::Bind(int parameter, std::string_view text) {
  const int code = sqlite3_bind_text64(statement_, parameter, text.data(), text.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
  return code == SQLITE_OK ? Status::OK() : ToStatus(db_, code);
}

Result<bool> SqliteStatement::Step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return ToStatus(db_, code);
}

std::optional<std::string> SqliteStatement::Text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return std::nullopt;
  const int size = sqlite3_column_bytes(statement_, column);
  return std::string(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
}

Result<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(
    const std::string& path, const SqliteOpenOptions& options) {
  sqlite3* db = nullptr;
  // A reader writes as well where it can: what a crash left half done is to be taken
  // back before anybody reads.
  const int mode = SQLITE_OPEN_READWRITE | (options.read_only ? 0 : SQLITE_OPEN_CREATE);
  const int code = sqlite3_open_v2(path.empty() ? ":memory:" : path.c_str(), &db,
                                   mode | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) {
    const Status status = ToStatus(db, code);
    sqlite3_close(db);
    return status;
  }
  sqlite3_busy_timeout(db, options.busy_timeout_ms);
  sqlite3_extended_result_codes(db, 1);
  std::unique_ptr<SqliteDatabase> opened(new SqliteDatabase(db));
  if (options.read_only) {
    FIRN_RETURN_IF_ERROR(opened->Execute("PRAGMA query_only = ON"));
  }
  return opened;
}

SqliteDatabase::~SqliteDatabase() { sqlite3_close(db_); }

Result<SqliteStatement> SqliteDatabase::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()),
                                      &statement, nullptr);
  if (code != SQLITE_OK) return ToStatus(db_, code);
  return SqliteStatement(db_, statement);
}

Status SqliteDatabase::Execute(const char* sql) {
  const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status::OK() : ToStatus(db_, code);
}

std::int64_t SqliteDatabase::changes() const { return sqlite3_changes64(db_); }

bool SqliteDatabase::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

}  // namespace firn::iceberg
