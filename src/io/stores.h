// SPDX-License-Identifier: Apache-2.0
// stores.h: one Store for every location there is.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/metrics.h"
#include "firn/storage.h"
#include "io/environment.h"
#include "io/store.h"

namespace firn::io {

// Serves locations of every scheme but `memory`, each by its own store. A store that
// needs options is made at its first use, and what is wrong with them is said then.
// `metrics` may be null; all else must outlive the store.
std::unique_ptr<Store> MakeStores(const StorageOptions& options,
                                  const Environment& environment,
                                  const base::Clock& clock,
                                  base::MetricRegistry* metrics);

}  // namespace firn::io
