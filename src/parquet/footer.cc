// SPDX-License-Identifier: Apache-2.0
#include "parquet/footer.h"

#include <algorithm>
#include <cstring>

#include "arrow/type.h"
#include "arrow/util/key_value_metadata.h"

#include "base/nearest_word.h"
#include "parquet/arrow/schema.h"
#include "parquet/bounds.h"
#include "parquet/column_path.h"
#include "parquet/encrypted_footer.h"
#include "parquet/encryption_properties.h"
#include "parquet/properties.h"
#include "parquet/schema.h"
#include "parquet/statistics.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

// The file ends with the footer, its length in four bytes, and the magic.
constexpr std::int64_t kTailBytes = 8;
constexpr std::int64_t kMagicBytes = 4;
constexpr char kMagic[] = "PAR1";
constexpr char kEncryptedMagic[] = "PARE";
// Enough for the footer of most files, so that opening one costs one request.
constexpr std::int64_t kFirstReadBytes = 64 << 10;
// Decoded, a footer takes about this many times its serialized size; so do page indexes.
// Measured on files of 20 to 200 columns: 4 to 7.
constexpr std::int64_t kDecodedFactor = 6;
// Longest header of a dictionary page that the oldest writers forgot to count.
constexpr std::int64_t kForgottenHeaderBytes = 100;

// A schema that the format allows, or that some writer makes, and Arrow does not have.
Status AsSchemaError(const arrow::Status& status) {
  if (status.ok()) return Status::OK();
  const Status plain = FromArrow(status);
  return plain.Is(StatusCode::kCorruption)
             ? Status::Unimplemented("schema: " + status.message())
             : plain.With("schema");
}

// The footer, its length and the magic number: the last bytes of the file.
Result<std::string> ReadTail(io::ObjectReader& object, const ReaderOptions& options,
                             FetchCounts& counts) {
  const auto size = static_cast<std::int64_t>(object.size_bytes());
  if (size < kMagicBytes + kTailBytes) {
    return Status::Corruption("not a Parquet file: " + std::to_string(size) + " bytes");
  }
  std::string tail(static_cast<std::size_t>(std::min(size, kFirstReadBytes)), '\0');
  FIRN_RETURN_IF_ERROR(ReadCounted(object, size - static_cast<std::int64_t>(tail.size()),
                                   static_cast<std::int64_t>(tail.size()), tail.data(),
                                   counts));
  const char* const end = tail.data() + tail.size();
  if (std::memcmp(end - kMagicBytes, kMagic, kMagicBytes) != 0 &&
      std::memcmp(end - kMagicBytes, kEncryptedMagic, kMagicBytes) != 0) {
    return Status::Corruption("not a Parquet file: it does not end with PAR1");
  }
  std::uint32_t length = 0;
  std::memcpy(&length, end - kTailBytes, sizeof length);
  if (length > options.footer_bytes_max || length + kTailBytes + kMagicBytes > size) {
    return Status::Corruption("footer of " + std::to_string(length) +
                              " bytes in a file of " + std::to_string(size));
  }
  const std::size_t whole = static_cast<std::size_t>(length + kTailBytes);
  if (whole <= tail.size()) return tail.substr(tail.size() - whole);
  tail.resize(whole);
  FIRN_RETURN_IF_ERROR(ReadCounted(object, size - static_cast<std::int64_t>(whole),
                                   static_cast<std::int64_t>(whole), tail.data(),
                                   counts));
  return tail;
}

// Whether the leaf's metadata can be read, and then its pages.
Status Unlock(const ::parquet::RowGroupMetaData& group, int leaf, bool has_keys) {
  const Status no_keys = Status::PermissionDenied("encrypted, and no keys were given");
  try {
    const auto chunk = group.ColumnChunk(leaf);
    return chunk->crypto_metadata() != nullptr && !has_keys ? no_keys : Status::OK();
  } catch (const ::parquet::ParquetStatusException& e) {
    return FromArrow(e.status());
  } catch (const ::parquet::ParquetException& e) {
    // The footer holds it, and was authenticated: nobody altered it.
    if (!has_keys) return no_keys;
    return Status::PermissionDenied("its key is another than the one given (" +
                                    std::string(e.what()) + ")");
  }
}

}  // namespace

Result<std::shared_ptr<const Footer>> Footer::Load(io::ObjectReader& object,
                                                   const ReaderOptions& options,
                                                   FetchCounts& counts) {
  FIRN_ASSIGN_OR_RETURN(const std::string tail, ReadTail(object, options, counts));
  const auto size = static_cast<std::int64_t>(object.size_bytes());
  std::shared_ptr<Footer> footer(new Footer());
  footer->data_end_ = size - static_cast<std::int64_t>(tail.size());
  FIRN_RETURN_IF_ERROR(footer->Parse(size, tail, options));
  footer->LockLeaves(options.decryption != nullptr);
  FIRN_RETURN_IF_ERROR(footer->MakeSchema());
  FIRN_RETURN_IF_ERROR(footer->CheckRowGroups());
  footer->memory_bytes_ = kDecodedFactor * (static_cast<std::int64_t>(tail.size()) -
                                            kTailBytes + footer->IndexBytes());
  return std::shared_ptr<const Footer>(std::move(footer));
}

Status Footer::Parse(std::int64_t size_bytes, const std::string& tail,
                     const ReaderOptions& options) {
  const DecryptionOptions* const keys = options.decryption.get();
  if (tail.ends_with(kEncryptedMagic)) {
    if (keys == nullptr) {
      return Status::PermissionDenied("the file is encrypted, and no keys were given");
    }
    is_encrypted_ = true;
  } else {
    metadata_ = ::parquet::FileMetaData::Make(
        tail.data(), static_cast<std::int64_t>(tail.size()) - kTailBytes);
    is_encrypted_ = metadata_->is_encryption_algorithm_set();
    // Without keys, columns in the clear can be read.
    if (keys == nullptr) return Status::OK();
    if (!is_encrypted_) {
      if (keys->plaintext_files) return Status::OK();
      return Status::PermissionDenied(
          "the file is not encrypted, and those that are not are not allowed");
    }
  }
  FIRN_ASSIGN_OR_RETURN(metadata_,
                        LoadEncryptedFooter(size_bytes, tail, MakeDecryption(*keys)));
  return Status::OK();
}

Status Footer::MakeSchema() {
  FIRN_RETURN_IF_ERROR(AsSchemaError(::parquet::arrow::FromParquetSchema(
      metadata_->schema(), ::parquet::ArrowReaderProperties(),
      metadata_->key_value_metadata(), &schema_)));
  const auto* const root = metadata_->schema()->group_node();
  leaves_.resize(static_cast<std::size_t>(root->field_count()), {0, 0});
  for (int leaf = 0; leaf < metadata_->num_columns(); ++leaf) {
    const int field = root->FieldIndex(*metadata_->schema()->GetColumnRoot(leaf));
    if (field < 0) return Status::Corruption("schema: a leaf has no root");
    auto& [first, last] = leaves_[field];
    if (last == 0) first = leaf;
    last = leaf + 1;
  }
  return Status::OK();
}

void Footer::LockLeaves(bool has_keys) {
  locked_.resize(static_cast<std::size_t>(metadata_->num_columns()));
  if (!is_encrypted_ || metadata_->num_row_groups() == 0) return;
  // All row groups have the same keys.
  const auto group = metadata_->RowGroup(0);
  if (group->num_columns() != metadata_->num_columns()) return;
  for (int leaf = 0; leaf < metadata_->num_columns(); ++leaf) {
    locked_[leaf] =
        Unlock(*group, leaf, has_keys)
            .With("column " + metadata_->schema()->Column(leaf)->path()->ToDotString());
  }
}

std::int64_t Footer::IndexBytes() const {
  std::int64_t bytes = 0;
  for (int g = 0; g < metadata_->num_row_groups(); ++g) {
    const auto row_group = metadata_->RowGroup(g);
    for (int i = 0; i < metadata_->num_columns(); ++i) {
      if (!locked_[i].ok()) continue;
      const auto chunk = row_group->ColumnChunk(i);
      if (const auto at = chunk->GetColumnIndexLocation()) bytes += at->length;
      if (const auto at = chunk->GetOffsetIndexLocation()) bytes += at->length;
    }
  }
  return bytes;
}

Status Footer::CheckRowGroups() {
  std::int64_t rows = 0;
  for (int g = 0; g < metadata_->num_row_groups(); ++g) {
    const auto row_group = metadata_->RowGroup(g);
    row_counts_.push_back(row_group->num_rows());
    first_rows_.push_back(rows);
    const std::string name = "row group " + std::to_string(g);
    if (row_group->num_rows() < 0 ||
        __builtin_add_overflow(rows, row_group->num_rows(), &rows)) {
      return Status::Corruption(name + ": " + std::to_string(row_group->num_rows()) +
                                " rows");
    }
    if (row_group->num_columns() != metadata_->num_columns()) {
      return Status::Corruption(
          name + ": " + std::to_string(row_group->num_columns()) +
          " columns, schema: " + std::to_string(metadata_->num_columns()));
    }
    for (int i = 0; i < metadata_->num_columns(); ++i) {
      if (!locked_[i].ok()) continue;
      const auto chunk = row_group->ColumnChunk(i);
      const bool flat = metadata_->schema()->Column(i)->max_repetition_level() == 0;
      // A column of one value a row: the cheapest check on a row count that could
      // otherwise ask for any number of rows.
      if (flat && chunk->num_values() != row_group->num_rows()) {
        return Status::Corruption(name + ": column " + std::to_string(i) + " has " +
                                  std::to_string(chunk->num_values()) + " values for " +
                                  std::to_string(row_group->num_rows()) + " rows");
      }
    }
  }
  // Some writers leave the file's own count at nothing.
  if (metadata_->num_rows() != 0 && rows != metadata_->num_rows()) {
    return Status::Corruption("footer: " + std::to_string(metadata_->num_rows()) +
                              " rows, row groups: " + std::to_string(rows));
  }
  row_count_ = rows;
  return Status::OK();
}

std::optional<FoundColumn> Footer::Find(const ColumnRef& column) const {
  const auto& root = *metadata_->schema()->group_node();
  const std::string& in_file =
      column.name_in_file.empty() ? column.name : column.name_in_file;
  // Nearly always it is a whole column.
  if (column.field_id < 0) {
    const int index = schema_->GetFieldIndex(in_file);
    if (index >= 0) return FoundColumn{WholeOf(index), column.name, false};
  } else {
    for (int i = 0; i < root.field_count(); ++i) {
      if (root.field(i)->field_id() == column.field_id) {
        return FoundColumn{WholeOf(i), column.name, false};
      }
    }
  }
  const ::parquet::schema::Node* const node =
      column.field_id < 0 ? FindNode(root, in_file) : FindNode(root, column.field_id);
  if (node == nullptr) return std::nullopt;
  FoundColumn found;
  found.is_path = true;
  for (int leaf = 0; leaf < metadata_->num_columns(); ++leaf) {
    const ::parquet::schema::Node* at =
        metadata_->schema()->Column(leaf)->schema_node().get();
    while (at != nullptr && at != node) at = at->parent();
    if (at != nullptr) found.part.leaves.push_back(leaf);
  }
  if (found.part.leaves.empty()) return std::nullopt;
  found.part.field =
      root.FieldIndex(*metadata_->schema()->GetColumnRoot(found.part.leaves.front()));
  found.name = column.field_id < 0 && column.name_in_file.empty()
                   ? schema_->field(found.part.field)->name()
                   : column.name.substr(0, column.name.find('.'));
  return found;
}

Status Footer::NoSuchColumn(const ColumnRef& column) const {
  std::string text = "column " + column.name;
  if (column.field_id >= 0) {
    return Status::NotFound(text + " (field id " + std::to_string(column.field_id) +
                            "): the file has none of that id");
  }
  const std::vector<std::string> paths = AllPaths(*metadata_->schema()->group_node());
  text += ": the file has none of that name";
  text += base::DidYouMean(column.name,
                           std::vector<std::string_view>(paths.begin(), paths.end()));
  return Status::NotFound(std::move(text));
}

ColumnPart Footer::WholeOf(int field) const {
  ColumnPart part{field, {}};
  const auto [first, end] = leaves_[field];
  for (int leaf = first; leaf < end; ++leaf) part.leaves.push_back(leaf);
  return part;
}

bool Footer::IsWhole(const ColumnPart& part) const {
  const auto [first, end] = leaves_[part.field];
  return static_cast<int>(part.leaves.size()) == end - first;
}

bool Footer::IsFlat(const ColumnPart& part) const {
  if (part.leaves.size() != 1) return false;
  const int leaf = part.leaves.front();
  return metadata_->schema()->Column(leaf)->max_repetition_level() == 0 &&
         locked_[leaf].ok();
}

std::optional<int> Footer::FieldOfLeaf(int leaf) const {
  const ::parquet::schema::Node* const node = metadata_->schema()->GetColumnRoot(leaf);
  if (!node->is_primitive()) return std::nullopt;
  return metadata_->schema()->group_node()->FieldIndex(*node);
}

Result<ChunkSpan> Footer::SpanOf(const ::parquet::ColumnChunkMetaData& chunk) const {
  if (!chunk.file_path().empty()) {
    return Status::Unimplemented("column chunks in another file: " + chunk.file_path());
  }
  ChunkSpan span;
  span.start = chunk.data_page_offset();
  if (chunk.has_dictionary_page() && chunk.dictionary_page_offset() > 0) {
    span.start = std::min(span.start, chunk.dictionary_page_offset());
  }
  const std::int64_t size = chunk.total_compressed_size();
  if (span.start < kMagicBytes || size < 0 || span.start > data_end_ ||
      size > data_end_ - span.start) {
    return Status::Corruption("column chunk of " + std::to_string(size) + " bytes at " +
                              std::to_string(span.start) + ", data ends at " +
                              std::to_string(data_end_));
  }
  span.end = span.start + size;
  // parquet-mr up to 1.2.8 left the header of the dictionary page out of the size. What
  // is read too much is not looked at: pages end where the values do.
  if (metadata_->writer_version().VersionLt(
          ::parquet::ApplicationVersion::PARQUET_816_FIXED_VERSION())) {
    span.end = std::min(span.end + kForgottenHeaderBytes, data_end_);
  }
  return span;
}

const std::vector<ChunkStatistics>& Footer::StatisticsOf(int leaf) const {
  const std::lock_guard lock(mutex_);
  const auto found = statistics_.find(leaf);
  if (found != statistics_.end()) return found->second;
  const auto& column = *metadata_->schema()->Column(leaf);
  std::vector<ChunkStatistics> all(row_counts_.size());
  for (int g = 0; g < metadata_->num_row_groups(); ++g) {
    const auto chunk = metadata_->RowGroup(g)->ColumnChunk(leaf);
    ChunkStatistics& one = all[g];
    one.value_count = chunk->num_values();
    const auto statistics = chunk->encoded_statistics();
    if (statistics == nullptr) continue;
    if (statistics->has_null_count) one.null_count = statistics->null_count;
    Bounds bounds = DecodeBounds(column, *statistics);
    one.lower = std::move(bounds.lower);
    one.upper = std::move(bounds.upper);
  }
  return statistics_.emplace(leaf, std::move(all)).first->second;
}

std::shared_ptr<const ChunkPages> Footer::FindPages(int row_group, int leaf) const {
  const std::lock_guard lock(mutex_);
  const auto found = pages_.find({row_group, leaf});
  return found == pages_.end() ? nullptr : found->second;
}

void Footer::KeepPages(int row_group, int leaf,
                       std::shared_ptr<const ChunkPages> pages) const {
  const std::lock_guard lock(mutex_);
  pages_.insert_or_assign(std::make_pair(row_group, leaf), std::move(pages));
}

}  // namespace firn::parquet
