# SPDX-License-Identifier: Apache-2.0
"""A server whose catalog is the warehouse itself: firn, DuckDB and PyIceberg find the
tables by their place.

    fs_catalog_test.py --firn FILE
"""
import json
import time

import firn_server
from firn_server import ServerTest, run_firn
from remote_write import request, series
from table_readers import connect_duckdb

from pyiceberg.table import StaticTable

COUNT = "SELECT count(*) AS n, sum(value) AS total FROM metrics.samples"


class FsCatalogTest(ServerTest):
    def setUp(self):
        super().setUp()
        self.server = self.start_server("--catalog", "fs")
        start_ms = int(time.time() * 1000) - 60_000
        for commit in range(3):
            self.assert_write(self.server, request(
                series({"__name__": "m", "job": "j"},
                       [(start_ms + commit * 10 + i, 1.5) for i in range(10)])))
            self.server.settle()
        self.table = self.server.warehouse / "metrics" / "samples"

    def current(self):
        """The metadata file that the hint names."""
        version = (self.table / "metadata" / "version-hint.text").read_text().strip()
        return self.table / "metadata" / f"v{version}.metadata.json"

    def test_nothing_but_the_warehouse_is_needed(self):
        self.assertEqual(list(self.server.warehouse.glob("*.db")), [])
        self.assertEqual(self.server.sql(COUNT), [[30, 45.0]])
        self.assertEqual(self.server.stop(), 0)
        done = run_firn("sql", COUNT, "--warehouse", self.server.warehouse, "--catalog",
                        "fs", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["rows"], [[30, 45.0]])
        self.server.start()
        self.assertEqual(self.server.sql(COUNT), [[30, 45.0]])

    def test_pyiceberg_reads_the_current_version(self):
        table = StaticTable.from_metadata(str(self.current()))
        self.assertEqual(table.scan().to_arrow().num_rows, 30)

    def test_duckdb_reads_by_place(self):
        connection = connect_duckdb()
        if connection is None:
            self.skipTest("DuckDB's Iceberg extension is not installed")
        self.assertEqual(
            connection.execute(f"SELECT count(*), sum(value) "
                               f"FROM iceberg_scan('{self.table}')").fetchone(),
            (30, 45.0))

    def test_a_table_is_sound(self):
        done = run_firn("check", "metrics.samples", "--catalog", "fs", "--warehouse",
                        self.server.warehouse, "--content", "--json")
        self.assertEqual(done.returncode, 0, (done.stdout, done.stderr))
        self.assertEqual(json.loads(done.stdout)["rows"], 30)


if __name__ == "__main__":
    firn_server.main()
