// SPDX-License-Identifier: Apache-2.0
// wall.h: where Arrow's statuses and Parquet's exceptions end.
//
// Nothing in this room throws past a public function: what calls into Parquet C++ runs
// inside Guard(). Internal to this room.
#pragma once

#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "arrow/result.h"
#include "arrow/status.h"

#include "firn/status.h"
#include "parquet/exception.h"

namespace firn::parquet {

// A firn Status carried through Arrow's interfaces comes out as it went in. Otherwise
// Arrow's code is mapped: out of memory is ResourceExhausted, a feature Arrow lacks is
// Unimplemented, and what is wrong with bytes is Corruption.
Status FromArrow(const arrow::Status& status);
// The way in: the Status is kept as the detail of Arrow's.
arrow::Status ToArrow(const Status& status);

// What Arrow finds wrong with a schema or an option is the caller's, not the bytes'.
// Opening writes the magic number already: an error of the object stays what it is.
Status AsArgument(const arrow::Status& status);

template <typename T>
Result<T> FromArrow(arrow::Result<T> result) {
  if (!result.ok()) return FromArrow(result.status());
  return std::move(result).ValueUnsafe();
}

// Run `body`, which returns a Status or a Result, and turn what it throws into a Status.
// `what` becomes the first clause of any error: the file's location.
template <typename Body>
std::invoke_result_t<Body> Guard(std::string_view what, Body&& body) {
  Status caught;
  try {
    auto outcome = std::forward<Body>(body)();
    if constexpr (std::is_same_v<decltype(outcome), Status>) {
      return outcome.With(what);
    } else {
      if (outcome.ok()) return outcome;
      return outcome.status().With(what);
    }
  } catch (const ::parquet::ParquetStatusException& e) {
    caught = FromArrow(e.status());
  } catch (const std::bad_alloc&) {
    caught = Status::ResourceExhausted("out of memory");
  } catch (const std::exception& e) {
    // Parquet's own exceptions, and std::length_error and the like from sizes that a
    // damaged file made up.
    caught = Status::Corruption(e.what());
  }
  return caught.With(what);
}

}  // namespace firn::parquet

#define FIRN_ARROW_RETURN_IF_ERROR(expr)                     \
  do {                                                       \
    ::arrow::Status firn_arrow_status_ = (expr);             \
    if (!firn_arrow_status_.ok()) [[unlikely]]               \
      return ::firn::parquet::FromArrow(firn_arrow_status_); \
  } while (false)
#define FIRN_ARROW_ASSIGN_OR_RETURN(lhs, expr) \
  FIRN_ASSIGN_OR_RETURN(lhs, ::firn::parquet::FromArrow(expr))
