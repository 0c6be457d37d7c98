// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

#include "base/quote.h"

namespace firn::base {
namespace {

TEST(Utf8Test, TakesWhatUnicodeTakes) {
  for (const char* text :
       {"", "plain", "longer than eight bytes", "\x7f", "\xc2\x80", "\xdf\xbf",
        "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "eight by\xc3\xa9tes and more"}) {
    EXPECT_TRUE(IsValidUtf8(text)) << Quoted(text);
  }
  EXPECT_TRUE(IsValidUtf8(std::string_view("a\0b", 3)));
}

TEST(Utf8Test, RefusesTheRest) {
  const char* const cases[] = {
      "\x80",              // continuation without a lead
      "\xc3",              // cut short
      "\xc3(",             // lead without its continuation
      "\xc0\xaf",          // overlong
      "\xe0\x80\xaf",      // overlong
      "\xf0\x80\x80\xaf",  // overlong
      "\xed\xa0\x80",      // surrogate
      "\xed\xbf\xbf",      // surrogate
      "\xf4\x90\x80\x80",  // above U+10FFFF
      "\xf8\x88\x80\x80\x80",
      "\xff",
      "eight byt\xff",
  };
  for (const char* text : cases) EXPECT_FALSE(IsValidUtf8(text)) << Quoted(text);
}

TEST(Utf8Test, AppendsWhatItDecodes) {
  for (const char32_t rune : {U'\0', U'a', U'\x7f', U'\x80', U'\u07ff', U'\u0800',
                              U'\uffff', U'\U00010000', U'\U0010ffff'}) {
    std::string text;
    AppendUtf8(rune, text);
    const Utf8Rune decoded = DecodeUtf8(text);
    EXPECT_EQ(decoded.code_point, rune);
    EXPECT_EQ(decoded.size_bytes, text.size());
  }
}

TEST(Utf8Test, DecodesOneRune) {
  EXPECT_EQ(DecodeUtf8("\xe2\x82\xac!").code_point, U'\u20ac');
  EXPECT_EQ(DecodeUtf8("\xe2\x82\xac!").size_bytes, 3u);
  EXPECT_EQ(DecodeUtf8("\xe2\x82").size_bytes, 0u);
}

TEST(QuoteTest, EscapesAsGoDoes) {
  EXPECT_EQ(Quoted("a\a\b\f\n\r\t\v\"\\'"), R"("a\a\b\f\n\r\t\v\"\\'")");
  EXPECT_EQ(Quoted(std::string_view("\0\x1f\x7f", 3)), R"("\x00\x1f\x7f")");
  EXPECT_EQ(Quoted("\xff\xc3z"), R"("\xff\xc3z")");
  EXPECT_EQ(Quoted("\xc2\xa0\xe2\x80\x8b\xef\xbb\xbf"), R"("\u00a0\u200b\ufeff")");
  EXPECT_EQ(Quoted("\xf3\xb0\x80\x80"), R"("\U000f0000")");
  EXPECT_EQ(Quoted("\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

}  // namespace
}  // namespace firn::base
