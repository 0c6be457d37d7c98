# SPDX-License-Identifier: Apache-2.0
"""Upkeep of tables: firn table compact, manifests, expire and orphans. Before and after,
firn, PyIceberg and DuckDB see the same rows; at the end the files on the disk are those
that the table refers to, whatever rivals did and whoever died on the way.

    maintenance_test.py --firn FILE [--commits N] [--kills N]
"""
import argparse
import collections
import json
import pathlib
import random
import signal
import subprocess
import time
import urllib.parse

import firn_server
from firn_server import OPTIONS, ServerTest, run_firn
from remote_write import request, series
from table_readers import connect_duckdb, load_table

import pyarrow as pa
import pyarrow.parquet
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import LongType, NestedField, StringType

DONE, FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130
SAMPLES = "metrics.samples"
DAY_MS = 86_400_000
LOST_A_RACE = (CommitFailedException, ValidationException)  # In PyIceberg.


def path_of(location):
    return pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(location).path))


def files_below(directory):
    return {path for path in directory.rglob("*") if path.is_file()}


def referenced_files(table):
    """Every file that a table as PyIceberg reads it refers to, in any snapshot."""
    found = {table.metadata_location}
    found |= {entry.metadata_file for entry in table.metadata.metadata_log}
    for snapshot in table.metadata.snapshots:
        found.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            found.add(manifest.manifest_path)
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                found.add(entry.data_file.file_path)
    return {path_of(location) for location in found}


class MaintenanceTest(ServerTest):
    def firn(self, verb, table, warehouse, *flags, code=DONE):
        done = run_firn("table", verb, table, "--json", "--warehouse", warehouse, *flags)
        self.assertEqual(done.returncode, code, (verb, done.stdout, done.stderr))
        return json.loads(done.stdout) if code == DONE else done.stderr.decode()

    def all_readers(self, warehouse, table, columns, by_firn):
        """The sorted rows by all three, which must agree. `columns` is what Python's
        readers are asked for, and `by_firn` what firn is."""
        def rows(cells):
            return sorted(tuple(row) for row in cells)

        done = run_firn("sql", f"SELECT {by_firn} FROM {table}", "--json", "--warehouse",
                        warehouse)
        self.assertEqual(done.returncode, DONE, done.stderr)
        found = rows(json.loads(done.stdout)["rows"])
        loaded = load_table(warehouse, table)
        connection = connect_duckdb()
        theirs = connection.from_arrow(loaded.scan().to_arrow()) if connection else None
        if theirs is None:
            print("DuckDB's Iceberg extension is not there: that part is left out")
            return found
        self.assertEqual(rows(theirs.project(columns).fetchall()), found, "PyIceberg")
        duckdb_rows = connection.execute(
            f"SELECT {columns} FROM iceberg_scan('{loaded.metadata_location}')").fetchall()
        self.assertEqual(rows(duckdb_rows), found, "DuckDB")
        return found

    def samples(self, warehouse):
        columns = "metric, epoch_us(ts), value"
        return self.all_readers(warehouse, SAMPLES, columns, columns)

    def assert_only_referenced(self, warehouse, table):
        loaded = load_table(warehouse, table)
        self.assertEqual(files_below(path_of(loaded.location())),
                         referenced_files(loaded))

    def remove_orphans(self, warehouse, table):
        return self.firn("orphans", table, warehouse, "--older-than", "0s",
                         "--no-writers")

    def trickle(self, server, commits, first_day=-3, days=3):
        """As many settles, over as many days."""
        first_ms = (int(time.time() * 1000) // DAY_MS + first_day) * DAY_MS
        for commit in range(commits):
            at_ms = first_ms + commit * days * DAY_MS // commits
            self.assert_write(server, request(*(
                series({"__name__": f"m{i % 3}", "instance": str(i)},
                       [(at_ms + i, commit + i * 0.5)]) for i in range(5))))
            server.settle()

    def test_a_trickle_is_compacted_expired_and_cleaned(self):
        commits = OPTIONS["commits"]
        server = self.start_server()
        self.trickle(server, commits)
        warehouse = server.warehouse
        before = self.samples(warehouse)
        self.assertEqual(len(before), commits * 5)
        position = {key: value
                    for key, value in load_table(warehouse, SAMPLES).properties.items()
                    if key.startswith("firn.position.")}
        self.assertEqual(len(position), 1)
        files = len(self.firn("files", SAMPLES, warehouse))
        self.assertGreaterEqual(files, commits)

        # Dry runs change nothing.
        place = path_of(load_table(warehouse, SAMPLES).location())
        on_disk = files_below(place)
        planned = self.firn("compact", SAMPLES, warehouse, "--dry-run")
        self.assertEqual((planned["files_removed"], planned["rows"]),
                         (files, len(before)))
        self.firn("manifests", SAMPLES, warehouse, "--dry-run")
        self.firn("orphans", SAMPLES, warehouse, "--older-than", "0s", "--dry-run")
        self.assertEqual(files_below(place), on_disk)

        for table in (SAMPLES, "metrics.series"):
            self.firn("compact", table, warehouse)
        self.assertEqual(len(self.firn("files", SAMPLES, warehouse)), planned["groups"])
        self.assertEqual(self.samples(warehouse), before, "compacted")
        self.firn("manifests", SAMPLES, warehouse)
        self.assertEqual(self.samples(warehouse), before, "manifests rewritten")
        self.firn("expire", SAMPLES, warehouse, "--older-than",
                  str(int(time.time()) + 60), "--retain-last", "1")
        self.assertEqual(self.samples(warehouse), before, "expired")
        (place / "data" / "left-behind.parquet").write_bytes(b"x" * 10)
        (place / "data" / ".half.parquet.7.tmp").write_bytes(b"x" * 5)
        refused = self.firn("orphans", SAMPLES, warehouse, "--older-than", "0s",
                            code=BAD_USAGE)
        self.assertIn("--no-writers", refused)
        self.assertEqual(self.firn("orphans", SAMPLES, warehouse)["files"], 0)  # Young.
        removed = self.remove_orphans(warehouse, SAMPLES)
        self.assertEqual((removed["files"], removed["bytes"]), (2, 15))
        self.assertEqual(self.samples(warehouse), before, "cleaned")
        self.assert_only_referenced(warehouse, SAMPLES)

        # The server goes on, with its position, and finds each row once after a restart.
        after = load_table(warehouse, SAMPLES)
        self.assertEqual({key: value for key, value in after.properties.items()
                          if key.startswith("firn.position.")}, position)
        now_ms = int(time.time() * 1000)
        self.assert_write(server, request(series({"__name__": "late"}, [(now_ms, 1.0)])))
        server.settle()
        self.assertEqual(server.stop(), 0)
        server.start()
        self.assertEqual(server.sql(f"SELECT count(*) FROM {SAMPLES}"),
                         [[len(before) + 1]])
        self.assertEqual(len(self.samples(warehouse)), len(before) + 1)
        checked = run_firn("check", SAMPLES, "--content", "--warehouse", warehouse)
        self.assertEqual(checked.returncode, DONE, checked.stdout)

    def test_the_server_looks_after_its_tables(self):
        server = self.start_server("--maintenance-interval", "500ms",
                                   settle_interval="1h")
        self.trickle(server, 12, first_day=-3, days=1)
        # Five files are enough, and those that are left over may be four.
        done = 'firn_maintenance_files_total{table="metrics.samples",task="compact"}'
        firn_server.wait_until(lambda: server.metric(done) >= 9, "compaction", 120)
        self.trickle(server, 12, first_day=-2, days=1)  # Beside it.
        firn_server.wait_until(lambda: server.metric(done) >= 18, "compaction", 120)
        self.assertEqual(server.sql(f"SELECT count(*) FROM {SAMPLES}"), [[24 * 5]])
        failed = [line for line in server.get("/metrics").text.splitlines()
                  if line.startswith("firn_maintenance_failures_total")
                  and not line.endswith(" 0")]
        self.assertEqual(failed, [])
        self.assertEqual(server.stop(), 0)
        self.assertIn("compacted", server.stderr())
        self.assertEqual(len(self.samples(server.warehouse)), 24 * 5)
        self.assertLess(len(self.firn("files", SAMPLES, server.warehouse)), 24)

    # --- A table of PyIceberg's, which has much to rewrite.

    def make_table(self, files=40, rows=5000):
        warehouse = self.directory / "theirs"
        warehouse.mkdir()
        self.catalog = SqlCatalog("firn", uri=f"sqlite:///{warehouse}/catalog.db",
                                  warehouse=f"file://{warehouse}")
        self.addCleanup(self.catalog.engine.dispose)
        self.catalog.create_namespace("ns")
        schema = Schema(NestedField(1, "n", LongType(), required=False),
                        NestedField(2, "part", StringType(), required=False),
                        NestedField(3, "text", StringType(), required=False))
        table = self.catalog.create_table(
            "ns.t", schema,
            partition_spec=PartitionSpec(
                PartitionField(2, 1000, IdentityTransform(), "part")),
            sort_order=SortOrder(SortField(1, IdentityTransform())))
        self.expected = collections.Counter()
        for number in range(files):
            self.append(table, number * rows, rows, f"p{number % 2}")
        return warehouse

    def append(self, table, first, rows, part):
        order = list(range(first, first + rows))
        random.Random(first).shuffle(order)
        for attempt in range(50):
            try:
                table.append(pa.table({
                    "n": pa.array(order, pa.int64()), "part": [part] * rows,
                    "text": [f"row {n} of some length" for n in order]}))
                break
            except LOST_A_RACE:
                table.refresh()
        else:
            self.fail("PyIceberg lost every race")
        self.expected.update((n, part) for n in order)

    def assert_rows(self, warehouse):
        found = self.all_readers(warehouse, "ns.t", "n, part", "n, part")
        self.assertEqual(found, sorted(self.expected.elements()))

    def start_compact(self, warehouse, *flags):
        return subprocess.Popen(
            [firn_server.FIRN, "table", "compact", "ns.t", "--json", "--warehouse",
             str(warehouse), *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_rivals_commit_while_files_are_rewritten(self):
        warehouse = self.make_table()
        table = self.catalog.load_table("ns.t")
        process = self.start_compact(warehouse)
        first = 10_000_000
        while True:
            self.append(table, first, 10, "p1")
            first += 10
            time.sleep(0.05)
            if process.poll() is not None:
                break
        out, err = process.communicate()
        self.assertEqual(process.returncode, DONE, err)
        report = json.loads(out)
        self.assertEqual(report["groups_given_up"], 0, report)
        self.assertEqual(report["groups"], 2)
        self.assertGreaterEqual(report["files_removed"], 40)  # With what came before it.
        self.assert_rows(warehouse)
        for task in load_table(warehouse, "ns.t").scan().plan_files():
            if task.file.record_count <= 10:
                continue
            rows = pa.parquet.read_table(path_of(task.file.file_path))["n"].to_pylist()
            self.assertEqual(rows, sorted(rows), "in the table's order")
        # A rival that removes what is being rewritten wins.
        table.refresh()
        process = self.start_compact(warehouse, "--rewrite-all")
        while process.poll() is None:
            try:
                table.delete("part = 'p0'")
                break
            except LOST_A_RACE:
                table.refresh()
        out, err = process.communicate()
        self.assertEqual(process.returncode, DONE, err)
        table.refresh()
        if any(part == "p0" for part in table.scan().to_arrow()["part"].to_pylist()):
            table.delete("part = 'p0'")  # It came too late.
        self.expected = collections.Counter(
            {row: count for row, count in self.expected.items() if row[1] != "p0"})
        self.assert_rows(warehouse)
        self.remove_orphans(warehouse, "ns.t")
        self.assert_only_referenced(warehouse, "ns.t")
        self.assert_rows(warehouse)

    def test_killed_anywhere_it_leaves_orphans_alone(self):
        warehouse = self.make_table(files=12)
        began = time.monotonic()
        self.firn("compact", "ns.t", warehouse, "--dry-run")
        shortest = time.monotonic() - began
        dice = random.Random(5)
        for round_number in range(OPTIONS["kills"]):
            # The flag makes each round rewrite what the last one has, perhaps, written.
            process = self.start_compact(warehouse, "--rewrite-all", "--max-commits", "2")
            time.sleep(shortest * dice.uniform(0.3, 2.5))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            with self.subTest(round=round_number):
                self.assert_rows(warehouse)
                self.remove_orphans(warehouse, "ns.t")
                self.assert_only_referenced(warehouse, "ns.t")
        self.firn("compact", "ns.t", warehouse)
        self.assert_rows(warehouse)

    def test_interrupted_it_leaves_nothing(self):
        warehouse = self.make_table(files=12)
        place = path_of(self.catalog.load_table("ns.t").location())
        before = files_below(place)
        for _ in range(20):
            process = self.start_compact(warehouse, "--max-commits", "1")
            while process.poll() is None and files_below(place) == before:
                time.sleep(0.001)
            process.send_signal(signal.SIGINT)
            process.communicate()
            if process.returncode == INTERRUPTED:
                break
            # It was done before: the next round has more to do.
            self.assertEqual(process.returncode, DONE)
            table = self.catalog.load_table("ns.t")
            for number in range(6):
                self.append(table, 20_000_000 + len(self.expected), 5000, "p0")
            before = files_below(place)
        else:
            self.fail("it was never interrupted")
        self.assertEqual(files_below(place), before)
        self.assert_rows(warehouse)


if __name__ == "__main__":
    flags = argparse.ArgumentParser()
    flags.add_argument("--commits", type=int, default=60)
    flags.add_argument("--kills", type=int, default=6)
    firn_server.main(flags)
