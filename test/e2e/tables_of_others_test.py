# SPDX-License-Identifier: Apache-2.0
"""firn table scan on tables that PyIceberg wrote, evolved and deleted from: its rows are
those of PyIceberg, and of DuckDB where there are delete files.

    tables_of_others_test.py --firn FILE
"""
import json
import random
import struct

import firn_server
from firn_server import ServerTest, run_firn
from table_readers import connect_duckdb

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import EqualTo, GreaterThan, IsNull
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (DecimalType, DoubleType, FloatType, IntegerType, ListType,
                             LongType, MapType, NestedField, StringType, StructType)

from hand_made_deletes import Deletes

DONE, FAILED, BAD_USAGE, CONFLICT = 0, 1, 2, 4


def optional(field_id, name, kind):
    return NestedField(field_id, name, kind, required=False)


def plain(value):
    """With whole numbers as integers: JSON tells 25.0 and 25 apart and means the same."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def keys(rows):
    return sorted(json.dumps(plain(row), sort_keys=True) for row in rows)


class TablesOfOthersTest(ServerTest):
    def setUp(self):
        super().setUp()
        self.warehouse = self.directory / "theirs"
        self.warehouse.mkdir()
        self.catalog = SqlCatalog("firn", uri=f"sqlite:///{self.warehouse}/catalog.db",
                                  warehouse=f"file://{self.warehouse}")
        self.addCleanup(self.catalog.engine.dispose)
        self.catalog.create_namespace("ns")

    def scan(self, table, *flags, code=DONE):
        done = run_firn("table", "scan", table, "--warehouse", self.warehouse, "--format",
                        "ndjson", "--stats", *flags)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        if code != DONE:
            return done.stderr.decode()
        self.stats = json.loads(done.stderr.splitlines()[-1])
        return [json.loads(line) for line in done.stdout.splitlines()]

    def assert_same(self, found, expected):
        self.assertEqual(keys(found), keys(expected))

    def test_evolution_and_time_travel(self):
        schema = Schema(
            optional(1, "id", IntegerType()), optional(2, "name", StringType()),
            optional(3, "v", FloatType()), optional(4, "d", DecimalType(9, 2)),
            optional(5, "s", StructType(optional(6, "a", IntegerType()),
                                        optional(7, "b", StringType()))),
            optional(8, "l", ListType(9, StructType(optional(10, "x", IntegerType())),
                                      element_required=False)),
            optional(11, "m", MapType(12, StringType(), 13,
                                      StructType(optional(14, "y", IntegerType())),
                                      value_required=False)))
        table = self.catalog.create_table("ns.t", schema)
        table.append(pa.Table.from_pylist(
            [{"id": i, "name": f"n{i % 3}", "v": i / 2, "d": None if i % 4 == 0 else i,
              "s": None if i % 5 == 0 else {"a": i, "b": str(i)},
              "l": [{"x": i}, None][:i % 3], "m": [("k", {"y": i})]}
             for i in range(20)], schema=table.schema().as_arrow()))
        first = table.current_snapshot().snapshot_id
        with table.update_schema() as update:
            update.update_column("id", LongType())
            update.update_column("v", DoubleType())
            update.update_column("d", DecimalType(18, 2))
            update.rename_column("name", "label")
            update.delete_column(("s", "b"))
            update.add_column(("s", "c"), LongType())
            update.update_column(("s", "a"), LongType())
            update.rename_column(("s", "a"), "first")
            update.add_column(("l", "z"), StringType())
            update.add_column(("m", "z"), StringType())
        with table.update_schema() as update:
            update.add_column("name", IntegerType())  # Another column of that name.
            update.move_first("label")
        table.append(pa.Table.from_pylist(
            [{"id": 1 << 40, "label": "n1", "v": 0.1, "d": None, "name": 5,
              "s": {"first": 1 << 33, "c": 7}, "l": [{"x": 1, "z": "q"}],
              "m": [("j", {"y": 2, "z": "w"})]}], schema=table.schema().as_arrow()))
        second = table.current_snapshot().snapshot_id
        table.manage_snapshots().create_tag(first, "old").create_branch(
            first, "side").commit()
        columns = ("--columns", "label,id,v,s,l,name")

        def theirs(**kwargs):
            rows = table.scan(**kwargs).to_arrow().to_pylist()
            return [{name: value for name, value in row.items() if name not in "dm"}
                    for row in rows]

        self.assert_same(self.scan("ns.t", *columns), theirs())
        for text, expression in (("id = 7", EqualTo("id", 7)),
                                 ("label = 'n1'", EqualTo("label", "n1")),
                                 ("name is null", IsNull("name")),
                                 ("v > 3", GreaterThan("v", 3.0))):
            self.assert_same(self.scan("ns.t", "--filter", text, *columns),
                             theirs(row_filter=expression))
        old = ("--columns", "id,name,v,s,l")
        before = theirs(snapshot_id=first)
        self.assert_same(self.scan("ns.t", "--snapshot", str(first), *old), before)
        self.assert_same(self.scan("ns.t", "--ref", "old", *old), before)
        at_ms = table.snapshot_by_id(second).timestamp_ms - 1
        self.assert_same(self.scan("ns.t", "--as-of", str(at_ms / 1000), *old), before)
        self.assertEqual(len(self.scan("ns.t", "--ref", "side", *columns)), 20)
        self.assertEqual([row["id"] for row in self.scan("ns.t", "--from", str(first),
                                                         *columns)], [1 << 40])
        self.assertEqual(len(self.scan("ns.t", "--to", str(first), *columns)), 20)
        self.assertIn("old", self.scan("ns.t", "--ref", "none", code=FAILED))
        self.scan("ns.t", "--ref", "old", "--snapshot", str(first), code=BAD_USAGE)
        self.scan("ns.t", "--as-of", "yesterday", code=BAD_USAGE)

    def sql(self, statement):
        done = run_firn("sql", statement, "--warehouse", self.warehouse, "--format", "ndjson",
                        "--stats")
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.stats = json.loads(done.stderr.splitlines()[-1])
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_of_structs_what_a_query_looks_at_is_read(self):
        schema = Schema(optional(1, "s", StructType(
            optional(2, "a", IntegerType()), optional(3, "text", StringType()),
            optional(4, "in", StructType(optional(5, "x", FloatType()),
                                         optional(6, "more", StringType()))))))
        table = self.catalog.create_table("ns.t", schema)
        # Longer than what opening a file reads of its end.
        text = random.Random(7).randbytes
        table.append(pa.Table.from_pylist(
            [{"s": None if i % 10 == 0 else
              {"a": i, "text": text(400).hex(), "in": {"x": i / 4, "more": text(400).hex()}}}
             for i in range(1000)], schema=schema.as_arrow()))
        with table.update_schema() as update:
            update.rename_column("s.a", "n").rename_column("s", "t")
        with table.update_schema() as update:
            update.update_column("t.n", LongType()).update_column("t.in.x", DoubleType())
            update.add_column(("t", "late"), StringType())
        expected = sum(i for i in range(1000) if i % 10)
        self.assertEqual(self.sql("SELECT sum(hash(t.text) % 2) > 0 AS a, "
                                  "max(length(t.in.more)) > 0 AS b FROM ns.t"),
                         [{"a": True, "b": True}])
        whole = self.stats["bytes_read"]
        for statement, answer in (
                ("SELECT sum(t.n) AS r FROM ns.t", expected),
                ("SELECT sum(t.in.x) AS r FROM ns.t", expected / 4),
                ("SELECT count(*) AS r FROM ns.t WHERE t.n >= 500", 450),
                ("SELECT count(*) AS r FROM ns.t WHERE t.late IS NULL", 1000),
                ("SELECT count(*) AS r FROM ns.t WHERE t IS NULL AND t.n IS NULL", 100)):
            with self.subTest(statement=statement):
                self.assertEqual(plain(self.sql(statement)[0]["r"]), plain(answer))
                if "t IS" not in statement:
                    self.assertLess(self.stats["bytes_read"] * 4, whole)

    def test_files_without_ids(self):
        table = self.catalog.create_table("ns.t", Schema(
            optional(1, "id", LongType()), optional(2, "name", StringType()),
            optional(3, "more", StringType())))
        path = self.warehouse / "imported.parquet"
        rows = [{"name": str(i), "id": i} for i in range(10)]
        pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(
            [("name", pa.string()), ("id", pa.int64())])), path)
        table.add_files([f"file://{path}"])
        with table.update_schema() as update:
            update.rename_column("name", "label")
        self.assert_same(self.scan("ns.t"), table.scan().to_arrow().to_pylist())
        self.assertEqual(self.scan("ns.t", "--filter", "label = '3'"),
                         [{"id": 3, "label": "3", "more": None}])

    def deleted_table(self, spec):
        schema = Schema(optional(1, "id", LongType()), optional(2, "name", StringType()),
                        optional(3, "v", DoubleType()))
        table = self.catalog.create_table(
            "ns.t", schema, partition_spec=spec,
            properties={"write.parquet.row-group-limit": "50"})
        for start in (0, 300):
            table.append(pa.Table.from_pylist(
                [{"id": i, "name": None if i % 11 == 0 else f"n{i % 2}", "v": i / 4}
                 for i in range(start, start + 300)], schema=schema.as_arrow()))
        return table

    def assert_like_duckdb(self, name, metadata, count):
        found = self.scan(name)
        self.assertEqual(len(found), count)
        duckdb = connect_duckdb()
        if duckdb is None:
            return
        rows = duckdb.sql(f"FROM iceberg_scan('{metadata}')").to_arrow_table().to_pylist()
        self.assert_same(found, rows)

    def test_deletes_of_every_kind(self):
        table = self.deleted_table(PartitionSpec())
        files = [task.file.file_path for task in table.scan().plan_files()]
        deletes = Deletes(self.catalog, table)
        positions = deletes.positions([(file, n) for file in files
                                       for n in range(0, 300, 7)])
        path = deletes.register("ns.positions", [positions])
        self.assert_like_duckdb("ns.positions", path, 600 - 2 * 43)
        self.assertEqual((self.stats["delete_files_planned"], self.stats["rows_deleted"]),
                         (1, 86))
        equalities = deletes.equalities(
            [{"name": None, "id": 22}, {"name": "n1", "id": 15}, {"name": "n1", "id": 16}],
            [("name", pa.string(), 2), ("id", pa.int64(), 1)])
        path = deletes.register("ns.equalities", [equalities])
        self.assert_like_duckdb("ns.equalities", path, 598)
        self.assertEqual(self.scan("ns.equalities", "--columns", "v", "--filter",
                                   "id in (15, 16)"), [{"v": 4.0}])
        path = deletes.register("ns.both", [positions, equalities])
        self.assert_like_duckdb("ns.both", path, 600 - 86 - 2)
        vectors = deletes.vectors({files[0]: [0, 1, 2, 100, *range(200, 290)],
                                   files[1]: [299]})
        deletes.register("ns.vectors", vectors, version=3)
        found = self.scan("ns.vectors")
        self.assertEqual((len(found), self.stats["rows_deleted"]), (600 - 94 - 1, 95))
        for name, rows in (("ns.vectors", found), ("ns.positions",
                                                   self.scan("ns.positions"))):
            theirs = self.catalog.load_table(name).scan().to_arrow().to_pylist()
            self.assert_same(rows, theirs)
        deletes.register("ns.all", [*vectors, equalities], version=3)
        self.assertEqual(len(self.scan("ns.all")), 600 - 95 - 2)

    def test_deletes_in_partitions(self):
        table = self.deleted_table(
            PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "name")))
        deletes = Deletes(self.catalog, table)
        tasks = [(task.file.partition[0], task.file.file_path)
                 for task in table.scan().plan_files()]
        files = [path for name, path in tasks if name == "n1"]
        positions = deletes.positions([(path, 5) for path in files], ["n1"])
        # Of partition n0 only: 16 is in it and 15 is not.
        equalities = deletes.equalities([{"id": 15}, {"id": 16}], [("id", pa.int64(), 1)],
                                        ["n0"])
        deletes.register("ns.p", [positions])
        self.assert_same(self.scan("ns.p"),
                         self.catalog.load_table("ns.p").scan().to_arrow().to_pylist())
        deletes.register("ns.d", [positions, equalities])
        self.assertEqual(len(self.scan("ns.d")), 600 - 2 - 1)
        self.assertEqual(len(self.scan("ns.d", "--filter", "name = 'n0'")),
                         sum(i % 11 != 0 and i % 2 == 0 for i in range(600)) - 1)

    def test_damage_is_named(self):
        table = self.deleted_table(PartitionSpec())
        file = next(iter(table.scan().plan_files())).file.file_path
        deletes = Deletes(self.catalog, table)
        vector, = deletes.vectors({file: [1, 2, 3]})
        deletes.register("ns.d", [vector], version=3)
        path = deletes.root / "data" / vector.file_path.rsplit("/", 1)[1]
        whole = path.read_bytes()
        offset = 4
        for damage, words, code in (
                (whole[:offset + 4] + b"\0" + whole[offset + 5:], "d1 d3 39 64", FAILED),
                (whole[:offset + 30] + b"\xff" + whole[offset + 31:], "checksum", FAILED),
                (whole[:offset] + struct.pack(">I", 5) + whole[offset + 4:], "length",
                 FAILED),
                # As if another file had taken its place.
                (whole[:offset + 9], "13 bytes", CONFLICT)):
            path.write_bytes(damage)
            error = self.scan("ns.d", code=code)
            self.assertIn(path.name, error)
            self.assertIn(words, error)
        path.unlink()
        self.assertIn(path.name, self.scan("ns.d", code=FAILED))


if __name__ == "__main__":
    firn_server.main()
