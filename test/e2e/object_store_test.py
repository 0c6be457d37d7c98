# SPDX-License-Identifier: Apache-2.0
"""A server whose tables lie in an object store: what it settles is read back by PyIceberg
and by firn, across crashes of the server and absences of the store; and by firn from the
stores of other protocols, in buckets that it makes itself.

    object_store_test.py --firn FILE
"""
import json
import os
import sys
import time

import firn_server
import object_stores
from firn_server import ServerTest, run_firn
from remote_write import request, series
from table_readers import SqlCatalog

if object_stores.missing():
    print("skipped: not installed:", ", ".join(object_stores.missing()))
    sys.exit(77)

from pyarrow import fs  # noqa: E402  (table_readers has looked for it)

WAREHOUSE = "s3://firn-e2e/some/where"


class SamplesTest(ServerTest):
    """Sends samples to a server and counts them."""

    def setUp(self):
        super().setUp()
        self.catalog = f"sqlite:///{self.directory}/catalog.db"
        self.sent = 0

    def set(self, settings):
        """Sets variables of the environment until the test's end."""
        os.environ.update(settings)
        self.addCleanup(lambda: [os.environ.pop(name, None) for name in settings])

    def send(self, samples):
        """`samples` more of ten series, a second apart."""
        now = int(time.time() * 1000) // 1000 * 1000 - 600_000
        for _ in range(samples):
            self.assert_write(self.server, request(*[
                series({"__name__": "m_total", "job": "j", "instance": f"h{i}"},
                       [(now + self.sent * 1000, float(self.sent))])
                for i in range(10)]))
            self.sent += 1
        self.newest_s = (now + self.sent * 1000) / 1000

    def count(self):
        return self.server.sql("SELECT count(*), sum(value) FROM metrics.samples")[0]

    def expected(self):
        return [10 * self.sent, 10.0 * sum(range(self.sent))]


class OtherProtocolsTest(SamplesTest):
    def check(self, warehouse, scheme):
        self.set({"FIRN_CREATE_BUCKETS": "true"})
        self.server = self.make_server("--warehouse", warehouse, "--catalog", self.catalog)
        self.server.start()
        self.send(20)
        self.server.settle()
        self.assertEqual(self.count(), self.expected())
        self.send(5)
        self.server.kill()
        self.server.start()
        self.server.settle()
        self.assertEqual(self.count(), self.expected())
        self.assertGreater(self.server.metric(
            f'firn_store_requests_total{{operation="get",scheme="{scheme}"}}'), 0)
        self.assertEqual(self.server.stop(), 0)
        done = run_firn("sql", "SELECT count(*) FROM metrics.samples", "--json",
                        "--warehouse", warehouse, "--catalog", self.catalog)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["rows"], [[10 * self.sent]])

    def test_google(self):
        if object_stores.missing("fake-gcs-server"):
            self.skipTest("fake-gcs-server is not installed")
        store = object_stores.start_fake_gcs(self.directory / "gcs")
        self.addCleanup(store.stop)
        self.set({"STORAGE_EMULATOR_HOST": store.endpoint, "FIRN_GS_PROJECT": "firn"})
        self.check("gs://firn-e2e/some/where", "gs")

    def test_azure(self):
        if object_stores.missing("azurite-blob"):
            self.skipTest("Azurite is not installed")
        store = object_stores.start_azurite(self.directory / "azure")
        self.addCleanup(store.stop)
        account = object_stores.AZURE_ACCOUNT
        self.set({"AZURE_STORAGE_CONNECTION_STRING":
                  f"AccountName={account};AccountKey={object_stores.AZURE_KEY};"
                  f"BlobEndpoint={store.endpoint}/{account}"})
        self.check(f"abfss://firn-e2e@{account}.dfs.core.windows.net/some/where", "az")


class ObjectStoreTest(SamplesTest):
    def setUp(self):
        super().setUp()
        self.store = object_stores.start_minio(self.directory / "minio")
        self.addCleanup(self.store.stop)
        self.set({"FIRN_S3_ENDPOINT": self.store.endpoint,
                  "AWS_ACCESS_KEY_ID": object_stores.ACCESS_KEY,
                  "AWS_SECRET_ACCESS_KEY": object_stores.SECRET_KEY})
        self.objects = fs.S3FileSystem(
            access_key=object_stores.ACCESS_KEY, secret_key=object_stores.SECRET_KEY,
            endpoint_override=self.store.endpoint.removeprefix("http://"), scheme="http",
            allow_bucket_creation=True)
        self.objects.create_dir("firn-e2e")
        self.server = self.make_server("--warehouse", WAREHOUSE, "--catalog", self.catalog)

    def count_by_pyiceberg(self):
        catalog = SqlCatalog("firn", uri=self.catalog, **{
            "s3.endpoint": self.store.endpoint, "s3.region": "us-east-1",
            "s3.access-key-id": object_stores.ACCESS_KEY,
            "s3.secret-access-key": object_stores.SECRET_KEY})
        try:
            values = catalog.load_table("metrics.samples").scan(
                row_filter="ts >= '2020-01-01T00:00:00+00:00'").to_arrow()["value"]
            return [len(values), sum(values.to_pylist())]
        finally:
            catalog.engine.dispose()

    def test_tables_in_an_object_store_read_like_any(self):
        self.server.start()
        self.send(30)
        before = self.server.query("sum(m_total)", self.newest_s)
        self.server.settle()
        self.assertEqual(self.count(), self.expected())
        self.assertEqual(self.server.query("sum(m_total)", self.newest_s), before)
        self.assertEqual(self.count_by_pyiceberg(), self.expected())
        done = run_firn("sql", "SELECT count(*) FROM metrics.samples", "--json",
                        "--warehouse", WAREHOUSE, "--catalog", self.catalog)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["rows"], [[10 * self.sent]])
        # Killed with hot samples, and again with none.
        self.send(5)
        self.server.kill()
        self.server.start()
        self.assertEqual(self.count(), self.expected())
        self.server.settle()
        self.server.kill()
        self.server.start()
        self.assertEqual(self.count(), self.expected())
        self.assertEqual(self.count_by_pyiceberg(), self.expected())
        self.assertGreater(
            self.server.metric('firn_store_requests_total{operation="get",scheme="s3"}'), 0)
        self.assertEqual(self.server.stop(), 0)

    def test_upkeep_in_an_object_store(self):
        self.server.start()
        for _ in range(6):
            self.send(2)
            self.server.settle()
        self.assertEqual(self.server.stop(), 0)

        def upkeep(verb, *flags):
            done = run_firn("table", verb, "metrics.samples", "--json", "--warehouse",
                            WAREHOUSE, "--catalog", self.catalog, *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(done.stdout)

        def objects():
            place = WAREHOUSE.removeprefix("s3://") + "/metrics/samples"
            listed = self.objects.get_file_info(fs.FileSelector(place, recursive=True))
            return {info.path for info in listed if info.is_file}

        report = upkeep("compact")
        self.assertEqual((report["files_removed"], report["rows"]), (6, 120))
        upkeep("expire", "--older-than", str(int(time.time()) + 60), "--retain-last", "1")
        whole = objects()
        lost = WAREHOUSE.removeprefix("s3://") + "/metrics/samples/data/lost.parquet"
        with self.objects.open_output_stream(lost) as stream:
            stream.write(b"bytes")
        self.assertEqual(upkeep("orphans")["files"], 0)  # Young.
        gone = upkeep("orphans", "--older-than", "0s", "--no-writers")
        self.assertEqual([orphan["location"] for orphan in gone["orphans"]],
                         [f"s3://{lost}"])
        self.assertEqual(objects(), whole)
        self.assertEqual(self.count_by_pyiceberg(), self.expected())

    def test_a_store_that_is_away_costs_nothing_but_time(self):
        self.server.start()
        self.send(10)
        self.server.settle()
        port = self.store.port
        self.store.stop()
        self.send(10)  # Acknowledged: the log is on this machine.
        answer = self.server.request("POST", "/-/settle")
        self.assertEqual(answer.status, 503, answer)
        self.assertIn(f"127.0.0.1:{port}", answer.text)
        self.assertIn("after 3 tries", answer.text)
        self.store.start("/minio/health/live", port=port)
        self.server.settle()
        self.assertEqual(self.count(), self.expected())
        self.assertEqual(self.count_by_pyiceberg(), self.expected())

    def test_no_secret_is_shown(self):
        os.environ["FIRN_S3_ACCESS_KEY_ID"] = "nobody"
        os.environ["FIRN_S3_SECRET_ACCESS_KEY"] = "very-secret"
        self.addCleanup(os.environ.pop, "FIRN_S3_ACCESS_KEY_ID")
        self.addCleanup(os.environ.pop, "FIRN_S3_SECRET_ACCESS_KEY")
        shown = run_firn("config", "print")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        with self.assertRaises(firn_server.StartFailed) as failed:
            self.server.start()
        said = failed.exception.said
        self.assertIn("InvalidAccessKeyId", said)
        self.assertIn("credentials came from the options", said)
        for text in (shown.stdout.decode(), said):
            self.assertNotIn("very-secret", text)
        self.assertIn("# s3_secret_access_key: set, not shown", shown.stdout.decode())

    def test_a_warehouse_elsewhere_needs_a_catalog(self):
        server = self.make_server("--warehouse", WAREHOUSE, name="other")
        with self.assertRaises(firn_server.StartFailed) as failed:
            server.start()
        self.assertIn("--catalog fs, for one that lies there too, or sqlite:///FILE",
                      failed.exception.said)


if __name__ == "__main__":
    firn_server.main()
