// SPDX-License-Identifier: Apache-2.0
// file_stream.h: one file's batches in the shape of the set of files that it is part of.
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

// A stream with `schema`: column i is the inner stream's column `sources[i]`, widened
// where the schema's type is another, or NULL where that is -1. The inner structs have
// some fields of the schema's, by name, and the others are NULL. Adds to `total` what the
// inner stream reads, as it reads. `pool` may be null: Arrow's default.
// REQUIRES: the inner type is the schema's, or IsNarrower() than it, or a struct of some
// of its fields.
std::unique_ptr<scan::BatchStream> MakeFileStream(
    std::unique_ptr<scan::BatchStream> inner, std::shared_ptr<arrow::Schema> schema,
    std::vector<int> sources, std::shared_ptr<ScanTotal> total, arrow::MemoryPool* pool);

}  // namespace firn::table
