// SPDX-License-Identifier: Apache-2.0
#include "io/azure_credentials.h"

#include <utility>
#include <vector>

#include "io/digest.h"

namespace firn::io {
namespace {

constexpr std::string_view kResource = "https://storage.azure.com/";
constexpr std::string_view kScope = "https://storage.azure.com/.default";
constexpr std::string_view kAuthority = "https://login.microsoftonline.com";

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

// A secret that is given once and for all.
class Fixed final : public AzureCredentialsProvider {
 public:
  explicit Fixed(AzureCredentials credentials) : credentials_(std::move(credentials)) {}
  Result<AzureCredentials> Get(const base::Context&) override { return credentials_; }
  void Expire() override {}

 private:
  const AzureCredentials credentials_;
};

// Tokens of Microsoft's identity platform (OAuth 2.0).
class Tokens final : public AzureCredentialsProvider {
 public:
  Tokens(const AzureOptions& options, const Environment& environment,
         const base::Clock& clock, CredentialRequests requests)
      : options_(options),
        environment_(environment),
        clock_(clock),
        requests_(std::move(requests)),
        token_(clock) {}

  Result<AzureCredentials> Get(const base::Context& context) override {
    AzureCredentials credentials;
    FIRN_ASSIGN_OR_RETURN(credentials.token, token_.Get([&] { return Fetch(context); }));
    credentials.source = credentials.token.source;
    return credentials;
  }

  void Expire() override { token_.Expire(); }

 private:
  Result<AccessToken> Fetch(const base::Context& context) {
    switch (options_.credentials) {
      case AzureCredentialsKind::kClientSecret:
        return Denied(FromClientSecret(context));
      case AzureCredentialsKind::kWorkloadIdentity:
        return Denied(FromWorkloadIdentity(context));
      case AzureCredentialsKind::kManagedIdentity:
        return Denied(FromManagedIdentity(context, ServiceReach::kNearby));
      default:
        break;
    }
    std::string tried = "shared key: AZURE_STORAGE_KEY is not set";
    for (const char* name : {"client secret", "workload identity", "managed identity"}) {
      const bool is_managed = name[0] == 'm';
      Result<AccessToken> found = is_managed
                                      ? FromManagedIdentity(context, ServiceReach::kProbe)
                                  : name[0] == 'c' ? FromClientSecret(context)
                                                   : FromWorkloadIdentity(context);
      if (!found.status().Is(StatusCode::kNotFound)) return found;
      tried += "; " + std::string(name) + ": " + std::string(found.status().message());
    }
    return Status::PermissionDenied("no Azure credentials were found (" + tried + ")");
  }

  // The one source that was asked for has none.
  static Result<AccessToken> Denied(Result<AccessToken> found) {
    if (!found.status().Is(StatusCode::kNotFound)) return found;
    return Status::PermissionDenied(std::string(found.status().message()));
  }

  std::string Setting(const std::string& own, const char* variable) const {
    return own.empty() ? environment_.Variable(variable).value_or("") : own;
  }

  Result<AccessToken> FromClientSecret(const base::Context& context) {
    const std::string secret =
        Setting(std::string(options_.client_secret.Reveal()), "AZURE_CLIENT_SECRET");
    if (secret.empty()) return Status::NotFound("AZURE_CLIENT_SECRET is not set");
    return AskAuthority(context, "the client secret", {{"client_secret", secret}});
  }

  Result<AccessToken> FromWorkloadIdentity(const base::Context& context) {
    const std::string file =
        Setting(options_.federated_token_file, "AZURE_FEDERATED_TOKEN_FILE");
    if (file.empty()) return Status::NotFound("AZURE_FEDERATED_TOKEN_FILE is not set");
    const std::string source = "workload identity of " + file;
    const Result<std::string> assertion = environment_.ReadFile(file);
    if (!assertion.ok()) {
      return Status::PermissionDenied(source + ": " +
                                      std::string(assertion.status().message()));
    }
    return AskAuthority(context, source,
                        {{"client_assertion", Trimmed(*assertion)},
                         {"client_assertion_type",
                          "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}});
  }

  Result<AccessToken> AskAuthority(
      const base::Context& context, const std::string& source,
      std::vector<std::pair<std::string, std::string>> fields) {
    const std::string tenant = Setting(options_.tenant_id, "AZURE_TENANT_ID");
    const std::string client = Setting(options_.client_id, "AZURE_CLIENT_ID");
    if (tenant.empty() || client.empty()) {
      return Status::PermissionDenied(source +
                                      ": AZURE_TENANT_ID and AZURE_CLIENT_ID "
                                      "are needed with it");
    }
    FIRN_ASSIGN_OR_RETURN(const HttpAddress address,
                          HttpAddress::Parse(environment_.Variable("AZURE_AUTHORITY_HOST")
                                                 .value_or(std::string(kAuthority))));
    fields.emplace_back("grant_type", "client_credentials");
    fields.emplace_back("client_id", client);
    fields.emplace_back("scope", std::string(kScope));
    const std::string body = FormOf(fields);
    HttpRequest request{"POST", "/" + PercentEncode(tenant) + "/oauth2/v2.0/token"};
    request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
    request.body = body;
    FIRN_ASSIGN_OR_RETURN(const HttpResponse response,
                          requests_.Send(context, address, request, source));
    return ParseTokenAnswer(response, source, clock_.NowUs());
  }

  // Of the application service where there is one, else of the machine.
  Result<AccessToken> FromManagedIdentity(const base::Context& context,
                                          ServiceReach reach) {
    const std::string source = "the managed identity";
    const std::string client = Setting(options_.client_id, "AZURE_CLIENT_ID");
    std::string query = "&resource=" + PercentEncode(kResource);
    if (!client.empty()) query += "&client_id=" + PercentEncode(client);
    const auto endpoint = environment_.Variable("IDENTITY_ENDPOINT");
    const auto header = environment_.Variable("IDENTITY_HEADER");
    HttpAddress address;
    HttpRequest request;
    if (endpoint && header) {
      FIRN_ASSIGN_OR_RETURN(address, HttpAddress::Parse(*endpoint));
      request.target =
          std::exchange(address.prefix, "") + "?api-version=2019-08-01" + query;
      request.headers = {{"X-IDENTITY-HEADER", *header}};
    } else {
      FIRN_ASSIGN_OR_RETURN(
          address,
          HttpAddress::Parse(environment_.Variable("AZURE_POD_IDENTITY_AUTHORITY_HOST")
                                 .value_or("http://169.254.169.254")));
      request.target = "/metadata/identity/oauth2/token?api-version=2018-02-01" + query;
      request.headers = {{"Metadata", "true"}};
    }
    const Result<HttpResponse> response =
        requests_.Send(context, address, request, source, reach);
    if (!response.ok()) {
      if (!response.status().Is(StatusCode::kUnavailable)) return response.status();
      return Status::NotFound("this machine offers none");
    }
    return ParseTokenAnswer(*response, source, clock_.NowUs());
  }

  const AzureOptions options_;
  const Environment& environment_;
  const base::Clock& clock_;
  const CredentialRequests requests_;
  CachedToken token_;
};

Status Missing(const char* what, const char* field) {
  return Status::InvalidArgument("azure: there is no " + std::string(what) + ": set " +
                                 field);
}

}  // namespace

Result<std::shared_ptr<AzureCredentialsProvider>> MakeAzureCredentials(
    const AzureOptions& options, const AzureAccount& account,
    const Environment& environment, const base::Clock& clock,
    CredentialRequests requests) {
  using Kind = AzureCredentialsKind;
  using Provider = std::shared_ptr<AzureCredentialsProvider>;
  const bool is_chain = options.credentials == Kind::kChain;
  AzureCredentials fixed;
  fixed.source = account.source;
  if (options.credentials == Kind::kSharedKey || (is_chain && !account.key.empty())) {
    if (account.key.empty()) return Missing("account key", "azure_account_key");
    const Result<std::string> key = FromBase64(account.key.Reveal());
    if (!key.ok()) {
      return Status::InvalidArgument("azure: the account key of " + account.source +
                                     " is not base64");
    }
    fixed.key = Secret(*key);
    return Provider(std::make_shared<Fixed>(std::move(fixed)));
  }
  if (options.credentials == Kind::kSas || (is_chain && !account.sas.empty())) {
    if (account.sas.empty()) return Missing("SAS token", "azure_sas_token");
    fixed.sas = account.sas;
    return Provider(std::make_shared<Fixed>(std::move(fixed)));
  }
  if (options.credentials == Kind::kAnonymous) {
    return Provider(std::make_shared<Fixed>(AzureCredentials()));
  }
  return Provider(
      std::make_shared<Tokens>(options, environment, clock, std::move(requests)));
}

}  // namespace firn::io
