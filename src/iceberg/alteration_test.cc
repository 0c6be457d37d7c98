// SPDX-License-Identifier: Apache-2.0
#include "iceberg/alteration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "iceberg/apply_updates.h"
#include "iceberg/name_mapping.h"
#include "iceberg/test_table.h"

namespace firn::iceberg {
namespace {

using testing::HasSubstr;

// id long, ts timestamptz, host string?; partitioned by day(ts), sorted by id.
class AlterationTest : public testing::Test {
 protected:
  AlterationTest() {
    NewTable made;
    made.uuid = "u";
    made.location = "memory://w/t";
    made.schema = TestSchema();
    made.spec = TestSpec();
    made.sort_order = TestOrder();
    table = *MakeTableMetadata(std::move(made));
  }

  // Alters the table. Returns what it is then, or what is wrong.
  std::string Alter(const std::vector<SchemaChange>& columns, const char* partition,
                    const char* sort) {
    Alteration alteration{columns, {}, {}};
    if (partition != nullptr) alteration.partition = *ParsePartitionTerms(partition);
    if (sort != nullptr) alteration.sort = *ParseSortTerms(sort);
    const auto actions = ActionsOf(table, alteration);
    if (!actions.ok()) return actions.status().ToString();
    TableMetadata altered = table;
    for (const Action& action : *actions) {
      std::vector<Update> updates;
      if (const auto* change = std::get_if<ChangeMetadata>(&action)) {
        updates = change->updates;
      } else if (const auto* schema = std::get_if<ReplaceSchema>(&action)) {
        updates = *BuildUpdates(altered, *schema);
      } else {
        updates = *BuildUpdates(altered, std::get<ReplaceSpec>(action));
      }
      const auto next = ApplyUpdates(altered, "memory://w/t/1.json", updates, 1);
      if (!next.ok()) return "after an action: " + next.status().ToString();
      altered = *next;
    }
    table = altered;
    std::string out;
    for (const NestedField& field : table.current_schema().fields()) {
      out += field.name + " ";
    }
    return out + ToString(table.default_spec(), table.current_schema()) + " " +
           ToString(table.default_sort_order(), table.current_schema());
  }

  TableMetadata table;
};

constexpr char kUntouched[] = "id ts host [day(ts) as ts_day] [id asc nulls-first]";

TEST_F(AlterationTest, AllPartsChangeTogether) {
  EXPECT_EQ(Alter({RenameColumn{"host", "node"}, AddColumn{"", "zone", kString}},
                  "day(ts), bucket(4, zone)", "node desc, zone"),
            "id ts node zone [day(ts) as ts_day, bucket[4](zone) as zone_bucket_4] "
            "[node desc nulls-last, zone asc nulls-first]");
  EXPECT_EQ(table.partition_specs.size(), 2U);
  EXPECT_EQ(table.sort_orders.size(), 3U);  // With the unsorted one.
  // What was there once comes back with its ids.
  EXPECT_EQ(Alter({}, "day(ts)", "id"),
            "id ts node zone [day(ts) as ts_day] [id asc nulls-first]");
  EXPECT_EQ(table.partition_specs.size(), 2U);
  EXPECT_EQ(table.sort_orders.size(), 3U);
  EXPECT_EQ(Alter({}, "", ""), "id ts node zone [] []");
  EXPECT_EQ(table.default_sort_order_id, kUnsortedOrderId);
}

TEST_F(AlterationTest, WhatIsSoAlreadyIsNoUpdate) {
  const TableMetadata before = table;
  EXPECT_EQ(Alter({MakeOptional{"host"}}, "day(ts)", "id"), kUntouched);
  table.last_updated_ms = before.last_updated_ms;
  table.metadata_log = before.metadata_log;
  EXPECT_EQ(table, before);
}

TEST_F(AlterationTest, NamesOfFilesWithoutIdsFollow) {
  std::string& names = table.properties[kPropertyNameMapping];
  names = NameMappingToJson(MakeNameMapping(table.current_schema()));
  const std::string before = names;
  Alter({WidenType{"id", kLong}}, nullptr, "host");
  EXPECT_EQ(table.properties[kPropertyNameMapping], before);
  Alter({RenameColumn{"host", "node"}, AddColumn{"", "zone", kString}}, nullptr, nullptr);
  const auto mapping = NameMappingFromJson(table.properties[kPropertyNameMapping]);
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  ASSERT_EQ(mapping->fields.size(), 4U);
  EXPECT_THAT(mapping->fields[2].names, testing::UnorderedElementsAre("host", "node"));
  EXPECT_THAT(mapping->fields[3].names, testing::ElementsAre("zone"));
  const TableMetadata altered = table;
  EXPECT_THAT(
      Alter({DropColumn{"zone"}, AddColumn{"", "zone", kString}}, nullptr, nullptr),
      HasSubstr("AlreadyExists: column zone: the table's name mapping"));
  EXPECT_EQ(table, altered);
  table.properties[kPropertyNameMapping] = "nonsense";
  Alter({DropColumn{"zone"}}, nullptr, nullptr);
  EXPECT_EQ(table.properties[kPropertyNameMapping], "nonsense");
}

TEST_F(AlterationTest, ColumnsGoWithTheLayoutThatNeededThem) {
  EXPECT_THAT(Alter({DropColumn{"ts"}}, nullptr, nullptr),
              HasSubstr("partition field ts_day is made of it: remove that first"));
  EXPECT_THAT(Alter({DropColumn{"id"}}, nullptr, nullptr),
              HasSubstr("the table is sorted by it"));
  EXPECT_EQ(Alter({DropColumn{"ts"}, DropColumn{"id"}}, "host", "host"),
            "host [identity(host) as host] [host asc nulls-first]");
}

TEST_F(AlterationTest, ColumnsThatComeAndGoForOneLayoutTakeTwoCommands) {
  EXPECT_EQ(Alter({AddColumn{"", "day", kDate}, DropColumn{"ts"}}, "day", nullptr),
            "InvalidArgument: partition: the one that is there needs a column that goes, "
            "and the new one a column that comes: add columns first, and drop them by "
            "another command");
  EXPECT_THAT(Alter({AddColumn{"", "n", kLong}, DropColumn{"id"}}, nullptr, "n"),
              HasSubstr("InvalidArgument: sort: the one that is there needs"));
  EXPECT_EQ(
      Alter({DropColumn{"ts"}, AddColumn{"", "ts", kString}}, "ts", nullptr),
      "InvalidArgument: partition: the one that is there needs a column that goes, "
      "and the new one a column that comes and has its name: drop the column first, "
      "with a partition of the other columns, then add the new one and give the "
      "partition by another command");
  EXPECT_THAT(
      Alter({DropColumn{"id"}, AddColumn{"", "id", kString}}, nullptr, "ts, id"),
      HasSubstr("sort: the one that is there needs a column that goes, and the new "
                "one a column that comes and has its name: drop"));
  EXPECT_EQ(Alter({AddColumn{"", "day", kDate}}, "day", nullptr),
            "id ts host day [identity(day) as day] [id asc nulls-first]");
  EXPECT_EQ(Alter({DropColumn{"ts"}}, nullptr, nullptr),
            "id host day [identity(day) as day] [id asc nulls-first]");
}

TEST_F(AlterationTest, ErrorsSayWhatTheyAreAbout) {
  EXPECT_EQ(
      Alter({}, "day(tss)", nullptr),
      "InvalidArgument: partition: character 5: there is no column tss; is ts meant?");
  EXPECT_THAT(Alter({}, "day(host)", nullptr),
              HasSubstr("partition: character 5: column host: "));
  EXPECT_EQ(Alter({RenameColumn{"host", "node"}}, nullptr, "ts, host"),
            "InvalidArgument: sort: character 5: there is no column host");
  EXPECT_EQ(Alter({DropColumn{"nope"}}, "", ""),
            "NotFound: drop column nope: there is no column nope");
  EXPECT_EQ(Alter({}, nullptr, nullptr), kUntouched);
}

}  // namespace
}  // namespace firn::iceberg
