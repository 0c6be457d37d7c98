// SPDX-License-Identifier: Apache-2.0
// arrow_status.h: where Arrow's statuses become firn's in this room. Internal to it.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <utility>

#include "firn/status.h"

namespace firn::table {

// Out of memory is ResourceExhausted, a value that does not fit is InvalidArgument, what
// Arrow has no kernel for is Unimplemented; anything else is a bug of ours.
inline Status FromArrow(const arrow::Status& status) {
  if (status.ok()) return Status::OK();
  if (status.IsOutOfMemory() || status.IsCapacityError()) {
    return Status::ResourceExhausted(status.message());
  }
  if (status.IsInvalid()) return Status::InvalidArgument(status.message());
  if (status.IsNotImplemented()) return Status::Unimplemented(status.message());
  return Status::Internal(status.ToString());
}

template <typename T>
Result<T> FromArrow(arrow::Result<T> result) {
  if (!result.ok()) return FromArrow(result.status());
  return std::move(result).ValueUnsafe();
}

}  // namespace firn::table
