#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads every file of the parquet-testing corpus with firn and with pyarrow.

    python3 parquet_corpus_test.py PATH/TO/parquet_probe

The corpus is ../shared/data/parquet/data beside the source tree (FIRN_SOURCE_DIR). Exits
77 where it or pyarrow is missing. firn must give the rows that pyarrow gives, or refuse
with the code that REFUSED says.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
    import pyarrow.parquet.encryption as pe
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

PROBE = None
SOURCE = pathlib.Path(os.environ.get("FIRN_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
CORPUS = SOURCE / "../shared/data/parquet/data"

# What firn refuses: code of the status, part of its message. Entries may only go: a file
# that is read although it stands here fails the test.
REFUSED = {
    # The checksum of a page is wrong, and firn looks at checksums. pyarrow does by request.
    "datapage_v1-corrupt-checksum.parquet": ("Corruption", "CRC checksum verification failed"),
    "rle-dict-uncompressed-corrupt-checksum.parquet": (
        "Corruption", "CRC checksum verification failed"),
    # Map keys that may be NULL: Arrow has no such type, and pyarrow refuses them too.
    "incorrect_map_schema.parquet": (
        "Unimplemented", "schema: Map keys must be annotated as required"),
    # One text of a gibibyte and another: more than the probe may allocate. pyarrow takes the
    # memory, and then cannot make an array of it.
    "large_string_map.brotli.parquet": ("ResourceExhausted", "probe"),
    # Its keys are wrapped by a key management service, and kept in a file beside it.
    "external_key_material_java.parquet.encrypted": ("PermissionDenied", "no keys were given"),
}
# The corpus' keys, as its README gives them digit by digit.
KEYS = {"kf": "0123456789012345", "kc1": "1234567890123450", "kc2": "1234567890123451"}
KEYS_AES256 = {
    "kf": "01234567890123456789012345678901",
    **{f"kc{n}": f"1234567890123456789012345678901{n + 1}" for n in range(1, 9)},
}
# pyarrow takes plain keys only where one is for all columns. The files beside this one hold
# the same rows.
UNIFORM = "uniform_encryption.parquet.encrypted"
# But for this one, whose rows are counted through.
BLOOM = "encrypt_columns_and_footer_bloom_filter.parquet.encrypted"


def counted():
    rows = range(2000)
    return pa.table(
        {
            "double_field": pa.array([n + 0.5 for n in rows], pa.float64()),
            "float_field": pa.array([n + 0.25 for n in rows], pa.float32()),
            "int32_field": pa.array(rows, pa.int32()),
            "name": pa.array([f"name_{n}" for n in rows], pa.string()),
        },
        schema=pa.schema([
            pa.field("double_field", pa.float64(), nullable=False),
            pa.field("float_field", pa.float32(), nullable=False),
            pa.field("int32_field", pa.int32()),
            pa.field("name", pa.string()),
        ]),
    )


# Without these the test would pass on an empty directory.
FILES_MIN = 80


def files():
    return sorted(
        path for pattern in ("*.parquet", "*.parquet.encrypted") for path in CORPUS.rglob(pattern))


class Corpus(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.out = pathlib.Path(directory.name) / "out.arrow"

    def run_probe(self, path, *options):
        done = subprocess.run(
            [PROBE, "to-arrow", str(path), str(self.out), *options],
            capture_output=True, text=True, timeout=120)
        self.assertIn(done.returncode, (0, 1), f"ended by a signal: {done.stderr}")
        return done

    def assert_refused(self, done, path, code, message):
        self.assertEqual(done.returncode, 1, "is read: take it out of the table")
        self.assertTrue(
            done.stderr.startswith(f"parquet_probe: {code}: "), f"not {code}: {done.stderr}")
        self.assertIn(message, done.stderr)
        self.assertIn(path.name, done.stderr, "which file?")

    def assert_same(self, expected):
        got = pa.ipc.open_file(self.out).read_all()
        self.assertEqual(got.schema.remove_metadata(), expected.schema.remove_metadata())
        self.assertEqual(got.num_rows, expected.num_rows)
        for index, field in enumerate(expected.schema):
            ours, theirs = got.column(index), expected.column(index)
            if not ours.equals(theirs):
                # NaN is not equal to itself, so compare what is printed of each value.
                self.assertEqual(repr(ours.to_pylist()), repr(theirs.to_pylist()), field.name)

    def test_every_file_is_read_as_pyarrow_reads_it_or_refused(self):
        paths = files()
        self.assertGreaterEqual(len(paths), FILES_MIN)
        names = {path.relative_to(CORPUS).as_posix(): path for path in paths}
        self.assertEqual(sorted(set(REFUSED) - set(names)), [], "in the table, not there")
        for name, path in names.items():
            with self.subTest(file=name):
                if path.suffix == ".encrypted" and name not in REFUSED:
                    continue  # The next test reads those.
                done = self.run_probe(path)
                if name in REFUSED:
                    self.assert_refused(done, path, *REFUSED[name])
                    continue
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assert_same(pq.read_table(path))

    def encrypted(self):
        for path in files():
            name = path.relative_to(CORPUS).as_posix()
            if path.suffix == ".encrypted" and name not in REFUSED:
                yield name, path, KEYS_AES256 if path.parent.name == "aes256" else KEYS

    def options(self, keys):
        return [f"key.{name}={key.encode().hex()}" for name, key in keys.items()]

    def test_encrypted_files_are_read_with_their_keys(self):
        seen = 0
        for name, path, keys in self.encrypted():
            seen += 1
            with self.subTest(file=name):
                options = self.options(keys)
                if "disable_aad_storage" in name:
                    refused = self.run_probe(path, *options)
                    self.assert_refused(refused, path, "InvalidArgument", "AAD prefix")
                    options.append("aad_prefix=tester")
                done = self.run_probe(path, *options)
                self.assertEqual(done.returncode, 0, done.stderr)
                if name == BLOOM:
                    self.assert_same(counted())
                    continue
                theirs = pe.create_decryption_properties(keys["kf"].encode())
                self.assert_same(
                    pq.read_table(path.parent / UNIFORM, decryption_properties=theirs))
        self.assertGreaterEqual(seen, 12)

    def test_encrypted_files_are_refused_without_their_keys(self):
        for name, path, keys in self.encrypted():
            with self.subTest(file=name):
                prefix = ["aad_prefix=tester"] if "disable_aad_storage" in name else []
                self.assert_refused(self.run_probe(path), path, "PermissionDenied", "no keys")
                for missing in ("kf", "kc1"):
                    if missing == "kc1" and name.endswith(UNIFORM):
                        continue
                    some = {name: key for name, key in keys.items() if name != missing}
                    self.assert_refused(
                        self.run_probe(path, *self.options(some), *prefix), path, "NotFound",
                        f"key '{missing}': not among the arguments")
                    wrong = {**keys, missing: "x" * len(keys[missing])}
                    self.assert_refused(
                        self.run_probe(path, *self.options(wrong), *prefix), path,
                        "PermissionDenied",
                        "footer: " if missing == "kf" else "column double_field: its key is another")

    def test_a_wrong_checksum_is_overlooked_by_request(self):
        for name, (_, message) in REFUSED.items():
            if "checksum" not in message:
                continue
            with self.subTest(file=name):
                done = self.run_probe(CORPUS / name, "checksums=off")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assert_same(pq.read_table(CORPUS / name))


if __name__ == "__main__":
    if not CORPUS.is_dir():
        print(f"skipped: no {CORPUS}")
        sys.exit(77)
    PROBE = sys.argv.pop(1)
    unittest.main()
