// SPDX-License-Identifier: Apache-2.0
#include "io/azure_store.h"

#include <utility>

#include "base/quote.h"
#include "io/azure_credentials.h"
#include "io/azure_service.h"
#include "io/remote_store.h"

namespace firn::io {
namespace {

// What one put takes.
constexpr std::int64_t kPutBytesMax = std::int64_t{5000} << 20;

Status CheckOptions(const AzureOptions& options) {
  if (options.retry.attempts < 1 || options.upload_concurrency < 1) {
    return Status::InvalidArgument("azure: attempts and concurrency are at least 1");
  }
  if (options.multipart_threshold_bytes < 0 ||
      options.multipart_threshold_bytes > kPutBytesMax) {
    return Status::InvalidArgument(
        "azure: objects of more than 5000 MiB are taken in parts only: lower the "
        "threshold");
  }
  return {};
}

// Whether requests are signed by a secret that is one account's own.
bool UsesSecret(const AzureOptions& options, const AzureAccount& account) {
  using Kind = AzureCredentialsKind;
  if (options.credentials != Kind::kChain) {
    return options.credentials == Kind::kSharedKey || options.credentials == Kind::kSas;
  }
  return !account.key.empty() || !account.sas.empty();
}

// What the containers of all accounts share.
struct Shared {
  AzureOptions options;
  AzureAccount account;
  std::shared_ptr<AzureCredentialsProvider> credentials;
  std::shared_ptr<const StoreMetrics> metrics;
  const base::Clock& clock;
};

Result<std::unique_ptr<ObjectService>> MakeService(const Shared& shared,
                                                   AzurePlace place) {
  FIRN_ASSIGN_OR_RETURN(
      std::unique_ptr<AzureService> service,
      AzureService::Make(shared.options, std::move(place), shared.credentials,
                         shared.clock, shared.metrics.get()));
  return std::unique_ptr<ObjectService>(std::move(service));
}

// `CONTAINER@ACCOUNT.dfs.SUFFIX`, as ParseLocation() leaves it.
Result<AzurePlace> PlaceOf(const Shared& shared, const std::string& authority) {
  const std::size_t at = authority.find('@');
  const std::size_t dot = authority.find(".dfs.", at == authority.npos ? 0 : at);
  if (at == authority.npos || dot == authority.npos) {
    return Status::InvalidArgument("location abfss://" + authority +
                                   ": expected CONTAINER@ACCOUNT.dfs.core.windows.net");
  }
  AzurePlace place;
  place.account = authority.substr(at + 1, dot - at - 1);
  place.container = authority.substr(0, at);
  place.location = "abfss://" + authority;
  const AzureAccount& own = shared.account;
  if (own.name == place.account) {
    place.endpoint = own.endpoint;
  } else if (UsesSecret(shared.options, own)) {
    return Status::InvalidArgument("location " + place.location + ": the key or SAS of " +
                                   own.source + " is for account " +
                                   base::Quoted(own.name) + ", not for " +
                                   base::Quoted(place.account) + ": set azure_account");
  } else {
    place.endpoint = "https://" + place.account + ".blob." + authority.substr(dot + 5);
  }
  return place;
}

// How a store of the given scheme finds the container that a location names.
using Find =
    std::function<Result<AzurePlace>(const Shared& shared, const std::string& bucket)>;

Result<std::unique_ptr<Store>> MakeStore(const std::string& scheme, Find find,
                                         bool needs_account,
                                         const StorageOptions& options,
                                         const Environment& environment,
                                         const base::Clock& clock,
                                         base::MetricRegistry* metrics) {
  FIRN_RETURN_IF_ERROR(CheckOptions(options.azure));
  std::shared_ptr<const StoreMetrics> counted;
  if (metrics != nullptr) counted = std::make_shared<StoreMetrics>(*metrics, "az");
  Shared shared{options.azure, {}, nullptr, counted, clock};
  FIRN_ASSIGN_OR_RETURN(shared.account, FindAzureAccount(options.azure, environment));
  const bool lacks_name = shared.account.name.empty();
  if (lacks_name && (needs_account || UsesSecret(options.azure, shared.account))) {
    return Status::InvalidArgument(
        "azure: nothing names the account: set azure_account or AZURE_STORAGE_ACCOUNT, "
        "or write abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/KEY");
  }
  const AzureOptions& own = options.azure;
  FIRN_ASSIGN_OR_RETURN(
      shared.credentials,
      MakeAzureCredentials(
          own, shared.account, environment, clock,
          CredentialRequests({own.ca_file, own.verify_tls, own.connect_timeout_ms,
                              own.request_timeout_ms},
                             own.retry, clock, counted)));
  RemoteStoreOptions remote;
  remote.scheme = scheme;
  remote.multipart_threshold_bytes =
      static_cast<std::uint64_t>(own.multipart_threshold_bytes);
  remote.upload_concurrency = own.upload_concurrency;
  remote.create_buckets = options.create_buckets;
  return MakeRemoteStore(
      remote,
      [shared, find = std::move(find)](
          const std::string& bucket) -> Result<std::unique_ptr<ObjectService>> {
        FIRN_ASSIGN_OR_RETURN(AzurePlace place, find(shared, bucket));
        return MakeService(shared, std::move(place));
      },
      clock);
}

}  // namespace

Result<std::unique_ptr<Store>> MakeAzureStore(const StorageOptions& options,
                                              const Environment& environment,
                                              const base::Clock& clock,
                                              base::MetricRegistry* metrics) {
  const auto find = [](const Shared& shared,
                       const std::string& bucket) -> Result<AzurePlace> {
    return AzurePlace{shared.account.name, shared.account.endpoint, bucket,
                      "az://" + bucket};
  };
  return MakeStore("az", find, true, options, environment, clock, metrics);
}

Result<std::unique_ptr<Store>> MakeAzureAccountStore(const StorageOptions& options,
                                                     const Environment& environment,
                                                     const base::Clock& clock,
                                                     base::MetricRegistry* metrics) {
  return MakeStore("abfss", PlaceOf, false, options, environment, clock, metrics);
}

}  // namespace firn::io
