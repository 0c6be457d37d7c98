# SPDX-License-Identifier: Apache-2.0
"""firn check on tables: those that firn settled, and those that PyIceberg wrote.

    table_check_test.py --firn FILE
"""
import datetime
import json
import pathlib
import time
import urllib.parse

import firn_server
from firn_server import ServerTest, run_firn
from remote_write import request, series
from table_readers import load_table

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (DoubleType, LongType, NestedField, StringType,
                             TimestamptzType)

DONE, FAILED = 0, 1
NOON = datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.timezone.utc)


class TableCheckTest(ServerTest):
    def check(self, warehouse, table, *flags, code=DONE):
        done = run_firn("check", table, "--warehouse", warehouse, "--json", *flags)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        return json.loads(done.stdout)

    def settled(self):
        """The warehouse of a server that has settled two commits, and stopped."""
        server = self.start_server()
        at_ms = int(time.time() * 1000) - 60_000
        for commit in range(2):
            self.assert_write(server, request(*(
                series({"__name__": "m", "instance": str(i)},
                       [(at_ms + commit * 1000 + n, n + 0.5) for n in range(10)])
                for i in range(5))))
            server.settle()
        self.assertEqual(server.stop(), 0)
        return server.warehouse

    def test_settled_tables_are_sound(self):
        warehouse = self.settled()
        for table in ("metrics.samples", "metrics.series"):
            for flags in ((), ("--content",)):
                found = self.check(warehouse, table, *flags)
                self.assertEqual(found["faults"], [])
        samples = self.check(warehouse, "metrics.samples")
        self.assertEqual((samples["snapshots"], samples["rows"]), (2, 100))

    def test_a_lost_file_is_named(self):
        warehouse = self.settled()
        tasks = list(load_table(warehouse, "metrics.samples").scan().plan_files())
        path = pathlib.Path(urllib.parse.urlsplit(tasks[0].file.file_path).path)
        path.unlink()
        found = self.check(warehouse, "metrics.samples", code=FAILED)
        self.assertEqual([fault["kind"] for fault in found["faults"]], ["missing file"])
        self.assertIn(path.name, found["faults"][0]["location"])

    def test_pyiceberg_tables_are_sound(self):
        warehouse = self.directory / "theirs"
        warehouse.mkdir()
        catalog = SqlCatalog("firn", uri=f"sqlite:///{warehouse}/catalog.db",
                             warehouse=f"file://{warehouse}")
        self.addCleanup(catalog.engine.dispose)
        catalog.create_namespace("ns")
        schema = Schema(NestedField(1, "ts", TimestamptzType(), required=False),
                        NestedField(2, "host", StringType(), required=False),
                        NestedField(3, "n", LongType(), required=False),
                        NestedField(4, "v", DoubleType(), required=False))
        # Its other transforms need a package that is not part of it.
        spec = PartitionSpec(PartitionField(2, 1000, IdentityTransform(), "host"))
        table = catalog.create_table("ns.t", schema, partition_spec=spec)
        rows = [{"ts": NOON + datetime.timedelta(hours=i), "n": i,
                 "host": None if i % 7 == 0 else f"a long name of a host, no. {i % 3}",
                 "v": float("nan") if i % 5 == 0 else i / 3} for i in range(100)]
        table.append(pa.Table.from_pylist(rows, schema=schema.as_arrow()))
        table.delete("n >= 90")
        with table.update_schema() as update:
            update.add_column("more", StringType())
        table.append(pa.Table.from_pylist(
            [{"ts": NOON, "host": "x", "n": -1, "v": -0.0, "more": "m"}],
            schema=table.schema().as_arrow()))
        found = self.check(warehouse, "ns.t", "--content")
        self.assertEqual(found["faults"], [])
        self.assertGreaterEqual(found["snapshots"], 3)


if __name__ == "__main__":
    firn_server.main()
