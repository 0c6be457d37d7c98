// SPDX-License-Identifier: Apache-2.0
// hand_made_table.h: a table in memory put together piece by piece, the way another
// engine might have left it, for tests. Rows are given and compared as JSON.
#pragma once

#include <arrow/array/array_base.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/json/from_string.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "base/crc32.h"
#include "iceberg/catalog.h"
#include "iceberg/delete_index.h"
#include "iceberg/manifest_io.h"
#include "iceberg/schema_arrow.h"
#include "io/memory_store.h"
#include "parquet/footer_cache.h"
#include "parquet/writer.h"
#include "table/data_file_writer.h"
#include "table/table_source.h"

namespace firn::table {

using ArrowFields = arrow::FieldVector;

// A field of a file, with an id or without.
inline std::shared_ptr<arrow::Field> FileField(std::string name,
                                               std::shared_ptr<arrow::DataType> type,
                                               std::optional<int> id) {
  auto metadata =
      id ? arrow::key_value_metadata({iceberg::kArrowFieldIdKey}, {std::to_string(*id)})
         : nullptr;
  return arrow::field(std::move(name), std::move(type), true, std::move(metadata));
}

inline std::shared_ptr<arrow::RecordBatch> RowsFromJson(const ArrowFields& fields,
                                                        std::string_view json) {
  const auto array =
      arrow::json::ArrayFromJSONString(arrow::struct_(fields), std::string(json));
  EXPECT_TRUE(array.ok()) << array.status().ToString();
  return *arrow::RecordBatch::FromStructArray(*array);
}

// The blob of a deletion vector: sorted positions of less than 2^32, as lists or bits.
inline std::string VectorBlob(const std::vector<std::int64_t>& positions) {
  const auto append = [](std::string& out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
  };
  const auto append_big = [](std::string& out, std::uint32_t value) {
    for (int i = 3; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
  };
  std::map<std::int64_t, std::vector<std::int64_t>> blocks;
  for (const std::int64_t position : positions) {
    blocks[position >> 16].push_back(position & 0xffff);
  }
  std::string covered = "\xd1\xd3\x39\x64";
  append(covered, blocks.empty() ? 0 : 1, 8);
  if (!blocks.empty()) {
    append(covered, 0, 4);
    append(covered, 12346, 4);
    append(covered, blocks.size(), 4);
    for (const auto& [key, lows] : blocks) {
      append(covered, static_cast<std::uint64_t>(key), 2);
      append(covered, lows.size() - 1, 2);
    }
    for (std::size_t i = 0; i < blocks.size(); ++i) append(covered, 0, 4);  // Unused.
    for (const auto& [key, lows] : blocks) {
      if (lows.size() <= 4096) {
        for (const std::int64_t low : lows) {
          append(covered, static_cast<std::uint64_t>(low), 2);
        }
        continue;
      }
      std::string bits(8192, '\0');
      for (const std::int64_t low : lows) {
        bits[static_cast<std::size_t>(low / 8)] |= static_cast<char>(1 << (low % 8));
      }
      covered += bits;
    }
  }
  std::string blob;
  append_big(blob, static_cast<std::uint32_t>(covered.size()));
  blob += covered;
  append_big(blob, base::Crc32(covered));
  return blob;
}

class HandMadeTable {
 public:
  explicit HandMadeTable(iceberg::Schema schema, iceberg::PartitionSpec spec = {}) {
    metadata.format_version = 3;
    metadata.table_uuid = "7e8f7a3c-5f10-4d1b-9d52-6f2f3f8a9b10";
    metadata.location = "memory://w/t";
    metadata.schemas = {std::move(schema)};
    metadata.current_schema_id = metadata.schemas[0].id;
    metadata.partition_specs = {std::move(spec)};
    metadata.default_spec_id = metadata.partition_specs[0].id;
    metadata.sort_orders = {{}};
  }

  // The schema from now on.
  void Evolve(iceberg::Schema schema) {
    schema.id = iceberg::SchemaId(static_cast<std::int32_t>(metadata.schemas.size()));
    metadata.current_schema_id = schema.id;
    metadata.schemas.push_back(std::move(schema));
  }

  // A data file of these rows, in the form of `options`.
  iceberg::DataFile WriteFile(const std::string& name, const ArrowFields& fields,
                              std::string_view rows,
                              iceberg::PartitionValues partition = {},
                              const parquet::WriterOptions& options = {}) {
    return WriteBatch(name, *RowsFromJson(fields, rows), std::move(partition), options);
  }
  iceberg::DataFile WriteBatch(const std::string& name, const arrow::RecordBatch& batch,
                               iceberg::PartitionValues partition = {},
                               const parquet::WriterOptions& options = {}) {
    const std::string location = metadata.location + "/data/" + name;
    auto object = store.OpenWriter(context, location);
    EXPECT_TRUE(object.ok()) << object.status();
    auto writer = parquet::FileWriter::Open(*std::move(object), batch.schema(), options);
    EXPECT_TRUE(writer.ok()) << writer.status();
    EXPECT_TRUE((*writer)->Write(batch).ok());
    auto report = std::move(**writer).Finish();
    EXPECT_TRUE(report.ok()) << report.status();
    iceberg::DataFile file;
    if (with_metrics) {
      // Of columns that the table knows; that is not those of position deletes.
      std::erase_if(report->columns, [&](const parquet::ColumnReport& column) {
        return metadata.current_schema().FindType(iceberg::FieldId(column.field_id)) ==
               nullptr;
      });
      auto made = MakeDataFile(*report, metadata.current_schema(), location);
      EXPECT_TRUE(made.ok()) << made.status();
      file = *std::move(made);
    }
    file.file_path = location;
    file.record_count = report->row_count;
    file.file_size_bytes = report->size_bytes;
    file.split_offsets = report->split_offsets;
    file.spec_id = metadata.default_spec_id;
    file.partition = std::move(partition);
    return file;
  }

  // Position deletes: pairs of a path and a position.
  iceberg::DataFile WritePositions(
      const std::string& name,
      const std::vector<std::pair<std::string, std::int64_t>>& rows,
      iceberg::PartitionValues partition = {}) {
    std::string json = "[";
    for (const auto& [path, position] : rows) {
      json += (json.size() > 1 ? ",[\"" : "[\"") + path + "\"," +
              std::to_string(position) + "]";
    }
    const ArrowFields fields = {
        FileField("file_path", arrow::utf8(), iceberg::kDeletedFilePath.value),
        FileField("pos", arrow::int64(), iceberg::kDeletedPosition.value)};
    iceberg::DataFile file = WriteFile(name, fields, json + "]", std::move(partition));
    file.content = iceberg::FileContent::kPositionDeletes;
    return file;
  }

  iceberg::DataFile WriteEqualities(const std::string& name, const ArrowFields& fields,
                                    std::string_view rows, std::vector<int> ids,
                                    iceberg::PartitionValues partition = {}) {
    iceberg::DataFile file = WriteFile(name, fields, rows, std::move(partition));
    file.content = iceberg::FileContent::kEqualityDeletes;
    for (const int id : ids) file.equality_ids.emplace_back(id);
    return file;
  }

  // A deletion vector in a file of its own, after `before` other bytes.
  iceberg::DataFile WriteVector(const std::string& name, const iceberg::DataFile& of,
                                const std::vector<std::int64_t>& positions,
                                std::size_t before = 4) {
    return WriteBlob(name, of, VectorBlob(positions),
                     static_cast<std::int64_t>(positions.size()), before);
  }
  iceberg::DataFile WriteBlob(const std::string& name, const iceberg::DataFile& of,
                              const std::string& blob, std::int64_t count,
                              std::size_t before = 4) {
    iceberg::DataFile file;
    file.content = iceberg::FileContent::kPositionDeletes;
    file.file_format = iceberg::FileFormat::kPuffin;
    file.file_path = metadata.location + "/data/" + name;
    file.spec_id = of.spec_id;
    file.partition = of.partition;
    file.record_count = count;
    file.content_offset = static_cast<std::int64_t>(before);
    file.content_size_bytes = static_cast<std::int64_t>(blob.size());
    file.referenced_data_file = of.file_path;
    const std::string bytes = std::string(before, 'x') + blob + "PFA1";
    file.file_size_bytes = static_cast<std::int64_t>(bytes.size());
    EXPECT_TRUE(store.PutIfAbsent(context, file.file_path, bytes).ok());
    return file;
  }

  // A snapshot that adds these files, of any content, to what there is.
  iceberg::SnapshotId Commit(const std::vector<iceberg::DataFile>& files,
                             iceberg::Operation operation = iceberg::Operation::kAppend) {
    iceberg::Snapshot snapshot;
    const iceberg::SequenceNumber number(metadata.last_sequence_number.value + 1);
    snapshot.id = iceberg::SnapshotId(1000 + number.value);
    snapshot.sequence_number = number;
    snapshot.timestamp_ms = 1000 * number.value;
    snapshot.parent_id = metadata.current_snapshot_id;
    snapshot.operation = operation;
    snapshot.schema_id = metadata.current_schema_id;
    snapshot.manifest_list = Name("list");
    for (const auto content :
         {iceberg::ManifestContent::kData, iceberg::ManifestContent::kDeletes}) {
      for (const iceberg::PartitionSpec& spec : metadata.partition_specs) {
        AddManifest(content, spec, files, snapshot);
      }
    }
    const Status listed = manifests_io.WriteManifestList(context, snapshot, manifests);
    EXPECT_TRUE(listed.ok()) << listed;
    metadata.last_sequence_number = number;
    metadata.current_snapshot_id = snapshot.id;
    metadata.refs["main"] = {snapshot.id, iceberg::RefType::kBranch, {}, {}, {}};
    metadata.snapshot_log.push_back({snapshot.timestamp_ms, snapshot.id});
    metadata.snapshots.push_back(snapshot);
    return snapshot.id;
  }

  iceberg::LoadedTable Load() const {
    return {{{{"ns"}}, "t"},
            "memory://w/t/metadata/v.json",
            std::make_shared<const iceberg::TableMetadata>(metadata)};
  }

  struct Answer {
    Status status;
    std::shared_ptr<arrow::Array> rows;  // Of structs.
    scan::ScanStats stats;
    std::size_t splits = 0;
  };
  // All rows of a scan, in order.
  Answer Scan(const scan::ScanRequest& request = {}, const ScanOf& of = CurrentRows(),
              const base::Context* other_context = nullptr) {
    Answer answer;
    answer.status =
        ScanInto(request, of, other_context ? *other_context : context, answer);
    return answer;
  }

  base::ManualClock clock{0};
  base::Context context;
  io::MemoryStore store{clock};
  iceberg::ManifestIo manifests_io{store};
  parquet::FooterCache footers{1 << 20};
  iceberg::TableMetadata metadata;
  std::vector<iceberg::ManifestFile> manifests;  // Of the current snapshot.
  bool with_metrics = true;                      // Of the files that are written.
  int threads = 1;

 private:
  std::string Name(const std::string& what) {
    return metadata.location + "/metadata/" + what + std::to_string(++names_) + ".avro";
  }

  void AddManifest(iceberg::ManifestContent content, const iceberg::PartitionSpec& spec,
                   const std::vector<iceberg::DataFile>& files,
                   const iceberg::Snapshot& snapshot) {
    iceberg::ManifestHeader header{metadata.current_schema(), spec, content,
                                   metadata.format_version};
    std::vector<iceberg::ManifestEntry> entries;
    for (const iceberg::DataFile& file : files) {
      const bool is_data = file.content == iceberg::FileContent::kData;
      if (is_data != (content == iceberg::ManifestContent::kData) ||
          file.spec_id != spec.id) {
        continue;
      }
      iceberg::ManifestEntry& entry = entries.emplace_back();
      entry.snapshot_id = snapshot.id;
      entry.data_file = file;
    }
    if (entries.empty()) return;
    const std::string location = Name("manifest");
    const auto length = manifests_io.WriteManifest(context, location, header, entries);
    EXPECT_TRUE(length.ok()) << length.status();
    iceberg::ManifestFile manifest = iceberg::SummarizeManifest(
        header, entries, snapshot.id, snapshot.sequence_number);
    manifest.manifest_path = location;
    manifest.manifest_length_bytes = *length;
    manifest.spec_id = spec.id;
    manifest.content = content;
    manifest.sequence_number = snapshot.sequence_number;
    manifests.push_back(std::move(manifest));
  }

  Status ScanInto(const scan::ScanRequest& request, const ScanOf& of,
                  const base::Context& scan_context, Answer& answer) {
    ScanEnvironment environment{.store = store, .footers = footers, .threads = threads};
    FIRN_ASSIGN_OR_RETURN(const auto source, MakeTableSource(environment, Load(), of));
    FIRN_ASSIGN_OR_RETURN(const auto plan, source->Plan(scan_context, request));
    arrow::ArrayVector pieces;
    for (std::size_t i = 0;; ++i) {
      FIRN_ASSIGN_OR_RETURN(const auto stream, plan->OpenSplit(i));
      if (stream == nullptr) break;
      ++answer.splits;
      while (true) {
        FIRN_ASSIGN_OR_RETURN(const auto batch, stream->Next());
        if (batch == nullptr) break;
        EXPECT_TRUE(batch->schema()->Equals(*plan->schema()));
        EXPECT_TRUE(batch->ValidateFull().ok()) << batch->ValidateFull().ToString();
        pieces.push_back(*batch->ToStructArray());
      }
    }
    answer.stats = plan->stats();
    if (pieces.empty()) {
      pieces.push_back(*arrow::MakeEmptyArray(arrow::struct_(plan->schema()->fields())));
    }
    answer.rows = *arrow::Concatenate(pieces);
    return Status::OK();
  }

  int names_ = 0;
};

// Expects the scan to have succeeded with rows equal to `json`, in order.
inline void ExpectRows(const HandMadeTable::Answer& answer, std::string_view json) {
  ASSERT_TRUE(answer.status.ok()) << answer.status;
  const auto expected =
      arrow::json::ArrayFromJSONString(answer.rows->type(), std::string(json));
  ASSERT_TRUE(expected.ok()) << expected.status().ToString();
  EXPECT_TRUE(answer.rows->Equals(**expected))
      << "expected " << (*expected)->ToString() << "\ngot " << answer.rows->ToString();
}

// Expects an error of that code that names all of `texts`.
inline void ExpectError(const HandMadeTable::Answer& answer, StatusCode code,
                        const std::vector<std::string>& texts) {
  EXPECT_EQ(answer.status.code(), code) << answer.status;
  for (const std::string& text : texts) {
    EXPECT_NE(answer.status.message().find(text), std::string_view::npos)
        << answer.status << " does not name " << text;
  }
}

}  // namespace firn::table
