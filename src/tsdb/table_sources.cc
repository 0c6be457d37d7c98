// SPDX-License-Identifier: Apache-2.0
#include "tsdb/table_sources.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/matcher.h"
#include "tsdb/hot_range.h"
#include "tsdb/samples_batch.h"
#include "tsdb/series_batch.h"

namespace firn::tsdb {
namespace {

// Series of one hot split: enough work for a thread, and enough splits to share.
constexpr std::size_t kSeriesPerSplit = 2048;
constexpr std::size_t kSeriesRowsPerSplit = 16384;

// A series and its captured samples in one generation.
struct CapturedSeries {
  SeriesRef series;
  Generation::SeriesView view;
};

// What the cut's generations hold, fixed at one instant.
struct CapturedHead {
  Cut cut;  // Keeps the generations.
  std::vector<CapturedSeries> series;
  std::int64_t samples = 0;
};

CapturedHead CaptureAll(const Head& head, Cut cut) {
  CapturedHead captured;
  captured.cut = std::move(cut);
  for (const auto& generation : captured.cut.hot) {
    const Generations one = {generation};
    for (const SeriesRef series : head.SeriesOf(*generation)) {
      for (Generation::SeriesView& view : head.Capture(one, series, {})) {
        captured.samples += view.sample_count();
        captured.series.push_back({series, std::move(view)});
      }
    }
  }
  return captured;
}

// Hot rows first, then the table's own splits.
class HotAndColdPlan : public scan::ScanPlan {
 public:
  HotAndColdPlan(std::unique_ptr<scan::ScanPlan> cold, std::size_t hot_splits,
                 std::int64_t hot_rows)
      : cold_(std::move(cold)), hot_splits_(hot_splits), hot_rows_(hot_rows) {}

  const std::shared_ptr<arrow::Schema>& schema() const override {
    return cold_->schema();
  }
  Result<bool> HasSplit(std::size_t index) override {
    if (index < hot_splits_) return true;
    return cold_->HasSplit(index - hot_splits_);
  }
  std::int64_t estimated_rows() const override {
    return hot_rows_ + cold_->estimated_rows();
  }
  Result<std::unique_ptr<scan::BatchStream>> OpenSplit(std::size_t index) override {
    return index < hot_splits_ ? OpenHot(index) : cold_->OpenSplit(index - hot_splits_);
  }
  scan::ScanStats stats() const override {
    scan::ScanStats stats = cold_->stats();
    stats.hot_rows = hot_rows_read_.load(std::memory_order_relaxed);
    stats.rows += stats.hot_rows;
    return stats;
  }
  void CountHotRows(std::int64_t rows) {
    hot_rows_read_.fetch_add(rows, std::memory_order_relaxed);
  }

 protected:
  virtual Result<std::unique_ptr<scan::BatchStream>> OpenHot(std::size_t index) = 0;

 private:
  const std::unique_ptr<scan::ScanPlan> cold_;
  const std::size_t hot_splits_;
  const std::int64_t hot_rows_;
  std::atomic<std::int64_t> hot_rows_read_{0};
};

// Rows of some of the captured series.
class HotSamplesStream final : public scan::BatchStream {
 public:
  HotSamplesStream(const base::Context& context, const Head& head,
                   std::shared_ptr<const CapturedHead> captured,
                   std::vector<std::size_t> indexes, ClosedRangeMs range,
                   std::unique_ptr<SamplesBatchBuilder> builder, HotAndColdPlan& plan)
      : context_(context),
        head_(head),
        captured_(std::move(captured)),
        indexes_(std::move(indexes)),
        range_(range),
        builder_(std::move(builder)),
        plan_(plan) {}

  const std::shared_ptr<arrow::Schema>& schema() const override {
    return builder_->schema();
  }
  scan::ScanStats stats() const override { return stats_; }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    FIRN_RETURN_IF_ERROR(context_.Check());
    while (next_ < indexes_.size() &&
           builder_->row_count() < SamplesBatchBuilder::kBatchRows) {
      const CapturedSeries& captured = captured_->series[indexes_[next_++]];
      samples_.clear();
      DecodeView(captured.view, range_, samples_);
      if (samples_.size() == 0) continue;
      const SeriesTable& series = head_.series();
      const Labels labels = series.labels(captured.series);
      builder_->BeginSeries(series.tenant(captured.series), series.id(captured.series),
                            labels);
      FIRN_RETURN_IF_ERROR(builder_->Append(samples_.timestamps_ms.data(),
                                            samples_.values.data(),
                                            static_cast<std::int64_t>(samples_.size())));
    }
    if (builder_->row_count() == 0) return std::shared_ptr<arrow::RecordBatch>();
    stats_.hot_rows += builder_->row_count();
    stats_.rows += builder_->row_count();
    plan_.CountHotRows(builder_->row_count());
    return builder_->Flush();
  }

 private:
  const base::Context& context_;
  const Head& head_;
  const std::shared_ptr<const CapturedHead> captured_;
  const std::vector<std::size_t> indexes_;
  const ClosedRangeMs range_;
  const std::unique_ptr<SamplesBatchBuilder> builder_;
  HotAndColdPlan& plan_;
  scan::SampleColumns samples_;
  std::size_t next_ = 0;
  scan::ScanStats stats_;
};

class SamplesPlan final : public HotAndColdPlan {
 public:
  SamplesPlan(const base::Context& context, const Head& head,
              std::shared_ptr<const CapturedHead> captured,
              std::vector<std::size_t> indexes, ClosedRangeMs range,
              std::optional<std::vector<std::string>> columns, arrow::MemoryPool* pool,
              std::unique_ptr<scan::ScanPlan> cold)
      : HotAndColdPlan(std::move(cold),
                       (indexes.size() + kSeriesPerSplit - 1) / kSeriesPerSplit,
                       indexes.empty() ? 0 : captured->samples),
        context_(context),
        head_(head),
        captured_(std::move(captured)),
        indexes_(std::move(indexes)),
        range_(range),
        columns_(std::move(columns)),
        pool_(pool) {}

 private:
  Result<std::unique_ptr<scan::BatchStream>> OpenHot(std::size_t index) override {
    const auto begin =
        indexes_.begin() + static_cast<std::ptrdiff_t>(index * kSeriesPerSplit);
    const auto end =
        index + 1 == (indexes_.size() + kSeriesPerSplit - 1) / kSeriesPerSplit
            ? indexes_.end()
            : begin + kSeriesPerSplit;
    FIRN_ASSIGN_OR_RETURN(
        std::unique_ptr<SamplesBatchBuilder> builder,
        SamplesBatchBuilder::Make(*captured_->cut.tables->samples.metadata, columns_,
                                  SampleRows::kSpelledOut, pool_));
    return std::make_unique<HotSamplesStream>(context_, head_, captured_,
                                              std::vector<std::size_t>(begin, end),
                                              range_, std::move(builder), *this);
  }

  const base::Context& context_;
  const Head& head_;
  const std::shared_ptr<const CapturedHead> captured_;
  const std::vector<std::size_t> indexes_;  // Into captured_->series.
  const ClosedRangeMs range_;
  const std::optional<std::vector<std::string>> columns_;
  arrow::MemoryPool* const pool_;
};

class SamplesSource final : public scan::BatchSource {
 public:
  SamplesSource(const Head& head, CapturedHead captured, arrow::MemoryPool* pool,
                std::shared_ptr<scan::BatchSource> cold)
      : head_(head),
        captured_(std::make_shared<const CapturedHead>(std::move(captured))),
        pool_(pool),
        cold_(std::move(cold)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override {
    return cold_->schema();
  }

  Result<std::unique_ptr<scan::ScanPlan>> Plan(
      const base::Context& context, const scan::ScanRequest& request) override {
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<scan::ScanPlan> cold,
                          cold_->Plan(context, request));
    const HotFilter filter = MakeHotFilter(request.predicate);
    FIRN_ASSIGN_OR_RETURN(const std::vector<base::Matcher> matchers,
                          base::Matcher::MakeAll(filter.matchers));
    std::vector<std::size_t> indexes;
    for (std::size_t i = 0; i < captured_->series.size(); ++i) {
      const SeriesRef series = captured_->series[i].series;
      if (matchers.empty() || base::MatchesAll(matchers, head_.series().labels(series))) {
        indexes.push_back(i);
      }
    }
    return std::make_unique<SamplesPlan>(context, head_, captured_, std::move(indexes),
                                         filter.range, request.columns, pool_,
                                         std::move(cold));
  }

 private:
  const Head& head_;
  const std::shared_ptr<const CapturedHead> captured_;
  arrow::MemoryPool* const pool_;
  const std::shared_ptr<scan::BatchSource> cold_;
};

// A single batch.
class OneBatchStream final : public scan::BatchStream {
 public:
  explicit OneBatchStream(std::shared_ptr<arrow::RecordBatch> batch)
      : schema_(batch->schema()), batch_(std::move(batch)) {
    stats_.rows = stats_.hot_rows = batch_->num_rows();
  }
  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  scan::ScanStats stats() const override { return stats_; }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    return std::exchange(batch_, nullptr);
  }

 private:
  const std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  scan::ScanStats stats_;
};

class SeriesPlan final : public HotAndColdPlan {
 public:
  SeriesPlan(const Head& head, Cut cut,
             std::shared_ptr<const std::vector<SeriesRow>> rows,
             std::optional<std::vector<std::string>> columns, arrow::MemoryPool* pool,
             std::unique_ptr<scan::ScanPlan> cold)
      : HotAndColdPlan(std::move(cold),
                       (rows->size() + kSeriesRowsPerSplit - 1) / kSeriesRowsPerSplit,
                       static_cast<std::int64_t>(rows->size())),
        head_(head),
        cut_(std::move(cut)),
        rows_(std::move(rows)),
        columns_(std::move(columns)),
        pool_(pool) {}

 private:
  Result<std::unique_ptr<scan::BatchStream>> OpenHot(std::size_t index) override {
    const std::size_t begin = index * kSeriesRowsPerSplit;
    const std::size_t count = std::min(kSeriesRowsPerSplit, rows_->size() - begin);
    FIRN_ASSIGN_OR_RETURN(
        std::shared_ptr<arrow::RecordBatch> batch,
        BuildSeriesBatch(*cut_.tables->series.metadata, columns_, head_,
                         std::span(*rows_).subspan(begin, count), pool_));
    CountHotRows(static_cast<std::int64_t>(count));
    return std::make_unique<OneBatchStream>(std::move(batch));
  }

  const Head& head_;
  const Cut cut_;
  const std::shared_ptr<const std::vector<SeriesRow>> rows_;
  const std::optional<std::vector<std::string>> columns_;
  arrow::MemoryPool* const pool_;
};

class SeriesSource final : public scan::BatchSource {
 public:
  SeriesSource(const Head& head, Cut cut, arrow::MemoryPool* pool,
               std::shared_ptr<scan::BatchSource> cold)
      : head_(head), cut_(std::move(cut)), pool_(pool), cold_(std::move(cold)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override {
    return cold_->schema();
  }

  Result<std::unique_ptr<scan::ScanPlan>> Plan(
      const base::Context& context, const scan::ScanRequest& request) override {
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<scan::ScanPlan> cold,
                          cold_->Plan(context, request));
    std::lock_guard lock(mutex_);
    if (rows_ == nullptr) {
      FIRN_ASSIGN_OR_RETURN(
          std::vector<SeriesRow> rows,
          NewSeriesRows(context, head_, cut_.hot, *cut_.tables->emitted));
      rows_ = std::make_shared<const std::vector<SeriesRow>>(std::move(rows));
    }
    return std::make_unique<SeriesPlan>(head_, cut_, rows_, request.columns, pool_,
                                        std::move(cold));
  }

 private:
  const Head& head_;
  const Cut cut_;
  arrow::MemoryPool* const pool_;
  const std::shared_ptr<scan::BatchSource> cold_;
  std::mutex mutex_;
  std::shared_ptr<const std::vector<SeriesRow>> rows_;  // Made by the first plan.
};

}  // namespace

Result<std::shared_ptr<scan::BatchSource>> MakeSamplesSource(
    const table::ScanEnvironment& environment, const Head& head, Cut cut) {
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<scan::BatchSource> cold,
                        table::MakeTableSource(environment, cut.tables->samples));
  return std::make_shared<SamplesSource>(head, CaptureAll(head, std::move(cut)),
                                         environment.pool, std::move(cold));
}

Result<std::shared_ptr<scan::BatchSource>> MakeSeriesSource(
    const table::ScanEnvironment& environment, const Head& head, Cut cut) {
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<scan::BatchSource> cold,
                        table::MakeTableSource(environment, cut.tables->series));
  return std::make_shared<SeriesSource>(head, std::move(cut), environment.pool,
                                        std::move(cold));
}

}  // namespace firn::tsdb
