// SPDX-License-Identifier: Apache-2.0
#include "io/access_token.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <nlohmann/json.hpp>

namespace firn::io {
namespace {

// New tokens are asked for this long before the old ones end.
constexpr std::int64_t kEarlyUs = 300'000'000;
constexpr std::int64_t kSecondsMax = 366 * 86'400;
constexpr std::int64_t kYear10000 = 253'402'300'800;

// A member that some services write as a number and some as text; 0 where it is absent.
std::int64_t Seconds(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) return 0;
  if (found->is_number_integer()) return found->get<std::int64_t>();
  if (!found->is_string()) return 0;
  return std::strtoll(found->get<std::string>().c_str(), nullptr, 10);
}

std::string Text(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

Result<AccessToken> ParseTokenAnswer(const HttpResponse& response, std::string source,
                                     TimestampUs now_us) {
  nlohmann::json json = nlohmann::json::parse(response.body, nullptr, false);
  if (!json.is_object()) json = nlohmann::json::object();
  const std::string token = Text(json, "access_token");
  if (response.code / 100 != 2 || token.empty()) {
    std::string said = Text(json, "error");
    if (said.empty()) said = "no reason given";
    std::string description = Text(json, "error_description");
    // Azure's goes on with identifiers and a time.
    description = description.substr(0, description.find_first_of("\r\n"));
    if (!description.empty()) said += ": " + description;
    return Status::PermissionDenied(source + ": the token service refused: " + said +
                                    " (HTTP " + std::to_string(response.code) + ")");
  }
  AccessToken parsed{Secret(token), std::nullopt, std::move(source)};
  const std::int64_t seconds = Seconds(json, "expires_in");
  const std::int64_t until = Seconds(json, "expires_on");
  if (seconds > 0 && seconds < kSecondsMax) {
    parsed.expires_us = now_us + seconds * 1'000'000;
  } else if (until > 0 && until < kYear10000) {
    parsed.expires_us = until * 1'000'000;
  } else {
    parsed.expires_us = now_us;  // Nobody said: it serves for one request.
  }
  return parsed;
}

Result<AccessToken> CachedToken::Get(const std::function<Result<AccessToken>()>& fetch) {
  std::lock_guard lock(mutex_);
  if (last_ && (!last_->expires_us || clock_.NowUs() < renew_us_)) return *last_;
  Result<AccessToken> fresh = fetch();
  if (!fresh.ok()) {
    // The old one serves to its end.
    if (last_ && clock_.NowUs() < *last_->expires_us) return *last_;
    return fresh.status();
  }
  last_ = std::move(*fresh);
  if (last_->expires_us) {
    // Services that keep tokens themselves may hand out one that is near its end.
    const std::int64_t left_us = *last_->expires_us - clock_.NowUs();
    renew_us_ = *last_->expires_us - std::min(kEarlyUs, left_us / 2);
  }
  return *last_;
}

void CachedToken::Expire() {
  std::lock_guard lock(mutex_);
  if (last_ && last_->expires_us) last_.reset();
}

std::string FormOf(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string text;
  for (const auto& [name, value] : fields) {
    if (!text.empty()) text += '&';
    text += PercentEncode(name) + "=" + PercentEncode(value);
  }
  return text;
}

}  // namespace firn::io
