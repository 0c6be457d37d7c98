// SPDX-License-Identifier: Apache-2.0
// scan_total.h: what all splits of a plan have read so far.
#pragma once

#include <mutex>

#include "parquet/reader.h"
#include "scan/batch.h"

namespace firn::table {

// Thread-safe.
class ScanTotal {
 public:
  explicit ScanTotal(const scan::ScanStats& planned) : total_(planned) {}

  void Add(const scan::ScanStats& more) {
    std::lock_guard lock(mutex_);
    total_ += more;
  }
  scan::ScanStats Get() const {
    std::lock_guard lock(mutex_);
    return total_;
  }

 private:
  mutable std::mutex mutex_;
  scan::ScanStats total_;
};

// What opening a file read.
inline scan::ScanStats StatsOf(const parquet::FileReader::Opening& opening) {
  scan::ScanStats stats;
  stats.bytes_read = opening.bytes_read;
  stats.requests = opening.requests;
  return stats;
}
// What planning pruned of a file, by its stages, and what it read for that.
inline scan::ScanStats StatsOf(const parquet::FilePlan& plan) {
  scan::ScanStats stats;
  stats.row_groups_pruned = plan.row_groups_pruned;
  stats.row_groups_pruned_by_statistics = plan.row_groups_pruned_by_statistics;
  stats.row_groups_pruned_by_bloom = plan.row_groups_pruned_by_bloom;
  stats.row_groups_pruned_by_page_index = plan.row_groups_pruned_by_page_index;
  stats.row_groups_pruned_by_dictionary = plan.row_groups_pruned_by_dictionary;
  stats.bytes_read = plan.bytes_read;
  stats.requests = plan.requests;
  return stats;
}

}  // namespace firn::table
