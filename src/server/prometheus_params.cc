// SPDX-License-Identifier: Apache-2.0
#include "server/prometheus_params.h"

#include <charconv>

#include "base/duration.h"
#include "base/quote.h"
#include "base/timestamp.h"
#include "base/utf8.h"

namespace firn::server {

Status InvalidParameter(std::string_view name, std::string_view why) {
  return Status::InvalidArgument("invalid parameter " + base::Quoted(name) + ": " +
                                 std::string(why));
}

Result<TimestampMs> TimeParameter(const Form& form, std::string_view name,
                                  std::optional<TimestampMs> fallback) {
  const std::string_view text = form.Get(name);
  if (text.empty() && fallback) return *fallback;
  const Result<TimestampUs> us = base::ParseTimestamp(text);
  if (!us.ok()) {
    return InvalidParameter(
        name, "cannot parse " + base::Quoted(text) + " to a valid timestamp");
  }
  // Unix seconds are rounded to the millisecond, as Prometheus rounds them.
  const TimestampUs half = *us >= 0 ? 500 : -500;
  return (*us + half) / 1000;
}

Result<DurationMs> DurationParameter(const Form& form, std::string_view name,
                                     std::optional<DurationMs> fallback) {
  const std::string_view text = form.Get(name);
  if (text.empty() && fallback) return *fallback;
  const Result<DurationMs> duration = base::ParseDurationOrSeconds(text);
  if (!duration.ok()) {
    return InvalidParameter(
        name, "cannot parse " + base::Quoted(text) + " to a valid duration");
  }
  return duration;
}

Result<std::int64_t> LimitParameter(const Form& form, std::string_view name) {
  const std::string_view text = form.Get(name);
  if (text.empty()) return 0;
  std::int64_t limit = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc() || end != text.data() + text.size()) {
    return InvalidParameter(
        name, name == "limit" ? "limit must be a number" : "must be a number");
  }
  if (limit < 0)
    return InvalidParameter(name, std::string(name) + " must be non-negative");
  return limit;
}

Result<Db::SeriesQuery> SeriesParameters(const Form& form) {
  Db::SeriesQuery query;
  FIRN_ASSIGN_OR_RETURN(query.limit, LimitParameter(form, "limit"));
  FIRN_ASSIGN_OR_RETURN(query.range.first_ms,
                        TimeParameter(form, "start", kTimestampMsMin));
  FIRN_ASSIGN_OR_RETURN(query.range.last_ms, TimeParameter(form, "end", kTimestampMsMax));
  if (query.range.last_ms < query.range.first_ms) {
    return InvalidParameter("end", "end timestamp must not be before start time");
  }
  for (const std::string_view text : form.GetAll("match[]")) {
    Result<std::vector<LabelMatcher>> matchers = Db::ParseSelector(text);
    if (!matchers.ok()) return InvalidParameter("match[]", matchers.status().message());
    query.selectors.push_back(std::move(matchers).value());
  }
  return query;
}

std::string UnescapeLabelName(std::string_view name) {
  if (!name.starts_with("U__")) return std::string(name);
  std::string out;
  for (std::size_t i = 3; i < name.size(); ++i) {
    if (name[i] != '_') {
      out += name[i];
      continue;
    }
    if (i + 1 < name.size() && name[i + 1] == '_') {
      out += '_';
      ++i;
      continue;
    }
    // `_HEX_`. What is no such thing means the name was not escaped: it is as it is.
    const std::size_t close = name.find('_', i + 1);
    std::uint32_t rune = 0;
    if (close == std::string_view::npos) return std::string(name);
    const auto [end, error] =
        std::from_chars(name.data() + i + 1, name.data() + close, rune, 16);
    const bool valid = error == std::errc() && end == name.data() + close &&
                       close - i <= 7 && rune <= 0x10ffff &&
                       (rune < 0xd800 || rune > 0xdfff);
    if (!valid) return std::string(name);
    base::AppendUtf8(rune, out);
    i = close;
  }
  return out;
}

}  // namespace firn::server
