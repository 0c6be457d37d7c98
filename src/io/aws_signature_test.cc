// SPDX-License-Identifier: Apache-2.0
// The examples of "Signature Calculations for the Authorization Header", Amazon S3 API
// Reference.
#include "io/aws_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace firn::io {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

const AwsScope kScope = {"examplebucket.s3.amazonaws.com", "us-east-1", "s3"};
constexpr TimestampUs kNowUs = 1'369'353'600'000'000;  // 2013-05-24T00:00:00Z

AwsCredentials Credentials() {
  AwsCredentials credentials;
  credentials.access_key_id = "AKIAIOSFODNN7EXAMPLE";
  credentials.secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  return credentials;
}

std::string HeaderOf(const HttpRequest& request, std::string_view wanted) {
  for (const auto& [name, value] : request.headers) {
    if (name == wanted) return value;
  }
  return "";
}

TEST(AwsSignature, GetOfARange) {
  AwsRequest request;
  request.method = "GET";
  request.path = "/test.txt";
  request.headers = {{"range", "bytes=0-9"}};
  const HttpRequest ready = SignAwsRequest(request, kScope, Credentials(), kNowUs);
  EXPECT_EQ(ready.target, "/test.txt");
  EXPECT_EQ(HeaderOf(ready, "authorization"),
            "AWS4-HMAC-SHA256 "
            "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(AwsSignature, PutOfABody) {
  AwsRequest request;
  request.method = "PUT";
  request.path = PercentEncodePath("/test$file.text");
  request.headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                     {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  request.body = "Welcome to Amazon S3.";
  EXPECT_THAT(
      HeaderOf(SignAwsRequest(request, kScope, Credentials(), kNowUs), "authorization"),
      EndsWith("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(AwsSignature, QueriesAreSortedAndEncoded) {
  AwsRequest request;
  request.method = "GET";
  request.query = {{"prefix", "J"}, {"max-keys", "2"}};
  const HttpRequest list = SignAwsRequest(request, kScope, Credentials(), kNowUs);
  EXPECT_EQ(list.target, "/?max-keys=2&prefix=J");
  EXPECT_THAT(
      HeaderOf(list, "authorization"),
      EndsWith("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
  request.query = {{"lifecycle", ""}};
  const HttpRequest lifecycle = SignAwsRequest(request, kScope, Credentials(), kNowUs);
  EXPECT_EQ(lifecycle.target, "/?lifecycle=");
  EXPECT_THAT(
      HeaderOf(lifecycle, "authorization"),
      EndsWith("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST(AwsSignature, ATokenIsSentAndSigned) {
  AwsCredentials credentials = Credentials();
  credentials.session_token = Secret("token");
  AwsRequest request;
  request.method = "GET";
  const HttpRequest ready = SignAwsRequest(request, kScope, credentials, kNowUs);
  EXPECT_EQ(HeaderOf(ready, "x-amz-security-token"), "token");
  EXPECT_THAT(HeaderOf(ready, "authorization"),
              HasSubstr("SignedHeaders=host;x-amz-content-sha256;x-amz-date;"
                        "x-amz-security-token"));
}

TEST(AwsSignature, AnonymousRequestsAreNotSigned) {
  AwsRequest request;
  request.method = "GET";
  request.headers = {{"range", "bytes=0-9"}};
  const HttpRequest ready = SignAwsRequest(request, kScope, {}, kNowUs);
  EXPECT_EQ(ready.headers.size(), 1u);
}

TEST(PercentEncodePath, KeepsSlashes) {
  EXPECT_EQ(PercentEncodePath("a b/ü+%/~x"), "a%20b/%C3%BC%2B%25/~x");
  EXPECT_EQ(PercentEncodePath(""), "");
  EXPECT_EQ(PercentEncodePath("/a//b/"), "/a//b/");
}

}  // namespace
}  // namespace firn::io
