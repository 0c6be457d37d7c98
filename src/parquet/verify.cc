// SPDX-License-Identifier: Apache-2.0
#include "parquet/verify.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "arrow/memory_pool.h"

#include "base/assert.h"
#include "parquet/fault_list.h"
#include "parquet/footer.h"
#include "parquet/range_fetcher.h"
#include "parquet/schema.h"
#include "parquet/small_parts.h"
#include "parquet/verify_chunk.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

constexpr std::int64_t kMagicBytes = 4;

// A part of the file that nothing else may lie on.
struct Part {
  std::int64_t start = 0;
  std::int64_t end = 0;
  int row_group = 0;
  std::string column;
  const char* what = "";
};

class FileVerification {
 public:
  FileVerification(const base::Context& context, io::ObjectReader& object,
                   const VerifyOptions& options, std::string location)
      : context_(context),
        object_(object),
        options_(options),
        pool_(options.reader.pool != nullptr ? options.reader.pool
                                             : arrow::default_memory_pool()),
        fetcher_(context, object, pool_, options.reader.coalesce_hole_bytes,
                 options.reader.request_bytes_max),
        faults_(check_, options.faults_max) {
    check_.file = std::move(location);
  }

  Result<FileCheck> Run() && {
    Result<std::shared_ptr<const Footer>> footer = Guard(
        "not readable", [&] { return Footer::Load(object_, options_.reader, counts_); });
    // Without Arrow's schema a leaf cannot even be named as readers name it.
    if (footer.status().Is(StatusCode::kUnimplemented)) return footer.status();
    FIRN_RETURN_IF_ERROR(faults_.Take(footer.status(), FaultKind::kFooter));
    if (footer.ok()) {
      FIRN_RETURN_IF_ERROR(CheckMagic());
      FIRN_RETURN_IF_ERROR(CheckRowGroups(**footer));
    }
    check_.requests +=
        object_.open_requests() + fetcher_.counts().requests + counts_.requests;
    check_.bytes_read += static_cast<std::int64_t>(object_.tail_bytes()) +
                         fetcher_.counts().bytes + counts_.bytes;
    return std::move(check_);
  }

 private:
  Status CheckMagic() {
    std::string magic(kMagicBytes, '\0');
    FIRN_RETURN_IF_ERROR(object_.ReadAt(0, kMagicBytes, magic.data()));
    ++check_.requests;
    check_.bytes_read += kMagicBytes;
    if (magic == "PAR1" || magic == "PARE") return Status::OK();
    faults_.Add(FaultKind::kLayout, -1, "the file does not begin with PAR1", "");
    return Status::OK();
  }

  Status CheckRowGroups(const Footer& footer) {
    const auto& metadata = footer.metadata();
    check_.rows = footer.row_count();
    check_.row_groups = metadata.num_row_groups();
    check_.columns = metadata.num_columns();
    for (int leaf = 0; leaf < metadata.num_columns(); ++leaf) {
      if (footer.CheckUnlocked(leaf).ok()) continue;
      check_.locked.push_back(metadata.schema()->Column(leaf)->path()->ToDotString());
    }
    FIRN_RETURN_IF_ERROR(faults_.Take(
        Guard("not readable", [&] { return CheckLayout(footer); }), FaultKind::kLayout));
    const ChunkVerification with{context_,
                                 footer,
                                 object_,
                                 fetcher_,
                                 counts_,
                                 pool_,
                                 options_.reader.request_bytes_max,
                                 check_,
                                 faults_};
    for (int g = 0; g < metadata.num_row_groups(); ++g) {
      faults_.MoveTo(g, "");
      FIRN_RETURN_IF_ERROR(faults_.Take(
          Guard("row group " + std::to_string(g), [&] { return CheckChunks(with, g); }),
          FaultKind::kPage));
    }
    return Status::OK();
  }

  Status CheckChunks(const ChunkVerification& with, int row_group) {
    const auto& schema = *with.footer.metadata().schema();
    // Parts that lie on one another would not find their way back to their requests.
    std::optional<SmallParts> ahead;
    if (!overlaps_) {
      ahead.emplace(with.footer, fetcher_, row_group, with.request_bytes_max);
    }
    for (int leaf = 0; leaf < schema.num_columns(); ++leaf) {
      FIRN_RETURN_IF_ERROR(context_.Check());
      if (!with.footer.CheckUnlocked(leaf).ok()) continue;
      const std::string column = schema.Column(leaf)->path()->ToDotString();
      faults_.MoveTo(row_group, column);
      FIRN_RETURN_IF_ERROR(faults_.Take(
          Guard("column " + column, [&] { return VerifyChunk(with, row_group, leaf); }),
          FaultKind::kPage));
      if (ahead.has_value()) ahead->Forget(static_cast<std::size_t>(leaf));
      ReportProgress(with.footer);
    }
    return Status::OK();
  }

  // That sizes add up, and no part lies on another. Where a part lies outside the file,
  // whoever reads it says so.
  Status CheckLayout(const Footer& footer) {
    std::vector<Part> parts;
    for (int g = 0; g < footer.metadata().num_row_groups(); ++g) {
      const auto group = footer.metadata().RowGroup(g);
      std::int64_t compressed = 0;
      for (int leaf = 0; leaf < group->num_columns(); ++leaf) {
        if (!footer.CheckUnlocked(leaf).ok()) {
          compressed = -1;
          continue;
        }
        const auto chunk = group->ColumnChunk(leaf);
        if (compressed >= 0) compressed += chunk->total_compressed_size();
        if (IsWithoutPages(*chunk)) continue;
        AddParts(footer, *chunk, g,
                 footer.metadata().schema()->Column(leaf)->path()->ToDotString(), parts);
      }
      const std::int64_t stated = group->total_compressed_size();
      if (stated > 0 && compressed >= 0 && stated != compressed) {
        faults_.MoveTo(g, "");
        faults_.Add(FaultKind::kLayout, -1, std::to_string(stated) + " compressed bytes",
                    std::to_string(compressed) + ", the sum of its columns");
      }
    }
    CheckOverlaps(std::move(parts));
    return Status::OK();
  }

  static void AddParts(const Footer& footer, const ::parquet::ColumnChunkMetaData& chunk,
                       int row_group, const std::string& column,
                       std::vector<Part>& parts) {
    const auto add = [&](std::int64_t start, std::int64_t size, const char* what) {
      if (size <= 0 || start < 0 || size > footer.data_end() - start) return;
      parts.push_back({start, start + size, row_group, column, what});
    };
    std::int64_t start = chunk.data_page_offset();
    if (chunk.has_dictionary_page() && chunk.dictionary_page_offset() > 0) {
      start = std::min(start, chunk.dictionary_page_offset());
    }
    add(start, chunk.total_compressed_size(), "pages");
    if (const auto at = chunk.GetColumnIndexLocation()) {
      add(at->offset, at->length, "column index");
    }
    if (const auto at = chunk.GetOffsetIndexLocation()) {
      add(at->offset, at->length, "offset index");
    }
    const auto bloom = chunk.bloom_filter_offset();
    const auto bloom_bytes = chunk.bloom_filter_length();
    if (bloom && bloom_bytes) add(*bloom, *bloom_bytes, "bloom filter");
  }

  void CheckOverlaps(std::vector<Part> parts) {
    overlaps_ = false;
    std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
      return a.start != b.start ? a.start < b.start : a.end < b.end;
    });
    const Part* last = nullptr;
    for (const Part& part : parts) {
      if (last != nullptr && part.start < last->end) {
        overlaps_ = true;
        faults_.MoveTo(part.row_group, part.column);
        faults_.Add(FaultKind::kLayout, -1,
                    std::string(part.what) + " at " + std::to_string(part.start),
                    "nothing before " + std::to_string(last->end) + ", where the " +
                        last->what + " of row group " + std::to_string(last->row_group) +
                        ", column " + last->column + " end");
      }
      if (last == nullptr || part.end > last->end) last = &part;
    }
    faults_.MoveTo(-1, "");
  }

  void ReportProgress(const Footer& footer) {
    if (!options_.on_progress || footer.data_end() == 0) return;
    options_.on_progress(std::min(1.0, static_cast<double>(fetcher_.counts().bytes) /
                                           static_cast<double>(footer.data_end())));
  }

  const base::Context& context_;
  io::ObjectReader& object_;
  const VerifyOptions& options_;
  arrow::MemoryPool* const pool_;
  RangeFetcher fetcher_;
  FetchCounts counts_;
  bool overlaps_ = true;  // Some part of the file may lie on another.
  FileCheck check_;
  FaultList faults_;
};

}  // namespace

Result<FileCheck> Verify(const base::Context& context,
                         std::shared_ptr<io::ObjectReader> object, std::string location,
                         const VerifyOptions& options) {
  FIRN_ASSERT(object != nullptr && options.reader.request_bytes_max > 0);
  FIRN_RETURN_IF_ERROR(context.Check().With(location));
  Result<FileCheck> check = FileVerification(context, *object, options, location).Run();
  if (!check.ok()) return check.status().With(location);
  return check;
}

}  // namespace firn::parquet
