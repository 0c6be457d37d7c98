// SPDX-License-Identifier: Apache-2.0
#include "promql/quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "firn/sample.h"

namespace firn::promql {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Neighbouring buckets that differ by less than this share are taken as equal: sums of
// floating-point rates differ so much by rounding alone, while one observation makes such
// a difference only among 1e12.
constexpr double kSmallDifference = 1e-12;

bool LessWithNaNFirst(double a, double b) {
  if (std::isnan(b)) return false;
  return std::isnan(a) || a < b;
}

// Make one bucket of those with the same bound.
void Coalesce(std::vector<Bucket>& buckets) {
  std::size_t last = 0;
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].upper_bound == buckets[last].upper_bound) {
      buckets[last].count += buckets[i].count;
    } else {
      buckets[++last] = buckets[i];
    }
  }
  buckets.resize(last + 1);
}

void ForceMonotonic(std::vector<Bucket>& buckets, BucketQuantileResult* result) {
  result->lowest_bound = kInf;
  result->highest_bound = -kInf;
  double highest = buckets[0].count;
  for (std::size_t i = 1; i < buckets.size(); ++i) {
    Bucket& bucket = buckets[i];
    if (bucket.count == highest) continue;
    if (AlmostEqual(highest, bucket.count, kSmallDifference)) {
      bucket.count = highest;
    } else if (bucket.count < highest) {
      result->forced_monotonic = true;
      result->lowest_bound = std::min(result->lowest_bound, bucket.upper_bound);
      result->highest_bound = std::max(result->highest_bound, bucket.upper_bound);
      result->largest_drop = std::max(result->largest_drop, highest - bucket.count);
      bucket.count = highest;
    } else {
      highest = bucket.count;
    }
  }
}

}  // namespace

double Quantile(double q, std::vector<double>& values) {
  if (values.empty() || std::isnan(q)) return kNaN;
  if (q < 0) return -kInf;
  if (q > 1) return kInf;
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto lower = static_cast<std::size_t>(std::floor(rank));
  const std::size_t upper = std::min(values.size() - 1, lower + 1);
  const double weight = rank - std::floor(rank);
  const auto at = [&values](std::size_t i) {
    return values.begin() + static_cast<std::ptrdiff_t>(i);
  };
  std::nth_element(values.begin(), at(lower), values.end(), LessWithNaNFirst);
  if (upper != lower) {
    std::nth_element(at(upper), at(upper), values.end(), LessWithNaNFirst);
  }
  return values[lower] * (1 - weight) + values[upper] * weight;
}

double MedianAbsoluteDeviation(std::vector<double>& values) {
  for (double value : values) {
    if (std::isnan(value)) return kNaN;
  }
  const double median = Quantile(0.5, values);
  for (double& value : values) value = std::fabs(value - median);
  return Quantile(0.5, values);
}

BucketQuantileResult BucketQuantile(double q, std::vector<Bucket>& buckets) {
  BucketQuantileResult result;
  result.value = kNaN;
  if (std::isnan(q)) return result;
  if (q < 0 || q > 1) {
    result.value = q < 0 ? -kInf : kInf;
    return result;
  }
  if (buckets.back().upper_bound != kInf) return result;
  Coalesce(buckets);
  ForceMonotonic(buckets, &result);
  const double observations = buckets.back().count;
  if (buckets.size() < 2 || observations == 0) return result;
  double rank = q * observations;
  const std::size_t last = buckets.size() - 1;
  std::size_t b = 0;
  while (b < last && !(buckets[b].count >= rank)) ++b;
  if (b == last) {
    result.value = buckets[last - 1].upper_bound;
  } else if (b == 0 && buckets[0].upper_bound <= 0) {
    result.value = buckets[0].upper_bound;
  } else {
    const double begin = b > 0 ? buckets[b - 1].upper_bound : 0;
    double count = buckets[b].count;
    if (b > 0) {
      count -= buckets[b - 1].count;
      rank -= buckets[b - 1].count;
    }
    result.value = begin + (buckets[b].upper_bound - begin) * (rank / count);
  }
  return result;
}

double BucketFraction(double lower, double upper, std::vector<Bucket>& buckets) {
  if (buckets.back().upper_bound != kInf) return kNaN;
  Coalesce(buckets);
  const double count = buckets.back().count;
  if (count == 0 || std::isnan(lower) || std::isnan(upper)) return kNaN;
  if (lower >= upper) return 0;
  // How many observations are below `bound`. The lowest bucket begins at 0 if its end is
  // positive, and at -Inf otherwise; a bucket with an infinite end cannot be divided.
  const auto rank_of = [&](double bound) {
    double rank = 0;
    double begin = buckets[0].upper_bound <= 0 ? -kInf : 0.0;
    for (const Bucket& bucket : buckets) {
      if (begin >= bound) return rank;
      if (bucket.upper_bound > bound) {
        if (begin == -kInf) return bucket.count;
        return rank +
               (bucket.count - rank) * (bound - begin) / (bucket.upper_bound - begin);
      }
      rank = bucket.count;
      begin = bucket.upper_bound;
    }
    return count;
  };
  return (std::min(rank_of(upper), count) - std::min(rank_of(lower), count)) / count;
}

bool AlmostEqual(double a, double b, double epsilon) {
  if (IsStaleMarker(a) || IsStaleMarker(b)) return IsStaleMarker(a) && IsStaleMarker(b);
  if (std::isnan(a) && std::isnan(b)) return true;
  if (a == b) return true;
  constexpr double kMinNormal = std::numeric_limits<double>::min();
  const double sum = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < kMinNormal) return difference < epsilon * kMinNormal;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < epsilon;
}

}  // namespace firn::promql
