# SPDX-License-Identifier: Apache-2.0
"""firn's commands as a script uses them: results on standard output, one line for an error,
and an exit code that says what kind of failure it was.

    commands_test.py --firn FILE
"""
import csv
import io
import json
import time
import unittest

import firn_server
from firn_server import ServerTest, run_firn
from remote_write import request, series

try:
    import pyarrow as pa
except ImportError:
    pa = None

DONE, FAILED, BAD_USAGE, NOT_FOUND, CONFLICT = 0, 1, 2, 3, 4
COUNT = "SELECT metric, count(*) AS n FROM metrics.samples GROUP BY metric ORDER BY metric"


class CommandsTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        """One server for all: these tests only read. Two metrics, one settled, one hot."""
        cls.holder = ServerTest()
        cls.addClassCleanup(cls.holder.doCleanups)
        cls.holder.setUp()
        cls.server = cls.holder.start_server()
        cls.at_ms = int(time.time() * 1000) - 60_000
        for metric, settles in (("settled", True), ("hot", False)):
            cls.holder.assert_write(cls.server, request(*(
                series({"__name__": metric, "job": "j", "instance": i},
                       [(cls.at_ms + n * 1000, float(n)) for n in range(10)])
                for i in ("a", "b"))))
            if settles:
                cls.server.settle()
        cls.url = f"http://{cls.server.address}"
        cls.at_s = cls.at_ms / 1000 + 9

    def run_ok(self, *arguments, **kwargs):
        done = run_firn(*arguments, **kwargs)
        self.assertEqual(done.returncode, DONE, done.stderr)
        return done.stdout

    def assert_fails(self, code, said, *arguments, **kwargs):
        """Exit `code`, an error line that says `said`, nothing on standard output."""
        done = run_firn(*arguments, **kwargs)
        text = done.stderr.decode()
        self.assertEqual(done.returncode, code, text)
        self.assertTrue(text.startswith("firn: "), text)
        self.assertIn(said, text)
        self.assertEqual(done.stdout, b"")
        return text

    def test_sql_asks_a_server_or_a_warehouse(self):
        # A server sees what is hot, a warehouse what is committed.
        rows = json.loads(self.run_ok("sql", COUNT, "--server", self.url, "--json"))
        self.assertEqual(rows["rows"], [["hot", 20], ["settled", 20]])
        rows = json.loads(self.run_ok("sql", COUNT, "--warehouse", self.server.warehouse,
                                      "--json"))
        self.assertEqual(rows["rows"], [["settled", 20]])
        by_environment = self.run_ok(
            "sql", COUNT, "--json",
            environment={"FIRN_WAREHOUSE": str(self.server.warehouse)})
        self.assertEqual(json.loads(by_environment)["rows"], [["settled", 20]])

    def test_sql_formats(self):
        def out(form, statement=COUNT):
            return self.run_ok("sql", statement, "--server", self.url, "--format", form)
        self.assertEqual(list(csv.reader(io.StringIO(out("csv").decode()))),
                         [["metric", "n"], ["hot", "20"], ["settled", "20"]])
        self.assertEqual([json.loads(line) for line in out("ndjson").splitlines()],
                         [{"metric": "hot", "n": 20}, {"metric": "settled", "n": 20}])
        self.assertEqual(json.loads(out("json"))["rows"], [["hot", 20], ["settled", 20]])
        table = out("table").decode()
        self.assertRegex(table, r"metric")
        self.assertRegex(table, r"settled\W+20")

    @unittest.skipIf(pa is None, "pyarrow is not there")
    def test_sql_as_arrow(self):
        for source in (["--server", self.url], ["--warehouse", self.server.warehouse]):
            out = self.run_ok("sql", COUNT, *source, "--format", "arrow")
            table = pa.ipc.open_stream(out).read_all()
            self.assertEqual(table.to_pylist()[-1], {"metric": "settled", "n": 20})

    def test_sql_from_standard_input(self):
        out = self.run_ok("sql", "--server", self.url, "--format", "csv",
                          stdin=b"SELECT 1 AS a;\nSELECT ';' AS b")
        self.assertEqual(out.split(), [b"a", b"1", b"b", b";"])

    def test_promql_formats(self):
        query = "sum by (job) (settled)"
        data = json.loads(self.run_ok("promql", query, "--server", self.url, "--time",
                                      self.at_s, "--json"))
        self.assertEqual(data, {"resultType": "vector", "result": [
            {"metric": {"job": "j"}, "value": [self.at_s, "18"]}]})
        text = self.run_ok("promql", query, "--server", self.url, "--time", self.at_s)
        self.assertTrue(text.startswith(b'{job="j"} => 18 @['), text)
        data = json.loads(self.run_ok(
            "promql", "hot{instance='a'}", "--server", self.url, "--start", self.at_s - 4,
            "--end", self.at_s, "--step", "2s", "--json"))
        self.assertEqual([v for _, v in data["result"][0]["values"]], ["5", "7", "9"])

    def test_promql_on_a_data_directory_and_on_a_warehouse(self):
        for source in (["--data", self.server.data],
                       ["--warehouse", self.server.warehouse]):
            out = json.loads(self.run_ok("promql", "count(settled)", *source, "--time",
                                         self.at_s, "--json"))
            self.assertEqual(out["result"][0]["value"][1], "2", source)
        # Without its server a directory answers by itself.
        stopped = self.make_server(name="stopped").start()
        self.assert_write(stopped, request(series({"__name__": "w"},
                                                  [(self.at_ms, 4.0)])))
        stopped.kill()
        out = json.loads(self.run_ok("promql", "w", "--data", stopped.data, "--time",
                                     self.at_ms / 1000, "--json"))
        self.assertEqual(out["result"][0]["value"][1], "4")

    def test_table_commands(self):
        def table(verb, *rest):
            return self.run_ok("table", verb, *rest, "--warehouse", self.server.warehouse)
        rows = json.loads(table("scan", "metrics.samples", "--json", "--columns",
                                "instance,value", "--filter", "value >= 8"))["rows"]
        self.assertEqual(sorted(rows), [["a", 8], ["a", 9], ["b", 8], ["b", 9]])
        # A server's as well, with what is hot there.
        for filter_text, count in (("metric = 'settled' AND value >= 8", len(rows)),
                                   ("metric IN ('hot') AND instance = 'a'", 10)):
            out = self.run_ok("export", "metrics.samples", "--server", self.url, "--columns",
                              "instance,value", "--filter", filter_text, "--to", "-",
                              "--format", "ndjson")
            self.assertEqual(len(out.splitlines()), count, out)
        self.assert_fails(FAILED, "filter: 1:9: parse error", "export", "metrics.samples",
                          "--server", self.url, "--filter", "value = (", "--to", "-",
                          "--format", "csv")
        limited = json.loads(table("scan", "metrics.samples", "--json", "--limit", "3"))
        self.assertEqual(len(limited["rows"]), 3)
        for verb in ("describe", "files", "snapshots", "scan"):
            self.assertIn(b"\n", table(verb, "metrics.samples"), verb)
        self.assertIn(b"metrics.samples", table("ls"))
        described = json.loads(table("describe", "metrics.samples", "--json"))
        self.assertTrue(described["metadata_location"].endswith(".metadata.json"))
        ids = {column["name"]: column["id"] for column in described["columns"]}
        self.assertEqual((ids["ts"], ids["value"], ids["labels"], ids["job"]),
                         (4, 6, 100, 1000))

    def test_stats(self):
        done = run_firn("sql", COUNT, "--warehouse", self.server.warehouse, "--stats",
                        "--json")
        stats = json.loads(done.stderr.splitlines()[-1])
        self.assertEqual(stats["rows"], 1)
        self.assertGreater(stats["seconds"], 0)
        self.assertGreater(stats["peak_rss_bytes"], 1 << 20)

    def test_exit_codes(self):
        warehouse = ["--warehouse", self.server.warehouse]
        self.assert_fails(BAD_USAGE, "did you mean", "srve")
        self.assert_fails(BAD_USAGE, "--warehuse", "sql", "SELECT 1", "--warehuse", "x")
        self.assert_fails(BAD_USAGE, "format", "sql", "SELECT 1", *warehouse, "--format",
                          "xml")
        self.assert_fails(BAD_USAGE, "--step", "promql", "up", "--start", "1", *warehouse)
        self.assert_fails(BAD_USAGE, "listen", "serve", "--data", self.directory / "d",
                          "--listen", "nonsense")
        self.assert_fails(BAD_USAGE, "settle_interval", "serve", "--settle-interval", "x")
        self.assert_fails(NOT_FOUND, "metrics.nope", "table", "describe", "metrics.nope",
                          *warehouse)
        self.assert_fails(NOT_FOUND, "catalog.db", "table", "ls", "--warehouse",
                          self.directory / "nothing")
        self.assertFalse((self.directory / "nothing").exists())
        self.assert_fails(FAILED, "LINE 1", "sql", "SELECT 1 FORM x", *warehouse)
        self.assert_fails(FAILED, "1:4", "promql", "up{", *warehouse)
        self.assert_fails(FAILED, "1:4", "promql", "up{", "--server", self.url)
        self.assert_fails(FAILED, "127.0.0.1:1", "promql", "up", "--server",
                          "http://127.0.0.1:1")
        self.assert_fails(CONFLICT, self.server.address, "serve", "--data",
                          self.server.data, "--listen", "127.0.0.1:0")
        self.assert_fails(CONFLICT, self.server.address, "serve", "--data",
                          self.directory / "d", "--listen", self.server.address)

    def test_help_and_version(self):
        self.assertRegex(self.run_ok("--version").decode(), r"^firn \d+\.\d+\.\d+\n$")
        for verb in ("serve", "sql", "promql", "table", "check", "export", "config"):
            self.assertIn(verb.encode(), self.run_ok("--help"))
            self.assertIn(b"Example:" if verb not in ("table", "config") else b"firn",
                          self.run_ok(verb, "--help"))

    def test_settings_by_file_environment_and_flag(self):
        path = self.directory / "firn.yaml"
        path.write_text("listen: 127.0.0.1:1111\nquery_lookback: 7m\nlog_level: warn\n")
        self.run_ok("config", "check", path)
        printed = self.run_ok("config", "print", path,
                              environment={"FIRN_LOG_LEVEL": "error"}).decode()
        self.assertIn("127.0.0.1:1111", printed)
        self.assertIn("7m", printed)
        self.assertIn("error", printed)
        path.write_text("lissten: 127.0.0.1:1111\n")
        self.assert_fails(BAD_USAGE, "listen", "config", "check", path)


if __name__ == "__main__":
    firn_server.main()
