// SPDX-License-Identifier: Apache-2.0
#include "tsdb/samples_batch.h"

#include <arrow/array.h>
#include <arrow/array/array_run_end.h>
#include <arrow/array/concatenate.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "iceberg/random.h"
#include "iceberg/sql_catalog.h"
#include "io/memory_store.h"
#include "tsdb/tables.h"

namespace firn::tsdb {
namespace {

iceberg::TableMetadata SamplesMetadata() {
  const base::ManualClock clock(0);
  io::MemoryStore store(clock);
  iceberg::RandomSource random;
  iceberg::SqlCatalogOptions options;
  options.uri = "sqlite://";
  options.warehouse = "memory://w";
  const auto catalog =
      iceberg::OpenSqlCatalog(std::move(options), store, clock, random).value();
  return *OpenOrCreateTables(base::Context(), *catalog, {"zone"})
              .value()
              .samples.metadata;
}

// A table whose columns somebody numbered from one on takes no rows of firn's.
TEST(MetricTables, RefuseColumnsWithOtherIds) {
  const base::ManualClock clock(0);
  const base::Context context;
  io::MemoryStore store(clock);
  iceberg::RandomSource random;
  iceberg::SqlCatalogOptions options;
  options.uri = "sqlite://";
  options.warehouse = "memory://w";
  const auto catalog =
      iceberg::OpenSqlCatalog(std::move(options), store, clock, random).value();
  iceberg::CreateTableRequest request;
  request.schema = OpenOrCreateTables(context, *catalog, {})
                       .value()
                       .samples.metadata->current_schema();
  ASSERT_TRUE(catalog->DropTable(context, SamplesTable()).ok());
  request.identifier = SamplesTable();
  std::vector<iceberg::NestedField>& columns = request.schema.root.fields;
  ASSERT_EQ(columns.back().name, "instance");
  columns.back().id = iceberg::FieldId(13);
  ASSERT_TRUE(catalog->CreateTable(context, request).ok());
  const Status refused = OpenOrCreateTables(context, *catalog, {}).status();
  EXPECT_EQ(refused.code(), StatusCode::kUnimplemented) << refused;
  EXPECT_NE(refused.message().find("column instance"), std::string_view::npos) << refused;

  ASSERT_TRUE(catalog->DropTable(context, SamplesTable()).ok());
  columns.back().id = iceberg::FieldId(5000);  // Somebody's, added later.
  columns.front().id = iceberg::FieldId(14);
  ASSERT_TRUE(catalog->CreateTable(context, request).ok());
  EXPECT_EQ(OpenOrCreateTables(context, *catalog, {}).status().code(),
            StatusCode::kUnimplemented);
  ASSERT_TRUE(catalog->DropTable(context, SamplesTable()).ok());
  columns.front().id = iceberg::FieldId(kTenantId);
  ASSERT_TRUE(catalog->CreateTable(context, request).ok());
  EXPECT_TRUE(OpenOrCreateTables(context, *catalog, {}).ok());
}

std::shared_ptr<arrow::RecordBatch> Build(const iceberg::TableMetadata& metadata,
                                          SampleRows rows) {
  const auto builder =
      SamplesBatchBuilder::Make(metadata, std::nullopt, rows, nullptr).value();
  const auto add = [&](std::vector<Label> labels, const std::vector<double>& values) {
    const Labels set = Labels::FromUnsorted(std::move(labels));
    builder->BeginSeries("", base::ComputeSeriesId("", set), set);
    std::vector<TimestampMs> timestamps;
    for (std::size_t i = 0; i < values.size(); ++i) {
      timestamps.push_back(static_cast<TimestampMs>(1000 * i));
    }
    EXPECT_TRUE(builder
                    ->Append(timestamps.data(), values.data(),
                             static_cast<std::int64_t>(values.size()))
                    .ok());
  };
  add({{"__name__", "bare"}}, {1, 2, 3});
  add({{"__name__", "up"}, {"job", "node"}, {"mode", "idle"}, {"zone", "a"}},
      {1, StaleMarker(), StaleMarker(), 0, StaleMarker()});
  add({{"__name__", "up"}, {"instance", "b"}, {"cpu", "0"}, {"mode", "idle"}}, {7});
  EXPECT_EQ(builder->row_count(), 9);
  const auto batch = builder->Flush().value();
  EXPECT_EQ(builder->row_count(), 0);
  EXPECT_EQ(batch->schema().get(), builder->schema().get());
  return batch;
}

std::shared_ptr<arrow::Array> SpelledOut(const std::shared_ptr<arrow::Array>& array) {
  if (array->type_id() != arrow::Type::RUN_END_ENCODED) return array;
  const auto& runs = static_cast<const arrow::RunEndEncodedArray&>(*array);
  const auto& ends = static_cast<const arrow::Int32Array&>(*runs.run_ends());
  arrow::ArrayVector rows;
  for (std::int64_t i = 0; i < ends.length(); ++i) {
    while (static_cast<std::int32_t>(rows.size()) < ends.Value(i)) {
      rows.push_back(runs.values()->Slice(i, 1));
    }
  }
  return arrow::Concatenate(rows).ValueOrDie();
}

// A row is the same whether a scan asks the head for it or a settle writes it.
TEST(SamplesBatch, RunsHoldTheRowsThatAScanSees) {
  const iceberg::TableMetadata metadata = SamplesMetadata();
  const auto scanned = Build(metadata, SampleRows::kSpelledOut);
  const auto settled = Build(metadata, SampleRows::kRuns);
  ASSERT_TRUE(scanned->ValidateFull().ok()) << scanned->ValidateFull().ToString();
  ASSERT_TRUE(settled->ValidateFull().ok()) << settled->ValidateFull().ToString();
  ASSERT_EQ(settled->num_columns(), scanned->num_columns());
  for (int i = 0; i < scanned->num_columns(); ++i) {
    const std::string& name = scanned->schema()->field(i)->name();
    const bool varies = name == "ts" || name == "value";
    EXPECT_EQ(settled->column(i)->type_id() != arrow::Type::RUN_END_ENCODED, varies)
        << name;
    EXPECT_TRUE(SpelledOut(settled->column(i))->Equals(*scanned->column(i))) << name;
  }
}

// What a settle costs goes by the series: a run each, and a few where samples are stale.
TEST(SamplesBatch, ASeriesIsOneRun) {
  const auto batch = Build(SamplesMetadata(), SampleRows::kRuns);
  const auto runs = [&](const char* name) {
    return static_cast<const arrow::RunEndEncodedArray&>(*batch->GetColumnByName(name))
        .values()
        ->length();
  };
  EXPECT_EQ(runs("labels"), 3);
  EXPECT_EQ(runs("zone"), 3);
  EXPECT_EQ(runs("start_ts"), 3);
  EXPECT_EQ(runs("flags"), 6);
}

}  // namespace
}  // namespace firn::tsdb
