// SPDX-License-Identifier: Apache-2.0
#include "io/gcs_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <map>

#include <nlohmann/json.hpp>

#include "base/metrics.h"
#include "io/digest.h"
#include "io/test_environment.h"
#include "io/test_http_server.h"

namespace firn::io {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr TimestampUs kNowUs = 1'767'323'045'000'000;  // 2026-01-02T03:04:05Z

// A key of a service account.
class TestKey {
 public:
  TestKey() : key_(EVP_RSA_gen(2048)) {}
  ~TestKey() { EVP_PKEY_free(key_); }
  TestKey(const TestKey&) = delete;
  TestKey& operator=(const TestKey&) = delete;

  std::string Pem() const {
    BIO* const out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(out, key_, nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(out);
    return text;
  }
  // Whether `signature` is this key's, of `text`.
  bool Signed(const std::string& text, const std::string& signature) const {
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key_);
    const int good = EVP_DigestVerify(
        context, reinterpret_cast<const unsigned char*>(signature.data()),
        signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
        text.size());
    EVP_MD_CTX_free(context);
    return good == 1;
  }

 private:
  EVP_PKEY* const key_;
};

std::string FromBase64Url(std::string text) {
  for (char& c : text) {
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  while (text.size() % 4 != 0) text += '=';
  return FromBase64(text).value();
}

class GcsCredentialsTest : public testing::Test {
 protected:
  GcsCredentialsTest() { options_.retry.backoff_first_ms = 0; }

  Result<AccessToken> Get() {
    provider_ =
        MakeGcsCredentials(options_, environment_, clock_,
                           CredentialRequests({}, options_.retry, clock_, counted_));
    return provider_->Get(context_);
  }
  std::string Error() {
    const Result<AccessToken> found = Get();
    return found.ok() ? "" : found.status().ToString();
  }
  // Answers with a token for an hour.
  static std::string Token(const std::string& text) {
    return TestHttpServer::Reply(
        200, R"({"access_token": ")" + text + R"(", "expires_in": 3600})",
        {"Metadata-Flavor: Google"});
  }
  void UseFile(const nlohmann::json& json) {
    environment_.variables["GOOGLE_APPLICATION_CREDENTIALS"] = "/key.json";
    environment_.files["/key.json"] = json.dump();
  }

  FakeEnvironment environment_{
      {{"HOME", "/home/u"}, {"GCE_METADATA_HOST", "127.0.0.1:1"}}};
  base::ManualClock clock_{kNowUs};
  base::Context context_;
  GcsOptions options_;
  base::MetricRegistry metrics_;
  std::shared_ptr<const StoreMetrics> counted_ =
      std::make_shared<StoreMetrics>(metrics_, "gs");
  std::shared_ptr<GcsCredentialsProvider> provider_;
};

TEST_F(GcsCredentialsTest, AServiceAccountSignsForItsToken) {
  const TestKey key;
  TestHttpServer server([](const TestRequest&) { return Token("granted"); });
  UseFile({{"type", "service_account"},
           {"client_email", "me@project"},
           {"private_key_id", "k1"},
           {"private_key", key.Pem()},
           {"project_id", "project-1"},
           {"token_uri", server.url() + "/token"}});
  const AccessToken found = Get().value();
  EXPECT_EQ(found.text.Reveal(), "granted");
  EXPECT_EQ(found.source, "service account me@project of /key.json");
  EXPECT_EQ(found.expires_us, kNowUs + 3'600'000'000);
  EXPECT_EQ(provider_->Project(context_).value(), "project-1");

  ASSERT_EQ(server.requests().size(), 1u);
  const TestRequest request = server.requests()[0];
  EXPECT_EQ(request.target, "/token");
  const std::string_view start =
      "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
  ASSERT_TRUE(request.body.starts_with(start)) << request.body;
  const std::string jwt = request.body.substr(start.size());
  const std::string claims =
      Base64Url(R"({"aud":")" + server.url() +
                R"(/token","exp":1767326645,"iat":1767323045,"iss":"me@project",)"
                R"("scope":"https://www.googleapis.com/auth/devstorage.read_write"})");
  const std::string text =
      Base64Url(R"({"alg":"RS256","kid":"k1","typ":"JWT"})") + "." + claims;
  ASSERT_TRUE(jwt.starts_with(text + ".")) << jwt;
  EXPECT_TRUE(key.Signed(text, FromBase64Url(jwt.substr(text.size() + 1))));
  EXPECT_FALSE(key.Signed(text + "x", FromBase64Url(jwt.substr(text.size() + 1))));
}

TEST_F(GcsCredentialsTest, ATokenIsKeptUntilShortlyBeforeItEnds) {
  int count = 0;
  TestHttpServer server(
      [&](const TestRequest&) { return Token("t" + std::to_string(++count)); });
  UseFile({{"type", "authorized_user"},
           {"client_id", "c"},
           {"client_secret", "s+"},
           {"refresh_token", "r/"},
           {"token_uri", server.url() + "/token"}});
  EXPECT_EQ(Get()->text.Reveal(), "t1");
  EXPECT_EQ(server.requests()[0].body,
            "grant_type=refresh_token&client_id=c&client_secret=s%2B&refresh_token=r%2F");
  clock_.AdvanceUs(3'299'000'000);
  EXPECT_EQ(provider_->Get(context_)->text.Reveal(), "t1");
  clock_.AdvanceUs(1'000'000);
  EXPECT_EQ(provider_->Get(context_)->text.Reveal(), "t2");
  provider_->Expire();
  EXPECT_EQ(provider_->Get(context_)->text.Reveal(), "t3");
}

TEST_F(GcsCredentialsTest, ATokenServesToItsEndWhereThereIsNoOther) {
  bool away = false;
  TestHttpServer server(
      [&](const TestRequest&) { return away ? TestHttpServer::Reply(503) : Token("t"); });
  UseFile({{"type", "authorized_user"}, {"token_uri", server.url()}});
  ASSERT_TRUE(Get().ok());
  away = true;
  clock_.AdvanceUs(3'400'000'000);
  EXPECT_EQ(provider_->Get(context_)->text.Reveal(), "t");
  clock_.AdvanceUs(200'000'000);
  EXPECT_TRUE(provider_->Get(context_).status().Is(StatusCode::kUnavailable));
}

TEST_F(GcsCredentialsTest, TheServiceIsAskedAgainWhereItFailsAndCounted) {
  int count = 0;
  TestHttpServer server([&](const TestRequest&) {
    return ++count < 3 ? TestHttpServer::Reply(503) : Token("t");
  });
  UseFile({{"type", "authorized_user"}, {"token_uri", server.url()}});
  EXPECT_EQ(Get()->text.Reveal(), "t");
  EXPECT_THAT(
      metrics_.Expose(),
      AllOf(HasSubstr("firn_store_requests_total{operation=\"credentials\",scheme="
                      "\"gs\"} 3\n"),
            HasSubstr("firn_store_request_retries_total{operation=\"credentials\","
                      "scheme=\"gs\"} 2\n")));
  count = -100;
  EXPECT_THAT(Error(), AllOf(HasSubstr("Unavailable: credentials refresh token of "
                                       "/key.json: the service failed"),
                             HasSubstr("after 3 tries")));
}

TEST_F(GcsCredentialsTest, WhatTheServiceSaysIsToldAndNoSecretIs) {
  TestHttpServer server([](const TestRequest&) {
    return TestHttpServer::Reply(400, R"({"error": "invalid_grant",)"
                                      R"( "error_description": "Token revoked."})");
  });
  UseFile({{"type", "authorized_user"},
           {"refresh_token", "hush"},
           {"client_secret", "hush"},
           {"token_uri", server.url()}});
  EXPECT_THAT(Error(), AllOf(HasSubstr("PermissionDenied"), HasSubstr("/key.json"),
                             HasSubstr("invalid_grant: Token revoked. (HTTP 400)"),
                             Not(HasSubstr("hush"))));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(GcsCredentialsTest, TheMachinesAccountIsTheLastThatIsTried) {
  TestHttpServer server([](const TestRequest& request) {
    return request.target.ends_with("/token") ? Token("of-machine")
                                              : TestHttpServer::Reply(200, "project-2");
  });
  environment_.variables["GCE_METADATA_HOST"] = server.url().substr(7);
  EXPECT_EQ(Get()->text.Reveal(), "of-machine");
  EXPECT_EQ(server.requests()[0].target,
            "/computeMetadata/v1/instance/service-accounts/default/token");
  EXPECT_EQ(server.requests()[0].Header("metadata-flavor"), "Google");
  EXPECT_TRUE(provider_->Project(context_).status().Is(StatusCode::kNotFound));
  options_.credentials = GcsCredentialsKind::kMetadata;
  EXPECT_EQ(Get()->source, "the machine's service account");
  EXPECT_EQ(provider_->Project(context_).value(), "project-2");
}

TEST_F(GcsCredentialsTest, WhatIsMissingOrNotSupportedIsNamed) {
  EXPECT_THAT(Error(), AllOf(HasSubstr("PermissionDenied: no Google credentials"),
                             HasSubstr("GOOGLE_APPLICATION_CREDENTIALS is not set"),
                             HasSubstr("/home/u/.config/gcloud/application_default"),
                             HasSubstr("this machine offers none")));
  environment_.variables["GOOGLE_APPLICATION_CREDENTIALS"] = "/absent";
  EXPECT_THAT(Error(), AllOf(HasSubstr("PermissionDenied"), HasSubstr("/absent")));
  UseFile({{"type", "external_account"}});
  EXPECT_THAT(Error(), AllOf(HasSubstr("Unimplemented"), HasSubstr("external_account"),
                             HasSubstr("print-access-token")));
  UseFile({{"type", "service_account"}, {"private_key", "no key"}});
  EXPECT_THAT(Error(), AllOf(HasSubstr("PermissionDenied"), HasSubstr("no RSA key"),
                             Not(HasSubstr("no key"))));
  environment_.files["/key.json"] = "no JSON";
  EXPECT_THAT(Error(), HasSubstr("/key.json is no JSON object"));
}

TEST_F(GcsCredentialsTest, ATokenOfTheOptionsAndNone) {
  options_.credentials = GcsCredentialsKind::kToken;
  options_.access_token = Secret("mine");
  EXPECT_EQ(Get()->text.Reveal(), "mine");
  provider_->Expire();
  EXPECT_EQ(provider_->Get(context_)->text.Reveal(), "mine");
  options_.credentials = GcsCredentialsKind::kAnonymous;
  EXPECT_TRUE(Get()->text.empty());
}

}  // namespace
}  // namespace firn::io
