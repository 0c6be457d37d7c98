// SPDX-License-Identifier: Apache-2.0
#include "table/write_properties.h"

#include <gtest/gtest.h>

namespace firn::table {
namespace {

using iceberg::FieldId;

Result<TableWriterOptions> With(const std::map<std::string, std::string>& properties) {
  iceberg::Schema schema;
  schema.root.fields = {{FieldId(1), "id", true, iceberg::kLong, ""},
                        {FieldId(2), "labels", false,
                         iceberg::MakeMap(FieldId(3), iceberg::kString, FieldId(4), false,
                                          iceberg::kString),
                         ""}};
  return WithWriteProperties({}, properties, schema);
}

TEST(WritePropertiesTest, AreTakenByIcebergsNames) {
  const auto options =
      With({{"write.target-file-size-bytes", "1000"},
            {"write.parquet.compression-codec", "gzip"},
            {"write.parquet.row-group-size-bytes", "2000"},
            {"write.parquet.bloom-filter-enabled.column.labels.key", "true"},
            {"write.parquet.bloom-filter-fpp.column.labels.key", "0.05"},
            {"write.parquet.stats-enabled.column.id", "false"},
            {"write.metadata.metrics.default", "counts"},
            {"write.metadata.metrics.column.id", "truncate(8)"},
            {"write.metadata.metrics.column.dropped", "full"},
            {"write.spark.fanout.enabled", "perhaps"}});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->file_bytes_target, 1000);
  EXPECT_EQ(options->parquet.codec, parquet::Codec::kGzip);
  EXPECT_FALSE(options->parquet.codec_level.has_value());
  EXPECT_EQ(options->parquet.row_group_bytes, 2000);
  EXPECT_EQ(options->parquet.columns.at(3).bloom_filter->false_positive_rate, 0.05);
  EXPECT_FALSE(options->parquet.columns.at(1).statistics);
  EXPECT_EQ(options->metrics.Of(FieldId(9)).kind, MetricsMode::Kind::kCounts);
  EXPECT_EQ(options->metrics.Of(FieldId(1)),
            (MetricsMode{MetricsMode::Kind::kTruncate, 8}));
  EXPECT_EQ(options->metrics.columns.size(), 1u);
}

// Of a struct, list or map no file has values, and a writer refuses options for it.
TEST(WritePropertiesTest, WhatIsOfNoLeafIsPassedOver) {
  const auto options = With({{"write.parquet.bloom-filter-enabled.column.labels", "true"},
                             {"write.parquet.stats-enabled.column.labels", "false"}});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(options->parquet.columns.empty());
}

TEST(WritePropertiesTest, CodecsOfColumnsGoForTheColumnsThereAre) {
  iceberg::Schema schema;
  schema.root.fields = {{FieldId(7), "text", false, iceberg::kString, ""}};
  TableWriterOptions settings;
  settings.column_codecs = {{"text", {parquet::Codec::kGzip, 9}},
                            {"nobody", {parquet::Codec::kSnappy, std::nullopt}}};
  const auto options = WithWriteProperties(
      settings, {{"write.parquet.bloom-filter-enabled.column.text", "true"}}, schema);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(options->column_codecs.empty());
  ASSERT_EQ(options->parquet.columns.size(), 1u);
  const parquet::ColumnOptions& text = options->parquet.columns.at(7);
  EXPECT_EQ(text.codec, parquet::Codec::kGzip);
  EXPECT_EQ(text.codec_level, 9);
  EXPECT_TRUE(text.bloom_filter.has_value());
}

TEST(WritePropertiesTest, BadValuesAreErrorsThatNameTheKey) {
  const std::pair<std::pair<std::string, std::string>, std::string> cases[] = {
      {{"write.target-file-size-bytes", "512MB"},
       R"(property write.target-file-size-bytes: "512MB" is not a number above 0)"},
      {{"write.parquet.page-version", "v3"},
       R"(property write.parquet.page-version: "v3" is not v1 or v2)"},
      {{"write.metadata.metrics.default", "count"},
       R"(property write.metadata.metrics.default: "count" is not none, counts, )"
       "truncate(N) or full; did you mean counts?"},
      {{"write.metadata.metrics.column.id", "truncate(0)"},
       R"-(property write.metadata.metrics.column.id: "truncate(0)" is not none, )-"
       "counts, truncate(N) or full; did you mean truncate(16)?"},
      {{"write.parquet.bloom-filter-fpp.column.id", "1"},
       R"(property write.parquet.bloom-filter-fpp.column.id: "1" is not a rate )"
       "between 0 and 1"},
      {{"write.parquet.stats-enabled.column.id", "yes"},
       R"(property write.parquet.stats-enabled.column.id: "yes" is not true or false)"}};
  for (const auto& [property, text] : cases) {
    const Status status = With({property}).status();
    EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
    EXPECT_EQ(status.message(), text);
  }
  EXPECT_TRUE(With({{"write.parquet.compression-codec", "lzma"}})
                  .status()
                  .Is(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace firn::table
