# SPDX-License-Identifier: Apache-2.0
"""Warehouses that were moved: what firn says of them, and firn table relocate.

    relocate_test.py --firn FILE
"""
import json
import pathlib
import tempfile
import unittest

import firn_server
from firn_server import run_firn
from table_readers import load_table

import pyarrow as pa
import pyarrow.parquet as pq

DONE, FAILED, BAD_USAGE, NOT_FOUND = 0, 1, 2, 3


class RelocateTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.directory = pathlib.Path(holder.name)

    def firn(self, warehouse, *arguments):
        return run_firn(*arguments, "--warehouse", warehouse, *self.catalog)

    def run_ok(self, warehouse, *arguments):
        done = self.firn(warehouse, *arguments, "--json")
        self.assertEqual(done.returncode, DONE, done.stderr)
        return json.loads(done.stdout)

    catalog = ()

    def make_tables(self, warehouse):
        rows = self.directory / "rows.parquet"
        for first in range(0, 300, 100):
            pq.write_table(pa.table({"id": range(first, first + 100),
                                     "host": [f"h{i % 3}" for i in range(100)]}), rows)
            self.run_ok(warehouse, "import", rows, "--into", "web.visits", "--partition",
                        "host")
        self.run_ok(warehouse, "table", "delete", "web.visits", "--filter", "id = 7")

    def ids(self, warehouse, *arguments):
        done = self.firn(warehouse, "table", "scan", "web.visits", "--columns", "id",
                         "--format", "ndjson", *arguments)
        self.assertEqual(done.returncode, DONE, done.stderr)
        return sorted(json.loads(line)["id"] for line in done.stdout.splitlines())

    def test_a_warehouse_with_its_catalog(self):
        old, new = self.directory / "old" / "wh", self.directory / "new"
        self.make_tables(old)
        first = self.run_ok(old, "table", "snapshots", "web.visits")[0]["snapshot_id"]
        expected = self.ids(old)
        old.rename(new)
        for command in (("table", "scan", "web.visits"), ("table", "ls"),
                        ("sql", "SELECT * FROM web.visits")):
            done = self.firn(new, *command)
            self.assertEqual(done.returncode, FAILED)
            self.assertIn(b"`firn table relocate web.visits`", done.stderr)
        # One table that was moved hides no other.
        self.run_ok(new, "table", "create", "web.others", "--columns", "id long")
        listed = self.firn(new, "--json", "table", "ls")
        self.assertEqual(listed.returncode, FAILED)
        tables = {table["table"]: table for table in json.loads(listed.stdout)}
        self.assertEqual(sorted(tables), ["web.others", "web.visits"])
        self.assertEqual(tables["web.others"]["rows"], 0)
        self.assertIn("table relocate web.visits", tables["web.visits"]["problem"])
        files = sorted(new.glob("**/*"))
        dry = self.run_ok(new, "table", "relocate", "web.visits", "--dry-run")
        self.assertEqual(sorted(new.glob("**/*")), files)
        done = self.run_ok(new, "table", "relocate", "web.visits")
        self.assertEqual((done["from"], done["to"]), (old.as_uri(), new.as_uri()))
        self.assertEqual(dry["files"], done["files"])
        self.assertEqual(self.ids(new), expected)
        self.assertEqual(self.ids(new, "--snapshot", str(first)), list(range(100)))
        table = load_table(new, "web.visits")
        self.assertEqual(sorted(table.scan(row_filter="host = 'h1'").to_arrow()["id"]
                                .to_pylist()),
                         [i for i in expected if i % 100 % 3 == 1])
        check = self.firn(new, "check", "web.visits", "--content")
        self.assertEqual(check.returncode, DONE, check.stdout)
        again = self.firn(new, "table", "relocate", "web.visits")
        self.assertEqual(again.returncode, FAILED)
        self.assertIn(b"nothing has moved", again.stderr)
        self.make_tables(new)
        self.assertEqual(len(self.ids(new)), 2 * 300 - 2)
        # The old lists and manifests are orphans now, and nothing else is.
        self.run_ok(new, "table", "orphans", "web.visits", "--older-than", "0s",
                    "--no-writers")
        self.assertEqual(self.ids(new, "--snapshot", str(first)), list(range(100)))

    def test_a_warehouse_that_is_its_own_catalog(self):
        self.catalog = ("--catalog", "fs")
        old, new = self.directory / "old", self.directory / "new"
        self.make_tables(old)
        self.run_ok(old, "table", "create", "web.empty", "--columns", "id long")
        expected = self.ids(old)
        old.rename(new)
        for table in ("web.visits", "web.empty"):
            done = self.firn(new, "table", "scan", table)
            self.assertEqual(done.returncode, FAILED)
            self.assertIn(f"`firn table relocate {table}`".encode(), done.stderr)
            self.run_ok(new, "table", "relocate", table)
        self.assertEqual(self.ids(new), expected)
        row = self.directory / "row.ndjson"
        row.write_text('{"id": 1}\n')
        self.run_ok(new, "import", row, "--into", "web.empty")
        self.assertFalse(old.exists())
        self.make_tables(new)
        check = self.firn(new, "check", "web.visits")
        self.assertEqual(check.returncode, DONE, check.stdout)

    def test_a_directory_that_is_named(self):
        """Data that moved without its catalog, back and forth, and files that are gone."""
        old, new = self.directory / "wh", self.directory / "elsewhere"
        self.make_tables(old)
        expected = self.ids(old)
        (old / "web" / "visits").rename(new)
        moved = ("--from", old / "web" / "visits", "--to", new)
        half = self.firn(old, "table", "relocate", "web.visits", "--to", new)
        self.assertEqual(half.returncode, BAD_USAGE)
        lost = self.firn(old, "table", "relocate", "web.visits", "--from", old, "--to", new)
        self.assertEqual(lost.returncode, NOT_FOUND, lost.stderr)
        self.run_ok(old, "table", "relocate", "web.visits", *moved)
        self.assertEqual(self.ids(old), expected)
        gone = next(new.glob("data/**/*.parquet"))
        gone.unlink()
        new.rename(old / "web" / "visits")
        back = self.firn(old, "table", "relocate", "web.visits", "--from", new, "--to",
                         old / "web" / "visits")
        self.assertEqual(back.returncode, NOT_FOUND)
        self.assertIn(gone.name.encode(), back.stderr)


if __name__ == "__main__":
    firn_server.main()
