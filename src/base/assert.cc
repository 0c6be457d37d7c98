// SPDX-License-Identifier: Apache-2.0
#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace firn::base {

void AssertFailed(std::string_view expression, std::string_view file, int line) {
  std::fprintf(stderr, "firn: %.*s:%d: assertion failed: %.*s\n",
               static_cast<int>(file.size()), file.data(), line,
               static_cast<int>(expression.size()), expression.data());
  std::abort();
}

}  // namespace firn::base
