// SPDX-License-Identifier: Apache-2.0
// run_stats.h: what a command cost: the object that --stats prints.
#pragma once

#include <cstdint>
#include <optional>

#include "cli/program.h"

#include "firn/query_stats.h"

namespace firn::cli {

// Measures from its construction. Thread-compatible.
class RunStats {
 public:
  explicit RunStats(const base::Clock& clock);
  // Print one JSON object to world.err: rows, seconds, cpu_seconds, peak_rss_bytes, and
  // what the query read and pruned where that is known.
  void Print(World& world, std::int64_t rows,
             const std::optional<QueryStats>& query = std::nullopt) const;

 private:
  const base::Clock& clock_;
  std::int64_t started_ns_;
};

}  // namespace firn::cli
