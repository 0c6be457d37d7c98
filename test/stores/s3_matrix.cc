// SPDX-License-Identifier: Apache-2.0
// What only stores that speak S3 promise: encryption as asked, sessions, and that a
// bucket tells what it was told.
#include "io/aws_signature.h"
#include "io/digest.h"
#include "io/http_client.h"
#include "io/s3_bucket.h"
#include "store_matrix.h"

namespace firn::io {
namespace {

class S3Matrix : public StoreMatrix {
 protected:
  void SetUp() override {
    StoreMatrix::SetUp();
    auto bucket = S3Bucket::Make(GetParam().storage.s3, GetParam().bucket, environment_,
                                 base::SystemClock(), nullptr);
    ASSERT_TRUE(bucket.ok()) << bucket.status();
    bucket_ = std::move(*bucket);
  }

  std::unique_ptr<S3Bucket> bucket_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(S3Matrix);
INSTANTIATE_TEST_SUITE_P(Each, S3Matrix, testing::ValuesIn(Subjects("s3")),
                         [](const auto& info) { return info.param.name; });

TEST_P(S3Matrix, AWrongSecretIsDenied) {
  StorageOptions storage = GetParam().storage;
  S3Options& options = storage.s3;
  options.secret_access_key = Secret("not-the-secret");
  const auto store = Make(storage);
  const Status put = store->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(put.Is(StatusCode::kPermissionDenied)) << put;
  EXPECT_THAT(std::string(put.message()),
              testing::AllOf(testing::HasSubstr(At("a")),
                             testing::HasSubstr("credentials came from the options"),
                             testing::Not(testing::HasSubstr("not-the-secret"))));
  options.access_key_id = "nobody";
  const Status unknown = Make(storage)->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(unknown.Is(StatusCode::kPermissionDenied)) << unknown;
  options.credentials = AwsCredentialsKind::kAnonymous;
  const Status anonymous = Make(storage)->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(anonymous.Is(StatusCode::kPermissionDenied)) << anonymous;
  EXPECT_THAT(std::string(anonymous.message()), testing::HasSubstr("was anonymous"));
}

TEST_P(S3Matrix, AWrongRegionNamesTheRightOne) {
  StorageOptions storage = GetParam().storage;
  S3Options& options = storage.s3;
  options.region = "eu-nowhere-1";
  const Status put = Make(storage)->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(put.Is(StatusCode::kInvalidArgument)) << put;
  EXPECT_THAT(std::string(put.message()), testing::HasSubstr("us-east-1"));
}

TEST_P(S3Matrix, ObjectsAreEncryptedAsAskedOrNotKept) {
  for (const auto& [kind, key] : {std::pair(ServerSideEncryption::kS3, ""),
                                  std::pair(ServerSideEncryption::kKms, "firn-key")}) {
    StorageOptions storage = GetParam().storage;
    S3Options& options = storage.s3;
    options.encryption = kind;
    options.kms_key_id = key;
    const auto store = Make(storage);
    const Status written = WriteBoth(*store);
    if (GetParam().encrypts) {
      EXPECT_TRUE(written.ok()) << written;
      EXPECT_EQ(store->Get(context_, At("small"), kNoLimit).value(), "small");
      EXPECT_EQ(store->Get(context_, At("large"), kNoLimit).value().size(), 20u << 20);
    } else {
      EXPECT_TRUE(written.Is(StatusCode::kUnimplemented)) << written;
      EXPECT_THAT(List(root_), testing::IsEmpty());
    }
    for (const std::string& name : List(root_)) {
      ASSERT_TRUE(store_->Remove(context_, name).ok());
    }
  }
  StorageOptions storage = GetParam().storage;
  S3Options& options = storage.s3;
  options.encryption = ServerSideEncryption::kKms;
  options.kms_key_id = "no-such-key";
  const Status unknown = WriteBoth(*Make(storage));
  EXPECT_FALSE(unknown.ok());
  EXPECT_THAT(List(root_), testing::IsEmpty());
}

TEST_P(S3Matrix, ACustomerKeyIsNeededToReadBack) {
  StorageOptions storage = GetParam().storage;
  S3Options& options = storage.s3;
  if (!options.endpoint.starts_with("https://")) GTEST_SKIP() << "needs TLS";
  options.encryption = ServerSideEncryption::kCustomer;
  options.customer_key = Secret(Base64(std::string(32, 'k')));
  const auto store = Make(storage);
  const Status written = WriteBoth(*store);
  if (!GetParam().takes_customer_keys) {
    EXPECT_TRUE(written.Is(StatusCode::kUnimplemented)) << written;
    EXPECT_THAT(List(root_), testing::IsEmpty());
    return;
  }
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_EQ(store->Get(context_, At("small"), kNoLimit).value(), "small");
  EXPECT_EQ(store->Get(context_, At("large"), kNoLimit).value().size(), 20u << 20);
  EXPECT_FALSE(store_->Get(context_, At("small"), kNoLimit).ok());
  options.customer_key = Secret(Base64(std::string(32, 'o')));
  EXPECT_FALSE(Make(storage)->Get(context_, At("small"), kNoLimit).ok());
}

TEST_P(S3Matrix, ABucketTellsWhatItWasTold) {
  ASSERT_TRUE(bucket_->Exists(context_).value());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(bucket_->Create(context_).ok());
    for (const bool on : {true, false}) {
      const Status set = bucket_->SetVersioning(context_, on);
      ASSERT_TRUE(set.ok()) << set;
      EXPECT_EQ(bucket_->Versioning(context_).value(), on);
    }
  }
  const std::vector<S3LifecycleRule> rules = {{"old", "a/", true, 30, {}, {}},
                                              {"versions", "", false, {}, 7, {}}};
  const Status set = bucket_->SetLifecycle(context_, rules);
  if (!GetParam().has_lifecycle) {
    EXPECT_FALSE(set.ok());
    return;
  }
  ASSERT_TRUE(set.ok()) << set;
  ASSERT_TRUE(bucket_->SetLifecycle(context_, rules).ok());
  EXPECT_EQ(bucket_->Lifecycle(context_).value(), rules);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(bucket_->SetLifecycle(context_, {}).ok());
    EXPECT_EQ(bucket_->Lifecycle(context_).value().size(), 0u);
  }
}

TEST_P(S3Matrix, NoUploadIsLeft) {
  {
    auto writer = store_->OpenWriter(context_, At("dropped"));
    ASSERT_TRUE(writer.ok()) << writer.status();
    ASSERT_TRUE((*writer)->Append(std::string(30 << 20, 'x')).ok());
  }
  ASSERT_TRUE(WriteLarge(*store_, At("large")).ok());
  EXPECT_FALSE(WriteLarge(*store_, At("large")).ok());
  const auto pending = bucket_->PendingUploads(context_, prefix_);
  ASSERT_TRUE(pending.ok()) << pending.status();
  EXPECT_EQ(pending->size(), 0u);
}

// ---- Sessions: keys for a while, of a store that hands them out ----

class SessionMatrix : public S3Matrix {
 protected:
  void SetUp() override {
    S3Matrix::SetUp();
    if (!GetParam().has_sessions) GTEST_SKIP() << "hands out no sessions";
  }
  // Keys that may do what `policy` allows.
  AwsCredentials Assume(const std::string& policy) {
    const S3Options& own = GetParam().storage.s3;
    HttpClient client(HttpAddress::Parse(own.endpoint).value(), {own.ca_file});
    const std::string body =
        "Action=AssumeRole&Version=2011-06-15&DurationSeconds=3600&Policy=" +
        PercentEncode(policy);
    AwsRequest request;
    request.method = "POST";
    request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
    request.body = body;
    AwsCredentials root;
    root.access_key_id = own.access_key_id;
    root.secret_access_key = own.secret_access_key;
    const HttpRequest ready = SignAwsRequest(
        std::move(request), {client.address().HostHeader(), "us-east-1", "sts"}, root,
        base::SystemClock().NowUs());
    const Result<HttpResponse> answer = client.Send(ready, context_);
    EXPECT_TRUE(answer.ok()) << answer.status();
    const auto field = [&](const std::string& name) {
      const std::size_t at = answer->body.find("<" + name + ">");
      EXPECT_NE(at, std::string::npos) << answer->body;
      const std::size_t begin = at + name.size() + 2;
      return answer->body.substr(begin, answer->body.find('<', begin) - begin);
    };
    AwsCredentials session;
    session.access_key_id = field("AccessKeyId");
    session.secret_access_key = Secret(field("SecretAccessKey"));
    session.session_token = Secret(field("SessionToken"));
    return session;
  }
  std::unique_ptr<Store> With(const AwsCredentials& session) {
    StorageOptions storage = GetParam().storage;
    storage.s3.access_key_id = session.access_key_id;
    storage.s3.secret_access_key = session.secret_access_key;
    storage.s3.session_token = session.session_token;
    return Make(storage);
  }
  static std::string Policy(const std::string& actions) {
    return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[)" +
           actions + R"(],"Resource":["arn:aws:s3:::*"]}]})";
  }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SessionMatrix);
INSTANTIATE_TEST_SUITE_P(Each, SessionMatrix, testing::ValuesIn(Subjects("s3")),
                         [](const auto& info) { return info.param.name; });

TEST_P(SessionMatrix, WhoMayReadMayNotWrite) {
  ASSERT_TRUE(store_->PutIfAbsent(context_, At("there"), "there").ok());
  const auto reader = With(Assume(Policy(R"("s3:GetObject","s3:ListBucket")")));
  EXPECT_EQ(reader->Get(context_, At("there"), kNoLimit).value(), "there");
  for (const Status& put :
       {reader->PutIfAbsent(context_, At("new"), "x"), WriteLarge(*reader, At("new"))}) {
    EXPECT_TRUE(put.Is(StatusCode::kPermissionDenied)) << put;
    EXPECT_THAT(std::string(put.message()),
                testing::AllOf(testing::HasSubstr(At("new")),
                               testing::HasSubstr("check the policy")));
  }
  EXPECT_THAT(List(root_), testing::ElementsAre(At("there")));
}

TEST_P(SessionMatrix, ASessionIsAsGoodAsItsTokenIs) {
  AwsCredentials session = Assume(Policy(R"("s3:*")"));
  const Status put = With(session)->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(put.ok()) << put;
  session.session_token = Secret("no-such-token");
  const Status bad = With(session)->PutIfAbsent(context_, At("b"), "x");
  EXPECT_TRUE(bad.Is(StatusCode::kPermissionDenied)) << bad;
  EXPECT_THAT(std::string(bad.message()),
              testing::AllOf(testing::HasSubstr("session token has expired or is not"),
                             testing::Not(testing::HasSubstr("no-such-token"))));
}

// A role of a profile, as a person writes it down.
TEST_P(SessionMatrix, ARoleOfAProfileIsAssumed) {
  const S3Options& own = GetParam().storage.s3;
  environment_.variables = {{"AWS_CONFIG_FILE", "/config"},
                            {"AWS_SHARED_CREDENTIALS_FILE", "/credentials"},
                            {"AWS_EC2_METADATA_DISABLED", "true"},
                            {"AWS_ENDPOINT_URL_STS", own.endpoint}};
  environment_.files["/credentials"] =
      "[root]\naws_access_key_id = " + own.access_key_id +
      "\naws_secret_access_key = " + std::string(own.secret_access_key.Reveal()) + "\n";
  environment_.files["/config"] =
      "[default]\nrole_arn = arn:aws:iam::123456789012:role/any\nsource_profile = root\n";
  StorageOptions storage = GetParam().storage;
  storage.s3.credentials = AwsCredentialsKind::kChain;
  storage.s3.access_key_id.clear();
  storage.s3.secret_access_key = {};
  const Status put = Make(storage)->PutIfAbsent(context_, At("a"), "x");
  EXPECT_TRUE(put.ok()) << put;
  EXPECT_THAT(metrics_.Expose(),
              testing::HasSubstr("firn_store_requests_total{operation=\"credentials\","
                                 "scheme=\"s3\"} 1\n"));
}

}  // namespace
}  // namespace firn::io
