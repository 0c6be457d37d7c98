# SPDX-License-Identifier: Apache-2.0
"""Rows of files into tables: firn import, table create and table append, read back by
firn and PyIceberg.

    import_test.py --firn FILE
"""
import decimal
import gzip
import json
import os
import pathlib
import signal
import subprocess
import uuid

import firn_server
from firn_server import run_firn
from table_readers import load_table
from warehouse_case import WarehouseTest

import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet as pq
from pyiceberg.expressions import EqualTo

DONE, FAILED, BAD_USAGE, NOT_FOUND, CONFLICT, INTERRUPTED = 0, 1, 2, 3, 4, 130
DAY_US = 86_400_000_000


def visits(count=1000, days=3):
    """Visits of some days, unsorted."""
    return pa.table({
        "ts": pa.array([(19_700 + i % days) * DAY_US + i * 1_000_000 for i in range(count)],
                       pa.timestamp("us", "UTC")),
        "host": pa.array([f"host-{i * 7 % 11}" for i in range(count)]),
        "ms": pa.array([i / 8 if i % 10 else None for i in range(count)]),
    })


def rows_of(table):
    return sorted((row["ts"], row["host"], row["ms"] or -1) for row in table.to_pylist())


class ImportTest(WarehouseTest):
    def write(self, table, name):
        """A file of `table`, in the format that its name says."""
        path = self.directory / name
        if name.endswith(".parquet"):
            pq.write_table(table, path)
        elif name.endswith(".csv"):
            pa.csv.write_csv(table, path)
        elif name.endswith(".csv.gz"):
            with gzip.open(path, "wb") as file:
                pa.csv.write_csv(table, file)
        elif name.endswith(".arrow"):
            with pa.ipc.new_file(path, table.schema) as file:
                file.write_table(table)
        else:
            with open(path, "w", encoding="utf-8") as file:
                for row in table.to_pylist():
                    row["ts"] = row["ts"].isoformat()
                    print(json.dumps(row), file=file)
        return path

    def data_files(self):
        return sorted(self.warehouse.glob("**/*.parquet"))

    def test_every_format_makes_the_same_table(self):
        expected = visits()
        for name in ("v.parquet", "v.csv", "v.csv.gz", "v.ndjson", "v.arrow"):
            with self.subTest(name):
                table = "web." + name.replace(".", "_")
                report = self.run_ok("import", self.write(expected, name), "--into", table,
                                     "--partition", "day(ts)", "--sort", "host, ts desc")
                self.assertEqual((report["rows"], report["files"], report["created"]),
                                 (1000, 3, True))
                read = load_table(self.warehouse, table)
                self.assertEqual(rows_of(read.scan().to_arrow()), rows_of(expected))
                self.assertEqual(str(read.schema().find_field("ts").field_type),
                                 "timestamptz")
                self.assertEqual([field.name for field in read.spec().fields], ["ts_day"])
                self.assertEqual(len(read.sort_order().fields), 2)
                for task in read.scan().plan_files():
                    hosts = pq.read_table(task.file.file_path.removeprefix("file://"),
                                          columns=["host"])["host"].to_pylist()
                    self.assertEqual(hosts, sorted(hosts))
                check = self.firn("check", table, "--content")
                self.assertEqual(check.returncode, DONE, check.stdout + check.stderr)

    def test_many_files_are_one_commit(self):
        for i in range(4):
            self.write(visits(100 * (i + 1)), f"part-{i}.csv")
        report = self.run_ok("import", f"{self.directory}/part-*.csv", "--into", "a.b")
        self.assertEqual((report["sources"], report["rows"]), (4, 1000))
        self.assertEqual(len(load_table(self.warehouse, "a.b").snapshots()), 1)
        # And again: what is there stays.
        report = self.run_ok("import", f"{self.directory}/part-*.csv", "--into", "a.b")
        self.assertEqual((report["created"], report["total_rows"]), (False, 2000))

    def test_standard_input(self):
        text = b'{"id":1,"name":"x"}\n{"id":2,"name":null}\n'
        report = self.run_ok("import", "-", "--format", "ndjson", "--into", "a.b",
                             stdin=text)
        self.assertEqual(report["rows"], 2)
        self.assertEqual(
            load_table(self.warehouse, "a.b").scan().to_arrow().sort_by("id").to_pylist(),
            [{"id": 1, "name": "x"}, {"id": 2, "name": None}])
        self.assert_fails(FAILED, "the name does not say the format", "import", "-",
                          "--into", "a.b", stdin=text)
        self.assert_fails(FAILED, "read from its end", "import", "-", "--format",
                          "parquet", "--into", "a.b", stdin=text)

    def test_a_table_that_was_made_decides_the_types(self):
        self.run_ok("table", "create", "a.b", "--columns",
                    "id string required, price decimal(9, 2), u uuid, tags list<string>",
                    "--partition", "bucket(4, id)", "--property",
                    "write.parquet.compression-codec=snappy")
        self.assert_fails(CONFLICT, "a.b", "table", "create", "a.b", "--columns", "id long")
        csv = self.directory / "x.csv"
        csv.write_text("id,price,u\n007,1.50,00010203-0405-0607-0809-0a0b0c0d0e0f\n")
        self.run_ok("table", "append", "a.b", csv)
        row, = load_table(self.warehouse, "a.b").scan().to_arrow().to_pylist()
        self.assertEqual((row["id"], str(row["price"]), row["u"], row["tags"]),
                         ("007", "1.50", uuid.UUID(bytes=bytes(range(16))), None))
        ndjson = self.directory / "x.ndjson"
        ndjson.write_text('{"id":"8","tags":["a","b"]}\n')
        self.run_ok("table", "append", "a.b", ndjson)
        self.assertEqual(load_table(self.warehouse, "a.b").scan().to_arrow().num_rows, 2)
        data_file = pq.ParquetFile(self.data_files()[0])
        self.assertEqual(data_file.metadata.row_group(0).column(0).compression, "SNAPPY")

    def test_rows_that_do_not_fit_are_named_and_nothing_is_left(self):
        self.run_ok("table", "create", "a.b", "--columns", "id long required, name string")
        good = self.directory / "good.csv"
        good.write_text("id,name\n1,x\n")
        bad = self.directory / "later.csv"
        for text, said in (("id,name\n2,x\n,y\n", "line 3, column id: NULL"),
                           ("id,name\n2,x\nz,y\n", "line 3, column id: \"z\" is no long"),
                           ("id,colour\n2,x\n", "colour"),
                           ("name\nx\n", "id")):
            bad.write_text(text)
            self.assert_fails(FAILED, said, "import", good, bad, "--into", "a.b")
            self.assert_fails(FAILED, "later.csv", "import", good, bad, "--into", "a.b")
        self.assertEqual(self.data_files(), [])
        self.assertEqual(load_table(self.warehouse, "a.b").snapshots(), [])
        # A table that was to be made is not there.
        bad.write_text("id,name\n1,x\n1,2,3\n")
        self.assert_fails(FAILED, "line 3: 3 values where there are 2 columns", "import",
                          good, bad, "--into", "a.new")
        self.assert_fails(NOT_FOUND, "a.new", "table", "describe", "a.new")
        self.assertEqual(self.data_files(), [])

    def test_nanoseconds_are_refused_and_what_to_do_works(self):
        at = 1_709_208_000_123_456_789
        source, cast = self.directory / "nanos.parquet", self.directory / "micros.parquet"
        pq.write_table(pa.table({"id": pa.array([1]),
                                 "ts": pa.array([at], pa.timestamp("ns", "UTC"))}), source)
        self.assert_fails(FAILED, "field ts: type timestamptz_ns needs format version 3, and firn "
                          "writes tables of version 2: leave the column out or cast it",
                          "import", source, "--into", "a.b")
        self.run_ok("table", "create", "a.b", "--columns", "id long, ts timestamptz")
        self.assert_fails(FAILED, "column ts has the type timestamp[ns, tz=UTC], the table's is "
                          "timestamptz, which would lose its last digits: cast",
                          "table", "append", "a.b", source)
        done = run_firn("export", "--query", f"SELECT id, ts::TIMESTAMPTZ AS ts FROM '{source}'",
                        "--to", cast)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.run_ok("table", "append", "a.b", cast)
        found = load_table(self.warehouse, "a.b").scan().to_arrow()
        self.assertEqual(found["ts"].cast(pa.int64()).to_pylist(), [at // 1000])

    def test_bad_usage_and_what_is_not_there(self):
        good = self.write(visits(10), "v.csv")
        self.assert_fails(NOT_FOUND, "absent.csv", "import", f"{self.directory}/absent.csv",
                          "--into", "a.b")
        self.assert_fails(NOT_FOUND, "no.such", "table", "append", "no.such", good)
        self.assert_fails(FAILED, "character 5", "import", good, "--into", "a.b",
                          "--partition", "day(xs)")
        self.assert_fails(FAILED, "columns: character 4: there is no type lnog", "table",
                          "create", "a.b", "--columns", "id lnog")
        self.assert_fails(BAD_USAGE, "KEY=VALUE", "import", good, "--into", "a.b",
                          "--property", "x")
        done = run_firn("import", good, "--into", "a.b")
        self.assertEqual(done.returncode, BAD_USAGE)
        self.assertIn(b"--warehouse", done.stderr)

    def test_a_namespace_may_have_levels(self):
        path = self.write(visits(10), "v.parquet")
        self.run_ok("import", path, "--into", "w.x.v")
        scanned = self.firn("table", "scan", "w.x.v", "--columns", "host", "--format",
                            "ndjson")
        self.assertEqual(len(scanned.stdout.splitlines()), 10, scanned.stderr)
        self.run_ok("export", "w.x.v", "--to", self.directory / "out.parquet")
        self.assertEqual(rows_of(pq.read_table(self.directory / "out.parquet")),
                         rows_of(visits(10)))

    def test_a_key_names_a_column(self):
        path = self.write(visits(10), "v.csv")
        self.assert_fails(BAD_USAGE, "--key: it names no column", "import", path, "--into",
                          "w.v", "--key", "")

    def test_an_interrupted_import_leaves_nothing(self):
        self.run_ok("import", self.write(visits(10), "v.csv"), "--into", "a.b")
        before = self.data_files()
        command = [firn_server.FIRN, "import", "-", "--format", "csv", "--into", "a.b",
                   "--warehouse", str(self.warehouse)]
        process = subprocess.Popen(firn_server.dies_with_us(command),
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            process.stdin.write(b"ts,host,ms\n")
            for _ in range(200):
                process.stdin.write(b"2024-01-02T03:04:05Z,h,1\n" * 5000)
            process.stdin.flush()
            # It waits for more, and ends all the same.
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(60), INTERRUPTED, process.stderr.read())
        finally:
            process.stdin.close()
            process.stderr.close()
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        self.assertEqual(self.data_files(), before)
        self.assertEqual(len(load_table(self.warehouse, "a.b").snapshots()), 1)

    def test_imports_may_make_one_table_at_once(self):
        paths = [self.write(visits(100 + i), f"v{i}.csv") for i in range(4)]
        command = [firn_server.FIRN, "import", "--into", "a.b", "--partition", "day(ts)",
                   "--warehouse", str(self.warehouse)]
        processes = [subprocess.Popen(firn_server.dies_with_us([*command, path]),
                                      stderr=subprocess.PIPE) for path in paths]
        for process in processes:
            error = process.communicate(timeout=60)[1]
            self.assertEqual(process.returncode, DONE, error)
        self.assertEqual(load_table(self.warehouse, "a.b").scan().count(), 406)

    def test_standard_input_is_not_read_as_the_types_of_a_rival(self):
        line = b"2024-01-02T03:04:05Z,h,1\n"
        command = [firn_server.FIRN, "import", "-", "--format", "csv", "--into", "a.b",
                   "--partition", "day(ts)", "--warehouse", str(self.warehouse)]
        with subprocess.Popen(firn_server.dies_with_us(command), stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            # More than a pipe holds: it has begun to read, and so found no table.
            process.stdin.write(b"ts,host,ms\n" + line * 20_000)
            process.stdin.flush()
            self.run_ok("import", self.write(visits(10), "v.csv"), "--into", "a.b",
                        "--partition", "day(ts)")
            error = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, CONFLICT, error)
        self.assertIn(b"another made the table meanwhile", error)
        self.assertEqual(load_table(self.warehouse, "a.b").scan().count(), 10)

    def test_delete_rewrites_only_what_holds_the_rows(self):
        expected = visits(3000, days=3)
        self.run_ok("import", self.write(expected, "v.parquet"), "--into", "a.b",
                    "--partition", "day(ts)", "--sort", "host, ts")
        before = set(self.data_files())
        # Nothing matches, NULL least of all.
        report = self.run_ok("table", "delete", "a.b", "--filter", "ms = 1.0E10")
        self.assertEqual((report["rows"], report["snapshot_id"]), (0, None))
        # A whole day goes without a row being written.
        day = "ts < TIMESTAMP '2023-12-10T00:00:00Z'"
        report = self.run_ok("table", "delete", "a.b", "--filter", day, "--dry-run")
        self.assertEqual((report["rows"], report["files_removed"],
                          report["files_rewritten"], report["total_rows"]),
                         (1000, 1, 0, 3000))
        self.assertEqual(len(load_table(self.warehouse, "a.b").snapshots()), 1)
        report = self.run_ok("table", "delete", "a.b", "--filter", day)
        self.assertEqual((report["rows"], report["total_rows"]), (1000, 2000))
        self.assertEqual(set(self.data_files()), before)
        # Of the others one host goes; NULLs in a compared column stay.
        report = self.run_ok("table", "delete", "a.b", "--filter",
                             "host = 'host-3' AND ms < 1.0E10")
        self.assertEqual(report["files_rewritten"], 2)
        midnight = 1_702_166_400
        left = [row for row in expected.to_pylist()
                if row["ts"].timestamp() >= midnight
                and not (row["host"] == "host-3" and row["ms"] is not None)]
        table = load_table(self.warehouse, "a.b")
        self.assertEqual(rows_of(table.scan().to_arrow()),
                         sorted((row["ts"], row["host"], row["ms"] or -1) for row in left))
        self.assertEqual([snapshot.summary.operation.value for snapshot in
                          table.snapshots()], ["append", "delete", "overwrite"])
        self.assertEqual(self.firn("check", "a.b", "--content").returncode, DONE)
        # Everything.
        self.assert_fails(BAD_USAGE, "--filter, or --all", "table", "delete", "a.b")
        self.run_ok("table", "delete", "a.b", "--all")
        self.assertEqual(load_table(self.warehouse, "a.b").scan().to_arrow().num_rows, 0)

    def test_delete_says_what_is_wrong_with_a_condition(self):
        self.run_ok("import", self.write(visits(10), "v.csv"), "--into", "a.b")
        for condition, said in (("hsot = 'a'", "hsot"), ("ms = 'a'", "ms"),
                                ("ms =", "1:5: parse error")):
            self.assert_fails(FAILED, said, "table", "delete", "a.b", "--filter", condition)
        self.assert_fails(NOT_FOUND, "no.such", "table", "delete", "no.such", "--all")

    def test_a_condition_means_the_same_to_each_command(self):
        rows = pa.table({
            "id": pa.array(range(6), pa.int64()),
            "f": pa.array([0.1, 0.5, None, float("nan"), -0.0, 3e38], pa.float32()),
            "bin": pa.array([b"\0", b"X'00'", b"", None, b"00", b"\xff"], pa.binary()),
            "d": pa.array([decimal.Decimal(n) for n in ("0.10", "1.00", "0.11", "9.99",
                                                        "-1.00", "0.00")],
                          pa.decimal128(4, 2)),
            "s": pa.array([{"x": i, "y": f"{i}%"} for i in range(6)]),
            "t.u": pa.array(["a", "it's", None, "\"", "A", "b"]),
        })
        file = self.write(rows, "r.parquet")
        self.run_ok("import", file, "--into", "c.t")
        for condition, ids in (
                ("bin = X'00'", [0]), ("bin > ''", [0, 1, 4, 5]), ("f IN (0.1)", [0]),
                ("f = 0.1", [0]), ("f = 0", [4]), ("f > 1e30", [3, 5]),
                ("f = DOUBLE 'NaN'", [3]), ("NOT f = 0.5", [0, 3, 4, 5]),
                ("f IS NULL", [2]), ("d = 0.1", [0]), ("d <= 0.105", [0, 4, 5]),
                ("d < 1e0", [0, 2, 4, 5]), ("s.x = 3", [3]), ("s.y LIKE '4!%' ESCAPE '!'", [4]),
                ("s.x BETWEEN 1.5 AND 3", [2, 3]), ('"t.u" = \'it\'\'s\'', [1]),
                ('"t.u" IN (\'a\', \'"\')', [0, 3]), ("id > 4 OR id < 1", [0, 5])):
            with self.subTest(condition):
                deleted = self.run_ok("table", "delete", "c.t", "--dry-run", "--filter",
                                      condition)
                self.assertEqual(deleted["rows"], len(ids))
                flags = ("--columns", "id", "--filter", condition)
                found = [row[0] for row in self.run_ok("table", "scan", "c.t",
                                                       *flags)["rows"]]
                self.assertEqual(sorted(found), ids)
                for source in ("c.t", file):
                    to = self.directory / "out.parquet"
                    self.run_ok("export", source, *flags, "--to", to, "--overwrite")
                    self.assertEqual(sorted(pq.read_table(to)["id"].to_pylist()), ids)
        # Text is a condition, not a part of a statement.
        for condition in ("id = 1) UNION ALL (SELECT 9", "id = 1; SELECT 1", "id ="):
            for verb in (("table", "scan"), ("table", "delete"), ("export",)):
                to = ("--to", "-", "--format", "csv") if verb == ("export",) else ()
                self.assert_fails(FAILED, "filter: 1:", *verb, "c.t", "--filter",
                                  condition, *to)

    def test_rows_with_a_key_replace_those_that_are_there(self):
        self.run_ok("import", self.write(visits(300), "v.csv"), "--into", "a.b",
                    "--partition", "day(ts)")
        changed = visits(6).set_column(2, "ms", pa.array([9.5] * 6))
        report = self.run_ok("import", self.write(changed, "c.parquet"), "--into", "a.b",
                             "--key", "ts,host")
        self.assertEqual((report["rows"], report["rows_replaced"], report["total_rows"]),
                         (6, 6, 300))
        table = load_table(self.warehouse, "a.b").scan().to_arrow()
        self.assertEqual(rows_of(table), rows_of(pa.concat_tables(
            [changed, visits(300).slice(6)])))
        self.assert_fails(FAILED, "comes twice", "table", "append", "a.b",
                          self.write(pa.concat_tables([changed, changed]), "d.parquet"),
                          "--key", "ts,host")
        self.assert_fails(FAILED, "row 7, column ts, host: ", "table", "append", "a.b",
                          self.directory / "d.parquet", "--key", "ts,host")
        report = self.run_ok("table", "append", "a.b", self.directory / "d.parquet",
                             "--key", "ts,host", "--on-invalid", "quarantine")
        self.assertEqual((report["rows"], report["rows_replaced"],
                          report["rows_quarantined"]), (6, 6, 6))
        self.assert_fails(FAILED, "identifies no row", "table", "append", "a.b",
                          self.write(changed, "e.parquet"), "--key", "ms")

    def test_the_partitions_of_new_rows_are_overwritten(self):
        first = visits(300)
        self.run_ok("import", self.write(first, "v.csv"), "--into", "a.b", "--partition",
                    "day(ts)")
        before = {path: path.read_bytes() for path in self.data_files()}
        day = visits(9).take([0, 3, 6])  # Of the first day.
        report = self.run_ok("import", self.write(day, "d.csv"), "--into", "a.b",
                             "--overwrite-partitions")
        self.assertEqual((report["rows"], report["rows_replaced"], report["files_replaced"],
                          report["total_rows"]), (3, 100, 1, 203))
        table = load_table(self.warehouse, "a.b")
        kept = first.take([i for i in range(300) if i % 3])
        self.assertEqual(rows_of(table.scan().to_arrow()),
                         rows_of(pa.concat_tables([kept, day])))
        # Other days are the same files, byte for byte.
        live = {pathlib.Path(task.file.file_path.removeprefix("file://"))
                for task in table.scan().plan_files()}
        self.assertEqual(len(live & before.keys()), 2)
        for path in live & before.keys():
            self.assertEqual(path.read_bytes(), before[path])
        summary = table.current_snapshot().summary
        self.assertEqual((summary.operation.value, summary["replace-partitions"]),
                         ("overwrite", "true"))
        # No rows change nothing; rows of a new day come beside the others.
        report = self.run_ok("table", "append", "a.b", self.write(day.slice(0, 0), "e.csv"),
                             "--overwrite-partitions")
        self.assertEqual((report["snapshot_id"], report["total_rows"]), (None, 203))
        check = self.firn("check", "a.b", "--content")
        self.assertEqual(check.returncode, DONE, check.stdout + check.stderr)

    def test_rows_under_a_condition_are_overwritten(self):
        first = visits(300)
        self.run_ok("import", self.write(first, "v.csv"), "--into", "a.b", "--partition",
                    "day(ts)")
        new = visits(40).take([i for i in range(40) if i * 7 % 11 == 3])
        new = new.set_column(2, "ms", pa.array([0.5] * new.num_rows))
        condition = "host = 'host-3'"
        where = ("--overwrite-where", condition)
        gone = sum(host == "host-3" for host in first["host"].to_pylist())
        report = self.run_ok("import", self.write(new, "n.csv"), "--into", "a.b", *where)
        self.assertEqual((report["rows"], report["rows_replaced"], report["files_replaced"]),
                         (new.num_rows, gone, 3))
        kept = first.filter(pa.compute.not_equal(first["host"], "host-3"))
        expected = rows_of(pa.concat_tables([kept, new]))
        table = load_table(self.warehouse, "a.b")
        self.assertEqual(rows_of(table.scan().to_arrow()), expected)
        self.assertEqual(rows_of(table.scan(row_filter=EqualTo("host", "host-3")).to_arrow()),
                         rows_of(new))
        self.assertEqual(len(table.snapshots()), 2)
        # Rows that do not match are none that the table takes.
        mixed = self.write(pa.concat_tables([new, visits(2)]), "m.csv")
        self.assert_fails(FAILED, f"line {new.num_rows + 2}, column host: the row is not "
                          "among those that are overwritten, where host = 'host-3'",
                          "import", mixed, "--into", "a.b", *where)
        self.assertEqual(len(load_table(self.warehouse, "a.b").snapshots()), 2)
        report = self.run_ok("import", mixed, "--into", "a.b", "--on-invalid", "quarantine",
                             *where)
        self.assertEqual((report["rows"], report["rows_replaced"],
                          report["rows_quarantined"]), (new.num_rows, new.num_rows, 2))
        self.assertEqual(rows_of(load_table(self.warehouse, "a.b").scan().to_arrow()),
                         expected)
        report = self.run_ok("import", self.write(new, "n.csv"), "--into", "a.b",
                             "--overwrite-where", "true")
        self.assertEqual((report["rows_replaced"], report["total_rows"]),
                         (len(expected), new.num_rows))

    def test_what_overwrites_is_said_once(self):
        path = self.write(visits(10), "v.csv")
        self.run_ok("import", path, "--into", "a.b")
        for flags in (("--key", "host", "--overwrite-partitions"),
                      ("--key", "host", "--overwrite-where", "true"),
                      ("--overwrite-partitions", "--overwrite-where", "true")):
            self.assert_fails(BAD_USAGE, "excludes", "import", path, "--into", "a.b", *flags)
        self.assert_fails(BAD_USAGE, "is empty", "import", path, "--into", "a.b",
                          "--overwrite-where", "")
        for condition, said in (("hsot = 'a'", "hsot"), ("ms =", "overwrite where: 1:5")):
            self.assert_fails(FAILED, said, "import", path, "--into", "a.b",
                              "--overwrite-where", condition)
        self.assertEqual(load_table(self.warehouse, "a.b").scan().count(), 10)

    def test_an_overwrite_that_a_rival_adds_to_is_a_conflict(self):
        self.run_ok("import", self.write(visits(30), "v.csv"), "--into", "a.b",
                    "--partition", "day(ts)")
        for how in (("--overwrite-partitions",), ("--overwrite-where", "host <> 'x'")):
            with self.subTest(how):
                count = load_table(self.warehouse, "a.b").scan().count()
                command = [firn_server.FIRN, "import", "-", "--format", "csv", "--into",
                           "a.b", "--warehouse", str(self.warehouse), *how]
                line = f"{visits(1)['ts'][0].as_py().isoformat()},h,1\n".encode()
                with subprocess.Popen(firn_server.dies_with_us(command),
                                      stdin=subprocess.PIPE,
                                      stderr=subprocess.PIPE) as process:
                    # More than a pipe holds: it has begun to read, and so loaded the table.
                    process.stdin.write(b"ts,host,ms\n" + line * 20_000)
                    process.stdin.flush()
                    self.run_ok("import", self.write(visits(3), "r.csv"), "--into", "a.b")
                    error = process.communicate(timeout=60)[1]
                self.assertEqual(process.returncode, CONFLICT, error)
                self.assertIn(b"nothing was changed", error)
                self.assertEqual(load_table(self.warehouse, "a.b").scan().count(), count + 3)

    def test_numbers_that_no_partition_has_are_named(self):
        for kind, least, nearly in (("int", -2 ** 31, -2147483640),
                                    ("long", -2 ** 63, -9223372036854775800),
                                    ("decimal(9, 2)", "-9999999.99", "-9999999.90")):
            with self.subTest(kind):
                rows = self.directory / "rows.csv"
                rows.write_text(f"i,id\n{nearly},1\n0,2\n{least},3\n,4\n")
                table = "t." + kind[:4]
                self.run_ok("table", "create", table, "--columns", f"i {kind}, id long",
                            "--partition", "truncate(10, i)")
                self.assert_fails(FAILED, f"line 4, column i: {least} has no partition",
                                  "import", rows, "--into", table)
                self.assertEqual(self.run_ok("table", "snapshots", table), [])
                report = self.run_ok("import", rows, "--into", table, "--on-invalid",
                                     "quarantine")
                self.assertEqual((report["rows"], report["rows_quarantined"]), (3, 1))
                found = load_table(self.warehouse, table).scan(
                    row_filter=f"i <= {nearly}").to_arrow()
                self.assertEqual(found["id"].to_pylist(), [1])

    def test_partitions_whose_names_are_long(self):
        texts = ["a" * 300, "a" * 299, "é" * 60, "x"]
        path = self.write(pa.table({"s": texts, "id": range(4)}), "long.parquet")
        self.run_ok("import", path, "--into", "t.long", "--partition", "s")
        for number, text in enumerate(texts):
            table = load_table(self.warehouse, "t.long")
            rows = table.scan(row_filter=EqualTo("s", text)).to_arrow()
            self.assertEqual(rows["id"].to_pylist(), [number])
        for file in self.data_files():
            self.assertLessEqual(max(len(os.fsencode(part)) for part in file.parts), 255)

    def test_structs_that_are_null_may_have_required_fields(self):
        self.run_ok("table", "create", "t.n", "--columns",
                    "id long, s struct<x: int required, y: string>, "
                    "l list<struct<x: int required>>")
        lines = self.directory / "rows.ndjson"
        lines.write_text('{"id":1,"s":{"x":7},"l":[{"x":1},null]}\n{"id":2,"s":null}\n'
                         '{"id":3,"l":[null]}\n')
        self.run_ok("import", lines, "--into", "t.n")
        rows = load_table(self.warehouse, "t.n").scan().to_arrow().to_pylist()
        self.assertEqual([(row["id"], row["s"], row["l"] or []) for row in rows],
                         [(1, {"x": 7, "y": None}, [{"x": 1}, None]), (2, None, []),
                          (3, None, [None])])

    def test_a_map_has_each_key_once(self):
        self.run_ok("table", "create", "t.m", "--columns", "id long, m map<int, string>")
        lines = self.directory / "rows.ndjson"
        lines.write_text('{"id":1,"m":{"5":"a"}}\n{"id":2,"m":{"5":"a","05":"b"}}\n')
        self.assert_fails(FAILED, 'line 2, column m.key: value "5" comes twice in one map',
                          "import", lines, "--into", "t.m")
        twice = pa.table({"id": [3, 4], "m": pa.array(
            [[(1, "x"), (1, "y")], [(1, "x"), (2, "y")]], pa.map_(pa.int32(), pa.string()))})
        report = self.run_ok("import", lines, self.write(twice, "m.parquet"), "--into",
                             "t.m", "--on-invalid", "quarantine")
        self.assertEqual((report["rows"], report["rows_quarantined"]), (2, 2))
        scanned = self.run_ok("table", "scan", "t.m")["rows"]
        self.assertEqual(sorted(row[0] for row in scanned), [1, 4])

    def test_new_tables_have_columns_that_others_read(self):
        for name, text, said in (("r.ndjson", '{"r":{}}\n', "struct without fields"),
                                 ("r.ndjson", '{"r":[{}]}\n', "struct without fields")):
            path = self.directory / name
            path.write_text(text)
            self.assert_fails(FAILED, said, "import", path, "--into", "t.new")
        self.assert_fails(BAD_USAGE, "is empty", "table", "scan", "t.new", "--filter", "")

    def test_settings_say_how_files_are_written(self):
        config = self.directory / "firn.yaml"
        config.write_text("storage:\n  parquet:\n    max_file_size: 1MiB\n"
                          "    compression:\n      default: gzip\n"
                          "      column_overrides:\n        host: none\n")
        self.run_ok("import", self.write(visits(200_000), "v.parquet"), "--into", "a.b",
                    "--config", config)
        files = self.data_files()
        self.assertGreater(len(files), 1)
        group = pq.ParquetFile(files[0]).metadata.row_group(0)
        self.assertEqual([group.column(i).compression for i in range(3)],
                         ["GZIP", "UNCOMPRESSED", "GZIP"])
        self.assertLess(max(file.stat().st_size for file in files), 3 << 20)
        config.write_text("storage:\n  parquet:\n    compression:\n      default: xz\n")
        self.assert_fails(BAD_USAGE, "codec 'xz'", "import", files[0], "--into", "a.b",
                          "--config", config)

    def test_rows_that_do_not_fit_may_be_quarantined(self):
        self.run_ok("table", "create", "a.b", "--columns", "id long required, ts date")
        csv = self.directory / "x.csv"
        csv.write_text("id,ts\n1,2024-01-02\ntwo,2024-01-02\n,2024-01-03\n4,x,y\n5,\n")
        ndjson = self.directory / "x.ndjson"
        ndjson.write_text('{"id":6}\n{"id":7,"other":1}\n{"id":8,"ts":"soon"}\n')
        parquet = self.directory / "x.parquet"
        pq.write_table(pa.table({"id": pa.array([9, None], pa.int64())}), parquet)
        for said in ("", "--config"):
            with self.subTest(said):
                how = ("--on-invalid", "quarantine")
                if said:
                    config = self.directory / "firn.yaml"
                    config.write_text("storage:\n  parquet:\n    on_invalid: quarantine\n")
                    how = (said, config)
                report = self.run_ok("table", "append", "a.b", csv, ndjson, parquet, *how)
                self.assertEqual((report["rows"], report["rows_quarantined"],
                                  report["quarantine_table"]),
                                 (4, 6, "a.b__quarantine"))
        rows = load_table(self.warehouse, "a.b").scan().to_arrow()["id"].to_pylist()
        self.assertEqual(sorted(rows), sorted([1, 5, 6, 9] * 2))
        letters = load_table(self.warehouse, "a.b__quarantine")
        self.assertEqual(len(letters.snapshots()), 2)
        first = letters.scan(snapshot_id=letters.snapshots()[0].snapshot_id).to_arrow()
        self.assertEqual(
            sorted((pathlib.Path(row["source"]).name, row["row"], row["column"],
                    row["record"]) for row in first.to_pylist()),
            sorted([("x.csv", 3, "id", '{"id":"two","ts":"2024-01-02"}'),
                    ("x.csv", 4, "id", '{"id":null,"ts":"2024-01-03"}'),
                    ("x.csv", 5, None, "4,x,y"),
                    ("x.ndjson", 2, None, '{"id":7,"other":1}'),
                    ("x.ndjson", 3, "ts", '{"id":8,"ts":"soon"}'),
                    ("x.parquet", 2, "id", '{"id":null}')]))
        snapshot = letters.snapshots()[0]
        self.assertEqual(first["import_id"].unique().to_pylist(),
                         [snapshot.summary.additional_properties["firn.import-id"]])
        # Without the word the same file is refused, whole.
        self.assert_fails(FAILED, "line 3, column id: \"two\" is no long", "table", "append",
                          "a.b", csv)
        self.assert_fails(BAD_USAGE, "--on-invalid", "table", "append", "a.b", csv,
                          "--on-invalid", "drop")
        # A table of somebody else's is in the way.
        self.run_ok("table", "create", "w.v", "--columns", "id long")
        self.run_ok("table", "create", "w.v__quarantine", "--columns", "reason long")
        self.assert_fails(FAILED, "w.v__quarantine: is where rows that are quarantined go",
                          "table", "append", "w.v", csv, "--on-invalid", "quarantine")
        check = self.firn("check", "a.b__quarantine", "--content")
        self.assertEqual(check.returncode, DONE, check.stdout + check.stderr)

    def test_firn_takes_back_its_own_export(self):
        columns = ("id long required, f float, d double, m map<string, long>, "
                   "n map<date, list<double>>, o struct<at timestamptz, day date, y binary, "
                   "m map<long, string>>, t time, u uuid, p decimal(9, 2)")
        self.run_ok("table", "create", "a.b", "--columns", columns)
        source = self.directory / "x.ndjson"
        lines = [
            '{"id":1}',
            '{"id":2,"m":null,"n":{},"o":{}}',
            '{"id":3,"f":"NaN","d":"+Inf","m":{"x":1,"y":null},'
            '"n":{"2024-01-02":[1.5,"-Inf",null]}}',
            '{"id":4,"f":"-Inf","d":-1.5,"o":{"at":"2024-01-02T03:04:05.678Z",'
            '"day":"2024-01-02","y":"00ff","m":{"-7":"seven"}},"t":"03:04:05",'
            '"u":"000102030405060708090a0b0c0d0e0f","p":-1.50}']
        source.write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
        self.run_ok("table", "append", "a.b", source)
        exported = self.directory / "exported.ndjson"
        self.run_ok("export", "a.b", "--to", exported)
        self.run_ok("table", "create", "a.c", "--columns", columns)
        self.run_ok("table", "append", "a.c", exported)
        again = self.directory / "again.ndjson"
        self.run_ok("export", "a.c", "--to", again)
        read = [sorted(path.read_text().splitlines()) for path in (exported, again)]
        self.assertEqual(len(read[0]), 4)
        self.assertEqual(*read)
        self.assertIn('"n":{"2024-01-02":[1.5,"-Inf",null]}', "".join(read[0]))
        # CSV has no text for maps and the like.
        csv = self.directory / "x.csv"
        csv.write_text("id,m,o\n5,,\n")
        self.run_ok("table", "append", "a.b", csv)
        csv.write_text("id,m\n5,\n6,{}\n")
        self.assert_fails(FAILED, "line 3, column m: \"{}\" is no map", "table", "append",
                          "a.b", csv)

    def test_a_large_file_ends_at_a_row_at_its_beginning(self):
        """Whatever of it was read ahead ends as well: no signal, and no import that hangs."""
        self.run_ok("table", "create", "a.b", "--columns", "id long required, s string")
        text = b"id,s\n1,a\nx,b\n" + b"2,abcdefghijklmnopqrstuvwxyz0123\n" * 600_000
        (self.directory / "x.csv").write_bytes(text)
        (self.directory / "x.csv.gz").write_bytes(gzip.compress(text, 1))
        for _ in range(5):
            for name in ("x.csv", "x.csv.gz"):
                self.assert_fails(FAILED, 'line 3, column id: "x" is no long', "table",
                                  "append", "a.b", self.directory / name)
            self.assert_fails(FAILED, 'line 3, column id: "x" is no long', "import", "-",
                              "--format", "csv", "--into", "a.b", stdin=text)

    def test_a_quote_that_is_never_closed_ends_the_import(self):
        self.run_ok("table", "create", "a.b", "--columns", "id long required, s string")
        csv = self.directory / "x.csv"
        csv.write_text('id,s\n1,a\n2,"abc\n3,x\n')
        for how in ((), ("--on-invalid", "quarantine")):
            self.assert_fails(FAILED, "line 3: the quote that begins there is never closed",
                              "table", "append", "a.b", csv, *how)
        self.assertEqual(load_table(self.warehouse, "a.b").scan().to_arrow().num_rows, 0)

    def test_null_alone_on_a_line_comes_back(self):
        csv = self.directory / "x.csv"
        csv.write_text("n\n1\n\n3\n\n")
        (self.directory / "y.csv").write_text("")
        report = self.run_ok("import", csv, self.directory / "y.csv", "--into", "a.b")
        self.assertEqual(report["rows"], 4)
        out = self.directory / "out.csv"
        self.run_ok("export", "a.b", "--to", out)
        self.assertEqual(self.run_ok("import", out, "--into", "a.c")["rows"], 4)

    def test_numbers_that_do_not_fit_are_no_infinity(self):
        self.run_ok("table", "create", "a.b", "--columns", "f float, d double, i int")
        for name, text, said in (
                ("x.ndjson", '{"f":1}\n{"f":1e39}\n', "line 2, column f: 1e39 is out of"),
                ("x.ndjson", '{"d":-1e400}\n', "line 1, column d: -1e400 is out of"),
                ("x.csv", "f\n1\n1e39\n", 'line 3, column f: "1e39" is out of range'),
                ("x.csv", "i\n0x10\n", 'line 2, column i: "0x10" is no int')):
            path = self.directory / name
            path.write_text(text)
            self.assert_fails(FAILED, said, "table", "append", "a.b", path)
            self.assert_fails(FAILED, str(path), "table", "append", "a.b", path)

    def test_many_names_take_little_memory(self):
        lines = self.directory / "names.ndjson"
        lines.write_text("".join(f'{{"k{i}":{i}}}\n' for i in range(8000)))
        done = self.firn("import", lines, "--into", "a.b", "--stats")
        self.assertEqual(done.returncode, FAILED, done.stderr)
        self.assertIn(b"more than 5000 different names", done.stderr)
        self.run_ok("table", "create", "a.b", "--columns",
                    ", ".join(f"k{i} long" for i in range(1000)))
        lines.write_text("{}\n" * 100_000)
        done = self.firn("import", lines, "--into", "a.b", "--stats")
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertLess(json.loads(done.stderr)["peak_rss_bytes"], 900 << 20)

    def test_memory_stays_within_its_bound(self):
        """A large file takes little more memory than a small one."""
        path = self.directory / "large.csv"
        with open(path, "w", encoding="utf-8") as file:
            file.write("n,text\n")
            for i in range(1_500_000):
                file.write(f"{i},some text of row {i} that goes on for a while\n")
        done = self.firn("import", path, "--into", "a.b", "--sort", "n desc", "--stats")
        self.assertEqual(done.returncode, DONE, done.stderr)
        stats = json.loads(done.stderr)
        self.assertEqual(stats["rows"], 1_500_000)
        self.assertLess(stats["peak_rss_bytes"], 900 << 20)


if __name__ == "__main__":
    firn_server.main()
