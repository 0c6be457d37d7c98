# SPDX-License-Identifier: Apache-2.0
"""Tables that firn writes, read by PyIceberg, DuckDB, ClickHouse and Spark: every type and
every transform, copy-on-write deletes and overwrites, sorted tables; all rows, and rows by conditions on
partition columns and others.

    engines_test.py --firn FILE
"""
import contextlib
import pathlib
import tempfile
import unittest

from table_engines import ClickHouse, DuckDB, Firn, Place, PyIceberg, SparkSql
from table_rows import (ALL, COLUMNS, Condition, columns_text, conditions, in_order, rows,
                        to_arrow, without_null_collections)
from spark_session import Spark

import firn_server
from firn_server import run_firn

import pyarrow.parquet as pq

# Of each transform, the columns it is tried on. `clock` is a time of day.
TRANSFORMS = {
    "identity": ("b", "i", "l", "f", "d", "dec9", "dec18", "dec38", "day", "ts", "tz", "s",
                 "u", "fx", "bin", "clock"),
    "bucket(4, {})": ("i", "l", "dec9", "dec38", "day", "ts", "tz", "s", "u", "fx", "bin",
                      "clock"),
    "truncate(3, {})": ("i", "l", "dec9", "dec38", "s", "bin"),
    "year({})": ("day", "ts", "tz"),
    "month({})": ("day", "ts", "tz"),
    "day({})": ("day", "ts", "tz"),
    "hour({})": ("ts", "tz"),
    "void({})": ("s",),
}
ROWS = 77

# What other programs get wrong, on tables of their own as well. (engine, transform, column):
# the operators of the conditions that are not asked; none are all, and no rows either.
AMISS = {
    # It compares UUIDs as signed numbers, and the bounds in files are those of unsigned ones.
    ("Spark", "", "u"): ("=",),
    ("Spark", "bucket", "u"): ("=",),
    ("Spark", "identity", "u"): ("=",),
    # It writes and reads such values in manifests as if they were of any length.
    ("Spark", "identity", "fx"): (),
    # It reads a double among the values of a partition as if it were a float, and prunes.
    ("PyIceberg", "identity", "d"): ("=", "<"),
    ("PyIceberg", "identity", "u"): ("=",),
    # It takes infinity for a number that is no float.
    ("PyIceberg", "", "f"): ("=",),
    ("PyIceberg", "identity", "f"): ("=",),
    # It puts UUIDs into other buckets than the format says, and cannot truncate 38 digits.
    ("DuckDB", "bucket", "u"): ("=",),
    ("DuckDB", "truncate", "dec38"): ("=",),
    # It fails to convert the values of such partitions.
    ("ClickHouse", "identity", "u"): (),
    ("ClickHouse", "truncate", "dec9"): (),
    ("ClickHouse", "truncate", "dec38"): (),
}


def few_conditions(name):
    """Enough to see that files are pruned rightly."""
    found = conditions(name)
    equal = [one for one in found if one.operator == "="]
    return [found[0], equal[0], equal[-1], *(one for one in found if one.operator == "<")]


class EnginesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="firn-engines-")
        cls.addClassCleanup(holder.cleanup)
        cls.directory = pathlib.Path(holder.name)
        cls.enterClassContext(contextlib.chdir(cls.directory))
        cls.warehouse = cls.directory / "warehouse"
        cls.in_place = cls.directory / "fs"
        server = firn_server.Server(cls.directory, "--warehouse", str(cls.warehouse))
        cls.addClassCleanup(server.close)
        server.start()
        spark = Spark(cls.in_place)
        cls.addClassCleanup(spark.stop)
        spark.add_rest_catalog("r", f"http://{server.address}/iceberg")
        cls.spark = SparkSql(spark)
        cls.spark_rest = SparkSql(spark, "r")
        cls.others = [Firn(), PyIceberg(), DuckDB(), ClickHouse()]

    def place(self, name, in_place=False):
        return (Place(self.in_place, "fs", name) if in_place
                else Place(self.warehouse, None, name))

    def firn(self, *arguments):
        done = run_firn(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr.decode())

    def make_table(self, place, names=ALL, partition="", sort="", delete=""):
        """A table of two appends, less what is deleted."""
        layout = (["--partition", partition] if partition else []) + (
            ["--sort", sort] if sort else [])
        self.firn("table", "create", place.name, "--columns", columns_text(names), *layout,
                  *place.flags)
        for part, ids in enumerate((range(ROWS * 2 // 3), range(ROWS * 2 // 3, ROWS))):
            path = self.directory / f"{place.name}-{part}.parquet"
            pq.write_table(to_arrow(rows(ids, names), names), path)
            self.firn("table", "append", place.name, path, *place.flags)
        if delete:
            self.firn("table", "delete", place.name, "--filter", delete, *place.flags)
        self.firn("check", place.name, "--content", *place.flags)

    def assert_reads(self, engine, place, expected, names=ALL, tried=(), transform=""):
        """All rows, and those under each condition that is tried."""
        if isinstance(engine, ClickHouse):
            expected = without_null_collections(expected, names)
        for condition in (None, *tried):
            if condition and condition.operator in AMISS.get(
                    (engine.name, transform, condition.column), ()):
                continue
            with self.subTest(engine=engine.name, table=place.name, condition=condition):
                wanted = [row for row in expected
                          if condition is None or condition.holds(row)]
                self.assertEqual(in_order(engine.read(place, condition), names),
                                 in_order(to_arrow(wanted, names), names))

    def test_every_type(self):
        tried = [condition for name in ALL if "<" not in COLUMNS[name].iceberg
                 for condition in conditions(name)]
        place = self.place("types.kept")
        self.make_table(place)
        for engine in (*self.others, self.spark_rest):
            self.assert_reads(engine, place, rows(range(ROWS)), tried=tried)

    def test_every_type_in_a_catalog_of_files(self):
        place = self.place("types.in_place", in_place=True)
        self.make_table(place)
        tried = [Condition("id", "<", 10), Condition("s", "=", "it's")]
        for engine in (*self.others, self.spark):
            self.assert_reads(engine, place, rows(range(ROWS)), tried=tried)

    def test_time_of_day(self):
        names = ("clock", "s")
        place = self.place("types.clock")
        self.make_table(place, names)
        for engine in self.others:
            if not isinstance(engine, ClickHouse):
                self.assert_reads(engine, place, rows(range(ROWS), names), names,
                                  conditions("clock"))
        with self.assertRaisesRegex(Exception, "does not support time"):
            self.spark_rest.read(place)
        # ClickHouse makes whole seconds of it.
        seconds = [None if row["clock"] is None else
                   (row["clock"].hour * 60 + row["clock"].minute) * 60 + row["clock"].second
                   for row in rows(range(ROWS), names)]
        found = self.others[-1].read(place).sort_by("id")
        self.assertEqual(found["clock"].to_pylist(), seconds)

    def test_every_transform(self):
        """A partition each, and rows deleted by a condition on another column."""
        for transform, columns in TRANSFORMS.items():
            for column in columns:
                names = tuple(dict.fromkeys((column, "i", "s")))
                kind = transform.split("(")[0]
                place = self.place(f"{kind}.{column}")
                self.make_table(place, names, delete="i = 7 OR id < 5",
                                partition=column if kind == "identity"
                                else transform.format(column))
                expected = [row for row in rows(range(ROWS), names)
                            if row["i"] != 7 and row["id"] >= 5]
                tried = (*few_conditions(column), Condition("i", "=", 70))
                for engine in (*self.others, self.spark_rest):
                    if column == "clock" and engine.name in ("ClickHouse", "Spark"):
                        continue
                    if AMISS.get((engine.name, kind, column)) == ():
                        continue
                    self.assert_reads(engine, place, expected, names, tried, kind)

    def test_several_partition_fields_and_an_order(self):
        names = ("tz", "s", "i", "never")
        place = self.place("several.fields", in_place=True)
        self.make_table(place, names, partition="day(tz), bucket(4, s), truncate(10, i), "
                        "never.x", sort="s desc nulls last, bucket(4, i), tz", delete="i = 7")
        expected = [row for row in rows(range(ROWS), names) if row["i"] != 7]
        tried = (*few_conditions("tz"), *few_conditions("s"), *few_conditions("i"))
        for engine in (*self.others, self.spark):
            self.assert_reads(engine, place, expected, names, tried)

    def test_rows_that_were_overwritten(self):
        """Those of some partitions, and then those under a condition."""
        names = ("s", "i")
        place = self.place("several.overwritten", in_place=True)
        self.make_table(place, names, partition="truncate(10, id)")
        path = self.directory / "overwriting.parquet"
        expected = rows(range(ROWS), names)
        for ids, how, goes in (
                (range(10, 15), ["--overwrite-partitions"], lambda n: 10 <= n < 20),
                (range(40, 44), ["--overwrite-where", "id BETWEEN 35 AND 54"],
                 lambda n: 35 <= n <= 54)):
            pq.write_table(to_arrow(rows(ids, names), names), path)
            self.firn("table", "append", place.name, path, *how, *place.flags)
            expected = [row for row in expected if not goes(row["id"])]
            expected += rows(ids, names)
        self.firn("check", place.name, "--content", *place.flags)
        tried = (*few_conditions("s"), Condition("id", "<", 15), Condition("id", "=", 42),
                 Condition("id", "=", 36))
        for engine in (*self.others, self.spark):
            self.assert_reads(engine, place, expected, names, tried)

    def test_nothing_is_left_where_everything_is_deleted(self):
        place = self.place("several.gone", in_place=True)
        self.make_table(place, ("s",), partition="s")
        self.firn("table", "delete", place.name, "--all", *place.flags)
        for engine in (*self.others, self.spark):
            self.assert_reads(engine, place, [], ("s",), [Condition("s", "=", "a")])

    def test_firn_signs_its_files_as_parquet_has_it(self):
        """By the name and version in it parquet-java decides whether statistics of text
        count."""
        place = self.place("types.signed")
        self.make_table(place, ("s",))
        for path in place.directory.glob("data/**/*.parquet"):
            self.assertRegex(pq.ParquetFile(path).metadata.created_by,
                             r"^firn version \d+\.\d+\.\d+$")


if __name__ == "__main__":
    firn_server.main()
