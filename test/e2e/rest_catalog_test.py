# SPDX-License-Identifier: Apache-2.0
"""A running server as an Iceberg REST catalog: PyIceberg and DuckDB attach to it and read
what it has settled, commit after commit.

    rest_catalog_test.py --firn FILE
"""
import json
import time

import firn_server
from firn_server import ServerTest, run_firn
from remote_write import request, series
from table_readers import connect_duckdb

from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import NoSuchTableError


class RestCatalogTest(ServerTest):
    def setUp(self):
        super().setUp()
        self.server = self.start_server()
        self.start_ms = int(time.time() * 1000) - 60_000
        self.sent = 0

    def settle(self, samples):
        """Sends `samples` of one series and settles them."""
        values = range(self.sent, self.sent + samples)
        self.assert_write(self.server, request(
            series({"__name__": "m", "job": "j"},
                   [(self.start_ms + value, float(value)) for value in values])))
        self.sent += samples
        self.server.settle()

    def uri(self):
        return f"http://{self.server.address}/iceberg"

    def catalog(self):
        return RestCatalog("firn", uri=self.uri())

    def test_pyiceberg_attaches(self):
        self.settle(10)
        catalog = self.catalog()
        self.assertEqual(catalog.list_namespaces(), [("metrics",)])
        self.assertIn(("metrics", "samples"), catalog.list_tables("metrics"))
        self.assertTrue(catalog.table_exists("metrics.samples"))
        self.assertFalse(catalog.table_exists("metrics.nothing"))
        with self.assertRaises(NoSuchTableError):
            catalog.load_table("metrics.nothing")
        table = catalog.load_table("metrics.samples")
        self.assertEqual(table.scan().to_arrow().num_rows, 10)
        self.settle(5)
        table.refresh()
        self.assertEqual(table.scan(row_filter="value >= 10").to_arrow().num_rows, 5)
        self.assertEqual(len(table.history()), 2)

    def test_a_client_knows_that_it_cannot_commit(self):
        self.settle(1)
        table = self.catalog().load_table("metrics.samples")
        with self.assertRaisesRegex(NotImplementedError, "does not support endpoint"):
            with table.transaction() as transaction:
                transaction.set_properties({"a": "b"})
        self.assertNotIn("a", self.catalog().load_table("metrics.samples").properties)

    def test_firn_attaches(self):
        self.settle(10)
        catalog = ("--catalog", f"rest+{self.uri()}")
        done = run_firn("sql", "SELECT count(*), sum(value) FROM metrics.samples", "--json",
                        *catalog)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["rows"], [[10, 45.0]])
        done = run_firn("table", "ls", "--json", *catalog)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual({table["table"] for table in json.loads(done.stdout)},
                         {"metrics.samples", "metrics.series"})
        done = run_firn("table", "delete", "metrics.samples", "--all", *catalog)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"this catalog is read only", done.stderr)
        self.assertEqual(self.server.sql("SELECT count(*) FROM metrics.samples"), [[10]])

    def test_duckdb_attaches(self):
        connection = connect_duckdb()
        if connection is None:
            self.skipTest("DuckDB's Iceberg extension is not installed")
        self.settle(10)
        connection.execute(f"ATTACH '' AS firn (TYPE iceberg, ENDPOINT "
                           f"'{self.uri()}', AUTHORIZATION_TYPE 'none')")
        self.assertEqual(
            connection.execute("SELECT count(*), sum(value) FROM firn.metrics.samples "
                               "WHERE metric = 'm'").fetchone(), (10, 45.0))


if __name__ == "__main__":
    firn_server.main()
