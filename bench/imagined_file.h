// SPDX-License-Identifier: Apache-2.0
// imagined_file.h: data files as metadata describes them, of a table of eight columns
// that is partitioned by day, for benchmarks of what is done with metadata. No file is
// written.
#pragma once

#include <time.h>

#include <cstdint>
#include <string>

#include "iceberg/data_file.h"
#include "iceberg/random.h"
#include "iceberg/schema.h"
#include "iceberg/single_value.h"
#include "iceberg/table_metadata.h"

namespace firn {

inline constexpr std::int64_t kDayUs = 86'400'000'000;
// Of files that benchmarks imagine.
inline constexpr std::int32_t kFirstDay = 20'000;

inline iceberg::Schema EightColumns() {
  using namespace iceberg;
  Schema schema;
  schema.root.fields = {{FieldId(1), "ts", true, kTimestamptz, ""},
                        {FieldId(2), "tenant", true, kString, ""},
                        {FieldId(3), "host", true, kString, ""},
                        {FieldId(4), "metric", true, kString, ""},
                        {FieldId(5), "value", false, kDouble, ""},
                        {FieldId(6), "count", false, kLong, ""},
                        {FieldId(7), "flags", false, kInt, ""},
                        {FieldId(8), "message", false, kString, ""}};
  return schema;
}

inline iceberg::PartitionSpec ByDay() {
  using namespace iceberg;
  return {SpecId(0), {{FieldId(1), FieldId(1000), "ts_day", Transform::Day()}}};
}

// Rows of one day whose times lie in [first_us, end_us).
struct ImaginedFile {
  std::int32_t day = kFirstDay;
  int number = 0;  // Makes values differ from file to file.
  std::int64_t row_count = 0;
  std::int64_t size_bytes = 0;
  std::int64_t first_us = 0;
  std::int64_t end_us = 0;
};

// What a Parquet writer reports of such rows.
inline iceberg::DataFile Describe(const iceberg::TableMetadata& table,
                                  const ImaginedFile& imagined,
                                  iceberg::RandomSource& random) {
  using namespace iceberg;
  DataFile file;
  file.file_path = table.DataDirectory() + "/ts_day=" + std::to_string(imagined.day) +
                   "/t_data_20260101_" + random.NextUuid() + ".parquet";
  file.partition = {Value(imagined.day)};
  file.record_count = imagined.row_count;
  file.file_size_bytes = imagined.size_bytes;
  file.split_offsets = {4};
  for (const NestedField& field : table.current_schema().fields()) {
    const PrimitiveType& type = *field.type.primitive();
    file.column_sizes[field.id] = 5000 + static_cast<std::int64_t>(random.Next() % 999);
    file.value_counts[field.id] = file.record_count;
    file.null_value_counts[field.id] = field.required ? 0 : 17;
    Value lower = imagined.first_us;
    Value upper = imagined.end_us - 1;
    if (type == kString) {
      lower = field.name + "-aaaa-" + std::to_string(random.Next() % 1000);
      upper = field.name + "-zzzz-" + std::to_string(random.Next() % 1000);
    } else if (type == kDouble) {
      lower = 0.25 + imagined.number;
      upper = 99.5 + imagined.number;
      file.nan_value_counts[field.id] = 0;
    } else if (type == kInt) {
      lower = std::int32_t{0};
      upper = std::int32_t{7};
    }
    file.lower_bounds[field.id] = SerializeValue(lower, type);
    file.upper_bounds[field.id] = SerializeValue(upper, type);
  }
  return file;
}

// Of all threads of the process.
inline double CpuMs() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

}  // namespace firn
