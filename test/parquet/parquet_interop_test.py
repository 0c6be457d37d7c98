#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares firn's Parquet files with pyarrow's, both ways, and with DuckDB's reader.

    python3 parquet_interop_test.py PATH/TO/parquet_probe

Exits 77 where either is missing.
"""
import datetime
import decimal
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import duckdb
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    import pyarrow.parquet.encryption as pe
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

PROBE = None
ROWS = 1200
LAYOUT = (
    "row_group_rows=500", "page_rows=100", "sort=1", 'key.iceberg.schema={"type":"struct"}',
    "1.encoding=DELTA_BINARY_PACKED", "5.encoding=BYTE_STREAM_SPLIT", "7.bloom=1000",
)


# Columns that may stand beside run-end encoded ones.
FLAT = ["n", "flag", "i", "ts", "d", "s", "id", "b", "day"]
# What the footer calls them, where that is not the option's name.
NAMES = {"none": "UNCOMPRESSED"}


def with_id(field, field_id):
    return field.with_metadata({"PARQUET:field_id": str(field_id)})


def schema():
    element = pa.struct([with_id(pa.field("at", pa.int64()), 24)])
    labels = pa.map_(
        with_id(pa.field("key", pa.string(), nullable=False), 21),
        with_id(pa.field("value", pa.string()), 22),
    )
    return pa.schema(
        [
            with_id(pa.field("n", pa.int64(), nullable=False), 1),
            with_id(pa.field("flag", pa.bool_()), 2),
            with_id(pa.field("i", pa.int32()), 3),
            with_id(pa.field("ts", pa.timestamp("us", "UTC")), 4),
            with_id(pa.field("d", pa.float64()), 5),
            with_id(pa.field("s", pa.string()), 6),
            with_id(pa.field("id", pa.binary(16), nullable=False), 7),
            with_id(pa.field("b", pa.binary()), 8),
            with_id(pa.field("day", pa.date32()), 9),
            with_id(pa.field("labels", labels), 20),
            with_id(pa.field("events", pa.list_(with_id(pa.field("element", element), 23))), 26),
        ]
    )


def table():
    utc = datetime.timezone.utc
    rows = []
    for n in range(ROWS):
        null = n % 7 == 3
        rows.append(
            {
                "n": n,
                "flag": None if null else n % 2 == 0,
                "i": None if null else n - 600,
                "ts": datetime.datetime(2026, 1, 1, tzinfo=utc) + datetime.timedelta(seconds=n),
                "d": None if null else (math.nan if n % 11 == 0 else n / 8),
                "s": None if null else f"text {n // 50}",
                "id": n.to_bytes(16, "big"),
                "b": bytes([n % 256]) * (n % 5),
                "day": datetime.date(2026, 1, 1) + datetime.timedelta(days=n // 100),
                "labels": None if null else [(f"k{k}", f"v{n % 3}") for k in range(n % 3)],
                "events": [] if null else [{"at": n}] * (n % 4),
            }
        )
    return pa.Table.from_pylist(rows, schema=schema())


def probe(*arguments):
    # firn writes over nothing.
    pathlib.Path(arguments[2]).unlink(missing_ok=True)
    done = subprocess.run([PROBE, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout


def write_arrow(data, path):
    with pa.ipc.new_file(path, data.schema) as sink:
        sink.write_table(data)


def read_arrow(path):
    return pa.ipc.open_file(path).read_all()


class Interop(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)

    def assert_same(self, got, expected):
        # NaN is not equal to itself, so compare what is printed of each value.
        self.assertEqual(got.schema.remove_metadata(), expected.schema.remove_metadata())
        self.assertEqual(repr(got.to_pylist()), repr(expected.to_pylist()))

    def test_pyarrow_reads_what_firn_writes(self):
        expected = table()
        write_arrow(expected, self.dir / "in.arrow")
        report = probe("to-parquet", self.dir / "in.arrow", self.dir / "out.parquet", *LAYOUT)
        self.assert_same(pq.read_table(self.dir / "out.parquet"), expected)

        metadata = pq.read_metadata(self.dir / "out.parquet")
        self.assertEqual(metadata.num_row_groups, 3)
        self.assertEqual(metadata.metadata[b"iceberg.schema"], b'{"type":"struct"}')
        group = metadata.row_group(1)
        self.assertEqual(
            [(c.column_index, c.descending, c.nulls_first) for c in group.sorting_columns],
            [(0, False, False)],
        )
        columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
        n = columns["n"]
        self.assertEqual((n.statistics.min, n.statistics.max, n.statistics.null_count), (500, 999, 0))
        self.assertIn("DELTA_BINARY_PACKED", n.encodings)
        self.assertIn("BYTE_STREAM_SPLIT", columns["d"].encodings)
        self.assertEqual(n.compression, "ZSTD")
        for path, column in columns.items():
            self.assertTrue(column.has_offset_index, path)
        self.assertTrue(n.has_column_index)

        written = pq.ParquetFile(self.dir / "out.parquet").schema_arrow
        for field in schema():
            self.assertEqual(written.field(field.name).metadata, field.metadata, field.name)

        lines = {line.split("\t")[1]: line.split("\t") for line in report.splitlines()}
        nans = sum(1 for v in expected["d"].to_pylist() if v is not None and math.isnan(v))
        self.assertEqual(lines["d"][4], str(expected["d"].null_count))
        self.assertEqual(lines["d"][5], str(nans))
        self.assertEqual(lines["n"][6:8], ["0", "1199"])
        self.assertEqual(lines["s"][6:8], ["'text 0'", "'text 9'"])
        for path, line in lines.items():
            chunks = [
                group.column(i)
                for group in map(metadata.row_group, range(metadata.num_row_groups))
                for i in range(group.num_columns)
                if group.column(i).path_in_schema == path
            ]
            self.assertEqual(int(line[2]), sum(c.total_compressed_size for c in chunks), path)
            self.assertEqual(int(line[3]), sum(c.num_values for c in chunks), path)
            self.assertEqual(int(line[4]), sum(c.statistics.null_count for c in chunks), path)

    def chunks(self, path):
        group = pq.read_metadata(path).row_group(0)
        columns = [group.column(i) for i in range(group.num_columns)]
        return {column.path_in_schema: column for column in columns}

    def test_others_read_every_codec_and_page_version(self):
        expected = table()
        in_runs = pa.table(
            [
                pc.run_end_encode(column.combine_chunks(), run_end_type=pa.int32())
                if name in ("s", "i", "b", "id") else column
                for name, column in zip(FLAT, expected.select(FLAT).columns)
            ],
            names=FLAT,
        ).cast(
            pa.schema([
                field.with_type(pa.run_end_encoded(pa.int32(), field.type))
                if field.name in ("s", "i", "b", "id") else field
                for field in map(schema().field, FLAT)
            ])
        )
        write_arrow(expected, self.dir / "rows.arrow")
        write_arrow(in_runs, self.dir / "runs.arrow")
        for codec in ("none", "snappy", "gzip", "brotli", "lz4", "zstd"):
            for version in ("v1", "v2"):
                for source, data in (("rows", expected), ("runs", expected.select(FLAT))):
                    with self.subTest(codec=codec, version=version, source=source):
                        path = self.dir / "out.parquet"
                        probe("to-parquet", self.dir / f"{source}.arrow", path,
                              f"codec={codec}", f"page_version={version}", "page_rows=100",
                              "7.bloom=1000")
                        self.assert_same(pq.read_table(path), data)
                        self.assert_same_in_duckdb(path, data)
                        for column in self.chunks(path).values():
                            self.assertEqual(column.compression, NAMES.get(codec, codec.upper()))

    def test_others_read_a_codec_by_column(self):
        expected = table()
        write_arrow(expected, self.dir / "in.arrow")
        path = self.dir / "out.parquet"
        probe("to-parquet", self.dir / "in.arrow", path, "codec=zstd", "level=9",
              "6.codec=gzip", "6.level=9", "7.codec=none", "5.codec=lz4", "21.codec=snappy",
              "8.encoding=DELTA_LENGTH_BYTE_ARRAY", "3.statistics=off", "4.page_index=off")
        self.assert_same(pq.read_table(path), expected)
        self.assert_same_in_duckdb(path, expected)
        chunks = self.chunks(path)
        self.assertEqual(chunks["s"].compression, "GZIP")
        self.assertEqual(chunks["id"].compression, "UNCOMPRESSED")
        self.assertEqual(chunks["d"].compression, "LZ4")
        self.assertEqual(chunks["labels.key_value.key"].compression, "SNAPPY")
        self.assertEqual(chunks["labels.key_value.value"].compression, "ZSTD")
        self.assertIn("DELTA_LENGTH_BYTE_ARRAY", chunks["b"].encodings)
        self.assertFalse(chunks["i"].is_stats_set)
        self.assertFalse(chunks["ts"].has_column_index)
        self.assertTrue(chunks["n"].has_column_index)

    def assert_same_in_duckdb(self, path, expected):
        names = [name for name in expected.column_names if name not in ("ts", "labels")]
        rows = duckdb.sql(f"select {', '.join(names)}, epoch_us(ts) from '{path}' order by n")
        wanted = [
            list(row.values()) + [at]
            for row, at in zip(expected.select(names).to_pylist(),
                               expected["ts"].cast(pa.int64()).to_pylist())
        ]
        self.assertEqual(repr([list(row) for row in rows.fetchall()]), repr(wanted))
        if "labels" in expected.column_names:
            (pairs,) = duckdb.sql(f"select sum(len(map_keys(labels))) from '{path}'").fetchone()
            self.assertEqual(pairs, sum(len(row or []) for row in expected["labels"].to_pylist()))

    def test_firn_reads_what_pyarrow_writes(self):
        expected = table()
        for options in (
            {},
            {"compression": "snappy", "use_dictionary": False, "data_page_version": "2.0"},
            {"compression": "none", "write_page_index": True, "row_group_size": 250},
            {"compression": "gzip", "write_statistics": False, "data_page_size": 512},
            {"compression": "zstd", "store_schema": False},
            {"compression": "lz4", "write_page_checksum": True},
            {"compression": "brotli", "column_encoding": {"n": "BYTE_STREAM_SPLIT"},
             "use_dictionary": ["s"]},
        ):
            with self.subTest(**options):
                pq.write_table(expected, self.dir / "in.parquet", **options)
                probe("to-arrow", self.dir / "in.parquet", self.dir / "out.arrow")
                self.assert_same(read_arrow(self.dir / "out.arrow"), expected)

    def test_encrypted_files_both_ways(self):
        # pyarrow takes plain keys for files with one key for all columns only.
        expected = table()
        write_arrow(expected, self.dir / "in.arrow")
        path = self.dir / "secret.parquet"
        for size in (16, 24, 32):
            key = bytes(range(size))
            for cipher, clear_footer, prefix in (
                ("gcm", False, None), ("ctr", False, None), ("gcm", True, b"table/7"),
            ):
                with self.subTest(size=size, cipher=cipher, clear_footer=clear_footer):
                    options = [f"footer_key={key.hex()}", f"cipher={cipher}", "page_rows=100"]
                    options += ["plaintext_footer=on"] if clear_footer else []
                    options += [f"aad_prefix={prefix.decode()}"] if prefix else []
                    probe("to-parquet", self.dir / "in.arrow", path, *options)
                    keys = pe.create_decryption_properties(key, aad_prefix=prefix)
                    self.assert_same(pq.read_table(path, decryption_properties=keys), expected)
                    with self.assertRaises(Exception):
                        pq.read_table(path)

                    pq.write_table(
                        expected, path, write_page_index=True, row_group_size=500,
                        encryption_properties=pe.create_encryption_properties(
                            key, aad_prefix=prefix, plaintext_footer=clear_footer,
                            encryption_algorithm=f"AES_GCM_{'CTR_' * (cipher == 'ctr')}V1"))
                    probe("to-arrow", path, self.dir / "out.arrow", f"footer_key={key.hex()}")
                    self.assert_same(read_arrow(self.dir / "out.arrow"), expected)

    def test_firn_reads_types_it_does_not_write(self):
        expected = pa.table(
            {
                "u8": pa.array([1, None, 255], pa.uint8()),
                "i16": pa.array([-1, None, 7], pa.int16()),
                "u64": pa.array([2**64 - 1, 0, None], pa.uint64()),
                "dec": pa.array([decimal.Decimal("1.25"), None, decimal.Decimal("-3")],
                                pa.decimal128(20, 2)),
                "ms": pa.array([0, 1, None], pa.timestamp("ms")),
                "t": pa.array([0, 1, None], pa.time64("us")),
                "half": pa.array([0.5, None, 2.0], pa.float16()),
                "large": pa.array(["a", None, "c"], pa.large_string()),
                "coded": pa.array(["a", "b", "a"]).dictionary_encode(),
                "nested": pa.array([[[1], []], None, [[2, 3]]], pa.list_(pa.list_(pa.int32()))),
            }
        )
        pq.write_table(expected, self.dir / "in.parquet")
        probe("to-arrow", self.dir / "in.parquet", self.dir / "out.arrow")
        self.assert_same(read_arrow(self.dir / "out.arrow"), expected)

    def test_fields_inside_of_columns(self):
        inner = pa.struct([("x", pa.int64()), ("y", pa.list_(pa.struct([("z", pa.string())])))])
        nested = pa.schema(
            [
                ("n", pa.int64()),
                ("a", pa.struct([("b", pa.int32()), ("c", inner)])),
                ("l", pa.list_(inner)),
                ("m", pa.map_(pa.string(), inner)),
                ("deep", pa.list_(pa.list_(pa.struct([("p", pa.int32()), ("q", pa.int32())])))),
            ]
        )

        def value(n, depth):
            # NULL at this level, at the next, at the last; empty; whole.
            if n % 5 == depth:
                return None
            return {"x": None if n % 7 == 3 else n, "y": [{"z": f"z{n}"}, None][: n % 3]}

        rows = [
            {
                "n": n,
                "a": None if n % 5 == 0 else {"b": n, "c": value(n, 1)},
                "l": None if n % 6 == 0 else [value(n + k, 2) for k in range(n % 4)],
                "m": None if n % 6 == 1 else [(f"k{k}", value(n + k, 3)) for k in range(n % 3)],
                "deep": [None, [], [None, {"p": n, "q": None}]][: n % 4],
            }
            for n in range(ROWS)
        ]
        source = self.dir / "in.parquet"
        pq.write_table(
            pa.Table.from_pylist(rows, schema=nested), source, row_group_size=500,
            data_page_size=256, write_page_index=True,
        )
        for columns in (
            ["a.b"], ["a.c.x"], ["a.c.y.list.element.z"], ["a.b", "n", "a.c.x"], ["a.c"],
            ["l.list.element.x"], ["l.list.element.y.list.element.z"],
            ["m.key_value.value.x"], ["m.key_value.key"],
            ["m.key_value.key", "m.key_value.value.x"],
            ["deep.list.element.list.element.q"], ["n", "a"],
        ):
            with self.subTest(columns=columns):
                probe("to-arrow", source, self.dir / "out.arrow", "columns=" + ",".join(columns))
                expected = pq.ParquetFile(source).read(columns=columns)
                got = read_arrow(self.dir / "out.arrow")
                # The batches are in the order asked for, pyarrow's in the file's.
                self.assert_same(got.select(expected.column_names), expected)
                probe("to-arrow", source, self.dir / "out.arrow", "threads=3",
                      "columns=" + ",".join(columns))
                self.assert_same(read_arrow(self.dir / "out.arrow"), got)
        for path, said in (("a.c.z", "did you mean a.c.x?"), ("nothing.here", "no")):
            with self.assertRaisesRegex(AssertionError, said):
                probe("to-arrow", source, self.dir / "out.arrow", "columns=" + path)


if __name__ == "__main__":
    PROBE = sys.argv.pop(1)
    unittest.main()
