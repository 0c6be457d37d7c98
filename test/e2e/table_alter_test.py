# SPDX-License-Identifier: Apache-2.0
"""firn table alter: columns, partitions and sort order change while files stay, and
firn table partitions says what those come to.

    table_alter_test.py --firn FILE
"""
import json
import pathlib
import threading
import time

import firn_server
from firn_server import ServerTest, run_firn
from remote_write import request, series
from table_readers import load_table
from warehouse_case import WarehouseTest

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import DateType, LongType, NestedField, StringType

DONE, FAILED, BAD_USAGE, NOT_FOUND, CONFLICT = 0, 1, 2, 3, 4
TABLE = "web.t"
COLUMNS = ("id int required, ts timestamptz, host struct<name string, rack int required>, "
           "ms float, note string")


def row(number, day=1, **more):
    return {"id": number, "ts": f"2026-01-0{day}T00:00:00Z",
            "host": {"name": f"h{number}", "rack": number}, **more}


class TableAlterTest(WarehouseTest):
    def setUp(self):
        super().setUp()
        self.files = 0

    def make(self, *flags):
        self.run_ok("table", "create", TABLE, "--columns", COLUMNS, *flags)

    def append(self, *rows):
        self.files += 1
        path = self.directory / f"{self.files}.ndjson"
        path.write_text("".join(json.dumps(one) + "\n" for one in rows))
        return self.run_ok("table", "append", TABLE, path)["snapshot_id"]

    def alter(self, *flags):
        return self.run_ok("table", "alter", TABLE, *flags)

    def scan(self, *flags):
        done = self.firn("table", "scan", TABLE, "--format", "ndjson", *flags)
        self.assertEqual(done.returncode, DONE, done.stderr)
        return sorted((json.loads(line) for line in done.stdout.splitlines()),
                      key=lambda one: one.get("id", one.get("key")))

    def loaded(self):
        return load_table(self.warehouse, TABLE)

    def read_by_pyiceberg(self, snapshot=None):
        rows = self.loaded().scan(snapshot_id=snapshot).to_arrow().to_pylist()
        return sorted(rows, key=lambda one: one.get("id", one.get("key")))

    def catalog(self):
        catalog = SqlCatalog("firn", uri=f"sqlite:///{self.warehouse}/catalog.db",
                             warehouse=f"file://{self.warehouse}")
        self.addCleanup(catalog.engine.dispose)
        return catalog

    def assert_refused(self, said, *flags, code=FAILED):
        """With that text, also by a dry run; and nothing has changed."""
        before = self.loaded().metadata_location
        self.assert_fails(code, said, "table", "alter", TABLE, *flags)
        self.assert_fails(code, said, "table", "alter", TABLE, "--dry-run", *flags)
        self.assertEqual(self.loaded().metadata_location, before)

    def test_rows_of_old_and_new_files_read_as_the_table_is(self):
        self.make("--partition", "day(ts)", "--sort", "id")
        old = self.append(row(1, ms=1.5, note="a"), row(2, day=2, ms=None, note=None))
        said = self.alter(
            "--rename", "id=key", "--type", "key long", "--rename", "host.rack=place",
            "--optional", "host.place", "--add", "host.zone string 'where it stands'",
            "--drop", "note", "--add", "note long", "--type", "ms double",
            "--move", "host.zone first", "--move", "ms after key",
            "--add", "tags map<string, list<int>>", "--doc", "ms=milliseconds, of all",
            "--partition", "bucket(4, key), day(ts) as day", "--sort", "key desc")
        self.assertTrue(said["changed"])
        self.assertEqual([one["name"] for one in said["columns"]],
                         ["key", "ms", "ts", "host", "note", "tags"])
        self.assertEqual(said["columns"][1]["doc"], "milliseconds, of all")
        self.assertEqual(said["partition_spec"],
                         "[bucket[4](key) as key_bucket_4, day(ts) as day]")
        self.assertEqual(said["sort_order"], "[key desc nulls-last]")

        new = {"key": 2**40, "ms": 0.1, "ts": "2026-01-03T00:00:00Z",
               "host": {"name": None, "place": None, "zone": "z"}, "note": 7,
               "tags": {"a": [1]}}
        self.append(new)
        found = self.scan()
        self.assertEqual([(one["key"], one["ms"], one["note"]) for one in found],
                         [(1, 1.5, None), (2, None, None), (2**40, 0.1, 7)])
        self.assertEqual([one["host"] for one in found],
                         [{"zone": None, "name": "h1", "place": 1},
                          {"zone": None, "name": "h2", "place": 2},
                          {"zone": "z", "name": None, "place": None}])
        theirs = self.read_by_pyiceberg()
        self.assertEqual([one["host"] for one in theirs], [one["host"] for one in found])
        self.assertEqual([(one["key"], one["ms"], one["note"]) for one in theirs],
                         [(1, 1.5, None), (2, None, None), (2**40, 0.1, 7)])
        self.assertEqual(theirs[2]["tags"], [("a", [1])])

        # The past has its columns.
        self.assertEqual([(one["id"], one["note"]) for one in self.scan("--snapshot",
                                                                       str(old))],
                         [(1, "a"), (2, None)])
        self.assertEqual([one["note"] for one in self.read_by_pyiceberg(old)], ["a", None])

        # What is written from now on lies as asked.
        table = self.loaded()
        self.assertEqual([str(one.transform) for one in table.spec().fields],
                         ["bucket[4]", "day"])
        self.assertEqual(str(table.sort_order().fields[0].direction), "DESC")
        orders = {file.file.record_count: file.file.sort_order_id
                  for file in table.scan(row_filter="key > 2").plan_files()}
        self.assertEqual(orders, {1: table.sort_order().order_id})
        partitions = [file["partition"] for file in self.run_ok("table", "files", TABLE)]
        self.assertEqual(sorted(one.split("=")[0] for one in partitions),
                         ["key_bucket_4", "ts_day", "ts_day"])
        self.assertEqual(self.firn("check", TABLE, "--content").returncode, DONE)
        # Compaction brings the others there.
        self.run_ok("table", "compact", TABLE, "--rewrite-all")
        self.assertEqual(self.scan(), found)
        self.assertEqual({file["partition"].split("=")[0]
                          for file in self.run_ok("table", "files", TABLE)},
                         {"key_bucket_4"})

    def test_what_is_said(self):
        self.make()
        done = self.firn("table", "alter", TABLE, "--sort", "id", "--dry-run")
        self.assertEqual(done.stdout.decode().splitlines()[:3],
                         ["web.t: would be altered",
                          "partitioned by [], sorted by [id asc nulls-first]", ""])
        self.assertEqual(self.loaded().sort_order().fields, [])
        done = self.firn("table", "alter", TABLE, "--sort", "id")
        self.assertIn("web.t: altered\n", done.stdout.decode())
        location = self.loaded().metadata_location
        done = self.firn("table", "alter", TABLE, "--sort", "id", "--optional", "ms")
        self.assertIn("web.t: is so already\n", done.stdout.decode())
        self.assertEqual(self.loaded().metadata_location, location)
        self.assertEqual(self.alter("--sort", "")["sort_order"], "[]")

    def test_a_layout_goes_with_its_column(self):
        self.make("--partition", "note", "--sort", "note, id")
        self.append(row(1, note="a"), row(2, note="b"))
        self.assert_refused("drop column note: partition field note is made of it: remove "
                            "that first", "--drop", "note")
        said = self.alter("--drop", "note", "--partition", "", "--sort", "id")
        self.assertEqual((said["partition_spec"], said["sort_order"]),
                         ("[]", "[id asc nulls-first]"))
        # Partitions of the column that is gone are told apart.
        for lists in ("partitions", "files"):
            self.assertEqual(sorted(one["partition"]
                                    for one in self.run_ok("table", lists, TABLE)),
                             ["note=a", "note=b"])
        self.append(row(3))
        self.assertEqual([one["id"] for one in self.scan()], [1, 2, 3])
        self.assertNotIn("note", self.scan()[0])
        self.assertEqual(self.firn("check", TABLE, "--content").returncode, DONE)

    def test_each_change_that_rows_do_not_go_with_is_named(self):
        self.make()
        self.append(row(1))
        flags = ("--type", "ms long", "--add", "fine int", "--add", "host.n int required",
                 "--type", "note int")
        for said in ("the rows that are there do not go with it: ",
                     "ms: expected optional long, found optional float: values of type float "
                     "do not widen to long; ",
                     "note: expected optional int, found optional string: ",
                     "Files are not rewritten: add optional columns instead; ",
                     "a new column cannot be required, as it has no default for files from "
                     "before it: add host.n as optional"):
            self.assert_refused(said, *flags)

    def test_other_changes_are_refused_by_name(self):
        self.make("--partition", "bucket(4, id)", "--sort", "ts")
        for code, said, *flags in (
                (NOT_FOUND, "drop column nte: there is no column nte; is note meant?",
                 "--drop", "nte"),
                (NOT_FOUND, "there is no column host.nme", "--rename", "host.nme=x"),
                (CONFLICT, "rename column ms: the name note is taken", "--rename", "ms=note"),
                (CONFLICT, "add column ms: the name is taken", "--add", "ms int"),
                (FAILED, "add column n lnog: character 3: there is no type lnog; is long",
                 "--add", "n lnog"),
                (FAILED, "type float has no fields", "--add", "ms.x int"),
                (FAILED, "rename column ms: character 3: expected '=', found the end",
                 "--rename", "ms"),
                (FAILED, "move column ms up: character 4: expected first, before or after",
                 "--move", "ms up"),
                (NOT_FOUND, "there is no other field nme beside it",
                 "--move", "host.rack before nme"),
                (FAILED, "move column ms: its place is given beside itself", "--move",
                 "ms after ms"),
                (FAILED, "partition field id_bucket_2 is bucket[2](id) already",
                 "--partition", "bucket(2, id), bucket(2, id)"),
                (FAILED, "partition field id_bucket_4: a column has that name; give one of "
                 "them another", "--add", "id_bucket_4 string"),
                (FAILED, "partition field id_bucket_4 is made of it", "--drop", "id"),
                (FAILED, "the table is sorted by it", "--drop", "ts"),
                (FAILED, "partition: character 5: there is no column tss; is ts meant?",
                 "--partition", "day(tss)"),
                (FAILED, "partition: character 1: there is no transform dya; is day meant?",
                 "--partition", "dya(ts)"),
                (FAILED, "sort: character 4: expected ',', found 'up'", "--sort", "ts up"),
                (FAILED, "sort: character 1: column host is of type struct<", "--sort",
                 "host"),
                (FAILED, 'two fields have the full name host.rack', "--add",
                 '"host.rack" int'),
                (FAILED, "add columns first, and drop them by another command", "--add",
                 "d date", "--drop", "ts", "--sort", "d"),
                (FAILED, "comes and has its name: drop the column first, with a partition "
                 "of the other columns, then add the new one and give the partition by "
                 "another command", "--drop", "id", "--sort", "", "--add", "id string",
                 "--partition", "id, day(ts)")):
            with self.subTest(said):
                self.assert_refused(said, *flags, code=code)
        self.assert_fails(BAD_USAGE, "there is nothing to change", "table", "alter", TABLE)
        self.assert_fails(NOT_FOUND, "no table web.none", "table", "alter", "web.none",
                          "--drop", "a")

    def test_goes_on_from_what_rivals_committed(self):
        self.make("--property", "commit.retry.num-retries=100", "--property",
                  "commit.retry.min-wait-ms=1", "--property", "commit.retry.max-wait-ms=20")
        self.append(row(1))
        catalog = self.catalog()
        with catalog.load_table(TABLE).update_schema() as update:
            update.add_column("theirs", StringType())
            update.rename_column("ms", "millis")
        self.assert_refused("there is no column ms", "--type", "ms double", code=NOT_FOUND)
        said = self.alter("--type", "millis double", "--add", "ours int")
        self.assertEqual([one["name"] for one in said["columns"]][-3:],
                         ["note", "theirs", "ours"])
        # At any moment.
        ending = threading.Event()
        committed = []

        def commit():
            while not ending.is_set():
                try:
                    with catalog.load_table(TABLE).update_schema() as update:
                        update.add_column(f"theirs{len(committed)}", LongType())
                    committed.append(1)
                except Exception:  # It lost a race.
                    pass
                time.sleep(0.02)

        rival = threading.Thread(target=commit, daemon=True)
        rival.start()
        try:
            for number in range(10):
                self.alter("--add", f"ours{number} long", "--sort",
                           f"ours{number}, id")
        finally:
            ending.set()
            rival.join(60)
        self.assertTrue(committed)
        schema = self.loaded().schema()
        names = [field.name for field in schema.fields]
        ids = [field.field_id for field in schema.fields]
        self.assertEqual(len(set(ids)), len(ids))
        for number in range(10):
            self.assertIn(f"ours{number}", names)
        for number in range(len(committed)):
            self.assertIn(f"theirs{number}", names)
        self.assertEqual([one["id"] for one in self.scan()], [1])

    def test_files_without_ids_read_by_the_names_they_have(self):
        self.run_ok("table", "create", TABLE, "--columns", "id long, note string")
        table = self.catalog().load_table(TABLE)
        for number, name in enumerate(("note", "text")):
            path = self.directory / f"{name}.parquet"
            pq.write_table(pa.table({"id": [number], name: [name]}), path)
            table.refresh()
            table.add_files([f"file://{path}"])
            if name == "note":
                self.alter("--rename", "note=text", "--add", "n int")
        expected = [{"id": 0, "text": "note", "n": None}, {"id": 1, "text": "text", "n": None}]
        self.assertEqual(self.scan(), expected)
        self.assertEqual(self.read_by_pyiceberg(), expected)

    def make_of_files_without_ids(self, columns, data):
        """A table whose rows lie in a file without field ids."""
        self.run_ok("table", "create", TABLE, "--columns", columns)
        self.add_file_without_ids(data)

    def add_file_without_ids(self, data):
        self.files += 1
        path = self.directory / f"{self.files}.parquet"
        pq.write_table(pa.table(data), path)
        self.catalog().load_table(TABLE).add_files([f"file://{path}"])

    def assert_rows(self, *expected):
        self.assertEqual(self.scan(), list(expected))
        self.assertEqual(self.read_by_pyiceberg(), list(expected))

    def assert_name_is_taken(self, column, *flags):
        self.assert_refused(f"column {column}: the table's name mapping "
                            "(schema.name-mapping.default) has this name for the column of "
                            "id ", *flags, code=CONFLICT)

    def give_rows_ids(self):
        """What the error says to do."""
        self.run_ok("table", "compact", TABLE, "--rewrite-all")
        self.run_ok("table", "properties", TABLE, "--remove", "schema.name-mapping.default")

    def test_names_of_files_without_ids_are_not_swapped(self):
        for types, data in (("a string, b string", {"a": ["was a"], "b": ["was b"]}),
                            ("a string, b long", {"a": ["was a"], "b": [7]})):
            with self.subTest(types):
                self.make_of_files_without_ids("id long, " + types, {"id": [1], **data})
                swap = ("--rename", "a=t", "--rename", "b=a", "--rename", "t=b")
                self.assert_name_is_taken("b", *swap)
                a, b = data["a"][0], data["b"][0]
                self.assert_rows({"id": 1, "a": a, "b": b})
                # One name that is new does not free the other.
                self.alter("--rename", "a=t")
                self.assert_name_is_taken("a", "--rename", "b=a")
                self.assert_rows({"id": 1, "t": a, "b": b})
                self.give_rows_ids()
                self.alter("--rename", "b=a", "--rename", "t=b")
                self.assert_rows({"id": 1, "b": a, "a": b})
                self.run_ok("table", "drop", TABLE)

    def test_a_renamed_columns_name_is_not_anothers_in_files_without_ids(self):
        self.make_of_files_without_ids("id long, i long", {"id": [1], "i": [10]})
        self.alter("--rename", "i=k")
        self.assert_name_is_taken("i", "--add", "i int")
        # There and back, and files of either name.
        self.add_file_without_ids({"id": [2], "k": [20]})
        self.alter("--rename", "k=i")
        self.add_file_without_ids({"id": [3], "i": [30]})
        self.assert_rows({"id": 1, "i": 10}, {"id": 2, "i": 20}, {"id": 3, "i": 30})
        self.alter("--rename", "i=k")
        self.give_rows_ids()
        self.alter("--add", "i int")
        self.assert_rows({"id": 1, "k": 10, "i": None}, {"id": 2, "k": 20, "i": None},
                         {"id": 3, "k": 30, "i": None})

    def test_a_dropped_columns_values_stay_gone_in_files_without_ids(self):
        self.make_of_files_without_ids("id long, n string", {"id": [1], "n": ["old"]})
        self.assert_name_is_taken("n", "--drop", "n", "--add", "n string")
        self.alter("--drop", "n")
        self.assert_name_is_taken("n", "--add", "n string")
        self.assert_name_is_taken("n", "--rename", "id=n")
        self.alter("--add", "note string")
        self.append({"id": 2, "note": "new"})
        self.assert_rows({"id": 1, "note": None}, {"id": 2, "note": "new"})
        self.give_rows_ids()
        self.alter("--add", "n string")
        self.assert_rows({"id": 1, "note": None, "n": None},
                         {"id": 2, "note": "new", "n": None})

    def test_a_structs_name_is_not_anothers_in_files_without_ids(self):
        self.make_of_files_without_ids("id long, h struct<b string, c long>",
                                       {"id": [1], "h": [{"b": "x", "c": 5}]})
        self.assert_name_is_taken("h", "--rename", "h=g", "--add", "h string")
        self.assert_name_is_taken("h.b", "--rename", "h.b=a", "--add", "h.b int")
        self.alter("--rename", "h=g", "--rename", "g.b=a", "--add", "g.d int",
                   "--drop", "g.c")
        self.assert_name_is_taken("h", "--add", "h string")
        self.assert_name_is_taken("g.c", "--add", "g.c int")
        # The name is another's beside it, and free inside of it.
        self.alter("--add", "c int", "--add", "g.h int")
        self.assert_rows({"id": 1, "g": {"a": "x", "d": None, "h": None}, "c": None})
        self.give_rows_ids()
        self.alter("--add", "h string", "--add", "g.c int")
        self.assert_rows({"id": 1, "g": {"a": "x", "d": None, "h": None, "c": None},
                          "c": None, "h": None})

    def test_other_catalogs(self):
        flags = ("--warehouse", self.directory / "fs", "--catalog", "fs", "--json")
        for command in (("create", TABLE, "--columns", "id int, b int"),
                        ("alter", TABLE, "--rename", "b=c", "--type", "id long",
                         "--partition", "bucket(2, c)")):
            done = run_firn("table", *command, *flags)
            self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertEqual(json.loads(done.stdout)["partition_spec"],
                         "[bucket[2](c) as c_bucket_2]")

    def test_tables_of_other_format_versions(self):
        self.make()
        catalog = self.catalog()
        schema = Schema(NestedField(1, "id", LongType()), NestedField(2, "d", DateType()))
        old = catalog.create_table("web.v1", schema, properties={"format-version": "1"})
        old.append(pa.table({"id": [1, 2], "d": pa.array([0, 1], pa.date32())}))
        for text, expected in (("bucket(2, id)", "[bucket[2](id) as id_bucket_2]"),
                               ("d", "[void(id) as id_bucket_2, identity(d) as d]")):
            said = self.run_ok("table", "alter", "web.v1", "--add", f"n{len(text)} int",
                               "--partition", text, "--sort", "d")
            self.assertEqual(said["partition_spec"], expected)
        old = load_table(self.warehouse, "web.v1")
        self.assertEqual(old.format_version, 1)
        self.assertEqual(old.scan().to_arrow()["id"].to_pylist(), [1, 2])
        # PyIceberg makes no table of version 3.
        table = catalog.create_table("web.v2", schema)
        metadata = json.loads(pathlib.Path(
            table.metadata_location.removeprefix("file://")).read_text())
        metadata.update({"format-version": 3, "next-row-id": 0,
                         "location": metadata["location"] + "3"})
        path = self.directory / "00000-a.metadata.json"
        path.write_text(json.dumps(metadata))
        catalog.register_table("web.v3", f"file://{path}")
        self.assert_fails(FAILED, "d: expected optional timestamp, found optional date",
                          "table", "alter", "web.v2", "--type", "d timestamp")
        said = self.run_ok("table", "alter", "web.v3", "--type", "d timestamp")
        self.assertEqual(said["columns"][1]["type"], "timestamp")

    def test_a_partition_of_a_widened_column_is_one(self):
        for layout in ("id", "truncate(10, id)", "ms"):
            with self.subTest(layout):
                self.make("--partition", layout, "--property",
                          "write.summary.partition-limit=10")
                self.append(row(11, ms=0.5, note="old"), row(21, ms=0.25, note="kept"))
                self.alter("--type", "id long", "--type", "ms double")
                self.append(row(11, ms=0.5, note="beside"))
                parts = self.run_ok("table", "partitions", TABLE)
                self.assertEqual(sorted(one["data_record_count"] for one in parts), [1, 2])
                self.assertEqual({one["partition"] for one in parts},
                                 {file["partition"]
                                  for file in self.run_ok("table", "files", TABLE)})
                path = self.directory / "new.ndjson"
                path.write_text(json.dumps(row(11, ms=0.5, note="new")) + "\n")
                self.run_ok("table", "append", TABLE, path, "--overwrite-partitions")
                self.assertEqual([one["note"] for one in self.scan()], ["new", "kept"])
                self.assertEqual([one["note"] for one in self.read_by_pyiceberg()],
                                 ["new", "kept"])
                self.run_ok("table", "delete", TABLE, "--filter", "note = 'kept'")
                self.run_ok("table", "compact", TABLE, "--rewrite-all")
                self.assertEqual([one["note"] for one in self.scan()], ["new"])
                self.assertEqual(self.firn("check", TABLE, "--content").returncode, DONE)
                self.run_ok("table", "drop", TABLE)

    def test_partitions(self):
        self.make("--partition", "day(ts), truncate(1, note)")
        self.append(row(1, note="ab"), row(2, note="ac"), row(3, day=2, note=None))
        self.alter("--partition", "day(ts)")
        self.append(row(9, day=2, note="zz"))
        found = self.run_ok("table", "partitions", TABLE, "--columns", "id, note")
        by_name = {one["partition"]: one for one in found}
        self.assertEqual(
            {name: (one["spec_id"], one["data_record_count"], one["data_file_count"],
                    one["columns"]["id"]["lower_bound"], one["columns"]["id"]["upper_bound"],
                    one["columns"]["note"]["null_count"]) for name, one in by_name.items()},
            {"ts_day=2026-01-01/note_trunc_1=a": (0, 2, 1, "1", "2", 0),
             "ts_day=2026-01-02/note_trunc_1=null": (0, 1, 1, "3", "3", 1),
             "ts_day=2026-01-02": (1, 1, 1, "9", "9", 0)})
        sizes = {}
        for file in self.run_ok("table", "files", TABLE):
            sizes[file["partition"]] = sizes.get(file["partition"], 0) + file["bytes"]
        self.assertEqual({name: one["total_data_file_size_in_bytes"]
                          for name, one in by_name.items()}, sizes)
        for one in found:
            self.assertEqual((one["position_delete_file_count"],
                              one["equality_delete_record_count"]), (0, 0))
            self.assertTrue(one["last_updated_at"].startswith("20"))
        theirs = {(one["spec_id"], one["record_count"], one["file_count"])
                  for one in self.loaded().inspect.partitions().to_pylist()}
        self.assertEqual(theirs, {(one["spec_id"], one["data_record_count"],
                                   one["data_file_count"]) for one in found})

        text = self.firn("table", "partitions", TABLE, "--columns", "note").stdout.decode()
        heading, *lines = text.splitlines()
        self.assertEqual(heading.split(), ["partition", "rows", "files", "bytes", "delete",
                                           "files", "updated", "note", "from", "note", "to",
                                           "note", "nulls"])
        self.assertEqual(sorted(line.split()[0] for line in lines), sorted(by_name))
        line, = (line for line in lines if "note_trunc_1=a" in line)
        self.assertEqual(line.split()[-3:], ["ab", "ac", "0"])
        self.assertNotIn("note", self.firn("table", "partitions", TABLE).stdout.decode()
                         .splitlines()[0])
        self.assert_fails(FAILED, "the table has no column nte", "table", "partitions",
                          TABLE, "--columns", "nte")
        self.assert_fails(NOT_FOUND, "web.none", "table", "partitions", "web.none")


class SettledTableAlterTest(ServerTest):
    """The tables that a running server settles into."""

    def setUp(self):
        super().setUp()
        self.base_ms = int(time.time() * 1000) - 600_000
        self.written = 0

    def write(self, server, samples=5):
        at = self.base_ms + 1000 * self.written
        self.written += samples
        self.assert_write(server, request(series(
            {"__name__": "kept", "job": "e2e", "instance": "0", "extra": "x"},
            [(at + 1000 * i, 1.5) for i in range(samples)])))

    def alter(self, server, table, *flags):
        return run_firn("table", "alter", table, "--warehouse", server.warehouse, *flags)

    def assert_has_all(self, server):
        at = (self.base_ms + 1000 * self.written) / 1000
        found, = server.query("sum by (job, instance, extra) (count_over_time(kept[20m]))",
                              at)["result"]
        self.assertEqual(found["metric"], {"job": "e2e", "instance": "0", "extra": "x"})
        self.assertEqual(int(found["value"][1]), self.written)
        rows, = server.sql("SELECT count(*) FROM metrics.samples")[0]
        self.assertEqual(rows, self.written)

    def test_a_server_settles_into_what_its_tables_became(self):
        server = self.start_server()
        self.write(server)
        server.settle()
        for table, *flags in (
                ("metrics.samples", "--add", "quality long", "--add", "note string"),
                ("metrics.samples", "--rename", "instance=node", "--type", "flags long"),
                ("metrics.samples", "--move", "value first", "--optional", "metric"),
                ("metrics.samples", "--partition", "hour(ts), bucket(2, series_id)"),
                ("metrics.samples", "--sort", "ts desc"),
                ("metrics.samples", "--drop", "start_ts", "--drop", "labels"),
                ("metrics.samples", "--drop", "node", "--partition", "", "--sort", ""),
                ("metrics.series", "--add", "owner string", "--drop", "scope_attributes",
                 "--rename", "help=text", "--partition", "")):
            with self.subTest(flags):
                self.write(server)
                done = self.alter(server, table, *flags)
                self.assertEqual(done.returncode, DONE, done.stderr)
                for _ in range(2):
                    server.settle()
                    self.assert_has_all(server)
                    self.write(server)
                server.kill()
                server.start()
                self.assert_has_all(server)
        server.settle()
        for table in ("metrics.samples", "metrics.series"):
            done = run_firn("table", "compact", table, "--rewrite-all", "--warehouse",
                            server.warehouse)
            self.assertEqual(done.returncode, DONE, done.stderr)
            done = run_firn("check", table, "--content", "--warehouse", server.warehouse)
            self.assertEqual(done.returncode, DONE, done.stdout + done.stderr)
        self.assertEqual(load_table(server.warehouse, "metrics.samples").scan().to_arrow()
                         .num_rows, self.written)
        self.assertEqual(server.stop(), 0)

    def test_what_the_server_needs_stays(self):
        server = self.start_server()
        self.write(server)
        server.settle()
        for table, said, *flags in (
                ("metrics.samples", "column value is needed by this name: a server settles "
                 "into the table (firn.position.", "--drop", "value"),
                ("metrics.samples", "column series_id is needed", "--rename",
                 "series_id=series"),
                ("metrics.samples", "the doc of column job, Label job, says which label is "
                 "in it", "--doc", "job=of the scrape"),
                ("metrics.series", "column labels is needed", "--drop", "labels")):
            with self.subTest(said):
                done = self.alter(server, table, *flags)
                self.assertEqual(done.returncode, FAILED, done.stdout)
                self.assertIn(said, done.stderr.decode())
                self.assertIn("`firn table retire` forgets it", done.stderr.decode())
        self.write(server)
        server.settle()
        self.assert_has_all(server)


if __name__ == "__main__":
    firn_server.main()
