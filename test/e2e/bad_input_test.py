# SPDX-License-Identifier: Apache-2.0
"""What firn says to requests that are wrong, and that it stays well afterwards.

    bad_input_test.py --firn FILE
"""
import random
import struct
import time

import firn_server
from firn_server import ServerTest, wait_until
from remote_write import HEADERS, field, request, sample, series, snappy, varint


def outcome(name):
    return f'firn_remote_write_samples_total{{outcome="{name}"}}'


def refusal(name):
    return f'firn_remote_write_refused_requests_total{{reason="{name}"}}'


class BadWriteTest(ServerTest):
    def setUp(self):
        super().setUp()
        self.server = self.start_server()
        self.now_ms = int(time.time() * 1000)

    def good(self, name="good", value=1.0, at=None):
        return series({"__name__": name, "job": "e2e"}, [(at or self.now_ms, value)])

    def metrics_there(self):
        return [row[0] for row in self.server.sql(
            "SELECT DISTINCT metric FROM metrics.samples ORDER BY metric")]

    def assert_refused(self, body, counter, said, status=400, headers=None):
        """Nothing of `body` is taken; the answer says `said` and `counter` moves by one."""
        before, there = self.server.metric(counter), self.metrics_there()
        answer = self.server.write(body, headers)
        self.assertEqual(answer.status, status, answer)
        self.assertIn(said, answer.text.lower())
        self.assertEqual(self.server.metric(counter), before + 1)
        self.assertEqual(self.metrics_there(), there)

    def assert_partly(self, bad, counter, said, samples=1):
        """Of a request with a good series before and after `bad`, the good ones are taken
        and the answer is a 400 that says `said`."""
        first, last = f"before_{counter}_{samples}", f"after_{counter}_{samples}"
        before = self.server.metric(outcome(counter))
        accepted = self.server.metric(outcome("accepted"))
        text = self.assert_write(
            self.server, request(self.good(first), bad, self.good(last)), status=400)
        self.assertIn(said, text)
        self.assertIn(f"{samples} of {samples + 2} samples rejected", text)
        self.assertEqual(self.server.metric(outcome(counter)), before + samples)
        self.assertEqual(self.server.metric(outcome("accepted")), accepted + 2)
        there = self.metrics_there()
        self.assertIn(first, there)
        self.assertIn(last, there)
        self.assertNotIn("bad", there)

    def test_broken_snappy(self):
        whole = request(self.good("never_seen"))
        for name, body in [
                ("no snappy at all", b"hello, this is plain text"),
                ("cut short", whole[:-3]),
                ("trailing bytes", whole + b"xyz"),
                ("empty body", b""),
                ("a length that never ends", b"\xff" * 12),
                ("a copy from before the beginning", varint(8) + b"\x00a" + b"\x11\x09"),
                ("only a length", varint(100))]:
            with self.subTest(name):
                self.assert_refused(body, refusal("malformed"), "snappy")

    def test_a_huge_declared_length_takes_no_memory(self):
        before = self.server.metric("firn_http_body_bytes")
        for declared in (1 << 30, (1 << 32) - 1):
            with self.subTest(declared=declared):
                self.assert_refused(varint(declared) + b"\xf4\xff\xff" + b"a" * 65536,
                                    refusal("malformed"), "bytes")
        # A connection gives back what it held when the server sees it closed.
        wait_until(lambda: self.server.metric("firn_http_body_bytes") <= before,
                   "giving back the memory of bodies", 10)
        rss = self.server_rss_bytes()
        self.assertLess(rss, 700 << 20)

    def server_rss_bytes(self):
        with open(f"/proc/{self.server.process.pid}/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def test_a_declared_http_body_beyond_the_bound(self):
        answer = self.server.request(
            "POST", "/api/v1/write", b"", {**HEADERS, "Content-Length": str(1 << 30)})
        self.assertEqual(answer.status, 413, answer)
        self.assert_write(self.server, request(self.good()))

    def test_broken_protobuf(self):
        good = self.good("never_seen")
        for name, message in [
                ("cut short", good[:-2]),
                ("a field longer than the message", b"\x0a\xff\x7f" + good),
                ("field number zero", b"\x02\x01a"),
                ("a label cut short", field(1, b"\x0a\x20abc")),
                ("a sample of the wrong type", field(1, field(1, field(1, "a") +
                                                             field(2, "b")) + b"\x10\x01")),
                ("a varint without an end", b"\x0a" + b"\x80" * 11),
                ("an unknown wire type", b"\x0f\x01"),
                # What came before the break is not taken either.
                ("good, then broken", good + b"\x0a\x7f")]:
            with self.subTest(name):
                self.assert_refused(snappy(message), refusal("malformed"), "protobuf")

    def test_wrong_content_type(self):
        body = request(self.good("never_seen"))
        for changed in ({"Content-Type": "application/json"},
                        {"Content-Type": "application/x-protobuf;"
                                         "proto=io.prometheus.write.v2.Request"},
                        {"Content-Encoding": "gzip"}):
            with self.subTest(changed):
                self.assert_refused(body, refusal("unsupported"), "not accepted", 415,
                                    {**HEADERS, **changed})
        # Prometheus takes a request without one.
        self.assertEqual(self.server.write(request(self.good()), {}).status, 204)

    def test_unsorted_labels_are_the_same_series(self):
        labels = [("__name__", "unsorted"), ("b", "2"), ("a", "1")]
        self.assert_write(self.server, request(series(labels, [(self.now_ms, 1.0)])))
        self.assert_write(self.server, request(
            series(dict(labels), [(self.now_ms + 1, 2.0)])))
        data = self.server.query("unsorted[1m]", self.now_ms / 1000 + 1)
        self.assertEqual(len(data["result"]), 1)
        self.assertEqual(data["result"][0]["metric"], dict(labels))
        self.assertEqual([v for _, v in data["result"][0]["values"]], ["1", "2"])

    def test_labels_that_are_not_valid(self):
        at = [(self.now_ms, 1.0)]
        for name, bad, said in [
                ("a name twice", series([("__name__", "bad"), ("a", "1"), ("a", "2")], at),
                 "\"a\""),
                ("value is not UTF-8", series([("__name__", "bad"), ("a", b"\xff\xfe")], at),
                 "UTF-8"),
                ("name is not UTF-8", series([("__name__", "bad"), (b"\xc3\x28", "a")], at),
                 "UTF-8"),
                ("an overlong form", series([("__name__", "bad"), ("a", b"\xc0\x80")], at),
                 "UTF-8"),
                ("an empty name", series([("__name__", "bad"), ("", "a")], at), "name")]:
            with self.subTest(name):
                self.assert_partly(bad, "invalid_series", said)
                self.now_ms += 1
        with self.subTest("each sample counts"):
            bad = series([("__name__", "bad"), ("a", "1"), ("a", "1")],
                         [(self.now_ms + i, 1.0) for i in range(7)])
            self.assert_partly(bad, "invalid_series", "\"a\"", samples=7)

    def test_too_old_and_too_far_ahead(self):
        hour = 3_600_000
        labels = {"__name__": "bad", "job": "e2e"}
        self.assert_write(self.server, request(self.good()))
        self.assert_partly(series(labels, [(self.now_ms - 3 * hour, 1.0)]), "too_old",
                           "out-of-order window")
        self.now_ms += 1
        self.assert_partly(series(labels, [(-1, 1.0)]), "too_old", "out-of-order window")
        self.now_ms += 1
        for at in (self.now_ms + hour, self.now_ms + 1000 * 365 * 24 * hour, (1 << 63) - 1):
            with self.subTest(at=at):
                self.assert_partly(series(labels, [(at, 1.0)]),
                                   "too_far_ahead", "too far ahead")
                self.now_ms += 1

    def test_another_value_at_a_taken_time(self):
        self.assert_write(self.server, request(self.good("twice", 1.0)))
        self.assert_write(self.server, request(self.good("twice", 1.0)))
        self.assertEqual(self.server.metric(outcome("duplicate")), 1)
        text = self.assert_write(self.server, request(self.good("twice", 2.0)), status=400)
        self.assertIn("twice", text)
        self.assertEqual(self.server.metric(outcome("duplicate_rejected")), 1)
        self.server.settle()
        self.assert_write(self.server, request(self.good("twice", 2.0)), status=400)
        self.assert_write(self.server, request(self.good("twice", 1.0)))
        self.assertEqual(self.server.sql("SELECT value FROM metrics.samples"), [[1.0]])

    def test_random_damage_never_ends_the_server(self):
        seed = int(time.time())
        print(f"seed {seed}")
        chance = random.Random(seed)
        whole = request(*(self.good(f"m{i}", i) for i in range(20)))
        for _ in range(400):
            body = bytearray(whole)
            for _ in range(chance.randint(1, 4)):
                place = chance.randrange(len(body))
                body[place] = chance.randrange(256)
            if chance.random() < 0.3:
                del body[chance.randrange(len(body)):]
            self.assertIn(self.server.write(bytes(body)).status, (204, 400))
        self.assert_write(self.server, request(self.good("still_there", 3.0)))
        self.assertEqual(
            self.server.sql("SELECT value FROM metrics.samples "
                            "WHERE metric = 'still_there'"), [[3.0]])
        self.server.settle()

    def test_samples_without_labels_and_labels_without_samples(self):
        self.assert_write(self.server, request(series({}, [])))
        self.assert_write(self.server, request())
        self.assert_write(self.server, request(series({"__name__": "bare"}, [])))
        self.assertEqual(self.metrics_there(), [])
        answer = self.server.write(snappy(field(1, field(2, sample(self.now_ms, 1.0)))))
        self.assertEqual(answer.status, 400, answer)

    def test_not_a_number_of_any_payload_is_taken(self):
        for i, bits in enumerate((0x7FF8000000000001, 0x7FF8000000000000,
                                  0xFFF8000000000123, 0x7FF0000000000001)):
            self.assert_write(self.server, request(
                self.good("nan", struct.pack("<Q", bits), self.now_ms + i)))
        rows = self.server.sql("SELECT value, flags FROM metrics.samples")
        self.assertEqual(rows, [["NaN", 0]] * 4)


class BadQueryTest(ServerTest):
    def setUp(self):
        super().setUp()
        self.server = self.start_server()

    def assert_error(self, answer, status, error_type, *said):
        self.assertEqual(answer.status, status, answer)
        body = answer.json
        self.assertEqual(body["status"], "error")
        self.assertEqual(body["errorType"], error_type)
        for text in said:
            self.assertIn(text, body["error"])

    def test_promql_points_at_the_character(self):
        for query, place in [("rate(up", "1:8"), ("up{", "1:4"), ("sum by (a up", "1:11"),
                             ("1 + $", "1:5"), ("up\n  or /", "2:6"),
                             ("", "1:1"), ("rate(up)", "1:6"), ("up[5m", "1:6"),
                             ("foo bar", "1:5"), ('{a="b" c="d"}', "1:8"),
                             ("up{a=~\"(\"}", "1:")]:
            for path in ("query", "query_range"):
                with self.subTest(query=query, path=path):
                    answer = self.server.post_form(f"/api/v1/{path}", query=query, time=0,
                                                   start=0, end=1, step=1)
                    self.assert_error(answer, 400, "bad_data", f"{place}", "parse error")

    def test_a_function_that_is_not_there(self):
        answer = self.server.get("/api/v1/query", query="no_such_function(up)")
        self.assert_error(answer, 400, "bad_data", "1:1", "no_such_function")

    def test_parameters(self):
        ok = {"query": "up", "start": 0, "end": 10, "step": 1}
        for changed, said in [({"start": "x"}, '"start"'), ({"end": "-"}, '"end"'),
                              ({"step": 0}, '"step"'), ({"step": "-1"}, '"step"'),
                              ({"end": -5}, '"end"'), ({"end": 1e9}, "11,000"),
                              ({"timeout": "soon"}, '"timeout"'),
                              ({"limit": "-3"}, '"limit"')]:
            with self.subTest(changed):
                answer = self.server.get("/api/v1/query_range", **{**ok, **changed})
                self.assert_error(answer, 400, "bad_data", said)
        self.assert_error(self.server.get("/api/v1/query", query="up", time="noon"), 400,
                          "bad_data", '"time"')
        self.assert_error(self.server.get("/api/v1/series"), 400, "bad_data", "match[]")
        self.assert_error(self.server.get("/api/v1/series", **{"match[]": "up{"}), 400,
                          "bad_data", "1:4")

    def test_sql_points_at_the_character(self):
        for statement, said in [
                ("SELECT metric FORM metrics.samples", ("LINE 1:", "^")),
                ("SELECT\n  nmae FROM metrics.samples", ("LINE 2:", "^", "nmae")),
                ("SELECT * FROM metrics.sample", ("LINE 1:", "^", "sample")),
                ("", ("statement",))]:
            with self.subTest(statement):
                answer = self.server.request("POST", "/api/v1/sql", statement.encode())
                self.assert_error(answer, 400, "bad_data", *said)
        answer = self.server.request("POST", "/api/v1/sql", b"SELECT '\xff\xfe'")
        self.assertEqual(answer.status, 400, answer)

    def test_sql_reads_only_the_tables(self):
        victim = self.directory / "victim"
        for statement in (f"COPY (SELECT 1) TO '{victim}'",
                          "SELECT * FROM read_text('/etc/passwd')",
                          f"ATTACH '{victim}' AS other", "INSTALL httpfs", "LOAD httpfs",
                          "CREATE TABLE metrics.mine (a INT)",
                          "DELETE FROM metrics.samples", "DROP TABLE metrics.samples",
                          "SELECT 1; SELECT 2", "SET memory_limit = '100GB'"):
            with self.subTest(statement):
                answer = self.server.request("POST", "/api/v1/sql", statement.encode())
                self.assertGreaterEqual(answer.status, 400, answer)
                self.assertLess(answer.status, 500, answer)
        self.assertFalse(victim.exists())

    def test_paths_and_methods(self):
        self.assertEqual(self.server.get("/no/such/path").status, 404)
        self.assertEqual(self.server.get("/-/settle").status, 405)
        self.assertEqual(self.server.get("/api/v1/write").status, 405)
        self.assertEqual(self.server.request("DELETE", "/api/v1/query").status, 405)


if __name__ == "__main__":
    firn_server.main()
