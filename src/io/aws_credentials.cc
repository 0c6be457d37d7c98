// SPDX-License-Identifier: Apache-2.0
#include "io/aws_credentials.h"

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "base/timestamp.h"
#include "io/aws_profile.h"
#include "io/aws_signature.h"
#include "io/credential_request.h"
#include "io/http_client.h"
#include "io/s3_error.h"

namespace firn::io {
namespace {

// New credentials are asked for this long before the old ones end.
constexpr std::int64_t kEarlyUs = 300'000'000;
constexpr std::string_view kRoleSession = "firn";

using Source = std::function<Result<AwsCredentials>(const base::Context& context)>;

struct Sources {
  const S3Options& options;
  const Environment& environment;
  const base::Clock& clock;
  const CredentialRequests& requests;
};

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

// ---- Answers ----

// `{"AccessKeyId": …, "SecretAccessKey": …, "Token": …, "Expiration": …}`
Result<AwsCredentials> FromJson(std::string_view text, std::string source) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  const auto field = [&](const char* name) -> std::string {
    if (!json.is_object()) return {};
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
  };
  AwsCredentials credentials;
  credentials.access_key_id = field("AccessKeyId");
  credentials.secret_access_key = Secret(field("SecretAccessKey"));
  credentials.session_token = Secret(field("Token"));
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return Status::PermissionDenied(source + " gave no credentials");
  }
  const Result<TimestampUs> expires = base::ParseTimestamp(field("Expiration"));
  if (expires.ok()) credentials.expires_us = *expires;
  credentials.source = std::move(source);
  return credentials;
}

// The `<Credentials>` of an answer of the security token service to `action`.
Result<AwsCredentials> FromStsXml(const HttpResponse& response, const std::string& action,
                                  std::string source) {
  pugi::xml_document document;
  document.load_buffer(response.body.data(), response.body.size());
  const pugi::xml_node node = document.child((action + "Response").c_str())
                                  .child((action + "Result").c_str())
                                  .child("Credentials");
  if (response.code / 100 != 2 || !node) {
    const S3Error error = ParseS3Error(response);
    return Status::PermissionDenied(
        source + ": the token service refused: " +
        (error.code.empty() ? "no reason given" : error.code) +
        (error.message.empty() ? "" : ": " + error.message) + " (HTTP " +
        std::to_string(response.code) + ")");
  }
  AwsCredentials credentials;
  credentials.access_key_id = node.child_value("AccessKeyId");
  credentials.secret_access_key = Secret(node.child_value("SecretAccessKey"));
  credentials.session_token = Secret(node.child_value("SessionToken"));
  FIRN_ASSIGN_OR_RETURN(credentials.expires_us,
                        base::ParseTimestamp(node.child_value("Expiration")));
  credentials.source = std::move(source);
  return credentials;
}

// ---- Sources. Each is NotFound where nobody set it up. ----

Result<AwsCredentials> FromEnvironment(const Sources& sources) {
  const auto id = sources.environment.Variable("AWS_ACCESS_KEY_ID");
  const auto secret = sources.environment.Variable("AWS_SECRET_ACCESS_KEY");
  if (!id && !secret) return Status::NotFound("AWS_ACCESS_KEY_ID is not set");
  if (!id || !secret) {
    return Status::PermissionDenied(
        std::string(id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID") +
        " is not set, and its other half is");
  }
  AwsCredentials credentials;
  credentials.access_key_id = *id;
  credentials.secret_access_key = Secret(*secret);
  credentials.session_token =
      Secret(sources.environment.Variable("AWS_SESSION_TOKEN").value_or(""));
  credentials.source = "the environment";
  return credentials;
}

Result<HttpAddress> StsAddress(const Sources& sources) {
  return HttpAddress::Parse(
      sources.environment.Variable("AWS_ENDPOINT_URL_STS")
          .value_or("https://sts." + sources.options.region + ".amazonaws.com"));
}

Result<AwsCredentials> FromWebIdentity(const base::Context& context,
                                       const Sources& sources, const std::string& role,
                                       const std::string& token_file) {
  const std::string source = "web identity " + role;
  Result<std::string> token = sources.environment.ReadFile(token_file);
  if (!token.ok()) {
    return Status::PermissionDenied(source + ": " +
                                    std::string(token.status().message()));
  }
  FIRN_ASSIGN_OR_RETURN(const HttpAddress address, StsAddress(sources));
  const std::string session = sources.environment.Variable("AWS_ROLE_SESSION_NAME")
                                  .value_or(std::string(kRoleSession));
  const std::string body =
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" +
      PercentEncode(role) + "&RoleSessionName=" + PercentEncode(session) +
      "&WebIdentityToken=" + PercentEncode(Trimmed(*token));
  FIRN_ASSIGN_OR_RETURN(
      const HttpResponse response,
      sources.requests.Send(
          context, address,
          {"POST", "/", {{"content-type", "application/x-www-form-urlencoded"}}, body},
          source));
  return FromStsXml(response, "AssumeRoleWithWebIdentity", source);
}

Result<AwsCredentials> FromAssumedRole(const base::Context& context,
                                       const Sources& sources, const std::string& role,
                                       const AwsCredentials& own) {
  const std::string source = "role " + role;
  FIRN_ASSIGN_OR_RETURN(const HttpAddress address, StsAddress(sources));
  const std::string body =
      "Action=AssumeRole&Version=2011-06-15&RoleArn=" + PercentEncode(role) +
      "&RoleSessionName=" + std::string(kRoleSession);
  AwsRequest request;
  request.method = "POST";
  request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
  request.body = body;
  const HttpRequest ready = SignAwsRequest(
      std::move(request), {address.HostHeader(), sources.options.region, "sts"}, own,
      sources.clock.NowUs());
  FIRN_ASSIGN_OR_RETURN(const HttpResponse response,
                        sources.requests.Send(context, address, ready, source));
  return FromStsXml(response, "AssumeRole", source);
}

Result<AwsCredentials> FromProfile(const base::Context& context, const Sources& sources,
                                   const std::string& name, int depth) {
  constexpr int kDepthMax = 5;
  if (depth > kDepthMax) {
    return Status::PermissionDenied("profile " + name +
                                    ": source_profile leads round in a circle");
  }
  FIRN_ASSIGN_OR_RETURN(const AwsProfile profile,
                        LoadAwsProfile(sources.environment, name));
  const auto setting = [&](const char* key) -> std::string {
    const auto found = profile.find(key);
    return found == profile.end() ? "" : found->second;
  };
  const std::string role = setting("role_arn");
  if (!role.empty() && !setting("web_identity_token_file").empty()) {
    return FromWebIdentity(context, sources, role, setting("web_identity_token_file"));
  }
  const std::string from = setting("source_profile");
  if (!role.empty() && !from.empty() && from != name) {
    FIRN_ASSIGN_OR_RETURN(const AwsCredentials own,
                          FromProfile(context, sources, from, depth + 1));
    return FromAssumedRole(context, sources, role, own);
  }
  AwsCredentials credentials;
  credentials.access_key_id = setting("aws_access_key_id");
  credentials.secret_access_key = Secret(setting("aws_secret_access_key"));
  credentials.session_token = Secret(setting("aws_session_token"));
  credentials.source = "profile " + name;
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    for (const char* other : {"sso_session", "sso_start_url", "credential_process"}) {
      if (setting(other).empty()) continue;
      return Status::Unimplemented(
          "profile " + name + " gets its credentials by " + other +
          ", which is not supported: export them with `aws configure "
          "export-credentials --format env`");
    }
    return Status::NotFound("profile " + name + " has no aws_access_key_id");
  }
  if (!role.empty()) return FromAssumedRole(context, sources, role, credentials);
  return credentials;
}

Result<AwsCredentials> FromContainer(const base::Context& context,
                                     const Sources& sources) {
  const Environment& environment = sources.environment;
  std::optional<std::string> uri =
      environment.Variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (const auto path = environment.Variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
    uri = "http://169.254.170.2" + *path;
  }
  if (!uri) return Status::NotFound("no container offers any");
  FIRN_ASSIGN_OR_RETURN(HttpAddress address, HttpAddress::Parse(*uri));
  HttpRequest request;
  request.target = std::exchange(address.prefix, "");
  if (request.target.empty()) request.target = "/";
  std::string token =
      environment.Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
  if (const auto file = environment.Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    FIRN_ASSIGN_OR_RETURN(token, environment.ReadFile(*file));
  }
  if (!token.empty()) request.headers.emplace_back("Authorization", Trimmed(token));
  FIRN_ASSIGN_OR_RETURN(
      const HttpResponse response,
      sources.requests.Send(context, address, request, "the container's role",
                            ServiceReach::kNearby));
  return FromJson(response.body, "the container's role");
}

// Version 2 of the instance metadata service: a token first, then the role, then its
// credentials.
Result<AwsCredentials> FromInstance(const base::Context& context,
                                    const Sources& sources) {
  const Environment& environment = sources.environment;
  if (environment.Variable("AWS_EC2_METADATA_DISABLED") == "true") {
    return Status::NotFound("AWS_EC2_METADATA_DISABLED is true");
  }
  FIRN_ASSIGN_OR_RETURN(
      const HttpAddress address,
      HttpAddress::Parse(environment.Variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")
                             .value_or("http://169.254.169.254")));
  const std::string service = "the machine's role";
  const Result<HttpResponse> token = sources.requests.Send(
      context, address,
      {"PUT", "/latest/api/token", {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}}},
      service, ServiceReach::kProbe);
  if (!token.ok()) return Status::NotFound("this machine offers none");
  HttpRequest request{"GET", "/latest/meta-data/iam/security-credentials/"};
  if (token->code == 200) {
    request.headers.emplace_back("X-aws-ec2-metadata-token", token->body);
  }
  FIRN_ASSIGN_OR_RETURN(
      const HttpResponse role,
      sources.requests.Send(context, address, request, service, ServiceReach::kNearby));
  const std::string name = Trimmed(role.body.substr(0, role.body.find('\n')));
  if (role.code != 200 || name.empty()) {
    return Status::NotFound("this machine has no role");
  }
  request.target += PercentEncode(name);
  FIRN_ASSIGN_OR_RETURN(
      const HttpResponse response,
      sources.requests.Send(context, address, request, service, ServiceReach::kNearby));
  return FromJson(response.body, service + " " + name);
}

Result<AwsCredentials> FromWebIdentityOfEnvironment(const base::Context& context,
                                                    const Sources& sources) {
  const auto option = [&](const std::string& own, const char* variable) {
    return own.empty() ? sources.environment.Variable(variable).value_or("") : own;
  };
  const std::string role = option(sources.options.role_arn, "AWS_ROLE_ARN");
  const std::string file =
      option(sources.options.web_identity_token_file, "AWS_WEB_IDENTITY_TOKEN_FILE");
  if (role.empty() || file.empty()) {
    return Status::NotFound("AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE are not set");
  }
  return FromWebIdentity(context, sources, role, file);
}

std::string ProfileName(const S3Options& options, const Environment& environment) {
  if (!options.profile.empty()) return options.profile;
  return environment.Variable("AWS_PROFILE").value_or("default");
}

class Credentials final : public AwsCredentialsProvider {
 public:
  Credentials(const S3Options& options, const Environment& environment,
              const base::Clock& clock, std::shared_ptr<const StoreMetrics> metrics)
      : options_(options),
        environment_(environment),
        clock_(clock),
        requests_({options.ca_file, options.verify_tls, options.connect_timeout_ms,
                   options.request_timeout_ms},
                  options.retry, clock, std::move(metrics)) {}

  Result<AwsCredentials> Get(const base::Context& context) override {
    // Held while asking: others wait for the same answer.
    std::lock_guard lock(mutex_);
    if (last_ && (!last_->expires_us || clock_.NowUs() + kEarlyUs < *last_->expires_us)) {
      return *last_;
    }
    FIRN_ASSIGN_OR_RETURN(AwsCredentials fresh, Fetch(context));
    // Those that end within minutes are not asked for at every request.
    last_ = fresh;
    return fresh;
  }

  void Expire() override {
    std::lock_guard lock(mutex_);
    if (last_ && last_->expires_us) last_.reset();
  }

 private:
  Result<AwsCredentials> Fetch(const base::Context& context) {
    const Sources sources{options_, environment_, clock_, requests_};
    const std::string profile = ProfileName(options_, environment_);
    switch (options_.credentials) {
      case AwsCredentialsKind::kExplicit:
        return AwsCredentials{options_.access_key_id, options_.secret_access_key,
                              options_.session_token, std::nullopt, "the options"};
      case AwsCredentialsKind::kAnonymous:
        return AwsCredentials{};
      case AwsCredentialsKind::kProfile:
        return Denied(FromProfile(context, sources, profile, 0));
      case AwsCredentialsKind::kWebIdentity:
        return Denied(FromWebIdentityOfEnvironment(context, sources));
      case AwsCredentialsKind::kInstance: {
        Result<AwsCredentials> found = FromContainer(context, sources);
        if (found.status().Is(StatusCode::kNotFound)) {
          found = FromInstance(context, sources);
        }
        return Denied(std::move(found));
      }
      case AwsCredentialsKind::kChain:
        break;
    }
    std::string tried;
    for (const auto& [name, fetch] : std::vector<std::pair<const char*, Source>>{
             {"environment", [&](const auto&) { return FromEnvironment(sources); }},
             {"web identity",
              [&](const auto& c) { return FromWebIdentityOfEnvironment(c, sources); }},
             {"profile",
              [&](const auto& c) { return FromProfile(c, sources, profile, 0); }},
             {"container", [&](const auto& c) { return FromContainer(c, sources); }},
             {"instance", [&](const auto& c) { return FromInstance(c, sources); }}}) {
      Result<AwsCredentials> found = fetch(context);
      if (!found.status().Is(StatusCode::kNotFound)) return found;
      tried += std::string(tried.empty() ? "" : "; ") + name + ": " +
               std::string(found.status().message());
    }
    return Status::PermissionDenied("no AWS credentials were found (" + tried + ")");
  }

  // The one source that was asked for has none.
  static Result<AwsCredentials> Denied(Result<AwsCredentials> found) {
    if (!found.status().Is(StatusCode::kNotFound)) return found;
    return Status::PermissionDenied(std::string(found.status().message()));
  }

  const S3Options options_;
  const Environment& environment_;
  const base::Clock& clock_;
  const CredentialRequests requests_;
  std::mutex mutex_;
  std::optional<AwsCredentials> last_;
};

}  // namespace

std::shared_ptr<AwsCredentialsProvider> MakeAwsCredentials(
    const S3Options& options, const Environment& environment, const base::Clock& clock,
    std::shared_ptr<const StoreMetrics> metrics) {
  return std::make_shared<Credentials>(options, environment, clock, std::move(metrics));
}

Result<std::string> FindAwsRegion(const S3Options& options,
                                  const Environment& environment) {
  if (!options.region.empty()) return options.region;
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (const auto region = environment.Variable(name)) return *region;
  }
  const Result<AwsProfile> profile =
      LoadAwsProfile(environment, ProfileName(options, environment));
  if (profile.ok()) {
    const auto found = profile->find("region");
    if (found != profile->end()) return found->second;
  } else if (!profile.status().Is(StatusCode::kNotFound)) {
    return profile.status();
  }
  return "us-east-1";
}

}  // namespace firn::io
