// SPDX-License-Identifier: Apache-2.0
#include "io/azure_signature.h"

#include <algorithm>
#include <utility>

#include "io/digest.h"

namespace firn::io {
namespace {

// Blocks of 4000 MiB, and listed names that XML cannot hold, are older; emulators lag
// behind the service by a year and more.
constexpr std::string_view kVersion = "2021-12-02";

std::string HeaderOf(const AzureRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

std::string AzureStringToSign(const AzureRequest& request, std::string_view account) {
  std::string text = request.method + "\n";
  for (const char* name : {"content-encoding", "content-language"}) {
    text += HeaderOf(request, name) + "\n";
  }
  if (!request.body.empty()) text += std::to_string(request.body.size());
  text += "\n";
  for (const char* name : {"content-md5", "content-type", "date", "if-modified-since",
                           "if-match", "if-none-match", "if-unmodified-since", "range"}) {
    text += HeaderOf(request, name) + "\n";
  }
  auto headers = request.headers;
  std::sort(headers.begin(), headers.end());
  for (const auto& [name, value] : headers) {
    if (name.starts_with("x-ms-")) text += name + ":" + value + "\n";
  }
  text += "/" + std::string(account) + request.path;
  auto query = request.query;
  std::sort(query.begin(), query.end());
  for (const auto& [name, value] : query) text += "\n" + name + ":" + value;
  return text;
}

HttpRequest AuthorizeAzureRequest(AzureRequest request, std::string_view account,
                                  const AzureCredentials& credentials,
                                  TimestampUs now_us) {
  request.headers.emplace_back("x-ms-date", FormatHttpDate(now_us));
  request.headers.emplace_back("x-ms-version", kVersion);
  if (!credentials.key.empty()) {
    const std::string signature =
        Base64(HmacSha256(credentials.key.Reveal(), AzureStringToSign(request, account)));
    request.headers.emplace_back("authorization",
                                 "SharedKey " + std::string(account) + ":" + signature);
  } else if (!credentials.token.text.empty()) {
    request.headers.emplace_back(
        "authorization", "Bearer " + std::string(credentials.token.text.Reveal()));
  }
  std::string target = request.path;
  char mark = '?';
  for (const auto& [name, value] : request.query) {
    target += mark + PercentEncode(name) + "=" + PercentEncode(value);
    mark = '&';
  }
  if (!credentials.sas.empty()) target += mark + std::string(credentials.sas.Reveal());
  return {std::move(request.method), std::move(target), std::move(request.headers),
          request.body};
}

}  // namespace firn::io
