// SPDX-License-Identifier: Apache-2.0
// gcs_store.h: the buckets of Google Cloud Storage as a Store.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/metrics.h"
#include "firn/status.h"
#include "firn/storage.h"
#include "io/environment.h"
#include "io/store.h"

namespace firn::io {

// Serves `gs://BUCKET/KEY`. `metrics` may be null; all else must outlive the store.
// InvalidArgument for options that contradict each other. Nothing is asked of the store
// before its first use.
Result<std::unique_ptr<Store>> MakeGcsStore(const StorageOptions& options,
                                            const Environment& environment,
                                            const base::Clock& clock,
                                            base::MetricRegistry* metrics);

}  // namespace firn::io
