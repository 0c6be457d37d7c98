// SPDX-License-Identifier: Apache-2.0
// Random tables: files of two schemas, partitioned or not, and delete files of every kind
// between them, under random predicates and projections. The rows of a scan are those of
// a model that applies every delete to every row by itself.
//
// FIRN_CASES in the environment is the number of tables; a failure names its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

#include "expr/conjuncts.h"
#include "expr/select.h"
#include "table/hand_made_table.h"

namespace firn::table {
namespace {

using iceberg::DataFile;
using iceberg::FieldId;
using iceberg::Value;

constexpr std::int32_t kDefault = 5;  // Of the column that is added later.

struct Row {
  std::int64_t id = 0;
  std::optional<std::int64_t> k;
  std::optional<std::string> name;
  std::optional<std::int64_t> c;
  bool operator==(const Row&) const = default;
};

std::string Json(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "null";
}
std::string Json(const std::optional<std::string>& text) {
  return text ? '"' + *text + '"' : "null";
}

struct ModelFile {
  DataFile file;
  std::int64_t number = 0;  // Its sequence number.
  std::vector<Row> rows;
  std::set<std::int64_t> positions;  // Deleted.
  bool has_vector = false;
};

class RandomTable {
 public:
  explicit RandomTable(unsigned seed)
      : random_(seed), partitioned_(Chance(2)), table_(OldSchema(), Spec()) {
    table_.with_metrics = Chance(2);
    table_.threads = 1 + Below(3);
    const int commits = 2 + Below(6);
    for (int i = 0; i < commits; ++i) Commit();
  }

  HandMadeTable& table() { return table_; }

  std::vector<Row> Survivors() const {
    std::vector<Row> rows;
    for (const ModelFile& file : files_) {
      for (std::size_t i = 0; i < file.rows.size(); ++i) {
        if (file.positions.contains(static_cast<std::int64_t>(i))) continue;
        if (IsEqualDeleted(file, file.rows[i])) continue;
        rows.push_back(file.rows[i]);
      }
    }
    return rows;
  }

  expr::PredicatePtr RandomPredicate(int depth) {
    if (depth > 0 && Chance(2)) {
      std::vector<expr::PredicatePtr> operands = {RandomPredicate(depth - 1),
                                                  RandomPredicate(depth - 1)};
      if (Chance(3)) return expr::MakePredicate(expr::Not{operands[0]});
      return Chance(2) ? expr::MakePredicate(expr::And{operands})
                       : expr::MakePredicate(expr::Or{operands});
    }
    const std::vector<std::string> names = {"id", "k", "name", has_c_ ? "c" : "id"};
    const std::string& name = names[static_cast<std::size_t>(Below(4))];
    if (Chance(4)) return expr::MakePredicate(expr::IsNull{name});
    if (Chance(5)) return expr::MakePredicate(expr::IsNotNull{name});
    expr::Literal literal = std::int64_t{Below(8)};
    if (name == "name") literal = NameOf(Below(4));
    if (name == "id") literal = std::int64_t{Below(80)};
    return expr::MakePredicate(
        expr::Compare{name, static_cast<expr::CompareOp>(Below(6)), literal});
  }

  std::vector<std::string> RandomColumns(const expr::PredicatePtr& predicate) {
    std::vector<std::string> columns;
    const auto needed =
        predicate == nullptr ? std::set<std::string>() : expr::ColumnsOf(*predicate);
    for (const char* name : {"name", "c", "id", "k"}) {
      if (*name == 'c' && !has_c_) continue;
      if (needed.contains(name) || Chance(2)) columns.push_back(name);
    }
    return columns;
  }
  int Below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool Chance(int one_in) { return Below(one_in) == 0; }

 private:
  struct Equality {
    std::int64_t number = 0;
    std::vector<int> ids;
    std::vector<Row> rows;
    iceberg::PartitionValues partition;
    bool everywhere = false;
  };

  iceberg::PartitionSpec Spec() const {
    if (!partitioned_) return {};
    return {iceberg::SpecId(0),
            {{FieldId(3), FieldId(1000), "name", iceberg::Transform::Identity()}}};
  }
  static iceberg::Schema OldSchema() {
    iceberg::Schema schema;
    schema.root.fields = {{FieldId(1), "id", true, iceberg::kLong, ""},
                          {FieldId(2), "k", false, iceberg::kInt, ""},
                          {FieldId(3), "name", false, iceberg::kString, ""}};
    return schema;
  }
  static iceberg::Schema NewSchema() {
    iceberg::Schema schema = OldSchema();
    std::swap(schema.root.fields[0], schema.root.fields[2]);
    schema.root.fields[1].type = iceberg::kLong;
    schema.root.fields.push_back({FieldId(4), "c", false, iceberg::kLong, ""});
    schema.root.fields.back().initial_default = Value(std::int64_t{kDefault});
    return schema;
  }

  static std::string NameOf(int n) { return std::string(1, static_cast<char>('a' + n)); }

  Row RandomRow(const std::optional<std::string>& name) {
    Row row;
    row.id = Below(80);
    if (!Chance(5)) row.k = Below(8);
    row.name = name;
    row.c = has_c_ ? (Chance(5) ? std::nullopt : std::optional<std::int64_t>(Below(8)))
                   : std::optional<std::int64_t>(kDefault);
    return row;
  }
  std::optional<std::string> RandomName() {
    return Chance(5) ? std::nullopt : std::optional(NameOf(Below(4)));
  }
  iceberg::PartitionValues PartitionOf(const std::optional<std::string>& name) const {
    if (!partitioned_) return {};
    return {name ? iceberg::OptionalValue(Value(*name)) : std::nullopt};
  }

  std::shared_ptr<arrow::Field> FieldOf(int id) {
    const std::string name = std::string("file_") + std::to_string(id);
    switch (id) {
      case 2:
        return FileField(name, has_c_ && Chance(2) ? arrow::int64() : arrow::int32(), 2);
      case 3:
        return FileField(name, arrow::utf8(), 3);
      default:
        return FileField(name, arrow::int64(), id);
    }
  }
  static std::string Cell(const Row& row, int id) {
    return id == 1   ? std::to_string(row.id)
           : id == 2 ? Json(row.k)
           : id == 3 ? Json(row.name)
                     : Json(row.c);
  }
  std::shared_ptr<arrow::RecordBatch> Batch(const std::vector<Row>& rows,
                                            const std::vector<int>& ids) {
    ArrowFields fields;
    for (const int id : ids) fields.push_back(FieldOf(id));
    std::string json = "[";
    for (const Row& row : rows) {
      json += json.size() > 1 ? ",[" : "[";
      for (const int id : ids) json += (id == ids.front() ? "" : ",") + Cell(row, id);
      json += "]";
    }
    return RowsFromJson(fields, json + "]");
  }
  std::string NextName() { return "f" + std::to_string(++names_); }

  void Commit() {
    if (!has_c_ && Chance(3)) {
      has_c_ = true;
      table_.Evolve(NewSchema());
    }
    const std::int64_t number = table_.metadata.last_sequence_number.value + 1;
    std::vector<DataFile> added;
    const int files = files_.empty() ? 2 : Below(3);
    for (int i = 0; i < files; ++i) added.push_back(AddFile(number));
    if (!files_.empty()) {
      while (Chance(2)) AddPositions(added);
      while (Chance(2)) AddVector(added);
      while (Chance(2)) AddEquality(number, added);
    }
    table_.Commit(added);
  }

  DataFile AddFile(std::int64_t number) {
    ModelFile model;
    model.number = number;
    const auto name = RandomName();
    const int count = 1 + Below(30);
    for (int i = 0; i < count; ++i) {
      model.rows.push_back(RandomRow(partitioned_ ? name : RandomName()));
    }
    parquet::WriterOptions options;
    options.row_group_rows = 1 + Below(12);
    options.page_rows = 1 + Below(5);
    std::vector<int> ids = has_c_ ? std::vector{4, 1, 3, 2} : std::vector{3, 2, 1};
    if (partitioned_ && Chance(3)) std::erase(ids, 3);  // Its partition says it.
    model.file = table_.WriteBatch(NextName(), *Batch(model.rows, ids), PartitionOf(name),
                                   options);
    files_.push_back(model);
    return model.file;
  }

  // Of files with a vector none are added: a writer would make another vector.
  void AddPositions(std::vector<DataFile>& added) {
    ModelFile& first = Any();
    std::vector<std::pair<std::string, std::int64_t>> deletes;
    for (ModelFile& file : files_) {
      if (file.has_vector || file.file.partition != first.file.partition) continue;
      if (&file != &first && Chance(2)) continue;
      for (std::size_t i = 0; i < file.rows.size(); ++i) {
        if (!Chance(4)) continue;
        deletes.emplace_back(file.file.file_path, static_cast<std::int64_t>(i));
        file.positions.insert(static_cast<std::int64_t>(i));
      }
    }
    std::sort(deletes.begin(), deletes.end());
    if (!deletes.empty()) {
      added.push_back(table_.WritePositions(NextName(), deletes, first.file.partition));
    }
  }

  void AddVector(std::vector<DataFile>& added) {
    ModelFile& file = Any();
    if (file.has_vector) return;
    for (std::size_t i = 0; i < file.rows.size(); ++i) {
      if (Chance(3)) file.positions.insert(static_cast<std::int64_t>(i));
    }
    file.has_vector = true;
    added.push_back(table_.WriteVector(NextName(), file.file,
                                       {file.positions.begin(), file.positions.end()}));
  }

  void AddEquality(std::int64_t number, std::vector<DataFile>& added) {
    static const std::vector<std::vector<int>> kIds = {{1}, {2}, {2, 3}, {3, 2}, {4, 1}};
    Equality deletes;
    deletes.number = number;
    deletes.ids = kIds[static_cast<std::size_t>(Below(has_c_ ? 5 : 4))];
    const auto name = RandomName();
    deletes.partition = PartitionOf(name);
    deletes.everywhere = !partitioned_;
    const int count = 1 + Below(6);
    for (int i = 0; i < count; ++i) {
      deletes.rows.push_back(RandomRow(partitioned_ ? name : RandomName()));
    }
    DataFile file = table_.WriteBatch(NextName(), *Batch(deletes.rows, deletes.ids),
                                      deletes.partition);
    file.content = iceberg::FileContent::kEqualityDeletes;
    for (const int id : deletes.ids) file.equality_ids.emplace_back(id);
    added.push_back(file);
    equalities_.push_back(std::move(deletes));
  }

  ModelFile& Any() { return files_[random_() % files_.size()]; }

  bool IsEqualDeleted(const ModelFile& file, const Row& row) const {
    return std::any_of(
        equalities_.begin(), equalities_.end(), [&](const Equality& deletes) {
          if (deletes.number <= file.number) return false;
          if (!deletes.everywhere && deletes.partition != file.file.partition) {
            return false;
          }
          return std::any_of(
              deletes.rows.begin(), deletes.rows.end(), [&](const Row& gone) {
                return std::all_of(deletes.ids.begin(), deletes.ids.end(), [&](int id) {
                  return Cell(row, id) == Cell(gone, id);
                });
              });
        });
  }

  std::mt19937 random_;
  const bool partitioned_;
  HandMadeTable table_;
  bool has_c_ = false;
  std::vector<ModelFile> files_;
  std::vector<Equality> equalities_;
  int names_ = 0;
};

// The rows for which the predicate is true, as sorted texts.
std::vector<std::string> Selected(const std::shared_ptr<arrow::Array>& rows,
                                  const expr::PredicatePtr& predicate) {
  const auto batch = *arrow::RecordBatch::FromStructArray(rows);
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(rows->length()), 1);
  if (predicate != nullptr) expr::SelectRows(*predicate, *batch, mask);
  std::vector<std::string> texts;
  for (std::int64_t i = 0; i < rows->length(); ++i) {
    if (mask[static_cast<std::size_t>(i)] == 0) continue;
    texts.push_back((*rows->GetScalar(i))->ToString());
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

TEST(DeletesPropertyTest, ScansAreThoseOfTheModel) {
  const char* text = std::getenv("FIRN_CASES");
  const unsigned cases = text != nullptr ? static_cast<unsigned>(std::atoi(text)) : 150;
  std::int64_t rows_deleted = 0;
  std::int64_t files_pruned = 0;
  for (unsigned seed = 1; seed <= cases; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomTable random(seed);
    const std::vector<Row> survivors = random.Survivors();
    for (int i = 0; i < 4; ++i) {
      scan::ScanRequest request;
      if (i > 0) request.predicate = random.RandomPredicate(2);
      request.columns = random.RandomColumns(request.predicate);
      const auto answer = random.table().Scan(request);
      ASSERT_TRUE(answer.status.ok()) << answer.status;
      if (i == 0) {
        ASSERT_EQ(answer.rows->length(), static_cast<std::int64_t>(survivors.size()));
        EXPECT_EQ(answer.stats.rows - answer.stats.rows_deleted, answer.rows->length());
      }
      std::string json = "[";
      for (const Row& row : survivors) {
        json += json.size() > 1 ? ",{" : "{";
        for (const std::string& column : *request.columns) {
          json += (json.back() == '{' ? "\"" : ",\"") + column + "\":" +
                  (column == "id"     ? std::to_string(row.id)
                   : column == "k"    ? Json(row.k)
                   : column == "name" ? Json(row.name)
                                      : Json(row.c));
        }
        json += "}";
      }
      const auto expected =
          arrow::json::ArrayFromJSONString(answer.rows->type(), json + "]");
      ASSERT_TRUE(expected.ok()) << expected.status().ToString();
      ASSERT_EQ(Selected(answer.rows, request.predicate),
                Selected(*expected, request.predicate))
          << (request.predicate ? expr::ToString(*request.predicate) : "");
      rows_deleted += answer.stats.rows_deleted;
      files_pruned += answer.stats.files_pruned + answer.stats.row_groups_pruned;
    }
  }
  // The tables were such that something was tested.
  EXPECT_GT(rows_deleted, cases);
  EXPECT_GT(files_pruned, cases);
}

}  // namespace
}  // namespace firn::table
