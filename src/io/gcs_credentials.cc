// SPDX-License-Identifier: Apache-2.0
#include "io/gcs_credentials.h"

#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "io/digest.h"

namespace firn::io {
namespace {

// What a token is for: objects and the making of buckets.
constexpr std::string_view kScope =
    "https://www.googleapis.com/auth/devstorage.read_write";
constexpr std::string_view kTokenUri = "https://oauth2.googleapis.com/token";
constexpr std::int64_t kAssertionSeconds = 3600;  // The longest that is granted.

// A member of a credentials file, or "".
std::string Member(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

struct CredentialsFile {
  std::string path;
  nlohmann::json json;
};

class Credentials final : public GcsCredentialsProvider {
 public:
  Credentials(const GcsOptions& options, const Environment& environment,
              const base::Clock& clock, CredentialRequests requests)
      : options_(options),
        environment_(environment),
        clock_(clock),
        requests_(std::move(requests)),
        token_(clock) {}

  Result<AccessToken> Get(const base::Context& context) override {
    return token_.Get([&] { return Fetch(context); });
  }

  void Expire() override { token_.Expire(); }

  Result<std::string> Project(const base::Context& context) override {
    for (const char* name : {"GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"}) {
      if (const auto project = environment_.Variable(name)) return *project;
    }
    const Result<CredentialsFile> file = LoadFile();
    if (file.ok()) {
      for (const char* name : {"project_id", "quota_project_id"}) {
        std::string project = Member(file->json, name);
        if (!project.empty()) return project;
      }
    } else if (!file.status().Is(StatusCode::kNotFound)) {
      return file.status();
    }
    if (options_.credentials == GcsCredentialsKind::kMetadata) {
      FIRN_ASSIGN_OR_RETURN(
          const HttpResponse response,
          AskMetadata(context, "project/project-id", ServiceReach::kNearby));
      if (response.code == 200) return response.body;
    }
    return Status::NotFound("no project is set");
  }

 private:
  Result<AccessToken> Fetch(const base::Context& context) {
    switch (options_.credentials) {
      case GcsCredentialsKind::kToken:
        return AccessToken{options_.access_token, std::nullopt, "the options"};
      case GcsCredentialsKind::kFile:
        return Denied(FromFile(context));
      case GcsCredentialsKind::kMetadata:
        return Denied(FromMetadata(context, ServiceReach::kNearby));
      case GcsCredentialsKind::kAnonymous:
        return AccessToken();
      case GcsCredentialsKind::kChain:
        break;
    }
    Result<AccessToken> file = FromFile(context);
    if (!file.status().Is(StatusCode::kNotFound)) return file;
    Result<AccessToken> machine = FromMetadata(context, ServiceReach::kProbe);
    if (!machine.status().Is(StatusCode::kNotFound)) return machine;
    return Status::PermissionDenied(
        "no Google credentials were found (file: " +
        std::string(file.status().message()) +
        "; metadata: " + std::string(machine.status().message()) + ")");
  }

  // The one source that was asked for has none.
  static Result<AccessToken> Denied(Result<AccessToken> found) {
    if (!found.status().Is(StatusCode::kNotFound)) return found;
    return Status::PermissionDenied(std::string(found.status().message()));
  }

  // NotFound where nobody set one up.
  Result<CredentialsFile> LoadFile() const {
    CredentialsFile file;
    file.path = options_.credentials_file;
    if (file.path.empty()) {
      file.path = environment_.Variable("GOOGLE_APPLICATION_CREDENTIALS").value_or("");
    }
    const bool named = !file.path.empty();
    if (!named) {
      const auto config = environment_.Variable("CLOUDSDK_CONFIG");
      const auto home = environment_.Variable("HOME");
      if (!config && !home) return Status::NotFound("HOME is not set");
      file.path = config.value_or(home.value_or("") + "/.config/gcloud") +
                  "/application_default_credentials.json";
    }
    const Result<std::string> text = environment_.ReadFile(file.path);
    if (!text.ok()) {
      if (!named && text.status().Is(StatusCode::kNotFound)) {
        return Status::NotFound(
            "GOOGLE_APPLICATION_CREDENTIALS is not set, and there "
            "is no " +
            file.path);
      }
      return Status::PermissionDenied(std::string(text.status().message()));
    }
    file.json = nlohmann::json::parse(*text, nullptr, false);
    if (!file.json.is_object()) {
      return Status::PermissionDenied(file.path + " is no JSON object");
    }
    return file;
  }

  Result<AccessToken> FromFile(const base::Context& context) {
    FIRN_ASSIGN_OR_RETURN(const CredentialsFile file, LoadFile());
    const std::string type = Member(file.json, "type");
    if (type == "service_account") return FromServiceAccount(context, file);
    if (type == "authorized_user") return FromRefreshToken(context, file);
    return Status::Unimplemented(
        file.path + ": credentials of type \"" + type +
        "\" are not supported, only service_account and authorized_user: set "
        "gs_access_token to what `gcloud auth print-access-token` prints");
  }

  // A service account signs a claim of its own and gets a token for it (RFC 7523).
  Result<AccessToken> FromServiceAccount(const base::Context& context,
                                         const CredentialsFile& file) {
    const std::string source =
        "service account " + Member(file.json, "client_email") + " of " + file.path;
    const std::string uri = TokenUri(file);
    const std::int64_t now_s = clock_.NowUs() / 1'000'000;
    const nlohmann::json header = {
        {"alg", "RS256"}, {"typ", "JWT"}, {"kid", Member(file.json, "private_key_id")}};
    const nlohmann::json claims = {{"iss", Member(file.json, "client_email")},
                                   {"scope", kScope},
                                   {"aud", uri},
                                   {"iat", now_s},
                                   {"exp", now_s + kAssertionSeconds}};
    const std::string signed_text =
        Base64Url(header.dump()) + "." + Base64Url(claims.dump());
    const Result<std::string> signature =
        SignRs256(Member(file.json, "private_key"), signed_text);
    if (!signature.ok()) {
      return Status::PermissionDenied(source + ": " +
                                      std::string(signature.status().message()));
    }
    return AskToken(context, uri, source,
                    {{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"},
                     {"assertion", signed_text + "." + Base64Url(*signature)}});
  }

  Result<AccessToken> FromRefreshToken(const base::Context& context,
                                       const CredentialsFile& file) {
    return AskToken(context, TokenUri(file), "refresh token of " + file.path,
                    {{"grant_type", "refresh_token"},
                     {"client_id", Member(file.json, "client_id")},
                     {"client_secret", Member(file.json, "client_secret")},
                     {"refresh_token", Member(file.json, "refresh_token")}});
  }

  static std::string TokenUri(const CredentialsFile& file) {
    const std::string uri = Member(file.json, "token_uri");
    return uri.empty() ? std::string(kTokenUri) : uri;
  }

  Result<AccessToken> AskToken(
      const base::Context& context, const std::string& uri, const std::string& source,
      const std::vector<std::pair<std::string, std::string>>& fields) {
    FIRN_ASSIGN_OR_RETURN(HttpAddress address, HttpAddress::Parse(uri));
    HttpRequest request{"POST", std::exchange(address.prefix, "")};
    request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
    const std::string body = FormOf(fields);
    request.body = body;
    FIRN_ASSIGN_OR_RETURN(const HttpResponse response,
                          requests_.Send(context, address, request, source));
    return ParseTokenAnswer(response, source, clock_.NowUs());
  }

  Result<HttpResponse> AskMetadata(const base::Context& context, const std::string& what,
                                   ServiceReach reach) {
    const std::string host =
        environment_.Variable("GCE_METADATA_HOST").value_or("169.254.169.254");
    FIRN_ASSIGN_OR_RETURN(const HttpAddress address,
                          HttpAddress::Parse("http://" + host));
    return requests_.Send(
        context, address,
        {"GET", "/computeMetadata/v1/" + what, {{"Metadata-Flavor", "Google"}}},
        "the machine's metadata", reach);
  }

  Result<AccessToken> FromMetadata(const base::Context& context, ServiceReach reach) {
    const Result<HttpResponse> response =
        AskMetadata(context, "instance/service-accounts/default/token", reach);
    if (!response.ok()) {
      if (!response.status().Is(StatusCode::kUnavailable)) return response.status();
      return Status::NotFound("this machine offers none");
    }
    if (response->Header("Metadata-Flavor") != "Google" || response->code == 404) {
      return Status::NotFound("this machine has no service account");
    }
    return ParseTokenAnswer(*response, "the machine's service account", clock_.NowUs());
  }

  const GcsOptions options_;
  const Environment& environment_;
  const base::Clock& clock_;
  const CredentialRequests requests_;
  CachedToken token_;
};

}  // namespace

std::shared_ptr<GcsCredentialsProvider> MakeGcsCredentials(const GcsOptions& options,
                                                           const Environment& environment,
                                                           const base::Clock& clock,
                                                           CredentialRequests requests) {
  return std::make_shared<Credentials>(options, environment, clock, std::move(requests));
}

}  // namespace firn::io
