# SPDX-License-Identifier: Apache-2.0
"""Tables that PyIceberg and Spark write, read by firn: every type, every transform, schemas
and partitions that changed, rows changed by copy-on-write, versions 1 to 3.

    foreign_tables_test.py --firn FILE
"""
import datetime
import decimal
import pathlib
import tempfile
import unittest
import uuid

from table_engines import Firn, Place
from table_rows import (ALL, COLUMNS, UTC, UUID, Condition, conditions, plain_rows,
                        rows, schema, to_arrow)
from spark_session import Spark

import firn_server
from firn_server import run_firn

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg import transforms
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import _pyarrow_to_schema_without_ids
from pyiceberg.schema import assign_fresh_schema_ids
from pyiceberg.types import DecimalType, DoubleType, IntegerType, LongType, StringType

DT = datetime.datetime
ROWS = 77
# Of each transform, the columns it is tried on.
TRANSFORMS = {
    "identity": ("b", "i", "l", "f", "d", "dec9", "dec18", "dec38", "day", "ts", "tz", "s",
                 "u", "fx", "bin", "clock"),
    "bucket[4]": ("i", "l", "dec9", "dec38", "day", "ts", "tz", "s", "u", "fx", "bin",
                  "clock"),
    "truncate[3]": ("i", "l", "dec9", "dec38", "s", "bin"),
    "year": ("day", "ts", "tz"),
    "month": ("day", "ts", "tz"),
    "day": ("day", "ts", "tz"),
    "hour": ("ts", "tz"),
    "void": ("s",),
}
# PyIceberg fails where NaN or a UUID is the value of a partition, and to hash times of day.
NOT_OF_PYICEBERG = {("identity", "f"), ("identity", "d"), ("identity", "u"),
                    ("bucket[4]", "clock")}
# Spark has no type for the one, and writes manifests that nobody reads for the other.
NOT_OF_SPARK = {("bucket[4]", "clock"), ("identity", "clock"), ("identity", "fx")}


def with_uuids(table):
    """`table` with the type of Arrow for UUIDs, which tells PyIceberg what they are."""
    for place, field in enumerate(table.schema):
        if field.type == UUID:
            table = table.set_column(
                place, pa.field(field.name, pa.uuid()),
                table[field.name].cast(pa.uuid()))
    return table


def iceberg_schema(names):
    return assign_fresh_schema_ids(
        _pyarrow_to_schema_without_ids(with_uuids(to_arrow([], names)).schema))


class Evolved:
    """A table whose rows are written by four schemas and three partition specs, told as
    changes that each engine makes in its own words."""
    FIRST = pa.schema([
        pa.field("id", pa.int64()), ("n", pa.int32()), ("f", pa.float32()),
        ("price", pa.decimal128(9, 2)), ("s", pa.string()), ("gone", pa.string()),
        ("tz", pa.timestamp("us", "UTC"))])
    LAST = pa.schema([
        pa.field("id", pa.int64()), ("tz", pa.timestamp("us", "UTC")), ("n", pa.int64()),
        ("f", pa.float64()), ("price", pa.decimal128(18, 2)), ("name", pa.string()),
        ("extra", pa.string()), ("gone", pa.int32())])
    IDS = range(10)

    @classmethod
    def first_rows(cls):
        return [{"id": i, "n": None if i == 4 else i - 5, "f": i / 2,
                 "price": decimal.Decimal(i) / 4 if i % 4 == 0 else None, "s": f"s{i % 3}",
                 "gone": f"old {i}", "tz": DT(2024, 1, 1 + i % 3, i, tzinfo=UTC)}
                for i in range(10)]

    @classmethod
    def later_rows(cls, start):
        return [{"id": i, "tz": DT(2024, 1, 1 + i % 3, i % 24, tzinfo=UTC),
                 "n": 2**40 + i if i % 2 else None, "f": 1e300, "price":
                 decimal.Decimal("1234567890123456.25"), "name": f"s{i % 3}",
                 "extra": None if i % 5 == 0 else f"e{i}", "gone": i if i % 2 else None}
                for i in range(start, start + 10)]

    @classmethod
    def expected(cls, *later):
        """All rows by the last schema."""
        found = [{**row, "name": row["s"], "extra": None, "gone": None}
                 for row in cls.first_rows()]
        for start in later:
            found += cls.later_rows(start)
        return [{name: row[name] for name in cls.LAST.names} for row in found]

    CONDITIONS = (
        Condition("n", "=", -5, pa.int64()), Condition("n", "<", 0, pa.int64()),
        Condition("n", ">=", 2**40, pa.int64()), Condition("n", "is null"),
        Condition("f", "<", 1.0, pa.float64()), Condition("f", "=", 1e300, pa.float64()),
        Condition("price", "=", decimal.Decimal("1.00"), pa.decimal128(18, 2)),
        Condition("price", ">=", decimal.Decimal("2.00"), pa.decimal128(18, 2)),
        Condition("name", "=", "s1", pa.string()),
        Condition("extra", "is null"), Condition("extra", "=", "e11", pa.string()),
        Condition("gone", "is null"), Condition("gone", "=", 13, pa.int32()),
        Condition("gone", "is not null"),
        Condition("tz", "<", DT(2024, 1, 2, tzinfo=UTC), pa.timestamp("us", "UTC")),
        Condition("tz", "=", DT(2024, 1, 3, 2, tzinfo=UTC), pa.timestamp("us", "UTC")),
    )


class ForeignTest(unittest.TestCase):
    firn = Firn()

    def assert_sound(self, place):
        done = run_firn("check", place.name, "--content", *place.flags)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def refusal(self, place):
        """What firn says where it does not read a table."""
        done = run_firn("sql", f"SELECT * FROM {place.name}", *place.flags)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stderr.decode()

    def assert_reads(self, place, expected, names=ALL, tried=()):
        self.assert_answers(place, expected, schema(names), tried)

    def assert_answers(self, place, expected, wanted, tried=()):
        """All rows, and those under each condition; by SQL, and all by a scan as well."""
        with self.subTest(table=place.name):
            self.assert_sound(place)
        for condition in (None, *tried):
            with self.subTest(table=place.name, condition=condition):
                rows_of_it = [row for row in expected
                              if condition is None or condition.holds(row)]
                self.assertEqual(
                    plain_rows(self.firn.read(place, condition), wanted),
                    plain_rows(pa.Table.from_pylist(rows_of_it, wanted), wanted))
        with self.subTest(table=place.name, by="scan"):
            done = run_firn("table", "scan", place.name, "--format", "arrow", *place.flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(
                plain_rows(pa.ipc.open_stream(done.stdout).read_all(), wanted),
                plain_rows(pa.Table.from_pylist(expected, wanted), wanted))


class PyIcebergTablesTest(ForeignTest):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="firn-foreign-")
        self.addCleanup(holder.cleanup)
        self.warehouse = pathlib.Path(holder.name)
        self.catalog = SqlCatalog("firn", uri=f"sqlite:///{self.warehouse}/catalog.db",
                                  warehouse=f"file://{self.warehouse}")
        self.addCleanup(self.catalog.engine.dispose)
        self.catalog.create_namespace("p")

    def place(self, name):
        return Place(self.warehouse, None, f"p.{name}")

    def test_every_type(self):
        for version in ("1", "2"):
            names = (*ALL, "clock")
            place = self.place(f"types{version}")
            table = self.catalog.create_table(place.name, iceberg_schema(names),
                                              properties={"format-version": version})
            for part in (range(50), range(50, ROWS)):
                table.append(with_uuids(to_arrow(rows(part, names), names)))
            tried = [condition for name in names if "<" not in COLUMNS[name].iceberg
                     for condition in conditions(name)] if version == "2" else ()
            self.assert_reads(place, rows(range(ROWS), names), names, tried)

    def test_every_transform(self):
        for transform, columns in TRANSFORMS.items():
            for column in columns:
                if (transform, column) in NOT_OF_PYICEBERG:
                    continue
                names = tuple(dict.fromkeys((column, "i")))
                place = self.place(f"{transform.split('[')[0]}_{column}")
                table = self.catalog.create_table(place.name, iceberg_schema(names))
                with table.update_spec() as update:
                    update.add_field(column, transforms.parse_transform(transform), "part")
                table.append(with_uuids(to_arrow(rows(range(ROWS), names), names)))
                self.assert_reads(place, rows(range(ROWS), names), names, conditions(column))

    def test_a_table_that_evolved(self):
        for version in ("1", "2"):
            place = self.place(f"evolved{version}")
            table = self.catalog.create_table(place.name, Evolved.FIRST,
                                              properties={"format-version": version})
            table.append(pa.Table.from_pylist(Evolved.first_rows(), Evolved.FIRST))
            with table.update_schema() as update:
                update.update_column("n", LongType())
                update.update_column("f", DoubleType())
                update.update_column("price", DecimalType(18, 2))
                update.rename_column("s", "name")
                update.delete_column("gone")
                update.add_column("extra", StringType())
                update.move_after("tz", "id")
            with table.update_schema() as update:
                update.add_column("gone", IntegerType())
            for start, change in (
                    (10, None),
                    (20, lambda update: update.add_field("tz", transforms.DayTransform(), "d")),
                    (30, lambda update: update.remove_field("d").add_field(
                        "name", transforms.BucketTransform(4), "b"))):
                if change:
                    with table.update_spec() as update:
                        change(update)
                table.append(pa.Table.from_pylist(Evolved.later_rows(start), Evolved.LAST))
            self.assert_answers(place, Evolved.expected(10, 20, 30), Evolved.LAST,
                                Evolved.CONDITIONS)
            # And firn goes on where PyIceberg left off.
            path = self.warehouse / "more.parquet"
            pq.write_table(pa.Table.from_pylist(Evolved.later_rows(40), Evolved.LAST), path)
            done = run_firn("table", "append", place.name, path, *place.flags)
            if version == "1":
                self.assertIn(b"upgrade it to version 2", done.stderr)
                continue
            self.assertEqual(done.returncode, 0, done.stderr)
            done = run_firn("table", "delete", place.name, "--filter", "name = 's1'",
                            *place.flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            expected = [row for row in Evolved.expected(10, 20, 30, 40)
                        if row["name"] != "s1"]
            self.assert_answers(place, expected, Evolved.LAST, Evolved.CONDITIONS)
            table.refresh()
            self.assertEqual(
                plain_rows(table.scan().to_arrow(), Evolved.LAST),
                plain_rows(pa.Table.from_pylist(expected, Evolved.LAST), Evolved.LAST))

    def test_rows_that_were_deleted_and_overwritten(self):
        names = ("s", "i")
        place = self.place("changed")
        table = self.catalog.create_table(place.name, iceberg_schema(names))
        with table.update_spec() as update:
            update.add_identity("s")
        table.append(to_arrow(rows(range(60), names), names))
        table.delete("i = 7")
        table.delete("s = 'a'")
        table.overwrite(to_arrow(rows(range(60, 70), names), names), "i >= 70")
        expected = [row for row in rows(range(60), names)
                    if row["i"] != 7 and row["s"] != "a" and not (row["i"] or 0) >= 70]
        self.assert_reads(place, expected + rows(range(60, 70), names), names,
                          conditions("s") + conditions("i"))


class SparkTablesTest(ForeignTest):
    VERSIONS = (1, 2)

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="firn-foreign-")
        cls.addClassCleanup(holder.cleanup)
        cls.directory = pathlib.Path(holder.name)
        cls.warehouse = cls.directory / "warehouse"
        cls.spark = Spark(cls.warehouse)
        cls.addClassCleanup(cls.spark.stop)

    def place(self, name):
        return Place(self.warehouse, "fs", f"s.{name}")

    def create(self, name, names, spec="", version=None):
        """By the Java library, which has types that Spark's SQL has not."""
        iceberg = self.spark.java.org.apache.iceberg
        made = iceberg.SchemaParser.fromJson(iceberg_schema(names).model_dump_json())
        parts = iceberg.PartitionSpec.unpartitioned() if not spec else (
            iceberg.PartitionSpecParser.fromJson(made, spec))
        catalog = iceberg.hadoop.HadoopCatalog(
            self.spark.session._jsc.hadoopConfiguration(), f"file://{self.warehouse}")
        catalog.createTable(iceberg.catalog.TableIdentifier.parse(f"s.{name}"), made, parts,
                            {"format-version": str(version or self.VERSIONS[-1])})

    def insert(self, name, some, names):
        path = self.directory / "rows.parquet"
        table = to_arrow(some, names)
        for place, field in enumerate(table.schema):
            if field.type == UUID:  # Spark's UUIDs are text.
                table = table.set_column(place, field.name, pa.array(
                    [None if value is None else str(uuid.UUID(bytes=value))
                     for value in table[field.name].to_pylist()], pa.string()))
        pq.write_table(table, path)
        self.spark.sql(f"INSERT INTO h.s.{name} SELECT {', '.join(table.column_names)} "
                       f"FROM parquet.`{path}`")

    def test_every_type(self):
        for version in self.VERSIONS:
            place = self.place(f"types{version}")
            self.create(f"types{version}", ALL, version=version)
            for part in (range(50), range(50, ROWS)):
                self.insert(f"types{version}", rows(part), ALL)
            tried = [condition for name in ALL if "<" not in COLUMNS[name].iceberg
                     for condition in conditions(name)]
            self.assert_reads(place, rows(range(ROWS)), ALL, tried if version > 1 else ())

    def test_every_transform(self):
        for transform, columns in TRANSFORMS.items():
            for column in columns:
                if (transform, column) in NOT_OF_SPARK:
                    continue
                names = tuple(dict.fromkeys((column, "i")))
                name = f"{transform.split('[')[0]}_{column}"
                self.create(name, names, '{"spec-id": 0, "fields": [{"name": "part", '
                            f'"transform": "{transform}", "source-id": 2, "field-id": 1000}}]}}')
                self.insert(name, rows(range(ROWS), names), names)
                self.assert_reads(self.place(name), rows(range(ROWS), names), names,
                                  conditions(column))

    def test_a_table_that_evolved(self):
        for version in self.VERSIONS:
            name = f"evolved{version}"
            table = f"h.s.{name}"
            path = self.directory / "evolved.parquet"

            def insert(start):
                some, by = ((Evolved.first_rows(), Evolved.FIRST) if start == 0
                            else (Evolved.later_rows(start), Evolved.LAST))
                pq.write_table(pa.Table.from_pylist(some, by), path)
                self.spark.sql(f"INSERT INTO {table} SELECT {', '.join(by.names)} "
                               f"FROM parquet.`{path}`")

            self.spark.sql(
                f"CREATE TABLE {table} (id BIGINT, n INT, f FLOAT, price DECIMAL(9, 2), "
                "s STRING, gone STRING, tz TIMESTAMP) USING iceberg "
                f"TBLPROPERTIES ('format-version' = '{version}')")
            insert(0)
            for change in (
                    "ALTER COLUMN n TYPE BIGINT", "ALTER COLUMN f TYPE DOUBLE",
                    "ALTER COLUMN price TYPE DECIMAL(18, 2)", "RENAME COLUMN s TO name",
                    "DROP COLUMN gone", "ADD COLUMN extra STRING AFTER name",
                    "ALTER COLUMN tz AFTER id", "ADD COLUMN gone INT"):
                self.spark.sql(f"ALTER TABLE {table} {change}")
            insert(10)
            self.spark.sql(f"ALTER TABLE {table} ADD PARTITION FIELD day(tz) AS d")
            insert(20)
            self.spark.sql(f"ALTER TABLE {table} REPLACE PARTITION FIELD d WITH "
                           "bucket(4, name) AS b")
            self.spark.sql(f"ALTER TABLE {table} WRITE ORDERED BY extra DESC NULLS LAST")
            insert(30)
            self.assert_answers(self.place(name), Evolved.expected(10, 20, 30), Evolved.LAST,
                                Evolved.CONDITIONS)

    def test_rows_that_were_changed_by_copying(self):
        names = ("s", "i")
        place = self.place("changed")
        self.create("changed", names, '{"spec-id": 0, "fields": [{"name": "part", '
                    '"transform": "truncate[1]", "source-id": 2, "field-id": 1000}]}')
        self.insert("changed", rows(range(60), names), names)
        self.spark.sql("DELETE FROM h.s.changed WHERE i = 7")
        self.spark.sql("UPDATE h.s.changed SET i = i + 1 WHERE i = 70")
        self.spark.sql("MERGE INTO h.s.changed t USING (SELECT * FROM VALUES "
                       "(1L, 'one', 1), (100L, 'new', 2) v (id, s, i)) v ON t.id = v.id "
                       "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *")
        self.spark.sql("CALL h.system.rewrite_data_files('s.changed')")
        expected = {row["id"]: row for row in rows(range(60), names) if row["i"] != 7}
        for row in expected.values():
            row["i"] = 71 if row["i"] == 70 else row["i"]
        expected[1] = {"id": 1, "s": "one", "i": 1}
        expected[100] = {"id": 100, "s": "new", "i": 2}
        self.assert_reads(place, list(expected.values()), names,
                          [*conditions("s"), Condition("i", "=", 71),
                           Condition("i", "is null")])

    def test_metadata_that_is_compressed(self):
        self.spark.sql("CREATE TABLE h.s.packed (id BIGINT, i INT) USING iceberg "
                       "TBLPROPERTIES ('write.metadata.compression-codec' = 'gzip')")
        self.spark.sql("INSERT INTO h.s.packed VALUES (1, 2), (3, NULL)")
        self.assert_reads(self.place("packed"), [{"id": 1, "i": 2}, {"id": 3, "i": None}],
                          ("i",), conditions("i"))

    def test_variants(self):
        """As Parquet's VariantEncoding.md has them: an int8, a short text, an object."""
        self.spark.sql("CREATE TABLE h.s.variants (id BIGINT, v VARIANT) USING iceberg "
                       "TBLPROPERTIES ('format-version' = '3')")
        self.spark.sql("INSERT INTO h.s.variants VALUES (1, NULL), (2, parse_json('42')), "
                       "(3, parse_json('\"hi\"')), (4, parse_json('{\"a\": [true]}'))")
        place = self.place("variants")
        self.assert_sound(place)
        none = b"\x01\x00\x00"
        expected = [None, {"metadata": none, "value": b"\x0c\x2a"},
                    {"metadata": none, "value": b"\x09hi"},
                    {"metadata": b"\x01\x01\x00\x01a",
                     "value": b"\x02\x01\x00\x00\x05\x03\x01\x00\x01\x04"}]
        self.assertEqual(self.firn.read(place).sort_by("id")["v"].to_pylist(), expected)
        for condition, ids in (("v IS NULL", b"1"), ("v IS NOT NULL AND id < 3", b"2"),
                               ("v.value = '\\x09hi'::BLOB", b"3")):
            with self.subTest(condition):
                done = run_firn("sql", f"SELECT id FROM {place.name} WHERE {condition}",
                                "--format", "csv", *place.flags)
                self.assertEqual(done.stdout.split(), [b"id", ids], done.stderr)

    def test_data_files_that_are_no_parquet_are_refused_by_name(self):
        for codec in ("avro", "orc"):
            with self.subTest(codec):
                self.spark.sql(
                    f"CREATE TABLE h.s.in_{codec} (id BIGINT) USING iceberg "
                    f"TBLPROPERTIES ('write.format.default' = '{codec}')")
                self.spark.sql(f"INSERT INTO h.s.in_{codec} VALUES (1)")
                place = self.place(f"in_{codec}")
                self.assertIn(codec, self.refusal(place).lower())


if __name__ == "__main__":
    firn_server.main()
