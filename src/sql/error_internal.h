// SPDX-License-Identifier: Apache-2.0
// error_internal.h: errors at the wall between Status and DuckDB's exceptions.
#pragma once

#include <string>

#include "duckdb.hpp"

#include "firn/status.h"
#include "sql/statement.h"

namespace firn::sql {

// Leave a DuckDB callback because of `status`. The status is kept in `statement`, so that
// StatusOf() can return it unchanged when DuckDB has carried the exception out.
[[noreturn]] inline void Throw(Statement& statement, const Status& status) {
  statement.Fail(status);
  throw duckdb::IOException(std::string(status.message()));
}

// The code that tells the caller what to do about one of DuckDB's own errors.
inline StatusCode CodeOf(duckdb::ExceptionType type) {
  using duckdb::ExceptionType;
  switch (type) {
    case ExceptionType::OUT_OF_MEMORY:
    case ExceptionType::OBJECT_SIZE:
      return StatusCode::kResourceExhausted;
    case ExceptionType::INTERRUPT:
      return StatusCode::kCancelled;
    case ExceptionType::PERMISSION:
      return StatusCode::kPermissionDenied;
    case ExceptionType::NOT_IMPLEMENTED:
    case ExceptionType::MISSING_EXTENSION:
    case ExceptionType::AUTOLOAD:
      return StatusCode::kUnimplemented;
    case ExceptionType::IO:
    case ExceptionType::HTTP:
    case ExceptionType::NETWORK:
    case ExceptionType::CONNECTION:
      return StatusCode::kUnavailable;
    case ExceptionType::INVALID:
    case ExceptionType::INTERNAL:
    case ExceptionType::FATAL:
    case ExceptionType::NULL_POINTER:
    case ExceptionType::SCHEDULER:
    case ExceptionType::OPTIMIZER:
    case ExceptionType::PLANNER:
    case ExceptionType::SERIALIZATION:
    case ExceptionType::TRANSACTION:
      return StatusCode::kInternal;
    default:
      // Parser, binder, catalog, conversion, range and the like: the text or the data in
      // it is wrong.
      return StatusCode::kInvalidArgument;
  }
}

// The Status of an error that came out of DuckDB while it ran `statement`.
inline Status StatusOf(const Statement& statement, const duckdb::ErrorData& error) {
  // A cancelled or late statement fails in many ways; the reason is the context's.
  Status reason = statement.context().Check();
  if (!reason.ok()) return reason;
  reason = statement.failure();
  if (!reason.ok()) return reason;
  return {CodeOf(error.Type()), error.Message()};
}

inline Status StatusOf(const Statement& statement, const std::exception& exception) {
  return StatusOf(statement, duckdb::ErrorData(exception));
}

}  // namespace firn::sql
