// SPDX-License-Identifier: Apache-2.0
// assert.h: checks on the programmer, in every build.
//
// An operating error is a Status. A broken precondition or invariant is a bug: the
// process ends at once with the expression and the place, before it can write something
// wrong. Keep the condition cheap, since the check stays on in a release build.
#pragma once

#include <string_view>

namespace firn::base {

[[noreturn]] void AssertFailed(std::string_view expression, std::string_view file,
                               int line);

}  // namespace firn::base

#define FIRN_ASSERT(condition)                                    \
  do {                                                            \
    if (!(condition)) [[unlikely]]                                \
      ::firn::base::AssertFailed(#condition, __FILE__, __LINE__); \
  } while (false)
