// SPDX-License-Identifier: Apache-2.0
#include "iceberg/partition_update.h"

#include <gtest/gtest.h>

#include "iceberg/apply_updates.h"
#include "iceberg/test_table.h"

namespace firn::iceberg {
namespace {

Transform Year() { return ParseTransform("year"); }

std::string Describe(const Result<std::vector<PartitionTerm>>& terms) {
  if (!terms.ok()) return std::string(terms.status().message());
  std::string out;
  for (const PartitionTerm& term : *terms) {
    out += ToString(term.transform) + "(" + term.column + ")" +
           (term.name.empty() ? "" : " as " + term.name) + "; ";
  }
  return out;
}

std::string Partition(std::string_view text) {
  return Describe(ParsePartitionTerms(text));
}

std::string Sort(std::string_view text) {
  const auto terms = ParseSortTerms(text);
  if (!terms.ok()) return std::string(terms.status().message());
  std::string out;
  for (const SortTerm& term : *terms) {
    out += ToString(term.transform) + "(" + term.column + ")" +
           (term.direction == SortDirection::kAscending ? " asc" : " desc") +
           (term.null_order == NullOrder::kNullsFirst ? " first; " : " last; ");
  }
  return out;
}

TEST(LayoutText, ReadsPartitionFields) {
  EXPECT_EQ(Partition("day(ts), bucket(16, host), truncate(4, x), region"),
            "day(ts); bucket[16](host); truncate[4](x); identity(region); ");
  EXPECT_EQ(Partition("  Hours( at )as h ,identity(a.b),\"odd \"\"name\"\"\""),
            "hour(at) as h; identity(a.b); identity(odd \"name\"); ");
  // A transform's name without parentheses is a column's.
  EXPECT_EQ(Partition("day"), "identity(day); ");
  EXPECT_EQ(Partition("\"day\""), "identity(day); ");
  EXPECT_EQ(Partition("void(x)"), "void(x); ");
  EXPECT_EQ(Partition("   "), "");
}

TEST(LayoutText, ErrorsNameTheCharacter) {
  EXPECT_EQ(Partition("day(ts"), "character 7: expected ')', found the end");
  EXPECT_EQ(Partition("day(ts) host"), "character 9: expected ',', found 'host'");
  EXPECT_EQ(Partition("day(ts),"),
            "character 9: expected a column or transform, found the end");
  EXPECT_EQ(Partition("day()"), "character 5: expected a column, found ')'");
  EXPECT_EQ(Partition("dya(ts)"),
            "character 1: there is no transform dya; is day meant?");
  EXPECT_EQ(Partition("a, bucket(host, 16)"),
            "character 11: expected a positive number, as in bucket(16, column), found "
            "'host'");
  EXPECT_EQ(
      Partition("bucket(0, host)"),
      "character 8: expected a positive number, as in bucket(16, column), found '0'");
  EXPECT_EQ(Partition("bucket(99999999999, host)").substr(0, 20), "character 8: expecte");
  EXPECT_EQ(Partition("truncate(4 host)"), "character 12: expected ',', found 'host'");
  EXPECT_EQ(Partition("\"host"), "character 1: the quoted name does not end");
  EXPECT_EQ(Partition("\"\""), "character 1: the name is empty");
  EXPECT_EQ(Partition("a as"), "character 5: expected a name, found the end");
  EXPECT_EQ(Partition("; drop"),
            "character 1: expected a column or transform, found ';'");
  EXPECT_EQ(Sort("ts desc nulls"), "character 14: expected first or last, found the end");
  EXPECT_EQ(Sort("ts down"), "character 4: expected ',', found 'down'");
}

TEST(LayoutText, ReadsSortOrders) {
  EXPECT_EQ(Sort("service, ts desc nulls last"),
            "identity(service) asc first; identity(ts) desc last; ");
  EXPECT_EQ(Sort("a ASC NULLS LAST,day(b) DESC Nulls First,c desc"),
            "identity(a) asc last; day(b) desc first; identity(c) desc last; ");
  const auto order = MakeSortOrder(*ParseSortTerms("host, day(ts) desc"), TestSchema());
  ASSERT_TRUE(order.ok()) << order.status();
  EXPECT_EQ(order->id, SortOrderId(1));
  EXPECT_EQ(ToString(*order, TestSchema()),
            "[host asc nulls-first, day(ts) desc nulls-last]");
  EXPECT_EQ(MakeSortOrder({}, TestSchema())->id, kUnsortedOrderId);
  EXPECT_EQ(
      MakeSortOrder(*ParseSortTerms("id, hst"), TestSchema()).status(),
      Status::InvalidArgument("character 5: there is no column hst; is host meant?"));
  EXPECT_EQ(MakeSortOrder(*ParseSortTerms("day( id)"), TestSchema()).status(),
            Status::InvalidArgument(
                "character 6: column id: transform day does not take type long"));
}

// id long, ts timestamptz, host string?, nest struct<path: string?>?; one spec: day(ts).
class PartitionUpdateTest : public testing::Test {
 protected:
  PartitionUpdateTest() {
    NewTable made;
    made.uuid = "u";
    made.location = "memory://w/t";
    made.schema = TestSchema();
    made.schema.root.fields.push_back(
        {FieldId(4), "nest", false,
         StructType{{{FieldId(5), "path", false, kString, ""}}}, ""});
    made.spec = TestSpec();
    table = *MakeTableMetadata(std::move(made));
  }

  static AddPartitionField Add(std::string_view text) {
    return {ParsePartitionTerms(text)->at(0)};
  }

  // `1000 day(ts) as ts_day, …`, or the error.
  std::string Describe(const Result<PartitionSpec>& spec) {
    if (!spec.ok()) return spec.status().ToString();
    std::string out;
    for (const PartitionField& field : spec->fields) {
      out += (out.empty() ? "" : ", ") + field.field_id.ToString() + " " +
             ToString(field.transform) + "(" +
             table.current_schema().FindName(field.source_id) + ") as " + field.name;
    }
    return out;
  }

  std::string After(const std::vector<PartitionChange>& changes) {
    return Describe(EvolvePartitionSpec(table, changes));
  }

  // Make the changes the table's default.
  void Commit(const std::vector<PartitionChange>& changes) {
    const auto spec = EvolvePartitionSpec(table, changes);
    ASSERT_TRUE(spec.ok()) << spec.status();
    const auto next =
        ApplyUpdates(table, "", {AddPartitionSpec{*spec}, SetDefaultSpec{}}, 1);
    ASSERT_TRUE(next.ok()) << next.status();
    EXPECT_EQ(next->default_spec().fields, spec->fields);
    table = *next;
  }

  TableMetadata table;
};

TEST_F(PartitionUpdateTest, FieldsAreNamedAsIcebergNamesThem) {
  EXPECT_EQ(
      Describe(MakePartitionSpec(
          *ParsePartitionTerms("day(ts), bucket(16, host), truncate(4, nest.path), "
                               "host, year(ts), hour(ts) as h"),
          table.current_schema())),
      "1000 day(ts) as ts_day, 1001 bucket[16](host) as host_bucket_16, "
      "1002 truncate[4](nest.path) as nest.path_trunc_4, 1003 identity(host) as host, "
      "1004 year(ts) as ts_year, 1005 hour(ts) as h");
  EXPECT_EQ(Describe(MakePartitionSpec({}, table.current_schema())), "");
  EXPECT_EQ(PartitionFieldName(Year(), "at"), "at_year");
}

TEST_F(PartitionUpdateTest, TermsMustGoWithTheSchema) {
  EXPECT_EQ(After({Add("  bucket(4, nope)")}),
            "InvalidArgument: character 13: there is no column nope");
  EXPECT_EQ(After({Add("nest")}).substr(0, 50),
            "InvalidArgument: character 1: column nest is of ty");
  EXPECT_EQ(After({Add("hour(id)")}),
            "InvalidArgument: character 6: column id: transform hour does not take type "
            "long");
  EXPECT_EQ(After({Add("bucket(4, id) as host")}),
            "InvalidArgument: partition field host: a column has that name; give one of "
            "them another, the partition field with `as NAME`");
  EXPECT_EQ(After({Add("day(ts)")}),
            "AlreadyExists: partition field ts_day is day(ts) already");
  EXPECT_EQ(After({Add("hour(ts) as ts_day")}),
            "AlreadyExists: partition field ts_day exists: give another name");
  EXPECT_EQ(After({RemovePartitionField{"ts"}}),
            "NotFound: there is no partition field ts");
}

TEST_F(PartitionUpdateTest, EquivalentFieldsKeepTheirIds) {
  Commit({RemovePartitionField{"ts_day"}, Add("bucket(4, host)")});
  EXPECT_EQ(After({}), "1001 bucket[4](host) as host_bucket_4");
  Commit({Add("hour(ts)"), RemovePartitionField{"host_bucket_4"}});
  EXPECT_EQ(After({}), "1002 hour(ts) as ts_hour");
  // What comes back is what it was; what is asked for by another name is another field.
  EXPECT_EQ(After({Add("bucket(4, host)"), Add("day(ts)")}),
            "1002 hour(ts) as ts_hour, 1001 bucket[4](host) as host_bucket_4, "
            "1000 day(ts) as ts_day");
  EXPECT_EQ(After({Add("day(ts) as d"), Add("bucket(5, host)")}),
            "1002 hour(ts) as ts_hour, 1003 day(ts) as d, "
            "1004 bucket[5](host) as host_bucket_5");
  EXPECT_EQ(After({RenamePartitionField{"ts_hour", "h"}}), "1002 hour(ts) as h");
}

TEST_F(PartitionUpdateTest, ReplacingKeepsWhatStays) {
  Commit({Add("bucket(4, host)")});
  EXPECT_EQ(
      After({ReplacePartitionFields{*ParsePartitionTerms("host, bucket(4, host)")}}),
      "1002 identity(host) as host, 1001 bucket[4](host) as host_bucket_4");
  EXPECT_EQ(After({ReplacePartitionFields{}}), "");
  EXPECT_EQ(After({ReplacePartitionFields{*ParsePartitionTerms("host, host")}}),
            "InvalidArgument: partition field host is identity(host) already");
  EXPECT_EQ(After({ReplacePartitionFields{*ParsePartitionTerms("host as x, id as x")}}),
            "InvalidArgument: partition field x exists: give another name");
}

TEST_F(PartitionUpdateTest, FieldsOfVersion1KeepTheirPlaces) {
  table.format_version = 1;
  EXPECT_EQ(After({RemovePartitionField{"ts_day"}, Add("hour(ts)"), Add("day(ts)")}),
            "1000 void(ts) as ts_day_1000, 1001 hour(ts) as ts_hour, "
            "1002 day(ts) as ts_day");
  Commit({Add("bucket(4, host)")});
  EXPECT_EQ(
      After({ReplacePartitionFields{*ParsePartitionTerms("host, bucket(4, host)")}}),
      "1000 void(ts) as ts_day, 1001 bucket[4](host) as host_bucket_4, "
      "1002 identity(host) as host");
}

}  // namespace
}  // namespace firn::iceberg
