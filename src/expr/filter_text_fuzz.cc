// SPDX-License-Identifier: Apache-2.0
// Any bytes as a filter. An answer comes back, and what is a filter reads back from its
// own text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "expr/filter_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto filter = firn::expr::ParseFilter(
      std::string_view(reinterpret_cast<const char*>(data), size));
  if (!filter.ok()) return 0;
  // The text has more parentheses than the input may have, and so may nest too deep.
  const std::string text = ToString(**filter);
  const auto again = firn::expr::ParseFilter(text);
  if (again.ok() && !AreEqual(**filter, **again)) std::abort();
  return 0;
}
