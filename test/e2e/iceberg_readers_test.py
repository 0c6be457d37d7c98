# SPDX-License-Identifier: Apache-2.0
"""What firn settles, read back by PyIceberg, by DuckDB and by firn's own commands: all must
say what was sent.

    iceberg_readers_test.py --firn FILE
"""
import collections
import datetime
import json
import math
import struct
import time

import firn_server
from firn_server import ServerTest, run_firn
from remote_write import STALE, request, series
from table_readers import connect_duckdb, load_table

DAY_MS = 86_400_000
FLAG_STALE = 1
QUIET_NAN = struct.pack("<Q", 0x7FF8000000000001)


def day_of(timestamp_ms):
    return datetime.datetime.fromtimestamp(timestamp_ms / 1000,
                                           datetime.timezone.utc).date()


def from_bits(value):
    """What a table holds for a sample sent as `value`: NULL for a stale marker."""
    if isinstance(value, bytes):
        return None if value == STALE else struct.unpack("<d", value)[0]
    return value


def same_value(a, b):
    """Equal, with NaN equal to itself and the two zeros apart."""
    if a is None or b is None:
        return a is b
    return math.isnan(a) and math.isnan(b) or \
        a == b and math.copysign(1, a) == math.copysign(1, b)


def load_json(text):
    """json.loads(), which makes the integer 0 of `-0`, mended."""
    return json.loads(
        text, parse_int=lambda digits: -0.0 if digits == "-0" else int(digits))


def row_key(row):
    return json.dumps([row[0], sorted(row[1].items()), row[2]])


class Sent:
    """Samples by (labels, time): what every reader is compared with."""

    def __init__(self):
        self.rows = {}

    def add(self, labels, samples):
        for at, value in samples:
            self.rows.setdefault((tuple(sorted(labels.items())), at), from_bits(value))

    def by_day(self):
        """{day: (rows, rows with a value, sum of values)}"""
        days = collections.defaultdict(lambda: [0, 0, 0.0])
        for (_, at), value in self.rows.items():
            day = days[day_of(at)]
            day[0] += 1
            if value is not None:
                day[1] += 1
                day[2] += value
        return {day: tuple(sums) for day, sums in sorted(days.items())}

    def table_rows(self):
        """(metric, other labels, time in ms, value, flags), sorted."""
        rows = []
        for (pairs, at), value in self.rows.items():
            labels = dict(pairs)
            metric = labels.pop("__name__")
            rows.append((metric, labels, at, value, FLAG_STALE if value is None else 0))
        return sorted(rows, key=row_key)


def rows_of_arrow(table):
    """The same of a scan: labels are the map and the columns job and instance."""
    rows = []
    for row in table.to_pylist():
        labels = dict(row["labels"] or [])
        for promoted in ("job", "instance"):
            if row[promoted] is not None:
                labels[promoted] = row[promoted]
        at = row["ts"]
        assert at.microsecond % 1000 == 0, at
        rows.append((row["metric"], labels, round(at.timestamp() * 1000), row["value"],
                     row["flags"]))
    return sorted(rows, key=row_key)


def rows_of_json(answer):
    """The same of POST /api/v1/sql or `--json`."""
    names = [column["name"] for column in answer["columns"]]
    rows = []
    for cells in answer["rows"]:
        row = dict(zip(names, cells))
        labels = dict(row["labels"] or {})
        for promoted in ("job", "instance"):
            if row[promoted] is not None:
                labels[promoted] = row[promoted]
        at = datetime.datetime.fromisoformat(row["ts"])
        value = row["value"]
        rows.append((row["metric"], labels, round(at.timestamp() * 1000),
                     float(value) if isinstance(value, str) else value, row["flags"]))
    return sorted(rows, key=row_key)


class IcebergReadersTest(ServerTest):
    def assert_rows(self, found, expected, who):
        self.assertEqual([row[:3] + row[4:] for row in found],
                         [row[:3] + row[4:] for row in expected], who)
        for ours, theirs in zip(found, expected):
            self.assertTrue(same_value(ours[3], theirs[3]), f"{who}: {ours} {theirs}")

    def by_day_sql(self, table):
        return ("SELECT CAST(ts AT TIME ZONE 'UTC' AS DATE) AS day, count(*), "
                f"count(value), sum(value) FROM {table} GROUP BY day ORDER BY day")

    def metadata_file(self, server):
        described = self.table_json(server, "describe", "metrics.samples")
        return described["metadata_location"]

    def table_json(self, server, verb, table, *flags):
        done = run_firn("table", verb, table, "--json", "--warehouse", server.warehouse,
                        *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        return load_json(done.stdout)

    def send_days(self, server, sent):
        """Five metrics over four days, sums exact in binary; late and stale samples."""
        today = int(time.time() * 1000) // DAY_MS * DAY_MS
        first_day = today - 4 * DAY_MS
        for day in range(4):
            # Every 20 minutes, and a few after midnight: files must not mix days.
            for tick in range(72):
                at = first_day + day * DAY_MS + tick * 1_200_000
                parts = []
                for metric in range(5):
                    for host in range(4):
                        labels = {"__name__": f"m{metric}_total", "job": f"j{host % 2}",
                                  "instance": f"host-{host}:9100", "zone": "a" * metric}
                        if not labels["zone"]:
                            del labels["zone"]
                        samples = [(at + host, tick * 0.125 + metric + day)]
                        if tick % 9 == 5:  # Late by an hour, within the window.
                            samples.insert(0, (at + host - 3_600_001, -0.5 * tick))
                        if tick == 71:
                            samples.append((at + host + 1, STALE))
                        parts.append(series(labels, samples))
                        sent.add(labels, samples)
                self.assert_write(server, request(*parts))
            if day in (0, 2):
                server.settle()  # Commits of one day and of two.

    def test_counts_and_sums_agree_day_by_day(self):
        server = self.start_server()
        sent = Sent()
        self.send_days(server, sent)
        expected = [[str(day), *sums] for day, sums in sent.by_day().items()]
        self.assertEqual(server.sql(self.by_day_sql("metrics.samples")), expected,
                         "partly hot")
        settled = server.settle()
        self.assertGreater(settled["metrics.samples"]["rows"], 0)
        self.assertEqual(server.sql(self.by_day_sql("metrics.samples")), expected,
                         "settled")

        done = run_firn("sql", self.by_day_sql("metrics.samples"), "--warehouse",
                        server.warehouse, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["rows"], expected, "firn sql --warehouse")
        self.check_pyiceberg(server, sent)
        self.check_duckdb(server, expected)
        self.check_table_commands(server, sent)

    def check_pyiceberg(self, server, sent):
        table = load_table(server.warehouse, "metrics.samples")
        days = {}
        for day in sent.by_day():
            after = day + datetime.timedelta(days=1)
            scan = table.scan(row_filter=f"ts >= '{day}T00:00:00+00:00' and "
                                         f"ts < '{after}T00:00:00+00:00'")
            files = list(scan.plan_files())
            self.assertLess(len(files), len(list(table.scan().plan_files())), "not pruned")
            rows = scan.to_arrow()
            values = [v for v in rows["value"].to_pylist() if v is not None]
            days[day] = (rows.num_rows, len(values), sum(values))
        self.assertEqual(days, sent.by_day())
        # A filter that cuts a day in two is answered from page and row statistics.
        noon = min(sent.by_day()) + datetime.timedelta(days=1)
        cut_ms = int(datetime.datetime(noon.year, noon.month, noon.day, 12,
                                       tzinfo=datetime.timezone.utc).timestamp() * 1000)
        rows = table.scan(row_filter=f"ts >= '{noon}T12:00:00+00:00'").to_arrow()
        self.assertEqual(rows.num_rows, sum(at >= cut_ms for _, at in sent.rows))

    def check_duckdb(self, server, expected):
        connection = connect_duckdb()
        if connection is None:
            print("DuckDB's Iceberg extension is not there: that part is left out")
            return
        table = f"iceberg_scan('{self.metadata_file(server)}')"
        found = connection.execute(self.by_day_sql(table)).fetchall()
        self.assertEqual([[str(day), *sums] for day, *sums in found], expected)
        day = expected[1][0]
        found = connection.execute(
            f"SELECT count(*) FROM {table} WHERE ts >= TIMESTAMPTZ '{day} 00:00:00+00' "
            f"AND ts < TIMESTAMPTZ '{day} 00:00:00+00' + INTERVAL 1 DAY").fetchone()
        self.assertEqual(found[0], expected[1][1])

    def check_table_commands(self, server, sent):
        rows = len(sent.rows)
        described = self.table_json(server, "describe", "metrics.samples")
        self.assertEqual(described["rows"], rows)
        self.assertEqual(described["format_version"], 2)
        files = self.table_json(server, "files", "metrics.samples")
        self.assertEqual(sum(file["rows"] for file in files), rows)
        by_day = collections.Counter()
        for file in files:
            by_day[file["partition"]] += file["rows"]
        self.assertEqual(by_day, {f"ts_day={day}": sums[0]
                                  for day, sums in sent.by_day().items()})
        snapshots = self.table_json(server, "snapshots", "metrics.samples")
        self.assertEqual(len(snapshots), 3)
        self.assertEqual(snapshots[-1]["total_rows"], rows)
        self.assertEqual(sum(one["added_rows"] for one in snapshots), rows)
        self.assertEqual([one["current"] for one in snapshots], [False, False, True])
        listed = run_firn("table", "ls", "--json", "--warehouse", server.warehouse)
        self.assertEqual(sorted(one["table"] for one in json.loads(listed.stdout)),
                         ["metrics.samples", "metrics.series"])
        scanned = self.table_json(server, "scan", "metrics.samples", "--columns",
                                  "metric,ts", "--filter", "metric = 'm3_total'")
        expected = sum(dict(pairs)["__name__"] == "m3_total" for pairs, _ in sent.rows)
        self.assertEqual(len(scanned["rows"]), expected)

    def test_every_row_and_label_is_what_was_sent(self):
        server = self.start_server()
        sent = Sent()
        base = int(time.time() * 1000) - 600_000
        extremes = [0.0, -0.0, 1.0, -1.5, math.pi, 5e-324, 1.7976931348623157e308,
                    math.inf, -math.inf, QUIET_NAN, 2.0 ** 53 + 2, 1e-300, STALE]
        several = [
            {"__name__": "plain"},
            {"__name__": "with_job", "job": "node", "instance": "a:1"},
            {"__name__": "only_job", "job": "node"},
            {"__name__": "unicode", "ort": "Zürich", "名前": "日本語", "emoji": "🧊"},
            {"__name__": "escapes", "quote": "\"'", "slash": "\\", "line": "a\nb\tc",
             "zero": "a\x00b"},
            {"__name__": "long", "text": "x" * 5000},
            # Names that fold to a column's, or are one.
            {"__name__": "columns", "metric": "m", "ts": "t", "Job": "J", "value": "v"},
        ]
        for number, labels in enumerate(several):
            samples = [(base + i * 1000 + number, value)
                       for i, value in enumerate(extremes)]
            sent.add(labels, samples)
            self.assert_write(server, request(series(labels, samples)))
        expected = sent.table_rows()
        statement = ("SELECT metric, ts, value, flags, labels, job, instance "
                     "FROM metrics.samples")

        def from_server():
            answer = server.request("POST", "/api/v1/sql", statement.encode())
            self.assertEqual(answer.status, 200, answer)
            return rows_of_json(load_json(answer.body))

        self.assert_rows(from_server(), expected, "hot")
        server.settle()
        self.assert_rows(from_server(), expected, "settled")
        self.assert_rows(rows_of_json(self.table_json(server, "scan", "metrics.samples")),
                         expected, "firn table scan")
        done = run_firn("sql", statement, "--warehouse", server.warehouse, "--json")
        self.assert_rows(rows_of_json(load_json(done.stdout)), expected, "firn sql")
        table = load_table(server.warehouse, "metrics.samples")
        self.assert_rows(rows_of_arrow(table.scan().to_arrow()), expected, "PyIceberg")
        connection = connect_duckdb()
        if connection is not None:
            found = connection.execute(
                f"SELECT metric, ts, value, flags, labels, job, instance "
                f"FROM iceberg_scan('{self.metadata_file(server)}')").to_arrow_table()
            self.assert_rows(rows_of_arrow(found), expected, "DuckDB")
        self.check_series_table(server, several)

        # The very same again is no news; another value at a taken time is refused.
        again = [(base + i * 1000, value) for i, value in enumerate(extremes)]
        self.assert_write(server, request(series(several[0], again)))
        refused = self.assert_write(
            server, request(series(several[0], [(base, 77.0)])), status=400)
        self.assertIn("plain", refused)
        server.settle()
        self.assert_rows(from_server(), expected, "after a resend")
        self.assertEqual(server.stop(), 0)
        server.start()
        self.assert_write(server, request(series(several[0], again)))
        server.settle()
        self.assert_rows(from_server(), expected, "after a restart and a resend")
        table = load_table(server.warehouse, "metrics.samples")
        self.assert_rows(rows_of_arrow(table.scan().to_arrow()), expected,
                         "PyIceberg, after a restart and a resend")

    def check_series_table(self, server, several):
        """One row a series and day, named as it was sent, with the samples' series_id."""
        table = load_table(server.warehouse, "metrics.series").scan().to_arrow()
        found = {}
        for row in table.to_pylist():
            name = tuple(sorted({"__name__": row["metric"], **dict(row["labels"])}.items()))
            found.setdefault(name, set()).add(bytes(row["series_id"]))
        self.assertEqual(set(found), {tuple(sorted(labels.items())) for labels in several})
        self.assertTrue(all(len(ids) == 1 for ids in found.values()))
        samples = load_table(server.warehouse, "metrics.samples").scan(
            selected_fields=("metric", "series_id")).to_arrow().to_pylist()
        by_metric = {dict(name)["__name__"]: ids for name, ids in found.items()}
        for row in samples:
            self.assertIn(bytes(row["series_id"]), by_metric[row["metric"]])


if __name__ == "__main__":
    firn_server.main()
