// SPDX-License-Identifier: Apache-2.0
// The oracle of the bridge: the same rows in a table of DuckDB's own, in a DuckDB of its
// own, must give the same result to the same query.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "arrow/array/array_binary.h"
#include "arrow/array/array_dict.h"
#include "arrow/builder.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "duckdb.h"

#include "sql/engine.h"
#include "sql/test_query.h"
#include "sql/test_tables.h"

namespace firn::sql {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// Rows with every type and every awkward value. On firn's side `host` becomes a
// dictionary, `key` a fixed binary, and nanoseconds have a zone, which DuckDB lacks.
std::string RowsSql(int count) {
  return R"sql(
    SELECT
      i AS id,
      CASE WHEN i % 7 = 3 THEN NULL ELSE (i * 7919 % 1000)::INTEGER - 500 END AS small,
      (i % 200)::UTINYINT AS tiny,
      'host-' || (i * 31 % 17) AS host,
      CASE WHEN i % 11 = 0 THEN NULL WHEN i % 11 = 1 THEN ''
           WHEN i % 11 = 2 THEN 'a string that is longer than twelve bytes, ' || i
           WHEN i % 11 = 3 THEN 'żółć ' || (i % 5)
           ELSE chr((97 + i % 26)::INTEGER) || chr((97 + i % 5)::INTEGER) || i % 50 END
        AS name,
      CASE i % 13 WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN NULL WHEN 2 THEN 'inf'::DOUBLE
           WHEN 3 THEN '-inf'::DOUBLE WHEN 4 THEN '-0.0'::DOUBLE WHEN 5 THEN 0.0::DOUBLE
           ELSE round(sin(i) * 1000) / 8 END AS value,
      CASE i % 9 WHEN 0 THEN 'nan'::FLOAT WHEN 1 THEN NULL ELSE (i % 100)::FLOAT / 10 END
        AS single,
      TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds(i * 15) AS ts,
      CASE WHEN i % 5 = 0 THEN NULL ELSE TIMESTAMP '1969-12-31 23:00:00' + to_seconds(i)
           END AS local_ts,
      DATE '2025-12-30' + (i // 500)::INTEGER AS day,
      CASE i % 3 WHEN 0 THEN NULL ELSE i % 2 = 0 END AS flag,
      (i * 1.001 - 300)::DECIMAL(18, 3) AS price,
      unhex(md5((i // 10)::VARCHAR)) AS key,
      encode('b' || i % 40) AS raw,
      CASE WHEN i % 19 = 0 THEN NULL
           ELSE MAP {'job': 'job-' || i % 4, 'instance': 'i' || i % 100} END AS labels,
      CASE WHEN i % 10 = 0 THEN NULL WHEN i % 10 = 1 THEN []
           ELSE [{'t': i, 'v': i / 2, 'l': 'x' || i}, {'t': -i, 'v': NULL, 'l': NULL}] END
        AS exemplars,
      CASE WHEN i % 23 = 0 THEN NULL ELSE {'a': i % 30, 'b': 'b' || i % 6} END AS point,
      CASE WHEN i % 17 = 0 THEN NULL ELSE {
        'mid': CASE WHEN i % 6 = 0 THEN NULL ELSE {
          'low': {'n': i, 't': 'a text of more than twelve bytes ' || i},
          'flag': i % 2 = 0} END,
        'list': [{'in': {'q': i, 'r': NULL}}, NULL, {'in': NULL}],
        'map': MAP {'k' || i % 3: {'w': {'x': i}}}} END AS deep,
      CASE WHEN i % 4 = 0 THEN NULL ELSE [i, NULL, i % 3] END AS numbers,
      CASE WHEN i % 6 = 0 THEN NULL
           ELSE make_timestamp_ns(1709208000123456789 + i * 1000000001) END AS nanos,
      CASE WHEN i % 8 = 0 THEN NULL
           ELSE {'at': make_timestamp_ns(i - 3000),
                 'all': [make_timestamp_ns(i), NULL]} END AS deep_nanos
    FROM range()sql" +
         std::to_string(count) + ") t(i)";
}

// A DuckDB that knows nothing of firn, with a table `t`.
class Oracle {
 public:
  explicit Oracle(const std::string& rows_sql) {
    EXPECT_EQ(duckdb_open(nullptr, &database_), DuckDBSuccess);
    EXPECT_EQ(duckdb_connect(database_, &connection_), DuckDBSuccess);
    for (const std::string& sql :
         {std::string("SET TimeZone = 'UTC'"), "CREATE TABLE t AS " + rows_sql}) {
      duckdb_result result;
      EXPECT_EQ(duckdb_query(connection_, sql.c_str(), &result), DuckDBSuccess)
          << duckdb_result_error(&result);
      duckdb_destroy_result(&result);
    }
  }
  ~Oracle() {
    duckdb_disconnect(&connection_);
    duckdb_close(&database_);
  }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  Result<std::vector<TextRow>> Run(const std::string& sql) {
    duckdb_result result;
    if (duckdb_query(connection_, sql.c_str(), &result) != DuckDBSuccess) {
      Status error = Status::InvalidArgument(duckdb_result_error(&result));
      duckdb_destroy_result(&result);
      return error;
    }
    std::vector<TextRow> rows(duckdb_row_count(&result));
    for (idx_t r = 0; r < rows.size(); ++r) {
      for (idx_t c = 0; c < duckdb_column_count(&result); ++c) {
        char* text = duckdb_value_varchar(&result, c, r);
        rows[r].push_back(text ? text : "NULL");
        duckdb_free(text);
      }
    }
    duckdb_destroy_result(&result);
    return rows;
  }

 private:
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
};

std::shared_ptr<arrow::Array> ToFixedBinary(const arrow::Array& array) {
  const auto& binary = static_cast<const arrow::BinaryArray&>(array);
  arrow::FixedSizeBinaryBuilder builder(arrow::fixed_size_binary(16));
  for (std::int64_t i = 0; i < binary.length(); ++i) {
    EXPECT_TRUE(builder.Append(binary.GetView(i)).ok());
  }
  return *builder.Finish();
}

std::shared_ptr<arrow::Array> ToDictionary(const arrow::Array& array) {
  const auto& text = static_cast<const arrow::StringArray&>(array);
  arrow::StringDictionary32Builder builder;
  for (std::int64_t i = 0; i < text.length(); ++i) {
    EXPECT_TRUE(builder.Append(text.GetView(i)).ok());
  }
  return *builder.Finish();
}

std::shared_ptr<arrow::DataType> ZonedNanoseconds() {
  return arrow::timestamp(arrow::TimeUnit::NANO, "UTC");
}

std::shared_ptr<arrow::RecordBatch> Retype(const arrow::RecordBatch& batch) {
  arrow::FieldVector fields = batch.schema()->fields();
  arrow::ArrayVector columns = batch.columns();
  for (int i = 0; i < batch.num_columns(); ++i) {
    if (fields[i]->name() == "host") columns[i] = ToDictionary(*columns[i]);
    if (fields[i]->name() == "key") columns[i] = ToFixedBinary(*columns[i]);
    if (fields[i]->name() == "nanos") columns[i] = *columns[i]->View(ZonedNanoseconds());
    if (fields[i]->name() == "deep_nanos") {
      columns[i] = *columns[i]->View(
          arrow::struct_({arrow::field("at", ZonedNanoseconds()),
                          arrow::field("all", arrow::list(ZonedNanoseconds()))}));
    }
    fields[i] = fields[i]->WithType(columns[i]->type());
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), batch.num_rows(), columns);
}

class ScanTest : public ::testing::Test {
 protected:
  static constexpr int kRows = 6000;

  // The rows, the engine and the oracle are made once: they are only read.
  static void SetUpTestSuite() {
    tables_ = new TestTables();
    EngineOptions options;
    options.memory_bytes_max = 512 << 20;
    auto engine = Engine::Open(options, *tables_);
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = engine->release();
    auto rows = RunQuery(*engine_, RowsSql(kRows));
    ASSERT_TRUE(rows.ok()) << rows.status();
    // Splits of uneven size, one of them empty, in batches that are not whole vectors.
    std::vector<Batches> splits(4);
    std::size_t cut = 0;
    for (const auto& batch : *rows) {
      const auto retyped = Retype(*batch);
      for (std::int64_t at = 0; at < batch->num_rows(); ++cut) {
        constexpr std::int64_t kLengths[] = {2500, 777, 1, 2049};
        const std::int64_t length = kLengths[cut % std::size(kLengths)];
        splits[cut % 3].push_back(retyped->Slice(at, length));
        at += length;
      }
    }
    const auto schema = splits[0][0]->schema();
    table_ = tables_->Add({"test", "t"}, schema, std::move(splits));
    oracle_ = new Oracle(RowsSql(kRows));
  }
  static void TearDownTestSuite() {
    delete oracle_;
    delete engine_;
    table_.reset();
    delete tables_;
  }

  // `query` has a place %t for the table. Rows are compared in order where the query says
  // one, else sorted.
  static void ExpectSame(const std::string& query) {
    const bool ordered = query.find("ORDER BY ALL") != std::string::npos;
    auto ours = RunText(*engine_, AsText(query, "test.t"));
    auto theirs = oracle_->Run(AsText(query, "t"));
    ASSERT_TRUE(theirs.ok()) << query << "\n" << theirs.status();
    ASSERT_TRUE(ours.ok()) << query << "\n" << ours.status();
    if (!ordered) {
      std::sort(ours->begin(), ours->end());
      std::sort(theirs->begin(), theirs->end());
    }
    ASSERT_EQ(ours->size(), theirs->size()) << query << "\n" << table_->probe().predicate;
    for (std::size_t i = 0; i < ours->size(); ++i) {
      ASSERT_EQ((*ours)[i], (*theirs)[i])
          << query << "\nrow " << i << ", pruned by " << table_->probe().predicate;
    }
  }

  static std::string AsText(const std::string& query, const std::string& table) {
    std::string sql;
    for (std::size_t i = 0; i < query.size(); ++i) {
      if (query.compare(i, 2, "%t") == 0) {
        sql += table;
        ++i;
      } else {
        sql += query[i];
      }
    }
    return "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (" + sql + ")";
  }

  // The predicate that the table was given for a WHERE clause.
  static std::string Pushed(const std::string& condition) {
    EXPECT_TRUE(RunQuery(*engine_, "SELECT id FROM test.t WHERE " + condition).ok());
    return table_->probe().predicate;
  }

  static TestTables* tables_;
  static Engine* engine_;
  static std::shared_ptr<TestTable> table_;
  static Oracle* oracle_;
};

TestTables* ScanTest::tables_ = nullptr;
Engine* ScanTest::engine_ = nullptr;
std::shared_ptr<TestTable> ScanTest::table_;
Oracle* ScanTest::oracle_ = nullptr;

TEST_F(ScanTest, EveryTypeReadsAsDuckDbsOwn) {
  ExpectSame("SELECT * FROM %t");
  for (const char* column :
       {"id",     "small",     "tiny",  "host", "name",    "value", "single",
        "ts",     "local_ts",  "day",   "flag", "price",   "key",   "raw",
        "labels", "exemplars", "point", "deep", "numbers", "nanos", "deep_nanos"}) {
    ExpectSame(std::string("SELECT ") + column + " FROM %t");
    ExpectSame(std::string("SELECT id FROM %t WHERE ") + column + " IS NULL");
    ExpectSame(std::string("SELECT id, ") + column + " FROM %t WHERE " + column +
               " IS NOT NULL");
    ExpectSame(std::string("SELECT typeof(") + column + ") FROM %t LIMIT 1");
  }
}

TEST_F(ScanTest, Projections) {
  for (const char* query :
       {"SELECT value, id FROM %t", "SELECT id, id AS again FROM %t",
        "SELECT labels, ts, host FROM %t WHERE id > 5990",
        "SELECT host FROM %t WHERE value > 3", "SELECT ts FROM %t WHERE name = 'ha7'",
        "SELECT count(*) FROM %t", "SELECT count(*) FROM %t WHERE value > 1",
        "SELECT count(name), count(value), count(*) FROM %t",
        "SELECT 1 FROM %t WHERE small = 3", "SELECT sum(id) FROM %t WHERE id % 7 = 0",
        "SELECT name, small FROM %t WHERE small < -490 AND value > 0 AND flag",
        "SELECT id + small AS s, upper(name) AS n FROM %t"}) {
    ExpectSame(query);
  }
}

TEST_F(ScanTest, Filters) {
  for (const char* condition :
       {"id = 77",
        "id <> 77",
        "id < 10",
        "id >= 5990",
        "id BETWEEN 100 AND 120",
        "id IN (1, 5, 77, 100000)",
        "id NOT IN (1, 5)",
        "small = 0",
        "small <> 0",
        "small IS DISTINCT FROM 0",
        "small IS NOT DISTINCT FROM NULL",
        "small IN (1, NULL)",
        "small NOT IN (1, NULL)",
        "tiny = 199",
        "tiny > 254",
        "small = 100000",
        "value = 'nan'",
        "value <> 'nan'",
        "value > 100",
        "value < 0",
        "value >= 'nan'",
        "value > 'inf'",
        "value < 'nan'",
        "value <= '-inf'",
        "value = 0",
        "value = -0.0",
        "value < 0.0",
        "value >= '-0.0'::DOUBLE",
        "value IN (0, 'nan')",
        "NOT value > 100",
        "isnan(value)",
        "value BETWEEN -1 AND 1",
        "single > 9.5",
        "single = 0.1",
        "single = 0.1::FLOAT",
        "single = 'nan'",
        "single < 0.25",
        "single IN (0.5, 1.5)",
        "host = 'host-3'",
        "host < 'host-12'",
        "host IN ('host-1', 'host-2', 'none')",
        "host LIKE 'host-1%'",
        "host LIKE '%5'",
        "host NOT LIKE 'host-1%'",
        "name = ''",
        "name > 'z'",
        "name LIKE 'a string%'",
        "name LIKE 'żó%'",
        "name ILIKE 'ŻÓ%'",
        "name LIKE 'a_1%'",
        "starts_with(name, 'h')",
        "name ^@ 'hb'",
        "prefix(name, '')",
        "contains(name, '7')",
        "name ~ '^[a-c]b'",
        "name SIMILAR TO 'a.*'",
        "length(name) > 20",
        "name IS NULL OR name = 'ha7'",
        "name = 'ha7' OR name = 'hb8' OR name > 'zz'",
        "(id < 5 OR id > 5995)",
        "(id < 5 OR id > 5995) AND (id % 2 = 0 OR host = 'host-3')",
        "id = 3 OR host = 'host-3'",
        "flag",
        "NOT flag",
        "flag IS NULL",
        "nanos = '2024-02-29T12:00:01.123456790'::TIMESTAMP_NS",
        "nanos < '2024-02-29T12:00:02.123456792'::TIMESTAMP_NS",
        "nanos > '-infinity'::TIMESTAMP_NS",
        "nanos < 'infinity'::TIMESTAMP_NS",
        "nanos IN ('2024-02-29T12:00:01.12345679', '2024-02-29T12:00:02.123456791')",
        "nanos > '2024-02-29T13:00:00Z'",
        "epoch_ns(nanos) % 1000 = 789",
        "deep_nanos.at < '1970-01-01T00:00:00.000000001'::TIMESTAMP_NS",
        "flag = true",
        "flag IS NOT TRUE",
        "flag <> false",
        "ts >= '2026-01-01T20:00:00Z'",
        "ts >= TIMESTAMPTZ '2026-01-02T00:59:45+01:00'",
        "ts < '2026-01-01' OR ts > '2026-01-02'",
        "ts = '2026-01-01 00:00:15+00'",
        "date_trunc('hour', ts) = '2026-01-01 05:00:00+00'",
        "ts > now()",
        "ts BETWEEN '2026-01-01T01:00:00Z' AND '2026-01-01T01:05:00Z'",
        "local_ts >= '1970-01-01'",
        "local_ts < '1969-12-31 23:00:10'",
        "day = '2025-12-31'",
        "day > DATE '2026-01-08'",
        "day IN ('2025-12-30', '2030-1-1')",
        "day < ts",
        "price = 1.302",
        "price > 5700.5",
        "price IN (-300.000, 4.3)",
        "key = "
        "'\\xCF\\xCD\\x20\\x84\\x95\\xD5\\x65\\xEF\\x66\\xE7\\xDF\\xF9\\xF9\\x87\\x64\\xD"
        "A'",
        "key = unhex(md5('17'))",
        "key > unhex('F0000000000000000000000000000000')",
        "key IN (unhex(md5('3')), unhex(md5('4')))",
        "raw = 'b7'::BLOB",
        "raw < 'b2'::BLOB",
        "labels['job'] = 'job-2'",
        "labels['job'] IS NULL",
        "labels['none'] IS NULL",
        "map_contains(labels, 'instance')",
        "cardinality(labels) = 2",
        "point.a = 3",
        "point.a > 27 AND point.b = 'b4'",
        "point.b LIKE 'b1%'",
        "point IS NULL",
        "point.a IS NULL",
        "point = {'a': 1, 'b': 'b1'}",
        "deep.mid.low.n = 5",
        "deep.mid.low.t LIKE '%bytes 41%' AND id > 100",
        "deep.mid IS NULL AND deep IS NOT NULL",
        "deep.list[1].in.q > 5900",
        "len(exemplars) = 0",
        "exemplars[1].t > 5990",
        "exemplars[2].v IS NULL",
        "list_contains(numbers, 2)",
        "numbers[3] = 1",
        "id > small",
        "id = id",
        "random() >= 0",
        "1 = 1",
        "1 = 0",
        "NULL",
        "id < NULL",
        "id = (SELECT 5)",
        "id > (SELECT max(id) - 3 FROM %t)",
        "host = ANY(['host-1', 'host-9'])",
        "coalesce(small, -1) = -1",
        "CASE WHEN small > 400 THEN flag ELSE false END",
        "id::VARCHAR = '42'",
        "id = 42.0",
        "id > 42.5 AND id < 44",
        "value > 3::BIGINT",
        "small BETWEEN -3 AND 3 AND value BETWEEN -50 AND 50 AND host >= 'host-2'"}) {
    ExpectSame(std::string("SELECT id, name, value FROM %t WHERE ") + condition);
    ExpectSame(std::string("SELECT count(*) FROM %t WHERE ") + condition);
    if (HasFatalFailure()) return;
  }
}

TEST_F(ScanTest, Queries) {
  for (const char* query :
       {"SELECT host, count(*), sum(small), min(ts), max(value) FROM %t GROUP BY host",
        "SELECT labels['job'] AS job, avg(small) FROM %t GROUP BY job",
        "SELECT key, count(*) FROM %t GROUP BY key",
        "SELECT date_trunc('hour', ts) AS h, count(*) FROM %t GROUP BY h",
        "SELECT time_bucket(INTERVAL '5 minutes', ts) AS b, max(id) FROM %t GROUP BY b",
        "SELECT id FROM %t ORDER BY ts DESC LIMIT 5",
        "SELECT id FROM %t ORDER BY id LIMIT 7",
        "SELECT id, name FROM %t ORDER BY name DESC NULLS LAST, id LIMIT 9",
        "SELECT id, value FROM %t ORDER BY value DESC, id LIMIT 600",
        "SELECT id, value FROM %t ORDER BY value NULLS FIRST, id LIMIT 470",
        "SELECT id, small FROM %t WHERE flag ORDER BY small, id LIMIT 11 OFFSET 40",
        "SELECT DISTINCT host, flag FROM %t",
        "SELECT DISTINCT ON (host) host, day FROM %t "
        "ORDER BY ALL",
        "SELECT a.id, b.id FROM %t a JOIN %t b ON a.id = b.small WHERE a.id < 50",
        "SELECT a.id FROM %t a JOIN (VALUES (3), (33), (333)) x(i) ON a.id = x.i",
        "SELECT a.id, x.i FROM %t a RIGHT JOIN (VALUES (3), (99999)) x(i) ON a.id = x.i",
        "SELECT x.i, a.id FROM (VALUES ('host-3'), ('no')) x(i) LEFT JOIN %t a ON "
        "a.host = x.i AND a.id < 100",
        "SELECT a.id FROM %t a SEMI JOIN %t b ON a.id = b.small AND b.flag",
        "SELECT count(*) FROM %t a ANTI JOIN %t b ON a.id = b.small",
        "SELECT count(*) FROM %t a JOIN %t b ON a.key = b.key AND a.ts < b.ts",
        "SELECT count(*) FROM %t a JOIN %t b ON a.value = b.value AND a.id < 30",
        "SELECT count(*) FROM %t a JOIN %t b ON a.small IS NOT DISTINCT FROM b.small "
        "WHERE a.id < 40",
        "SELECT count(*) FROM %t a, %t b WHERE a.id < 20 AND b.id < a.id",
        "SELECT a.id, (SELECT count(*) FROM %t b WHERE b.small = a.id) FROM %t a "
        "WHERE a.id < 20",
        "WITH c AS (SELECT id, host FROM %t WHERE id < 100) SELECT * FROM c x JOIN c y "
        "ON x.id = y.id + 1",
        "WITH c AS MATERIALIZED (SELECT host, count(*) AS n FROM %t GROUP BY host) "
        "SELECT sum(n) FROM c WHERE host > 'host-3'",
        "SELECT id FROM %t WHERE id < 5 UNION ALL SELECT id FROM %t WHERE id > 5995",
        "SELECT id FROM %t WHERE flag INTERSECT SELECT small FROM %t",
        "SELECT host, id, row_number() OVER (PARTITION BY host ORDER BY id) FROM %t "
        "WHERE id < 300",
        "SELECT id FROM %t QUALIFY row_number() OVER (PARTITION BY host ORDER BY id) = 1",
        "SELECT id, value - lag(value) OVER (ORDER BY id) FROM %t WHERE id < 300",
        "SELECT id, unnest(exemplars).t FROM %t WHERE id < 200",
        "SELECT id, e.l FROM (SELECT id, unnest(exemplars) AS e FROM %t WHERE id < 90)",
        "SELECT map_keys(labels), map_values(labels) FROM %t WHERE id < 50",
        "SELECT point.b, sum(point.a) FROM %t GROUP BY ALL",
        "SELECT deep.mid.flag, sum(deep.mid.low.n), max(deep.list[1].in.q) FROM %t "
        "WHERE id % 2 = 1 GROUP BY ALL",
        "SELECT id, deep FROM %t WHERE id > 1234 AND id < 1300",
        "SELECT quantile_cont(small, [0.1, 0.9]) FROM %t",
        "SELECT list(id ORDER BY id) FROM %t WHERE host = 'host-4' AND id < 500",
        "SELECT a.id, b.id FROM %t a ASOF JOIN %t b ON a.ts > b.ts WHERE a.id < 40",
        "SELECT min(name), max(name), min(key), max(labels::VARCHAR) FROM %t",
        "SELECT count(*) FILTER (value > 0), count(*) FILTER (isnan(value)) FROM %t",
        "SELECT sum(small) FROM %t GROUP BY ROLLUP (host, flag)",
        "SELECT count(*) FROM (SELECT * FROM %t LIMIT 100)",
        "SELECT * FROM (SELECT id, host FROM %t) WHERE host = 'host-5' AND id > 5000",
        "SELECT count(*) FROM %t WHERE EXISTS (SELECT 1 FROM %t b WHERE b.small = "
        "499)"}) {
    ExpectSame(query);
    if (HasFatalFailure()) return;
  }
}

TEST_F(ScanTest, WhatIsPushedDown) {
  // DuckDB's -infinity is an instant at the end of the range, not beyond it.
  EXPECT_EQ(Pushed("nanos > '-infinity'::TIMESTAMP_NS").substr(0, 5), "nanos");
  EXPECT_EQ(Pushed("nanos > '-infinity'::TIMESTAMP_NS").find("2262"), std::string::npos);
  EXPECT_EQ(Pushed("nanos >= '2024-02-29T12:00:02.123456791'::TIMESTAMP_NS"),
            "nanos >= TIMESTAMP '2024-02-29T12:00:02.123456791Z'");
  EXPECT_EQ(Pushed("id = 5"), "id = 5");
  EXPECT_THAT(Pushed("id > 5 AND host = 'host-1'"), HasSubstr("host = 'host-1'"));
  EXPECT_THAT(Pushed("id IN (1, 2, 90)"), HasSubstr("IN"));
  EXPECT_THAT(Pushed("ts >= '2026-01-01T20:00:00Z'"), HasSubstr("ts >= "));
  EXPECT_THAT(Pushed("key = unhex(md5('17'))"), HasSubstr("key = "));
  EXPECT_THAT(Pushed("name IS NULL"), HasSubstr("name IS NULL"));
  EXPECT_NE(Pushed("name LIKE 'ha%'"), "");
  EXPECT_THAT(Pushed("name LIKE 'żó%'"), HasSubstr("żó"));
  EXPECT_NE(Pushed("id < 5 OR id > 5990"), "");
  // What firn could compare otherwise than DuckDB, or not at all, stays above the scan.
  EXPECT_EQ(Pushed("id % 7 = 0"), "");
  EXPECT_EQ(Pushed("labels['job'] = 'job-2'"), "");
}

TEST_F(ScanTest, AJoinsKeysPruneTheOtherSide) {
  const auto rows = RunText(*engine_,
                            "SELECT t.id FROM test.t JOIN (VALUES (3), (33), (333)) x(i) "
                            "ON t.id = x.i");
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->size(), 3u);
  EXPECT_THAT(table_->probe().predicate, HasSubstr("id"));
}

// --- Random predicates.

class ConditionMaker {
 public:
  explicit ConditionMaker(std::uint64_t seed) : random_(seed) {}

  std::string Condition(int depth) {
    switch (depth == 0 ? 0 : Pick(6)) {
      case 1:
      case 2:
        return "(" + Condition(depth - 1) + " AND " + Condition(depth - 1) + ")";
      case 3:
      case 4:
        return "(" + Condition(depth - 1) + " OR " + Condition(depth - 1) + ")";
      case 5:
        return "NOT (" + Condition(depth - 1) + ")";
      default:
        return Leaf();
    }
  }

 private:
  struct Column {
    const char* name;
    std::vector<const char*> literals;
  };

  std::size_t Pick(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
  }

  std::string Leaf() {
    static const std::vector<Column> columns = {
        {"id", {"0", "17", "2999", "3000", "5999", "-1", "42.5", "9e18"}},
        {"small", {"-500", "0", "77", "499", "-0.5", "40000000000"}},
        {"tiny", {"0", "100", "199", "255"}},
        {"host", {"'host-0'", "'host-16'", "'host-7'", "'host'", "'z'", "''"}},
        {"name", {"''", "'ha7'", "'żółć 3'", "'a string'", "'zz'", "'m'"}},
        {"value",
         {"0", "'-0.0'::DOUBLE", "'nan'::DOUBLE", "'inf'::DOUBLE", "'-inf'::DOUBLE",
          "12.5", "-99.875", "1e300"}},
        {"single", {"0.1", "0.1::FLOAT", "'nan'::FLOAT", "5", "9.9::FLOAT", "-1e30"}},
        {"ts",
         {"'2026-01-01T00:00:00Z'::TIMESTAMPTZ", "'2026-01-01 12:30:00+00'",
          "'2026-01-02T00:59:45Z'::TIMESTAMPTZ", "'infinity'::TIMESTAMPTZ"}},
        {"local_ts", {"'1970-01-01'::TIMESTAMP", "'1969-12-31 23:30:00'::TIMESTAMP"}},
        {"day", {"'2025-12-30'::DATE", "'2026-01-05'::DATE", "'2030-01-01'::DATE"}},
        {"flag", {"true", "false"}},
        {"price", {"0", "1.302", "-299.999", "5706.7"}},
        {"key",
         {"unhex(md5('3'))", "unhex(md5('599'))", "'\\x00'::BLOB",
          "unhex('80000000000000000000000000000000')"}},
        {"raw", {"'b0'::BLOB", "'b39'::BLOB", "'b'::BLOB"}},
        {"point.a", {"0", "15", "29"}},
        {"deep.mid.low.n", {"0", "55", "5990"}},
        {"labels['job']", {"'job-1'", "'job-9'"}},
    };
    const Column& column = columns[Pick(columns.size())];
    const std::string name = column.name;
    const auto literal = [&] {
      return std::string(column.literals[Pick(column.literals.size())]);
    };
    static const char* const kOperators[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};
    switch (Pick(10)) {
      case 0:
        return name + " IS NULL";
      case 1:
        return name + " IS NOT NULL";
      case 2:
        return name + " IN (" + literal() + ", " + literal() + ", " + literal() + ")";
      case 3:
        return name + " NOT IN (" + literal() + ", " + literal() + ")";
      case 4:
        return name + " BETWEEN " + literal() + " AND " + literal();
      case 5:
        return name + " IS DISTINCT FROM " + literal();
      case 6:
        return name + "::VARCHAR LIKE '" + std::string(1, "h1-nj2"[Pick(6)]) + "%'";
      default:
        return name + kOperators[Pick(6)] + literal();
    }
  }

  std::mt19937_64 random_;
};

TEST_F(ScanTest, RandomConditions) {
  constexpr std::uint64_t kSeed = 20260101;
  ConditionMaker maker(kSeed);
  for (int i = 0; i < 2000; ++i) {
    const std::string condition = maker.Condition(i % 4);
    ExpectSame("SELECT count(*), sum(id), count(name) FROM %t WHERE " + condition);
    if (HasFatalFailure()) FAIL() << "seed " << kSeed << ", condition " << i;
  }
}

TEST_F(ScanTest, AsksForTheFieldsOfStructsThatAreLookedAt) {
  using Parts = std::vector<std::vector<std::string>>;
  const auto parts_of = [](const std::string& query) {
    const auto rows = RunText(*engine_, query);
    EXPECT_TRUE(rows.ok()) << rows.status();
    std::lock_guard lock(table_->probe().mutex);
    return table_->probe().parts;
  };
  EXPECT_EQ(parts_of("SELECT point.a FROM test.t"), (Parts{{"point", "a"}}));
  EXPECT_THAT(parts_of("SELECT point.a FROM test.t WHERE point.b = 'b1'"),
              UnorderedElementsAre(ElementsAre("point", "a"), ElementsAre("point", "b")));
  EXPECT_THAT(parts_of("SELECT id, point FROM test.t WHERE point.a > 3"),
              UnorderedElementsAre(ElementsAre("id"), ElementsAre("point")));
}

// --- Types on the way out.

TEST_F(ScanTest, AColumnOfNoTypeIsNull) {
  // What Iceberg calls unknown.
  const auto schema = arrow::schema(
      {arrow::field("n", arrow::int64()), arrow::field("u", arrow::null())});
  arrow::Int64Builder numbers;
  ASSERT_TRUE(numbers.AppendValues({1, 2}).ok());
  tables_->Add(
      {"test", "nothing"}, schema,
      {{arrow::RecordBatch::Make(
          schema, 2, {*numbers.Finish(), std::make_shared<arrow::NullArray>(2)})}});
  EXPECT_THAT(
      *RunText(*engine_, "SELECT n, u, u IS NULL FROM test.nothing"),
      ElementsAre(ElementsAre("1", "NULL", "true"), ElementsAre("2", "NULL", "true")));
  EXPECT_TRUE(RunText(*engine_, "SELECT n FROM test.nothing WHERE u = 'x'")->empty());
  EXPECT_EQ(RunText(*engine_, "SELECT n FROM test.nothing WHERE u IS NULL")->size(), 2U);
}

TEST_F(ScanTest, ResultTypes) {
  const base::Context context;
  auto cursor = engine_->Query(
      context,
      "SELECT id, host, value, ts, day, flag, price, key, labels, exemplars, "
      "sum(small) OVER () AS total, INTERVAL '1 day' AS span FROM test.t");
  ASSERT_TRUE(cursor.ok()) << cursor.status();
  std::vector<std::string> types;
  for (const auto& field : (*cursor)->schema()->fields()) {
    types.push_back(field->type()->ToString());
  }
  EXPECT_THAT(types,
              ElementsAre("int64", "string", "double", "timestamp[us, tz=UTC]",
                          "date32[day]", "bool", "decimal128(18, 3)", "binary",
                          HasSubstr("map<string, string"), HasSubstr("list<l: struct<"),
                          "decimal128(38, 0)", "month_day_nano_interval"));
  auto batches = Drain(**cursor);
  ASSERT_TRUE(batches.ok()) << batches.status();
  for (const auto& batch : *batches) EXPECT_TRUE(batch->ValidateFull().ok());
}

}  // namespace
}  // namespace firn::sql
