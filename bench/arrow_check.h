// SPDX-License-Identifier: Apache-2.0
// arrow_check.h: check.h for what Arrow returns.
#pragma once

#include <utility>

#include "arrow/result.h"
#include "arrow/status.h"

#include "check.h"

namespace firn {

inline void Check(const arrow::Status& status) {
  if (!status.ok()) Die(Status::Internal(status.ToString()));
}
template <typename T>
T Check(arrow::Result<T> result) {
  Check(result.status());
  return std::move(result).ValueUnsafe();
}

}  // namespace firn
