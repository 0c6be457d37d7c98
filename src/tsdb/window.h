// SPDX-License-Identifier: Apache-2.0
// window.h: what the tables hold of the out-of-order window, read back into memory.
//
// A start needs it, and so does a rollback by another engine: then what the head
// remembers of settled samples is no longer what the table holds.
#pragma once

#include <memory>

#include "base/context.h"
#include "firn/status.h"
#include "tsdb/cold_series.h"
#include "tsdb/cut.h"
#include "tsdb/head.h"

namespace firn::tsdb {

struct Window {
  // Frozen at the settled offset; null where the tables hold nothing.
  std::shared_ptr<const Generation> samples;
  // The rows of metrics.series on the window's days; of series that are not in memory by
  // identity.
  std::shared_ptr<const EmittedDays> emitted = std::make_shared<const EmittedDays>();
};

// Series that have samples in the window and are new to the head are defined in it.
// Cost: reads the window's rows; 16 bytes a sample are held meanwhile.
Result<Window> LoadWindow(const base::Context& context, const ColdReader& cold,
                          const SettledTables& tables, Head& head);

}  // namespace firn::tsdb
