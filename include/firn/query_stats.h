// SPDX-License-Identifier: Apache-2.0
// query_stats.h: what a query planned, left out and read.
#pragma once

#include <cstdint>

namespace firn {

// Counted over all scans of the query so far. What is pruned is never read: a row group
// is counted at the first stage that rules it out, in the order of the fields.
struct QueryStats {
  std::int64_t files_planned = 0;
  std::int64_t files_pruned = 0;
  std::int64_t row_groups_read = 0;
  std::int64_t row_groups_pruned = 0;  // The sum of the next four.
  std::int64_t row_groups_pruned_by_statistics = 0;
  std::int64_t row_groups_pruned_by_bloom = 0;
  std::int64_t row_groups_pruned_by_page_index = 0;
  std::int64_t row_groups_pruned_by_dictionary = 0;
  std::int64_t pages_pruned = 0;
  // Files of deletes that apply to some planned file, and rows left out for them.
  std::int64_t delete_files_planned = 0;
  std::int64_t rows_deleted = 0;
  // Of data files, footers and indexes included; metadata of tables is not counted.
  std::int64_t bytes_read = 0;
  std::int64_t requests = 0;  // Ranges that were asked of the store.
  bool operator==(const QueryStats&) const = default;
};

}  // namespace firn
