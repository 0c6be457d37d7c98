// SPDX-License-Identifier: Apache-2.0
#include "io/s3_error.h"

#include <algorithm>
#include <iterator>

#include <pugixml.hpp>

namespace firn::io {
namespace {

bool IsOneOf(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

// What the server said: `AccessDenied: Access Denied. (HTTP 403)`.
std::string Said(const HttpResponse& response, const S3Error& error) {
  std::string text = error.code.empty() ? "no reason given" : error.code;
  if (!error.message.empty()) text += ": " + error.message;
  return text + " (HTTP " + std::to_string(response.code) + ")";
}

std::string OfCredentials(const S3Asker& asker) {
  return asker.credentials_source.empty()
             ? "the request was anonymous"
             : "the credentials came from " + std::string(asker.credentials_source);
}

Status Denied(const std::string& said, const S3Error& error, const S3Asker& asker) {
  std::string remedy;
  if (error.code == "SignatureDoesNotMatch") {
    remedy = "; the secret access key does not fit the access key id: ";
  } else if (IsOneOf(error.code, {"InvalidAccessKeyId", "XAdminUserNotFound"})) {
    remedy = "; the store does not know the access key id: ";
  } else if (IsExpiredCredentials(error)) {
    remedy = "; the session token has expired or is not valid, get a new one: ";
  } else if (error.code == "RequestTimeTooSkewed") {
    return Status::PermissionDenied(said +
                                    "; set this machine's clock: it differs from the "
                                    "store's by more than 15 minutes");
  } else {
    remedy = "; check the policy of the bucket and of the user: ";
  }
  return Status::PermissionDenied(said + remedy + OfCredentials(asker));
}

Status WrongRegion(const std::string& said, const HttpResponse& response,
                   const S3Error& error, const S3Asker& asker) {
  std::string region(response.Header("x-amz-bucket-region"));
  if (region.empty()) region = error.region;
  const std::string bucket(asker.bucket);
  if (!region.empty() && region != asker.region) {
    return Status::InvalidArgument("bucket " + bucket + " is in region " + region +
                                   ", not " + std::string(asker.region) +
                                   ": set the region to " + region + "; " + said);
  }
  return Status::InvalidArgument("this is not where bucket " + bucket +
                                 " is: check region and endpoint; " + said);
}

}  // namespace

S3Error ParseS3Error(const HttpResponse& response) {
  S3Error error;
  pugi::xml_document document;
  if (!document.load_buffer(response.body.data(), response.body.size())) return error;
  pugi::xml_node node = document.child("Error");
  // The security token service wraps it.
  if (!node) node = document.child("ErrorResponse").child("Error");
  error.code = node.child_value("Code");
  error.message = node.child_value("Message");
  error.region = node.child_value("Region");
  return error;
}

bool IsExpiredCredentials(const S3Error& error) {
  return IsOneOf(error.code, {"ExpiredToken", "ExpiredTokenException", "InvalidToken",
                              "InvalidTokenId", "TokenRefreshRequired"});
}

Verdict JudgeS3Error(const HttpResponse& response, const S3Error& error,
                     const S3Asker& asker) {
  const std::string said = Said(response, error);
  const int code = response.code;
  if (error.code == "NoSuchBucket") {
    return {Status::NotFound("there is no bucket " + std::string(asker.bucket) + "; " +
                             said)};
  }
  if (error.code == "NoSuchUpload") {
    return {
        Status::NotFound("the upload is gone: it was completed, given up, or expired "
                         "by a lifecycle rule; " +
                         said)};
  }
  if (IsOneOf(error.code, {"PermanentRedirect", "AuthorizationHeaderMalformed",
                           "IllegalLocationConstraintException"}) ||
      code == 301 || code == 307) {
    return {WrongRegion(said, response, error, asker)};
  }
  if (code == 403 || code == 401 || IsExpiredCredentials(error) ||
      error.code == "XAdminUserNotFound") {
    return {Denied(said, error, asker)};
  }
  if (code == 404) {
    return {Status::NotFound("there is no such object; " + said)};
  }
  if (code == 412) return {Status::AlreadyExists("the precondition failed; " + said)};
  // Two conditional requests met: neither was carried out.
  if (code == 409 && error.code == "ConditionalRequestConflict") {
    return {Status::Unavailable(said), true};
  }
  if (code == 416) {
    return {Status::Corruption("the object is shorter than it was; " + said)};
  }
  // Refused before anything was done; a 503 without a reason may come from a gateway.
  if (code == 429 || IsOneOf(error.code, {"SlowDown", "ServiceUnavailable"})) {
    return {Status::Unavailable("throttled; " + said +
                                "; lower the concurrency, or spread the load over "
                                "prefixes"),
            true, RetryAfterMs(response)};
  }
  if (code >= 500 || code == 408 || error.code == "RequestTimeout") {
    return {Status::Unavailable("the store failed; " + said), code != 501, 0,
            code >= 500};
  }
  if (IsOneOf(error.code, {"EntityTooLarge", "EntityTooSmall", "KeyTooLongError",
                           "MaxMessageLengthExceeded"})) {
    return {Status::InvalidArgument("too large or too small for the store; " + said)};
  }
  // The bytes did not arrive as they left: sending them again is the remedy.
  if (IsOneOf(error.code, {"BadDigest", "XAmzContentSHA256Mismatch",
                           "XAmzContentChecksumMismatch", "IncompleteBody"})) {
    return {Status::Corruption(said), true};
  }
  return {Status::InvalidArgument("the store refused the request; " + said)};
}

}  // namespace firn::io
