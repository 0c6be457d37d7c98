// SPDX-License-Identifier: Apache-2.0
#include "table/split_packer.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/log.h"
#include "base/quote.h"
#include "table/projected_file.h"

namespace firn::table {
namespace {

constexpr char kTargetSize[] = "read.split.target-size";
constexpr char kOpenFileCost[] = "read.split.open-file-cost";
// Where opening costs nothing the first splits are this long.
constexpr std::int64_t kFirstSplitBytesMin = std::int64_t{1} << 20;
// What a property says beyond that makes no difference.
constexpr std::int64_t kSizeMax = std::int64_t{1} << 50;

void ReadProperty(const iceberg::TableMetadata& metadata, const char* name,
                  std::int64_t least, std::int64_t* value) {
  const std::string* text = metadata.FindProperty(name);
  if (text == nullptr) return;
  std::int64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto [at, error] = std::from_chars(text->data(), end, number);
  if (error == std::errc() && at == end && number >= least) {
    *value = std::min(number, kSizeMax);
    return;
  }
  base::LogWarn("a table property is no number of bytes and counts for nothing",
                {{"property", name},
                 {"value", base::Quoted(*text)},
                 {"least", std::to_string(least)},
                 {"table", metadata.location}});
}

// Of one piece of a task's file. Sums of sizes that metadata makes up do not overflow.
std::int64_t WorkOf(const iceberg::ScanTask& task, const ByteRange& range,
                    std::int64_t open_file_bytes) {
  double bytes = static_cast<double>(std::min(range.end_byte, task.file.file_size_bytes) -
                                     range.first_byte);
  for (const iceberg::DeleteFilePtr& file : task.deletes) {
    bytes +=
        static_cast<double>(file->is_vector() ? file->file.content_size_bytes.value_or(0)
                                              : file->file.file_size_bytes);
  }
  const double opening =
      static_cast<double>(open_file_bytes) * static_cast<double>(1 + task.deletes.size());
  return static_cast<std::int64_t>(
      std::clamp(std::max(bytes, opening), 0.0, static_cast<double>(kSizeMax)));
}

}  // namespace

SplitSizes SplitSizesOf(const iceberg::TableMetadata& metadata) {
  SplitSizes sizes;
  ReadProperty(metadata, kTargetSize, 1, &sizes.target_bytes);
  ReadProperty(metadata, kOpenFileCost, 0, &sizes.open_file_bytes);
  return sizes;
}

std::vector<ByteRange> CutFile(const iceberg::DataFile& file, std::int64_t split_bytes) {
  std::vector<ByteRange> ranges;
  std::int64_t first = 0;
  if (file.file_size_bytes > split_bytes &&
      std::is_sorted(file.split_offsets.begin(), file.split_offsets.end())) {
    for (const std::int64_t offset : file.split_offsets) {
      if (offset - first < split_bytes || offset >= file.file_size_bytes) continue;
      ranges.push_back({first, offset});
      first = offset;
    }
  }
  ranges.push_back({first, kEndOfFile});
  return ranges;
}

void SplitPacker::Add(iceberg::ScanTask&& task) {
  const auto planned = std::make_shared<PlannedTask>(std::move(task));
  for (const ByteRange& range : CutFile(planned->task().file, sizes_.target_bytes)) {
    const std::int64_t bytes = WorkOf(planned->task(), range, sizes_.open_file_bytes);
    if (open_bytes_ + bytes > SizeOfNext()) Close();
    open_.push_back({planned, range});
    open_bytes_ += bytes;
  }
}

std::int64_t SplitPacker::SizeOfNext() const {
  std::int64_t bytes = std::max(sizes_.open_file_bytes, kFirstSplitBytesMin);
  for (std::int64_t round = closed_ / threads_; round > 0 && bytes < sizes_.target_bytes;
       --round) {
    bytes *= 2;
  }
  return std::min(bytes, sizes_.target_bytes);
}

void SplitPacker::Close() {
  if (open_.empty()) return;
  done_.push_back(std::move(open_));
  open_.clear();
  open_bytes_ = 0;
  ++closed_;
}

}  // namespace firn::table
