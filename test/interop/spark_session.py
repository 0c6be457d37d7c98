# SPDX-License-Identifier: Apache-2.0
"""A Spark of this process with Iceberg's Java library: local, on the loopback interface, and
ended by its process id. A test that imports this exits 77, skipped, where a part is missing."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

try:
    import pyspark
    from pyspark.sql import SparkSession
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)
if shutil.which("java") is None:
    print("skipped: there is no Java")
    sys.exit(77)

STOP_WITHIN_S = 60
SQL_CATALOG = "firn"


class Spark:
    """Tables of a Hadoop catalog in `warehouse` are `h.<namespace>.<table>`."""

    def __init__(self, warehouse):
        jars = pathlib.Path(pyspark.__file__).parent.parent / "jars"
        self.directory = tempfile.TemporaryDirectory(prefix="firn-spark-")
        # Another Spark of the user's, and its settings, are of no concern here.
        for name in ("SPARK_HOME", "SPARK_CONF_DIR"):
            os.environ.pop(name, None)
        logging = pathlib.Path(self.directory.name) / "log4j2.properties"
        logging.write_text("rootLogger.level = error\n"
                           "rootLogger.appenderRef.stderr.ref = stderr\n"
                           "appender.stderr.type = Console\n"
                           "appender.stderr.name = stderr\n"
                           "appender.stderr.target = SYSTEM_ERR\n")
        settings = {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.memory": "1g",
            "spark.driver.extraClassPath": jars / "*",
            "spark.driver.extraJavaOptions":
                f"-Dlog4j2.configurationFile={logging} -Dderby.system.home="
                f"{self.directory.name} -XX:+UseSerialGC -XX:TieredStopAtLevel=1",
            "spark.local.dir": self.directory.name,
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.warehouse.dir": self.directory.name,
            "spark.sql.extensions":
                "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.catalog.h": "org.apache.iceberg.spark.SparkCatalog",
            "spark.sql.catalog.h.type": "hadoop",
            "spark.sql.catalog.h.warehouse": f"file://{warehouse}",
            # Tables change under it.
            "spark.sql.catalog.h.cache-enabled": "false",
        }
        builder = SparkSession.builder.master("local[2]").appName("firn")
        for name, value in settings.items():
            builder = builder.config(name, str(value))
        self.session = builder.getOrCreate()

    def add_rest_catalog(self, name, uri):
        """Makes the tables of an Iceberg REST catalog known as `<name>.<namespace>.<table>`."""
        prefix = f"spark.sql.catalog.{name}"
        for key, value in (("", "org.apache.iceberg.spark.SparkCatalog"), (".type", "rest"),
                           (".uri", uri), (".cache-enabled", "false")):
            self.session.conf.set(prefix + key, value)

    def open_sql_catalog(self, warehouse):
        """A session in which the tables of a warehouse with an SQLite catalog are
        `firn.<namespace>.<table>`: Iceberg's JDBC catalog knows them by that name."""
        session = self.session.newSession()
        prefix = f"spark.sql.catalog.{SQL_CATALOG}"
        for key, value in (
                ("", "org.apache.iceberg.spark.SparkCatalog"),
                (".catalog-impl", "org.apache.iceberg.jdbc.JdbcCatalog"),
                (".uri", f"jdbc:sqlite:{warehouse}/catalog.db"),
                (".jdbc.schema-version", "V1"),
                # How long a statement waits for another process's lock.
                (".jdbc.busy_timeout", "10000"),
                (".warehouse", f"file://{warehouse}"),
                (".cache-enabled", "false")):
            session.conf.set(prefix + key, value)
        return session

    def sql(self, statement):
        return self.session.sql(statement)

    @property
    def java(self):
        """Packages of the Java machine, such as java.org.apache.iceberg.Schema."""
        return self.session.sparkContext._jvm

    def java_table(self, name):
        """Iceberg's own object for `h.<name>`, at its current version."""
        return self.java.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(
            self.session._jsparkSession, f"h.{name}")

    def stop(self):
        gateway = self.session.sparkContext._gateway
        self.session.stop()
        gateway.shutdown()
        process = gateway.proc
        # It ends where its standard input does.
        process.stdin.close()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        pyspark.SparkContext._gateway = None
        pyspark.SparkContext._jvm = None
        self.directory.cleanup()
