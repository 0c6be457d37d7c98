// SPDX-License-Identifier: Apache-2.0
#include "promql/series_description.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/quote.h"
#include "firn/sample.h"
#include "promql/literal.h"
#include "promql/parser.h"

namespace firn::promql {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t'; }

// Reads the values after the metric.
class SequenceReader {
 public:
  SequenceReader(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  Result<std::vector<SequenceValue>> Read() {
    std::vector<SequenceValue> values;
    for (;;) {
      while (IsSpace(Peek())) ++at_;
      if (at_ >= text_.size()) return values;
      FIRN_RETURN_IF_ERROR(ReadItem(values));
      if (at_ < text_.size() && !IsSpace(Peek())) return Error("unexpected character");
    }
  }

 private:
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Accept(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  Status Error(std::string_view what) const {
    return Status::InvalidArgument("column " + std::to_string(at_ + 1) + ": " +
                                   std::string(what) + " in series values");
  }

  Status ReadItem(std::vector<SequenceValue>& values) {
    using Kind = SequenceValue::Kind;
    if (Accept("_")) {
      FIRN_ASSIGN_OR_RETURN(const std::optional<std::size_t> times, ReadTimes());
      return Add(values, {Kind::kOmitted, 0}, 0, times.value_or(1));
    }
    if (text_.substr(at_).starts_with("{{")) {
      FIRN_RETURN_IF_ERROR(ReadHistogram());
      if (Peek() == '+' || Peek() == '-') {
        ++at_;
        FIRN_RETURN_IF_ERROR(ReadHistogram());
        if (Peek() != 'x') return Error("expected a repetition");
      }
      FIRN_ASSIGN_OR_RETURN(const std::optional<std::size_t> times, ReadTimes());
      return Add(values, {Kind::kHistogram, 0}, 0, times ? *times + 1 : 1);
    }
    double value = 0;
    if (Accept("stale")) {
      value = StaleMarker();
    } else {
      FIRN_ASSIGN_OR_RETURN(value, ReadNumber());
    }
    double step = 0;
    if (Peek() == '+' || Peek() == '-') {
      FIRN_ASSIGN_OR_RETURN(step, ReadNumber());
      if (Peek() != 'x') return Error("expected a repetition");
    }
    FIRN_ASSIGN_OR_RETURN(const std::optional<std::size_t> times, ReadTimes());
    return Add(values, {Kind::kNumber, value}, step, times ? *times + 1 : 1);
  }

  Status Add(std::vector<SequenceValue>& values, SequenceValue value, double step,
             std::size_t count) {
    if (count > kSequenceLengthMax - values.size()) return Error("too many values");
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back(value);
      // Adding 0 would make a stale marker an ordinary NaN.
      if (step != 0) value.value += step;
    }
    return {};
  }

  // "xN", or nothing.
  Result<std::optional<std::size_t>> ReadTimes() {
    if (!Accept("x")) return std::optional<std::size_t>();
    std::size_t times = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), times);
    if (error != std::errc() || times >= kSequenceLengthMax) {
      return Error("invalid repetition");
    }
    at_ += static_cast<std::size_t>(end - begin);
    return std::optional<std::size_t>(times);
  }

  Result<double> ReadNumber() {
    const std::size_t begin = at_;
    if (Peek() == '+' || Peek() == '-') ++at_;
    while (at_ < text_.size()) {
      const char c = Peek();
      const bool exponent_sign =
          (c == '+' || c == '-') && (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
      const bool part = ('0' <= c && c <= '9') || c == '.' || exponent_sign ||
                        (c != 'x' && (('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z')));
      if (!part) break;
      ++at_;
    }
    const std::optional<double> number = ParseNumber(text_.substr(begin, at_ - begin));
    if (number) return *number;
    at_ = begin;
    return Error("expected a number, \"stale\", \"_\" or \"{{\"");
  }

  // `{{key:value key:[value value]}}`.
  Status ReadHistogram() {
    if (!Accept("{{")) return Error("expected \"{{\"");
    constexpr std::array<std::string_view, 11> kKeys = {"sum",
                                                        "count",
                                                        "schema",
                                                        "offset",
                                                        "n_offset",
                                                        "buckets",
                                                        "n_buckets",
                                                        "z_bucket",
                                                        "z_bucket_w",
                                                        "custom_values",
                                                        "counter_reset_hint"};
    for (;;) {
      while (IsSpace(Peek())) ++at_;
      if (Accept("}}")) return {};
      const std::size_t colon = text_.find_first_of(":}", at_);
      const std::string_view key = text_.substr(at_, std::min(colon, text_.size()) - at_);
      if (colon == std::string_view::npos || text_[colon] != ':' ||
          std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
        return Error("bad histogram descriptor " + base::Quoted(key));
      }
      at_ = colon + 1;
      const bool list = Accept("[");
      const std::size_t end = text_.find_first_of(list ? "]" : " \t}", at_);
      if (end == std::string_view::npos) return Error("unfinished histogram");
      at_ = end + (list ? 1 : 0);
    }
  }

  const std::string_view text_;
  std::size_t at_;
};

}  // namespace

Result<SeriesDescription> ParseSeriesDescription(std::string_view line) {
  SeriesDescription series;
  std::size_t length = 0;
  FIRN_ASSIGN_OR_RETURN(series.labels, ParseMetricPrefix(line, &length));
  FIRN_ASSIGN_OR_RETURN(series.values, SequenceReader(line, length).Read());
  return series;
}

}  // namespace firn::promql
