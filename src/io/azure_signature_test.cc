// SPDX-License-Identifier: Apache-2.0
#include "io/azure_signature.h"

#include <gtest/gtest.h>

#include "io/digest.h"

namespace firn::io {
namespace {

// "Authorize with Shared Key", Azure Storage REST API: Get Container Metadata.
TEST(AzureSignature, TheStringToSignIsThePublishedOne) {
  AzureRequest request;
  request.method = "GET";
  request.path = "/mycontainer";
  request.query = {{"restype", "container"}, {"comp", "metadata"}, {"timeout", "20"}};
  request.headers = {{"x-ms-version", "2015-02-21"},
                     {"x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"}};
  EXPECT_EQ(AzureStringToSign(request, "myaccount"),
            "GET\n\n\n\n\n\n\n\n\n\n\n\n"
            "x-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
            "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20");
}

TEST(AzureSignature, EachHeaderHasItsLine) {
  AzureRequest request;
  request.method = "PUT";
  request.path = "/devstoreaccount1/c/a%20b";
  request.headers = {{"range", "r"},
                     {"if-none-match", "*"},
                     {"if-match", "m"},
                     {"content-type", "t"},
                     {"content-md5", "5"},
                     {"if-unmodified-since", "u"},
                     {"content-language", "l"},
                     {"if-modified-since", "i"},
                     {"content-encoding", "e"},
                     {"x-ms-blob-type", "BlockBlob"},
                     {"accept", "not signed"}};
  request.body = "12345";
  EXPECT_EQ(AzureStringToSign(request, "devstoreaccount1"),
            "PUT\ne\nl\n5\n5\nt\n\ni\nm\n*\nu\nr\nx-ms-blob-type:BlockBlob\n"
            "/devstoreaccount1/devstoreaccount1/c/a%20b");
}

TEST(AzureSignature, ARequestIsSignedOrBearsATokenOrHasTheSasInItsQuery) {
  const auto make = [](const AzureCredentials& credentials) {
    AzureRequest request;
    request.method = "GET";
    request.path = "/c";
    request.query = {{"prefix", "a b"}};
    return AuthorizeAzureRequest(request, "acc", credentials, 1'435'361'952'000'000);
  };
  const auto header = [](const HttpRequest& request, std::string_view name) {
    for (const auto& [key, value] : request.headers) {
      if (key == name) return value;
    }
    return std::string();
  };
  AzureCredentials credentials;
  EXPECT_EQ(header(make(credentials), "authorization"), "");
  EXPECT_EQ(header(make(credentials), "x-ms-date"), "Fri, 26 Jun 2015 23:39:12 GMT");
  EXPECT_EQ(make(credentials).target, "/c?prefix=a%20b");

  credentials.key = Secret("key");
  AzureRequest same;
  same.method = "GET";
  same.path = "/c";
  same.query = {{"prefix", "a b"}};
  same.headers = {{"x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"},
                  {"x-ms-version", header(make(credentials), "x-ms-version")}};
  EXPECT_EQ(header(make(credentials), "authorization"),
            "SharedKey acc:" + Base64(HmacSha256("key", AzureStringToSign(same, "acc"))));

  credentials = {};
  credentials.token.text = Secret("t");
  EXPECT_EQ(header(make(credentials), "authorization"), "Bearer t");

  credentials = {};
  credentials.sas = Secret("sv=1&sig=a%2Bb");
  EXPECT_EQ(make(credentials).target, "/c?prefix=a%20b&sv=1&sig=a%2Bb");
}

}  // namespace
}  // namespace firn::io
