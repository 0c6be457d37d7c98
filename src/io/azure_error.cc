// SPDX-License-Identifier: Apache-2.0
#include "io/azure_error.h"

#include <algorithm>

#include <pugixml.hpp>

namespace firn::io {
namespace {

bool IsOneOf(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

// What the server said: `BlobNotFound: The specified blob does not exist. (HTTP 404)`.
std::string Said(const HttpResponse& response, const AzureError& error) {
  std::string text = error.code.empty() ? "no reason given" : error.code;
  if (!error.message.empty()) text += ": " + error.message;
  return text + " (HTTP " + std::to_string(response.code) + ")";
}

Status Denied(const std::string& said, const AzureError& error, const AzureAsker& asker) {
  const std::string whose =
      asker.credentials_source.empty()
          ? "the request was anonymous"
          : "the credentials came from " + std::string(asker.credentials_source);
  std::string remedy;
  if (IsExpiredToken(error)) {
    remedy = "; the token has expired or is not valid, get a new one: ";
  } else if (error.code == "AuthenticationFailed") {
    remedy = "; the account key or SAS does not fit account " +
             std::string(asker.account) +
             " or has expired, or this machine's clock is wrong: ";
  } else if (error.code == "AuthorizationPermissionMismatch") {
    remedy =
        "; a role such as Storage Blob Data Contributor, or a right of the SAS, is "
        "missing: ";
  } else if (error.code == "KeyBasedAuthenticationNotPermitted") {
    remedy = "; the account takes no keys, only tokens: ";
  } else if (error.code == "AuthorizationFailure") {
    remedy = "; check the account key, and the network rules of account " +
             std::string(asker.account) + ": ";
  } else {
    remedy = "; check the rights on account " + std::string(asker.account) + ": ";
  }
  return Status::PermissionDenied(said + remedy + whose);
}

Status NotThere(const std::string& said, const AzureError& error,
                const AzureAsker& asker) {
  if (error.code == "ContainerNotFound") {
    return Status::NotFound("there is no bucket (container) " +
                            std::string(asker.container) + " in account " +
                            std::string(asker.account) + "; " + said);
  }
  return Status::NotFound("there is no such object; " + said);
}

bool IsTooLarge(const AzureError& error) {
  return IsOneOf(error.code, {"RequestBodyTooLarge", "BlockCountExceedsLimit",
                              "BlockListTooLong", "OutOfRangeInput"});
}

}  // namespace

AzureError ParseAzureError(const HttpResponse& response) {
  AzureError error;
  pugi::xml_document document;
  document.load_buffer(response.body.data(), response.body.size());
  const pugi::xml_node node = document.child("Error");
  error.code = response.Header("x-ms-error-code");
  if (error.code.empty()) error.code = node.child_value("Code");
  error.message = node.child_value("Message");
  // What follows the first line are identifiers and times.
  error.message = error.message.substr(0, error.message.find_first_of("\r\n"));
  return error;
}

bool IsExpiredToken(const AzureError& error) {
  return error.code == "InvalidAuthenticationInfo";
}

Verdict JudgeAzureError(const HttpResponse& response, const AzureError& error,
                        const AzureAsker& asker) {
  const std::string said = Said(response, error);
  const int code = response.code;
  // To write over what is there needs a right that to create does not.
  if (IsOneOf(error.code, {"BlobAlreadyExists", "UnauthorizedBlobOverwrite"})) {
    return {Status::AlreadyExists("the precondition failed; " + said)};
  }
  if (IsOneOf(error.code, {"LeaseIdMissing", "BlobImmutableDueToPolicy",
                           "PublicAccessNotPermitted"}) ||
      code == 401 || code == 403 || IsExpiredToken(error)) {
    return {Denied(said, error, asker)};
  }
  if (code == 404) return {NotThere(said, error, asker)};
  if (code == 412) return {Status::AlreadyExists("the precondition failed; " + said)};
  if (IsOneOf(error.code, {"InvalidBlockList", "InvalidBlobOrBlock"})) {
    return {
        Status::NotFound("the upload's blocks are gone: another write of that name "
                         "discarded them, or they have expired; " +
                         said)};
  }
  if (code == 416) {
    return {Status::Corruption("the object is shorter than it was; " + said)};
  }
  // Refused before anything was done; a 503 without a reason may come from a gateway.
  if (code == 429 || IsOneOf(error.code, {"ServerBusy", "TooManyRequests"})) {
    return {Status::Unavailable("throttled; " + said +
                                "; lower the concurrency, or spread the load over "
                                "accounts"),
            true, RetryAfterMs(response)};
  }
  if (error.code == "ContainerBeingDeleted") {
    return {Status::Unavailable("the container is being deleted; " + said), true};
  }
  if (code >= 500 || code == 408) {
    return {Status::Unavailable("the store failed; " + said), code != 501,
            RetryAfterMs(response), code >= 500};
  }
  if (code == 413 || IsTooLarge(error)) {
    return {Status::InvalidArgument("too large or too small for the store; " + said)};
  }
  // The bytes did not arrive as they left: sending them again is the remedy.
  if (IsOneOf(error.code, {"Md5Mismatch", "Crc64Mismatch"})) {
    return {Status::Corruption(said), true};
  }
  if (code / 100 == 3) {
    return {Status::InvalidArgument("this is not where account " +
                                    std::string(asker.account) +
                                    " is: check azure_endpoint; " + said)};
  }
  return {Status::InvalidArgument("the store refused the request; " + said)};
}

}  // namespace firn::io
