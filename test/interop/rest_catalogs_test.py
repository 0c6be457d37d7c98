# SPDX-License-Identifier: Apache-2.0
"""firn as a client of servers of Iceberg's REST protocol: Iceberg's own and Nessie.

    rest_catalogs_test.py --firn FILE --conformance FILE --probe FILE [--commits N]

The conformance test of firn's catalogs runs against each of them; with it two writers
commit N times each.
"""
import argparse
import concurrent.futures
import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

import rest_servers
from rest_servers import object_stores, start_iceberg, start_nessie

import firn_server
from firn_server import OPTIONS, run_firn
from remote_write import request, series

import pyarrow as pa
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import NoSuchTableError, UnauthorizedError

BUCKET = "firn-rest"
# What a person has set for stores of their own is no part of a test.
OTHERS_SETTINGS = ("AWS_", "FIRN_")
KEYS = {"AWS_ACCESS_KEY_ID": object_stores.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": object_stores.SECRET_KEY}


def start_minio(directory):
    store = object_stores.start_minio(pathlib.Path(directory) / "minio")
    (store.directory / "data" / BUCKET).mkdir()
    return store


class ServerTest(unittest.TestCase):
    """A server for all tests of the class, and firn as its client."""
    environment = {}  # Of firn and PyIceberg.
    properties = {}   # Of PyIceberg's catalog.
    # Nessie keeps versions of tables itself: it lists one snapshot, and says that the
    # files of others are none of a client's to remove.
    expires = True

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="firn-rest-")
        cls.addClassCleanup(directory.cleanup)
        cls.directory = pathlib.Path(directory.name)
        cls.server = cls.start()
        cls.addClassCleanup(cls.server.stop)

    def run_client(self, *arguments, catalog=None, environment=None):
        return run_firn(*arguments, "--catalog", catalog or self.server.catalog,
                        environment={**self.environment, **(environment or {})})

    def firn(self, *arguments, **options):
        """What the command says, as JSON."""
        done = self.run_client(*arguments, "--json", **options)
        self.assertEqual(done.returncode, 0, (arguments, done.stderr.decode()))
        return json.loads(done.stdout)

    def refused(self, *arguments, **options):
        done = self.run_client(*arguments, **options)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        return done.stderr.decode()

    def rows(self, table, columns="count(*), sum(id)", flags=(), **options):
        namespace, _, name = table.rpartition(".")
        return self.firn("sql", f'SELECT {columns} FROM "{namespace}".{name}', *flags,
                         **options)["rows"]

    def tables(self):
        return {table["table"] for table in self.firn("table", "ls")}

    def file(self, name, first, count=10):
        path = self.directory / f"{name}.csv"
        path.write_text("id,word\n" + "".join(f"{first + i},w{first + i}\n"
                                              for i in range(count)))
        return path

    def expire(self, table):
        expire = ("table", "expire", table, "--retain-last", "1", "--older-than",
                  "2100-01-01T00:00:00Z")
        if self.expires:
            self.firn(*expire)
        else:
            self.assertIn("gc.enabled is false", self.refused(*expire))
        self.assertEqual(len(self.firn("table", "snapshots", table)), 1)

    def pyiceberg(self):
        return RestCatalog("rest", uri=self.server.uri, **self.properties)


class AnyServer:
    """What firn does with any server."""

    def run_conformance(self, which, **environment):
        done = subprocess.run(
            [OPTIONS["conformance"], f"--gtest_filter={which}"], check=False,
            capture_output=True, text=True,
            env={**os.environ, **self.environment,
                 "FIRN_TEST_REST_CATALOG": self.server.catalog, **environment})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("[  PASSED  ]", done.stdout)
        self.assertNotIn("PASSED  ] 0 tests", done.stdout)

    def test_conformance(self):
        self.run_conformance("*CatalogConformance*/Rest:-*Rivals*")

    def test_two_writers_lose_and_double_nothing(self):
        self.run_conformance("*CatalogConformance*Rivals*/Rest",
                             FIRN_TEST_COMMITS=str(OPTIONS["commits"]))

    def test_a_table_through_its_life(self):
        table = "life.of.tables"
        self.firn("import", self.file("life", 0), "--into", table)
        for name in ("more", "most"):
            self.firn("table", "append", table, self.file(name, 100))
        self.assertEqual(self.rows(table), [[30, 45 + 2 * 1045]])
        read = self.pyiceberg().load_table(("life", "of", "tables"))
        self.assertEqual(read.scan().to_arrow().num_rows, 30)
        self.assertEqual(read.scan(row_filter="id >= 105").to_arrow().num_rows, 10)
        self.firn("table", "delete", table, "--filter", "id < 5")
        self.firn("table", "compact", table)
        self.assertEqual(self.rows(table), [[25, 35 + 2 * 1045]])
        # Another writer, and firn after it.
        read.refresh()
        read.append(pa.table({"id": pa.array([1000], pa.int64()), "word": ["theirs"]}))
        self.assertEqual(self.rows(table), [[26, 35 + 2 * 1045 + 1000]])
        self.expire(table)
        self.assertEqual(self.rows(table), [[26, 35 + 2 * 1045 + 1000]])
        self.assertEqual(read.refresh().scan().to_arrow().num_rows, 26)
        self.pyiceberg().drop_table(("life", "of", "tables"))
        self.assertNotIn(table, self.tables())

    def test_tables_of_pyiceberg(self):
        catalog = self.pyiceberg()
        catalog.create_namespace("theirs")
        rows = pa.table({"id": pa.array(range(7), pa.int64()),
                         "word": [f"w{i}" for i in range(7)]})
        table = catalog.create_table("theirs.t", schema=rows.schema)
        table.append(rows)
        self.assertEqual(self.rows("theirs.t"), [[7, 21]])
        self.firn("table", "append", "theirs.t", self.file("theirs", 100))
        self.assertEqual(table.refresh().scan().to_arrow().num_rows, 17)

    def test_processes_that_append_at_once(self):
        processes, each = 4, 8
        self.firn("import", self.file("first", 0), "--into", "crowd.t", "--property",
                  "commit.retry.num-retries=100")

        def work(process):
            for i in range(each):
                at = 1000 * (process + 1) + 10 * i
                self.firn("table", "append", "crowd.t", self.file(f"crowd{process}", at))

        with concurrent.futures.ThreadPoolExecutor(processes) as pool:
            list(pool.map(work, range(processes)))
        ids = [row[0] for row in self.rows("crowd.t", "id")]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(len(ids), 10 + 10 * processes * each)

    def test_answers_to_commits_that_are_lost(self):
        proxy = LossyProxy(self.server.uri)
        self.addCleanup(proxy.stop)
        lossy = self.server.catalog.replace(self.server.uri, proxy.uri)
        self.firn("import", self.file("lost", 0), "--into", "lost.t")
        for i in range(1, 10):
            self.firn("table", "append", "lost.t", self.file("lost", 10 * i), catalog=lossy)
        self.assertGreater(proxy.lost, 2)
        ids = sorted(row[0] for row in self.rows("lost.t", "id"))
        self.assertEqual(ids, list(range(100)))

    def test_a_running_firn_settles_into_it(self):
        """Samples become rows, each once, across kills and lost answers."""
        proxy = LossyProxy(self.server.uri)
        self.addCleanup(proxy.stop)
        (self.directory / "serve").mkdir()
        serve = firn_server.Server(
            self.directory / "serve", "--settle-interval", "0s", "--catalog",
            self.server.catalog.replace(self.server.uri, proxy.uri),
            wrap=lambda command: firn_server.dies_with_us(
                ["env", *(f"{key}={value}" for key, value in self.environment.items()),
                 *command]))
        self.addCleanup(serve.close)
        serve.start()
        start_ms = int(time.time() * 1000) - 600_000
        for batch in range(8):
            answer = serve.write(request(*[
                series({"__name__": "m", "instance": f"h{i}"},
                       [(start_ms + 1000 * batch, float(batch))]) for i in range(10)]))
            self.assertEqual(answer.status, 204, answer)
            if batch % 3 == 2:
                serve.kill()
                serve.start()
            serve.settle()
        self.assertGreater(proxy.lost, 2)
        self.assertEqual(serve.sql("SELECT count(*), sum(value) FROM metrics.samples"),
                         [[80, 280.0]])
        self.assertEqual(serve.stop(), 0)
        self.assertEqual(self.rows("metrics.samples", "count(*), sum(value)"),
                         [[80, 280.0]])
        read = self.pyiceberg().load_table("metrics.samples")
        self.assertEqual(read.scan().to_arrow().num_rows, 80)


class LossyProxy:
    """Stands before a server and closes every third connection whose request commits to a
    table, once the server has answered it."""

    def __init__(self, uri):
        proxy = self
        self.lost = 0
        self._commits = 0
        host, _, path = uri.removeprefix("http://").partition("/")

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                request = urllib.request.Request(
                    f"http://{host}{self.path}", data=body if length else None,
                    headers=dict(self.headers), method=self.command)
                try:
                    with urllib.request.urlopen(request) as response:
                        status, data = response.status, response.read()
                except urllib.error.HTTPError as error:
                    status, data = error.code, error.read()
                if self.command == "POST" and b'"requirements"' in body:
                    proxy._commits += 1
                    if proxy._commits % 3 == 0:
                        proxy.lost += 1
                        self.close_connection = True
                        return
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_HEAD = do_DELETE = handle_any

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.uri = f"http://127.0.0.1:{self._server.server_port}" + (f"/{path}" if path else "")

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class IcebergTest(AnyServer, ServerTest):
    """Iceberg's own, with tables on the local disk, which lists two names a page."""

    @classmethod
    def start(cls):
        return start_iceberg(cls.directory, {
            "warehouse": f"file://{cls.directory}/warehouse", "test.page-size": "2",
            "io-impl": "org.apache.iceberg.hadoop.HadoopFileIO"})

    def test_listings_of_many_pages(self):
        names = {f"{ns}.t{i}" for ns in ("pages", "pages.in", "pages.in.between",
                                         "pages.out") for i in range(5)}
        for name in sorted(names):
            self.firn("import", self.file("pages", 0, 1), "--into", name)
        self.assertEqual({name for name in self.tables() if name.startswith("pages")},
                         names)

    def test_the_database_behind_it_is_a_catalog_of_firns(self):
        """What Iceberg's JDBC catalog and firn's SQLite catalog write, each reads."""
        database = f"sqlite:///{self.directory}/catalog.db"
        warehouse = ("--warehouse", f"{self.directory}/warehouse")
        self.firn("import", self.file("jdbc", 0), "--into", "jdbc.t")
        self.firn("table", "append", "jdbc.t", self.file("jdbc", 10), *warehouse,
                  catalog=database)
        self.assertEqual(self.rows("jdbc.t"), [[20, 190]])
        self.firn("import", self.file("jdbc", 0), "--into", "jdbc.of.firn", *warehouse,
                  catalog=database)
        self.firn("table", "append", "jdbc.of.firn", self.file("jdbc", 10))
        self.assertEqual(self.rows("jdbc.of.firn", flags=warehouse, catalog=database),
                         [[20, 190]])

    def test_views_are_listed_and_are_no_tables(self):
        self.firn("import", self.file("views", 0), "--into", "views.t")
        version = {"version-id": 1, "timestamp-ms": 1, "schema-id": 0, "summary": {},
                   "default-namespace": ["views"],
                   "representations": [{"type": "sql", "sql": "SELECT 1 AS one",
                                        "dialect": "duckdb"}]}
        view = {"name": "v", "properties": {}, "view-version": version,
                "schema": {"type": "struct", "schema-id": 0, "fields": [
                    {"id": 1, "name": "one", "required": False, "type": "int"}]}}
        request = urllib.request.Request(
            f"{self.server.uri}/v1/namespaces/views/views", json.dumps(view).encode(),
            {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as response:
            self.assertEqual(response.status, 200)
        done = subprocess.run([OPTIONS["probe"], "list", self.server.catalog, ""],
                              check=True, capture_output=True, text=True)
        self.assertIn("views\n  views.t\n  views.v (view)\n", done.stdout)
        self.assertIn("views.t", self.tables())
        self.assertNotIn("views.v", self.tables())
        self.refused("import", self.file("views", 0), "--into", "views.v")


class NessieTest(AnyServer, ServerTest):
    """Nessie, which has a prefix, and tables in MinIO, to which firn has keys of its own."""
    environment = {**KEYS, "FIRN_TEST_REST_IS_NESSIE": "1"}
    expires = False

    @classmethod
    def start(cls):
        cls.store = start_minio(cls.directory)
        cls.addClassCleanup(cls.store.stop)
        cls.properties = {"s3.access-key-id": object_stores.ACCESS_KEY,
                          "s3.secret-access-key": object_stores.SECRET_KEY}
        return start_nessie(cls.directory, cls.store, BUCKET)

    def test_a_warehouse_that_is_not_there(self):
        said = self.refused("table", "ls", "--warehouse", "elsewhere")
        self.assertIn("elsewhere", said)


class StrangersTest(ServerTest):
    """Iceberg's own, which lets nobody in but a client with a token of its own."""

    @classmethod
    def start(cls):
        return start_iceberg(cls.directory, {
            "warehouse": f"file://{cls.directory}/warehouse", "test.client": "somebody",
            "io-impl": "org.apache.iceberg.hadoop.HadoopFileIO"})

    def test_a_client_gets_a_token(self):
        client = {"FIRN_REST_CLIENT_ID": "somebody", "FIRN_REST_CLIENT_SECRET": "s3cret"}
        self.firn("import", self.file("token", 0), "--into", "auth.t", environment=client)
        self.assertEqual(self.rows("auth.t", environment=client), [[10, 45]])
        token = {"FIRN_REST_TOKEN": "client-credentials-token:sub=somebody"}
        self.assertEqual(self.rows("auth.t", environment=token), [[10, 45]])
        read = RestCatalog("rest", uri=self.server.uri, credential="somebody:s3cret")
        self.assertEqual(read.load_table("auth.t").scan().to_arrow().num_rows, 10)

    def test_others_are_refused(self):
        for environment in ({}, {"FIRN_REST_TOKEN": "stolen"},
                            {"FIRN_REST_CLIENT_ID": "nobody",
                             "FIRN_REST_CLIENT_SECRET": "s3cret"}):
            said = self.refused("table", "ls", environment=environment)
            self.assertIn("who are you?", said)
            self.assertIn("HTTP 401", said)
            self.assertNotIn("s3cret", said)
            self.assertNotIn("stolen", said)


class Lending:
    """Tables in MinIO, to which firn and PyIceberg have no keys but those that are lent."""

    def test_what_is_lent_opens_a_table(self):
        self.firn("import", self.file("lent", 0), "--into", "lent.t")
        self.firn("table", "append", "lent.t", self.file("lent", 10))
        self.firn("table", "delete", "lent.t", "--filter", "id < 5")
        self.firn("table", "compact", "lent.t")
        self.expire("lent.t")
        self.assertEqual(self.rows("lent.t"), [[15, 180]])
        read = self.pyiceberg().load_table("lent.t")
        self.assertEqual(read.scan().to_arrow().num_rows, 15)

    def test_without_it_there_are_no_keys(self):
        """Some lend to who does not ask: firn does not take it then."""
        self.firn("import", self.file("lent", 0), "--into", "lent.other")
        said = self.refused("sql", "SELECT * FROM lent.other",
                            environment={"FIRN_REST_VENDED_CREDENTIALS": "false",
                                         "AWS_EC2_METADATA_DISABLED": "true"})
        self.assertIn("credentials", said)


class IcebergLendsTest(Lending, ServerTest):
    """Iceberg's own lends the keys that it has."""

    @classmethod
    def start(cls):
        cls.store = start_minio(cls.directory)
        cls.addClassCleanup(cls.store.stop)
        cls.environment = {"FIRN_S3_ENDPOINT": cls.store.endpoint}
        cls.properties = {"s3.endpoint": cls.store.endpoint}
        return start_iceberg(cls.directory, {
            "warehouse": f"s3://{BUCKET}/lends", "include-credentials": "true",
            "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
            "s3.endpoint": cls.store.endpoint, "s3.path-style-access": "true",
            "s3.access-key-id": object_stores.ACCESS_KEY,
            "s3.secret-access-key": object_stores.SECRET_KEY,
            "client.region": "us-east-1"})


class NessieLendsTest(Lending, ServerTest):
    """Nessie has the store make keys for a while, which open one table and nothing else."""
    expires = False

    @classmethod
    def start(cls):
        cls.store = start_minio(cls.directory)
        cls.addClassCleanup(cls.store.stop)
        return start_nessie(cls.directory, cls.store, BUCKET, lends=True)


if __name__ == "__main__":
    for name in [name for name in os.environ if name.startswith(OTHERS_SETTINGS)]:
        del os.environ[name]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conformance", required=True, help="iceberg_test")
    parser.add_argument("--probe", required=True, help="iceberg_probe")
    parser.add_argument("--commits", type=int, default=100)
    firn_server.main(parser)
