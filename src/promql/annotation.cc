// SPDX-License-Identifier: Apache-2.0
#include "promql/annotation.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/quote.h"
#include "promql/literal.h"
#include "promql/parser.h"

namespace firn::promql {
namespace {

// "2026-08-21T16:53:52Z".
std::string Rfc3339(TimestampMs time_ms) {
  const std::chrono::sys_seconds seconds{
      std::chrono::floor<std::chrono::seconds>(std::chrono::milliseconds(time_ms))};
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{seconds - day};
  char text[64];
  std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  return text;
}

}  // namespace

std::string ForMetric(std::string_view metric_name) {
  if (metric_name.empty()) return "";
  return " for metric name " + base::Quoted(metric_name);
}

void Annotations::Warn(std::string_view message, std::size_t position) {
  warnings_.insert_or_assign(std::string(message), position);
}

void Annotations::Inform(std::string_view message, std::size_t position) {
  infos_.insert_or_assign(std::string(message), position);
}

void Annotations::AddForcedMonotonicity(const ForcedMonotonicity& fix) {
  const auto [at, added] = monotonicity_.try_emplace(fix.metric_name, fix);
  if (added) return;
  ForcedMonotonicity& known = at->second;
  known.first_ms = std::min(known.first_ms, fix.first_ms);
  known.last_ms = std::max(known.last_ms, fix.last_ms);
  known.lowest_bound = std::min(known.lowest_bound, fix.lowest_bound);
  known.highest_bound = std::max(known.highest_bound, fix.highest_bound);
  known.largest_drop = std::max(known.largest_drop, fix.largest_drop);
  known.count += fix.count;
}

std::vector<std::string> Annotations::Warnings() const {
  std::vector<std::string> out;
  for (const auto& [message, position] : warnings_) {
    out.push_back("PromQL warning: " + message + " (" + LineAndColumn(query_, position) +
                  ")");
  }
  return out;
}

std::vector<std::string> Annotations::Infos() const {
  std::vector<std::string> out;
  for (const auto& [message, position] : infos_) {
    out.push_back("PromQL info: " + message + " (" + LineAndColumn(query_, position) +
                  ")");
  }
  for (const auto& [metric_name, fix] : monotonicity_) {
    out.push_back(
        "PromQL info: input to histogram_quantile needed to be fixed for monotonicity "
        "(a bucket's count was below that of a narrower one)" +
        ForMetric(metric_name) + ", from buckets " + FormatGeneral(fix.lowest_bound) +
        " to " + FormatGeneral(fix.highest_bound) + ", with a max diff of " +
        FormatGeneral(fix.largest_drop, 2) + ", over " + std::to_string(fix.count) +
        " samples from " + Rfc3339(fix.first_ms) + " to " + Rfc3339(fix.last_ms) + " (" +
        LineAndColumn(query_, fix.position) + ")");
  }
  return out;
}

}  // namespace firn::promql
