// SPDX-License-Identifier: Apache-2.0
// matrix.h: the value of an expression at all evaluation times at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "firn/labels.h"
#include "firn/sample.h"
#include "firn/status.h"
#include "firn/time.h"
#include "promql/sample_budget.h"

namespace firn::promql {

// The evaluation times: start, start + step, … REQUIRES: count > 0.
struct Steps {
  TimestampMs start_ms = 0;
  DurationMs step_ms = 0;
  std::int64_t count = 1;
  TimestampMs At(std::int64_t index) const { return start_ms + index * step_ms; }
  TimestampMs last_ms() const { return At(count - 1); }
  std::size_t size() const { return static_cast<std::size_t>(count); }
};

// A series without a value at some step holds a stale marker there. Selectors drop the
// markers that were stored, and arithmetic turns the marker into an ordinary NaN, so
// nothing else can be mistaken for it; it also means that a value must be tested before
// it is used.
inline bool IsAbsent(double value) { return IsStaleMarker(value); }
inline double Absent() { return StaleMarker(); }

// A scalar: one value a step, none absent.
struct Column {
  std::vector<double> values;
  SampleLease lease;
  static Result<Column> Make(SampleBudget* budget, const Steps& steps, double value);
};

// One series: a value a step, or Absent().
struct Row {
  Labels labels;
  // Whether the metric's name is to be dropped from the result, in the mode where that is
  // left to the end.
  bool drop_name = false;
  std::vector<double> values;
};

// An instant vector at every step. Label sets are unique and each row has a value
// somewhere.
struct Matrix {
  explicit Matrix(SampleBudget* budget) : lease(budget) {}

  std::vector<Row> rows;
  SampleLease lease;

  // Append a row without values. ResourceExhausted at the limit on samples.
  Status AddRow(Labels labels, bool drop_name, const Steps& steps);
};

bool HasValue(const std::vector<double>& values);
// Drop the rows that have no value at any step.
void RemoveEmptyRows(Matrix& matrix);

// Whether the label describes the metric itself (__name__, __type__, __unit__), which an
// operation that changes what is measured must drop.
bool IsMetricLabel(std::string_view name);
void RemoveMetricLabels(Labels& labels);

enum class NameRemoval : std::uint8_t {
  kNow,    // Prometheus's default.
  kAtEnd,  // Its feature promql-delayed-name-removal.
};
// What to do when two rows come to have the same labels.
enum class OnDuplicate : std::uint8_t {
  kMerge,  // One row, unless both have a value at the same step.
  kFail,
};

// Drop the metric's labels from each row, or mark the rows for that.
// Errors: InvalidArgument "vector cannot contain metrics with the same labelset".
Status DropMetricNames(Matrix& matrix, NameRemoval mode, OnDuplicate on_duplicate);
// Make one row of those with the same labels. Errors as above.
Status MergeDuplicates(Matrix& matrix, OnDuplicate on_duplicate);
// Do what was left to the end.
Status FinishNameRemoval(Matrix& matrix);

// Bytes that are equal exactly for equal label sets, of the labels `names` only or of all
// but those. `names` is sorted. Appends to `*out`.
void AppendLabelKey(const Labels& labels, const std::vector<std::string>& names,
                    bool only, std::string* out);

}  // namespace firn::promql
