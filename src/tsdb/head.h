// SPDX-License-Identifier: Apache-2.0
// head.h: the samples that are not settled yet, and the rule of what is taken.
//
// How a commit goes in:
//
//   1. judge    Under the commit lock each sample is accepted, or rejected by the rule
//               below, against everything judged before it.
//   2. log      The accepted samples become one record, series that the log does not
//               know yet another before it. Only accepted samples are logged, so a
//               replay judges nothing.
//   3. sync     Outside the lock, together with every commit that waits.
//   4. publish  Synced records are applied to the newest generation in the log's order,
//               by whoever holds the apply lock. Readers see them now.
//   5. answer
//
// So the head is at every instant exactly a prefix of the synced log, and Freeze() can
// cut it at a log offset. Where the log fails, what was judged and not synced is taken
// back: the head never held it.
//
// The rule. A sample is accepted where its series has none at its timestamp. An equal one
// there is a duplicate and dropped, another value is rejected. A sample older than the
// newest of all by more than the out-of-order window is too old; one ahead of both the
// clock and the newest at start by more than the bound is too far ahead. Settled
// generations are kept for the window, so that a duplicate of a settled sample is known.
//
// A series without samples in memory is idle, and is forgotten once the log has no use
// for its reference either: docs/design/0016.
//
// Locks, in the order they are taken: describe or commit, apply, then pending, publish or
// metadata.
// Thread-safe, but for the start-up functions.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "firn/appender.h"
#include "firn/status.h"
#include "tsdb/generation.h"
#include "tsdb/series_table.h"
#include "tsdb/wal_record.h"
#include "wal/log.h"

namespace firn::tsdb {

struct HeadOptions {
  DurationMs out_of_order_window_ms = 2 * 3600 * 1000;
  DurationMs future_bound_ms = 10 * 60 * 1000;
  std::int64_t series_max = 5'000'000;
  std::int64_t bytes_max = std::int64_t{2} << 30;
};

struct CheckpointRecord {
  wal::RecordKind kind;
  std::string tenant;
  std::string payload;
};

using Generations = std::vector<std::shared_ptr<const Generation>>;

class Head {
 public:
  // `log`, `clock` and `metrics` must outlive the head.
  Head(const HeadOptions& options, wal::Log& log, const base::Clock& clock,
       base::MetricRegistry& metrics);

  // --- Start-up, by one thread, before anything else, in this order.
  // Apply one replayed record. Samples of records at or below `settled` are in the table
  // already and are skipped; series and metadata are taken from all.
  Status Replay(const wal::Record& record, wal::Offset settled);
  // End the start-up. `window` holds what the tables have of the out-of-order window, so
  // that duplicates of it are known; null where they have nothing.
  // REQUIRES: `window` is frozen at `settled`, and Replay was given the same `settled`.
  void FinishReplay(std::shared_ptr<const Generation> window, wal::Offset settled);
  // The oldest timestamp that would be taken, given that the table's newest sample is at
  // `settled_max_ms`.
  TimestampMs WindowStart(TimestampMs settled_max_ms);

  // --- Writing.
  // What Appender::Commit does with its pending samples, which are used up. `report`
  // holds what the appender rejected by itself.
  // REQUIRES: a pin of the series table in `epoch` was taken before the references of
  // `samples` were found, and is held.
  Result<AppendReport> Commit(std::string_view tenant, std::vector<RefSample>& samples,
                              AppendReport report, std::uint64_t epoch);
  // Log and remember metadata that is new or changed.
  Status Describe(std::string_view tenant, std::span<const MetricDescription> metrics);

  // Refuse every commit from now on with `why`: the tables are not as this writer left
  // them, and more rows would only make it worse. Reads go on.
  void Stop(const Status& why);
  // The oldest timestamp that a commit would take now.
  TimestampMs oldest_taken_ms();

  // --- Reading.
  SeriesTable& series() { return series_; }
  const SeriesTable& series() const { return series_; }
  // The generations that the table does not hold once it is settled up to `settled`,
  // oldest first; the last takes appends.
  Generations Unsettled(wal::Offset settled) const;
  // The frozen ones among them.
  Generations FrozenAndUnsettled(wal::Offset settled) const;
  // What each generation holds of `series` in `range`; the views are in the order of
  // `generations`, and empty ones are left out.
  std::vector<Generation::SeriesView> Capture(const Generations& generations,
                                              SeriesRef series,
                                              const ClosedRangeMs& range) const;
  // Every series with samples in `generation`, in order of reference.
  std::vector<SeriesRef> SeriesOf(const Generation& generation) const;
  std::vector<MetricDescription> Metadata(std::string_view tenant,
                                          std::string_view metric) const;
  std::optional<MetricDescription> MetadataOf(std::string_view tenant,
                                              std::string_view metric) const;
  std::int64_t bytes() const;
  // Memory of the generations that a settle would free or move to the window.
  std::int64_t hot_bytes(wal::Offset settled) const;

  // --- Settling.
  // Freeze the newest generation at the last published offset and begin another. Nothing
  // happens where it is empty.
  void Freeze();
  // Take `window` (null: nothing) for what the tables hold of the out-of-order window, in
  // place of what was remembered of generations settled by `settled`.
  void ReplaceWindow(std::shared_ptr<const Generation> window, wal::Offset settled);
  // Drop generations at or below `settled` that lie before the window, and give back
  // their memory. While samples take more than half of the head's bound, or all of it is
  // nearly full, the oldest settled ones go earlier: the window then begins behind them,
  // which is logged.
  void DropBehindWindow(wal::Offset settled);
  // What the log must hold so that records above `trim` can be read: the definitions of
  // the series that have samples in memory, and all metadata. Definitions of idle series
  // are given up: the next commit that uses one defines it again.
  // REQUIRES: trim is above the log's trim point and at most the settled offset, and the
  // log is trimmed there next.
  std::vector<CheckpointRecord> MakeCheckpoint(wal::Offset trim);
  // Every idle series, and maybe some that are so no longer.
  std::vector<SeriesRef> FindIdle() const;
  // Forget those of `candidates` that are idle and of which the log has no definition.
  // Returns them. Their references are given again after the next Sweep of the table, so
  // what is kept by reference has to let them go before.
  using ForgottenSeries = std::vector<std::pair<SeriesRef, base::SeriesId>>;
  ForgottenSeries ForgetIdle(std::span<const SeriesRef> candidates);

 private:
  // The newest sample of a series that was judged, logged or not.
  struct Judged {
    TimestampMs timestamp_ms = kTimestampMsMin;
    double value = 0;
  };
  // One commit on its way from the log to the generation. Lives on the stack of the
  // thread that commits, which leaves only when it is settled or failed.
  struct Batch {
    std::vector<RefSample>* samples;
    wal::Offset end = 0;
    bool done = false;  // Applied, or failed. Guarded by pending_mutex_.
    Status outcome;
  };
  struct SampleKey {
    std::uint32_t ref;
    TimestampMs timestamp_ms;
    bool operator==(const SampleKey&) const = default;
  };
  struct SampleKeyHash {
    std::size_t operator()(const SampleKey& key) const;
  };
  // The state of judging one commit.
  struct Judgement {
    std::vector<RefSample>* samples;
    std::size_t accepted = 0;  // Compacted to the front of *samples.
    AppendReport report;
    std::vector<std::pair<std::uint32_t, Judged>> undo;
    TimestampMs newest_before = kTimestampMsMin;
    // Every accepted sample of this commit; made when the first late sample comes.
    std::optional<std::unordered_map<SampleKey, double, SampleKeyHash>> accepted_index;
    bool drained = false;
  };

  // With commit_mutex_ held.
  TimestampMs OldestTaken() const;
  TimestampMs ReferenceMs();
  Status MendLog();
  Status JudgeAll(Judgement& judgement);
  Status JudgeLate(Judgement& judgement, const RefSample& sample);
  void Undo(const Judgement& judgement);
  Status LogDefinitions(std::string_view tenant, std::span<const RefSample> samples);
  void FailPending(const Status& reason);
  void JudgeAnew();
  void Rebind(std::vector<RefSample>& samples, AppendReport& report);
  std::vector<bool> GiveUpIdleDefinitions(wal::Offset trim);
  void ForgetSome(std::span<const SeriesRef> candidates, ForgottenSeries* forgotten);
  // With apply_mutex_ held too.
  void MarkPending(std::vector<bool>* marked) const;
  void Refuse(AppendReport& report, std::int64_t AppendReport::* counter,
              const RefSample& sample, std::string_view why) const;

  // Apply every batch that the log has synced, in order.
  void ApplySynced();
  std::optional<double> FindPublished(SeriesRef series, TimestampMs timestamp_ms) const;

  const HeadOptions options_;
  wal::Log& log_;
  const base::Clock& clock_;
  SeriesTable series_;

  std::mutex commit_mutex_;
  Status stopped_;              // Not OK: commits are refused.
  std::vector<Judged> judged_;  // By reference.
  // By reference; 0: the log does not have it, but for what lies at or below
  // checkpointed_ and goes with the trim there.
  std::vector<wal::Offset> defined_at_;
  wal::Offset checkpointed_ = 0;  // Where the last checkpoint was to trim the log.
  TimestampMs newest_ms_ = kTimestampMsMin;  // Of all that was accepted.
  TimestampMs floor_ms_ = kTimestampMsMin;   // Older duplicates would not be known.
  // A time, and the steady clock when it was taken: see ReferenceMs.
  std::optional<std::pair<TimestampMs, std::int64_t>> reference_;
  std::string payload_;  // Reused from commit to commit.
  std::vector<SeriesDefinition> definitions_;

  std::mutex apply_mutex_;
  mutable std::mutex pending_mutex_;
  std::deque<Batch*> pending_;  // In the log's order.

  mutable std::shared_mutex publish_mutex_;
  std::vector<std::shared_ptr<Generation>> generations_;  // Oldest first.
  wal::Offset published_ = 0;

  std::mutex describe_mutex_;  // Held while metadata is logged, so none slips by a
                               // checkpoint.
  mutable std::mutex metadata_mutex_;
  std::map<std::pair<std::string, std::string>, MetricDescription, std::less<>>
      metadata_;  // By tenant and metric.

  base::Counter& accepted_total_;
  base::Counter& duplicates_total_;
  base::Counter& forgotten_total_;
};

}  // namespace firn::tsdb
