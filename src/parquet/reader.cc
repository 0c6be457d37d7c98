// SPDX-License-Identifier: Apache-2.0
#include "parquet/reader.h"

#include <algorithm>
#include <utility>

#include "arrow/memory_pool.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "arrow/util/key_value_metadata.h"

#include "base/assert.h"
#include "parquet/chunk_pages.h"
#include "parquet/compression_report.h"
#include "parquet/footer.h"
#include "parquet/footer_cache.h"
#include "parquet/prune.h"
#include "parquet/row_group_scan.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

// One row group after another, in the order of the plan.
class RowStream final : public scan::BatchStream {
 public:
  RowStream(const base::Context& context, std::shared_ptr<io::ObjectReader> object,
            std::string location, ScanShape shape, FilePlan plan)
      : context_(context),
        object_(std::move(object)),
        location_(std::move(location)),
        shape_(std::move(shape)),
        plan_(std::move(plan)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return shape_.schema; }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    if (finished_) return std::shared_ptr<arrow::RecordBatch>();
    auto next = Guard(location_, [this] { return NextInPlan(); });
    if (!next.ok() || *next == nullptr) {
      finished_ = true;
      LeaveRowGroup();
    }
    return next;
  }

  scan::ScanStats stats() const override {
    scan::ScanStats stats = stats_;
    if (current_ != nullptr) Count(*current_, stats);
    return stats;
  }

 private:
  Result<std::shared_ptr<arrow::RecordBatch>> NextInPlan() {
    while (true) {
      if (current_ == nullptr) {
        if (next_ == plan_.row_groups.size())
          return std::shared_ptr<arrow::RecordBatch>();
        FIRN_ASSIGN_OR_RETURN(current_, RowGroupScan::Open(context_, shape_, *object_,
                                                           plan_.row_groups[next_]));
        ++next_;
        ++stats_.row_groups_read;
      }
      FIRN_ASSIGN_OR_RETURN(auto batch, current_->Next());
      if (batch != nullptr) {
        stats_.rows += batch->num_rows();
        return batch;
      }
      LeaveRowGroup();
    }
  }
  static void Count(const RowGroupScan& scan, scan::ScanStats& stats) {
    stats.pages_pruned += scan.pages_pruned();
    stats.bytes_read += scan.fetched().bytes;
    stats.requests += scan.fetched().requests;
  }
  void LeaveRowGroup() {
    if (current_ != nullptr) Count(*current_, stats_);
    current_.reset();
  }

  const base::Context& context_;
  const std::shared_ptr<io::ObjectReader> object_;
  const std::string location_;
  const ScanShape shape_;
  const FilePlan plan_;
  std::size_t next_ = 0;
  std::unique_ptr<RowGroupScan> current_;
  bool finished_ = false;
  scan::ScanStats stats_;
};

// The batches' columns: fields of the file, and the schema they make.
Status Project(const Footer& footer, const ScanSpec& spec, ScanShape& shape) {
  std::vector<ColumnRef> columns;
  if (spec.columns.has_value()) {
    columns = *spec.columns;
  } else {
    for (const auto& field : footer.schema()->fields())
      columns.push_back({field->name()});
  }
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    // All of the file's columns are meant by place, since a name may occur twice.
    const auto field = spec.columns.has_value() ? footer.FindField(columns[i])
                                                : std::optional<int>(static_cast<int>(i));
    if (!field.has_value()) {
      return Status::NotFound("column " + columns[i].name + " (field id " +
                              std::to_string(columns[i].field_id) + ")");
    }
    const auto [first, end] = footer.LeavesOf(*field);
    for (int leaf = first; leaf < end; ++leaf) {
      FIRN_RETURN_IF_ERROR(footer.CheckUnlocked(leaf));
    }
    shape.fields.push_back(*field);
    fields.push_back(footer.schema()
                         ->field(*field)
                         ->WithName(columns[i].name)
                         ->WithType(CursorType(footer, *field, spec.dictionary_strings)));
  }
  shape.schema = arrow::schema(std::move(fields));
  return Status::OK();
}

}  // namespace

std::int64_t FilePlan::row_count() const {
  std::int64_t rows = 0;
  for (const RowGroupPlan& row_group : row_groups) rows += row_group.rows.row_count();
  return rows;
}

FileReader::FileReader(std::shared_ptr<io::ObjectReader> object, std::string location,
                       const ReaderOptions& options, std::shared_ptr<const Footer> footer)
    : object_(std::move(object)),
      location_(std::move(location)),
      options_(options),
      footer_(std::move(footer)) {}

FileReader::~FileReader() = default;

Result<std::unique_ptr<FileReader>> FileReader::Open(
    const base::Context& context, std::shared_ptr<io::ObjectReader> object,
    std::string location, const ReaderOptions& options) {
  FIRN_ASSERT(object != nullptr && options.request_bytes_max > 0);
  FIRN_RETURN_IF_ERROR(context.Check().With(location));
  FooterCache* const cache = options.footer_cache;
  std::shared_ptr<const Footer> footer;
  if (cache != nullptr) footer = cache->Find(location, object->size_bytes());
  if (footer == nullptr) {
    FIRN_ASSIGN_OR_RETURN(
        footer, Guard(location, [&] { return Footer::Load(*object, options); }));
    if (cache != nullptr && !footer->is_encrypted()) {
      cache->Insert(location, object->size_bytes(), footer, footer->memory_bytes());
    }
  }
  return std::unique_ptr<FileReader>(
      new FileReader(std::move(object), std::move(location), options, std::move(footer)));
}

const std::shared_ptr<arrow::Schema>& FileReader::schema() const {
  return footer_->schema();
}
std::int64_t FileReader::row_count() const { return footer_->row_count(); }
int FileReader::row_group_count() const { return footer_->metadata().num_row_groups(); }

RowGroupInfo FileReader::row_group(int index) const {
  FIRN_ASSERT(0 <= index && index < row_group_count());
  const auto group = footer_->metadata().RowGroup(index);
  RowGroupInfo info{group->num_rows(), 0};
  for (int i = 0; i < group->num_columns(); ++i) {
    if (!footer_->CheckUnlocked(i).ok()) continue;
    info.compressed_bytes += group->ColumnChunk(i)->total_compressed_size();
  }
  return info;
}

std::optional<std::string> FileReader::FindKeyValue(std::string_view key) const {
  const auto& metadata = footer_->metadata().key_value_metadata();
  if (metadata == nullptr) return std::nullopt;
  const int index = metadata->FindKey(key);
  if (index < 0) return std::nullopt;
  return metadata->value(index);
}

Result<CompressionReport> FileReader::Compression() const {
  std::vector<bool> locked;
  for (int leaf = 0; leaf < footer_->metadata().num_columns(); ++leaf) {
    locked.push_back(!footer_->CheckUnlocked(leaf).ok());
  }
  return Guard(location_, [&]() -> Result<CompressionReport> {
    return MakeCompressionReport(footer_->metadata(), locked);
  });
}

bool FileReader::HasColumn(const ColumnRef& column) const {
  return footer_->FindField(column).has_value();
}

Result<FilePlan> FileReader::Plan(const base::Context& context,
                                  const ScanSpec& spec) const {
  return Guard(location_, [&]() -> Result<FilePlan> {
    FilePlan plan;
    const PredicateColumns columns = BindPredicate(*footer_, spec);
    FetchCounts bloom_counts;
    RangeFetcher fetcher(
        context, *object_,
        options_.pool != nullptr ? options_.pool : arrow::default_memory_pool(),
        options_.coalesce_hole_bytes, options_.request_bytes_max);
    const int end =
        std::min(spec.row_group_end.value_or(row_group_count()), row_group_count());
    for (int g = std::max(0, spec.row_group_first); g < end; ++g) {
      FIRN_RETURN_IF_ERROR(context.Check());
      const std::int64_t rows = footer_->metadata().RowGroup(g)->num_rows();
      RowGroupPlan group{g, RowRanges::All(rows)};
      if (!columns.empty()) {
        const RowGroupStatistics statistics(*footer_, g, columns);
        if (!expr::MayMatch(*spec.predicate, statistics)) {
          ++plan.row_groups_pruned;
          continue;
        }
        FIRN_ASSIGN_OR_RETURN(
            const bool bloom,
            BloomMayMatch(*footer_, *object_, bloom_counts, g, spec.predicate, columns));
        if (!bloom) {
          ++plan.row_groups_pruned;
          ++plan.row_groups_pruned_by_bloom;
          continue;
        }
        std::vector<int> leaves;
        for (const auto& [name, field] : columns) {
          leaves.push_back(*footer_->FlatLeafOf(field));
        }
        FIRN_ASSIGN_OR_RETURN(const auto pages, LoadPages(*footer_, fetcher, g, leaves,
                                                          /*with_values=*/true));
        std::map<std::string, std::shared_ptr<const ChunkPages>> by_name;
        auto page = pages.begin();
        for (const auto& [name, field] : columns) by_name[name] = *page++;
        group.rows = PruneByPages(*spec.predicate, by_name, rows);
      }
      if (group.rows.empty()) {
        plan.row_groups_pruned += rows > 0 ? 1 : 0;
        continue;
      }
      plan.row_groups.push_back(std::move(group));
    }
    plan.requests = fetcher.counts().requests + bloom_counts.requests;
    plan.bytes_read = fetcher.counts().bytes + bloom_counts.bytes;
    return plan;
  });
}

Result<std::unique_ptr<scan::BatchStream>> FileReader::Read(const base::Context& context,
                                                            const ScanSpec& spec,
                                                            FilePlan plan) const {
  FIRN_ASSERT(spec.batch_rows > 0);
  ScanShape shape;
  shape.footer = footer_;
  shape.options = options_;
  shape.pool = options_.pool != nullptr ? options_.pool : arrow::default_memory_pool();
  shape.predicate = spec.predicate;
  shape.predicate_columns = BindPredicate(*footer_, spec);
  shape.batch_rows = spec.batch_rows;
  shape.dictionary_strings = spec.dictionary_strings;
  FIRN_RETURN_IF_ERROR(Project(*footer_, spec, shape).With(location_));
  for (const RowGroupPlan& row_group : plan.row_groups) {
    if (row_group.row_group < 0 || row_group.row_group >= row_group_count()) {
      return Status::InvalidArgument(location_ + ": plan of row group " +
                                     std::to_string(row_group.row_group) + " of " +
                                     std::to_string(row_group_count()));
    }
  }
  return std::unique_ptr<scan::BatchStream>(std::make_unique<RowStream>(
      context, object_, location_, std::move(shape), std::move(plan)));
}

}  // namespace firn::parquet
