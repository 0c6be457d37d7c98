// SPDX-License-Identifier: Apache-2.0
#include "io/azure_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/test_environment.h"
#include "io/test_http_server.h"

namespace firn::io {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr TimestampUs kNowUs = 1'767'323'045'000'000;  // 2026-01-02T03:04:05Z

class AzureCredentialsTest : public testing::Test {
 protected:
  AzureCredentialsTest() { options_.retry.backoff_first_ms = 0; }

  Result<AzureAccount> Account() { return FindAzureAccount(options_, environment_); }
  Result<AzureCredentials> Get() {
    FIRN_ASSIGN_OR_RETURN(const AzureAccount account, Account());
    FIRN_ASSIGN_OR_RETURN(
        provider_,
        MakeAzureCredentials(options_, account, environment_, clock_,
                             CredentialRequests({}, options_.retry, clock_, nullptr)));
    return provider_->Get(context_);
  }
  std::string Error() {
    const Result<AzureCredentials> found = Get();
    return found.ok() ? "" : found.status().ToString();
  }
  static std::string Token(const std::string& more) {
    return TestHttpServer::Reply(200, R"({"access_token": "t", )" + more + "}");
  }

  FakeEnvironment environment_{
      {{"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1"}}};
  base::ManualClock clock_{kNowUs};
  base::Context context_;
  AzureOptions options_;
  std::shared_ptr<AzureCredentialsProvider> provider_;
};

TEST_F(AzureCredentialsTest, AConnectionStringNamesAllThatIsNeeded) {
  environment_.variables["AZURE_STORAGE_CONNECTION_STRING"] =
      "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5PQ==;"
      "EndpointSuffix=core.chinacloudapi.cn";
  const AzureAccount account = Account().value();
  EXPECT_EQ(account.name, "acc");
  EXPECT_EQ(account.endpoint, "https://acc.blob.core.chinacloudapi.cn");
  EXPECT_EQ(Get()->key.Reveal(), "key=");
  EXPECT_EQ(Get()->source, "the connection string");
  environment_.variables["AZURE_STORAGE_CONNECTION_STRING"] =
      "BlobEndpoint=http://127.0.0.1:1/acc;SharedAccessSignature=?sv=1&sig=2";
  EXPECT_EQ(Account()->endpoint, "http://127.0.0.1:1/acc");
  EXPECT_EQ(Get()->sas.Reveal(), "sv=1&sig=2");
  // Of the options, it goes before.
  options_.connection_string = Secret("AccountName=own;AccountKey=a2V5PQ==");
  EXPECT_EQ(Account()->name, "own");
  EXPECT_EQ(Account()->endpoint, "https://own.blob.core.windows.net");
}

TEST_F(AzureCredentialsTest, AStringThatIsNoneIsRefusedWithoutShowingIt) {
  for (const char* text : {"AccountKey=hush;nonsense", "UseDevelopmentStorage=true"}) {
    options_.connection_string = Secret(text);
    const Status status = Account().status();
    EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("connection string"), Not(HasSubstr("hush")),
                      Not(HasSubstr("nonsense"))));
  }
  options_.connection_string = {};
  options_.account_key = Secret("no base64!");
  EXPECT_THAT(Error(), AllOf(HasSubstr("InvalidArgument"), HasSubstr("not base64"),
                             Not(HasSubstr("no base64!"))));
}

TEST_F(AzureCredentialsTest, TheEnvironmentHoldsAKeyOrASas) {
  environment_.variables["AZURE_STORAGE_ACCOUNT"] = "acc";
  environment_.variables["AZURE_STORAGE_SAS_TOKEN"] = "?sv=1";
  EXPECT_EQ(Get()->sas.Reveal(), "sv=1");
  environment_.variables["AZURE_STORAGE_KEY"] = "a2V5";
  EXPECT_EQ(Get()->key.Reveal(), "key");
  EXPECT_EQ(Get()->source, "the environment");
  EXPECT_EQ(Account()->name, "acc");
  // What the options say goes before.
  options_.sas_token = Secret("sv=2");
  EXPECT_EQ(Get()->sas.Reveal(), "sv=2");
  EXPECT_EQ(Get()->source, "the options");
  options_.credentials = AzureCredentialsKind::kAnonymous;
  const AzureCredentials anonymous = Get().value();
  EXPECT_TRUE(anonymous.sas.empty() && anonymous.key.empty());
  EXPECT_EQ(anonymous.source, "");
}

TEST_F(AzureCredentialsTest, AClientSecretGetsAToken) {
  TestHttpServer server(
      [](const TestRequest&) { return Token(R"("expires_in": 3600)"); });
  environment_.variables["AZURE_AUTHORITY_HOST"] = server.url();
  environment_.variables["AZURE_CLIENT_SECRET"] = "s+";
  EXPECT_THAT(Error(),
              AllOf(HasSubstr("PermissionDenied"), HasSubstr("AZURE_TENANT_ID")));
  environment_.variables["AZURE_TENANT_ID"] = "tenant";
  environment_.variables["AZURE_CLIENT_ID"] = "client";
  const AzureCredentials found = Get().value();
  EXPECT_EQ(found.token.text.Reveal(), "t");
  EXPECT_EQ(found.token.expires_us, kNowUs + 3'600'000'000);
  EXPECT_EQ(found.source, "the client secret");
  EXPECT_EQ(server.requests()[0].target, "/tenant/oauth2/v2.0/token");
  EXPECT_EQ(server.requests()[0].body,
            "client_secret=s%2B&grant_type=client_credentials&client_id=client&scope="
            "https%3A%2F%2Fstorage.azure.com%2F.default");
  clock_.AdvanceUs(3'200'000'000);
  EXPECT_TRUE(provider_->Get(context_).ok());
  EXPECT_EQ(server.requests().size(), 1u);
  provider_->Expire();
  EXPECT_TRUE(provider_->Get(context_).ok());
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(AzureCredentialsTest, AWorkloadIdentityShowsItsFile) {
  TestHttpServer server(
      [](const TestRequest&) { return Token(R"("expires_in": 3600)"); });
  environment_.variables["AZURE_AUTHORITY_HOST"] = server.url() + "/";
  environment_.variables["AZURE_TENANT_ID"] = "tenant";
  environment_.variables["AZURE_CLIENT_ID"] = "client";
  environment_.variables["AZURE_FEDERATED_TOKEN_FILE"] = "/token";
  EXPECT_THAT(Error(), AllOf(HasSubstr("PermissionDenied"), HasSubstr("/token")));
  environment_.files["/token"] = "a.b\n";
  EXPECT_EQ(Get()->token.text.Reveal(), "t");
  EXPECT_THAT(server.requests()[0].body,
              AllOf(HasSubstr("client_assertion=a.b&"),
                    HasSubstr("client-assertion-type%3Ajwt-bearer")));
}

TEST_F(AzureCredentialsTest, TheMachineOrItsServiceHasAnIdentity) {
  TestHttpServer server(
      [](const TestRequest&) { return Token(R"("expires_in": "3600")"); });
  environment_.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = server.url();
  EXPECT_EQ(Get()->token.expires_us, kNowUs + 3'600'000'000);
  EXPECT_EQ(server.requests()[0].target,
            "/metadata/identity/oauth2/token?api-version=2018-02-01&resource="
            "https%3A%2F%2Fstorage.azure.com%2F");
  EXPECT_EQ(server.requests()[0].Header("metadata"), "true");
  options_.client_id = "client";
  environment_.variables["IDENTITY_ENDPOINT"] = server.url() + "/msi/token";
  environment_.variables["IDENTITY_HEADER"] = "h";
  EXPECT_EQ(Get()->source, "the managed identity");
  EXPECT_THAT(server.requests()[1].target,
              AllOf(testing::StartsWith("/msi/token?api-version=2019-08-01&"),
                    HasSubstr("client_id=client")));
  EXPECT_EQ(server.requests()[1].Header("x-identity-header"), "h");
}

TEST_F(AzureCredentialsTest, ATokenWithoutALifeIsNotKept) {
  TestHttpServer server([](const TestRequest&) { return Token(R"("x": 1)"); });
  environment_.variables["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = server.url();
  ASSERT_TRUE(Get().ok());
  ASSERT_TRUE(provider_->Get(context_).ok());
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(AzureCredentialsTest, WhereThereAreNoneAllThatWasTriedIsNamed) {
  EXPECT_THAT(Error(),
              AllOf(HasSubstr("PermissionDenied: no Azure credentials"),
                    HasSubstr("AZURE_STORAGE_KEY"), HasSubstr("AZURE_CLIENT_SECRET"),
                    HasSubstr("AZURE_FEDERATED_TOKEN_FILE"),
                    HasSubstr("managed identity: this machine offers none")));
  options_.credentials = AzureCredentialsKind::kSharedKey;
  EXPECT_THAT(Error(), AllOf(HasSubstr("InvalidArgument"), HasSubstr("account key")));
  options_.credentials = AzureCredentialsKind::kSas;
  EXPECT_THAT(Error(), AllOf(HasSubstr("InvalidArgument"), HasSubstr("SAS")));
}

TEST_F(AzureCredentialsTest, WhatTheServiceSaysIsToldInOneLine) {
  TestHttpServer server([](const TestRequest&) {
    return TestHttpServer::Reply(
        401, R"({"error": "invalid_client",)"
             R"( "error_description": "AADSTS7000215: wrong secret.\r\nTrace ID: 1"})");
  });
  environment_.variables["AZURE_AUTHORITY_HOST"] = server.url();
  options_.tenant_id = "t";
  options_.client_id = "c";
  options_.client_secret = Secret("hush");
  EXPECT_THAT(
      Error(),
      AllOf(HasSubstr("PermissionDenied: the client secret: the token service refused: "
                      "invalid_client: AADSTS7000215: wrong secret. (HTTP 401)"),
            Not(HasSubstr("Trace")), Not(HasSubstr("hush"))));
}

}  // namespace
}  // namespace firn::io
