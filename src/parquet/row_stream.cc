// SPDX-License-Identifier: Apache-2.0
#include "parquet/row_stream.h"

#include <utility>

#include "arrow/record_batch.h"

#include "parquet/wall.h"

namespace firn::parquet {
namespace {

class RowStream final : public scan::BatchStream {
 public:
  RowStream(const base::Context& context, std::shared_ptr<io::ObjectReader> object,
            std::string location, ScanShape shape, FilePlan plan)
      : context_(context),
        object_(std::move(object)),
        location_(std::move(location)),
        shape_(std::move(shape)),
        plan_(std::move(plan)),
        read_ahead_(ReadAheadOf(shape_.options)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return shape_.schema; }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    if (finished_) return std::shared_ptr<arrow::RecordBatch>();
    auto next = Guard(location_, [this] { return NextInPlan(); });
    if (!next.ok() || *next == nullptr) {
      finished_ = true;
      LeaveRowGroup();
      if (ahead_ != nullptr) CountScan(*ahead_, stats_);
      ahead_.reset();
    }
    return next;
  }

  scan::ScanStats stats() const override {
    scan::ScanStats stats = stats_;
    if (current_ != nullptr) CountScan(*current_, stats);
    if (ahead_ != nullptr) CountScan(*ahead_, stats);
    return stats;
  }

 private:
  Result<std::shared_ptr<arrow::RecordBatch>> NextInPlan() {
    while (true) {
      if (current_ == nullptr) {
        if (next_ == plan_.row_groups.size())
          return std::shared_ptr<arrow::RecordBatch>();
        FIRN_RETURN_IF_ERROR(ahead_status_);
        current_ = std::move(ahead_);
        if (current_ == nullptr) {
          FIRN_ASSIGN_OR_RETURN(current_, Open());
        }
        ++next_;
        ++stats_.row_groups_read;
      }
      LookAhead();
      FIRN_ASSIGN_OR_RETURN(auto batch, current_->Next());
      if (batch != nullptr) {
        stats_.rows += batch->num_rows();
        return batch;
      }
      LeaveRowGroup();
    }
  }
  Result<std::unique_ptr<RowGroupScan>> Open() const {
    return RowGroupScan::Open(context_, shape_, *object_, plan_.row_groups[next_],
                              read_ahead_);
  }
  // Where all of this row group is on its way, the next one's requests follow. What goes
  // wrong is said when its turn comes.
  void LookAhead() {
    if (read_ahead_.threads == nullptr || next_ == plan_.row_groups.size()) return;
    if (ahead_ != nullptr) return ahead_->ReadOn();
    if (!ahead_status_.ok() || !current_->all_begun() ||
        !RowGroupScan::OpensAtOnce(shape_, plan_.row_groups[next_])) {
      return;
    }
    auto opened = Guard("row group " + std::to_string(plan_.row_groups[next_].row_group),
                        [this] { return Open(); });
    ahead_status_ = opened.status();
    if (opened.ok()) ahead_ = std::move(opened).value();
  }
  void LeaveRowGroup() {
    if (current_ != nullptr) CountScan(*current_, stats_);
    current_.reset();
  }

  const base::Context& context_;
  const std::shared_ptr<io::ObjectReader> object_;
  const std::string location_;
  const ScanShape shape_;
  const FilePlan plan_;
  const ReadAhead read_ahead_;
  std::size_t next_ = 0;  // Not yet begun to be returned.
  std::unique_ptr<RowGroupScan> current_;
  // Of row group next_, opened before its turn, or why it could not be.
  std::unique_ptr<RowGroupScan> ahead_;
  Status ahead_status_;
  bool finished_ = false;
  scan::ScanStats stats_;
};

}  // namespace

ReadAhead ReadAheadOf(const ReaderOptions& options) {
  if (options.fetch_threads == nullptr || options.read_ahead_bytes <= 0) return {};
  return {options.fetch_threads,
          std::make_shared<ReadAheadBound>(options.read_ahead_bytes)};
}

void CountScan(const RowGroupScan& scan, scan::ScanStats& stats) {
  stats.pages_pruned += scan.pages_pruned();
  stats.bytes_read += scan.fetched().bytes;
  stats.requests += scan.fetched().requests;
}

std::unique_ptr<scan::BatchStream> MakeRowStream(const base::Context& context,
                                                 std::shared_ptr<io::ObjectReader> object,
                                                 std::string location, ScanShape shape,
                                                 FilePlan plan) {
  return std::make_unique<RowStream>(context, std::move(object), std::move(location),
                                     std::move(shape), std::move(plan));
}

}  // namespace firn::parquet
