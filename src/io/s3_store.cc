// SPDX-License-Identifier: Apache-2.0
#include "io/s3_store.h"

#include <utility>

#include "io/aws_credentials.h"
#include "io/remote_store.h"
#include "io/s3_service.h"

namespace firn::io {
namespace {

Status CheckOptions(const S3Options& options) {
  const bool has_id = !options.access_key_id.empty();
  if (has_id == options.secret_access_key.empty() ||
      (!has_id && options.credentials == AwsCredentialsKind::kExplicit)) {
    return Status::InvalidArgument(
        "s3: an explicit access key id needs its secret access key, and the other way "
        "round");
  }
  if (options.retry.attempts < 1 || options.upload_concurrency < 1) {
    return Status::InvalidArgument("s3: attempts and concurrency are at least 1");
  }
  if (options.multipart_threshold_bytes < 0 ||
      options.multipart_threshold_bytes > (std::int64_t{5} << 30)) {
    return Status::InvalidArgument(
        "s3: objects of more than 5 GiB are taken in parts only: lower the threshold");
  }
  return {};
}

}  // namespace

Result<S3Options> CompleteS3Options(const S3Options& options,
                                    const Environment& environment) {
  FIRN_RETURN_IF_ERROR(CheckOptions(options));
  S3Options complete = options;
  if (options.credentials == AwsCredentialsKind::kChain &&
      !options.access_key_id.empty()) {
    complete.credentials = AwsCredentialsKind::kExplicit;
  }
  FIRN_ASSIGN_OR_RETURN(complete.region, FindAwsRegion(options, environment));
  for (const char* name : {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}) {
    if (complete.endpoint.empty()) {
      complete.endpoint = environment.Variable(name).value_or("");
    }
  }
  return complete;
}

Result<std::unique_ptr<Store>> MakeS3Store(const StorageOptions& options,
                                           const Environment& environment,
                                           const base::Clock& clock,
                                           base::MetricRegistry* metrics) {
  FIRN_ASSIGN_OR_RETURN(const S3Options complete,
                        CompleteS3Options(options.s3, environment));
  std::shared_ptr<const StoreMetrics> counted;
  if (metrics != nullptr) counted = std::make_shared<StoreMetrics>(*metrics, "s3");
  const std::shared_ptr<AwsCredentialsProvider> credentials =
      MakeAwsCredentials(complete, environment, clock, counted);
  RemoteStoreOptions remote;
  remote.scheme = "s3";
  remote.multipart_threshold_bytes =
      static_cast<std::uint64_t>(complete.multipart_threshold_bytes);
  remote.upload_concurrency = complete.upload_concurrency;
  remote.create_buckets = options.create_buckets;
  return MakeRemoteStore(
      remote,
      [complete, credentials, counted,
       &clock](const std::string& bucket) -> Result<std::unique_ptr<ObjectService>> {
        FIRN_ASSIGN_OR_RETURN(
            std::unique_ptr<S3Service> service,
            S3Service::Make(complete, bucket, credentials, clock, counted.get()));
        return std::unique_ptr<ObjectService>(std::move(service));
      },
      clock);
}

}  // namespace firn::io
