// SPDX-License-Identifier: Apache-2.0
// check.h: ends a benchmark at the first error, since its figures would mean nothing.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "firn/status.h"

namespace firn {

[[noreturn]] inline void Die(const Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}
inline void Check(const Status& status) {
  if (!status.ok()) Die(status);
}
template <typename T>
T Check(Result<T> result) {
  if (!result.ok()) Die(result.status());
  return std::move(result).value();
}

}  // namespace firn
