// SPDX-License-Identifier: Apache-2.0
// file_stream.h: one file's batches in the shape of the table or set that it is part of.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "scan/batch.h"
#include "table/scan_total.h"

namespace arrow {
class MemoryPool;
class Schema;
}  // namespace arrow

namespace firn::table {

// Longest batch that a table's scan reads: its rows are narrow mostly, and what is done
// once a batch is then done seldom. Batches of wide rows are bounded by their bytes.
inline constexpr std::int64_t kBatchRows = 1 << 16;

// What the inner stream has of a struct. A table's fields go by id: to fill what is not
// there by name would make NULL of a field that has another name in the file.
enum class StructFields : std::uint8_t { kAll, kAskedFor };

// A stream with `schema`: column i is the inner stream's column `sources[i]`, widened
// where the schema's type is another, or NULL where that is -1. With kAskedFor the inner
// structs have some fields of the schema's, by name, and the others are NULL. Adds to
// `total` what the inner stream reads, as it reads. `pool` may be null: Arrow's default.
// REQUIRES: the inner type is the schema's, or IsNarrower() than it, or with kAskedFor a
// struct of some of its fields.
std::unique_ptr<scan::BatchStream> MakeFileStream(
    std::unique_ptr<scan::BatchStream> inner, std::shared_ptr<arrow::Schema> schema,
    std::vector<int> sources, std::shared_ptr<ScanTotal> total, arrow::MemoryPool* pool,
    StructFields fields);

}  // namespace firn::table
