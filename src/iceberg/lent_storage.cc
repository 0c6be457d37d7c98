// SPDX-License-Identifier: Apache-2.0
#include "iceberg/lent_storage.h"

#include <algorithm>
#include <charconv>

namespace firn::iceberg {
namespace {

// Null where the setting is absent or empty.
const std::string* Find(const StorageConfig& config, const char* key) {
  const auto found = config.find(key);
  return found == config.end() || found->second.empty() ? nullptr : &found->second;
}

bool Lend(const StorageConfig& config, const char* key, std::string* option) {
  const std::string* value = Find(config, key);
  if (value != nullptr) *option = *value;
  return value != nullptr;
}

bool LendS3(const StorageConfig& config, S3Options* s3) {
  bool lent = Lend(config, "client.region", &s3->region);
  lent |= Lend(config, "s3.region", &s3->region);
  if (Lend(config, "s3.endpoint", &s3->endpoint)) {
    lent = true;
    // A session token goes along with each request as it is.
    s3->session_token = {};
  }
  if (const std::string* style = Find(config, "s3.path-style-access")) {
    s3->path_style = *style == "true";
    lent = true;
  }
  const std::string* id = Find(config, "s3.access-key-id");
  const std::string* secret = Find(config, "s3.secret-access-key");
  if (id == nullptr || secret == nullptr) return lent;
  s3->credentials = AwsCredentialsKind::kExplicit;
  s3->access_key_id = *id;
  s3->secret_access_key = Secret(*secret);
  const std::string* session = Find(config, "s3.session-token");
  s3->session_token = session == nullptr ? Secret() : Secret(*session);
  return true;
}

bool LendGcs(const StorageConfig& config, GcsOptions* gcs) {
  Lend(config, "gcs.project-id", &gcs->project);
  const std::string* token = Find(config, "gcs.oauth2.token");
  if (token == nullptr) return false;
  gcs->credentials = GcsCredentialsKind::kToken;
  gcs->access_token = Secret(*token);
  Lend(config, "gcs.service.host", &gcs->endpoint);
  return true;
}

// `adls.sas-token.<account>[.<host>]`: one account of those that are lent is enough, as a
// table lies in one.
bool LendAzure(const StorageConfig& config, AzureOptions* azure) {
  constexpr std::string_view kSas = "adls.sas-token.";
  const auto sas = config.lower_bound(std::string(kSas));
  if (sas != config.end() && sas->first.starts_with(kSas)) {
    const std::string account = sas->first.substr(kSas.size());
    azure->account = account.substr(0, account.find('.'));
    azure->credentials = AzureCredentialsKind::kSas;
    azure->sas_token = Secret(sas->second);
    return true;
  }
  const std::string* name = Find(config, "adls.auth.shared-key.account.name");
  const std::string* key = Find(config, "adls.auth.shared-key.account.key");
  if (name == nullptr || key == nullptr) return false;
  azure->credentials = AzureCredentialsKind::kSharedKey;
  azure->account = *name;
  azure->account_key = Secret(*key);
  return true;
}

}  // namespace

StorageConfig ConfigFor(StorageConfig config,
                        const std::vector<StorageCredential>& credentials,
                        std::string_view location) {
  const StorageCredential* best = nullptr;
  for (const StorageCredential& credential : credentials) {
    if (!location.starts_with(credential.prefix)) continue;
    if (best == nullptr || credential.prefix.size() > best->prefix.size()) {
      best = &credential;
    }
  }
  if (best == nullptr) return config;
  for (const auto& [key, value] : best->config) config[key] = value;
  return config;
}

StorageConfig WithoutCredentials(StorageConfig config) {
  std::erase_if(config, [](const auto& setting) {
    const std::string& key = setting.first;
    return key == "s3.access-key-id" || key == "s3.secret-access-key" ||
           key == "s3.session-token" || key == "s3.session-token-expires-at-ms" ||
           key.starts_with("gcs.oauth2.") || key.starts_with("adls.sas-token") ||
           key.starts_with("adls.auth.shared-key.");
  });
  return config;
}

std::optional<StorageOptions> LentStorage(const StorageOptions& own,
                                          const StorageConfig& config) {
  StorageOptions storage = own;
  bool lent = LendS3(config, &storage.s3);
  lent |= LendGcs(config, &storage.gcs);
  lent |= LendAzure(config, &storage.azure);
  return lent ? std::optional(std::move(storage)) : std::nullopt;
}

std::optional<TimestampMs> ExpiryOf(const StorageConfig& config) {
  std::optional<TimestampMs> first;
  for (const auto& [key, value] : config) {
    const bool says = key == "s3.session-token-expires-at-ms" ||
                      key == "gcs.oauth2.token-expires-at" ||
                      key.starts_with("adls.sas-token-expires-at-ms.");
    TimestampMs at_ms = 0;
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), at_ms);
    if (!says || error != std::errc() || end != value.data() + value.size()) continue;
    first = first ? std::min(*first, at_ms) : at_ms;
  }
  return first;
}

}  // namespace firn::iceberg
