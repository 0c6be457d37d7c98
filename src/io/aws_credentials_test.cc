// SPDX-License-Identifier: Apache-2.0
#include "io/aws_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "io/aws_profile.h"
#include "io/test_environment.h"
#include "io/test_http_server.h"

namespace firn::io {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr TimestampUs kNowUs = 1'767'323'045'000'000;  // 2026-01-02T03:04:05Z

class AwsCredentialsTest : public testing::Test {
 protected:
  AwsCredentialsTest() { options_.region = "us-east-1"; }
  Result<AwsCredentials> Get() {
    provider_ = MakeAwsCredentials(options_, environment_, clock_, nullptr);
    return provider_->Get(context_);
  }
  // The access key id that is found, or the error.
  std::string Id() {
    const Result<AwsCredentials> found = Get();
    return found.ok() ? found->access_key_id : found.status().ToString();
  }

  FakeEnvironment environment_{
      {{"AWS_EC2_METADATA_DISABLED", "true"}, {"HOME", "/home/u"}}};
  base::ManualClock clock_{kNowUs};
  base::Context context_;
  S3Options options_;
  std::shared_ptr<AwsCredentialsProvider> provider_;
};

TEST_F(AwsCredentialsTest, ExplicitOnesAndNone) {
  options_.credentials = AwsCredentialsKind::kExplicit;
  options_.access_key_id = "id";
  options_.secret_access_key = Secret("secret");
  options_.session_token = Secret("token");
  const AwsCredentials found = Get().value();
  EXPECT_EQ(found.access_key_id, "id");
  EXPECT_EQ(found.secret_access_key.Reveal(), "secret");
  EXPECT_EQ(found.session_token.Reveal(), "token");
  options_.credentials = AwsCredentialsKind::kAnonymous;
  EXPECT_TRUE(Get()->anonymous());
}

TEST_F(AwsCredentialsTest, TheEnvironmentComesFirst) {
  environment_.files["/home/u/.aws/credentials"] =
      "[default]\naws_access_key_id=of-file\naws_secret_access_key=x\n";
  EXPECT_EQ(Id(), "of-file");
  environment_.variables["AWS_ACCESS_KEY_ID"] = "of-environment";
  EXPECT_THAT(Id(), AllOf(HasSubstr("PermissionDenied"),
                          HasSubstr("AWS_SECRET_ACCESS_KEY is not set")));
  environment_.variables["AWS_SECRET_ACCESS_KEY"] = "x";
  environment_.variables["AWS_SESSION_TOKEN"] = "t";
  EXPECT_EQ(Id(), "of-environment");
  EXPECT_EQ(Get()->session_token.Reveal(), "t");
  EXPECT_EQ(Get()->source, "the environment");
}

TEST_F(AwsCredentialsTest, WhereThereAreNoneAllThatWasTriedIsNamed) {
  EXPECT_THAT(Id(), AllOf(HasSubstr("PermissionDenied"), HasSubstr("AWS_ACCESS_KEY_ID"),
                          HasSubstr("AWS_WEB_IDENTITY_TOKEN_FILE"),
                          HasSubstr("/home/u/.aws/credentials"), HasSubstr("container"),
                          HasSubstr("AWS_EC2_METADATA_DISABLED")));
}

TEST_F(AwsCredentialsTest, NamedProfiles) {
  environment_.variables["AWS_SHARED_CREDENTIALS_FILE"] = "/c";
  environment_.variables["AWS_CONFIG_FILE"] = "/f";
  environment_.files["/c"] = "[work]\naws_access_key_id = w\naws_secret_access_key = s\n";
  environment_.files["/f"] =
      "[profile work]\nregion = eu-west-1\n[profile sso]\nsso_session = x\n";
  environment_.variables["AWS_PROFILE"] = "work";
  EXPECT_EQ(Id(), "w");
  options_.region.clear();
  EXPECT_EQ(FindAwsRegion(options_, environment_).value(), "eu-west-1");
  environment_.variables["AWS_REGION"] = "eu-north-1";
  EXPECT_EQ(FindAwsRegion(options_, environment_).value(), "eu-north-1");
  options_.region = "ap-south-1";
  EXPECT_EQ(FindAwsRegion(options_, environment_).value(), "ap-south-1");

  options_.credentials = AwsCredentialsKind::kProfile;
  options_.profile = "absent";
  EXPECT_THAT(Id(), AllOf(HasSubstr("PermissionDenied: no profile \"absent\""),
                          HasSubstr("/c"), HasSubstr("/f")));
  options_.profile = "sso";
  EXPECT_THAT(Id(), AllOf(HasSubstr("Unimplemented"), HasSubstr("sso_session"),
                          HasSubstr("export-credentials")));
}

TEST_F(AwsCredentialsTest, WebIdentityIsAskedAgainBeforeItEnds) {
  int count = 0;
  TestHttpServer sts([&](const TestRequest&) {
    return TestHttpServer::Reply(
        200,
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>"
        "<Credentials><AccessKeyId>role-" +
            std::to_string(++count) +
            "</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            "<SessionToken>t</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration>"
            "</Credentials></AssumeRoleWithWebIdentityResult>"
            "</AssumeRoleWithWebIdentityResponse>");
  });
  environment_.variables["AWS_ENDPOINT_URL_STS"] = sts.url();
  environment_.variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
  environment_.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/token";
  EXPECT_THAT(Id(), HasSubstr("no file /token"));
  environment_.files["/token"] = "ey.J+/=\n";
  EXPECT_EQ(Id(), "role-1");
  EXPECT_THAT(sts.requests()[0].body,
              AllOf(HasSubstr("Action=AssumeRoleWithWebIdentity"),
                    HasSubstr("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"),
                    HasSubstr("WebIdentityToken=ey.J%2B%2F%3D")));
  EXPECT_EQ(sts.requests()[0].body.find("%0A"), std::string::npos);
  clock_.AdvanceUs(54 * 60'000'000LL);
  EXPECT_EQ(provider_->Get(context_)->access_key_id, "role-1");
  clock_.AdvanceUs(2 * 60'000'000LL);
  EXPECT_EQ(provider_->Get(context_)->access_key_id, "role-2");
  // A server called them expired, whatever they said.
  clock_.SetUs(kNowUs);
  provider_->Expire();
  EXPECT_EQ(provider_->Get(context_)->access_key_id, "role-3");
}

TEST_F(AwsCredentialsTest, ARefusedRoleSaysWhy) {
  TestHttpServer sts([&](const TestRequest&) {
    return TestHttpServer::Reply(403,
                                 "<ErrorResponse><Error><Code>AccessDenied</Code>"
                                 "<Message>not you</Message></Error></ErrorResponse>");
  });
  environment_.variables["AWS_ENDPOINT_URL_STS"] = sts.url();
  environment_.variables["AWS_ROLE_ARN"] = "r";
  environment_.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/token";
  environment_.files["/token"] = "secret-token";
  EXPECT_THAT(Id(),
              AllOf(HasSubstr("PermissionDenied: web identity r"),
                    HasSubstr("AccessDenied: not you"), Not(HasSubstr("secret-token"))));
}

TEST_F(AwsCredentialsTest, AProfileMayAssumeARoleWithAnother) {
  TestHttpServer sts([&](const TestRequest&) {
    return TestHttpServer::Reply(
        200,
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>assumed"
        "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
        "<Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></AssumeRoleResult>"
        "</AssumeRoleResponse>");
  });
  environment_.variables["AWS_ENDPOINT_URL_STS"] = sts.url();
  environment_.files["/home/u/.aws/config"] =
      "[profile r]\nrole_arn = arn\nsource_profile = own\n"
      "[profile own]\naws_access_key_id = own-id\naws_secret_access_key = s\n"
      "[profile a]\nrole_arn = x\nsource_profile = b\n"
      "[profile b]\nrole_arn = x\nsource_profile = a\n";
  options_.credentials = AwsCredentialsKind::kProfile;
  options_.profile = "r";
  EXPECT_EQ(Id(), "assumed");
  EXPECT_THAT(sts.requests()[0].Header("authorization"),
              AllOf(HasSubstr("Credential=own-id/20260102/us-east-1/sts/"),
                    HasSubstr("Signature=")));
  options_.profile = "a";
  EXPECT_THAT(Id(), HasSubstr("in a circle"));
}

TEST_F(AwsCredentialsTest, TheRoleOfAContainer) {
  TestHttpServer agent([&](const TestRequest& request) {
    if (request.Header("authorization") != "pass")
      return TestHttpServer::Reply(401, "{}");
    return TestHttpServer::Reply(
        200, R"({"AccessKeyId":"c","SecretAccessKey":"s","Token":"t",)"
             R"("Expiration":"2026-01-02T04:04:05Z"})");
  });
  environment_.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = agent.url() + "/role";
  EXPECT_THAT(Id(), HasSubstr("the container's role gave no credentials"));
  environment_.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/pass";
  environment_.files["/pass"] = "pass\n";
  EXPECT_EQ(Id(), "c");
  EXPECT_EQ(agent.requests().back().target, "/role");
}

TEST_F(AwsCredentialsTest, TheRoleOfAMachine) {
  TestHttpServer metadata([&](const TestRequest& request) {
    if (request.method == "PUT") return TestHttpServer::Reply(200, "token");
    if (request.Header("x-aws-ec2-metadata-token") != "token") {
      return TestHttpServer::Reply(401);
    }
    return TestHttpServer::Reply(
        200, request.target.ends_with("/")
                 ? "my role\n"
                 : R"({"AccessKeyId":"m","SecretAccessKey":"s","Token":"t",)"
                   R"("Expiration":"2026-01-02T04:04:05Z"})");
  });
  environment_.variables.erase("AWS_EC2_METADATA_DISABLED");
  environment_.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = metadata.url();
  EXPECT_EQ(Id(), "m");
  EXPECT_THAT(metadata.requests().back().target,
              HasSubstr("/iam/security-credentials/my%20role"));
  options_.credentials = AwsCredentialsKind::kInstance;
  EXPECT_EQ(Id(), "m");
}

TEST(AwsProfile, FilesAreReadAsAwsToolsReadThem) {
  const auto profiles = ParseAwsProfiles(
      "# comment\nlost = 1\n[default]\r\nregion = us-east-1 # here\r\n"
      "s3 =\n  nested = x\n; other\n[profile two words]\nkey=a=b\nno equals\n");
  EXPECT_EQ(profiles.size(), 2u);
  EXPECT_EQ(profiles.at("default").at("region"), "us-east-1");
  EXPECT_EQ(profiles.at("default").count("nested"), 0u);
  EXPECT_EQ(profiles.at("two words").at("key"), "a=b");
}

}  // namespace
}  // namespace firn::io
