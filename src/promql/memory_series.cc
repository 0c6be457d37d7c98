// SPDX-License-Identifier: Apache-2.0
#include "promql/memory_series.h"

#include <utility>

#include "base/matcher.h"

namespace firn::promql {

class MemorySeries::Set final : public scan::SeriesSet {
 public:
  Set(std::vector<SeriesMap::const_iterator> series, ClosedRangeMs range)
      : series_(std::move(series)), range_(range) {}

  bool Next() override {
    if (next_ == series_.size()) return false;
    at_ = series_[next_++];
    return true;
  }
  const Labels& labels() const override { return at_->first; }
  Status Read(scan::SampleColumns& out) override {
    out.clear();
    const Series& series = at_->second;
    const auto histogram = series.histograms.lower_bound(range_.first_ms);
    if (histogram != series.histograms.end() && *histogram <= range_.last_ms) {
      return Status::Unimplemented("native histograms");
    }
    for (auto it = series.samples.lower_bound(range_.first_ms);
         it != series.samples.end() && it->first <= range_.last_ms; ++it) {
      out.timestamps_ms.push_back(it->first);
      out.values.push_back(it->second);
    }
    return {};
  }
  Status status() const override { return {}; }

 private:
  const std::vector<SeriesMap::const_iterator> series_;
  const ClosedRangeMs range_;
  std::size_t next_ = 0;
  SeriesMap::const_iterator at_;
};

void MemorySeries::Append(const Labels& labels, const std::vector<Sample>& samples) {
  Series& series = series_[labels];
  for (const Sample& sample : samples) {
    series.samples.emplace(sample.timestamp_ms, sample.value);
  }
}

void MemorySeries::AppendHistogram(const Labels& labels, TimestampMs timestamp_ms) {
  series_[labels].histograms.insert(timestamp_ms);
}

Result<std::vector<MemorySeries::SeriesMap::const_iterator>> MemorySeries::Matching(
    const scan::SeriesRequest& request) const {
  FIRN_ASSIGN_OR_RETURN(const std::vector<base::Matcher> matchers,
                        base::Matcher::MakeAll(request.matchers));
  std::vector<SeriesMap::const_iterator> matching;
  for (auto it = series_.begin(); it != series_.end(); ++it) {
    if (base::MatchesAll(matchers, it->first)) matching.push_back(it);
  }
  return matching;
}

Result<std::unique_ptr<scan::SeriesSet>> MemorySeries::Select(
    const base::Context& context, const scan::SeriesRequest& request) {
  FIRN_RETURN_IF_ERROR(context.Check());
  FIRN_ASSIGN_OR_RETURN(auto matching, Matching(request));
  return std::unique_ptr<scan::SeriesSet>(
      std::make_unique<Set>(std::move(matching), request.range));
}

Result<std::vector<std::string>> MemorySeries::LabelNames(
    const base::Context& context, const scan::SeriesRequest& request) {
  FIRN_RETURN_IF_ERROR(context.Check());
  FIRN_ASSIGN_OR_RETURN(const auto matching, Matching(request));
  std::set<std::string> names;
  for (const auto& it : matching) {
    for (const Label& label : it->first) names.insert(label.name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> MemorySeries::LabelValues(
    const base::Context& context, std::string_view name,
    const scan::SeriesRequest& request) {
  FIRN_RETURN_IF_ERROR(context.Check());
  FIRN_ASSIGN_OR_RETURN(const auto matching, Matching(request));
  std::set<std::string> values;
  for (const auto& it : matching) {
    if (it->first.Has(name)) values.emplace(it->first.Get(name));
  }
  return std::vector<std::string>(values.begin(), values.end());
}

}  // namespace firn::promql
