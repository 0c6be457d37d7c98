// SPDX-License-Identifier: Apache-2.0
#include "io/gcs_error.h"

#include <nlohmann/json.hpp>

namespace firn::io {
namespace {

constexpr std::size_t kMessageBytesMax = 300;

// What the server said: `forbidden: … does not have storage.objects.get access (HTTP
// 403)`.
std::string Said(const HttpResponse& response, const GcsError& error) {
  std::string text = error.reason;
  if (!error.message.empty()) text += (text.empty() ? "" : ": ") + error.message;
  if (text.empty()) text = "no reason given";
  return text + " (HTTP " + std::to_string(response.code) + ")";
}

Status Denied(const HttpResponse& response, const GcsError& error,
              const GcsAsker& asker) {
  const std::string whose =
      asker.credentials_source.empty()
          ? "the request was anonymous"
          : "the credentials came from " + std::string(asker.credentials_source);
  std::string remedy = "; check the roles of the account on the bucket: ";
  if (response.code == 401 && !asker.credentials_source.empty()) {
    remedy = "; the access token has expired or is not valid, get a new one: ";
  } else if (error.reason == "accountDisabled") {
    remedy = "; the project's billing account is closed or missing: ";
  }
  return Status::PermissionDenied(Said(response, error) + remedy + whose);
}

bool IsThrottled(int code, const GcsError& error) {
  return code == 429 || error.reason == "rateLimitExceeded" ||
         error.reason == "userRateLimitExceeded" || error.reason == "quotaExceeded";
}

Status NotThere(const std::string& said, const GcsError& error, const GcsAsker& asker) {
  const bool bucket = asker.needs_bucket_only ||
                      error.message.find("bucket does not exist") != std::string::npos;
  if (!bucket) return Status::NotFound("there is no such object; " + said);
  return Status::NotFound("there is no bucket " + std::string(asker.bucket) + "; " +
                          said);
}

}  // namespace

GcsError ParseGcsError(const HttpResponse& response) {
  GcsError error;
  const nlohmann::json json = nlohmann::json::parse(response.body, nullptr, false);
  const auto text = [](const nlohmann::json& node, const char* name) -> std::string {
    const auto found = node.is_object() ? node.find(name) : node.end();
    return node.is_object() && found != node.end() && found->is_string()
               ? found->get<std::string>()
               : "";
  };
  if (json.is_object() && json.contains("error")) {
    const nlohmann::json& node = json["error"];
    error.message = text(node, "message");
    if (node.is_object() && node.contains("errors") && node["errors"].is_array() &&
        !node["errors"].empty()) {
      error.reason = text(node["errors"][0], "reason");
    }
  } else if (!json.is_object()) {
    error.message = response.body;
  }
  error.message = error.message.substr(0, kMessageBytesMax);
  while (error.message.ends_with('\n') || error.message.ends_with('\r')) {
    error.message.pop_back();
  }
  return error;
}

Verdict JudgeGcsError(const HttpResponse& response, const GcsAsker& asker) {
  const GcsError error = ParseGcsError(response);
  const std::string said = Said(response, error);
  const int code = response.code;
  // Refused before anything was done; a 503 without a reason may come from a gateway.
  if (IsThrottled(code, error)) {
    return {Status::Unavailable("throttled; " + said +
                                "; lower the rate of requests, or spread them over "
                                "prefixes"),
            true, RetryAfterMs(response)};
  }
  if (code == 401 || code == 403) return {Denied(response, error, asker)};
  if (code == 404) return {NotThere(said, error, asker)};
  if (code == 410) {
    return {
        Status::NotFound("the upload is gone: it was given up, or has expired; " + said)};
  }
  if (code == 412) return {Status::AlreadyExists("the precondition failed; " + said)};
  if (code == 416) {
    return {Status::Corruption("the object is shorter than it was; " + said)};
  }
  if (code == 408 || code >= 500) {
    return {Status::Unavailable("the store failed; " + said), code != 501,
            RetryAfterMs(response), code >= 500};
  }
  if (code == 413) {
    return {Status::InvalidArgument("too large for the store; " + said)};
  }
  // The bytes did not arrive as they left: sending them again is the remedy.
  if (code == 400 && error.message.find("CRC32C") != std::string::npos) {
    return {Status::Corruption(said), true};
  }
  if (code / 100 == 3) {
    return {Status::InvalidArgument("this is not where bucket " +
                                    std::string(asker.bucket) +
                                    " is: check gs_endpoint; " + said)};
  }
  return {Status::InvalidArgument("the store refused the request; " + said)};
}

}  // namespace firn::io
