# SPDX-License-Identifier: Apache-2.0
"""Parquet files without a table around them: firn sql reads them by location, firn check
holds them against what they say of themselves, firn export writes one.

    files_test.py --firn FILE
"""
import csv
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import firn_server
import object_stores
from firn_server import ServerTest, run_firn

try:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq
    from pyarrow import fs
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

DONE, FAILED, BAD_USAGE, NOT_FOUND, CONFLICT, INTERRUPTED = 0, 1, 2, 3, 4, 130
ROWS = 100_000
SOURCE = pathlib.Path(os.environ.get("FIRN_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
CORPUS = SOURCE / "../shared/data/parquet/data"
# Files of the corpus with faults, and what kind the first one is.
FAULTY = {
    "datapage_v1-corrupt-checksum.parquet": "page",
    "rle-dict-uncompressed-corrupt-checksum.parquet": "page",
    # Their page indexes say of pages full of values that they are nothing but NULLs.
    "datapage_v1-snappy-compressed-checksum.parquet": "page index",
    "datapage_v1-uncompressed-checksum.parquet": "page index",
}
# Files of the corpus that cannot be checked at all, and what is said.
UNCHECKED = {
    "incorrect_map_schema.parquet": "Map keys must be annotated as required",
    # One text of a gibibyte.
    "large_string_map.brotli.parquet": "memory budget",
}


def sorted_rows(count=ROWS):
    """Numbers that ascend, beside texts of few values."""
    return pa.table({"n": pa.array(range(count), pa.int64()),
                     "name": pa.array([f"name-{i % 7}" for i in range(count)]),
                     "v": pa.array([i / 8 if i % 10 else None for i in range(count)])})


class FilesTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.directory = pathlib.Path(holder.name)

    def write(self, name, table=None, **options):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(sorted_rows() if table is None else table, path,
                       **{"row_group_size": 10_000, "write_page_index": True, **options})
        return path

    def run_ok(self, *arguments, **kwargs):
        done = run_firn(*arguments, **kwargs)
        self.assertEqual(done.returncode, DONE, done.stderr)
        return done

    def assert_fails(self, code, said, *arguments):
        done = run_firn(*arguments)
        text = done.stderr.decode()
        self.assertEqual(done.returncode, code, text)
        self.assertTrue(text.startswith("firn: "), text)
        self.assertIn(said, text)
        self.assertEqual(done.stdout, b"")
        return text

    def rows(self, statement, *flags):
        return json.loads(self.run_ok("sql", statement, "--json", *flags).stdout)["rows"]

    def stats(self, *arguments):
        return json.loads(self.run_ok(*arguments, "--stats").stderr.splitlines()[-1])


class SqlTest(FilesTest):
    def test_reads_a_file_by_any_of_its_names(self):
        path = self.write("a.parquet")
        for name in (path, f"file://{path}", os.path.relpath(path)):
            self.assertEqual(self.rows(f"SELECT count(*), max(n) FROM '{name}'"),
                             [[ROWS, ROWS - 1]], name)
        self.assertEqual(self.rows(f"SELECT name, count(v) FROM '{path}' WHERE n < 14 "
                                   "GROUP BY name ORDER BY name LIMIT 2"),
                         [["name-0", 1], ["name-1", 2]])

    def test_reads_directories_and_patterns_as_one_table(self):
        for day in range(3):
            self.write(f"d/day={day}/x.parquet", sorted_rows(10 * (day + 1)))
        self.write("d/.hidden.parquet", sorted_rows(1))
        self.write("d/_temporary/x.parquet", sorted_rows(1))
        for where, count in (("d", 60), ("d/", 60), ("d/**/*.parquet", 60),
                             ("d/day=[1]/*", None), ("d/day=*/x.parquet", 60),
                             ("d/day=1/*", 20)):
            statement = f"SELECT count(*) FROM '{self.directory}/{where}'"
            if count is None:
                self.assert_fails(NOT_FOUND, "no file matches", "sql", statement)
            else:
                self.assertEqual(self.rows(statement), [[count]], where)

    def test_columns_go_by_name_and_are_widened(self):
        self.write("d/a.parquet", pa.table({"a": pa.array([1], pa.int32())}))
        self.write("d/b.parquet", pa.table({"b": ["x"], "a": pa.array([1 << 40])}))
        self.assertEqual(self.rows(f"SELECT a, b FROM '{self.directory}/d' ORDER BY a"),
                         [[1, None], [1 << 40, "x"]])
        self.write("d/c.parquet", pa.table({"a": ["text"]}))
        said = self.assert_fails(FAILED, "column a is string, expected int64", "sql",
                                 f"FROM '{self.directory}/d'")
        self.assertIn("c.parquet", said)

    def test_of_structs_the_fields_named_are_read(self):
        count = 50_000
        path = self.write("s.parquet", pa.table({
            "n": range(count),
            "s": [None if i % 10 == 0 else
                  {"a": i, "b": f"text {i * 7919 % count}", "c": {"d": i * i, "e": None}}
                  for i in range(count)]}), compression="none", use_dictionary=False)
        whole = self.stats("sql", f"SELECT count(s) FROM '{path}'")["bytes_read"]

        def check(statement, rows, share):
            text = statement.format(path)
            self.assertEqual(self.rows(text), rows, statement)
            read = self.stats("sql", text)["bytes_read"]
            self.assertLess(read, share * whole, statement)

        values = [i for i in range(count) if i % 10]
        check("SELECT sum(s.a) FROM '{}'", [[sum(values)]], 0.4)
        check("SELECT sum(s.c.d)::BIGINT FROM '{}'", [[sum(i * i for i in values)]], 0.4)
        check("SELECT max(s.b) FROM '{}' WHERE s.a = 42", [["text 32598"]], 0.8)
        check("SELECT s.c.e FROM '{}' WHERE n = 5", [[None]], 0.5)
        check("SELECT s FROM '{}' WHERE n = 11 AND s.a > 3",
              [[{"a": 11, "b": "text 37109", "c": {"d": 121, "e": None}}]], 1.3)
        check("SELECT count(*) FROM '{}' WHERE s.b IS NULL", [[count // 10]], 0.6)

    def test_text_is_text_in_whatever_form_files_have_it(self):
        text = "more than the twelve bytes of a view"
        for name, kind in (("a", pa.string()), ("b", pa.large_string()),
                           ("c", pa.dictionary(pa.int32(), pa.string())),
                           ("d", pa.null())):
            values = [None] if kind == pa.null() else [text, "short", None]
            self.write(f"{name}/{name}.parquet", pa.table({"t": pa.array(values, kind)}))
            self.assertEqual(self.rows(f"SELECT t FROM '{self.directory}/{name}'"),
                             [[value] for value in values], name)
        for name in ("a", "b", "d"):
            (self.directory / name / f"{name}.parquet").rename(
                self.directory / f"{name}.parquet")
        self.assertEqual(self.rows(f"SELECT t, count(*) FROM '{self.directory}/*.parquet' "
                                   "GROUP BY t ORDER BY t NULLS LAST"),
                         [[text, 2], ["short", 2], [None, 3]])

    def test_a_range_of_a_sorted_file_reads_a_part_of_it(self):
        path = self.write("a.parquet")
        whole = self.stats("sql", f"SELECT sum(v) FROM '{path}'")
        part = self.stats("sql", f"SELECT sum(v) FROM '{path}' WHERE n BETWEEN 41000 AND "
                                 "42000")
        self.assertEqual((whole["row_groups_read"], whole["row_groups_pruned"]), (10, 0))
        self.assertEqual((part["row_groups_read"], part["row_groups_pruned"],
                          part["statistics_pruned"]), (1, 9, 9))
        self.assertEqual(part["files_planned"], 1)
        # Of a small file the footer is read with 64 KiB.
        self.assertLess(part["bytes_read"], whole["bytes_read"] / 2)
        self.assertGreater(part["requests"], 0)
        for key in ("rows", "seconds", "cpu_seconds", "files_pruned", "pages_pruned",
                    "bloom_pruned", "peak_rss_bytes"):
            self.assertIn(key, part)

    def test_each_kind_of_no_file_is_its_own_error(self):
        path = self.write("a.parquet")
        bytes_ = path.read_bytes()
        for name, content, said in (
                ("text.parquet", b"n,name\n1,x\n2,y\n3,z\n", "does not end with PAR1"),
                ("empty.parquet", b"", "0 bytes"),
                ("cut.parquet", bytes_[:-100], "does not end with PAR1")):
            (self.directory / name).write_bytes(content)
            text = self.assert_fails(FAILED, said, "sql", f"FROM '{self.directory / name}'")
            self.assertIn(name, text)
        self.assert_fails(NOT_FOUND, f"{self.directory}/none.parquet", "sql",
                          f"FROM '{self.directory}/none.parquet'")
        (self.directory / "nothing").mkdir()
        self.assert_fails(NOT_FOUND, "nothing", "sql", f"FROM '{self.directory}/nothing/'")
        self.assert_fails(FAILED, "known are", "sql", "FROM 'ftp://host/x.parquet'")
        self.assert_fails(FAILED, "Without --warehouse", "sql", "FROM metrics.samples")
        # DuckDB's own functions read no file for it either.
        self.assert_fails(FAILED, "", "sql", f"SELECT * FROM read_parquet('{path}')")

    def test_rows_leave_as_parquet(self):
        path = self.write("a.parquet", sorted_rows(1000))
        out = self.run_ok("sql", f"SELECT n, name, v FROM '{path}'", "--format",
                          "parquet").stdout
        self.assertEqual(pq.read_table(io.BytesIO(out)).to_pylist(),
                         sorted_rows(1000).to_pylist())


class ServerRefusesFilesTest(ServerTest):
    def test_sql_over_http_reads_no_file_of_its_host(self):
        server = self.start_server()
        path = self.directory / "a.parquet"
        pq.write_table(sorted_rows(10), path)
        for name in (path, f"file://{path}", f"{self.directory}/*.parquet"):
            answer = server.request("POST", "/api/v1/sql", f"SELECT * FROM '{name}'")
            self.assertGreaterEqual(answer.status, 400, answer)
            self.assertNotIn("name-1", answer.text)
        # The same process's tables, and a file of this one, in one query.
        server.settle()
        done = run_firn("sql", f"SELECT count(*) FROM '{path}', metrics.samples",
                        "--warehouse", server.warehouse, "--json")
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertEqual(json.loads(done.stdout)["rows"], [[0]])


class CheckTest(FilesTest):
    def check(self, path, code=DONE):
        done = run_firn("check", path, "--json")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_files_of_pyarrow_are_sound(self):
        from datetime import date, datetime, time as clock
        from decimal import Decimal
        nan = float("nan")
        table = pa.table({
            "i8": pa.array([1, -2, None] * 700, pa.int8()),
            "u32": pa.array([1, 4_000_000_000, None] * 700, pa.uint32()),
            "u64": pa.array([1, (1 << 64) - 1, None] * 700, pa.uint64()),
            "f": pa.array([nan, -0.0, 0.0] * 700, pa.float32()),
            "nan": pa.array([nan] * 2100),
            "half": pa.array([1.5, None, -2.0] * 700, pa.float16()),
            "d": pa.array([Decimal("-1.05"), Decimal("7.00"), None] * 700),
            "d256": pa.array([Decimal(-1), Decimal(10) ** 40, None] * 700,
                             pa.decimal256(60, 2)),
            "b": pa.array([True, None, False] * 700),
            "s": pa.array(["", "z" * 300, "é"] * 700),
            "bin": pa.array([b"\xff\xff", b"\x00", None] * 700),
            "day": pa.array([date(1960, 1, 1), None, date(2030, 1, 1)] * 700),
            "t": pa.array([clock(1, 2, 3), None, clock(23, 59)] * 700),
            "ts": pa.array([datetime(1900, 1, 1), None, datetime(2200, 1, 1)] * 700),
            "none": pa.nulls(2100),
            "l": pa.array([[1, None], [], None] * 700),
            "m": pa.array([[("a", 1)], [], None] * 700, pa.map_(pa.string(), pa.int64())),
            "st": pa.array([{"x": 1, "y": [None, "q"]}, None, {"x": None, "y": []}] * 700),
        })
        for number, options in enumerate((
                {}, {"data_page_version": "2.0"}, {"use_dictionary": False},
                {"compression": "gzip", "data_page_size": 100},
                {"write_page_checksum": True, "compression": "zstd"},
                {"store_decimal_as_integer": True},
                {"use_deprecated_int96_timestamps": True, "write_page_index": False},
                {"write_statistics": False})):
            path = self.write(f"{number}.parquet", table,
                              **{"row_group_size": 800, **options})
            found = self.check(path)
            self.assertEqual((found["sound"], found["faulty"]), (1, 0), options)
            self.assertEqual(found["files"][0]["rows"], 2100)

    def test_harm_is_named(self):
        path = self.write("a.parquet", compression="none", use_dictionary=False,
                          write_page_checksum=True)
        bytes_ = bytearray(path.read_bytes())
        at = bytes_.index((41_234).to_bytes(8, "little"))
        bytes_[at] ^= 1
        path.write_bytes(bytes_)
        found = self.check(path, FAILED)
        faults = found["files"][0]["faults"]
        self.assertEqual([(f["kind"], f["row_group"], f["column"]) for f in faults],
                         [("page", 4, "n")])
        line = run_firn("check", path, "--quiet").stdout.decode().splitlines()
        self.assertEqual(len(line), 1)
        self.assertIn("a.parquet: row group 4: column n: page ", line[0])

    def test_a_directory_has_a_summary(self):
        self.write("d/a.parquet")
        (self.directory / "d/b.parquet").write_bytes(b"no such thing at all")
        done = run_firn("check", self.directory / "d", "--stats")
        self.assertEqual(done.returncode, FAILED)
        lines = done.stdout.decode().splitlines()
        self.assertIn("sound: 100000 rows, 10 row groups, 3 columns", lines[0])
        self.assertIn("b.parquet: footer: not readable: not a Parquet file", lines[1])
        self.assertEqual(lines[-1], "2 files: 1 sound, 1 with faults")
        self.assertGreater(json.loads(done.stderr)["bytes_read"], 1000)
        self.assert_fails(NOT_FOUND, "none", "check", self.directory / "none")

    def test_compression_is_reported_and_recommended(self):
        path = self.write("a.parquet", sorted_rows(3000))
        text = self.run_ok("check", path, "--compression").stdout.decode()
        self.assertIn("all columns", text)
        advice = json.loads(self.run_ok("check", path, "--compression", "--json").stdout)
        self.assertEqual(advice["report"]["rows"], 3000)
        self.assertEqual([c["path"] for c in advice["trial"]], ["n", "name", "v"])

    @unittest.skipUnless(CORPUS.is_dir(), "the corpus is not there")
    def test_the_corpus_raises_no_false_alarm(self):
        done = run_firn("check", f"{CORPUS.resolve()}/*.parquet", "--json", within_s=200)
        self.assertEqual(done.returncode, FAILED)
        files = json.loads(done.stdout)["files"]
        self.assertGreater(len(files), 50)
        first_faults = {
            pathlib.PurePath(file["file"]).name: file["faults"][0]["kind"]
            for file in files if file["faults"]}
        self.assertEqual(first_faults, FAULTY)
        errors = done.stderr.decode().splitlines()
        self.assertEqual(len(errors), len(UNCHECKED), errors)
        for name, said in UNCHECKED.items():
            self.assertTrue([e for e in errors if name in e and said in e], errors)
        # Keys cannot be named here, and what is encrypted says so.
        self.assert_fails(FAILED, "encrypted", "sql",
                          f"FROM '{CORPUS}/uniform_encryption.parquet.encrypted'")
        # What such an index says does not lose a row of a column that has no NULL.
        self.assertEqual(
            self.rows("SELECT count(*) FROM '"
                      f"{CORPUS}/datapage_v1-uncompressed-checksum.parquet' "
                      "WHERE a > -2147483648"), [[5120]])


class ExportTest(FilesTest):
    def test_each_format_holds_the_rows(self):
        source = self.write("in.parquet", sorted_rows(5000))
        expected = sorted_rows(5000).to_pylist()
        out = self.directory / "out"

        def export(name, *flags):
            self.run_ok("export", source, "--to", out / name, *flags)
            return out / name
        self.assertEqual(pq.read_table(export("a.parquet")).to_pylist(), expected)
        self.assertEqual(json.loads(run_firn("check", out / "a.parquet", "--json").stdout)
                         ["sound"], 1)
        with open(export("a.csv"), newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([int(row["n"]) for row in rows], list(range(5000)))
        lines = export("a.ndjson").read_text().splitlines()
        self.assertEqual([json.loads(line) for line in lines], expected)
        with pa.OSFile(str(export("a.arrow"))) as file:
            self.assertEqual(pa.ipc.open_stream(file).read_all().to_pylist(), expected)
        chosen = pq.read_table(export("b.dat", "--format", "parquet", "--columns", "name,n",
                                      "--filter", "n < 3", "--compression", "snappy"))
        self.assertEqual(chosen.to_pylist(), [{"name": f"name-{i}", "n": i}
                                              for i in range(3)])
        codec = pq.ParquetFile(out / "b.dat").metadata.row_group(0).column(0).compression
        self.assertEqual(codec, "SNAPPY")
        self.assertEqual(pq.read_table(export("c.parquet", "--compression", "auto"))
                         .to_pylist(), expected)
        self.assertEqual(sorted(os.listdir(out)), ["a.arrow", "a.csv", "a.ndjson",
                                                   "a.parquet", "b.dat", "c.parquet"])

    def test_standard_output_and_a_query(self):
        out = self.run_ok("export", "--query", "SELECT 1 AS a, 'x' AS b", "--to", "-",
                          "--format", "parquet").stdout
        self.assertEqual(pq.read_table(io.BytesIO(out)).to_pylist(), [{"a": 1, "b": "x"}])

    def test_a_file_that_is_there_stays_unless_told_otherwise(self):
        source = self.write("in.parquet", sorted_rows(10))
        target = self.directory / "out.csv"
        target.write_text("precious")
        said = self.assert_fails(CONFLICT, "is there already", "export", source, "--to",
                                 target)
        self.assertIn("--overwrite", said)
        self.assertEqual(target.read_text(), "precious")
        self.run_ok("export", source, "--to", target, "--overwrite")
        self.assertIn("name-1", target.read_text())

    def test_what_fails_or_is_interrupted_leaves_nothing(self):
        out = self.directory / "out"
        out.mkdir()
        self.assert_fails(FAILED, "", "export", "--query",
                          "SELECT error('stop') FROM range(10)", "--to", out / "a.parquet")
        self.assertEqual(os.listdir(out), [])
        self.assert_fails(NOT_FOUND, "none.parquet", "export", out / "none.parquet", "--to",
                          out / "a.csv")
        exporting = subprocess.Popen(
            [firn_server.FIRN, "export", "--query", "SELECT range AS n, hash(range) AS h "
             "FROM range(100000000000)", "--to", str(out / "b.parquet")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(exporting.stdout.close)
        self.addCleanup(exporting.stderr.close)
        try:
            firn_server.wait_until(lambda: os.listdir(out), "the first byte", 60)
            exporting.send_signal(signal.SIGINT)
            self.assertEqual(exporting.wait(60), INTERRUPTED, exporting.stderr.read())
        finally:
            if exporting.poll() is None:
                exporting.kill()
                exporting.wait()
        self.assertEqual(os.listdir(out), [])

    def test_ctrl_c_gives_a_statement_up(self):
        # One that counts without a row to show: the first tells that it has begun.
        script = ("SELECT 42 AS answer; SELECT sum(hash(a.range, b.range) % 7) "
                  "FROM range(10000000) a, range(10000000) b; SELECT 43 AS never;")
        with subprocess.Popen([firn_server.FIRN, "sql", "--format", "csv"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as running:
            try:
                running.stdin.write(script)
                running.stdin.close()
                self.assertEqual(running.stdout.readline(), "answer\n")
                time.sleep(1)
                running.send_signal(signal.SIGINT)
                self.assertEqual(running.wait(60), INTERRUPTED)
                self.assertEqual(running.stdout.read(), "42\n")
                self.assertIn("cancelled", running.stderr.read().lower())
            finally:
                running.kill()


@unittest.skipIf(object_stores.missing(), "the object stores are not there")
class ObjectStoreFilesTest(FilesTest):
    def setUp(self):
        super().setUp()
        self.store = object_stores.start_minio(self.directory / "minio")
        self.addCleanup(self.store.stop)
        settings = {"FIRN_S3_ENDPOINT": self.store.endpoint,
                    "AWS_ACCESS_KEY_ID": object_stores.ACCESS_KEY,
                    "AWS_SECRET_ACCESS_KEY": object_stores.SECRET_KEY}
        os.environ.update(settings)
        self.addCleanup(lambda: [os.environ.pop(name, None) for name in settings])
        self.objects = fs.S3FileSystem(
            access_key=object_stores.ACCESS_KEY, secret_key=object_stores.SECRET_KEY,
            endpoint_override=self.store.endpoint.removeprefix("http://"), scheme="http",
            allow_bucket_creation=True)
        self.objects.create_dir("files")
        pq.write_table(sorted_rows(), "files/in/a.parquet", filesystem=self.objects,
                       row_group_size=10_000, write_page_index=True)

    def test_sql_check_and_export(self):
        count = "SELECT count(*) FROM 's3://files/in/{}'"
        for name in ("a.parquet", "*.parquet", ""):
            self.assertEqual(self.rows(count.format(name)), [[ROWS]], name)
        part = self.stats("sql", "SELECT sum(v) FROM 's3://files/in/a.parquet' WHERE n "
                                 "BETWEEN 41000 AND 42000")
        self.assertEqual((part["row_groups_read"], part["row_groups_pruned"]), (1, 9))
        # The footer, the page index, and the pages of two columns.
        self.assertGreaterEqual(part["requests"], 3)
        self.assertLessEqual(part["requests"], 6)
        size = self.objects.get_file_info("files/in/a.parquet").size
        self.assertLess(part["bytes_read"], size / 2)
        self.assert_fails(NOT_FOUND, "s3://files/none.parquet", "sql",
                          "FROM 's3://files/none.parquet'")
        self.assertIn(b"sound: 100000 rows",
                      self.run_ok("check", "s3://files/in/a.parquet").stdout)
        self.run_ok("export", "s3://files/in", "--filter", "n < 10", "--to",
                    "s3://files/out/b.parquet")
        self.assertEqual(
            pq.read_table("files/out/b.parquet", filesystem=self.objects).to_pylist(),
            sorted_rows(10).to_pylist())
        self.assert_fails(CONFLICT, "s3://files/out/b.parquet", "export", "s3://files/in",
                          "--to", "s3://files/out/b.parquet")


if __name__ == "__main__":
    firn_server.main()
