// SPDX-License-Identifier: Apache-2.0
// Tables with delete files of every kind, right and wrong, as other engines write them.
#include <gtest/gtest.h>

#include "base/budget.h"
#include "table/hand_made_table.h"
#include "table/split_packer.h"

namespace firn::table {
namespace {

using iceberg::DataFile;
using iceberg::FieldId;
using iceberg::Value;

// id long, name string.
iceberg::Schema IdName() {
  iceberg::Schema schema;
  schema.root.fields = {{FieldId(1), "id", false, iceberg::kLong, ""},
                        {FieldId(2), "name", false, iceberg::kString, ""}};
  return schema;
}
const ArrowFields& IdNameFile() {
  static const ArrowFields fields = {FileField("id", arrow::int64(), 1),
                                     FileField("name", arrow::utf8(), 2)};
  return fields;
}
iceberg::PartitionSpec ByName() {
  return {iceberg::SpecId(0),
          {{FieldId(2), FieldId(1000), "name", iceberg::Transform::Identity()}}};
}
iceberg::PartitionValues Of(const std::string& name) { return {Value(name)}; }

scan::ScanRequest Columns(std::vector<std::string> columns) {
  scan::ScanRequest request;
  request.columns = std::move(columns);
  return request;
}

TEST(DeleteFilesTest, PositionsAreDropped) {
  HandMadeTable table(IdName());
  const DataFile a =
      table.WriteFile("a", IdNameFile(), R"([[1,"x"],[2,"y"],[3,null],[4,"z"]])");
  const DataFile b = table.WriteFile("b", IdNameFile(), R"([[5,"x"],[6,"y"]])");
  table.Commit({a, b});
  table.Commit({table.WritePositions("d", {{a.file_path, 0},
                                           {a.file_path, 2},
                                           {b.file_path, 1},
                                           {"memory://w/t/data/gone", 7}})});
  const auto answer = table.Scan();
  ExpectRows(answer, R"([[2,"y"],[4,"z"],[5,"x"]])");
  EXPECT_EQ(answer.stats.delete_files_planned, 1);
  EXPECT_EQ(answer.stats.rows_deleted, 3);
  ExpectRows(table.Scan(Columns({"name"})), R"([["y"],["z"],["x"]])");
  ExpectRows(table.Scan(Columns({})), "[[],[],[]]");
}

TEST(DeleteFilesTest, PositionsAreThoseOfTheFileWhateverIsPruned) {
  HandMadeTable table(IdName());
  parquet::WriterOptions options;
  options.row_group_rows = 10;
  options.page_rows = 3;
  std::string rows = "[";
  for (int i = 0; i < 40; ++i) {
    rows += (i > 0 ? ",[" : "[") + std::to_string(i) + R"(,"n"])";
  }
  const DataFile a = table.WriteFile("a", IdNameFile(), rows + "]", {}, options);
  table.Commit({a});
  table.Commit({table.WriteVector("v", a, {25, 31, 38})});
  for (const int threads : {1, 3}) {
    table.threads = threads;
    scan::ScanRequest request = Columns({"id"});
    request.predicate = expr::MakePredicate(
        expr::Compare{"id", expr::CompareOp::kGtEq, std::int64_t{37}});
    const auto answer = table.Scan(request);
    ASSERT_TRUE(answer.status.ok()) << answer.status;
    EXPECT_GT(answer.stats.row_groups_pruned, 0);
    EXPECT_FALSE(answer.rows->ToString().find("39") == std::string::npos);
    EXPECT_TRUE(answer.rows->ToString().find("38") == std::string::npos);
  }
}

TEST(DeleteFilesTest, ADeletionVectorStandsForPositionDeletes) {
  HandMadeTable table(IdName());
  const DataFile a = table.WriteFile("a", IdNameFile(), R"([[1,"x"],[2,"y"],[3,"z"]])");
  table.Commit({a});
  table.Commit({table.WritePositions("d", {{a.file_path, 0}})});
  ExpectRows(table.Scan(), R"([[2,"y"],[3,"z"]])");
  // It must hold what the file said; that it does not here shows that nobody asks.
  table.Commit({table.WriteVector("v", a, {1})});
  ExpectRows(table.Scan(), R"([[1,"x"],[3,"z"]])");
}

TEST(DeleteFilesTest, WhatIsNewerIsNotDeleted) {
  HandMadeTable table(IdName());
  const DataFile a = table.WriteFile("a", IdNameFile(), R"([[1,"x"],[2,"y"]])");
  const DataFile b = table.WriteFile("b", IdNameFile(), R"([[1,"x"],[2,"y"]])");
  const DataFile c = table.WriteFile("c", IdNameFile(), R"([[1,"x"],[2,"y"]])");
  const ArrowFields id = {FileField("id", arrow::int64(), 1)};
  table.Commit({a});
  // Of the same snapshot: positions apply, equalities do not.
  table.Commit({b, table.WritePositions("p", {{b.file_path, 1}, {c.file_path, 1}}),
                table.WriteEqualities("e", id, "[[1]]", {1})});
  table.Commit({c});
  ExpectRows(table.Scan(), R"([[2,"y"],[1,"x"],[1,"x"],[2,"y"]])");
}

TEST(DeleteFilesTest, EqualitiesOfSeveralColumnsAndNulls) {
  HandMadeTable table(IdName());
  table.Commit({table.WriteFile("a", IdNameFile(),
                                R"([[1,"x"],[1,null],[null,"x"],[null,null],[2,"x"]])")});
  table.Commit(
      {table.WriteEqualities("e", IdNameFile(), R"([[1,null],[null,null]])", {1, 2})});
  ExpectRows(table.Scan(), R"([[1,"x"],[null,"x"],[2,"x"]])");
  // Columns in another order, and one more than is compared.
  table.Commit({table.WriteEqualities("f", IdNameFile(), R"([[7,"x"]])", {2})});
  ExpectRows(table.Scan(Columns({"id"})), "[]");
}

TEST(DeleteFilesTest, EqualityColumnsAreReadAndLeftOut) {
  HandMadeTable table(IdName());
  table.Commit({table.WriteFile("a", IdNameFile(), R"([[1,"x"],[2,"y"]])")});
  table.Commit(
      {table.WriteEqualities("e", {FileField("id", arrow::int64(), 1)}, "[[1]]", {1})});
  const auto answer = table.Scan(Columns({"name"}));
  ExpectRows(answer, R"([["y"]])");
  EXPECT_EQ(answer.stats.rows_deleted, 1);
  ExpectRows(table.Scan(Columns({})), "[[]]");
}

TEST(DeleteFilesTest, ADroppedColumnIsStillCompared) {
  HandMadeTable table(IdName());
  table.Commit({table.WriteFile("a", IdNameFile(), R"([[1,"x"],[2,"y"]])")});
  table.Commit({table.WriteEqualities("e", {FileField("name", arrow::utf8(), 2)},
                                      R"([["x"]])", {2})});
  // Gone, and another of the name has come: a predicate on that must not look at it.
  iceberg::Schema schema;
  schema.root.fields = {{FieldId(1), "id", false, iceberg::kLong, ""},
                        {FieldId(3), "name", false, iceberg::kString, ""}};
  table.Evolve(schema);
  ExpectRows(table.Scan(), "[[2,null]]");
  scan::ScanRequest request;
  request.predicate = expr::MakePredicate(expr::IsNull{"name"});
  ExpectRows(table.Scan(request), "[[2,null]]");
}

TEST(DeleteFilesTest, PromotedEqualityColumnsCompareByValue) {
  iceberg::Schema schema = IdName();
  schema.root.fields[0].type = iceberg::kInt;
  HandMadeTable table(schema);
  table.Commit({table.WriteFile(
      "a", {FileField("id", arrow::int32(), 1), FileField("name", arrow::utf8(), 2)},
      R"([[1,"x"],[2,"y"]])")});
  table.Evolve(IdName());
  table.Commit({table.WriteFile("b", IdNameFile(), R"([[1,"p"],[3,"q"]])")});
  table.Commit(
      {table.WriteEqualities("e", {FileField("id", arrow::int32(), 1)}, "[[1]]", {1}),
       table.WriteEqualities("f", {FileField("id", arrow::int64(), 1)}, "[[3]]", {1})});
  ExpectRows(table.Scan(), R"([[2,"y"]])");
}

TEST(DeleteFilesTest, ANestedColumnIsCompared) {
  iceberg::Schema schema;
  schema.root.fields = {
      {FieldId(1), "s", false,
       iceberg::StructType{{{FieldId(2), "a", false, iceberg::kInt, ""},
                            {FieldId(3), "b", false, iceberg::kString, ""}}},
       ""}};
  HandMadeTable table(schema);
  const auto in_file = FileField("s",
                                 arrow::struct_({FileField("a", arrow::int32(), 2),
                                                 FileField("b", arrow::utf8(), 3)}),
                                 1);
  table.Commit({table.WriteFile("a", {in_file},
                                R"([[{"a":1,"b":"x"}],[{"a":2,"b":"y"}],[null]])")});
  table.Commit({table.WriteEqualities(
      "e", {FileField("s", arrow::struct_({FileField("a", arrow::int32(), 2)}), 1)},
      R"([[{"a":2}]])", {2})});
  ExpectRows(table.Scan(), R"([[{"a":1,"b":"x"}],[null]])");
}

TEST(DeleteFilesTest, FilesWithoutIdsAreComparedByTheNameMapping) {
  HandMadeTable table(IdName());
  table.metadata.properties["schema.name-mapping.default"] =
      R"([{"field-id":1,"names":["id","old id"]},{"field-id":2,"names":["name"]}])";
  table.Commit({table.WriteFile(
      "a",
      {FileField("name", arrow::utf8(), {}), FileField("old id", arrow::int64(), {})},
      R"([["x",1],["y",2]])")});
  table.Commit(
      {table.WriteEqualities("e", {FileField("id", arrow::int64(), {})}, "[[2]]", {1})});
  ExpectRows(table.Scan(), R"([[1,"x"]])");
}

TEST(DeleteFilesTest, PartitionsSaveTheirOwnRows) {
  HandMadeTable table(IdName(), ByName());
  // A second spec, without fields: its equality deletes hold everywhere.
  table.metadata.partition_specs.push_back({iceberg::SpecId(1), {}});
  const DataFile x =
      table.WriteFile("x", IdNameFile(), R"([[1,"x"],[2,"x"],[3,"x"]])", Of("x"));
  const DataFile y =
      table.WriteFile("y", IdNameFile(), R"([[1,"y"],[2,"y"],[3,"y"]])", Of("y"));
  table.Commit({x, y});
  const ArrowFields id = {FileField("id", arrow::int64(), 1)};
  table.Commit({table.WriteEqualities("e", id, "[[1]]", {1}, Of("x"))});
  ExpectRows(table.Scan(), R"([[2,"x"],[3,"x"],[1,"y"],[2,"y"],[3,"y"]])");
  DataFile everywhere = table.WriteEqualities("f", id, "[[2]]", {1});
  everywhere.spec_id = iceberg::SpecId(1);
  table.Commit({everywhere, table.WritePositions("p", {{y.file_path, 2}}, Of("y"))});
  ExpectRows(table.Scan(), R"([[3,"x"],[1,"y"]])");
  // A predicate prunes the delete files of other partitions with their data.
  scan::ScanRequest request;
  request.predicate =
      expr::MakePredicate(expr::Compare{"name", expr::CompareOp::kEq, std::string("x")});
  const auto answer = table.Scan(request);
  ExpectRows(answer, R"([[3,"x"]])");
  EXPECT_EQ(answer.stats.delete_files_planned, 2);
}

TEST(DeleteFilesTest, ALargeFileIsCutAndItsDeletesAreReadOnce) {
  HandMadeTable table(IdName());
  parquet::WriterOptions options;
  options.row_group_rows = 2;
  DataFile a = table.WriteFile("a", IdNameFile(),
                               R"([[1,"x"],[2,"y"],[3,"z"],[4,"u"],[5,"v"],[6,"w"]])", {},
                               options);
  ASSERT_EQ(a.split_offsets.size(), 3u);
  const auto ranges = CutFile(a, 1);
  ASSERT_EQ(ranges.size(), 4u);  // The first begins before the first row group.
  EXPECT_EQ(ranges.back().end_byte, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(CutFile(a, 1 << 20).size(), 1u);

  const DataFile vector = table.WriteVector("dv", a, {0, 3, 5});
  table.Commit({a, vector});
  table.metadata.properties["read.split.target-size"] = "1";
  const auto answer = table.Scan();
  ExpectRows(answer, R"([[2,"y"],[3,"z"],[5,"v"]])");
  EXPECT_EQ(answer.splits, 4u);
  EXPECT_EQ(answer.stats.rows_deleted, 3);
  // The footer once, a range for each of the row groups, and the vector once.
  table.metadata.properties.erase("read.split.target-size");
  const auto whole = table.Scan();
  ExpectRows(whole, R"([[2,"y"],[3,"z"],[5,"v"]])");
  EXPECT_EQ(whole.splits, 1u);
  EXPECT_EQ(whole.stats.rows, answer.stats.rows);

  std::swap(a.split_offsets[0], a.split_offsets[2]);
  EXPECT_EQ(CutFile(a, 1).size(), 1u);
}

TEST(DeleteFilesTest, WhatIsWrongIsNamed) {
  const auto fresh = [] {
    auto table = std::make_unique<HandMadeTable>(IdName());
    table->Commit({table->WriteFile("a", IdNameFile(), R"([[1,"x"],[2,"y"]])")});
    return table;
  };
  const auto data = [](HandMadeTable& table) {
    DataFile file;
    file.file_path = table.metadata.location + "/data/a";
    return file;
  };
  const StatusCode corrupt = StatusCode::kCorruption;
  {
    auto table = fresh();
    table->Commit({table->WriteVector("v", data(*table), {0, 5})});
    ExpectError(table->Scan(), corrupt, {"data/v", "row 5", "data/a", "which has 2"});
  }
  {
    auto table = fresh();
    table->Commit({table->WritePositions("p", {{data(*table).file_path, 2}})});
    ExpectError(table->Scan(), corrupt, {"data/p", "row 2"});
  }
  {
    auto table = fresh();
    table->Commit({table->WritePositions("p", {{data(*table).file_path, -1}})});
    ExpectError(table->Scan(), corrupt, {"data/p", "row -1"});
  }
  {
    auto table = fresh();
    DataFile vector = table->WriteVector("v", data(*table), {0});
    vector.content_offset = -4;
    table->Commit({vector});
    ExpectError(table->Scan(), corrupt, {"data/v", "offset -4"});
  }
  {
    auto table = fresh();
    DataFile vector = table->WriteVector("v", data(*table), {0});
    vector.content_size_bytes = std::int64_t{1} << 62;
    table->Commit({vector});
    ExpectError(table->Scan(), corrupt, {"data/v", "size 4611686018427387904"});
    // The manifest may lie about the file as well.
    vector.file_size_bytes = std::numeric_limits<std::int64_t>::max();
    table->manifests.pop_back();
    table->Commit({vector});
    ExpectError(table->Scan(), StatusCode::kResourceExhausted, {"data/v"});
  }
  {
    auto table = fresh();
    DataFile vector = table->WriteVector("v", data(*table), {0});
    vector.referenced_data_file.reset();
    table->Commit({vector});
    ExpectError(table->Scan(), corrupt, {"data/v", "which data file"});
  }
  {
    auto table = fresh();
    table->Commit({table->WriteVector("v", data(*table), {0}),
                   table->WriteVector("w", data(*table), {1})});
    ExpectError(table->Scan(), corrupt, {"data/a", "two deletion vectors"});
  }
  {
    auto table = fresh();
    DataFile vector = table->WriteVector("v", data(*table), {0});
    vector.record_count = 2;
    table->Commit({vector});
    ExpectError(table->Scan(), corrupt, {"data/v", "the manifest says 2"});
  }
  {
    auto table = fresh();
    table->Commit(
        {table->WriteBlob("v", data(*table), "an apache-datasketches-theta blob", 1)});
    ExpectError(table->Scan(), corrupt, {"data/v"});
  }
  {
    auto table = fresh();
    table->Commit(
        {table->WriteEqualities("e", {FileField("id", arrow::int64(), 1)}, "[[1]]", {})});
    ExpectError(table->Scan(), corrupt, {"data/e", "which columns"});
  }
  {
    auto table = fresh();
    table->Commit({table->WriteEqualities("e", {FileField("id", arrow::int64(), 1)},
                                          "[[1]]", {1, 2})});
    ExpectError(table->Scan(), corrupt, {"data/e", "name"});
  }
  {
    auto table = fresh();
    table->Commit({table->WriteEqualities("e", {FileField("id", arrow::int64(), 1)},
                                          "[[1]]", {77})});
    ExpectError(table->Scan(), corrupt, {"data/e", "77"});
  }
  {
    auto table = fresh();
    table->Commit({table->WriteEqualities("e", {FileField("id", arrow::int64(), {})},
                                          "[[1]]", {1})});
    ExpectError(table->Scan(), StatusCode::kInvalidArgument,
                {"data/e", "schema.name-mapping.default"});
  }
  for (const char* name : {"p", "e", "v"}) {
    auto table = fresh();
    DataFile file =
        *name == 'p'   ? table->WritePositions("p", {{data(*table).file_path, 0}})
        : *name == 'e' ? table->WriteEqualities("e", IdNameFile(), R"([[1,"x"]])", {1})
                       : table->WriteVector("v", data(*table), {0});
    table->Commit({file});
    ASSERT_TRUE(table->store.Remove(table->context, file.file_path).ok());
    ExpectError(table->Scan(), StatusCode::kNotFound, {file.file_path});
  }
  {
    auto table = fresh();
    DataFile file = table->WritePositions("p", {{data(*table).file_path, 0}});
    file.file_format = iceberg::FileFormat::kAvro;
    table->Commit({file});
    ExpectError(table->Scan(), StatusCode::kUnimplemented, {"data/p", "Parquet"});
  }
}

TEST(DeleteFilesTest, MemoryIsDrawnOnTheBudget) {
  HandMadeTable table(IdName());
  std::string rows = "[";
  for (int i = 0; i < 20'000; ++i) {
    rows += (i > 0 ? ",[" : "[") + std::to_string(i) + R"(,"n"])";
  }
  const DataFile a = table.WriteFile("a", IdNameFile(), rows + "]");
  table.Commit({a});
  table.Commit({table.WriteEqualities("e", IdNameFile(), rows + "]", {1})});
  base::ByteBudget small("scan", 100'000);
  const base::Context tight(base::SystemClock(), std::numeric_limits<std::int64_t>::max(),
                            &small);
  ExpectError(table.Scan({}, CurrentRows(), &tight), StatusCode::kResourceExhausted,
              {"data/e"});
  EXPECT_EQ(small.used_bytes(), 0);
  base::ByteBudget large("scan", 100'000'000);
  const base::Context roomy(base::SystemClock(), std::numeric_limits<std::int64_t>::max(),
                            &large);
  ExpectRows(table.Scan({}, CurrentRows(), &roomy), "[]");
  EXPECT_EQ(large.used_bytes(), 0);
}

}  // namespace
}  // namespace firn::table
