// SPDX-License-Identifier: Apache-2.0
#include "io/stores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/temporary_directory.h"
#include "io/test_http_server.h"

namespace firn::io {
namespace {

using testing::HasSubstr;

TEST(Stores, ALocationGoesToTheStoreOfItsScheme) {
  TestHttpServer server([](const TestRequest& request) {
    return request.method == "HEAD"
               ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n\r\n"
               : TestHttpServer::Reply(206, "there");
  });
  StorageOptions options;
  options.s3.endpoint = server.url();
  options.s3.credentials = AwsCredentialsKind::kAnonymous;
  const auto store =
      MakeStores(options, ProcessEnvironment(), base::SystemClock(), nullptr);
  const base::Context context;
  const TemporaryDirectory directory;
  const std::string local = "file://" + (directory / "a");
  ASSERT_TRUE(store->PutIfAbsent(context, local, "here").ok());
  EXPECT_EQ(store->Get(context, local, 99).value(), "here");
  EXPECT_EQ(store->Get(context, "s3://bucket/a", 99).value(), "there");
  EXPECT_EQ(server.requests()[0].target, "/bucket/a");
  EXPECT_EQ(server.requests()[0].Header("authorization"), "");
  EXPECT_TRUE(
      store->Get(context, "ftp://x/a", 99).status().Is(StatusCode::kInvalidArgument));
}

TEST(Stores, OptionsAreJudgedAtFirstUse) {
  StorageOptions options;
  options.s3.access_key_id = "half";
  const auto store =
      MakeStores(options, ProcessEnvironment(), base::SystemClock(), nullptr);
  const base::Context context;
  const Status status = store->Get(context, "s3://bucket/a", 99).status();
  EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("secret access key"));
}

}  // namespace
}  // namespace firn::io
