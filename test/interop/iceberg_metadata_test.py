#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares firn's Iceberg metadata with PyIceberg, DuckDB and fastavro.

    python3 iceberg_metadata_test.py --bin DIR

DIR holds the program iceberg_probe. Needs pyarrow, pyiceberg with SQLite, fastavro, and
DuckDB with its Iceberg extension from PyPI; exits 77 where one of them is missing.
"""
import argparse
import datetime
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

try:
    import duckdb
    import fastavro
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.expressions import GreaterThanOrEqual
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.transforms import DayTransform
    from pyiceberg.types import LongType, NestedField, StringType, TimestamptzType
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

PROBE = None
DAY_US = 86_400_000_000
FIRST_DAY_US = 20_454 * DAY_US  # 2026-01-01


def with_id(field, field_id):
    return field.with_metadata({"PARQUET:field_id": str(field_id)})


# What iceberg_probe's `create` writes down, as Parquet files hold it.
ARROW_SCHEMA = pa.schema([
    with_id(pa.field("id", pa.int64(), False), 1),
    with_id(pa.field("name", pa.string()), 2),
    with_id(pa.field("ts", pa.timestamp("us", "UTC"), False), 3),
    with_id(pa.field("value", pa.float64()), 4),
    with_id(pa.field("labels", pa.map_(
        with_id(pa.field("key", pa.string(), False), 6),
        with_id(pa.field("value", pa.string()), 7))), 5),
    with_id(pa.field("sid", pa.binary(16)), 8),
])


def write_file(path, day, first_id, rows):
    """One Parquet file within one day; answers what iceberg_probe's `append` takes."""
    times = [FIRST_DAY_US + day * DAY_US + i * 1_000_000 for i in range(rows)]
    table = pa.table([
        pa.array(range(first_id, first_id + rows), pa.int64()),
        pa.array([f"n{i % 3}" for i in range(rows)]),
        pa.array(times, pa.timestamp("us", "UTC")),
        pa.array([i * 0.5 for i in range(rows)]),
        pa.array([[("host", "a")]] * rows, ARROW_SCHEMA.field("labels").type),
        pa.array([bytes([i % 256]) * 16 for i in range(rows)], pa.binary(16)),
    ], schema=ARROW_SCHEMA)
    pq.write_table(table, path)
    return ["file://" + str(path), str(rows), str(os.path.getsize(path)), str(times[0]),
            str(times[-1])]


def load_duckdb():
    connection = duckdb.connect()
    site = pathlib.Path(duckdb.__file__).parent.parent
    for name in ("avro", "httpfs", "iceberg"):
        found = list(site.glob(f"duckdb_extension_{name}/extensions/*/{name}"
                               ".duckdb_extension"))
        if not found:
            raise unittest.SkipTest(f"DuckDB has no extension {name}")
        connection.execute(f"LOAD '{found[0]}'")
    return connection


class InteropTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.root = pathlib.Path(self.directory.name)
        self.uri = f"sqlite:///{self.root}/catalog.db"

    def probe(self, command, *arguments):
        result = subprocess.run([PROBE, command, self.uri, str(self.root), *arguments],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.splitlines()

    def py_catalog(self):
        catalog = SqlCatalog("firn", uri=self.uri, warehouse=f"file://{self.root}")
        self.addCleanup(catalog.engine.dispose)
        return catalog

    def create_with_three_files(self):
        """Two commits: one with days 0 and 1, one with day 2."""
        self.probe("create", "metrics.probe")
        files = [write_file(self.root / f"{day}.parquet", day, day * 100, 100)
                 for day in range(3)]
        self.probe("append", "metrics.probe", *files[0], *files[1])
        return self.probe("append", "metrics.probe", *files[2])[0]

    def test_pyiceberg_reads_what_firn_wrote(self):
        self.create_with_three_files()
        catalog = self.py_catalog()
        self.assertEqual(catalog.list_namespaces(), [("metrics",)])
        self.assertEqual(catalog.list_tables("metrics"), [("metrics", "probe")])
        table = catalog.load_table("metrics.probe")
        self.assertEqual(table.format_version, 2)
        self.assertEqual(table.properties["made-by"], "probe")
        self.assertTrue(table.properties["firn.position.probe"].endswith("2.parquet"))
        rows = table.scan().to_arrow()
        self.assertEqual(rows.num_rows, 300)
        self.assertEqual(sorted(rows["id"].to_pylist()), list(range(300)))
        self.assertEqual(rows["labels"][0].as_py(), [("host", "a")])
        summary = table.current_snapshot().summary
        self.assertEqual(summary.operation.value, "append")
        self.assertEqual(summary["added-records"], "100")
        self.assertEqual(summary["total-records"], "300")
        self.assertEqual(summary["probe"], "yes")
        self.assertEqual(len(table.history()), 2)
        files = table.inspect.files().to_pylist()
        self.assertEqual(sorted(f["record_count"] for f in files), [100, 100, 100])
        self.assertEqual({f["sort_order_id"] for f in files}, {1})
        partitions = {str(p["partition"]["ts_day"]): p["record_count"]
                      for p in table.inspect.partitions().to_pylist()}
        self.assertEqual(partitions, {"2026-01-01": 100, "2026-01-02": 100,
                                      "2026-01-03": 100})

    def test_pyiceberg_prunes_by_partition(self):
        self.create_with_three_files()
        table = self.py_catalog().load_table("metrics.probe")
        scan = table.scan(row_filter=GreaterThanOrEqual("ts", "2026-01-03T00:00:00+00:00"))
        self.assertEqual(len(list(scan.plan_files())), 1)
        self.assertEqual(scan.to_arrow().num_rows, 100)

    def test_duckdb_reads_what_firn_wrote(self):
        metadata = self.create_with_three_files()
        connection = load_duckdb()
        count, total = connection.execute(
            f"SELECT count(*), sum(id) FROM iceberg_scan('{metadata}')").fetchone()
        self.assertEqual((count, total), (300, sum(range(300))))
        count = connection.execute(
            f"SELECT count(*) FROM iceberg_scan('{metadata}') "
            "WHERE ts >= TIMESTAMPTZ '2026-01-03 00:00:00+00'").fetchone()[0]
        self.assertEqual(count, 100)

    def test_fastavro_reads_manifests(self):
        self.create_with_three_files()
        manifests = sorted((self.root / "metrics/probe/metadata").glob("*-m0.avro"))
        self.assertEqual(len(manifests), 2)
        entries = 0
        for path in manifests:
            with open(path, "rb") as stream:
                reader = fastavro.reader(stream)
                self.assertEqual(reader.metadata["format-version"], "2")
                self.assertEqual(reader.metadata["content"], "data")
                fields = {f["name"]: f for f in reader.writer_schema["fields"]}
                self.assertEqual(fields["status"]["field-id"], 0)
                self.assertEqual(fields["data_file"]["field-id"], 2)
                for entry in reader:
                    entries += 1
                    file = entry["data_file"]
                    self.assertEqual(file["record_count"], 100)
                    self.assertEqual(file["file_format"], "PARQUET")
                    self.assertEqual(file["split_offsets"], [4])
                    self.assertIsInstance(file["partition"]["ts_day"], datetime.date)
                    self.assertIn({"key": 1, "value": 100}, file["value_counts"])
        self.assertEqual(entries, 3)

    def test_firn_reads_what_pyiceberg_wrote(self):
        catalog = self.py_catalog()
        catalog.create_namespace("other")
        schema = Schema(NestedField(1, "id", LongType(), required=True),
                        NestedField(2, "name", StringType(), required=False),
                        NestedField(3, "ts", TimestamptzType(), required=True))
        spec = PartitionSpec(PartitionField(3, 1000, DayTransform(), "ts_day"))
        table = catalog.create_table("other.rows", schema, partition_spec=spec)
        for day in range(3):
            path = self.root / f"{day}.parquet"
            pq.write_table(pa.table([
                pa.array(range(10), pa.int64()), pa.array(["x"] * 10),
                pa.array([FIRST_DAY_US + day * DAY_US] * 10, pa.timestamp("us", "UTC"))],
                schema=pa.schema([pa.field("id", pa.int64(), False), ("name", pa.string()),
                                  pa.field("ts", pa.timestamp("us", "UTC"), False)])), path)
            table.add_files([f"file://{path}"])
        self.assertEqual(self.probe("list"), ["other", "  other.rows"])
        lines = self.probe("scan", "other.rows")
        self.assertEqual(len(lines), 4)
        self.assertEqual(sum(int(line.split()[1]) for line in lines[:-1]), 30)
        lines = self.probe("scan", "other.rows", str(FIRST_DAY_US + DAY_US),
                           str(FIRST_DAY_US + 2 * DAY_US))
        self.assertEqual(lines[-1], "files=1 manifests=3 manifests_pruned=2")

    def test_both_append_to_one_table(self):
        self.create_with_three_files()
        table = self.py_catalog().load_table("metrics.probe")
        path = self.root / "py.parquet"
        rows = pa.table([
            pa.array(range(50), pa.int64()), pa.array(["x"] * 50),
            pa.array([FIRST_DAY_US + 5 * DAY_US] * 50, pa.timestamp("us", "UTC"))],
            schema=pa.schema([pa.field("id", pa.int64(), False), ("name", pa.string()),
                              pa.field("ts", pa.timestamp("us", "UTC"), False)]))
        pq.write_table(rows, path)
        table.add_files([f"file://{path}"])
        more = write_file(self.root / "6.parquet", 6, 2000, 25)
        self.probe("append", "metrics.probe", *more)
        table = self.py_catalog().load_table("metrics.probe")
        self.assertEqual(table.scan().to_arrow().num_rows, 375)
        self.assertEqual(table.current_snapshot().summary["total-records"], "375")
        self.assertEqual(len(self.probe("scan", "metrics.probe")), 6)
        self.assertTrue(table.properties["firn.position.probe"].endswith("6.parquet"))

    def test_database_has_the_shared_schema(self):
        self.probe("create", "metrics.probe")
        connection = sqlite3.connect(self.root / "catalog.db")
        self.addCleanup(connection.close)
        rows = connection.execute(
            "SELECT catalog_name, table_namespace, table_name, iceberg_type "
            "FROM iceberg_tables").fetchall()
        self.assertEqual(rows, [("firn", "metrics", "probe", "TABLE")])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="directory of iceberg_probe")
    known, rest = parser.parse_known_args()
    PROBE = str(pathlib.Path(known.bin) / "iceberg_probe")
    unittest.main(argv=[sys.argv[0], *rest])
