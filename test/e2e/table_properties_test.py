# SPDX-License-Identifier: Apache-2.0
"""What tables are told of their rows and files: types of columns, properties, settings of
writers, and the commands that change or end a table.

    table_properties_test.py --firn FILE
"""
import decimal
import json
import pathlib
import uuid

import firn_server
from firn_server import run_firn
from table_readers import load_table
from warehouse_case import WarehouseTest

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

DONE, FAILED, BAD_USAGE, NOT_FOUND, CONFLICT = 0, 1, 2, 3, 4
DAY_MS = 86_400_000


def stored(values, integers, as_type):
    return pa.array(values, integers).view(as_type)


def columns_of_every_type():
    """By name: a column with a NULL in its second row, and the type that it becomes."""
    integers = {f"{sign}int{bits}": (pa.array([1, None, 0], getattr(pa, f"{sign}int{bits}")()),
                                     "int" if bits < 32 or (bits == 32 and not sign)
                                     else "long")
                for sign in ("", "u") for bits in (8, 16, 32, 64)}
    cents = [decimal.Decimal("1.50"), None, decimal.Decimal("-9.99")]
    words = [["a", None], None, ["b", "c"]]
    return integers | {
        "uint64": (pa.array([2**64 - 1, None, 0], pa.uint64()), "decimal(20, 0)"),
        "boolean": (pa.array([True, None, False]), "boolean"),
        "half": (pa.array([1.5, None, 0.0], pa.float16()), "float"),
        "float": (pa.array([1.5, None, 0.0], pa.float32()), "float"),
        "double": (pa.array([1.5, None, 0.0]), "double"),
        "decimal32": (pa.array(cents, pa.decimal32(9, 2)), "decimal(9, 2)"),
        "decimal64": (pa.array(cents, pa.decimal64(18, 2)), "decimal(18, 2)"),
        "decimal128": (pa.array(cents, pa.decimal128(38, 2)), "decimal(38, 2)"),
        "decimal256": (pa.array(cents, pa.decimal256(38, 2)), "decimal(38, 2)"),
        "date32": (stored([1, None, -1], pa.int32(), pa.date32()), "date"),
        "date64": (stored([DAY_MS, None, -DAY_MS], pa.int64(), pa.date64()), "date"),
        "time32_s": (stored([1, None, 0], pa.int32(), pa.time32("s")), "time"),
        "time32_ms": (stored([1, None, 0], pa.int32(), pa.time32("ms")), "time"),
        "time64_us": (stored([1, None, 0], pa.int64(), pa.time64("us")), "time"),
        "ts_s": (stored([1, None, -1], pa.int64(), pa.timestamp("s")), "timestamp"),
        "ts_ms": (stored([1, None, -1], pa.int64(), pa.timestamp("ms", "Europe/Oslo")),
                  "timestamptz"),
        "ts_us": (stored([1, None, -1], pa.int64(), pa.timestamp("us", "UTC")),
                  "timestamptz"),
        "string": (pa.array(["a", None, ""]), "string"),
        "large_string": (pa.array(["a", None, ""], pa.large_string()), "string"),
        "string_view": (pa.array(["a", None, ""], pa.string_view()), "string"),
        "binary": (pa.array([b"a", None, b""]), "binary"),
        "large_binary": (pa.array([b"a", None, b""], pa.large_binary()), "binary"),
        "binary_view": (pa.array([b"a", None, b""], pa.binary_view()), "binary"),
        "fixed": (pa.array([b"ab", None, b"cd"], pa.binary(2)), "fixed[2]"),
        "uuid": (pa.ExtensionArray.from_storage(
            pa.uuid(), pa.array([b"0123456789abcdef", None, b"fedcba9876543210"],
                                pa.binary(16))), "uuid"),
        "dictionary": (pa.array(["a", None, "a"]).dictionary_encode(), "string"),
        "list": (pa.array(words, pa.list_(pa.string())), "list<string>"),
        "large_list": (pa.array(words, pa.large_list(pa.string())), "list<string>"),
        "fixed_size_list": (pa.array(words, pa.list_(pa.string(), 2)), "list<string>"),
        "list_view": (pa.array(words, pa.list_view(pa.string())), "list<string>"),
        "large_list_view": (pa.array(words, pa.large_list_view(pa.string())),
                            "list<string>"),
        "map": (pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.uint64())),
                "map<string, decimal(20, 0)>"),
        "struct": (pa.array([{"u": 1, "h": 0.5}, None, {"u": None, "h": None}],
                            pa.struct([("u", pa.uint64()), ("h", pa.float16())])),
                   "struct<"),
    }


# What no table has, and what tables of version 2 have not.
TYPES_REFUSED = {
    "duration": pa.duration("us"),
    "interval": pa.month_day_nano_interval(),
    "time64_ns": pa.time64("ns"),
    "ends": pa.run_end_encoded(pa.int32(), pa.int64()),
    "wide_decimal": pa.decimal256(39, 2),
    "ts_ns": pa.timestamp("ns"),
    "nothing": pa.null(),
}


def plain(value):
    """As Python compares values of types that hold the same."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, uuid.UUID):
        return value.bytes
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


class TablePropertiesTest(WarehouseTest):
    def write(self, columns, name):
        table = pa.table(columns)
        path = self.directory / name
        if name.endswith(".parquet"):
            pq.write_table(table, path)
        else:
            with pa.ipc.new_file(path, table.schema) as file:
                file.write_table(table)
        return path

    def columns(self, table):
        return {column["name"]: column["type"]
                for column in self.run_ok("table", "describe", table)["columns"]}

    def data_files(self, table="*"):
        return sorted(self.warehouse.glob(f"*/{table}/data/**/*.parquet"))

    def test_columns_of_every_type_go_into_the_table_made_for_them(self):
        columns = columns_of_every_type()
        for ending in ("arrow", "parquet"):
            # Of these Arrow's own Parquet writer takes none.
            lacking = {"list_view", "large_list_view"} if ending == "parquet" else set()
            given = {name: column for name, (column, _) in columns.items()
                     if name not in lacking}
            table = f"types.{ending}"
            report = self.run_ok("import", self.write(given, f"types.{ending}"), "--into",
                                 table)
            self.assertEqual(report["rows"], 3)
            types = self.columns(table)
            read = load_table(self.warehouse, table).scan().to_arrow()
            for name, column in given.items():
                with self.subTest(f"{ending}: {name}"):
                    self.assertTrue(types[name].startswith(columns[name][1]), types[name])
                    expected = plain(column.to_pylist())
                    self.assertEqual(plain(read[name].to_pylist()), expected)
            self.assertEqual(self.firn("check", table, "--content").returncode, DONE)

    def test_other_types_are_refused_before_there_is_a_table(self):
        for name, of_type in TYPES_REFUSED.items():
            with self.subTest(name):
                path = self.write({name: pa.nulls(1, of_type)}, f"{name}.arrow")
                self.assert_fails(FAILED, f"field {name}: ", "import", path, "--into",
                                  "types.none")
                self.assertEqual(self.run_ok("table", "ls"), [])

    def test_values_that_do_not_fit_are_named(self):
        self.run_ok("table", "create", "web.t", "--columns", "n long, d date")
        whole = [0, DAY_MS]
        path = self.write({"n": pa.array([1, 2**63 - 1], pa.uint64()),
                           "d": stored(whole, pa.int64(), pa.date64())}, "fits.parquet")
        self.assertEqual(self.run_ok("table", "append", "web.t", path)["rows"], 2)
        path = self.write({"n": pa.array([1, 2**63], pa.uint64())}, "large.parquet")
        self.assert_fails(FAILED, 'row 2, column n: value "9223372036854775808" is out of '
                          "range for long", "table", "append", "web.t", path)
        report = self.run_ok("table", "append", "web.t", path, "--on-invalid", "quarantine")
        self.assertEqual((report["rows"], report["rows_quarantined"]), (1, 1))
        path = self.write({"d": stored([1, 0], pa.int64(), pa.date64())}, "part.arrow")
        self.assert_fails(FAILED, "row 1, column d: value 1 ms is no whole day", "table",
                          "append", "web.t", path)
        report = self.run_ok("table", "append", "web.t", path, "--on-invalid", "quarantine")
        self.assertEqual((report["rows"], report["rows_quarantined"]), (1, 1))
        self.run_ok("table", "create", "web.s", "--columns", "s string, l list<string>")
        bad = stored([b"ok", b"\xff"], pa.binary(), pa.string())
        lists = pa.ListArray.from_arrays([0, 1, 2], pa.array(["a", "b"]))
        path = self.write({"s": bad, "l": lists}, "text.arrow")
        self.assert_fails(FAILED, "row 2, column s: ", "table", "append", "web.s", path)
        report = self.run_ok("table", "append", "web.s", path, "--on-invalid", "quarantine")
        self.assertEqual((report["rows"], report["rows_quarantined"]), (1, 1))

    def test_full_names_are_those_of_one_column_each(self):
        path = self.write({"a.b": pa.array([1]),
                           "a": pa.array([{"b": "x"}])}, "twice.parquet")
        said = 'two fields have the full name a.b: "a.b" and "b" of "a"'
        self.assert_fails(FAILED, said, "import", path, "--into", "web.t")
        self.assert_fails(FAILED, said, "table", "create", "web.t", "--columns",
                          '"a.b" long, a struct<b: string>')
        self.assertEqual(self.run_ok("table", "ls"), [])

    def settings(self, text):
        path = self.directory / "firn.yaml"
        path.write_text(text)
        return path

    def codecs(self, table):
        """The codecs of the columns of the table's current files."""
        codecs = {}
        for file in self.run_ok("table", "files", table):
            path = file["file"].removeprefix("file://")
            group = pq.ParquetFile(path).metadata.row_group(0)
            for i in range(group.num_columns):
                codecs.setdefault(group.column(i).path_in_schema, set()).add(
                    group.column(i).compression)
        return codecs

    def test_settings_go_for_the_columns_that_a_table_has(self):
        config = self.settings("storage.parquet.compression.default: snappy\n"
                               "storage.parquet.compression.column_overrides:\n"
                               "  text: gzip\n"
                               "  labels.value: zstd:9\n"
                               "  nobody: lz4\n")
        bare = self.write({"n": pa.array([1, 2])}, "bare.parquet")
        full = self.write({"n": pa.array([1, 2]), "text": pa.array(["a", "b"]),
                           "labels": pa.array([[("k", "v")]] * 2,
                                              pa.map_(pa.string(), pa.string()))},
                          "full.parquet")
        self.run_ok("import", bare, "--into", "web.bare", "--config", config)
        self.assertEqual(self.codecs("web.bare"), {"n": {"SNAPPY"}})
        with_settings = {"n": {"SNAPPY"}, "text": {"GZIP"},
                         "labels.key_value.key": {"SNAPPY"},
                         "labels.key_value.value": {"ZSTD"}}
        self.run_ok("import", full, "--into", "web.full", "--config", config)
        self.assertEqual(self.codecs("web.full"), with_settings)
        # Without settings it is written anew in firn's own form; with them in theirs.
        self.run_ok("table", "compact", "web.full", "--rewrite-all")
        self.assertEqual(set.union(*self.codecs("web.full").values()), {"ZSTD"})
        self.run_ok("table", "compact", "web.full", "--rewrite-all", "--config", config)
        self.assertEqual(self.codecs("web.full"), with_settings)
        # A property of a column that another engine has dropped ends no import.
        catalog = SqlCatalog("firn", uri=f"sqlite:///{self.warehouse}/catalog.db")
        key = "write.parquet.bloom-filter-enabled.column."
        with catalog.load_table("web.bare").transaction() as transaction:
            transaction.set_properties({key + "gone": "true"})
        catalog.engine.dispose()
        self.run_ok("table", "append", "web.bare", bare)

    def test_compaction_keeps_to_the_largest_size_of_the_settings(self):
        config = self.settings("storage.parquet.max_file_size: 1MiB\n"
                               "storage.parquet.compression.default: none\n")
        numbers = self.write({"n": pa.array(range(1_000_000))}, "numbers.parquet")
        self.run_ok("import", numbers, "--into", "web.n", "--config", config, "--property",
                    "write.parquet.row-group-size-bytes=262144")
        done = self.run_ok("table", "compact", "web.n", "--rewrite-all", "--config", config)
        self.assertGreater(done["files_added"], 2)
        again = self.run_ok("table", "compact", "web.n", "--config", config)
        self.assertEqual(again["groups"], 0)

    def test_settings_are_checked_when_they_are_read(self):
        for text, said in (
                ("storage.parquet.compression.default: foo\n", "codec 'foo'"),
                ("storage:\n  parquet:\n    compression:\n      column_overrides:\n"
                 "        text: snapy\n", "did you mean snappy?"),
                ("storage:\n  parquet:\n    compression:\n      defalt: gzip\n",
                 '"storage.parquet.compression.default"'),
                ("storage:\n  parqet: {}\n", 'unknown key "storage.parqet"')):
            with self.subTest(text):
                done = run_firn("config", "check", self.settings(text))
                self.assertEqual(done.returncode, BAD_USAGE, done.stdout)
                self.assertIn(said, done.stderr.decode())

    def test_properties_are_checked_when_a_table_is_made(self):
        create = ("table", "create", "web.t", "--columns", "id long, text string",
                  "--property")
        for prop, said in (
                ("write.target-file-size-bytes=512MB", '"512MB" is not a number above 0'),
                ("write.parquet.compression-codec=foo", "codec 'foo'; there are"),
                ("write.parquet.compression-level=100", "zstd has"),
                ("write.parquet.bloom-filter-enabled.column.txt=true", "did you mean text"),
                ("commit.retry.num-retries=-1", '"-1" is not a whole number'),
                ("history.expire.max-snapshot-age-ms=5d", '"5d"'),
                ("firn.position.01ARZ3NDEKTSV4RRFFQ69G5FAV=x", "firn table retire"),
                ("format-version=3", '"3" is not 2'),
                ("format-version=1", '"1" is not 2')):
            with self.subTest(prop):
                self.assert_fails(FAILED, said, *create, prop)
                self.assert_fails(FAILED, prop.split("=")[0], *create, prop)
        self.run_ok(*create, "format-version=2", "--property", "owner=a=b")
        properties = self.run_ok("table", "properties", "web.t")["properties"]
        self.assertEqual(properties["owner"], "a=b")
        self.assertNotIn("format-version", properties)
        self.assertEqual(load_table(self.warehouse, "web.t").format_version, 2)

    def test_properties_change_and_writers_obey_them(self):
        rows = self.write({"id": pa.array([1, 2]), "text": pa.array(["a", "b"])},
                          "rows.parquet")
        self.run_ok("import", rows, "--into", "web.t")
        before = self.run_ok("table", "properties", "web.t")["properties"]
        done = self.firn("table", "properties", "web.t", "--set",
                         "write.parquet.compression-codec=gzip", "--set", "owner=a",
                         "--remove", "commit.manifest.min-count-to-merge")
        self.assertEqual(done.stdout.decode(), "web.t: 2 properties set, 1 removed\n")
        after = dict(before, owner="a", **{"write.parquet.compression-codec": "gzip"})
        del after["commit.manifest.min-count-to-merge"]
        self.assertEqual(load_table(self.warehouse, "web.t").properties, after)
        listed = self.firn("table", "properties", "web.t").stdout.decode()
        self.assertEqual(listed.splitlines(),
                         [f"{key} = {value}" for key, value in sorted(after.items())])
        self.run_ok("table", "append", "web.t", rows)
        self.assertIn("GZIP", self.codecs("web.t")["id"])
        change = ("table", "properties", "web.t")
        self.assert_fails(FAILED, "codec_level 100: gzip has 1 to 9", *change, "--set",
                          "write.parquet.compression-level=100")
        self.assert_fails(FAILED, "format-version: is a part", *change, "--set",
                          "format-version=3")
        self.assert_fails(FAILED, "firn table retire", *change, "--remove",
                          "firn.position.01ARZ3NDEKTSV4RRFFQ69G5FAV")
        self.assert_fails(NOT_FOUND, "did you mean owner?", *change, "--remove", "ownr")
        self.assert_fails(BAD_USAGE, "expected KEY=VALUE", *change, "--set", "owner")
        self.assert_fails(NOT_FOUND, "web.none", "table", "properties", "web.none")
        self.assertEqual(load_table(self.warehouse, "web.t").properties, after)

    def test_a_dropped_table_leaves_its_files(self):
        rows = self.write({"id": pa.array([1, 2])}, "rows.parquet")
        self.run_ok("import", rows, "--into", "web.t")
        files = self.data_files("t")
        dropped = self.run_ok("table", "drop", "web.t")
        self.assertEqual(self.run_ok("table", "ls"), [])
        self.assertEqual(self.data_files("t"), files)
        self.assertTrue(pathlib.Path(
            dropped["metadata_location"].removeprefix("file://")).exists())
        self.assert_fails(NOT_FOUND, "web.t", "table", "drop", "web.t")
        # The catalog has forgotten it, and the files are all there is to know of it.
        catalog = SqlCatalog("firn", uri=f"sqlite:///{self.warehouse}/catalog.db")
        back = catalog.register_table("web.back", dropped["metadata_location"])
        self.assertEqual(back.scan().to_arrow().num_rows, 2)
        catalog.engine.dispose()
        # A catalog of files: what named them is gone with it.
        warehouse = ("--warehouse", self.directory / "fs", "--catalog", "fs")
        done = run_firn("import", rows, "--into", "web.t", *warehouse)
        self.assertEqual(done.returncode, DONE, done.stderr)
        done = run_firn("table", "drop", "web.t", "--json", *warehouse)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIsNone(json.loads(done.stdout)["metadata_location"])
        self.assertTrue(list((self.directory / "fs").glob("**/*.parquet")))

    def test_the_layout_of_a_new_table_is_none_of_one_that_is_there(self):
        rows = self.write({"id": pa.array([1, 2]), "text": pa.array(["a", "b"])},
                          "rows.parquet")
        first = ("import", rows, "--into", "web.t")
        layout = ("--partition", "bucket(4, id)", "--sort", "text desc", "--property",
                  "owner=a")
        self.run_ok(*first, *layout)
        self.run_ok(*first, *layout)  # The same again is no contradiction.
        self.run_ok(*first)
        for flag, value, said in (
                ("--partition", "bucket(8, id)", "the table is there already, partitioned by"),
                ("--sort", "text", "the table is there already, sorted by"),
                ("--property", "owner=b", "with owner = a, not b"),
                ("--property", "other=b", "without the property other")):
            self.assert_fails(BAD_USAGE, said, *first, flag, value)
            self.assert_fails(BAD_USAGE, "are of a new table", *first, flag, value)
        self.assertEqual(load_table(self.warehouse, "web.t").scan().to_arrow().num_rows, 6)

    def test_tables_of_version_1_are_refused_before_rows_are_written(self):
        rows = self.write({"id": pa.array([1, 2])}, "rows.parquet")
        self.run_ok("import", rows, "--into", "web.t")
        catalog = SqlCatalog("firn", uri=f"sqlite:///{self.warehouse}/catalog.db",
                             warehouse=f"file://{self.warehouse}")
        catalog.create_table("web.old", Schema(NestedField(1, "id", LongType())),
                             properties={"format-version": "1"})
        catalog.engine.dispose()
        for command in (("table", "append", "web.old", rows),
                        ("import", rows, "--into", "web.old"),
                        ("table", "delete", "web.old", "--all")):
            self.assert_fails(FAILED, "format version 1", *command)
        # That keys come twice is not even looked for.
        again = self.write({"id": pa.array([1, 2])}, "again.parquet")
        self.assert_fails(FAILED, "format version 1", "import", rows, again, "--into",
                          "web.old", "--key", "id")
        self.assertEqual(self.data_files("old"), [])

    def test_tags_and_branches_answer_with_their_own_snapshot(self):
        rows = self.write({"id": pa.array([1, 2])}, "rows.parquet")
        first = self.run_ok("import", rows, "--into", "web.t")["snapshot_id"]
        second = self.run_ok("import", rows, "--into", "web.t")["snapshot_id"]
        tag = self.run_ok("table", "tag", "web.t", "v1", "--snapshot", str(first))
        self.assertEqual((tag["ref"], tag["snapshot_id"], tag["rows"]), ("v1", first, 2))
        self.run_ok("table", "branch", "web.t", "audit", "--snapshot", str(first))
        moved = self.firn("table", "fast-forward", "web.t", "audit", "--to", "main")
        self.assertEqual(moved.stdout.decode(),
                         f"web.t: branch audit is snapshot {second}, 4 rows\n")


if __name__ == "__main__":
    firn_server.main()
