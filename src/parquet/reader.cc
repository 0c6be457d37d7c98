// SPDX-License-Identifier: Apache-2.0
#include "parquet/reader.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "arrow/memory_pool.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "arrow/util/key_value_metadata.h"

#include "base/assert.h"
#include "parquet/chunk_pages.h"
#include "parquet/compression_report.h"
#include "parquet/dictionary_prune.h"
#include "parquet/encryption.h"
#include "parquet/file_report.h"
#include "parquet/footer.h"
#include "parquet/footer_cache.h"
#include "parquet/lazy_object.h"
#include "parquet/parallel_stream.h"
#include "parquet/prune.h"
#include "parquet/row_group_scan.h"
#include "parquet/row_stream.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

// Plans row groups one by one. What it is made of must outlive it.
class RowGroupPruner {
 public:
  RowGroupPruner(const Footer& footer, io::ObjectReader& object, RangeFetcher& fetcher,
                 arrow::MemoryPool* pool, bool verify_checksums, const ScanSpec& spec,
                 FilePlan& plan)
      : footer_(footer),
        object_(object),
        fetcher_(fetcher),
        pool_(pool),
        verify_checksums_(verify_checksums),
        predicate_(spec.predicate),
        columns_(BindPredicate(footer, spec)),
        plan_(plan) {}

  const FetchCounts& bloom_counts() const { return bloom_counts_; }

  // Adds what is left of the row group to the plan. The stages that cost least come
  // first.
  Status Add(int row_group) {
    const std::int64_t rows = footer_.row_count(row_group);
    if (rows == 0) return Status::OK();
    if (columns_.empty()) {
      plan_.row_groups.push_back({row_group, RowRanges::All(rows)});
      return Status::OK();
    }
    const RowGroupStatistics statistics(footer_, row_group, columns_);
    if (!expr::MayMatch(*predicate_, statistics)) {
      ++plan_.row_groups_pruned_by_statistics;
      return Status::OK();
    }
    FIRN_ASSIGN_OR_RETURN(
        const bool bloom,
        BloomMayMatch(footer_, object_, bloom_counts_, row_group, predicate_, columns_));
    if (!bloom) {
      ++plan_.row_groups_pruned_by_bloom;
      return Status::OK();
    }
    FIRN_ASSIGN_OR_RETURN(const PagesByName pages, Load(row_group));
    RowRanges left = PruneByPages(*predicate_, pages, rows);
    if (left.empty()) {
      ++plan_.row_groups_pruned_by_page_index;
      return Status::OK();
    }
    // Where bounds of pages narrow it down the values are sorted, and what is between two
    // bounds is probably there.
    if (left.row_count() == rows) {
      FIRN_ASSIGN_OR_RETURN(
          const bool dictionary,
          DictionariesMayMatch(footer_, fetcher_, pool_, verify_checksums_, row_group,
                               predicate_, columns_, statistics));
      if (!dictionary) {
        ++plan_.row_groups_pruned_by_dictionary;
        return Status::OK();
      }
    }
    for (const auto& [name, chunk] : pages) {
      plan_.pages_pruned += std::count_if(
          chunk->pages.begin(), chunk->pages.end(), [&](const PageSpan& page) {
            return !left.Overlaps(page.rows.first, page.rows.end);
          });
    }
    plan_.row_groups.push_back({row_group, std::move(left)});
    return Status::OK();
  }

 private:
  using PagesByName = std::map<std::string, std::shared_ptr<const ChunkPages>>;

  Result<PagesByName> Load(int row_group) {
    std::vector<int> leaves;
    for (const auto& [name, leaf] : columns_) leaves.push_back(leaf);
    FIRN_ASSIGN_OR_RETURN(const auto pages, LoadPages(footer_, fetcher_, row_group,
                                                      leaves, /*with_values=*/true));
    PagesByName by_name;
    auto page = pages.begin();
    for (const auto& [name, leaf] : columns_) by_name[name] = *page++;
    return by_name;
  }

  const Footer& footer_;
  io::ObjectReader& object_;
  RangeFetcher& fetcher_;
  arrow::MemoryPool* const pool_;
  const bool verify_checksums_;
  const expr::PredicatePtr predicate_;
  const PredicateColumns columns_;
  FilePlan& plan_;
  FetchCounts bloom_counts_;
};

// What the columns asked for mean. Fields asked for of one column come together, where
// the first of them stands.
Result<std::vector<FoundColumn>> FindColumns(const Footer& footer, const ScanSpec& spec) {
  std::vector<FoundColumn> columns;
  if (!spec.columns.has_value()) {
    // By place, since a name may occur twice.
    for (int i = 0; i < footer.schema()->num_fields(); ++i) {
      columns.push_back({footer.WholeOf(i), footer.schema()->field(i)->name(), false});
    }
    return columns;
  }
  for (const ColumnRef& ref : *spec.columns) {
    auto found = footer.Find(ref);
    if (!found.has_value()) return footer.NoSuchColumn(ref);
    const auto same =
        std::find_if(columns.begin(), columns.end(), [&](const FoundColumn& column) {
          return column.part.field == found->part.field && column.name == found->name &&
                 (column.is_path || found->is_path);
        });
    if (same == columns.end()) {
      columns.push_back(*std::move(found));
      continue;
    }
    std::vector<int> leaves;
    std::set_union(same->part.leaves.begin(), same->part.leaves.end(),
                   found->part.leaves.begin(), found->part.leaves.end(),
                   std::back_inserter(leaves));
    same->part.leaves = std::move(leaves);
  }
  return columns;
}

// The batches' columns: parts of the file's, and the schema they make.
Status Project(const Footer& footer, const ScanSpec& spec, ScanShape& shape) {
  FIRN_ASSIGN_OR_RETURN(std::vector<FoundColumn> columns, FindColumns(footer, spec));
  arrow::FieldVector fields;
  for (FoundColumn& column : columns) {
    for (const int leaf : column.part.leaves) {
      FIRN_RETURN_IF_ERROR(footer.CheckUnlocked(leaf));
    }
    FIRN_ASSIGN_OR_RETURN(auto type, CursorType(footer, column.part, spec.text_form));
    fields.push_back(footer.schema()
                         ->field(column.part.field)
                         ->WithName(column.name)
                         ->WithType(std::move(type)));
    shape.columns.push_back(std::move(column.part));
  }
  if (spec.row_positions) {
    shape.row_positions = true;
    fields.push_back(arrow::field(kRowPositionColumn, arrow::int64(), false));
  }
  shape.schema = arrow::schema(std::move(fields));
  return Status::OK();
}

// How many rows of these columns make a batch. Narrow rows come by the tens of thousands;
// of records of a kilobyte that many would take 64 MB for each stream.
std::int64_t BatchRows(const Footer& footer, const ScanShape& shape, const FilePlan& plan,
                       std::int64_t rows_max) {
  constexpr std::int64_t kBatchBytes = 8 << 20;
  if (plan.row_groups.empty()) return rows_max;
  // Row groups of one file are much alike.
  const int first = plan.row_groups.front().row_group;
  const auto group = footer.metadata().RowGroup(first);
  double bytes = 0;
  for (const ColumnPart& column : shape.columns) {
    for (const int leaf : column.leaves) {
      const auto size = group->ColumnChunk(leaf)->total_uncompressed_size();
      bytes += static_cast<double>(std::max<std::int64_t>(0, size));
    }
  }
  if (bytes <= 0) return rows_max;
  const double rows = static_cast<double>(footer.row_count(first)) * kBatchBytes / bytes;
  return std::clamp<std::int64_t>(
      static_cast<std::int64_t>(std::min(rows, static_cast<double>(rows_max))), 1,
      rows_max);
}

// The cache, unless what is in it may not be what these options would have let in.
FooterCache* UsableCache(const ReaderOptions& options) {
  const DecryptionOptions* const keys = options.decryption.get();
  return keys == nullptr || keys->plaintext_files ? options.footer_cache : nullptr;
}

}  // namespace

std::int64_t FilePlan::row_count() const {
  std::int64_t rows = 0;
  for (const RowGroupPlan& row_group : row_groups) rows += row_group.rows.row_count();
  return rows;
}

FileReader::FileReader(std::shared_ptr<io::ObjectReader> object, std::string location,
                       const ReaderOptions& options, std::shared_ptr<const Footer> footer,
                       const Opening& opening)
    : object_(std::move(object)),
      location_(std::move(location)),
      options_(options),
      footer_(std::move(footer)),
      opening_(opening) {}

FileReader::~FileReader() = default;

Result<std::unique_ptr<FileReader>> FileReader::OpenObject(
    const base::Context& context, std::shared_ptr<io::ObjectReader> object,
    std::string location, std::shared_ptr<const Footer> footer,
    const ReaderOptions& options) {
  FIRN_ASSERT(object != nullptr && options.request_bytes_max > 0);
  FIRN_RETURN_IF_ERROR(context.Check().With(location));
  Opening opening{object->open_requests(),
                  static_cast<std::int64_t>(object->tail_bytes())};
  FooterCache* const cache = UsableCache(options);
  if (footer == nullptr) {
    FetchCounts counts;
    FIRN_ASSIGN_OR_RETURN(
        footer, Guard(location, [&] { return Footer::Load(*object, options, counts); }));
    opening.requests += counts.requests;
    opening.bytes_read += counts.bytes;
    if (cache != nullptr && !footer->is_encrypted()) {
      cache->Insert(location, object->size_bytes(), object->identity(), footer,
                    footer->memory_bytes());
    }
  }
  return std::unique_ptr<FileReader>(new FileReader(
      std::move(object), std::move(location), options, std::move(footer), opening));
}

// How much of a file's end to fetch in the hope that it holds the footer. Footers and
// page indexes grow with the columns and pages of a file, to less than a hundredth of it
// mostly; more than the largest is not worth a guess, and less than the smallest takes
// a store about as long.
io::OpenOptions FileReader::WithEnd(std::optional<std::uint64_t> size_bytes) {
  constexpr std::uint64_t kTailBytesMin = 64 << 10;
  constexpr std::uint64_t kTailBytesMax = 1 << 20;
  return {size_bytes,
          std::clamp(size_bytes.value_or(0) / 128, kTailBytesMin, kTailBytesMax)};
}

Result<std::unique_ptr<FileReader>> FileReader::Open(
    const base::Context& context, std::shared_ptr<io::ObjectReader> object,
    std::string location, const ReaderOptions& options) {
  FIRN_ASSERT(object != nullptr);
  FooterCache* const cache = UsableCache(options);
  auto footer = cache == nullptr
                    ? nullptr
                    : cache->Find(location, object->size_bytes(), object->identity());
  return OpenObject(context, std::move(object), std::move(location), std::move(footer),
                    options);
}

Result<std::unique_ptr<FileReader>> FileReader::Open(
    const base::Context& context, io::Store& store, std::string location,
    std::optional<std::uint64_t> size_bytes, const ReaderOptions& options) {
  FooterCache* const cache = UsableCache(options);
  if (size_bytes.has_value() && cache != nullptr) {
    auto footer = cache->Find(location, *size_bytes, "");
    if (footer != nullptr) {
      auto object = std::make_shared<LazyObject>(context, store, location, *size_bytes);
      return OpenObject(context, std::move(object), std::move(location),
                        std::move(footer), options);
    }
  }
  // Where a footer is at hand that may still be the file's, only that is asked.
  const bool hope = !size_bytes.has_value() && cache != nullptr && cache->Holds(location);
  io::OpenOptions how = WithEnd(size_bytes);
  if (hope) how.tail_bytes = 0;
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<io::ObjectReader> object,
                        store.OpenReader(context, location, how));
  if (!size_bytes.has_value()) {
    return Open(context, std::move(object), std::move(location), options);
  }
  return OpenObject(context, std::move(object), std::move(location), nullptr, options);
}

const std::shared_ptr<arrow::Schema>& FileReader::schema() const {
  return footer_->schema();
}
std::int64_t FileReader::row_count() const { return footer_->row_count(); }
int FileReader::row_group_count() const { return footer_->metadata().num_row_groups(); }

RowGroupInfo FileReader::row_group(int index) const {
  FIRN_ASSERT(0 <= index && index < row_group_count());
  const auto group = footer_->metadata().RowGroup(index);
  RowGroupInfo info{group->num_rows(), footer_->first_row(index)};
  std::optional<std::int64_t> first_byte;
  for (int i = 0; i < group->num_columns(); ++i) {
    if (!footer_->CheckUnlocked(i).ok()) continue;
    const auto chunk = group->ColumnChunk(i);
    info.compressed_bytes += chunk->total_compressed_size();
    std::int64_t start = chunk->data_page_offset();
    if (chunk->has_dictionary_page() && chunk->dictionary_page_offset() > 0) {
      start = std::min(start, chunk->dictionary_page_offset());
    }
    first_byte = std::min(first_byte.value_or(start), start);
  }
  info.first_byte = first_byte.value_or(0);
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

Result<FileReport> FileReader::Report() const {
  const ::parquet::FileMetaData& metadata = footer_->metadata();
  for (int leaf = 0; leaf < metadata.num_columns(); ++leaf) {
    FIRN_RETURN_IF_ERROR(footer_->CheckUnlocked(leaf));
  }
  return Guard(location_, [&]() -> Result<FileReport> {
    const std::vector<std::vector<std::int64_t>> no_nan(
        static_cast<std::size_t>(metadata.num_row_groups()),
        std::vector<std::int64_t>(static_cast<std::size_t>(metadata.num_columns())));
    FileReport report = MakeFileReport(metadata, no_nan,
                                       static_cast<std::int64_t>(object_->size_bytes()));
    for (ColumnReport& column : report.columns) column.nan_count = -1;
    return report;
  });
}

bool FileReader::HasColumn(const ColumnRef& column) const {
  return footer_->Find(column).has_value();
}

arrow::MemoryPool* FileReader::pool() const {
  return options_.pool != nullptr ? options_.pool : arrow::default_memory_pool();
}

Result<FilePlan> FileReader::Plan(const base::Context& context,
                                  const ScanSpec& spec) const {
  return Guard(location_, [&]() -> Result<FilePlan> {
    FilePlan plan;
    RangeFetcher fetcher(context, *object_, pool(), options_.coalesce_hole_bytes,
                         options_.request_bytes_max);
    RowGroupPruner pruner(*footer_, *object_, fetcher, pool(),
                          options_.verify_page_checksums, spec, plan);
    const int end =
        std::min(spec.row_group_end.value_or(row_group_count()), row_group_count());
    for (int g = std::max(0, spec.row_group_first); g < end; ++g) {
      FIRN_RETURN_IF_ERROR(context.Check());
      FIRN_RETURN_IF_ERROR(pruner.Add(g));
    }
    plan.row_groups_pruned =
        plan.row_groups_pruned_by_statistics + plan.row_groups_pruned_by_bloom +
        plan.row_groups_pruned_by_page_index + plan.row_groups_pruned_by_dictionary;
    plan.requests = fetcher.counts().requests + pruner.bloom_counts().requests;
    plan.bytes_read = fetcher.counts().bytes + pruner.bloom_counts().bytes;
    return plan;
  });
}

Result<std::unique_ptr<scan::BatchStream>> FileReader::Read(const base::Context& context,
                                                            const ScanSpec& spec,
                                                            FilePlan plan) const {
  FIRN_ASSERT(spec.batch_rows > 0 && spec.threads > 0);
  ScanShape shape;
  shape.footer = footer_;
  shape.options = options_;
  shape.pool = pool();
  shape.predicate = spec.predicate;
  shape.predicate_columns = BindPredicate(*footer_, spec);
  shape.text_form = spec.text_form;
  FIRN_RETURN_IF_ERROR(Guard(location_, [&] { return Project(*footer_, spec, shape); }));
  for (const RowGroupPlan& row_group : plan.row_groups) {
    if (row_group.row_group < 0 || row_group.row_group >= row_group_count()) {
      return Status::InvalidArgument(location_ + ": plan of row group " +
                                     std::to_string(row_group.row_group) + " of " +
                                     std::to_string(row_group_count()));
    }
  }
  FIRN_ASSIGN_OR_RETURN(
      shape.batch_rows, Guard(location_, [&] {
        return Result<std::int64_t>(BatchRows(*footer_, shape, plan, spec.batch_rows));
      }));
  if (spec.threads > 1 && plan.row_groups.size() > 1) {
    return MakeParallelStream(context, object_, location_, std::move(shape),
                              std::move(plan), {spec.threads, spec.ordered});
  }
  return MakeRowStream(context, object_, location_, std::move(shape), std::move(plan));
}

}  // namespace firn::parquet
