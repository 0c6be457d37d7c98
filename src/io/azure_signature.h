// SPDX-License-Identifier: Apache-2.0
// azure_signature.h: how a request to Azure's blob service says who it comes from
// ("Authorize with Shared Key", Azure Storage REST API). Internal to this room. Pure
// functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firn/time.h"
#include "io/azure_credentials.h"
#include "io/http_client.h"

namespace firn::io {

struct AzureRequest {
  std::string method;
  std::string path = "/";  // Percent-encoded as it will be sent; with any prefix.
  std::vector<std::pair<std::string, std::string>> query;    // Plain text, any order.
  std::vector<std::pair<std::string, std::string>> headers;  // Lower-case names.
  std::string_view body;
};

// What the key of `account` signs. The headers include `x-ms-date` and `x-ms-version`.
std::string AzureStringToSign(const AzureRequest& request, std::string_view account);

// The request to send: with its date and version, and signed by the key, carrying the
// token, or with the SAS in its query. Borrows the body.
HttpRequest AuthorizeAzureRequest(AzureRequest request, std::string_view account,
                                  const AzureCredentials& credentials,
                                  TimestampUs now_us);

}  // namespace firn::io
