# SPDX-License-Identifier: Apache-2.0
"""What firn answers over HTTP, as Prometheus's clients and Grafana ask it.

    http_api_test.py --firn FILE
"""
import json
import math
import re
import socket
import threading
import time
import unittest

import firn_server
from firn_server import ServerTest, http_request, wait_until
from remote_write import COUNTER, GAUGE, Writer, metadata, request, series

try:
    import pyarrow as pa
except ImportError:
    pa = None

STEP_MS = 10_000
POINTS = 60


class HttpApiTest(ServerTest):
    """A counter of four series and a gauge of one, ten minutes of each."""

    def setUp(self):
        super().setUp()
        self.server = self.start_server()
        self.begin_ms = int(time.time() * 1000) // 60_000 * 60_000 - 1_200_000
        self.end_ms = self.begin_ms + (POINTS - 1) * STEP_MS
        self.end_s = self.end_ms / 1000
        parts = [metadata("requests_total", COUNTER, "Requests so far.", ""),
                 metadata("temperature", GAUGE, "How warm \"it\" is.", "celsius")]
        for job in ("web", "db"):
            for instance in ("a:1", "b:1"):
                step = {"web": 10, "db": 1}[job] * {"a:1": 1, "b:1": 2}[instance]
                parts.append(series(
                    {"__name__": "requests_total", "job": job, "instance": instance},
                    [(self.begin_ms + i * STEP_MS, float(step * i))
                     for i in range(POINTS)]))
        parts.append(series({"__name__": "temperature", "ort": "Zürich \"See\""},
                            [(self.begin_ms + i * STEP_MS, 20 + math.sin(i))
                             for i in range(POINTS)]))
        self.assert_write(self.server, request(*parts))

    def both_ways(self, path, **parameters):
        """The answer by GET, which must be that by POST."""
        got = self.server.get(path, **parameters)
        posted = self.server.post_form(path, **parameters)
        self.assertEqual(got.status, 200, got)
        self.assertEqual(got.json, posted.json)
        self.assertEqual(got.json["status"], "success")
        self.assertTrue(got.headers["Content-Type"].startswith("application/json"))
        return got.json["data"]

    def test_instant_query(self):
        data = self.both_ways("/api/v1/query", time=self.end_s,
                              query="sum by (job) (rate(requests_total[5m]))")
        self.assertEqual(data["resultType"], "vector")
        found = {one["metric"]["job"]: one["value"] for one in data["result"]}
        self.assertEqual({job: at for job, (at, _) in found.items()},
                         {"web": self.end_s, "db": self.end_s})
        self.assertAlmostEqual(float(found["web"][1]), 3.0)
        self.assertAlmostEqual(float(found["db"][1]), 0.3)
        scalar = self.both_ways("/api/v1/query", query="1 + 1", time=5.5)
        self.assertEqual(scalar, {"resultType": "scalar", "result": [5.5, "2"]})
        text = self.both_ways("/api/v1/query", query='"a\\n\\u00fc"', time=5)
        self.assertEqual(text, {"resultType": "string", "result": [5, "a\nü"]})
        matrix = self.both_ways("/api/v1/query", query="temperature[20s]", time=self.end_s)
        self.assertEqual(matrix["resultType"], "matrix")
        self.assertEqual([at for at, _ in matrix["result"][0]["values"]],
                         [self.end_s - 10, self.end_s])
        values = self.both_ways("/api/v1/query", query="vector(1) / 0 or -vector(1) / 0",
                                time=1)
        self.assertEqual(values["result"][0]["value"], [1, "+Inf"])
        # A time in words, and none: now, which is twenty minutes later.
        rfc = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.end_s))
        data = self.both_ways("/api/v1/query", query="temperature", time=rfc)
        self.assertEqual(data["result"][0]["value"][0], self.end_s)
        now = self.server.get("/api/v1/query", query="temperature").json["data"]
        self.assertEqual(now["result"], [])

    def test_range_query(self):
        data = self.both_ways("/api/v1/query_range", query="requests_total{job='db'}",
                              start=self.begin_ms / 1000, end=self.end_s, step="20s")
        self.assertEqual(data["resultType"], "matrix")
        self.assertEqual([one["metric"]["instance"] for one in data["result"]],
                         ["a:1", "b:1"])
        values = data["result"][1]["values"]
        self.assertEqual([at for at, _ in values],
                         [self.begin_ms / 1000 + 20 * i for i in range(POINTS // 2)])
        self.assertEqual([float(v) for _, v in values],
                         [4.0 * i for i in range(POINTS // 2)])

    def test_the_answer_is_the_same_before_during_and_after_a_settle(self):
        def ask():
            return self.server.query_range(
                "sum by (job, instance) (rate(requests_total[1m])) "
                "or avg_over_time(temperature[1m])",
                self.begin_ms / 1000, self.end_s, 5)["result"]
        before = ask()
        self.assertEqual(len(before), 5)
        settler = threading.Thread(target=self.server.settle)
        settler.start()
        while settler.is_alive():
            self.assertEqual(ask(), before)
        settler.join()
        self.assertEqual(ask(), before)

    def test_labels_and_series(self):
        everything = {"start": self.begin_ms / 1000, "end": self.end_s}
        for _ in range(2):  # Hot, then settled.
            self.assertEqual(self.both_ways("/api/v1/labels"),
                             ["__name__", "instance", "job", "ort"])
            self.assertEqual(
                self.both_ways("/api/v1/labels", **{"match[]": "temperature"}),
                ["__name__", "ort"])
            values = self.server.get("/api/v1/label/job/values").json["data"]
            self.assertEqual(values, ["db", "web"])
            values = self.server.get(
                "/api/v1/label/instance/values",
                **{"match[]": ['requests_total{job="web"}', "temperature"]}).json["data"]
            self.assertEqual(values, ["a:1", "b:1"])
            values = self.server.get("/api/v1/label/__name__/values", **everything).json
            self.assertEqual(values["data"], ["requests_total", "temperature"])
            self.assertEqual(self.server.get("/api/v1/label/no/values").json["data"], [])
            found = self.both_ways("/api/v1/series", **everything,
                                   **{"match[]": ['{job=~"w.*"}', "temperature"]})
            self.assertEqual(found, [
                {"__name__": "requests_total", "instance": "a:1", "job": "web"},
                {"__name__": "requests_total", "instance": "b:1", "job": "web"},
                {"__name__": "temperature", "ort": "Zürich \"See\""}])
            old = self.both_ways("/api/v1/series", start=1, end=2, **{"match[]": "up"})
            self.assertEqual(old, [])
            limited = self.server.get("/api/v1/series", limit=1,
                                      **{"match[]": "requests_total"}).json
            self.assertEqual(len(limited["data"]), 1)
            self.assertTrue(limited["warnings"])
            self.server.settle()

    def test_metadata_survives_a_restart(self):
        expected = {
            "requests_total": [{"type": "counter", "help": "Requests so far.", "unit": ""}],
            "temperature": [{"type": "gauge", "help": "How warm \"it\" is.",
                             "unit": "celsius"}]}
        self.assertEqual(self.server.get("/api/v1/metadata").json["data"], expected)
        one = self.server.get("/api/v1/metadata", metric="temperature").json["data"]
        self.assertEqual(one, {"temperature": expected["temperature"]})
        self.server.kill()
        self.server.start()
        self.assertEqual(self.server.get("/api/v1/metadata").json["data"], expected)
        self.server.settle()
        self.assertEqual(
            self.server.sql("SELECT metric, type, unit, help FROM metrics.series "
                            "GROUP BY ALL ORDER BY metric"),
            [["requests_total", "counter", None, "Requests so far."],
             ["temperature", "gauge", "celsius", "How warm \"it\" is."]])

    def test_buildinfo_and_health(self):
        info = self.server.get("/api/v1/status/buildinfo").json["data"]
        # Clients such as Grafana read a Prometheus version from it.
        self.assertRegex(info["version"], r"^3\.\d+\.\d+")
        for path in ("/-/ready", "/readyz", "/-/healthy", "/healthz", "/"):
            self.assertEqual(self.server.get(path).status, 200, path)

    def test_sql_as_json(self):
        answer = self.server.request(
            "POST", "/api/v1/sql",
            b"SELECT count(*) AS n, min(ts) AS first, max(value) AS top, 9007199254740993 "
            b"AS big, NULL AS nothing, labels['ort'] AS ort FROM metrics.samples "
            b"WHERE metric = 'temperature' GROUP BY ort")
        self.assertEqual(answer.status, 200, answer)
        names = [column["name"] for column in answer.json["columns"]]
        self.assertEqual(names, ["n", "first", "top", "big", "nothing", "ort"])
        self.assertTrue(all(column["type"] for column in answer.json["columns"]))
        first = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.begin_ms / 1000))
        top = max(20 + math.sin(i) for i in range(POINTS))
        self.assertEqual(answer.json["rows"],
                         [[POINTS, first, top, 9007199254740993, None, "Zürich \"See\""]])

    @unittest.skipIf(pa is None, "pyarrow is not there")
    def test_sql_as_an_arrow_stream(self):
        for when in ("hot", "settled"):
            answer = self.server.request(
                "POST", "/api/v1/sql",
                b"SELECT metric, ts, value, labels FROM metrics.samples ORDER BY ALL",
                {"Accept": "application/vnd.apache.arrow.stream"})
            self.assertEqual(answer.status, 200, when)
            self.assertEqual(answer.headers["Content-Type"],
                             "application/vnd.apache.arrow.stream")
            table = pa.ipc.open_stream(answer.body).read_all()
            self.assertEqual(table.column_names, ["metric", "ts", "value", "labels"])
            self.assertEqual(table.num_rows, 5 * POINTS)
            self.assertEqual(str(table.schema.field("ts").type), "timestamp[us, tz=UTC]")
            warm = [row for row in table.to_pylist() if row["metric"] == "temperature"]
            self.assertEqual([row["value"] for row in warm],
                             [20 + math.sin(i) for i in range(POINTS)])
            self.assertEqual(warm[0]["labels"], [("ort", "Zürich \"See\"")])
            self.server.settle()

    def test_a_large_answer_comes_whole(self):
        rows = self.server.sql("SELECT range AS i, repeat('x', 100) FROM range(200000)")
        self.assertEqual(len(rows), 200000)
        self.assertEqual(rows[-1], [199999, "x" * 100])

    def test_metrics_parse_strictly(self):
        self.server.settle()
        self.server.get("/api/v1/query", query="up{")
        families = parse_exposition(self.server.get("/metrics"))
        for name in ("firn_head_series", "firn_log_bytes",
                     "firn_remote_write_samples_total"):
            self.assertIn(name, families)
        for name, family in families.items():
            self.assertEqual(family["type"] == "counter", name.endswith("_total"), name)
        self.assertGreater(families["firn_log_syncs_total"]["samples"][""], 0)
        accepted = families["firn_remote_write_samples_total"]["samples"]
        self.assertEqual(accepted['{outcome="accepted"}'], 5 * POINTS)

    def test_a_page_of_another_site_may_not_write(self):
        for path, body in (("/-/settle", None), ("/api/v1/sql", b"SELECT 1")):
            answer = self.server.request("POST", path, body,
                                         {"Sec-Fetch-Site": "cross-site"})
            self.assertEqual(answer.status, 403, answer)

    def test_many_requests_on_one_connection(self):
        writer = Writer(self.server.address)
        self.addCleanup(writer.close)
        for i in range(200):
            status, text = writer.send(request(series(
                {"__name__": "kept"}, [(self.end_ms + i, float(i))])))
            self.assertEqual(status, 204, text)
        self.assertEqual(self.server.sql("SELECT count(*) FROM metrics.samples "
                                         "WHERE metric = 'kept'"), [[200]])


def parse_exposition(answer):
    """{family: {type, samples: {labels: value}}} of Prometheus's text format, each rule of
    which is checked."""
    assert answer.status == 200, answer
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"), answer
    text = answer.body.decode()
    assert text.endswith("\n"), "the last line has no end"
    name_rule = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
    label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
    line_rule = re.compile(rf"({name_rule})(\{{{label}(?:,{label})*\}})? (\S+)")
    families, current = {}, None
    for line in text[:-1].split("\n"):
        if match := re.fullmatch(rf"# HELP ({name_rule}) (.*)", line):
            assert match[1] not in families, f"{match[1]} comes twice"
            current = match[1]
            families[current] = {"help": match[2], "type": None, "samples": {}}
        elif match := re.fullmatch(rf"# TYPE ({name_rule}) (counter|gauge|histogram)",
                                   line):
            assert match[1] == current and not families[current]["samples"], line
            families[current]["type"] = match[2]
        else:
            match = line_rule.fullmatch(line)
            assert match, f"not a sample: {line!r}"
            family = families[current]
            suffixes = [""]
            if family["type"] == "histogram":
                suffixes = ["_bucket", "_sum", "_count"]
            assert match[1] in [current + suffix for suffix in suffixes], line
            key = (match[1] + (match[2] or "")).removeprefix(current)
            assert key not in family["samples"], f"{line} comes twice"
            family["samples"][key] = float(match[3])
            if family["type"] == "counter":
                assert current.endswith("_total"), f"{current} counts"
                assert float(match[3]) >= 0, line
    for name, family in families.items():
        assert family["type"] and family["samples"], f"{name} is incomplete"
        if family["type"] == "histogram":
            check_histogram(name, family["samples"])
    return families


def check_histogram(name, samples):
    """Buckets never fall towards +Inf, which holds the count."""
    by_labels = {}
    for key, value in samples.items():
        if key.startswith("_bucket"):
            le = re.search(r'le="([^"]*)"', key)[1]
            rest = re.sub(r',?le="[^"]*"', "", key.removeprefix("_bucket"))
            by_labels.setdefault(rest if rest != "{}" else "", []).append(
                (float(le), value))
    for rest, buckets in by_labels.items():
        bounds = [bound for bound, _ in buckets]
        counts = [count for _, count in buckets]
        assert bounds == sorted(bounds) and bounds[-1] == math.inf, (name, rest)
        assert counts == sorted(counts), (name, rest)
        assert counts[-1] == samples["_count" + rest], (name, rest)
        assert "_sum" + rest in samples, (name, rest)


class StopTest(ServerTest):
    def test_sigterm_finishes_the_write_under_way(self):
        server = self.start_server()
        body = request(*(series({"__name__": "w", "i": str(i)},
                                [(int(time.time() * 1000), float(i))])
                         for i in range(2000)))
        host, _, port = server.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            head = ("POST /api/v1/write HTTP/1.1\r\nHost: x\r\n"
                    "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n")
            connection.sendall(head.encode() + body[:len(body) // 2])
            # The server has begun with the request once another is answered.
            self.assertEqual(server.get("/-/ready").status, 200)
            process = server.process
            process.terminate()
            wait_until(lambda: self.is_closed(server.address), "closing the port", 10)
            self.assertIsNone(process.poll(), "it did not wait")
            connection.sendall(body[len(body) // 2:])
            answer = connection.recv(4096)
            self.assertIn(b" 204 ", answer.split(b"\r\n")[0])
        self.assertEqual(process.wait(30), 0)
        server.process = None
        server.start()
        self.assertEqual(server.sql("SELECT count(*) FROM metrics.samples"), [[2000]])

    @staticmethod
    def is_closed(address):
        try:
            return http_request(address, "GET", "/-/ready").status == 503
        except OSError:
            return True

    def test_sigterm_and_interrupt_exit_0_and_keep_everything(self):
        server = self.make_server()
        at = int(time.time() * 1000)
        for number, name in enumerate(("SIGTERM", "SIGINT")):
            server.start()
            self.assert_write(server, request(series({"__name__": "w"},
                                                     [(at + number, 1.0)])))
            if name == "SIGINT":
                server.process.send_signal(2)
                self.assertEqual(server.process.wait(30), 0, server.stderr())
                server.process = None
            else:
                self.assertEqual(server.stop(), 0, server.stderr())
        server.start()
        self.assertEqual(server.sql("SELECT count(*) FROM metrics.samples"), [[2]])

    def test_it_settles_by_itself(self):
        server = self.start_server(settle_interval="1s")
        self.assert_write(server, request(series({"__name__": "w"},
                                                 [(int(time.time() * 1000), 1.0)])))
        settled = server.warehouse / "metrics" / "samples" / "data"
        wait_until(lambda: list(settled.rglob("*.parquet")), "settling by itself", 20)
        self.assertEqual(server.sql("SELECT count(*) FROM metrics.samples"), [[1]])

    def test_start_says_where_and_how_to_stop(self):
        server = self.start_server()
        said = json.loads(server.out_path.read_text())
        self.assertEqual(said["address"], f"http://{server.address}")
        self.assertEqual(said["data"], str(server.data))
        self.assertEqual(said["warehouse"], str(server.warehouse))


if __name__ == "__main__":
    firn_server.main()
