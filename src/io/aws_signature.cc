// SPDX-License-Identifier: Apache-2.0
#include "io/aws_signature.h"

#include <algorithm>
#include <cstdio>

#include "base/civil_date.h"
#include "io/digest.h"

namespace firn::io {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::int64_t kDaySeconds = 86'400;

// `20260102T030405Z`.
std::string AmzDate(TimestampUs now_us) {
  const std::int64_t seconds = now_us / 1'000'000;
  const base::CivilDate date = base::CivilDateFromDays(seconds / kDaySeconds);
  const auto of_day = static_cast<int>(seconds % kDaySeconds);
  char text[64];
  std::snprintf(text, sizeof text, "%04d%02d%02dT%02d%02d%02dZ",
                static_cast<int>(date.year), date.month, date.day, of_day / 3600,
                of_day / 60 % 60, of_day % 60);
  return text;
}

std::string QueryText(std::vector<std::pair<std::string, std::string>> query) {
  for (auto& [name, value] : query) {
    name = PercentEncode(name);
    value = PercentEncode(value);
  }
  std::sort(query.begin(), query.end());
  std::string text;
  for (const auto& [name, value] : query) {
    if (!text.empty()) text += '&';
    text += name + "=" + value;
  }
  return text;
}

// Values with single spaces inside and none around, as both sides sign them.
std::string Trimmed(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == ' ' && (text.empty() || text.back() == ' ')) continue;
    text += c;
  }
  if (text.ends_with(' ')) text.pop_back();
  return text;
}

}  // namespace

std::string PercentEncodePath(std::string_view path) {
  std::string text;
  while (true) {
    const std::size_t slash = path.find('/');
    text += PercentEncode(path.substr(0, slash));
    if (slash == std::string_view::npos) return text;
    text += '/';
    path.remove_prefix(slash + 1);
  }
}

HttpRequest SignAwsRequest(AwsRequest request, const AwsScope& scope,
                           const AwsCredentials& credentials, TimestampUs now_us) {
  const std::string query = QueryText(std::move(request.query));
  HttpRequest signed_request;
  signed_request.method = request.method;
  signed_request.target = request.path + (query.empty() ? "" : "?" + query);
  signed_request.body = request.body;
  if (credentials.anonymous()) {
    signed_request.headers = std::move(request.headers);
    return signed_request;
  }

  const std::string payload =
      request.unsigned_payload ? "UNSIGNED-PAYLOAD" : Hex(Sha256(request.body));
  const std::string date = AmzDate(now_us);
  request.headers.emplace_back("x-amz-content-sha256", payload);
  request.headers.emplace_back("x-amz-date", date);
  if (!credentials.session_token.empty()) {
    request.headers.emplace_back("x-amz-security-token",
                                 credentials.session_token.Reveal());
  }
  auto to_sign = request.headers;
  to_sign.emplace_back("host", scope.host);
  std::sort(to_sign.begin(), to_sign.end());
  std::string canonical_headers;
  std::string names;
  for (const auto& [name, value] : to_sign) {
    canonical_headers += name + ":" + Trimmed(value) + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical = request.method + "\n" + request.path + "\n" + query +
                                "\n" + canonical_headers + "\n" + names + "\n" + payload;

  const std::string day = date.substr(0, 8);
  const std::string credential_scope =
      day + "/" + scope.region + "/" + scope.service + "/aws4_request";
  const std::string string_to_sign = std::string(kAlgorithm) + "\n" + date + "\n" +
                                     credential_scope + "\n" + Hex(Sha256(canonical));
  std::string key = "AWS4";
  key += credentials.secret_access_key.Reveal();
  for (const std::string_view part :
       {std::string_view(day), std::string_view(scope.region),
        std::string_view(scope.service), std::string_view("aws4_request")}) {
    key = HmacSha256(key, part);
  }
  request.headers.emplace_back("authorization",
                               std::string(kAlgorithm) +
                                   " Credential=" + credentials.access_key_id + "/" +
                                   credential_scope + ", SignedHeaders=" + names +
                                   ", Signature=" + Hex(HmacSha256(key, string_to_sign)));
  signed_request.headers = std::move(request.headers);
  return signed_request;
}

}  // namespace firn::io
