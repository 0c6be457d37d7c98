// SPDX-License-Identifier: Apache-2.0
#include "io/digest.h"

#include <gtest/gtest.h>

namespace firn::io {
namespace {

// RFC 6234 and RFC 4231 (test case 2), RFC 1321.
TEST(Digest, KnownValues) {
  EXPECT_EQ(Hex(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Hex(Md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
}

// RFC 4648, section 10.
TEST(Digest, Base64) {
  for (const auto& [bytes, text] :
       std::initializer_list<std::pair<const char*, const char*>>{
           {"", ""},
           {"f", "Zg=="},
           {"fo", "Zm8="},
           {"foo", "Zm9v"},
           {"foob", "Zm9vYg=="},
           {"fooba", "Zm9vYmE="},
           {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(Base64(bytes), text);
    EXPECT_EQ(FromBase64(text).value(), bytes);
  }
  EXPECT_EQ(Base64Url("\xfb\xff\xfe"
                      "a"),
            "-__-YQ");
  for (const char* bad : {"Zg=", "Z", "Zg==Z", "****"}) {
    EXPECT_TRUE(FromBase64(bad).status().Is(StatusCode::kInvalidArgument)) << bad;
  }
}

TEST(Digest, OnlyRsaKeysSign) {
  EXPECT_TRUE(SignRs256("no key", "bytes").status().Is(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace firn::io
