// SPDX-License-Identifier: Apache-2.0
#include "cli/run_stats.h"

#include <sys/resource.h>

#include <cstdio>

namespace firn::cli {

RunStats::RunStats(const base::Clock& clock)
    : clock_(clock), started_ns_(clock.SteadyNs()) {}

void RunStats::Print(World& world, std::int64_t rows) const {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  char text[256];
  std::snprintf(
      text, sizeof text,
      R"({"rows":%lld,"seconds":%.6f,"cpu_seconds":%.6f,"peak_rss_bytes":%lld})",
      static_cast<long long>(rows),
      static_cast<double>(clock_.SteadyNs() - started_ns_) / 1e9,
      seconds(usage.ru_utime) + seconds(usage.ru_stime),
      static_cast<long long>(usage.ru_maxrss) * 1024);
  world.err << text << "\n";
}

}  // namespace firn::cli
