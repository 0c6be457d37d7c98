// SPDX-License-Identifier: Apache-2.0
// What only Azure's store has: accounts, their keys, and what signs for them.
#include "io/digest.h"
#include "io/http_client.h"
#include "store_matrix.h"

namespace firn::io {
namespace {

class AzureMatrix : public StoreMatrix {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(AzureMatrix);
INSTANTIATE_TEST_SUITE_P(Each, AzureMatrix, testing::ValuesIn(Subjects("az")),
                         [](const auto& info) { return info.param.name; });

TEST_P(AzureMatrix, AWrongKeyIsDenied) {
  StorageOptions storage = GetParam().storage;
  storage.azure.account_key = Secret(Base64("not-the-key"));
  const Status put = Make(storage)->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(put.Is(StatusCode::kPermissionDenied)) << put;
  EXPECT_THAT(std::string(put.message()),
              testing::AllOf(testing::HasSubstr(At("a")),
                             testing::HasSubstr("credentials came from the options")));
  storage.azure.credentials = AzureCredentialsKind::kAnonymous;
  const Status anonymous = Make(storage)->PutIfAbsent(context_, At("a"), "x");
  EXPECT_FALSE(anonymous.ok());
  EXPECT_THAT(List(root_), testing::IsEmpty());
}

TEST_P(AzureMatrix, AConnectionStringOfTheEnvironmentIsEnough) {
  const AzureOptions& own = GetParam().storage.azure;
  environment_.variables["AZURE_STORAGE_CONNECTION_STRING"] =
      "AccountName=" + own.account +
      ";AccountKey=" + std::string(own.account_key.Reveal()) +
      ";BlobEndpoint=" + own.endpoint;
  StorageOptions storage;
  storage.azure.ca_file = own.ca_file;
  const Status put = Make(storage)->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(put.ok()) << put;
}

TEST_P(AzureMatrix, ALocationThatNamesItsAccountIsTheSamePlace) {
  const std::string root = "abfss://" + GetParam().bucket + "@" +
                           GetParam().storage.azure.account + ".dfs.core.windows.net/" +
                           prefix_;
  ASSERT_TRUE(store_->PutIfAbsent(context_, root + "/a", "x").ok());
  EXPECT_EQ(store_->Get(context_, At("a"), kNoLimit).value(), "x");
  EXPECT_THAT(List(root), testing::ElementsAre(root + "/a"));
  EXPECT_THAT(List(root_), testing::ElementsAre(At("a")));
}

// "Create an account SAS", Azure Storage REST API.
TEST_P(AzureMatrix, ASasMayDoWhatItSays) {
  const AzureOptions& own = GetParam().storage.azure;
  const std::string key = FromBase64(own.account_key.Reveal()).value();
  const auto sas = [&](const std::string& rights, const std::string& until) {
    const std::string version = "2021-12-02";
    const std::string text =
        own.account + "\n" + rights + "\nb\nco\n\n" + until + "\n\n\n" + version + "\n\n";
    return Secret("sv=" + version + "&ss=b&srt=co&sp=" + rights +
                  "&se=" + PercentEncode(until) +
                  "&sig=" + PercentEncode(Base64(HmacSha256(key, text))));
  };
  const auto put = [&](const Secret& token, const std::string& name) {
    StorageOptions storage = GetParam().storage;
    storage.azure.account_key = {};
    storage.azure.sas_token = token;
    return Make(storage)->PutIfAbsent(context_, At(name), "x");
  };
  const std::string later = "2099-01-01T00:00:00Z";
  const Status good = put(sas("rwdlc", later), "a");
  EXPECT_TRUE(good.ok()) << good;
  for (const Status& bad :
       {put(sas("rl", later), "b"), put(sas("rwdlc", "2020-01-01T00:00:00Z"), "b"),
        put(Secret("sv=2021-12-02&sig=hush"), "b")}) {
    EXPECT_TRUE(bad.Is(StatusCode::kPermissionDenied)) << bad;
    EXPECT_THAT(std::string(bad.message()),
                testing::AllOf(testing::HasSubstr(At("b")),
                               testing::Not(testing::HasSubstr("hush")),
                               testing::Not(testing::HasSubstr("sig="))));
  }
  EXPECT_THAT(List(root_), testing::ElementsAre(At("a")));
}

}  // namespace
}  // namespace firn::io
