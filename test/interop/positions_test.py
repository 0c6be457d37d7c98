# SPDX-License-Identifier: Apache-2.0
"""The position of a server's log in its tables, and what others do to the tables between two
settles: upkeep by Spark and by firn, rows and columns of PyIceberg's, rollback, a table put
back to an older state; with the server stopped and killed on the way. After each of it every
sample is there once: hot, settled, and as PyIceberg reads it.

    positions_test.py --firn FILE [--rounds N]

Spark reaches the server's catalog through Iceberg's JDBC catalog.
"""
import argparse
import collections
import datetime
import json
import math
import random
import threading
import time

from spark_session import SQL_CATALOG, Spark
import table_engines  # noqa: F401  (which knows where the next ones are)

import firn_server
from firn_server import OPTIONS, ServerTest, StartFailed, run_firn
from maintenance_test import files_below, path_of, referenced_files
from remote_write import request, series
from table_readers import load_table

import pyarrow as pa
from pyiceberg import expressions
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.transforms import BucketTransform
from pyiceberg.types import LongType, StringType, TimestamptzType

SAMPLES = "metrics.samples"
FAILED = 1
SERIES, SAMPLES_PER_SERIES = 4, 5
LOST_A_RACE = (CommitFailedException, ValidationException)  # In PyIceberg.


class PositionsTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.spark = Spark("/nowhere")
        cls.addClassCleanup(cls.spark.stop)

    def setUp(self):
        super().setUp()
        self.base_ms = int(time.time() * 1000) - 600_000
        self.batches = 0
        self.noise = 0
        # What is to be in the table: (metric, instance, time in ms): value.
        self.expected = {}

    def open(self, *flags, **kwargs):
        """A server, PyIceberg's catalog and a session of Spark's on one warehouse."""
        server = self.start_server(*flags, **kwargs)
        self.catalog = SqlCatalog("firn", uri=f"sqlite:///{server.warehouse}/catalog.db",
                                  warehouse=f"file://{server.warehouse}")
        self.addCleanup(self.catalog.engine.dispose)
        self.session = self.spark.open_sql_catalog(server.warehouse)
        return server

    # --- What is written, and what must be there.

    def make_batch(self):
        """Samples that nobody sent before: those of the model, and the request's body."""
        self.batches += 1
        rows, parts = {}, []
        for instance in range(SERIES):
            labels = {"__name__": f"kept{instance % 2}", "job": "e2e",
                      "instance": str(instance), "extra": f"x{instance}"}
            at = [self.base_ms + 1000 * self.batches + i for i in range(SAMPLES_PER_SERIES)]
            values = [self.batches + instance / 8 + i / 64 for i in range(len(at))]
            parts.append(series(labels, list(zip(at, values))))
            rows.update({(labels["__name__"], str(instance), t): v
                         for t, v in zip(at, values)})
        return rows, request(*parts)

    def write(self, server):
        """Another batch; its rows and its body."""
        rows, body = self.make_batch()
        self.assert_write(server, body)
        self.expected.update(rows)
        return rows, body

    def forget(self, rows):
        for key in rows:
            del self.expected[key]

    def rows_expected(self):
        return sorted((*key, value) for key, value in self.expected.items())

    def assert_firn_has_all(self, server):
        found = server.sql("SELECT metric, instance, epoch_ms(ts), value FROM "
                           f"{SAMPLES} WHERE metric <> 'noise'")
        self.assertEqual(sorted(map(tuple, found)), self.rows_expected())
        # By the other way to the samples: `extra` has no column of its own.
        at = (self.base_ms + 1000 * self.batches + 999) / 1000
        counted = server.query('sum by (instance, extra) (count_over_time('
                               '{__name__=~"kept.*"}[20m]))', at)["result"]
        found = {(one["metric"]["instance"], one["metric"]["extra"]): int(one["value"][1])
                 for one in counted}
        expected = collections.Counter((instance, f"x{instance}")
                                       for metric, instance, _ in self.expected
                                       if metric.startswith("kept"))
        self.assertEqual(found, dict(expected))

    def settled_rows(self, server, instance="instance"):
        table = load_table(server.warehouse, SAMPLES)
        found = table.scan(selected_fields=("metric", instance, "ts", "value")).to_arrow()
        times = found["ts"].cast("int64").to_pylist()
        return sorted((metric, place, at // 1000, value) for metric, place, at, value in zip(
            found["metric"].to_pylist(), found[instance].to_pylist(), times,
            found["value"].to_pylist()) if metric != "noise")

    def assert_settles(self, server):
        """Everything, once; and a settle with nothing to do adds nothing."""
        for _ in range(2):
            server.settle()
            self.assert_firn_has_all(server)
            self.assertEqual(self.settled_rows(server), self.rows_expected())

    def position(self, server, table=SAMPLES):
        """(writer, log, offset) as the table's property has it."""
        properties = load_table(server.warehouse, table).properties
        (key, value), = ((key, value) for key, value in properties.items()
                         if key.startswith("firn.position."))
        log, _, offset = value.rpartition(":")
        return key.removeprefix("firn.position."), log, int(offset)

    def assert_sound(self, server):
        for table in (SAMPLES, "metrics.series"):
            done = run_firn("check", table, "--content", "--warehouse", server.warehouse)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    # --- What others do.

    def sql(self, statement):
        return self.session.sql(statement.format(
            t=f"{SQL_CATALOG}.{SAMPLES}", system=f"{SQL_CATALOG}.system")).collect()

    def firn(self, server, verb, *flags):
        done = run_firn("table", verb, SAMPLES, "--json", "--warehouse", server.warehouse,
                        *flags)
        self.assertEqual(done.returncode, 0, (verb, done.stdout, done.stderr))
        return json.loads(done.stdout)

    def table(self):
        """PyIceberg's."""
        return self.catalog.load_table(SAMPLES)

    def remove_orphans_by_spark(self, server):
        """By the library's own action: the procedure takes nothing younger than a day."""
        loaded = load_table(server.warehouse, SAMPLES)
        left = path_of(loaded.location()) / "data" / "left-behind.parquet"
        left.write_bytes(b"x" * 10)
        java = self.spark.java
        java.org.apache.spark.sql.SparkSession.setActiveSession(self.session._jsparkSession)
        table = java.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(
            self.session._jsparkSession, f"{SQL_CATALOG}.{SAMPLES}")
        java.org.apache.iceberg.spark.actions.SparkActions.get(
            self.session._jsparkSession).deleteOrphanFiles(table).olderThan(
                int(time.time() * 1000) + 60_000).execute()
        self.assertFalse(left.exists())
        # Java's file system keeps checksums beside what it writes.
        self.assertEqual({path for path in files_below(path_of(loaded.location()))
                          if path.suffix != ".crc"}, referenced_files(loaded))

    def append_by_pyiceberg(self):
        self.batches += 1
        self.table().append(self.row_of("stranger", 1000 * self.batches))
        self.expected["stranger", "9", self.base_ms + 1000 * self.batches] = 0.5

    def row_of(self, metric, after_ms):
        """A row of a series that is nobody else's."""
        table = self.table()
        at = datetime.datetime.fromtimestamp((self.base_ms + after_ms) / 1000,
                                             datetime.timezone.utc)
        return pa.Table.from_pylist(
            [{"tenant": "", "metric": metric, "series_id": b"0123456789abcdef", "ts": at,
              "value": 0.5, "flags": 0, "labels": [], "instance": "9"}],
            table.schema().as_arrow())

    def set_property_by_pyiceberg(self):
        with self.table().transaction() as transaction:
            transaction.set_properties({"owner": f"somebody {self.batches}"})

    def delete_by_spark(self, server, mode):
        """The settled samples of one series that are older than the last batch."""
        self.sql(f"ALTER TABLE {{t}} SET TBLPROPERTIES ('write.delete.mode' = '{mode}')")
        last_ms = self.base_ms + 1000 * self.batches
        last = datetime.datetime.fromtimestamp(last_ms / 1000, datetime.timezone.utc)
        self.sql("DELETE FROM {t} WHERE instance = '3' AND ts < "
                 f"TIMESTAMP '{last.isoformat(' ')}'")
        self.forget([key for key in self.expected if key[1] == "3" and key[2] < last_ms])

    def upkeep_steps(self, server):
        """(name, what is done). None of it may touch the position."""
        now = "TIMESTAMP '2100-01-01 00:00:00'"
        return (
            ("Spark rewrites data files", lambda: self.sql(
                "CALL {system}.rewrite_data_files(table => 'metrics.samples', "
                "options => map('rewrite-all', 'true'))")),
            ("Spark rewrites manifests", lambda: self.sql(
                "CALL {system}.rewrite_manifests('metrics.samples')")),
            ("Spark expires all but one", lambda: self.sql(
                "CALL {system}.expire_snapshots(table => 'metrics.samples', "
                f"older_than => {now}, retain_last => 1)")),
            ("Spark removes orphans", lambda: self.remove_orphans_by_spark(server)),
            ("Spark sorts data files", lambda: self.sql(
                "CALL {system}.rewrite_data_files(table => 'metrics.samples', "
                "strategy => 'sort', sort_order => 'ts DESC', "
                "options => map('rewrite-all', 'true'))")),
            ("PyIceberg appends", self.append_by_pyiceberg),
            ("PyIceberg sets a property", self.set_property_by_pyiceberg),
            ("firn compacts", lambda: self.firn(server, "compact", "--rewrite-all")),
            ("firn rewrites manifests", lambda: self.firn(server, "manifests")),
            ("firn expires all but one", lambda: self.firn(
                server, "expire", "--older-than", str(int(time.time()) + 60),
                "--retain-last", "1")),
            ("firn removes orphans", lambda: self.firn(
                server, "orphans", "--older-than", "0s", "--no-writers")),
            ("Spark deletes by copying", lambda: self.delete_by_spark(
                server, "copy-on-write")),
            ("Spark deletes by marking", lambda: self.delete_by_spark(
                server, "merge-on-read")),
            ("Spark expires, and PyIceberg appends", lambda: (
                self.sql("CALL {system}.expire_snapshots(table => 'metrics.samples', "
                         f"older_than => {now}, retain_last => 1)"),
                self.append_by_pyiceberg())),
        )

    # --- Upkeep.

    def go_on(self, server, way):
        """As the server is, or after a clean stop, or killed."""
        if way == "stopped":
            self.assertEqual(server.stop(), 0)
        elif way == "killed":
            server.kill()
        if server.process is None:
            server.start()

    def test_what_others_do_between_settles(self):
        server = self.open()
        for way in ("running", "stopped", "killed"):
            for name, step in self.upkeep_steps(server):
                with self.subTest(way=way, step=name):
                    self.write(server)
                    settled, again = self.write(server)
                    server.settle()
                    before = self.position(server), self.position(server, "metrics.series")
                    _, hot = self.write(server)
                    step()
                    after = self.position(server), self.position(server, "metrics.series")
                    self.assertEqual(after, before)
                    self.go_on(server, way)
                    # Sent again: the one that is hot, and one that is settled. What
                    # somebody deleted of that is another matter.
                    self.assert_write(server, hot)
                    if settled.keys() <= self.expected.keys():
                        self.assert_write(server, again)
                    self.assert_settles(server)
                    writer, log, offset = self.position(server)
                    self.assertEqual((writer, log), before[0][:2])
                    self.assertGreater(offset, before[0][2])
        self.assert_sound(server)
        self.assertEqual(server.stop(), 0)

    def test_rivals_commit_while_the_server_settles_and_dies(self):
        """PyIceberg appends and Spark rewrites at any moment of a settle."""
        chance = random.Random(7)
        server = self.open()
        self.write(server)
        server.settle()
        ending = threading.Event()
        lost = []
        appended = []

        def append():
            number = 0
            while not ending.is_set():
                number += 1
                try:
                    row = self.row_of(f"rival{number}", number)
                    self.table().append(row)
                    appended.append(number)
                except LOST_A_RACE as error:
                    lost.append(repr(error))

        rival = threading.Thread(target=append, daemon=True)
        rival.start()
        settles = 0
        try:
            for number in range(OPTIONS["rounds"]):
                for _ in range(3):
                    self.write(server)
                    server.settle()
                    settles += 1
                if number % 2:
                    self.sql_against_rivals("CALL {system}.rewrite_data_files(table => "
                                            "'metrics.samples', options => "
                                            "map('rewrite-all', 'true'))")
                self.write(server)
                asked = threading.Thread(target=self.settle_or_die, args=(server.address,))
                asked.start()
                # Any moment is as good as another.
                time.sleep(chance.uniform(0, 0.08))
                server.kill()
                asked.join()
                server.start()
        finally:
            ending.set()
            rival.join(60)
        self.expected.update({(f"rival{n}", "9", self.base_ms + n): 0.5 for n in appended})
        self.assert_settles(server)
        self.assert_sound(server)
        print(f"{settles} settles, {OPTIONS['rounds']} kills, {len(appended)} appends and "
              f"{len(lost)} lost races of the rival's")
        self.assertGreater(len(appended), 0)

    def sql_against_rivals(self, statement):
        for _ in range(5):
            try:
                return self.sql(statement)
            except Exception as error:  # Of Java's: the class says nothing of the cause.
                if "CommitFailedException" not in str(error):
                    raise
        return None

    @staticmethod
    def settle_or_die(address):
        try:
            firn_server.http_request(address, "POST", "/-/settle")
        except (OSError, firn_server.http.client.HTTPException):
            pass

    # --- Tables that are not as the server made them.

    def evolution_steps(self):
        """(name, what is done, the column of `instance` afterwards)."""
        def change_schema(change):
            with self.table().update_schema() as update:
                change(update)

        def change_partitions(change):
            with self.table().update_spec() as update:
                change(update)

        return (
            ("PyIceberg adds columns", lambda: change_schema(lambda update: (
                update.add_column("quality", LongType())
                .add_column("checked", TimestamptzType())
                .add_column("note", StringType()))), "instance"),
            ("PyIceberg renames a column", lambda: change_schema(
                lambda update: update.rename_column("instance", "node")), "node"),
            ("PyIceberg renames it back", lambda: change_schema(
                lambda update: update.rename_column("node", "instance")), "instance"),
            ("PyIceberg widens a column", lambda: change_schema(
                lambda update: update.update_column("flags", LongType())), "instance"),
            ("PyIceberg partitions by bucket, too", lambda: change_partitions(
                lambda update: update.add_field("series_id", BucketTransform(4), "b")),
             "instance"),
            ("Spark partitions by hour", lambda: self.sql(
                "ALTER TABLE {t} REPLACE PARTITION FIELD ts_day WITH hour(ts)"), "instance"),
            ("Spark rewrites by the new partitions", lambda: self.sql(
                "CALL {system}.rewrite_data_files(table => 'metrics.samples', "
                "options => map('rewrite-all', 'true'))"), "instance"),
            ("Spark orders by time", lambda: self.sql(
                "ALTER TABLE {t} WRITE ORDERED BY ts DESC"), "instance"),
            ("Spark drops the buckets", lambda: self.sql(
                "ALTER TABLE {t} DROP PARTITION FIELD b"), "instance"),
            ("Spark drops a column", lambda: self.sql(
                "ALTER TABLE {t} DROP COLUMN note"), "instance"),
        )

    def test_others_change_the_tables(self):
        """Columns, partitions, order: the server settles into what there is by then."""
        server = self.open()
        for number, (name, step, instance) in enumerate(self.evolution_steps()):
            with self.subTest(step=name):
                self.write(server)
                server.settle()
                self.write(server)
                step()
                # The first rows as the server still knows the table, then by what it is.
                for _ in range(2):
                    server.settle()
                    self.assertEqual(self.settled_rows(server, instance),
                                     self.rows_expected())
                    self.write(server)
                self.go_on(server, ("running", "stopped", "killed")[number % 3])
                server.settle()
                if instance == "instance":
                    self.assert_settles(server)
                    self.assert_others_find(server)
                self.assert_sound(server)
        specs = load_table(server.warehouse, SAMPLES).specs()
        self.assertGreater(len(specs), 3)

    def test_a_table_that_was_upgraded_to_version_3(self):
        """It is not written to, by a reason that says so; nothing is lost meanwhile."""
        server = self.open()
        self.write(server)
        server.settle()
        older = load_table(server.warehouse, SAMPLES).metadata_location
        self.sql("ALTER TABLE {t} SET TBLPROPERTIES ('format-version' = '3')")
        self.write(server)
        answer = server.request("POST", "/-/settle")
        self.assertEqual(answer.status, 422, answer)
        self.assertIn("version 3", answer.text)
        self.assert_firn_has_all(server)
        server.kill()
        server.start()
        self.write(server)
        self.assert_firn_has_all(server)
        self.put_back(older)
        server.kill()
        server.start()
        self.assert_settles(server)

    def assert_others_find(self, server):
        """By a condition that is a partition's, whichever it is."""
        keys = sorted(self.expected, key=lambda key: key[2])
        middle_ms = keys[len(keys) // 2][2]
        middle = datetime.datetime.fromtimestamp(middle_ms / 1000, datetime.timezone.utc)
        wanted = sum(key[2] < middle_ms for key in keys)
        self.assertEqual(self.sql("SELECT count(*) FROM {t} WHERE ts < TIMESTAMP "
                                  f"'{middle.isoformat(' ')}'")[0][0], wanted)
        table = load_table(server.warehouse, SAMPLES)
        self.assertEqual(table.scan(row_filter=expressions.LessThan(
            "ts", middle.isoformat())).to_arrow().num_rows, wanted)
        series_id = table.scan(row_filter="metric = 'kept0'", limit=1).to_arrow()[
            "series_id"][0].as_py()
        self.assertEqual(
            table.scan(row_filter=expressions.EqualTo("series_id", series_id))
            .to_arrow().num_rows, len(self.expected) // SERIES)

    # --- Rollback.

    def test_rows_of_a_rollback_stay_gone(self):
        """Until they are sent again. The position stays: nothing settles twice."""
        for by in ("firn", "Spark"):
            for way in ("running", "stopped", "killed"):
                with self.subTest(by=by, way=way):
                    self.expected.clear()
                    server = self.open(name=f"{by}-{way}")
                    self.write(server)
                    server.settle()
                    kept = load_table(server.warehouse, SAMPLES).current_snapshot()
                    gone, body = self.write(server)
                    server.settle()
                    before = self.position(server)
                    self.write(server)  # Hot meanwhile.
                    if by == "firn":
                        self.firn(server, "rollback", "--to-snapshot",
                                  str(kept.snapshot_id))
                    else:
                        self.sql("CALL {system}.rollback_to_snapshot('metrics.samples', "
                                 f"{kept.snapshot_id})")
                    self.assertEqual(self.position(server), before)
                    self.forget(gone)
                    self.go_on(server, way)
                    self.assert_settles(server)
                    self.write(server)
                    self.assert_settles(server)
                    # The window knows that they are gone.
                    self.assert_write(server, body)
                    self.expected.update(gone)
                    self.assert_settles(server)
                    self.assert_write(server, body)
                    self.assert_settles(server)
                    self.assert_sound(server)
                    self.assertEqual(server.stop(), 0)

    def test_a_rollback_to_before_the_log_begins(self):
        """The rows are gone, which is what was asked for: no gap is to be accepted."""
        server = self.open("--log-bytes-max", "1MiB")
        self.write(server)
        server.settle()
        kept = load_table(server.warehouse, SAMPLES).current_snapshot()
        gone, _ = self.write(server)
        self.trim(server)
        self.write(server)
        self.firn(server, "rollback", "--to-snapshot", str(kept.snapshot_id))
        self.forget(gone)
        server.kill()
        server.start()
        self.assert_settles(server)
        self.assert_sound(server)

    def trim(self, server):
        """Two settles, each of about half a log of 1 MiB."""
        for _ in range(2):
            for _ in range(5):
                self.noise += 1
                at = self.base_ms + 1000 * self.noise
                self.assert_write(server, request(*(
                    series({"__name__": "noise", "row": str(row)},
                           [(at + i, math.sin(at + i + row)) for i in range(1000)])
                    for row in range(6))))
            server.settle()

    # --- A table that somebody put back to an older metadata file.

    def put_back(self, location):
        self.catalog.drop_table(SAMPLES)
        self.catalog.register_table(SAMPLES, location)

    def test_a_table_put_back_stops_writing(self):
        """Until a start finds that the log still has what the table lacks."""
        for way in ("stopped", "killed"):
            with self.subTest(way=way):
                self.expected.clear()
                server = self.open(name=way)
                self.write(server)
                server.settle()
                older = load_table(server.warehouse, SAMPLES).metadata_location
                self.write(server)
                server.settle()
                _, hot = self.write(server)
                self.put_back(older)
                answer = server.request("POST", "/-/settle")
                self.assertNotEqual(answer.status, 200)
                self.assertIn("older state", answer.text)
                refused = server.write(self.make_batch()[1])
                self.assertEqual(refused.status, 500, refused)
                self.assertIn("position", refused.text)
                self.assert_firn_has_all(server)  # Reading goes on.
                self.go_on(server, way)
                self.assert_firn_has_all(server)
                self.assert_write(server, hot)
                self.assert_settles(server)
                self.write(server)
                self.assert_settles(server)
                self.assert_sound(server)
                self.assertEqual(server.stop(), 0)

    def test_a_table_put_back_behind_the_trim_point_is_refused(self):
        """Until a person accepts that what lies between is gone."""
        server = self.open("--log-bytes-max", "1MiB")
        self.write(server)
        server.settle()
        older = load_table(server.warehouse, SAMPLES).metadata_location
        gone, body = self.write(server)
        self.trim(server)
        self.write(server)  # Hot, and in the log.
        server.kill()
        newer = load_table(server.warehouse, SAMPLES).metadata_location
        self.put_back(older)
        for _ in range(2):
            with self.assertRaises(StartFailed) as refused:
                server.start()
            self.assertEqual(refused.exception.code, FAILED)
            for word in ("older", "--accept-gap", SAMPLES):
                self.assertIn(word, refused.exception.said)
        # The newer one put back, nothing has happened.
        self.put_back(newer)
        server.start()
        self.assert_firn_has_all(server)
        server.kill()
        self.put_back(older)
        server.flags.append("--accept-gap")
        server.start()
        self.forget(gone)
        self.assert_settles(server)
        server.flags.pop()
        self.assertEqual(server.stop(), 0)
        server.start()
        self.assert_settles(server)
        # What is gone may be sent again.
        self.assert_write(server, body)
        self.expected.update(gone)
        self.assert_settles(server)
        self.assert_sound(server)


if __name__ == "__main__":
    flags = argparse.ArgumentParser()
    flags.add_argument("--rounds", type=int, default=6)
    firn_server.main(flags)
