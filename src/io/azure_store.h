// SPDX-License-Identifier: Apache-2.0
// azure_store.h: the containers of Azure Blob Storage as Stores.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/metrics.h"
#include "firn/status.h"
#include "firn/storage.h"
#include "io/environment.h"
#include "io/store.h"

namespace firn::io {

// Serves `az://CONTAINER/KEY`, in the account of the options or of the environment.
// `metrics` may be null; all else must outlive the store. InvalidArgument for options
// that contradict each other, and where nothing names an account. Nothing is asked of the
// store before its first use.
Result<std::unique_ptr<Store>> MakeAzureStore(const StorageOptions& options,
                                              const Environment& environment,
                                              const base::Clock& clock,
                                              base::MetricRegistry* metrics);

// The same for `abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/KEY`, in the account that
// each location names. A key or SAS is for its own account only: with another it is
// InvalidArgument.
Result<std::unique_ptr<Store>> MakeAzureAccountStore(const StorageOptions& options,
                                                     const Environment& environment,
                                                     const base::Clock& clock,
                                                     base::MetricRegistry* metrics);

}  // namespace firn::io
