// SPDX-License-Identifier: Apache-2.0
// azure_error.h: what an answer of Azure's blob service other than 2xx means ("Blob
// service error codes", Azure Storage REST API). Internal to this room. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "io/http_client.h"
#include "io/remote_request.h"

namespace firn::io {

// The code stands in a header, the message in the body.
struct AzureError {
  std::string code;  // "BlobNotFound"
  std::string message;
};
AzureError ParseAzureError(const HttpResponse& response);

// Who asked and for what, for the remedy an error names.
struct AzureAsker {
  std::string_view account;
  std::string_view container;
  std::string_view credentials_source;  // "the environment", or "" for anonymous.
};

// REQUIRES: the answer's code is not 2xx.
Verdict JudgeAzureError(const HttpResponse& response, const AzureError& error,
                        const AzureAsker& asker);

// The server called a token expired, or not valid.
bool IsExpiredToken(const AzureError& error);

}  // namespace firn::io
