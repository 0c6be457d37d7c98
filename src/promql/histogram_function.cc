// SPDX-License-Identifier: Apache-2.0
#include "promql/histogram_function.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/quote.h"
#include "promql/literal.h"
#include "promql/quantile.h"

namespace firn::promql {
namespace {

constexpr std::string_view kBucketLabel = "le";

struct BucketSeries {
  double upper_bound = 0;
  const std::vector<double>* values = nullptr;
};

// A histogram: its labels without `le`, and its buckets sorted by bound.
struct Histogram {
  Labels labels;
  bool drop_name = false;
  std::vector<BucketSeries> buckets;
};

// The name that an annotation gives for the metric: Prometheus names it only where names
// are kept to the end.
std::string NameFor(const Evaluation& evaluation, const Labels& labels) {
  if (evaluation.name_removal == NameRemoval::kNow) return "";
  return std::string(labels.metric_name());
}

std::vector<Histogram> GroupBuckets(Evaluation& evaluation, const HistogramCall& call,
                                    Matrix& matrix) {
  const std::vector<std::string> le = {std::string(kBucketLabel)};
  std::unordered_map<std::string, std::size_t> known;
  std::vector<Histogram> histograms;
  std::string key;
  for (Row& row : matrix.rows) {
    const std::string_view bound = row.labels.Get(kBucketLabel);
    const std::optional<double> upper_bound = ParseBound(bound);
    if (!upper_bound || std::isnan(*upper_bound)) {
      evaluation.annotations.Warn(
          "bucket label \"le\" is missing or has a malformed value of " +
              base::Quoted(bound) + ForMetric(NameFor(evaluation, row.labels)),
          call.vector_position);
      continue;
    }
    key.clear();
    AppendLabelKey(row.labels, le, /*only=*/false, &key);
    const auto [at, added] = known.try_emplace(key, histograms.size());
    if (added) {
      Labels labels = row.labels;
      labels.Remove(kBucketLabel);
      histograms.push_back({std::move(labels), row.drop_name, {}});
    }
    histograms[at->second].buckets.push_back({*upper_bound, &row.values});
  }
  for (Histogram& histogram : histograms) {
    std::stable_sort(histogram.buckets.begin(), histogram.buckets.end(),
                     [](const BucketSeries& a, const BucketSeries& b) {
                       return a.upper_bound < b.upper_bound;
                     });
  }
  return histograms;
}

void WarnOfQuantiles(Evaluation& evaluation, const HistogramCall& call) {
  if (call.id == FunctionId::kHistogramFraction) return;
  for (std::size_t i = 0; i < call.scalars.size(); ++i) {
    for (double q : call.scalars[i].values) {
      if (q >= 0 && q <= 1) continue;
      evaluation.annotations.Warn(
          "quantile value should be between 0 and 1, got " + FormatGeneral(q),
          call.scalar_positions[i]);
    }
  }
}

// The value of histogram `h` at a step, from its buckets then, of argument `index`.
double EvaluateStep(Evaluation& evaluation, const HistogramCall& call, const Steps& steps,
                    const Histogram& h, std::size_t index, std::size_t step,
                    std::vector<Bucket>& buckets) {
  if (call.id == FunctionId::kHistogramFraction) {
    return BucketFraction(call.scalars[0].values[step], call.scalars[1].values[step],
                          buckets);
  }
  const BucketQuantileResult result =
      BucketQuantile(call.scalars[index].values[step], buckets);
  if (result.forced_monotonic) {
    const TimestampMs time = steps.At(static_cast<std::int64_t>(step));
    evaluation.annotations.AddForcedMonotonicity(
        {NameFor(evaluation, h.labels), call.vector_position, time, time,
         result.lowest_bound, result.highest_bound, result.largest_drop});
  }
  return result.value;
}

// `le` and `quantile` as OpenMetrics writes them: whole numbers with ".0".
std::string OpenMetricsNumber(double value) {
  std::string text = FormatGeneral(value);
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

Result<Matrix> EvaluateHistogram(Evaluation& evaluation, const HistogramCall& call,
                                 const Steps& steps, Matrix matrix) {
  WarnOfQuantiles(evaluation, call);
  const std::vector<Histogram> histograms = GroupBuckets(evaluation, call, matrix);
  const bool labelled = call.id == FunctionId::kHistogramQuantiles;
  const std::size_t results = labelled ? call.scalars.size() : 1;
  Matrix out(&evaluation.samples);
  std::vector<Bucket> buckets;
  for (std::size_t i = 0; i < results; ++i) {
    for (const Histogram& h : histograms) {
      FIRN_RETURN_IF_ERROR(evaluation.context.Check());
      // The quantile may change from step to step: a series for each that comes up.
      std::unordered_map<std::string, std::size_t> rows;
      for (std::size_t s = 0; s < steps.size(); ++s) {
        buckets.clear();
        for (const BucketSeries& bucket : h.buckets) {
          const double count = (*bucket.values)[s];
          if (!IsAbsent(count)) buckets.push_back({bucket.upper_bound, count});
        }
        if (buckets.empty()) continue;
        const std::string quantile =
            labelled ? OpenMetricsNumber(call.scalars[i].values[s]) : "";
        const auto [row, added] = rows.try_emplace(quantile, out.rows.size());
        if (added) {
          Labels labels = h.labels;
          if (labelled) labels.Set(call.quantile_label, quantile);
          FIRN_RETURN_IF_ERROR(out.AddRow(std::move(labels), h.drop_name, steps));
        }
        out.rows[row->second].values[s] =
            EvaluateStep(evaluation, call, steps, h, i, s, buckets);
      }
    }
  }
  return out;
}

}  // namespace firn::promql
