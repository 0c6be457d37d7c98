# SPDX-License-Identifier: Apache-2.0
"""Tables of Spark and of Iceberg's Java library with deletes that readers apply: position
deletes, deletion vectors, equality deletes; and what version 3 and nested evolution add:
defaults, nanoseconds, changes inside of structs, lists and maps.

    merge_on_read_test.py --firn FILE
"""
import datetime
import pathlib
import tempfile
import unittest
import uuid

import foreign_tables_test
from table_engines import Firn, Place
from table_rows import UTC, Condition, plain_rows
from spark_session import Spark

import firn_server
from firn_server import run_firn

import pyarrow as pa
import pyarrow.parquet as pq

DT = datetime.datetime
# Python hands small numbers to Java as those of 32 bits.
SCHEMA = pa.schema([("id", pa.int32()), ("k", pa.string()), ("v", pa.float64())])
TRIED = (Condition("id", "=", 11, pa.int32()), Condition("id", ">=", 900, pa.int32()),
         Condition("k", "=", "k1", pa.string()), Condition("k", "is null"),
         Condition("v", "is null"), Condition("v", "<", 10.0, pa.float64()))


def some_rows(ids):
    return [{"id": i, "k": f"k{i % 4}" if i % 9 else None, "v": None if i % 5 == 0 else i / 2}
            for i in ids]


class MergeOnReadTest(unittest.TestCase):
    firn = Firn()

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="firn-deletes-")
        cls.addClassCleanup(holder.cleanup)
        cls.directory = pathlib.Path(holder.name)
        cls.warehouse = cls.directory / "warehouse"
        cls.spark = Spark(cls.warehouse)
        cls.addClassCleanup(cls.spark.stop)
        cls.iceberg = cls.spark.java.org.apache.iceberg

    # --- Writing.

    def create(self, name, columns="id INT, k STRING, v DOUBLE", partition="", version=2):
        partitioned = f"PARTITIONED BY ({partition})" if partition else ""
        self.spark.sql(
            f"CREATE TABLE h.m.{name} ({columns}) USING iceberg {partitioned} TBLPROPERTIES ("
            f"'format-version' = '{version}', 'write.delete.mode' = 'merge-on-read', "
            "'write.update.mode' = 'merge-on-read', 'write.merge.mode' = 'merge-on-read')")

    def insert(self, name, rows, schema=SCHEMA):
        path = self.directory / "rows.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema), path)
        self.spark.sql(f"INSERT INTO h.m.{name} SELECT {', '.join(schema.names)} "
                       f"FROM parquet.`{path}`")

    def ids(self, schema, *names):
        java = self.spark.session.sparkContext._gateway
        array = java.new_array(java.jvm.int, len(names))
        for place, name in enumerate(names):
            array[place] = schema.findField(name).fieldId()
        return array

    def delete_equal(self, name, columns, keys, partition=None):
        """One equality delete file of the Java library: rows whose `columns` are one of
        `keys`, in `partition` (a path such as k=a) or, without, in all of them."""
        table = self.spark.java_table(f"m.{name}")
        schema = table.schema()
        chosen = self.iceberg.data.GenericRecord.create(
            schema.select(self._list(columns)))
        spec = table.spec()
        factory = self.iceberg.data.GenericAppenderFactory(
            schema, spec, self.ids(schema, *columns), schema.select(self._list(columns)), None)
        key = (self.iceberg.DataFiles.data(spec, partition) if partition else None)
        self.count = getattr(self, "count", 0) + 1
        path = f"{table.location()}/data/equal-{self.count}.parquet"
        files = self.iceberg.encryption.EncryptedFiles
        writer = factory.newEqDeleteWriter(
            files.encryptedOutput(table.io().newOutputFile(path),
                                  self.iceberg.encryption.EncryptionKeyMetadata.EMPTY),
            self.iceberg.FileFormat.PARQUET, key)
        for values in keys:
            record = chosen.copy()
            for column, value in zip(columns, values):
                record.setField(column, value)
            writer.write(record)
        writer.close()
        table.newRowDelta().addDeletes(writer.toDeleteFile()).commit()

    def _list(self, items):
        found = self.spark.java.java.util.ArrayList()
        for item in items:
            found.add(item)
        return found

    # --- Reading.

    def summary(self, name):
        return dict(self.spark.java_table(f"m.{name}").currentSnapshot().summary())

    def assert_reads(self, name, expected, schema=SCHEMA, tried=TRIED):
        place = Place(self.warehouse, "fs", f"m.{name}")
        for condition in (None, *tried):
            with self.subTest(table=name, condition=condition):
                wanted = [row for row in expected
                          if condition is None or condition.holds(row)]
                self.assertEqual(
                    plain_rows(self.firn.read(place, condition), schema),
                    plain_rows(pa.Table.from_pylist(wanted, schema), schema))
        with self.subTest(table=name, by="check"):
            done = run_firn("check", place.name, "--content", *place.flags)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    # --- Deletes.

    def delete_and_update(self, name):
        """Two inserts, deletes from both, an update, and rows after it; the rows left."""
        self.insert(name, some_rows(range(500)))
        self.insert(name, some_rows(range(500, 1000)))
        self.spark.sql(f"DELETE FROM h.m.{name} WHERE id % 7 = 3")
        self.spark.sql(f"DELETE FROM h.m.{name} WHERE id BETWEEN 490 AND 510")
        self.spark.sql(f"UPDATE h.m.{name} SET v = -1 WHERE id % 100 = 11")
        self.insert(name, some_rows(range(1000, 1010)))
        left = [row for row in some_rows(range(1000))
                if row["id"] % 7 != 3 and not 490 <= row["id"] <= 510]
        for row in left:
            if row["id"] % 100 == 11:
                row["v"] = -1.0
        return left + some_rows(range(1000, 1010))

    def test_position_deletes(self):
        for name, partition in (("position", ""), ("position_by_key", "k"),
                                ("position_by_bucket", "bucket(4, id), truncate(1, k)")):
            self.create(name, partition=partition)
            expected = self.delete_and_update(name)
            self.assertGreater(int(self.summary(name)["total-position-deletes"]), 0)
            self.assert_reads(name, expected)

    def test_deletion_vectors(self):
        for name, partition in (("vectors", ""), ("vectors_by_key", "k")):
            self.create(name, partition=partition, version=3)
            expected = self.delete_and_update(name)
            self.assertGreater(int(self.summary(name)["total-position-deletes"]), 0)
            self.assertTrue(list((self.warehouse / "m" / name).glob("data/**/*.puffin")))
            self.assert_reads(name, expected)

    def test_position_deletes_become_vectors(self):
        """A table of version 2 that was upgraded holds both."""
        self.create("upgraded")
        self.insert("upgraded", some_rows(range(100)))
        self.spark.sql("DELETE FROM h.m.upgraded WHERE id < 10")
        self.spark.sql("ALTER TABLE h.m.upgraded SET TBLPROPERTIES ('format-version' = '3')")
        self.insert("upgraded", some_rows(range(100, 200)))
        self.spark.sql("DELETE FROM h.m.upgraded WHERE id BETWEEN 95 AND 104")
        self.assert_reads("upgraded", [row for row in some_rows(range(200))
                                       if row["id"] >= 10 and not 95 <= row["id"] <= 104])

    def test_equality_deletes(self):
        self.create("equal")
        self.insert("equal", some_rows(range(100)))
        self.delete_equal("equal", ["id"], [(11,), (12,), (5000,)])
        # What is inserted later is not deleted, though it is equal.
        self.insert("equal", some_rows(range(11, 13)))
        self.assert_reads("equal", some_rows(range(100)))
        # NULL is equal to NULL here; two columns are equal where both are.
        self.delete_equal("equal", ["k"], [(None,)])
        self.delete_equal("equal", ["v", "k"], [(None, "k2"), (0.5, "k1"), (1.0, "k1")])
        expected = [row for row in some_rows(range(100)) if row["k"] is not None and
                    (row["v"], row["k"]) not in ((None, "k2"), (0.5, "k1"), (1.0, "k1"))]
        self.assert_reads("equal", expected)
        # With position deletes besides.
        self.spark.sql("DELETE FROM h.m.equal WHERE id > 90")
        self.assert_reads("equal", [row for row in expected if row["id"] <= 90])

    def test_equality_deletes_in_partitions(self):
        self.create("equal_by_key", partition="k")
        self.insert("equal_by_key", some_rows(range(100)))
        # In one partition alone, though others have rows of that value.
        self.delete_equal("equal_by_key", ["v"], [(None,), (10.5,)], partition="k=k1")
        expected = [row for row in some_rows(range(100))
                    if not (row["k"] == "k1" and row["v"] in (None, 10.5))]
        self.assert_reads("equal_by_key", expected)

    def test_equality_deletes_after_the_schema_changed(self):
        self.create("equal_then")
        self.insert("equal_then", some_rows(range(50)))
        self.spark.sql("ALTER TABLE h.m.equal_then ADD COLUMN w INT")
        self.spark.sql("ALTER TABLE h.m.equal_then RENAME COLUMN id TO number")
        self.delete_equal("equal_then", ["number"], [(7,)])
        # The rows have no `w` in their files: they are NULL.
        self.spark.sql("ALTER TABLE h.m.equal_then RENAME COLUMN number TO id")
        schema = SCHEMA.append(pa.field("w", pa.int32()))
        expected = [{**row, "w": None} for row in some_rows(range(50)) if row["id"] != 7]
        self.assert_reads("equal_then", expected, schema)
        self.delete_equal("equal_then", ["w"], [(None,)])
        self.assert_reads("equal_then", [], schema)

    # --- Version 3.

    def test_defaults(self):
        self.create("defaults", version=3)
        self.insert("defaults", some_rows(range(10)))
        types = self.iceberg.types.Types
        literal = self.iceberg.expressions.Expressions.lit
        table = self.spark.java_table("m.defaults")
        table.updateSchema().addColumn(
            "n", types.IntegerType.get(), None, literal(7)).addRequiredColumn(
                "place", types.StringType.get(), None, literal("nowhere")).commit()
        table.refresh()
        # What is left out of rows to come, which reading does not see.
        table.updateSchema().updateColumnDefault("n", literal(8)).commit()
        schema = SCHEMA.append(pa.field("n", pa.int32())).append(pa.field("place", pa.string()))
        later = [{**row, "n": None if row["id"] == 12 else row["id"], "place": "here"}
                 for row in some_rows(range(10, 20))]
        self.insert("defaults", later, schema)
        expected = [{**row, "n": 7, "place": "nowhere"} for row in some_rows(range(10))]
        self.assert_reads("defaults", expected + later, schema, (
            Condition("n", "=", 7, pa.int32()), Condition("n", "is null"),
            Condition("n", "<", 15, pa.int32()),
            Condition("place", "=", "nowhere", pa.string()),
            Condition("place", "=", "here", pa.string())))

    def test_uuid_partitions(self):
        """The Java library's summaries of manifests are in the order of signed numbers."""
        self.create("keys", "id INT, k STRING, v DOUBLE")
        types = self.iceberg.types.Types
        self.spark.java_table("m.keys").updateSchema().addColumn(
            "u", types.UUIDType.get()).commit()
        self.spark.sql("ALTER TABLE h.m.keys ADD PARTITION FIELD u")
        found = [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.UUID(int=2**127 + 2**63),
                 uuid.UUID(int=5), uuid.UUID(int=2**63 + 5)]
        values = ", ".join(f"({i}, 'k', 1, '{one}')" for i, one in enumerate(found))
        self.spark.sql(f"INSERT INTO h.m.keys VALUES {values}")
        schema = SCHEMA.append(pa.field("u", pa.binary(16)))
        self.assert_reads("keys", [{"id": i, "k": "k", "v": 1.0, "u": one.bytes}
                                   for i, one in enumerate(found)], schema,
                          [Condition("u", "=", one.bytes, pa.binary(16)) for one in found])

    def test_nanoseconds(self):
        types = self.iceberg.types.Types
        fields = self._list([types.NestedField.required(1, "id", types.IntegerType.get()),
                             types.NestedField.optional(
                                 2, "ts", types.TimestampNanoType.withoutZone()),
                             types.NestedField.optional(
                                 3, "tz", types.TimestampNanoType.withZone())])
        schema = self.iceberg.Schema(fields)
        catalog = self.iceberg.hadoop.HadoopCatalog(
            self.spark.session._jsc.hadoopConfiguration(), f"file://{self.warehouse}")
        table = catalog.createTable(
            self.iceberg.catalog.TableIdentifier.parse("m.nanos"), schema,
            self.iceberg.PartitionSpec.unpartitioned(), {"format-version": "3"})
        writer = self.iceberg.data.GenericAppenderFactory(schema).newDataWriter(
            self.iceberg.encryption.EncryptedFiles.encryptedOutput(
                table.io().newOutputFile(f"{table.location()}/data/nanos.parquet"),
                self.iceberg.encryption.EncryptionKeyMetadata.EMPTY),
            self.iceberg.FileFormat.PARQUET, None)
        time = self.spark.java.java.time
        for i in range(3):
            record = self.iceberg.data.GenericRecord.create(schema)
            record.setField("id", i)
            if i:
                at = time.LocalDateTime.of(2024, 2, 29, 12, 0, i, 123456789)
                record.setField("ts", at)
                record.setField("tz", at.atOffset(time.ZoneOffset.UTC))
            writer.write(record)
        writer.close()
        table.newAppend().appendFile(writer.toDataFile()).commit()
        place = Place(self.warehouse, "fs", "m.nanos")
        done = run_firn("table", "scan", place.name, "--format", "arrow", *place.flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = pa.ipc.open_stream(done.stdout).read_all().sort_by("id")
        base = int(DT(2024, 2, 29, 12, tzinfo=UTC).timestamp()) * 10**9 + 123456789
        expected = [None, base + 10**9, base + 2 * 10**9]
        with self.subTest("without a zone"):
            self.assertEqual(found["ts"].type, pa.timestamp("ns"))
            self.assertEqual(found["ts"].cast(pa.int64()).to_pylist(), expected)
        with self.subTest("with a zone"):
            # SQL has nanoseconds without a zone only: they are UTC.
            self.assertEqual(found["tz"].type, pa.timestamp("ns"))
            self.assertEqual(found["tz"].cast(pa.int64()).to_pylist(), expected)
        for column in ("ts", "tz"):
            with self.subTest(column=column):
                done = run_firn(
                    "sql", f"SELECT id FROM m.nanos WHERE {column} >= "
                    "'2024-02-29T12:00:02.123456789'::TIMESTAMP_NS", "--format", "ndjson",
                    *place.flags)
                self.assertEqual((done.returncode, done.stdout), (0, b'{"id":2}\n'), done.stderr)

    # --- Evolution inside of columns.

    def test_nested_evolution(self):
        for version in (2, 3):
            name = f"nested{version}"
            self.create(name, "id BIGINT, st STRUCT<x: INT, y: STRING, z: STRUCT<q: FLOAT>>, "
                        "items ARRAY<STRUCT<a: INT>>, by_name MAP<STRING, STRUCT<m: INT>>",
                        version=version)
            first = pa.schema([
                ("id", pa.int64()),
                ("st", pa.struct([("x", pa.int32()), ("y", pa.string()),
                                  ("z", pa.struct([("q", pa.float32())]))])),
                ("items", pa.list_(pa.struct([("a", pa.int32())]))),
                ("by_name", pa.map_(pa.string(), pa.struct([("m", pa.int32())])))])
            self.insert(name, [
                {"id": 1, "st": {"x": 1, "y": "y1", "z": {"q": 0.5}}, "items": [{"a": 1}, None],
                 "by_name": [("k", {"m": 5})]},
                {"id": 2, "st": None, "items": None, "by_name": None},
                {"id": 3, "st": {"x": None, "y": None, "z": None}, "items": [],
                 "by_name": []}], first)
            for change in (
                    "ALTER COLUMN st.x TYPE BIGINT", "RENAME COLUMN st.y TO w",
                    "ADD COLUMN st.added STRING", "ALTER COLUMN st.z.q TYPE DOUBLE",
                    "ADD COLUMN st.z.r INT", "ADD COLUMN items.element.b STRING",
                    "ALTER COLUMN items.element.a TYPE BIGINT",
                    "ADD COLUMN by_name.value.n STRING", "DROP COLUMN by_name.value.m",
                    "ALTER COLUMN st.added FIRST"):
                self.spark.sql(f"ALTER TABLE h.m.{name} {change}")
            last = pa.schema([
                ("id", pa.int64()),
                ("st", pa.struct([
                    ("added", pa.string()), ("x", pa.int64()), ("w", pa.string()),
                    ("z", pa.struct([("q", pa.float64()), ("r", pa.int32())]))])),
                ("items", pa.list_(pa.struct([("a", pa.int64()), ("b", pa.string())]))),
                ("by_name", pa.map_(pa.string(), pa.struct([("n", pa.string())])))])
            later = {"id": 4, "st": {"added": "new", "x": 2**40, "w": "w4",
                                     "z": {"q": 1e300, "r": 9}},
                     "items": [{"a": 2**40, "b": "b4"}], "by_name": [("k", {"n": "n4"})]}
            self.insert(name, [later], last)
            self.assert_reads(name, [
                {"id": 1, "st": {"added": None, "x": 1, "w": "y1", "z": {"q": 0.5, "r": None}},
                 "items": [{"a": 1, "b": None}, None], "by_name": [("k", {"n": None})]},
                {"id": 2, "st": None, "items": None, "by_name": None},
                {"id": 3, "st": {"added": None, "x": None, "w": None, "z": None}, "items": [],
                 "by_name": []}, later], last,
                (Condition("id", ">=", 3, pa.int64()), Condition("st", "is null"),
                 Condition("items", "is not null")))


class Version3Test(foreign_tables_test.SparkTablesTest):
    """The tests of other tables, with those of version 3."""
    VERSIONS = (3,)


if __name__ == "__main__":
    firn_server.main()
