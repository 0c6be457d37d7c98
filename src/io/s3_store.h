// SPDX-License-Identifier: Apache-2.0
// s3_store.h: the buckets of an S3 store as a Store.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/metrics.h"
#include "firn/status.h"
#include "firn/storage.h"
#include "io/environment.h"
#include "io/store.h"

namespace firn::io {

// Serves `s3://BUCKET/KEY`. `metrics` may be null; all else must outlive the store.
// InvalidArgument for options that contradict each other. Nothing is asked of the store
// before its first use.
Result<std::unique_ptr<Store>> MakeS3Store(const StorageOptions& options,
                                           const Environment& environment,
                                           const base::Clock& clock,
                                           base::MetricRegistry* metrics);

// `options` with what it leaves to the environment: region and endpoint. InvalidArgument
// for options that contradict each other.
Result<S3Options> CompleteS3Options(const S3Options& options,
                                    const Environment& environment);

}  // namespace firn::io
