// SPDX-License-Identifier: Apache-2.0
#include "cli/run_stats.h"

#include <sys/resource.h>

#include <cstdio>

namespace firn::cli {

RunStats::RunStats(const base::Clock& clock)
    : clock_(clock), started_ns_(clock.SteadyNs()) {}

void RunStats::Print(World& world, std::int64_t rows,
                     const std::optional<QueryStats>& query) const {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  char text[192];
  std::snprintf(text, sizeof text, R"({"rows":%lld,"seconds":%.6f,"cpu_seconds":%.6f)",
                static_cast<long long>(rows),
                static_cast<double>(clock_.SteadyNs() - started_ns_) / 1e9,
                seconds(usage.ru_utime) + seconds(usage.ru_stime));
  world.err << text;
  const auto add = [&](const char* key, std::int64_t value) {
    world.err << ",\"" << key << "\":" << value;
  };
  if (query.has_value()) {
    add("bytes_read", query->bytes_read);
    add("requests", query->requests);
    add("files_planned", query->files_planned);
    add("files_pruned", query->files_pruned);
    add("row_groups_read", query->row_groups_read);
    add("row_groups_pruned", query->row_groups_pruned);
    add("statistics_pruned", query->row_groups_pruned_by_statistics);
    add("bloom_pruned", query->row_groups_pruned_by_bloom);
    add("page_index_pruned", query->row_groups_pruned_by_page_index);
    add("dictionary_pruned", query->row_groups_pruned_by_dictionary);
    add("pages_pruned", query->pages_pruned);
    add("delete_files_planned", query->delete_files_planned);
    add("rows_deleted", query->rows_deleted);
  }
  add("peak_rss_bytes", static_cast<std::int64_t>(usage.ru_maxrss) * 1024);
  world.err << "}\n";
}

}  // namespace firn::cli
