// SPDX-License-Identifier: Apache-2.0
// quantile.h: quantiles of values and of classic histograms.
#pragma once

#include <vector>

namespace firn::promql {

// The q-quantile of `values`, interpolated between neighbours; NaN counts as the smallest
// value. NaN for no values or q NaN, -Inf for q < 0, +Inf for q > 1. Reorders `values`.
double Quantile(double q, std::vector<double>& values);

// The middle of how far the values are from their middle; NaN if one is NaN. Changes
// `values`. REQUIRES: !values.empty().
double MedianAbsoluteDeviation(std::vector<double>& values);

// Observations up to and including `upper_bound`.
struct Bucket {
  double upper_bound = 0;
  double count = 0;
};

struct BucketQuantileResult {
  double value = 0;
  // Set where a bucket counted less than a narrower one and was raised to it.
  bool forced_monotonic = false;
  double lowest_bound = 0;
  double highest_bound = 0;
  double largest_drop = 0;
};

// The q-quantile of a classic histogram, linear within a bucket. The result is that of
// the highest finite bound where the quantile is above it, and of the lowest bound where
// that is not positive and the quantile is below it. NaN without observations, with fewer
// than two buckets or without a +Inf bucket. Changes `buckets`. REQUIRES:
// !buckets.empty(), sorted by bound.
BucketQuantileResult BucketQuantile(double q, std::vector<Bucket>& buckets);

// The share of observations in (lower, upper], linear within a bucket. Changes `buckets`.
// REQUIRES: as BucketQuantile.
double BucketFraction(double lower, double upper, std::vector<Bucket>& buckets);

// Whether two values differ by less than `epsilon` of their sum, or are both NaN, or both
// stale markers.
bool AlmostEqual(double a, double b, double epsilon);

}  // namespace firn::promql
