// SPDX-License-Identifier: Apache-2.0
#include "firn/secret.h"

#include <gtest/gtest.h>

#include <sstream>
#include <type_traits>

namespace firn::base {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
template <typename T>
concept Text =
    std::is_convertible_v<T, std::string> || std::is_convertible_v<T, std::string_view>;

// A log line, an error's text and a stream take strings and what can be printed.
static_assert(!Printable<Secret>);
static_assert(!Text<Secret>);

TEST(Secret, IsRevealedOnRequestOnly) {
  EXPECT_TRUE(Secret().empty());
  EXPECT_TRUE(Secret("").empty());
  EXPECT_EQ(Secret().Reveal(), "");
  const Secret secret("key");
  const Secret copy = secret;
  EXPECT_EQ(copy.Reveal(), "key");
  EXPECT_TRUE(copy == secret);
  EXPECT_FALSE(copy == Secret("other"));
}

}  // namespace
}  // namespace firn::base
