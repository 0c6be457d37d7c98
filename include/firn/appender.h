// SPDX-License-Identifier: Apache-2.0
// appender.h: how samples come in.
//
// A sender keeps one Appender for a connection's life, since it remembers the order in
// which series came last time: a series already known is found by comparing the raw
// bytes that named it, byte for byte, and no label is parsed. The bytes (the alias) are
// opaque here; the caller says how to parse them the first time they are seen.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/labels.h"
#include "firn/sample.h"
#include "firn/status.h"

namespace firn {

// Names a series to the Appender that returned it, until that one's next Commit or
// Discard. A series that sends nothing for long is forgotten, and its reference is given
// to another one: keep the alias, not the reference. Never written to a table.
struct SeriesRef {
  std::uint32_t value = 0;
  auto operator<=>(const SeriesRef&) const = default;
};

// What became of the samples of one Commit().
struct AppendReport {
  std::int64_t accepted = 0;
  std::int64_t duplicates_dropped = 0;  // Equal to what was there: no error.
  // Rejected, by reason. Each is an error of the sender; the rest of the commit stands.
  std::int64_t duplicates_rejected = 0;  // Another value at a timestamp already taken.
  std::int64_t too_old = 0;              // Before the out-of-order window.
  std::int64_t too_far_ahead = 0;        // Beyond the bound on the future.
  std::int64_t invalid_series = 0;       // Label parsing failed; counted per sample.
  std::int64_t over_series_limit = 0;    // A new series beyond the limit.
  // The first rejection in words, naming series, time and values. Empty where none.
  std::string first_rejection;

  std::int64_t rejected() const {
    return duplicates_rejected + too_old + too_far_ahead + invalid_series +
           over_series_limit;
  }
};

// Thread-compatible: one thread at a time. Appenders of one Db are independent.
class Appender {
 public:
  // A guess at the next series: the bytes that named it, and its reference. The first
  // series after a Commit or Discard is never guessed: it is found by Resolve.
  struct Prediction {
    std::string_view alias;  // Empty: no guess. Valid until the next call of any method.
    SeriesRef ref;
  };

  virtual ~Appender() = default;

  // The series that followed the last resolved one the time before. The caller compares
  // `alias` with its input in place, and calls Accept where it is the whole name.
  virtual Prediction Predict() const = 0;
  // The prediction was right.
  virtual void Accept(const Prediction& prediction) = 0;

  // Find the series named by `alias`, or define it: `parse` turns the alias into sorted,
  // valid labels, and is called only when the alias is new. An error from `parse` is
  // returned as it is.
  using LabelParser = std::function<Result<Labels>(std::string_view alias)>;
  virtual Result<SeriesRef> Resolve(std::string_view alias, const LabelParser& parse) = 0;

  // Add one sample to the pending commit. Nothing is checked yet.
  // REQUIRES: `series` was resolved or predicted since the last Commit or Discard. Where
  // none was, the samples are rejected as of an invalid series.
  virtual void Append(SeriesRef series, Sample sample) = 0;
  // Add samples that are rejected already, since their series could not be resolved.
  virtual void Reject(std::int64_t samples, const Status& reason) = 0;

  // Forget the pending samples, accepted and rejected: the request they came in turned
  // out to be malformed, and nothing of it is taken. Series already resolved stay known.
  virtual void Discard() = 0;

  // Judge, log and publish the pending samples as one record, and return when they are on
  // disk and readable. An error means that none of them was taken: Unavailable or
  // ResourceExhausted where the disk or a bound stops writing, and the sender tries again
  // later. A rejected sample is no error here: see AppendReport. Pending is empty after.
  virtual Result<AppendReport> Commit() = 0;
};

// Type, help and unit of one metric, as senders declare them.
struct MetricDescription {
  std::string metric;
  std::string type;
  std::string help;
  std::string unit;
  bool operator==(const MetricDescription&) const = default;
};

}  // namespace firn
