// SPDX-License-Identifier: Apache-2.0
#include "io/gcs_store.h"

#include <utility>

#include "io/gcs_credentials.h"
#include "io/gcs_service.h"
#include "io/remote_store.h"

namespace firn::io {
namespace {

constexpr std::string_view kEndpoint = "https://storage.googleapis.com";
// A put is one request, whose body is held once more while it is sent.
constexpr std::int64_t kThresholdMax = std::int64_t{1} << 30;

// `options` with what it leaves to the environment.
Result<GcsOptions> Complete(const GcsOptions& options, const Environment& environment) {
  if (options.credentials == GcsCredentialsKind::kToken && options.access_token.empty()) {
    return Status::InvalidArgument("gs: there is no access token: set gs_access_token");
  }
  if (options.retry.attempts < 1) {
    return Status::InvalidArgument("gs: attempts are at least 1");
  }
  if (options.multipart_threshold_bytes < 0 ||
      options.multipart_threshold_bytes > kThresholdMax) {
    return Status::InvalidArgument(
        "gs: objects of more than 1 GiB are taken in parts only: lower the threshold");
  }
  GcsOptions complete = options;
  const bool is_chain = options.credentials == GcsCredentialsKind::kChain;
  if (is_chain && !options.access_token.empty()) {
    complete.credentials = GcsCredentialsKind::kToken;
  } else if (is_chain && !options.credentials_file.empty()) {
    complete.credentials = GcsCredentialsKind::kFile;
  }
  if (!options.endpoint.empty()) return complete;
  complete.endpoint = kEndpoint;
  const auto emulator = environment.Variable("STORAGE_EMULATOR_HOST");
  if (!emulator) return complete;
  complete.endpoint =
      emulator->find("://") == std::string::npos ? "http://" + *emulator : *emulator;
  if (complete.credentials == GcsCredentialsKind::kChain) {
    complete.credentials = GcsCredentialsKind::kAnonymous;
  }
  return complete;
}

}  // namespace

Result<std::unique_ptr<Store>> MakeGcsStore(const StorageOptions& options,
                                            const Environment& environment,
                                            const base::Clock& clock,
                                            base::MetricRegistry* metrics) {
  FIRN_ASSIGN_OR_RETURN(const GcsOptions complete, Complete(options.gcs, environment));
  std::shared_ptr<const StoreMetrics> counted;
  if (metrics != nullptr) counted = std::make_shared<StoreMetrics>(*metrics, "gs");
  const std::shared_ptr<GcsCredentialsProvider> credentials = MakeGcsCredentials(
      complete, environment, clock,
      CredentialRequests({complete.ca_file, complete.verify_tls,
                          complete.connect_timeout_ms, complete.request_timeout_ms},
                         complete.retry, clock, counted));
  RemoteStoreOptions remote;
  remote.scheme = "gs";
  remote.multipart_threshold_bytes =
      static_cast<std::uint64_t>(complete.multipart_threshold_bytes);
  remote.create_buckets = options.create_buckets;
  return MakeRemoteStore(
      remote,
      [complete, credentials, counted,
       &clock](const std::string& bucket) -> Result<std::unique_ptr<ObjectService>> {
        FIRN_ASSIGN_OR_RETURN(
            std::unique_ptr<GcsService> service,
            GcsService::Make(complete, bucket, credentials, clock, counted.get()));
        return std::unique_ptr<ObjectService>(std::move(service));
      },
      clock);
}

}  // namespace firn::io
