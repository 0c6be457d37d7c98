# SPDX-License-Identifier: Apache-2.0
"""Tables whose catalog is a warehouse in an object store: nothing but the store says which
version is current, so a conditional create decides between writers.

    fs_catalog_stores_test.py --firn FILE --conformance FILE [--commits N] [--all]

The conformance test of firn's catalogs runs against MinIO; with --all against servers of
Google's and Azure's protocols as well. With it two writers commit N times each.
"""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys

import firn_server
import object_stores
from firn_server import OPTIONS, ServerTest, run_firn

if object_stores.missing("minio", "fake-gcs-server", "azurite-blob"):
    print("skipped: the object stores are not installed")
    sys.exit(77)

BUCKET = "firn-fs"
# What a person has set for stores of their own is no part of a test.
OTHERS_SETTINGS = ("AWS_", "AZURE_", "GOOGLE_", "FIRN_", "STORAGE_EMULATOR_HOST")


class FsCatalogStores(ServerTest):
    def check(self, warehouse, environment):
        self.warehouse, self.environment = warehouse, environment
        # It makes the bucket that the other then finds.
        self.check_commands()
        self.check_conformance()

    def firn(self, *arguments):
        done = run_firn(*arguments, "--catalog", "fs", "--warehouse",
                        f"{self.warehouse}/cli", "--json",
                        environment={"FIRN_CREATE_BUCKETS": "true", **self.environment})
        self.assertEqual(done.returncode, 0, (arguments, done.stderr.decode()))
        return json.loads(done.stdout)

    def check_commands(self):
        def file(name, first):
            path = self.directory / f"{name}.csv"
            path.write_text("id\n" + "".join(f"{first + i}\n" for i in range(10)))
            return path

        def append(writer):
            for i in range(5):
                self.firn("table", "append", "a.b.t",
                          file(f"w{writer}", 100 * writer + 10 * i))

        self.firn("import", file("first", 0), "--into", "a.b.t", "--property",
                  "commit.retry.num-retries=100")
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            list(pool.map(append, range(1, 4)))
        self.firn("table", "delete", "a.b.t", "--filter", "id < 5")
        self.firn("table", "compact", "a.b.t")
        self.firn("table", "expire", "a.b.t", "--retain-last", "1", "--older-than",
                  "2100-01-01T00:00:00Z")
        ids = [row[0] for row in self.firn("sql", 'SELECT id FROM "a.b".t')["rows"]]
        self.assertEqual(sorted(ids), list(range(5, 10)) + [
            100 * writer + i for writer in range(1, 4) for i in range(50)])
        self.assertEqual([table["table"] for table in self.firn("table", "ls")], ["a.b.t"])
        self.assertEqual(self.firn("check", "a.b.t")["rows"], 155)

    def check_conformance(self):
        done = subprocess.run(
            [OPTIONS["conformance"], "--gtest_filter=*CatalogConformance*/FsStore"],
            env={**os.environ, **self.environment, "FIRN_TEST_WAREHOUSE": self.warehouse,
                 "FIRN_TEST_COMMITS": str(OPTIONS["commits"])},
            check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("PASSED  ] 0 tests", done.stdout)

    def test_s3(self):
        store = object_stores.start_minio(self.directory / "minio")
        self.addCleanup(store.stop)
        self.check(f"s3://{BUCKET}/some/where",
                   {"FIRN_S3_ENDPOINT": store.endpoint,
                    "AWS_ACCESS_KEY_ID": object_stores.ACCESS_KEY,
                    "AWS_SECRET_ACCESS_KEY": object_stores.SECRET_KEY})

    def test_google(self):
        if not OPTIONS["all"]:
            self.skipTest("only with --all")
        store = object_stores.start_fake_gcs(self.directory / "gcs")
        self.addCleanup(store.stop)
        self.check(f"gs://{BUCKET}/some/where",
                   {"STORAGE_EMULATOR_HOST": store.endpoint, "FIRN_GS_PROJECT": "firn"})

    def test_azure(self):
        if not OPTIONS["all"]:
            self.skipTest("only with --all")
        store = object_stores.start_azurite(self.directory / "azure")
        self.addCleanup(store.stop)
        account = object_stores.AZURE_ACCOUNT
        self.check(f"abfss://{BUCKET}@{account}.dfs.core.windows.net/some/where",
                   {"AZURE_STORAGE_CONNECTION_STRING":
                    f"AccountName={account};AccountKey={object_stores.AZURE_KEY};"
                    f"BlobEndpoint={store.endpoint}/{account}"})


if __name__ == "__main__":
    for name in [name for name in os.environ if name.startswith(OTHERS_SETTINGS)]:
        del os.environ[name]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conformance", required=True, help="iceberg_test")
    parser.add_argument("--commits", type=int, default=20)
    parser.add_argument("--all", action="store_true")
    firn_server.main(parser)
