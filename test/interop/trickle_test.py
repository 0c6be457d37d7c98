# SPDX-License-Identifier: Apache-2.0
"""A table of 300 trickle commits, compacted, its manifests rewritten, expired and cleaned by
firn alone: PyIceberg, DuckDB, ClickHouse, Spark and firn read the same rows before and after
each step, all of them and under conditions, and those of a tag.

    trickle_test.py --firn FILE [--commits N]
"""
import argparse
import contextlib
import json
import pathlib
import tempfile
import time
import unittest

from table_engines import ClickHouse, DuckDB, Firn, Place, PyIceberg, SparkSql
from table_rows import (COLUMNS, Condition, columns_text, plain_rows, rows, schema, to_arrow)
from spark_session import SQL_CATALOG, Spark

import firn_server
from firn_server import OPTIONS, run_firn
from maintenance_test import files_below, path_of, referenced_files
from table_readers import load_table

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.types import LongType, StringType

NAMES = ("tz", "s", "i", "d", "dec18", "b", "day", "u", "bin", "st", "tags", "props")
# What the table is once PyIceberg has changed it: `i` is a long, `bin` is called `raw`, `b`
# is gone and `extra` is new.
FIRST = schema(NAMES)
LAST = pa.schema([pa.field("raw" if field.name == "bin" else field.name,
                           pa.int64() if field.name == "i" else field.type)
                  for field in FIRST if field.name != "b"] + [("extra", pa.string())])
ROWS_PER_COMMIT = 6
# What another program gets wrong, on tables of its own as well: of a file whose numbers are
# all the same, Arrow says that none is NaN.
AMISS = {("PyIceberg", "d", "is nan")}
TAG = "kept"


def evolved(row, extra=None):
    """A row of the first schema under the last one."""
    row = {"raw" if name == "bin" else name: value
           for name, value in row.items() if name != "b"}
    return {**row, "extra": extra}


def conditions():
    """On both partition columns and on others; each value is in some rows."""
    tz, s = COLUMNS["tz"].values, COLUMNS["s"].values
    return (Condition("tz", "=", tz[0]), Condition("tz", "<", tz[2]),
            Condition("tz", "is null"), Condition("s", "=", s[2]), Condition("s", "is null"),
            Condition("i", "=", 2**40, pa.int64()), Condition("i", "<", -1, pa.int64()),
            Condition("dec18", "=", COLUMNS["dec18"].values[0]),
            Condition("d", "is nan"), Condition("id", ">=", 99, pa.int64()),
            Condition("extra", "=", "e1", pa.string()),
            Condition("day", "<", COLUMNS["day"].values[0]))


def as_clickhouse_has_it(row, by):
    """It knows no NULL list, map or struct: a struct of NULLs stands for the one, and an
    empty collection for the others."""
    def fill(value, arrow):
        if pa.types.is_struct(arrow):
            value = value or {}
            return {part.name: fill(value.get(part.name), part.type) for part in arrow}
        if value is None and (pa.types.is_list(arrow) or pa.types.is_map(arrow)):
            return []
        return value
    return {field.name: fill(row[field.name], field.type) for field in by}


class TrickleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="firn-trickle-")
        cls.addClassCleanup(holder.cleanup)
        cls.directory = pathlib.Path(holder.name)
        # ClickHouse reads below the current directory only.
        cls.enterClassContext(contextlib.chdir(cls.directory))
        cls.warehouse = cls.directory / "warehouse"
        spark = Spark(cls.directory / "unused")
        cls.addClassCleanup(spark.stop)
        cls.spark = spark

    def firn(self, verb, *flags):
        done = run_firn("table", verb, self.place.name, *flags, "--json", *self.place.flags)
        self.assertEqual(done.returncode, 0, (verb, done.stdout, done.stderr))
        return json.loads(done.stdout or b"null")

    def write(self, some, by, *flags):
        path = self.directory / "rows.parquet"
        pq.write_table(pa.Table.from_pylist(some, by), path)
        self.firn("append", path, *flags)

    # --- The table.

    def trickle(self, first, count, row_of, by):
        """Commits of a few rows each. The file differs, its name does not."""
        for commit in range(first, first + count):
            some = [row_of(row) for row in rows(
                range(commit * ROWS_PER_COMMIT, (commit + 1) * ROWS_PER_COMMIT), NAMES)]
            self.write(some, by)
            self.expected.update((row["id"], row) for row in some)

    def delete(self, text, holds):
        self.firn("delete", "--filter", text)
        gone = [number for number, row in self.expected.items() if holds(row)]
        self.assertGreater(len(gone), 0, text)
        for number in gone:
            del self.expected[number]

    def evolve(self):
        catalog = SqlCatalog("firn", uri=f"sqlite:///{self.warehouse}/catalog.db",
                             warehouse=f"file://{self.warehouse}")
        self.addCleanup(catalog.engine.dispose)
        with catalog.load_table(self.place.name).update_schema() as update:
            update.update_column("i", LongType())
            update.rename_column("bin", "raw")
            update.delete_column("b")
            update.add_column("extra", StringType())
        self.expected = {number: evolved(row) for number, row in self.expected.items()}

    def make_table(self, commits):
        """Commits of firn's, among which are deletes and an upsert; a tag in their middle;
        and after two thirds of them the schema changes."""
        third = commits // 3
        self.place = Place(self.warehouse, None, "trickle.events")
        self.firn("create", "--columns", columns_text(NAMES), "--partition",
                  "day(tz), bucket(4, s)", "--sort", "tz, id")
        self.expected = {}
        self.trickle(0, third, lambda row: row, FIRST)
        self.delete("i = 7 OR dec18 = 3.1416",
                    lambda row: row["i"] == 7 or str(row["dec18"]) == "3.1416")
        self.trickle(third, third // 2, lambda row: row, FIRST)
        self.firn("tag", TAG)
        self.tagged = list(self.expected.values())
        # Every other of them is in the table; they move to other partitions.
        changed = [{**row, "id": row["id"] - 1}
                   for row in rows(range(1, third * ROWS_PER_COMMIT, 2), NAMES)]
        self.write(changed, FIRST, "--key", "id")
        self.expected.update((row["id"], row) for row in changed)
        self.trickle(third + third // 2, third // 2, lambda row: row, FIRST)
        self.evolve()
        done = third + 2 * (third // 2)
        self.trickle(done, commits - done,
                     lambda row: {**evolved(row, f"e{row['id'] % 4}"),
                                  "i": 2**40 if row["i"] == 70 else row["i"]}, LAST)
        self.delete("tz < '1970-01-01T00:00:00Z' AND extra = 'e2'",
                    lambda row: row["tz"] is not None and row["tz"].year < 1970 and
                    row["extra"] == "e2")

    # --- Reading it.

    def assert_same_to_all(self, step):
        """The rows, all and by conditions, to every engine; and the tag's."""
        began = time.monotonic()
        done = run_firn("check", self.place.name, "--content", *self.place.flags)
        self.assertEqual(done.returncode, 0, (step, done.stdout))
        for condition in conditions():
            self.assertTrue(any(map(condition.holds, self.expected.values())), condition)
        tagged = load_table(self.warehouse, self.place.name).snapshot_by_name(TAG)
        # A new session, since Spark would remember what there was.
        spark = SparkSql(self.spark.open_sql_catalog(self.warehouse), SQL_CATALOG)
        for engine in (Firn(), PyIceberg(), DuckDB(), ClickHouse(), spark):
            for condition in (None, *conditions()):
                if condition and (engine.name, condition.column,
                                  condition.operator) in AMISS:
                    continue
                with self.subTest(step=step, engine=engine.name, condition=condition):
                    self.assert_rows(engine, engine.read(self.place, condition), LAST, [
                        row for row in self.expected.values()
                        if condition is None or condition.holds(row)])
            with self.subTest(step=step, engine=engine.name, tag=TAG):
                self.assert_rows(engine, engine.read_tag(
                    self.place, TAG, tagged.snapshot_id), FIRST, self.tagged)
        print(f"{step}: {len(self.expected)} rows, read by all in "
              f"{time.monotonic() - began:.1f} s")

    def assert_rows(self, engine, answer, by, expected):
        if isinstance(engine, ClickHouse):
            expected = [as_clickhouse_has_it(row, by) for row in expected]
        self.assertEqual(plain_rows(answer, by),
                         plain_rows(pa.Table.from_pylist(expected, by), by))

    def test_a_trickle_is_the_same_before_and_after_upkeep(self):
        commits = OPTIONS["commits"]
        began = time.monotonic()
        self.make_table(commits)
        snapshots = len(load_table(self.warehouse, self.place.name).snapshots())
        self.assertGreaterEqual(snapshots, commits)
        print(f"{snapshots} snapshots in {time.monotonic() - began:.1f} s")
        files = len(self.firn("files"))
        self.assertGreater(files, commits)
        self.assert_same_to_all("before")

        report = self.firn("compact")
        self.assertGreater(report["rows"], len(self.expected) * 0.8, report)
        left = len(self.firn("files"))
        self.assertLess(left, files // 3)
        print(f"{files} files became {left}")
        self.assert_same_to_all("compacted")

        self.firn("manifests", "--target-size", "4KiB")
        self.assert_same_to_all("manifests of 4 KiB")
        self.firn("manifests")
        self.assert_same_to_all("manifests")

        self.firn("expire", "--older-than", str(int(time.time()) + 60), "--retain-last", "1")
        self.assertEqual(len(load_table(self.warehouse, self.place.name).snapshots()), 2)
        self.assert_same_to_all("expired")

        place = self.place.directory
        (place / "data" / "left-behind.parquet").write_bytes(b"x" * 10)
        removed = self.firn("orphans", "--older-than", "0s", "--no-writers")
        self.assertEqual((removed["files"], removed["bytes"]), (1, 10))
        self.assert_same_to_all("cleaned")
        loaded = load_table(self.warehouse, self.place.name)
        self.assertEqual(files_below(path_of(loaded.location())), referenced_files(loaded))

        # And the tag's rows go with the tag.
        self.firn("tag", TAG, "--drop")
        self.firn("expire", "--older-than", str(int(time.time()) + 60), "--retain-last", "1")
        loaded = load_table(self.warehouse, self.place.name)
        self.assertEqual(len(loaded.snapshots()), 1)
        self.assertEqual(files_below(path_of(loaded.location())), referenced_files(loaded))
        for engine in (Firn(), PyIceberg(), DuckDB(), ClickHouse(),
                       SparkSql(self.spark.open_sql_catalog(self.warehouse), SQL_CATALOG)):
            with self.subTest(step="without the tag", engine=engine.name):
                self.assert_rows(engine, engine.read(self.place), LAST,
                                 self.expected.values())


if __name__ == "__main__":
    flags = argparse.ArgumentParser()
    flags.add_argument("--commits", type=int, default=300)
    firn_server.main(flags)
