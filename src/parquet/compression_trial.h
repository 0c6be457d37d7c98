// SPDX-License-Identifier: Apache-2.0
// compression_trial.h: which encoding and codec suits a column, found by trying.
//
// 1. Of the first rows a bounded sample is taken.
// 2. Each leaf is written, and read back, in every combination of the encodings that its
//    type has and the codecs that are asked about, the other leaves of its column as they
//    are. Sizes are of the leaf; CPU time is of the whole column, so the leaves beside it
//    add the same to each.
// 3. What a combination costs is its bytes, plus its CPU time at a price: cost_bytes().
//    The cheapest is chosen; of equals, the one that was listed first.
//
// Times differ from run to run, so two combinations that cost nearly the same may change
// places. Sizes do not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "firn/status.h"
#include "parquet/writer_options.h"

namespace arrow {
class RecordBatch;
}  // namespace arrow

namespace firn::base {
class Context;
}  // namespace firn::base

namespace firn::parquet {

class FileReader;

// One way to store a leaf.
struct StorageForm {
  bool dictionary = true;
  Encoding encoding = Encoding::kPlain;  // Where there is no dictionary.
  Codec codec = Codec::kZstd;
  std::optional<int> codec_level = {};
  bool operator==(const StorageForm&) const = default;
};
// "dictionary, zstd 3"; "DELTA_BINARY_PACKED, snappy".
std::string ToString(const StorageForm& form);

// What it took in the trial.
struct FormCost {
  StorageForm form = {};
  std::int64_t size_bytes = 0;
  std::int64_t write_cpu_ns = 0;
  std::int64_t read_cpu_ns = 0;
  bool operator==(const FormCost&) const = default;
};

struct ColumnTrial {
  std::string path;            // Of the leaf.
  std::int32_t field_id = -1;  // -1: it has none.
  std::int64_t sample_rows = 0;
  std::vector<FormCost> forms;  // In the order tried.
  std::size_t chosen = 0;       // Index into `forms`.
  bool operator==(const ColumnTrial&) const = default;
};

// Bytes plus the price of the CPU time: written once, read `options.reads` times.
double CostBytes(const FormCost& cost, const TrialOptions& options);

// InvalidArgument where they are not what they must be.
Status CheckTrial(const TrialOptions& trial);

// How much of the sample has been taken.
class SampleSize {
 public:
  explicit SampleSize(const TrialOptions& trial)
      : rows_left_(trial.sample_rows), bytes_left_(trial.sample_bytes) {}
  bool full() const { return rows_left_ <= 0 || bytes_left_ <= 0; }
  // Count `batch` in; how many of its rows, from the first, belong to the sample. At
  // least one of a batch that has any. REQUIRES: not full.
  Result<std::int64_t> Take(const arrow::RecordBatch& batch);

 private:
  std::int64_t rows_left_;
  std::int64_t bytes_left_;
};

// Try the leaves of the batches, which have one schema. Leaves whose options name a codec
// are left out, since their form is not open. REQUIRES: at least one batch.
Result<std::vector<ColumnTrial>> TryForms(
    const std::vector<std::shared_ptr<arrow::RecordBatch>>& sample,
    const WriterOptions& options, const TrialOptions& trial);

// The options with each leaf's form as it was chosen.
WriterOptions WithChosenForms(WriterOptions options,
                              const std::vector<ColumnTrial>& trials);

// What the file's own first rows say. `context` bounds the reading.
Result<std::vector<ColumnTrial>> RecommendForms(const base::Context& context,
                                                const FileReader& reader,
                                                const TrialOptions& trial);

// A table, one form a line, the chosen one of each column marked.
std::string ToText(const std::vector<ColumnTrial>& trials);
// [{"path":…,"rows":…,"chosen":{form},"forms":[{"dictionary":…,"encoding":…,"codec":…,
// "level":…|null,"bytes":…,"write_cpu_ns":…,"read_cpu_ns":…},…]},…]
std::string ToJson(const std::vector<ColumnTrial>& trials);

}  // namespace firn::parquet
