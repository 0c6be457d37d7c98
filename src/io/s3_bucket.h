// SPDX-License-Identifier: Apache-2.0
// s3_bucket.h: what an S3 bucket is told about itself, rather than its objects.
//
// Every call may be repeated, and what was set can be read back. Stores differ in what
// they know of this: what one does not have is Unimplemented or InvalidArgument, as it
// answers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "base/metrics.h"
#include "firn/status.h"
#include "firn/storage.h"
#include "firn/time.h"
#include "io/environment.h"

namespace firn::io {

class S3Service;
class StoreMetrics;

// What happens to objects by themselves. Days are counted by the store, from 1.
struct S3LifecycleRule {
  std::string id;
  std::string prefix;  // Of the keys it is for; empty: all.
  bool enabled = true;
  std::optional<int> expire_days;             // Objects go.
  std::optional<int> noncurrent_expire_days;  // Versions that others replaced go.
  std::optional<int> abort_upload_days;       // Unfinished uploads are given up.
  bool operator==(const S3LifecycleRule&) const = default;
};

// An upload in parts that nobody has ended.
struct S3PendingUpload {
  std::string key;
  std::string upload_id;
  TimestampUs started_us = 0;
};

// Thread-safe.
class S3Bucket {
 public:
  // As MakeS3Store() takes them.
  static Result<std::unique_ptr<S3Bucket>> Make(const S3Options& options,
                                                const std::string& bucket,
                                                const Environment& environment,
                                                const base::Clock& clock,
                                                base::MetricRegistry* metrics);
  ~S3Bucket();

  Result<bool> Exists(const base::Context& context);
  // OK where it is there and ours; AlreadyExists where it is somebody else's.
  Status Create(const base::Context& context);

  // Keep the versions that others replace, or keep no more of them.
  Status SetVersioning(const base::Context& context, bool on);
  Result<bool> Versioning(const base::Context& context);

  // These rules and no others; none removes all.
  Status SetLifecycle(const base::Context& context,
                      const std::vector<S3LifecycleRule>& rules);
  Result<std::vector<S3LifecycleRule>> Lifecycle(const base::Context& context);

  // Of keys that start with `prefix`.
  Result<std::vector<S3PendingUpload>> PendingUploads(const base::Context& context,
                                                      const std::string& prefix);

 private:
  S3Bucket(std::shared_ptr<const StoreMetrics> metrics,
           std::unique_ptr<S3Service> service);

  const std::shared_ptr<const StoreMetrics> metrics_;
  const std::unique_ptr<S3Service> service_;
};

}  // namespace firn::io
