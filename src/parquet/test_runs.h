// SPDX-License-Identifier: Apache-2.0
// test_runs.h: rows with run-end encoded columns, and the same spelled out, for this
// room's tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arrow/array/array_run_end.h"
#include "arrow/array/concatenate.h"
#include "arrow/array/util.h"

#include "parquet/reader.h"
#include "parquet/test_objects.h"
#include "parquet/writer.h"

namespace firn::parquet {

// The same rows twice: spelled out, and with runs in all columns but `n` and `d`.
struct Rows {
  std::shared_ptr<arrow::RecordBatch> spelled_out;
  std::shared_ptr<arrow::RecordBatch> in_runs;
};

inline std::shared_ptr<arrow::Array> InRuns(const std::shared_ptr<arrow::Array>& values,
                                            const std::vector<std::int32_t>& ends) {
  arrow::Int32Builder builder;
  EXPECT_TRUE(builder.AppendValues(ends).ok());
  return arrow::RunEndEncodedArray::Make(ends.back(), builder.Finish().ValueOrDie(),
                                         values)
      .ValueOrDie();
}

inline std::shared_ptr<arrow::Array> SpellOut(const std::shared_ptr<arrow::Array>& values,
                                              const std::vector<std::int32_t>& ends) {
  arrow::ArrayVector rows;
  for (std::size_t i = 0, row = 0; i < ends.size(); ++i) {
    for (; row < static_cast<std::size_t>(ends[i]); ++row) {
      rows.push_back(values->Slice(static_cast<std::int64_t>(i), 1));
    }
  }
  return arrow::Concatenate(rows).ValueOrDie();
}

inline Rows MakeRows(const std::vector<std::int32_t>& ends, std::uint64_t seed) {
  const auto values = EveryTypeBatch(static_cast<std::int64_t>(ends.size()), seed);
  arrow::Int64Builder numbers;
  for (std::int64_t n = 0; n < ends.back(); ++n) EXPECT_TRUE(numbers.Append(n).ok());
  arrow::FieldVector fields, run_fields;
  arrow::ArrayVector columns, run_columns;
  for (const char* name : {"n", "d", "i", "s", "metric", "b", "id", "labels", "events"}) {
    const auto field = values->schema()->GetFieldByName(name);
    auto value = values->GetColumnByName(name);
    if (field->name() == "events") {
      value = arrow::MakeArrayOfNull(value->type(), value->length()).ValueOrDie();
    }
    const bool is_flat = field->name() == "n" || field->name() == "d";
    fields.push_back(field);
    columns.push_back(field->name() == "n" ? numbers.Finish().ValueOrDie()
                                           : SpellOut(value, ends));
    run_columns.push_back(is_flat ? columns.back() : InRuns(value, ends));
    run_fields.push_back(
        is_flat ? field
                : field->WithType(arrow::run_end_encoded(arrow::int32(), field->type())));
  }
  return {arrow::RecordBatch::Make(arrow::schema(fields), ends.back(), columns),
          arrow::RecordBatch::Make(arrow::schema(run_fields), ends.back(), run_columns)};
}

inline Result<FileReport> WriteIn(const arrow::RecordBatch& rows, std::int64_t batch_rows,
                                  const WriterOptions& options, std::string& bytes) {
  FIRN_ASSIGN_OR_RETURN(
      auto writer,
      FileWriter::Open(std::make_unique<StringWriter>(bytes), rows.schema(), options));
  for (std::int64_t row = 0; row < rows.num_rows(); row += batch_rows) {
    FIRN_RETURN_IF_ERROR(writer->Write(*rows.Slice(row, batch_rows)));
  }
  return std::move(*writer).Finish();
}

inline void ExpectRows(const std::string& bytes, const ScanSpec& spec,
                       const arrow::RecordBatch& expected, bool all) {
  const base::Context context;
  const auto reader =
      FileReader::Open(context, std::make_shared<StringReader>(bytes), "m", {});
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_TRUE((*reader)->schema()->Equals(*expected.schema()))
      << (*reader)->schema()->ToString();
  const auto stream =
      (*reader)->Read(context, spec, (*reader)->Plan(context, spec).value());
  ASSERT_TRUE(stream.ok()) << stream.status();
  std::int64_t rows = 0;
  const auto nans = arrow::EqualOptions::Defaults().nans_equal(true);
  while (true) {
    const auto batch = (*stream)->Next();
    ASSERT_TRUE(batch.ok()) << batch.status();
    if (*batch == nullptr) break;
    const auto& n = static_cast<const arrow::Int64Array&>(*(*batch)->column(0));
    for (std::int64_t i = 0; i < n.length();) {
      std::int64_t end = i + 1;
      while (end < n.length() && n.Value(end) == n.Value(end - 1) + 1) ++end;
      if (all) {
        ASSERT_EQ(n.Value(i), rows);
      }
      for (int c = 1; c < expected.num_columns(); ++c) {
        ASSERT_TRUE((*batch)->column(c)->RangeEquals(*expected.column(c), i, end,
                                                     n.Value(i), nans))
            << expected.schema()->field(c)->name() << " of rows from " << n.Value(i);
      }
      rows += end - i;
      i = end;
    }
  }
  if (all) {
    EXPECT_EQ(rows, expected.num_rows());
  }
}

}  // namespace firn::parquet
