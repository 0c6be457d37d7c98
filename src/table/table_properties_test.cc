// SPDX-License-Identifier: Apache-2.0
#include "table/table_properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "iceberg/apply_updates.h"

namespace firn::table {
namespace {

using iceberg::FieldId;
using testing::HasSubstr;
using Properties = std::map<std::string, std::string>;

iceberg::Schema TwoColumns() {
  iceberg::Schema schema;
  schema.root.fields = {{FieldId(1), "id", true, iceberg::kLong, ""},
                        {FieldId(2), "labels", false,
                         iceberg::MakeMap(FieldId(3), iceberg::kString, FieldId(4), false,
                                          iceberg::kString),
                         ""}};
  return schema;
}

std::string Error(const Properties& properties) {
  const auto checked = NewTableProperties(properties, TwoColumns());
  if (checked.ok()) return "";
  EXPECT_TRUE(checked.status().Is(StatusCode::kInvalidArgument)) << checked.status();
  return std::string(checked.status().message());
}

TEST(TablePropertiesTest, OthersAreTakenAsTheyAre) {
  const Properties given = {
      {"write.target-file-size-bytes", "1000"},
      {"write.parquet.compression-codec", "gzip"},
      {"write.parquet.compression-level", "9"},
      {"write.parquet.bloom-filter-enabled.column.labels.key", "true"},
      {"commit.retry.num-retries", "0"},
      {"history.expire.min-snapshots-to-keep", "1"},
      {"firn.history.expire-after-commit.enabled", "true"},
      {"write.delete.isolation-level", "snapshot"},
      {"write.merge.isolation-level", "serializable"},
      {"write.update.isolation-level", "SNAPSHOT"},
      {"write.spark.fanout.enabled", "perhaps"},
      {"write.parquet.bloom-filter-ndv.column.id", "1000"},
      {"owner", ""}};
  Properties with_version = given;
  with_version["format-version"] = "2";  // Which is no property to be kept.
  EXPECT_EQ(*NewTableProperties(with_version, TwoColumns()), given);
}

TEST(TablePropertiesTest, ErrorsNameThePropertyAndTheValue) {
  const std::pair<Properties, std::string> cases[] = {
      {{{"write.target-file-size-bytes", "512MB"}},
       R"(property write.target-file-size-bytes: "512MB" is not a number above 0)"},
      {{{"write.parquet.compression-codec", "zst"}},
       "property write.parquet.compression-codec: codec 'zst'; there are uncompressed, "
       "snappy, gzip, brotli, lz4 and zstd; did you mean zstd?"},
      {{{"write.parquet.compression-codec", "gzip"},
        {"write.parquet.compression-level", "100"}},
       "property write.parquet.compression-level: codec_level 100: gzip has 1 to 9"},
      {{{"write.parquet.bloom-filter-enabled.column.ids", "true"}},
       "property write.parquet.bloom-filter-enabled.column.ids: the table has no column "
       R"(of values "ids"; did you mean id?)"},
      {{{"write.metadata.metrics.column.labels", "full"}},
       "property write.metadata.metrics.column.labels: the table has no column of values "
       R"("labels")"},
      {{{"commit.retry.num-retries", "many"}},
       R"(property commit.retry.num-retries: "many" is not a whole number)"},
      {{{"history.expire.min-snapshots-to-keep", "0"}},
       R"(property history.expire.min-snapshots-to-keep: "0" is not a whole number above 0)"},
      {{{"history.expire.max-snapshot-age-ms", "5d"}},
       R"(property history.expire.max-snapshot-age-ms: "5d" is not a whole number above 0)"},
      {{{"commit.manifest-merge.enabled", "yes"}},
       R"(property commit.manifest-merge.enabled: "yes" is not true or false)"},
      {{{"write.metadata.compression-codec", "zstd"}},
       R"(property write.metadata.compression-codec: "zstd" is not none or gzip)"},
      {{{"write.update.isolation-level", "none"}},
       R"(property write.update.isolation-level: "none" is not serializable or snapshot)"},
      {{{"write.format.default", "orc"}},
       R"(property write.format.default: "orc" is not parquet, and firn reads and )"
       "writes no other"},
      {{{"format-version", "3"}},
       R"(property format-version: "3" is not 2: tables of other versions are read, and )"
       "not written"},
      {{{"uuid", "x"}},
       "property uuid: is a part of the table's metadata, and no property"},
      {{{"firn.history.expire-after-commit", "true"}},
       "property firn.history.expire-after-commit: there is no such property of firn's; "
       "did you mean firn.history.expire-after-commit.enabled?"},
      {{{"write.parquet.compresion-codec", "zstd"}},
       "property write.parquet.compresion-codec: Iceberg has no such property; did you "
       "mean write.parquet.compression-codec?"},
      {{{"gc.enable", "true"}},
       "property gc.enable: Iceberg has no such property; did you mean gc.enabled?"},
      {{{"write.parquet.bloom-filter-enabled", "true"}},
       "property write.parquet.bloom-filter-enabled: Iceberg has no such property; did "
       "you mean write.parquet.bloom-filter-enabled.column.COLUMN?"},
      {{{"firn.schema-version", "2"}},
       "property firn.schema-version: is firn's own, and not to be changed"},
      {{{"", "x"}}, "a property has no name"}};
  for (const auto& [properties, text] : cases) {
    if (text.ends_with("\"labels\"")) {
      EXPECT_THAT(Error(properties), HasSubstr(text));
    } else {
      EXPECT_EQ(Error(properties), text);
    }
  }
  EXPECT_THAT(Error({{"firn.position.01ARZ3NDEKTSV4RRFFQ69G5FAV", "x"}}),
              HasSubstr("`firn table retire`"));
  EXPECT_THAT(Error({{"schema.name-mapping.default", "[{"}}),
              HasSubstr("property schema.name-mapping.default: "));
}

TEST(TablePropertiesTest, ChangesAreHeldAgainstTheTable) {
  iceberg::NewTable made;
  made.uuid = "u";
  made.location = "memory://w/t";
  made.schema = TwoColumns();
  made.properties = {{"owner", "a"},
                     {"write.parquet.compression-codec", "zstd"},
                     {"firn.position.01ARZ3NDEKTSV4RRFFQ69G5FAV", "x:1"}};
  const auto metadata = iceberg::MakeTableMetadata(std::move(made));
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  const auto check = [&](const PropertyChanges& changes) {
    return CheckPropertyChanges(changes, *metadata).ToString();
  };
  EXPECT_EQ(check({{{"owner", "b"}}, {}}), "OK");
  EXPECT_EQ(check({{{"more", "b"}}, {"owner"}}), "OK");
  EXPECT_THAT(check({{{"owner", "b"}}, {"owner"}}), HasSubstr("set and removed at once"));
  EXPECT_THAT(check({{}, {"owner", "owner"}}), HasSubstr("is removed twice"));
  EXPECT_EQ(CheckPropertyChanges({{}, {"ownr"}}, *metadata),
            Status::NotFound("the table has no property ownr; did you mean owner?"));
  EXPECT_THAT(check({{}, {"firn.position.01ARZ3NDEKTSV4RRFFQ69G5FAV"}}),
              HasSubstr("`firn table retire`"));
  EXPECT_THAT(check({{{"format-version", "2"}}, {}}), HasSubstr("no property"));
  // A level of the codec that the table has, or is to have.
  EXPECT_EQ(check({{{"write.parquet.compression-level", "19"}}, {}}), "OK");
  EXPECT_THAT(check({{{"write.parquet.compression-level", "19"},
                      {"write.parquet.compression-codec", "gzip"}},
                     {}}),
              HasSubstr("gzip has 1 to 9"));
}

}  // namespace
}  // namespace firn::table
