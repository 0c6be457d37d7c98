// SPDX-License-Identifier: Apache-2.0
#include "sql/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "arrow/builder.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "base/clock.h"
#include "sql/test_query.h"
#include "sql/test_tables.h"

namespace firn::sql {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<arrow::Schema> IdSchema() {
  return arrow::schema({arrow::field("id", arrow::int64(), /*nullable=*/false),
                        arrow::field("name", arrow::utf8())});
}

std::shared_ptr<arrow::RecordBatch> IdBatch(std::int64_t begin, std::int64_t end) {
  arrow::Int64Builder ids;
  arrow::StringBuilder names;
  for (std::int64_t i = begin; i < end; ++i) {
    EXPECT_TRUE(ids.Append(i).ok());
    EXPECT_TRUE(names.Append("name " + std::to_string(i)).ok());
  }
  return arrow::RecordBatch::Make(IdSchema(), end - begin,
                                  {*ids.Finish(), *names.Finish()});
}

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    EngineOptions options;
    options.memory_bytes_max = 256 << 20;
    engine_ = Open(options);
    samples_ = tables_.Add({"metrics", "samples"}, IdSchema(),
                           {{IdBatch(0, 3000)}, {}, {IdBatch(3000, 5000)}});
  }

  std::unique_ptr<Engine> Open(const EngineOptions& options) {
    auto engine = Engine::Open(options, tables_);
    EXPECT_TRUE(engine.ok()) << engine.status();
    return std::move(*engine);
  }
  std::string Value(std::string_view sql) { return RunValue(*engine_, sql); }
  Status Fail(std::string_view sql) { return RunQuery(*engine_, sql).status(); }

  TestTables tables_;
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<TestTable> samples_;
};

TEST_F(EngineTest, SelectsFromATable) {
  EXPECT_EQ(Value("SELECT count(*) FROM metrics.samples"), "5000");
  EXPECT_EQ(Value("SELECT sum(id) FROM metrics.samples WHERE id < 10"), "45");
  EXPECT_EQ(Value("SELECT name FROM METRICS.Samples WHERE ID = 4321"), "name 4321");
  EXPECT_EQ(Value("SELECT count(*) FROM firn.metrics.samples"), "5000");
}

TEST_F(EngineTest, CountReadsNoColumn) {
  EXPECT_EQ(Value("SELECT count(*) FROM metrics.samples"), "5000");
  EXPECT_THAT(samples_->probe().columns, ElementsAre());
  EXPECT_EQ(Value("SELECT count(*) FROM metrics.samples WHERE id >= 4990"), "10");
  EXPECT_THAT(samples_->probe().columns, ElementsAre("id"));
}

TEST_F(EngineTest, AResultKeepsItsOrderOverSplits) {
  const auto rows = RunText(*engine_, "SELECT id FROM metrics.samples");
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 5000u);
  for (std::size_t i = 0; i < rows->size(); ++i) {
    ASSERT_EQ((*rows)[i][0], std::to_string(i));
  }
}

TEST_F(EngineTest, AnEmptyResultHasASchema) {
  const base::Context context;
  auto cursor = engine_->Query(context, "SELECT * FROM metrics.samples WHERE id < 0");
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  EXPECT_EQ((*cursor)->schema()->ToString(), "id: int64\nname: string");
  for (int i = 0; i < 3; ++i) {
    auto batch = (*cursor)->Next();
    ASSERT_TRUE(batch.ok()) << batch.status();
    EXPECT_EQ(*batch, nullptr);
  }
}

TEST_F(EngineTest, ListsTables) {
  tables_.Add({"a.b", "odd name"}, IdSchema(), {});
  const auto rows = RunText(*engine_, "SHOW TABLES");
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_THAT(*rows, ElementsAre(ElementsAre("\"a.b\".\"odd name\""),
                                 ElementsAre("metrics.samples")));
  EXPECT_EQ(tables_.opens, 0);
  EXPECT_EQ(Value("SELECT count(*) FROM \"a.b\".\"odd name\""), "0");
  EXPECT_EQ(Value("SELECT string_agg(table_schema || '/' || table_name, ' ' ORDER BY "
                  "table_schema) FROM information_schema.tables"),
            "a.b/odd name metrics/samples");
  EXPECT_EQ(Value("SELECT count(*) FROM (SHOW ALL TABLES)"), "2");
}

TEST_F(EngineTest, ListsNoTables) {
  TestTables none;
  auto engine = Engine::Open({}, none);
  ASSERT_TRUE(engine.ok());
  const auto rows = RunText(**engine, "SHOW TABLES");
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_TRUE(rows->empty());
}

TEST_F(EngineTest, DescribesATable) {
  const auto rows = RunText(*engine_, "DESCRIBE metrics.samples");
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_THAT(*rows,
              ElementsAre(ElementsAre("id", "BIGINT", "NO", "NULL", "NULL", "NULL"),
                          ElementsAre("name", "VARCHAR", "YES", "NULL", "NULL", "NULL")));
  EXPECT_EQ(samples_->probe().plans, 0);
  EXPECT_EQ(Value("SELECT max FROM (SUMMARIZE metrics.samples) "
                  "WHERE column_name = 'id'"),
            "4999");
}

TEST_F(EngineTest, ANamespaceNamedAsTheCatalogIsReachedThroughIt) {
  tables_.Add({"firn", "t"}, IdSchema(), {{IdBatch(0, 2)}});
  tables_.Add({"main", "u"}, IdSchema(), {{IdBatch(0, 3)}});
  EXPECT_EQ(Value("SELECT count(*) FROM firn.firn.t"), "2");
  EXPECT_EQ(Value("SELECT count(*) FROM u"), "3");
}

TEST_F(EngineTest, NamesThatDifferInCaseAreTwoTables) {
  tables_.Add({"metrics", "Samples"}, IdSchema(), {{IdBatch(0, 7)}});
  EXPECT_EQ(Value("SELECT count(*) FROM metrics.\"Samples\""), "7");
  EXPECT_EQ(Value("SELECT count(*) FROM metrics.samples"), "5000");
}

TEST_F(EngineTest, ATableAddedLaterIsSeen) {
  EXPECT_FALSE(Fail("SELECT * FROM metrics.later").ok());
  tables_.Add({"metrics", "later"}, IdSchema(), {{IdBatch(0, 1)}});
  EXPECT_EQ(Value("SELECT count(*) FROM metrics.later"), "1");
  // Another schema under the same name.
  tables_.Add({"metrics", "later"}, arrow::schema({arrow::field("x", arrow::int32())}),
              {});
  EXPECT_EQ(Value("SELECT count(x) FROM metrics.later"), "0");
}

TEST_F(EngineTest, AStatementSeesOneVersionOfATable) {
  tables_.opens = 0;
  EXPECT_EQ(Value("SELECT count(*) FROM metrics.samples a JOIN metrics.samples b "
                  "USING (id) WHERE id IN (SELECT id FROM metrics.samples)"),
            "5000");
  EXPECT_EQ(tables_.opens, 1);
  EXPECT_EQ(Value("SELECT count(*) FROM metrics.samples"), "5000");
  EXPECT_EQ(tables_.opens, 2);
}

TEST_F(EngineTest, ListsTheProviderOncePerStatement) {
  tables_.lists = 0;
  EXPECT_EQ(Value("SELECT count(*) FROM metrics.samples WHERE lower(name) = 'name 1'"),
            "1");
  EXPECT_EQ(tables_.lists, 1);
  EXPECT_EQ(Value("SELECT abs(-1)"), "1");
  EXPECT_EQ(tables_.lists, 1);
}

TEST_F(EngineTest, ReadsOnlyAsFarAsALimit) {
  std::vector<Batches> splits;
  for (int i = 0; i < 100; ++i) splits.push_back({IdBatch(i * 2048, (i + 1) * 2048)});
  const auto big = tables_.Add({"metrics", "big"}, IdSchema(), std::move(splits));
  EXPECT_EQ(Value("SELECT count(*) FROM (SELECT id FROM metrics.big LIMIT 10)"), "10");
  EXPECT_LT(big->probe().batches_read, 20);
}

TEST_F(EngineTest, CountsWhatScansRead) {
  const base::Context context;
  auto cursor = engine_->Start(context,
                               "SELECT count(*) FROM metrics.samples a, metrics.samples "
                               "b WHERE a.id = b.id AND a.id < 100 AND b.id < 100");
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  ASSERT_TRUE(Drain(**cursor).ok());
  EXPECT_EQ((*cursor)->scan_stats().files_planned, 6);
  EXPECT_EQ((*cursor)->scan_stats().rows, 200);
}

TEST_F(EngineTest, ExplainNamesTheTableAndAnalyzeTheScan) {
  const auto plan = RunText(*engine_, "EXPLAIN SELECT id FROM metrics.samples");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_THAT((*plan)[0][1], AllOf(HasSubstr("FIRN_SCAN"), HasSubstr("metrics.samples"),
                                   HasSubstr("5,000")));
  const auto analyzed =
      RunText(*engine_, "EXPLAIN ANALYZE SELECT id FROM metrics.samples WHERE id < 9");
  ASSERT_TRUE(analyzed.ok()) << analyzed.status();
  EXPECT_THAT((*analyzed)[0][1], AllOf(HasSubstr("3 files"), HasSubstr("9 rows")));
}

// --- Time.

TEST_F(EngineTest, TimesAreUtc) {
  EXPECT_EQ(Value("SELECT current_setting('TimeZone')"), "UTC");
  EXPECT_EQ(Value("SELECT (TIMESTAMPTZ '2026-01-01T02:00:00+02:00')::VARCHAR"),
            "2026-01-01 00:00:00+00");
  EXPECT_EQ(
      Value("SELECT date_trunc('day', TIMESTAMPTZ '2026-01-01T23:59:59Z')::VARCHAR"),
      "2026-01-01 00:00:00+00");
  EXPECT_EQ(Value("SELECT time_bucket(INTERVAL '5 minutes', TIMESTAMPTZ "
                  "'2026-01-01T00:07:00Z')::VARCHAR"),
            "2026-01-01 00:05:00+00");
  EXPECT_EQ(Value("SELECT now() > '2020-01-01T00:00:00Z'"), "true");
  EXPECT_EQ(Value("SELECT (now() - INTERVAL '1 day') < now()"), "true");
  const base::Context context;
  auto cursor = engine_->Query(context, "SELECT now() AS t");
  ASSERT_TRUE(cursor.ok());
  EXPECT_EQ((*cursor)->schema()->field(0)->type()->ToString(), "timestamp[us, tz=UTC]");
}

// --- Bad text.

TEST_F(EngineTest, ABadTextPointsAtThePlace) {
  const Status syntax = Fail("SELECT id FORM metrics.samples");
  EXPECT_EQ(syntax.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(syntax.message(), HasSubstr("LINE 1: SELECT id FORM metrics.samples\n"
                                          "                       ^"));

  const Status column = Fail("SELECT id,\n  nmae FROM metrics.samples");
  EXPECT_EQ(column.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(column.message(),
              AllOf(HasSubstr("Candidate bindings: \"name\""),
                    HasSubstr("LINE 2:   nmae FROM metrics.samples\n          ^")));

  const Status conversion = Fail("SELECT 'x'::INTEGER");
  EXPECT_EQ(conversion.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(conversion.message(), HasSubstr("LINE 1: SELECT 'x'::INTEGER\n"));
}

TEST_F(EngineTest, AMistypedTableIsSuggested) {
  const Status table = Fail("SELECT * FROM metrics.sample");
  EXPECT_EQ(table.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(table.message(), AllOf(HasSubstr("Did you mean \"samples\"?"),
                                     HasSubstr("LINE 1: SELECT * FROM metrics.sample\n"
                                               "                      ^")));
  EXPECT_THAT(Fail("SELECT * FROM samples").message(),
              HasSubstr("Did you mean \"metrics.samples\"?"));
  EXPECT_THAT(Fail("SELECT * FROM metric.samples").message(),
              HasSubstr("schema \"metric\" does not exist"));
  EXPECT_EQ(tables_.opens, 0);
}

TEST_F(EngineTest, OneStatementAtATime) {
  const Status two = Fail("SELECT 1;  SELECT 2");
  EXPECT_EQ(two.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(two.message(),
            "2 SQL statements where one is expected; the second begins: SELECT 2");
  EXPECT_EQ(Fail("  ; ").message(), "no SQL statement");
  EXPECT_EQ(Fail("").message(), "no SQL statement");
  EXPECT_EQ(Value("SELECT 1;"), "1");
  EXPECT_EQ(Fail("SELECT ?").code(), StatusCode::kInvalidArgument);
}

TEST_F(EngineTest, RefusesWhatWouldChangeSomething) {
  for (const char* sql : {"CREATE TABLE metrics.x (i INTEGER)",
                          "CREATE TEMP TABLE x (i INTEGER)",
                          "CREATE SCHEMA x",
                          "CREATE VIEW v AS SELECT 1",
                          "INSERT INTO metrics.samples VALUES (1, 'a')",
                          "DELETE FROM metrics.samples",
                          "UPDATE metrics.samples SET id = 1",
                          "DROP TABLE metrics.samples",
                          "ALTER TABLE metrics.samples ADD COLUMN x INTEGER",
                          "TRUNCATE metrics.samples",
                          "ATTACH 'x.db'",
                          "DETACH firn",
                          "USE memory",
                          "COPY (SELECT 1) TO 'x.csv'",
                          "COPY metrics.samples FROM 'x.csv'",
                          "EXPORT DATABASE 'x'",
                          "PRAGMA version",
                          "PRAGMA table_info('metrics.samples')",
                          "SET threads = 1",
                          "RESET threads",
                          "LOAD icu",
                          "INSTALL httpfs",
                          "CALL pragma_version()",
                          "CHECKPOINT",
                          "VACUUM",
                          "BEGIN",
                          "COMMIT",
                          "PREPARE x AS SELECT 1",
                          "EXECUTE x",
                          "EXPLAIN INSERT INTO metrics.samples VALUES (1, 'a')",
                          "EXPLAIN ANALYZE CREATE TABLE memory.main.x AS SELECT 1",
                          "MERGE INTO metrics.samples USING metrics.samples s USING (id) "
                          "WHEN MATCHED THEN DELETE"}) {
    const Status status = Fail(sql);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << sql << ": " << status;
    EXPECT_THAT(status.message(), HasSubstr(" is refused: SQL here only reads")) << sql;
  }
}

TEST_F(EngineTest, ReadsInEveryForm) {
  EXPECT_EQ(Value("VALUES (1)"), "1");
  EXPECT_EQ(Value("WITH x AS (SELECT 2 AS i) SELECT i FROM x"), "2");
  EXPECT_EQ(Value("FROM metrics.samples SELECT max(id)"), "4999");
  EXPECT_EQ(Value("(SELECT 3)"), "3");
  EXPECT_EQ(Value("SELECT \"1\" FROM (PIVOT (SELECT id % 2 AS odd, id FROM "
                  "metrics.samples) ON odd IN (0, 1) USING count(id))"),
            "2500");
  const auto pivot = RunText(*engine_,
                             "PIVOT (SELECT id % 2 AS odd, id FROM metrics.samples) "
                             "ON odd USING count(id)");
  ASSERT_TRUE(pivot.ok()) << pivot.status();
  EXPECT_THAT(*pivot, ElementsAre(ElementsAre("2500", "2500")));
  EXPECT_EQ(
      Value("WITH RECURSIVE t(i) AS (SELECT 0 UNION ALL SELECT s.id + 1 FROM t, "
            "metrics.samples s WHERE s.id = t.i AND t.i < 20) SELECT max(i) FROM t"),
      "20");
}

TEST_F(EngineTest, FunctionsThatDoMoreThanReadAreGone) {
  for (const char* sql :
       {"FROM enable_logging()", "FROM main.enable_logging()",
        "FROM system.main.enable_logging()", "FROM system.enable_logging()",
        "FROM memory.main.enable_logging()", "FROM disable_logging()",
        "FROM truncate_duckdb_logs()", "FROM enable_profiling()",
        "FROM disable_profiling()", "FROM checkpoint()", "FROM force_checkpoint()",
        "FROM arrow_scan(1, 2, 3)", "FROM arrow_scan_dumb(1, 2, 3)",
        "FROM json_execute_serialized_sql('x')", "SELECT sleep_ms(1)",
        "SELECT pg_sleep(1)", "SELECT write_log('x')"}) {
    const Status status = Fail(sql);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << sql << ": " << status;
    EXPECT_THAT(status.message(), HasSubstr("Catalog Error")) << sql;
  }
}

TEST_F(EngineTest, FilesAreOutOfReach) {
  for (const char* sql :
       {"SELECT * FROM read_csv('/etc/passwd')", "FROM '/etc/passwd.csv'",
        "SELECT * FROM glob('/*')", "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_parquet('x.parquet')", "SELECT * FROM duckdb_extensions()"}) {
    EXPECT_EQ(Fail(sql).code(), StatusCode::kPermissionDenied) << sql << Fail(sql);
  }
}

// Files that are tables of the test, by location.
class TestFiles final : public scan::FileProvider {
 public:
  Result<std::shared_ptr<scan::BatchSource>> OpenFiles(
      const base::Context&, const std::string& location) override {
    ++opens;
    const auto found = files.find(location);
    if (found == files.end()) return Status::NotFound("no file " + location);
    return found->second;
  }
  std::map<std::string, std::shared_ptr<scan::BatchSource>> files;
  std::atomic<int> opens{0};
};

TEST_F(EngineTest, FilesByLocationWhereTheyAreAllowed) {
  TestFiles files;
  files.files["s3://b/a*.parquet"] = samples_;
  files.files["dir/"] = samples_;
  files.files["it's.parquet"] = samples_;
  EngineOptions options;
  options.files = &files;
  const auto engine = Open(options);
  EXPECT_EQ(RunValue(*engine, "SELECT count(*) FROM 's3://b/a*.parquet'"), "5000");
  EXPECT_EQ(RunValue(*engine, "SELECT count(*) FROM \"dir/\" WHERE id >= 0"),
            RunValue(*engine, "SELECT count(*) FROM metrics.samples WHERE id >= 0"));
  EXPECT_EQ(RunValue(*engine, "SELECT count(*) FROM 'it''s.parquet'"), "5000");
  // With a table, and twice in one statement: one version of it.
  files.opens = 0;
  EXPECT_EQ(
      RunValue(*engine,
               "SELECT count(*) FROM 'dir/' a JOIN 'dir/' b USING (id) JOIN "
               "metrics.samples c USING (id)"),
      RunValue(*engine,
               "SELECT count(*) FROM metrics.samples a JOIN metrics.samples b USING "
               "(id) JOIN metrics.samples c USING (id)"));
  EXPECT_EQ(files.opens.load(), 1);
  const Status missing = RunQuery(*engine, "FROM '/nowhere/x.parquet'").status();
  EXPECT_EQ(missing.code(), StatusCode::kNotFound);
  EXPECT_EQ(missing.message(), "no file /nowhere/x.parquet");
  // A name without slash, dot or star is a table's.
  EXPECT_EQ(RunQuery(*engine, "FROM dir").status().code(), StatusCode::kInvalidArgument);
}

// The value of a statement's only row, where it sees of a table what the filter selects.
class FilterTest : public EngineTest {
 protected:
  std::string Filtered(Engine& engine, std::string_view sql, const TableFilter& filter) {
    const base::Context context;
    auto cursor = engine.Query(context, sql, filter);
    if (!cursor.ok()) return std::string(cursor.status().message());
    std::string values;
    for (;;) {
      const auto batch = (*cursor)->Next();
      if (!batch.ok()) return std::string(batch.status().message());
      if (*batch == nullptr) return values;
      for (std::int64_t row = 0; row < (*batch)->num_rows(); ++row) {
        values += (values.empty() ? "" : ",") +
                  (*batch)->column(0)->GetScalar(row).ValueOrDie()->ToString();
      }
    }
  }
  std::string Filtered(std::string_view sql, const std::string& condition) {
    return Filtered(*engine_, sql, {"metrics.samples", condition});
  }
};

TEST_F(FilterTest, SelectsRowsWhateverTheStatementReads) {
  const char* const count = "SELECT count(*) FROM metrics.samples";
  EXPECT_EQ(Filtered(count, ""), "5000");
  EXPECT_EQ(Filtered(count, "id >= 2990 AND id < 3010"), "20");
  EXPECT_EQ(Filtered(count, "name = 'name 7' OR name = 'name 4999'"), "2");
  EXPECT_EQ(Filtered(count, "id < 0"), "0");
  // With columns that it looks at and columns that it does not, and conditions of SQL's.
  const char* const rest = " FROM metrics.samples WHERE id % 2 = 1 AND id > 2994";
  EXPECT_EQ(Filtered(std::string("SELECT name") + rest, "id < 3000"),
            "name 2995,name 2997,name 2999");
  EXPECT_EQ(Filtered(std::string("SELECT id") + rest,
                     "name IN ('name 2995', 'name 2996', 'name 4999')"),
            "2995,4999");
  EXPECT_EQ(samples_->probe().predicate,
            "(id > 2994 AND name IN ('name 2995', 'name 2996', 'name 4999'))");
  EXPECT_EQ(Filtered("SELECT max(id) FROM metrics.samples LIMIT 1", "NOT id > 41"), "41");
  // Each time that the table is named.
  EXPECT_EQ(Filtered("SELECT count(*) FROM metrics.samples a JOIN metrics.samples b ON "
                     "a.id + 1 = b.id",
                     "id < 10"),
            "9");
}

TEST_F(FilterTest, IsOfTheTableThatIsNamed) {
  tables_.Add({"metrics", "other"}, IdSchema(), {{IdBatch(0, 100)}});
  EXPECT_EQ(Filtered("SELECT count(*) FROM metrics.samples JOIN metrics.other USING (id)",
                     "id >= 90"),
            "10");
  EXPECT_EQ(Filtered("SELECT count(*) FROM metrics.other", "id >= 90"),
            "filter: the statement reads no table that is called metrics.samples");
  TestFiles files;
  files.files["s3://b/a*.parquet"] = samples_;
  EngineOptions options;
  options.files = &files;
  EXPECT_EQ(Filtered(*Open(options), "SELECT count(*) FROM 's3://b/a*.parquet'",
                     {"s3://b/a*.parquet", "id < 7"}),
            "7");
}

TEST_F(FilterTest, IsNoSql) {
  const char* const count = "SELECT count(*) FROM metrics.samples";
  EXPECT_EQ(Filtered(count, "id = 1) UNION ALL (SELECT 9"),
            "filter: 1:7: parse error: unexpected \")\", expected AND, OR or the end");
  EXPECT_THAT(Filtered(count, "upper(name) = 'A'"),
              HasSubstr("filter: 1:6: parse error"));
  EXPECT_THAT(Filtered(count, "nope = 1"), HasSubstr("filter: there is no column nope"));
  EXPECT_THAT(Filtered(count, "name = 1"), HasSubstr("filter: column name is string"));
}

TEST_F(EngineTest, DuckDbItselfReadsNoFileEvenSo) {
  TestFiles files;
  EngineOptions options;
  options.files = &files;
  const auto engine = Open(options);
  for (const char* sql :
       {"SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM glob('/*')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_parquet('x.parquet')", "SET enable_external_access = true"}) {
    const Status status = RunQuery(*engine, sql).status();
    EXPECT_TRUE(status.Is(StatusCode::kPermissionDenied) ||
                status.Is(StatusCode::kInvalidArgument))
        << sql << ": " << status;
  }
  EXPECT_EQ(RunQuery(*engine, "COPY (SELECT 1) TO '/nowhere/x'").status().code(),
            StatusCode::kInvalidArgument);
}

// --- Errors of tables.

TEST_F(EngineTest, ATablesErrorKeepsItsCode) {
  samples_->probe().on_next = [] { return Status::Corruption("page 7: bad checksum"); };
  const Status next = Fail("SELECT sum(id) FROM metrics.samples");
  EXPECT_EQ(next.code(), StatusCode::kCorruption);
  EXPECT_EQ(next.message(), "scan metrics.samples: page 7: bad checksum");
  samples_->probe().on_next = [] { return Status(); };

  samples_->probe().on_plan = [] { return Status::Unavailable("no answer"); };
  const Status plan = Fail("SELECT id FROM metrics.samples");
  EXPECT_EQ(plan.code(), StatusCode::kUnavailable);
  EXPECT_EQ(plan.message(), "plan metrics.samples: no answer");
  samples_->probe().on_plan = [] { return Status(); };

  tables_.Break({"metrics", "broken"}, Status::PermissionDenied("mode 000"));
  const Status open = Fail("SELECT * FROM metrics.broken");
  EXPECT_EQ(open.code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(open.message(), "open table metrics.broken: mode 000");
  // A broken table is no obstacle to the others.
  EXPECT_EQ(Value("SELECT count(*) FROM metrics.samples"), "5000");
  EXPECT_TRUE(RunText(*engine_, "SHOW TABLES").ok());
}

TEST_F(EngineTest, AnErrorInTheMiddleEndsTheCursor) {
  std::atomic<int> calls{0};
  samples_->probe().on_next = [&] {
    return ++calls > 1 ? Status::Unavailable("gone") : Status();
  };
  const base::Context context;
  auto cursor = engine_->Query(context, "SELECT id FROM metrics.samples");
  Status status = cursor.status();
  for (int i = 0; i < 10 && status.ok(); ++i) status = (*cursor)->Next().status();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  if (cursor.ok()) {
    EXPECT_EQ((*cursor)->Next().status(), status);
  }
}

TEST_F(EngineTest, AListingErrorKeepsItsCode) {
  tables_.list_status = Status::Unavailable("catalog is locked");
  const Status status = Fail("SELECT * FROM metrics.samples");
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "list tables: catalog is locked");
  EXPECT_EQ(Fail("SHOW TABLES").code(), StatusCode::kUnavailable);
  EXPECT_EQ(Value("SELECT 1"), "1");
}

TEST_F(EngineTest, ATypeDuckDbDoesNotKnowIsNamed) {
  tables_.Add({"metrics", "odd"},
              arrow::schema({arrow::field("n", arrow::int64()),
                             arrow::field("d", arrow::decimal256(70, 2))}),
              {});
  const Status status = Fail("SELECT * FROM metrics.odd");
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(),
            "open table metrics.odd: column d is decimal256(70, 2), a type that SQL does "
            "not have");
  EXPECT_EQ(Value("SELECT count(*) FROM metrics.samples"), "5000");
}

// --- Bounds.

TEST_F(EngineTest, MemoryIsBounded) {
  EngineOptions options;
  options.memory_bytes_max = 20 << 20;
  const auto engine = Open(options);
  const Status status = RunQuery(*engine,
                                 "SELECT count(*) FROM (SELECT DISTINCT i, i::VARCHAR || "
                                 "'padding padding padding' FROM range(3000000) t(i))")
                            .status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(RunValue(*engine, "SELECT 1"), "1");
}

TEST_F(EngineTest, SpillsWhereItMay) {
  EngineOptions options;
  options.memory_bytes_max = 40 << 20;
  options.temp_dir = std::filesystem::path(::testing::TempDir()) / "firn_sql_spill";
  {
    const auto engine = Open(options);
    EXPECT_EQ(RunValue(*engine,
                       "SELECT count(*) FROM (SELECT DISTINCT i, i::VARCHAR || 'padding "
                       "padding padding' FROM range(1500000) t(i))"),
              "1500000");
  }
  std::filesystem::remove_all(options.temp_dir);
}

TEST_F(EngineTest, ACancelledContextEndsAStatement) {
  const base::Context context;
  context.Cancel();
  EXPECT_EQ(engine_->Query(context, "SELECT 1").status().code(), StatusCode::kCancelled);
}

TEST_F(EngineTest, CancellingStopsAScan) {
  const base::Context context;
  std::atomic<int> calls{0};
  samples_->probe().on_next = [&] {
    if (++calls == 2) context.Cancel();
    return Status();
  };
  Status status;
  auto cursor = engine_->Query(context, "SELECT sum(id) FROM metrics.samples");
  status = cursor.ok() ? Drain(**cursor).status() : cursor.status();
  EXPECT_EQ(status.code(), StatusCode::kCancelled) << status;
}

TEST_F(EngineTest, CancellingStopsAQueryThatReadsNothing) {
  const base::Context context;
  std::thread canceller([&] {
    // Whenever it comes, the query would otherwise run for hours.
    std::this_thread::yield();
    context.Cancel();
  });
  auto cursor = engine_->Query(
      context, "SELECT sum(a.i * b.i) FROM range(10000000) a(i), range(10000000) b(i)");
  EXPECT_EQ(cursor.status().code(), StatusCode::kCancelled) << cursor.status();
  canceller.join();
}

TEST_F(EngineTest, CancellingStopsAStream) {
  const base::Context context;
  auto cursor = engine_->Query(context, "SELECT i FROM range(1000000000000) t(i)");
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  auto batch = (*cursor)->Next();
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_GT((*batch)->num_rows(), 0);
  context.Cancel();
  EXPECT_EQ((*cursor)->Next().status().code(), StatusCode::kCancelled);
  EXPECT_EQ((*cursor)->Next().status().code(), StatusCode::kCancelled);
}

TEST_F(EngineTest, ADeadlineEndsAStatement) {
  base::ManualClock clock(0);
  const base::Context context(clock, clock.SteadyNs() + 1'000'000, nullptr);
  EXPECT_TRUE(engine_->Query(context, "SELECT 1").ok());
  clock.AdvanceUs(2'000);
  EXPECT_EQ(engine_->Query(context, "SELECT 1").status().code(),
            StatusCode::kDeadlineExceeded);
}

// --- Lifetimes and threads.

TEST_F(EngineTest, ACursorMayBeDroppedEarly) {
  const base::Context context;
  {
    auto never_read = engine_->Query(context, "SELECT i FROM range(1000000000) t(i)");
    ASSERT_TRUE(never_read.ok());
    auto begun =
        engine_->Query(context, "SELECT a.id FROM metrics.samples a, metrics.samples b");
    ASSERT_TRUE(begun.ok());
    ASSERT_TRUE((*begun)->Next().ok());
  }
  EXPECT_EQ(Value("SELECT count(*) FROM metrics.samples"), "5000");
}

TEST_F(EngineTest, BatchesAndCursorsOutliveTheEngine) {
  const base::Context context;
  auto cursor = engine_->Query(context, "SELECT id, name FROM metrics.samples");
  ASSERT_TRUE(cursor.ok());
  engine_.reset();
  auto batches = Drain(**cursor);
  ASSERT_TRUE(batches.ok()) << batches.status();
  *cursor = nullptr;
  std::int64_t rows = 0;
  for (const auto& batch : *batches) {
    EXPECT_TRUE(batch->ValidateFull().ok());
    rows += batch->num_rows();
  }
  EXPECT_EQ(rows, 5000);
}

TEST_F(EngineTest, StatementsRunConcurrently) {
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const std::int64_t low = (t * 997 + i * 131) % 4000;
        const std::string sql =
            "SELECT count(*) FROM metrics.samples a JOIN metrics.samples b USING (id) "
            "WHERE a.id >= " +
            std::to_string(low) + " AND b.name LIKE 'name %'";
        if (RunValue(*engine_, sql) != std::to_string(5000 - low)) ++failures;
        if (RunQuery(*engine_, "SELECT nothing").ok()) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

TEST_F(EngineTest, NothingOfOneStatementReachesTheNext) {
  EXPECT_EQ(Value("SELECT setseed(0.5) IS NULL"), "true");
  EXPECT_EQ(Value("SELECT count(*) FROM duckdb_tables() WHERE temporary"), "0");
  ASSERT_TRUE(RunText(*engine_,
                      "PIVOT (SELECT id % 2 AS odd, id FROM metrics.samples) "
                      "ON odd USING count(id)")
                  .ok());
  EXPECT_EQ(Value("SELECT count(*) FROM duckdb_types() WHERE NOT internal"), "0");
}

}  // namespace
}  // namespace firn::sql
