# SPDX-License-Identifier: Apache-2.0
"""Tables that DuckDB and ClickHouse write, read by firn: types, transforms, schemas and
partitions that changed, rows deleted and changed by position deletes and deletion vectors.

    other_writers_test.py --firn FILE

DuckDB commits to Iceberg's own REST server. firn reads its tables through that server, and
through the SQLite catalog behind it. ClickHouse writes a directory as Iceberg's Hadoop
catalog lays it out, which is the warehouse's own catalog for firn.
"""
import dataclasses
import datetime
import itertools
import json
import os
import pathlib
import tempfile
import uuid

import foreign_tables_test
from foreign_tables_test import TRANSFORMS, Evolved, with_uuids
from rest_servers import start_iceberg
from table_engines import Place, quoted
from table_readers import connect_duckdb
from table_rows import (ALL, COLUMNS, UUID, Condition, conditions, plain_rows, rows,
                        to_arrow, without_null_collections)

import firn_server
from firn_server import run_firn

import chdb.session
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = foreign_tables_test.ROWS


# DuckDB knows no such transform, and takes the bytes of a partition for text.
NOT_OF_DUCKDB = {("void", "s"), ("identity", "bin"), ("identity", "fx"),
                 ("truncate[3]", "bin"), ("bucket[4]", "fx")}
# It hashes UUIDs as numbers whose highest bit is flipped, which puts them in wrong buckets.
DUCKDB_WRONG_BUCKETS = {("bucket[4]", "u")}
# A manifest list says of a partition field without bounds that it has no values. Of the
# first three types DuckDB writes none; of floats it denies that there is NaN.
DUCKDB_NO_BOUNDS = {("identity", column) for column in ("b", "u", "clock", "f", "d")}
# ClickHouse writes no UUID of a partition, and knows no truncation of long decimals. What it
# writes of a float is refused: see test_a_partition_that_is_no_float_is_refused_by_name.
NOT_OF_CLICKHOUSE = {("identity", "u"), ("truncate[3]", "dec38"), ("identity", "f")}
# It writes no bounds but of these; days before and after are put in the first and the last
# of these years, months and days.
CLICKHOUSE_BOUNDS = ("identity", "truncate[3]")
CLICKHOUSE_DAYS = (datetime.date(1970, 1, 1), datetime.date(2149, 6, 6))
NO_BOUNDS = "expected a value within the summary of its list"
WRONG_PARTITION = "expected what belongs to"


def has_clickhouse_day(value):
    if value is None:
        return True
    day = value.date() if isinstance(value, datetime.datetime) else value
    return CLICKHOUSE_DAYS[0] <= day <= CLICKHOUSE_DAYS[1]


class WritersTest(foreign_tables_test.ForeignTest):
    """A table may break the format in what only `firn check` sees: `fault` is what each line
    of its answer says then, a pattern."""
    fault = None

    def assert_sound(self, place):
        if self.fault is None:
            return super().assert_sound(place)
        done = run_firn("check", place.name, "--content", *place.flags)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for line in done.stdout.decode().splitlines()[:-1]:
            self.assertRegex(line, self.fault)

    def assert_reads(self, *arguments, fault=None):
        self.fault = fault
        super().assert_reads(*arguments)
        self.fault = None


    def compact(self, place):
        """By firn, which brings rows and the deletes of others together."""
        done = run_firn("table", "compact", place.name, *place.flags)
        self.assertEqual(done.returncode, 0, done.stderr)


# --- DuckDB.

@dataclasses.dataclass(frozen=True)
class Served(Place):
    """A table of a REST catalog."""

    @property
    def flags(self):
        return ["--catalog", self.catalog]


class DuckDBTablesTest(WritersTest):
    # It has no type for fixed.
    NAMES = tuple(name for name in (*ALL, "clock") if name != "fx")

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="firn-writers-")
        cls.addClassCleanup(holder.cleanup)
        cls.directory = pathlib.Path(holder.name)
        cls.server = start_iceberg(cls.directory, {
            "warehouse": f"file://{cls.directory}/warehouse",
            "io-impl": "org.apache.iceberg.hadoop.HadoopFileIO"})
        cls.addClassCleanup(cls.server.stop)
        cls.duckdb = connect_duckdb()
        assert cls.duckdb is not None, "DuckDB's extensions are not there"
        cls.addClassCleanup(cls.duckdb.close)
        cls.sql("SET TimeZone = 'UTC'")
        cls.sql(f"ATTACH '' AS ice (TYPE iceberg, ENDPOINT {quoted(cls.server.uri)}, "
                "AUTHORIZATION_TYPE 'none')")
        cls.sql("CREATE SCHEMA ice.d")

    @classmethod
    def sql(cls, text):
        return cls.duckdb.execute(text)

    def place(self, name):
        return Served(None, self.server.catalog, f"d.{name}")

    def place_behind(self, name):
        """The same in the database of the server."""
        return Place(self.directory / "warehouse",
                     f"sqlite:///{self.directory}/catalog.db", f"d.{name}")

    def create(self, name, names, partition="", version=2):
        self.duckdb.register("given", with_uuids(to_arrow([], names)))
        columns = ", ".join(
            f"{column} {kind}{' NOT NULL' if column == 'id' else ''}" for column, kind, *_ in
            self.sql("DESCRIBE SELECT * FROM given").fetchall())
        self.sql(f"CREATE TABLE ice.d.{name} ({columns}) "
                 f"{f'PARTITIONED BY ({partition})' if partition else ''} "
                 f"WITH ('format-version' = '{version}')")

    def insert(self, name, table):
        self.duckdb.register("given", with_uuids(table))
        self.sql(f"INSERT INTO ice.d.{name} BY NAME SELECT * FROM given")

    def test_every_type(self):
        for version in (2, 3):
            name = f"types{version}"
            self.create(name, self.NAMES, version=version)
            for part in (range(50), range(50, ROWS)):
                self.insert(name, to_arrow(rows(part, self.NAMES), self.NAMES))
            tried = [condition for column in self.NAMES if "<" not in COLUMNS[column].iceberg
                     for condition in conditions(column)]
            self.assert_reads(self.place(name), rows(range(ROWS), self.NAMES), self.NAMES,
                              tried)
            self.assert_reads(self.place_behind(name), rows(range(ROWS), self.NAMES),
                              self.NAMES)

    def test_every_transform(self):
        for transform, columns in TRANSFORMS.items():
            for column in columns:
                if (transform, column) in NOT_OF_DUCKDB:
                    continue
                names = tuple(dict.fromkeys((column, "i")))
                kind, _, argument = transform.rstrip("]").partition("[")
                name = f"{kind}_{column}"
                self.create(name, names, column if kind == "identity" else
                            f"{kind}({argument}, {column})" if argument else
                            f"{kind}({column})")
                self.insert(name, to_arrow(rows(range(ROWS), names), names))
                wrong = (transform, column) in DUCKDB_WRONG_BUCKETS
                no_bounds = (transform, column) in DUCKDB_NO_BOUNDS
                self.assert_reads(
                    self.place(name), rows(range(ROWS), names), names,
                    () if wrong else conditions(column),
                    fault=WRONG_PARTITION if wrong else NO_BOUNDS if no_bounds else None)

    def test_a_table_that_evolved(self):
        for version in (2, 3):
            name = f"evolved{version}"
            place = self.place(name)
            self.sql(f"CREATE TABLE ice.d.{name} (id BIGINT, n INTEGER, f FLOAT, "
                     "price DECIMAL(9, 2), s VARCHAR, gone VARCHAR, tz TIMESTAMPTZ) "
                     f"WITH ('format-version' = '{version}')")
            self.insert(name, pa.Table.from_pylist(Evolved.first_rows(), Evolved.FIRST))
            for change in ("ALTER n TYPE BIGINT", "ALTER f TYPE DOUBLE",
                           "ALTER price TYPE DECIMAL(18, 2)", "RENAME s TO name",
                           "DROP gone", "ADD extra VARCHAR", "ADD gone INTEGER"):
                self.sql(f"ALTER TABLE ice.d.{name} {change}")
            for start, change in ((10, None), (20, "SET PARTITIONED BY (day(tz))"),
                                  (30, "SET PARTITIONED BY (bucket(4, name))"),
                                  (40, "RESET PARTITIONED BY")):
                if change:
                    self.sql(f"ALTER TABLE ice.d.{name} {change}")
                self.insert(name, pa.Table.from_pylist(Evolved.later_rows(start),
                                                       Evolved.LAST))
            self.assert_answers(place, Evolved.expected(10, 20, 30, 40), Evolved.LAST,
                                Evolved.CONDITIONS)
            if version == 3:
                continue
            # And firn goes on where DuckDB left off, and DuckDB after it.
            path = self.directory / "more.parquet"
            pq.write_table(pa.Table.from_pylist(Evolved.later_rows(50), Evolved.LAST), path)
            for arguments in (("append", place.name, path),
                              ("delete", place.name, "--filter", "name = 's1'")):
                done = run_firn("table", *arguments, *place.flags)
                self.assertEqual(done.returncode, 0, done.stderr)
            self.insert(name, pa.Table.from_pylist(Evolved.later_rows(60), Evolved.LAST))
            expected = [row for row in Evolved.expected(10, 20, 30, 40, 50)
                        if row["name"] != "s1"] + Evolved.later_rows(60)
            self.assert_answers(place, expected, Evolved.LAST, Evolved.CONDITIONS)
            self.assertEqual(
                plain_rows(self.sql(f"SELECT * FROM ice.d.{name}").to_arrow_table(),
                           Evolved.LAST),
                plain_rows(pa.Table.from_pylist(expected, Evolved.LAST), Evolved.LAST))

    def test_rows_that_were_deleted_and_changed(self):
        names = ("s", "i")
        for version, partition in itertools.product((2, 3), ("", "s", "bucket(4, i)")):
            name = f"changed{version}_{partition[:1]}"
            table = f"ice.d.{name}"
            self.create(name, names, partition, version)
            for part in (range(40), range(40, 60)):
                self.insert(name, to_arrow(rows(part, names), names))
            for change in (
                    f"DELETE FROM {table} WHERE i = 7", f"DELETE FROM {table} WHERE id = 45",
                    f"DELETE FROM {table} WHERE id BETWEEN 20 AND 22",
                    f"UPDATE {table} SET i = i + 1 WHERE i = 70",
                    f"UPDATE {table} SET s = 'moved' WHERE id = 2",
                    f"MERGE INTO {table} t USING (VALUES (1, 'one', 1), (100, 'new', 2)) "
                    "v (id, s, i) ON t.id = v.id WHEN MATCHED THEN UPDATE SET s = v.s, "
                    "i = v.i WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.s, v.i)"):
                self.sql(change)
            expected = {row["id"]: row for row in rows(range(60), names)
                        if row["i"] != 7 and row["id"] not in (20, 21, 22, 45)}
            for row in expected.values():
                row["i"] = 71 if row["i"] == 70 else row["i"]
            expected[1] = {"id": 1, "s": "one", "i": 1}
            expected[2]["s"] = "moved"
            expected[100] = {"id": 100, "s": "new", "i": 2}
            written = {path.suffix for path in
                       self.directory.glob(f"warehouse/d/{name}/data/**/*-deletes.*")}
            self.assertEqual(written, {".parquet" if version == 2 else ".puffin"})
            tried = [*conditions("s"), Condition("i", "=", 71), Condition("i", "is null")]
            self.assert_reads(self.place(name), list(expected.values()), names, tried)
            self.assert_reads(self.place_behind(name), list(expected.values()), names)
            if version == 2:
                self.compact(self.place(name))
                self.assert_reads(self.place(name), list(expected.values()), names, tried)
                self.assertEqual(self.sql(f"SELECT count(*) FROM {table}").fetchone(),
                                 (len(expected),))
            self.sql(f"TRUNCATE {table}")
            self.assert_reads(self.place(name), [], names, tried)

    def test_defaults(self):
        self.sql("CREATE TABLE ice.d.defaults (id BIGINT, i INTEGER DEFAULT 3) "
                 "WITH ('format-version' = '3')")
        self.sql("INSERT INTO ice.d.defaults (id) VALUES (1)")
        self.sql("INSERT INTO ice.d.defaults VALUES (2, NULL)")
        self.sql("ALTER TABLE ice.d.defaults ADD s VARCHAR DEFAULT 'it''s'")
        self.sql("INSERT INTO ice.d.defaults VALUES (3, 7, NULL)")
        self.assert_reads(self.place("defaults"), [
            {"id": 1, "i": 3, "s": "it's"}, {"id": 2, "i": None, "s": "it's"},
            {"id": 3, "i": 7, "s": None}], ("i", "s"), conditions("s"))

    def test_parts_of_structs(self):
        self.sql("CREATE TABLE ice.d.nested (id BIGINT, "
                 "s STRUCT(a INTEGER, b STRUCT(c INTEGER)))")
        self.sql("INSERT INTO ice.d.nested VALUES (1, {'a': 1, 'b': {'c': 2}}), (2, NULL)")
        for change in ("ADD COLUMN s.d INTEGER", "RENAME COLUMN s.a TO e",
                       "ADD COLUMN s.b.f VARCHAR", "DROP COLUMN s.b.c"):
            self.sql(f"ALTER TABLE ice.d.nested {change}")
        self.sql("INSERT INTO ice.d.nested VALUES (3, {'e': 3, 'b': {'f': 'x'}, 'd': 4})")
        wanted = pa.schema([("id", pa.int64()), ("s", pa.struct([
            ("e", pa.int32()), ("b", pa.struct([("f", pa.string())])), ("d", pa.int32())]))])
        self.assert_answers(self.place("nested"), [
            {"id": 1, "s": {"e": 1, "b": {"f": None}, "d": None}}, {"id": 2, "s": None},
            {"id": 3, "s": {"e": 3, "b": {"f": "x"}, "d": 4}}], wanted)

    def test_transactions(self):
        """Of several changes and tables: one commit, or none."""
        for name in ("one", "other"):
            self.sql(f"CREATE TABLE ice.d.{name} (id BIGINT, i INTEGER)")
        for text in ("BEGIN", "INSERT INTO ice.d.one VALUES (1, 1), (2, 2)",
                     "INSERT INTO ice.d.other VALUES (1, 1)",
                     "INSERT INTO ice.d.one VALUES (3, 3)",
                     "DELETE FROM ice.d.one WHERE id = 1", "COMMIT",
                     "BEGIN", "INSERT INTO ice.d.one VALUES (4, 4)", "ROLLBACK"):
            self.sql(text)
        self.assert_reads(self.place("one"), [{"id": 2, "i": 2}, {"id": 3, "i": 3}], ("i",),
                          conditions("i"))
        self.assert_reads(self.place("other"), [{"id": 1, "i": 1}], ("i",))

    def test_a_table_without_rows(self):
        self.sql("CREATE TABLE ice.d.empty (id BIGINT, i INTEGER)")
        self.assert_reads(self.place("empty"), [], ("i",), conditions("i"))

    def test_variants(self):
        self.sql("CREATE TABLE ice.d.variants (id BIGINT, v VARIANT) "
                 "WITH ('format-version' = '3')")
        self.sql("INSERT INTO ice.d.variants VALUES (1, NULL), (2, 'hi'::VARIANT)")
        place = self.place("variants")
        self.assertIn("column v: variants that are shredded are not read", self.refusal(place))
        done = run_firn("sql", f"SELECT sum(id) AS n FROM {place.name}", "--format", "csv",
                        *place.flags)
        self.assertEqual(done.stdout.split(), [b"n", b"3"], done.stderr)

    def test_types_that_are_refused_by_name(self):
        self.sql("CREATE TABLE ice.d.geometry (id BIGINT, v GEOMETRY) "
                 "WITH ('format-version' = '3')")
        self.sql("INSERT INTO ice.d.geometry VALUES (1, NULL)")
        place = self.place("geometry")
        self.assertIn("type geometry is not read", self.refusal(place))

    def test_nanoseconds(self):
        wanted = pa.schema([("id", pa.int64()), ("moment", pa.timestamp("ns"))])
        some = [{"id": 1, "moment": 1}, {"id": 2, "moment": None}, {"id": 3, "moment": -1}]
        self.sql("CREATE TABLE ice.d.nanoseconds (id BIGINT, moment TIMESTAMP_NS) "
                 "PARTITIONED BY (day(moment)) WITH ('format-version' = '3')")
        self.insert("nanoseconds", pa.Table.from_pylist(some, wanted))
        table = self.firn.read(self.place("nanoseconds")).sort_by("id")
        self.assertEqual(table["moment"].cast(pa.timestamp("ns")).cast(pa.int64()).to_pylist(),
                         [1, None, -1])

    def test_what_it_cannot_write(self):
        """README.md says so. A newer DuckDB that can needs a test above."""
        for columns, partition, said in (
                ("v INTEGER[3]", "", "Array type not supported"),
                ("v SMALLINT", "", "not a valid Iceberg Type"),
                ("v VARCHAR", "void(v)", "Unrecognized transform"),
                ("v VARCHAR", "identity(v)", "Unrecognized transform")):
            with self.assertRaisesRegex(Exception, said):
                self.sql(f"CREATE TABLE ice.d.never ({columns}) "
                         f"{f'PARTITIONED BY ({partition})' if partition else ''}")
        self.create("bytes", ("bin",), "bin")
        self.sql("CREATE TABLE ice.d.old (id BIGINT) WITH ('format-version' = '1')")
        for text, said in (
                ("INSERT INTO ice.d.bytes VALUES (1, unhex('FFFE'))", "Invalid unicode"),
                ("INSERT INTO ice.d.old VALUES (1)", "Sequence number must be 0 in v1"),
                ("CREATE TABLE ice.d.never (id BIGINT, s STRUCT(a INTEGER)) "
                 "PARTITIONED BY (s.a)", "not found in schema"),
                ("CREATE TABLE ice.d.never AS SELECT 1 AS id", "Cannot open file")):
            with self.assertRaisesRegex(Exception, said):
                self.sql(text)


# --- ClickHouse.

class ClickHouseTablesTest(WritersTest):
    """It writes below the current directory only."""
    TYPES = {"int": "Int32", "long": "Int64", "float": "Float32", "double": "Float64",
             "date": "Date32", "string": "String", "uuid": "UUID",
             "timestamp": "DateTime64(6)", "timestamptz": "DateTime64(6, 'UTC')",
             "list<string>": "Array(Nullable(String))",
             "map<string, double>": "Map(String, Nullable(Float64))",
             "struct<x: int, y: string, z: list<long>, q: double>":
             "Tuple(x Nullable(Int32), y Nullable(String), z Array(Nullable(Int64)), "
             "q Nullable(Float64))",
             "struct<x: int, y: string>": "Tuple(x Nullable(Int32), y Nullable(String))"}
    # It has no types for the others.
    NAMES = tuple(name for name in ALL if name not in ("b", "fx", "bin"))
    FUNCTIONS = {"identity": "{0}", "bucket[4]": "icebergBucket(4, {0})",
                 "truncate[3]": "icebergTruncate(3, {0})", "year": "toYearNumSinceEpoch({0})",
                 "month": "toMonthNumSinceEpoch({0})", "day": "toRelativeDayNum({0})",
                 "hour": "toRelativeHourNum({0})"}

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="firn-writers-")
        cls.addClassCleanup(holder.cleanup)
        cls.directory = pathlib.Path(holder.name)
        (cls.directory / "warehouse" / "c").mkdir(parents=True)
        cls.addClassCleanup(os.chdir, pathlib.Path.cwd())
        os.chdir(cls.directory)
        cls.session = chdb.session.Session(str(cls.directory / "session"))
        cls.addClassCleanup(cls.session.close)
        for text in ("SET allow_insert_into_iceberg = 1", "CREATE DATABASE c", "USE c"):
            cls.sql(text)

    @classmethod
    def sql(cls, text):
        return cls.session.query(text)

    def place(self, name):
        return Place(self.directory / "warehouse", "fs", f"c.{name}")

    def type_of(self, name):
        kind = COLUMNS[name].iceberg
        found = self.TYPES.get(kind) or kind.capitalize()
        return found if "<" in kind else f"Nullable({found})"

    def create(self, name, columns, more=""):
        """`columns` are text, or names of COLUMNS."""
        if not isinstance(columns, str):
            columns = ", ".join(["id Int64"] + [f"{column} {self.type_of(column)}"
                                                for column in columns])
        self.sql(f"CREATE TABLE c.{name} ({columns}) ENGINE = "
                 f"IcebergLocal({quoted(str(self.place(name).directory) + '/')}) {more}")

    def insert(self, name, table):
        path = self.directory / "rows.parquet"
        for place, field in enumerate(table.schema):
            if field.type == UUID:  # It takes them as text.
                table = table.set_column(place, field.name, pa.array(
                    [None if value is None else str(uuid.UUID(bytes=value))
                     for value in table[field.name].to_pylist()], pa.string()))
        pq.write_table(table, path)
        names = ", ".join(table.column_names)
        self.sql(f"INSERT INTO c.{name} ({names}) SELECT {names} FROM "
                 f"file({quoted(str(path))}, Parquet)")

    def rows(self, ids, names):
        return without_null_collections(rows(ids, names), names)

    def test_every_type(self):
        for version in (2, 3):
            name = f"types{version}"
            self.create(name, self.NAMES, f"SETTINGS iceberg_format_version = {version}")
            for part in (range(50), range(50, ROWS)):
                self.insert(name, to_arrow(self.rows(part, self.NAMES), self.NAMES))
            tried = [condition for column in self.NAMES if "<" not in COLUMNS[column].iceberg
                     for condition in conditions(column)]
            self.assert_reads(self.place(name), self.rows(range(ROWS), self.NAMES),
                              self.NAMES, tried)

    def test_every_transform(self):
        for transform, columns in TRANSFORMS.items():
            for column in columns:
                if (transform not in self.FUNCTIONS or column not in self.NAMES
                        or (transform, column) in NOT_OF_CLICKHOUSE):
                    continue
                names = tuple(dict.fromkeys((column, "i")))
                name = f"{transform.split('[')[0]}_{column}"
                some = self.rows(range(ROWS), names)
                if transform in ("year", "month", "day", "hour"):
                    some = [row for row in some if has_clickhouse_day(row[column])]
                self.create(name, names,
                            f"PARTITION BY ({self.FUNCTIONS[transform].format(column)})")
                self.insert(name, to_arrow(some, names))
                # Of a truncated int they are a long's.
                bounds = transform in CLICKHOUSE_BOUNDS and (transform, column) not in (
                    ("identity", "d"), ("truncate[3]", "i"))
                self.assert_reads(self.place(name), some, names, conditions(column),
                                  fault=None if bounds else NO_BOUNDS)

    def test_several_partition_fields(self):
        names = ("s", "i", "l")
        self.create("several", names, "PARTITION BY (s, icebergTruncate(10, l)) "
                    "ORDER BY (id)")
        for part in (range(50), range(50, ROWS)):
            self.insert("several", to_arrow(rows(part, names), names))
        self.assert_reads(self.place("several"), rows(range(ROWS), names), names,
                          conditions("s") + conditions("i") + conditions("l"))

    def test_a_table_that_evolved(self):
        def without_times(some):
            return [{key: value for key, value in row.items() if key != "tz"} for row in some]

        def insert(some, wanted):
            self.insert("evolved", pa.Table.from_pylist(without_times(some), wanted))

        last = pa.schema([field for field in Evolved.LAST if field.name != "tz"])
        # It widens no decimals.
        first = pa.schema([last.field("price") if field.name == "price" else field
                           for field in Evolved.FIRST if field.name != "tz"])
        tried = [one for one in Evolved.CONDITIONS if one.column != "tz"]
        place = self.place("evolved")
        self.create("evolved", "id Int64, n Nullable(Int32), f Nullable(Float32), "
                    "price Nullable(Decimal(18, 2)), s Nullable(String), "
                    "gone Nullable(String)")
        insert(Evolved.first_rows(), first)
        for change in ("MODIFY COLUMN n Nullable(Int64)", "MODIFY COLUMN f Nullable(Float64)",
                       "RENAME COLUMN s TO name", "DROP COLUMN gone",
                       "ADD COLUMN extra Nullable(String)",
                       "ADD COLUMN gone Nullable(Int32)"):
            self.sql(f"ALTER TABLE c.evolved {change}")
        insert(Evolved.later_rows(10), last)
        self.assert_answers(place, without_times(Evolved.expected(10)), last, tried)
        # And firn goes on where ClickHouse left off, and ClickHouse after it.
        path = self.directory / "more.parquet"
        pq.write_table(pa.Table.from_pylist(without_times(Evolved.later_rows(20)), last), path)
        for arguments in (("append", place.name, path),
                          ("delete", place.name, "--filter", "name = 's1'")):
            done = run_firn("table", *arguments, *place.flags)
            self.assertEqual(done.returncode, 0, done.stderr)
        insert(Evolved.later_rows(30), last)
        expected = [row for row in without_times(Evolved.expected(10, 20))
                    if row["name"] != "s1"] + without_times(Evolved.later_rows(30))
        self.assert_answers(place, expected, last, tried)
        answer = self.session.query("SELECT * FROM c.evolved", "Arrow")
        self.assertEqual(
            plain_rows(pa.ipc.open_file(pa.BufferReader(answer.bytes())).read_all(), last),
            plain_rows(pa.Table.from_pylist(expected, last), last))

    def test_rows_that_were_deleted_and_changed(self):
        names = ("s", "i")
        for version, (partition, fault) in itertools.product(
                (2, 3), (("", None), ("s", None), ("icebergBucket(4, i)", NO_BOUNDS))):
            name = f"changed{version}_{partition[:1]}"
            self.create(name, names, f"{f'PARTITION BY ({partition})' if partition else ''} "
                        f"SETTINGS iceberg_format_version = {version}")
            for part in (range(40), range(40, 60)):
                self.insert(name, to_arrow(rows(part, names), names))
            for change in (
                    f"ALTER TABLE c.{name} DELETE WHERE i = 7",
                    f"DELETE FROM c.{name} WHERE id = 45",
                    f"ALTER TABLE c.{name} DELETE WHERE id BETWEEN 20 AND 22",
                    f"ALTER TABLE c.{name} UPDATE i = i + 1 WHERE i = 70"):
                self.sql(change)
            expected = [row for row in rows(range(60), names)
                        if row["i"] != 7 and row["id"] not in (20, 21, 22, 45)]
            for row in expected:
                row["i"] = 71 if row["i"] == 70 else row["i"]
            self.assertTrue(list((self.place(name).directory / "data").glob("*-deletes.*")))
            tried = [*conditions("s"), Condition("i", "=", 71), Condition("i", "is null")]
            self.assert_reads(self.place(name), expected, names, tried, fault=fault)
            if version == 2:
                self.compact(self.place(name))
                self.assert_reads(self.place(name), expected, names, tried, fault=fault)
                answer = self.session.query(f"SELECT count() FROM c.{name}", "CSV").data()
                self.assertEqual(int(answer), len(expected))

    def test_the_ways_metadata_is_written(self):
        for name, settings, more in (
                ("hinted", "", "SETTINGS iceberg_use_version_hint = 1"),
                ("full", "write_full_path_in_iceberg_metadata = 1", ""),
                ("packed", "iceberg_metadata_compression_method = 'gzip'", "")):
            if settings:
                self.sql(f"SET {settings}")
            self.create(name, ("i",), more)
            self.insert(name, to_arrow(rows(range(20), ("i",)), ("i",)))
            self.sql(f"DELETE FROM c.{name} WHERE id = 3")
            if settings:
                self.sql(f"SET {settings.split()[0]} = DEFAULT")
            self.assert_reads(self.place(name), [row for row in rows(range(20), ("i",))
                                                 if row["id"] != 3], ("i",))

    def test_data_files_that_are_no_parquet_are_refused_by_name(self):
        for codec in ("ORC", "Avro"):
            place = self.place(f"in_{codec}")
            self.sql(f"CREATE TABLE {place.name} (id Int64) ENGINE = "
                     f"IcebergLocal({quoted(str(place.directory) + '/')}, '{codec}')")
            self.sql(f"INSERT INTO {place.name} VALUES (1)")
            self.assertIn(f".{codec.lower()} is not Parquet", self.refusal(place))

    def test_version_1(self):
        self.create("old", ("s", "i"), "SETTINGS iceberg_format_version = 1")
        for part in (range(50), range(50, ROWS)):
            self.insert("old", to_arrow(rows(part, ("s", "i")), ("s", "i")))
        # Its manifest lists count files that were added as those that were there as well.
        self.assert_reads(self.place("old"), rows(range(ROWS), ("s", "i")), ("s", "i"),
                          conditions("s"), fault="by its list|by the summary of snapshot")
        with self.assertRaisesRegex(Exception, "only for the second version"):
            self.sql("ALTER TABLE c.old DELETE WHERE id = 1")

    def test_tables_that_break_the_format_are_read_where_it_is_clear_how(self):
        at = "toDateTime64('2024-05-06 07:08:09.000123', 6, 'UTC')"
        for name, columns, more, value, rows_found in (
                # Of times without a zone the files say that they are in UTC.
                ("times", "id Int64, v DateTime64(6)", "", at,
                 [{"id": 1, "v": "2024-05-06T07:08:09.000123"}]),
                ("zoned", "id Int64, v DateTime64(6, 'UTC')", "", at,
                 [{"id": 1, "v": "2024-05-06T07:08:09.000123"}]),
                # The manifest has a long where the partition is an int.
                ("cut", "id Int64, v Int32", "PARTITION BY (icebergTruncate(3, v))", "7",
                 [{"id": 1, "v": 7}]),
                # A branch of a snapshot that is not there.
                ("empty", "id Int64", "", None, [])):
            with self.subTest(name):
                self.create(name, columns, more)
                if value:
                    self.sql(f"INSERT INTO c.{name} SELECT 1, {value}")
                place = self.place(name)
                for where in ("", " WHERE id = 1"):
                    done = run_firn("sql", f"SELECT * FROM {place.name}{where}", *place.flags,
                                    "--format", "ndjson")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual([json.loads(line) for line in done.stdout.splitlines()],
                                     rows_found)

    def test_a_partition_that_is_no_float_is_refused_by_name(self):
        # The manifest has eight bytes where its own schema says float.
        self.create("floats", "id Int64, v Float32", "PARTITION BY (v)")
        self.sql("INSERT INTO c.floats SELECT 1, 1.5")
        place = self.place("floats")
        self.assertIn("manifest", self.refusal(place))

    def test_what_it_cannot_write(self):
        """README.md says so. A newer ClickHouse that can needs a test above."""
        for kind in ("Bool", "FixedString(4)", "Time64(6)"):
            with self.assertRaisesRegex(Exception, "Unsupported type for iceberg"):
                self.create("never", f"id Int64, v {kind}")
        for column, function, said in (
                ("u", "identity", "Unsupported type to write into avro file UUID"),
                ("dec38", "truncate[3]", "Second argument must be")):
            self.create(f"never_{column}", (column,),
                        f"PARTITION BY ({self.FUNCTIONS[function].format(column)})")
            with self.assertRaisesRegex(Exception, said):
                self.insert(f"never_{column}", to_arrow(rows(range(5), (column,)), (column,)))
        self.create("never_more", ("s", "dec9"))
        for change, said in (
                ("MODIFY PARTITION BY (s)", "Syntax error"),
                ("MODIFY COLUMN dec9 Nullable(Decimal(18, 2))", "Bad cast exception")):
            with self.assertRaisesRegex(Exception, said):
                self.sql(f"ALTER TABLE c.never_more {change}")


if __name__ == "__main__":
    firn_server.main()
