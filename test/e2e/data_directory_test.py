# SPDX-License-Identifier: Apache-2.0
"""A data directory that is in use, of another version, or without a part of it: the server
says what it found, and no row is dropped.

    data_directory_test.py --firn FILE
"""
import math
import os
import shutil
import time

import firn_server
from firn_server import ServerTest, StartFailed, run_firn
from remote_write import request, series
from table_readers import load_table

FAILED, NOT_FOUND, CONFLICT = 1, 3, 4


class DataDirectoryTest(ServerTest):
    def setUp(self):
        super().setUp()
        self.now_ms = int(time.time() * 1000) - 60_000
        self.noise = 0

    def write_rows(self, server, first, count):
        """Rows with the values first, first + 1, …"""
        self.assert_write(server, request(series(
            {"__name__": "kept", "job": "e2e"},
            [(self.now_ms + i, float(i)) for i in range(first, first + count)])))

    def values(self, server):
        return [row[0] for row in server.sql(
            "SELECT value FROM metrics.samples WHERE metric = 'kept' ORDER BY value")]

    def assert_values(self, server, count):
        """Every row of the first `count` once: hot, settled, and as PyIceberg reads it."""
        expected = [float(i) for i in range(count)]
        self.assertEqual(self.values(server), expected)
        server.settle()
        self.assertEqual(self.values(server), expected)
        table = load_table(server.warehouse, "metrics.samples").scan().to_arrow()
        self.assertEqual(sorted(table["value"].to_pylist()), expected)
        at = (self.now_ms + count) / 1000
        counted = server.query("count_over_time(kept[10m])", at)["result"]
        self.assertEqual([one["value"][1] for one in counted],
                         [str(count)] if count else [])

    def log_directories(self, server):
        return sorted(server.data.glob("wal-*"))

    def assert_refused(self, server, code, *said):
        with self.assertRaises(StartFailed) as refused:
            server.start()
        self.assertEqual(refused.exception.code, code, refused.exception.said)
        text = refused.exception.said
        self.assertIn("firn: serve: ", text)
        for word in said:
            self.assertIn(word, text)
        return text

    def test_a_second_server_is_told_who_holds_it(self):
        first = self.start_server()
        self.write_rows(first, 0, 3)
        second = self.make_server()
        self.assert_refused(second, CONFLICT, f"pid {first.process.pid}", first.address,
                            str(first.data), "--data")
        self.write_rows(first, 3, 3)
        # firn promql asks the server that holds the directory.
        done = run_firn("promql", "kept", "--data", first.data, "--time",
                        str(self.now_ms / 1000 + 1), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b'"5"', done.stdout)
        pid = first.process.pid
        first.kill()
        # The lock of a process that is gone holds nobody up.
        second.start()
        self.assertNotEqual(second.process.pid, pid)
        self.assert_values(second, 6)

    def test_a_newer_format_is_refused(self):
        server = self.start_server()
        self.write_rows(server, 0, 5)
        server.stop()
        path = server.data / "FORMAT"
        text = path.read_text()
        self.assertIn("version 1", text)
        path.write_text(text.replace("version 1", "version 2"))
        listing = self.listing(server)
        self.assert_refused(server, FAILED, "FORMAT", "version 2", "newer")
        self.assertEqual(self.listing(server), listing, "it touched the directory")
        path.write_text("something else\n")
        self.assert_refused(server, FAILED, "FORMAT")
        path.write_text(text)
        server.start()
        self.assert_values(server, 5)

    @staticmethod
    def listing(server):
        return {str(path): path.stat().st_size for path in server.data.rglob("*")
                if path.name != "LOCK"}

    def test_the_warehouse_is_gone(self):
        """The log still holds all that was settled: it settles again."""
        server = self.start_server()
        self.write_rows(server, 0, 10)
        server.settle()
        self.write_rows(server, 10, 5)
        server.stop()
        shutil.rmtree(server.warehouse)
        server.start()
        self.assert_values(server, 15)

    def test_the_warehouse_is_another_one(self):
        other = self.start_server(name="other")
        self.assert_write(other, request(series({"__name__": "other"},
                                                [(self.now_ms, 1.0)])))
        other.settle()
        other.stop()
        server = self.start_server()
        self.write_rows(server, 0, 10)
        server.settle()
        server.stop()
        server.flags += ["--warehouse", str(other.warehouse)]
        server.start()
        # Nothing of this log is in that warehouse, so all of it is still to settle.
        self.assertEqual(
            server.sql("SELECT metric, count(*) FROM metrics.samples "
                       "GROUP BY metric ORDER BY metric"), [["kept", 10], ["other", 1]])
        server.settle()
        rows = load_table(other.warehouse, "metrics.samples").scan().to_arrow()
        self.assertEqual(rows.num_rows, 11)

    def test_the_warehouse_is_older_than_the_log(self):
        """Put back from a copy while the log reaches back far enough: nothing is lost."""
        server = self.start_server()
        self.write_rows(server, 0, 10)
        server.settle()
        server.stop()
        shutil.copytree(server.warehouse, self.directory / "copy")
        server.start()
        self.write_rows(server, 10, 10)
        server.settle()
        self.write_rows(server, 20, 5)
        server.kill()
        shutil.rmtree(server.warehouse)
        shutil.copytree(self.directory / "copy", server.warehouse)
        server.start()
        self.assert_values(server, 25)

    def test_the_warehouse_is_older_than_what_the_log_still_holds(self):
        """Refused, until a person says that what is gone is gone."""
        server = self.start_server("--log-bytes-max", "1MiB")
        self.write_rows(server, 0, 10)
        server.settle()
        server.stop()
        shutil.copytree(server.warehouse, self.directory / "copy")
        newer = self.directory / "newer"
        server.start()
        self.write_noise(server)
        server.settle()  # Trims the log.
        self.write_noise(server)
        server.settle()
        self.write_rows(server, 10, 5)
        server.kill()
        os.rename(server.warehouse, newer)
        shutil.copytree(self.directory / "copy", server.warehouse)
        self.assert_refused(server, FAILED, "older", "--accept-gap", "metrics.samples")
        # The newer one put back, nothing has happened.
        shutil.rmtree(server.warehouse)
        os.rename(newer, server.warehouse)
        server.start()
        self.assertEqual(self.values(server), [float(i) for i in range(15)])
        server.settle()
        server.kill()
        # Accepted, what both sides still have is served, once.
        shutil.rmtree(server.warehouse)
        shutil.copytree(self.directory / "copy", server.warehouse)
        server.flags.append("--accept-gap")
        server.start()
        self.assertEqual(self.values(server), [float(i) for i in range(15)])
        server.settle()
        server.flags.pop()
        server.stop()
        server.start()
        self.assertEqual(self.values(server), [float(i) for i in range(15)])

    def write_noise(self, server):
        """About half a log of 1 MiB."""
        for _ in range(5):
            self.noise += 1
            at = self.now_ms + 1000 * self.noise
            self.assert_write(server, request(*(
                series({"__name__": "noise", "row": str(row)},
                       [(at + i, math.sin(at + i + row)) for i in range(1000)])
                for row in range(6))))

    def test_the_log_is_gone(self):
        server = self.start_server()
        self.write_rows(server, 0, 10)
        server.settle()
        self.write_rows(server, 10, 5)
        server.stop()
        for directory in self.log_directories(server):
            shutil.rmtree(directory)
        server.start()
        said = server.stderr()
        self.assertIn("log", said)
        self.assertIn("was not there", said)
        self.assert_values(server, 10)
        # The new log's offsets are no positions of the old one.
        self.write_rows(server, 10, 7)
        server.kill()
        server.start()
        self.assert_values(server, 17)

    def test_the_log_is_an_older_copy(self):
        server = self.start_server()
        self.write_rows(server, 0, 10)
        server.stop()
        log = self.log_directories(server)[0]
        shutil.copytree(log, self.directory / "copy")
        server.start()
        self.write_rows(server, 10, 10)
        server.settle()
        server.stop()
        shutil.rmtree(log)
        shutil.copytree(self.directory / "copy", log)
        server.start()
        self.assertIn("older copy", server.stderr())
        self.assert_values(server, 20)
        # What comes now must not be taken for rows that are settled.
        self.write_rows(server, 20, 3)
        server.kill()
        server.start()
        self.assert_values(server, 23)

    def test_all_but_the_warehouse_is_gone(self):
        warehouse = self.directory / "warehouse"
        server = self.make_server("--warehouse", str(warehouse))
        server.warehouse = warehouse
        server.start()
        self.write_rows(server, 0, 10)
        server.settle()
        server.stop()
        shutil.rmtree(server.data)
        server.start()
        self.assert_values(server, 10)
        self.write_rows(server, 0, 12)  # Ten of them again.
        self.assert_values(server, 12)

    def test_a_torn_tail_is_cut_and_said(self):
        server = self.start_server()
        self.write_rows(server, 0, 10)
        server.kill()
        segments = sorted(self.log_directories(server)[0].glob("*.wal"))
        with open(segments[-1], "ab") as segment:
            segment.write(b"\x01\x00\x00garbage of a write that was cut short")
        server.start()
        self.assertIn("torn tail", server.stderr())
        self.assert_values(server, 10)

    def test_a_moved_directory_is_told_where_it_is(self):
        server = self.start_server()
        self.write_rows(server, 0, 5)
        server.settle()
        self.write_rows(server, 5, 5)
        server.stop()
        old = server.data
        server.data = self.directory / "moved"
        server.warehouse = server.data / "warehouse"
        os.rename(old, server.data)
        for table in ("metrics.series", "metrics.samples"):
            said = self.assert_refused(server, FAILED, f"firn table relocate {table}",
                                       str(old), str(server.data))
            self.assertNotIn("accept-gap", said)
            done = run_firn("table", "relocate", table, "--warehouse", server.warehouse)
            self.assertEqual(done.returncode, 0, done.stderr)
        server.start()
        self.assert_values(server, 10)
        self.write_rows(server, 10, 5)
        self.assert_values(server, 15)

    def test_a_damaged_catalog_is_not_replaced(self):
        server = self.start_server()
        self.write_rows(server, 0, 10)
        server.settle()
        server.stop()
        catalog = server.warehouse / "catalog.db"
        good = catalog.read_bytes()
        catalog.write_bytes(b"this is no database" * 100)
        self.assert_refused(server, FAILED, "catalog.db")
        self.assertEqual(catalog.read_bytes(), b"this is no database" * 100)
        catalog.write_bytes(good)
        server.start()
        self.assert_values(server, 10)


if __name__ == "__main__":
    firn_server.main()
