# SPDX-License-Identifier: Apache-2.0
"""Programs that read Iceberg tables, each asked for the rows of a table under a condition.

`read(place, condition)` answers a pyarrow.Table; what it has in common with the others is
table_rows.in_order(). `read_tag(place, tag, snapshot_id)` answers the rows that a tag names,
under the columns they had. A Place is a table: where firn put it, and how to ask for it.
"""
import dataclasses
import json
import os
import pathlib
import sys
import time

import pyarrow as pa

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))

from firn_server import run_firn
from table_readers import connect_duckdb, load_table
from table_rows import Condition

from pyiceberg import expressions
from pyiceberg.table import StaticTable

try:
    import chdb
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

# Text of times without a zone means the same to all.
os.environ["TZ"] = "UTC"
time.tzset()


@dataclasses.dataclass(frozen=True)
class Place:
    """A table of a warehouse on the local disk."""
    warehouse: pathlib.Path
    catalog: str | None  # What --catalog says.
    name: str  # namespace.table

    @property
    def flags(self):
        return ["--warehouse", self.warehouse,
                *(["--catalog", self.catalog] if self.catalog else [])]

    @property
    def directory(self):
        return self.warehouse.joinpath(*self.name.split("."))

    @property
    def metadata_file(self):
        done = run_firn("table", "describe", self.name, "--json", *self.flags)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["metadata_location"].removeprefix("file://")


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def duckdb_literal(value, arrow):
    if arrow == pa.binary(16):
        return f"'{value.hex()}'::UUID"
    return blob_literal(value, arrow)


def blob_literal(value, arrow):
    """DuckDB's words, where a UUID is bytes as well."""
    if pa.types.is_binary(arrow) or pa.types.is_fixed_size_binary(arrow):
        return "'" + "".join(f"\\x{byte:02X}" for byte in value) + "'::BLOB"
    if pa.types.is_string(arrow):
        return quoted(value)
    if pa.types.is_timestamp(arrow) and arrow.tz:
        return f"'{value.isoformat()}'::TIMESTAMPTZ"
    kind = {pa.bool_(): "BOOLEAN", pa.int32(): "INTEGER", pa.int64(): "BIGINT",
            pa.float32(): "FLOAT", pa.float64(): "DOUBLE", pa.date32(): "DATE",
            pa.time64("us"): "TIME", pa.timestamp("us"): "TIMESTAMP"}.get(
                arrow, f"DECIMAL({getattr(arrow, 'precision', 0)}, "
                       f"{getattr(arrow, 'scale', 0)})")
    return f"'{value}'::{kind}"


def spark_literal(value, arrow):
    if arrow == pa.binary(16):
        text = value.hex()
        return quoted("-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])))
    if pa.types.is_binary(arrow) or pa.types.is_fixed_size_binary(arrow):
        return f"X'{value.hex()}'"
    if pa.types.is_string(arrow):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if pa.types.is_timestamp(arrow):
        return f"TIMESTAMP{'' if arrow.tz else '_NTZ'} '{value.isoformat(' ')}'"
    kind = {pa.bool_(): "BOOLEAN", pa.int32(): "INT", pa.int64(): "BIGINT",
            pa.float32(): "FLOAT", pa.float64(): "DOUBLE", pa.date32(): "DATE"}.get(
                arrow, f"DECIMAL({getattr(arrow, 'precision', 0)}, "
                       f"{getattr(arrow, 'scale', 0)})")
    return f"CAST('{value}' AS {kind})"


def clickhouse_literal(value, arrow):
    if arrow == pa.binary(16):
        return f"toUUID('{value.hex()}')"
    if pa.types.is_fixed_size_binary(arrow):
        return f"toFixedString(unhex('{value.hex()}'), {arrow.byte_width})"
    if pa.types.is_binary(arrow):
        return f"unhex('{value.hex()}')"
    if pa.types.is_string(arrow):
        return f"unhex('{value.encode().hex()}')"
    if pa.types.is_timestamp(arrow):
        return f"toDateTime64('{value.replace(tzinfo=None).isoformat(' ')}', 6, 'UTC')"
    kind = {pa.bool_(): "Bool", pa.int32(): "Int32", pa.int64(): "Int64",
            pa.float32(): "Float32", pa.float64(): "Float64", pa.date32(): "Date32"}.get(
                arrow, f"Decimal({getattr(arrow, 'precision', 0)}, "
                       f"{getattr(arrow, 'scale', 0)})")
    return f"CAST('{value}' AS {kind})"


def where(condition, literal, **kwargs):
    return f" WHERE {condition.sql(literal, **kwargs)}" if condition else ""


class Firn:
    name = "firn"

    def read(self, place, condition=None):
        done = run_firn("sql", f"SELECT * FROM {place.name}" +
                        where(condition, duckdb_literal), "--format", "arrow", *place.flags)
        assert done.returncode == 0, done.stderr.decode()
        return pa.ipc.open_stream(done.stdout).read_all()

    def read_tag(self, place, tag, snapshot_id):
        done = run_firn("table", "scan", place.name, "--ref", tag, "--format", "arrow",
                        *place.flags)
        assert done.returncode == 0, done.stderr.decode()
        return pa.ipc.open_stream(done.stdout).read_all()


class PyIceberg:
    name = "PyIceberg"
    OPERATORS = {"=": expressions.EqualTo, "<": expressions.LessThan,
                 ">=": expressions.GreaterThanOrEqual, "is null": expressions.IsNull,
                 "is not null": expressions.NotNull, "is nan": expressions.IsNaN}

    def read(self, place, condition=None):
        return self._load(place).scan(row_filter=self._filter(condition)).to_arrow()

    def read_tag(self, place, tag, snapshot_id):
        return self._load(place).scan().use_ref(tag).to_arrow()

    @staticmethod
    def _load(place):
        return (StaticTable.from_metadata(place.metadata_file) if place.catalog
                else load_table(place.warehouse, place.name))

    def _filter(self, condition):
        if condition is None:
            return expressions.AlwaysTrue()
        made = self.OPERATORS[condition.operator]
        if condition.value is None:
            return made(condition.column)
        return made(condition.column, condition.value)


class DuckDB:
    name = "DuckDB"

    def __init__(self):
        self.connection = connect_duckdb()
        assert self.connection is not None, "DuckDB's extensions are not there"
        self.connection.execute("SET TimeZone = 'UTC'")

    def read(self, place, condition=None):
        return self.connection.execute(
            f"SELECT * FROM iceberg_scan({quoted(place.metadata_file)})" +
            where(condition, duckdb_literal)).to_arrow_table()

    def read_tag(self, place, tag, snapshot_id):
        return self.connection.execute(
            f"SELECT * FROM iceberg_scan({quoted(place.metadata_file)}, "
            f"snapshot_from_id := {snapshot_id})").to_arrow_table()


class ClickHouse:
    """It reads files below the current directory only."""
    name = "ClickHouse"

    def read(self, place, condition=None):
        return self._query(place, where(condition, clickhouse_literal, is_nan="isNaN({})"))

    def read_tag(self, place, tag, snapshot_id):
        return self._query(place, "", f", iceberg_snapshot_id = {snapshot_id}")

    @staticmethod
    def _query(place, condition, settings=""):
        # Its String is bytes as well as text.
        answer = chdb.query(
            f"SELECT * FROM icebergLocal({quoted(str(place.directory))}){condition} "
            f"SETTINGS output_format_arrow_string_as_string = 0{settings}", "Arrow")
        return pa.ipc.open_file(pa.BufferReader(answer.bytes())).read_all()


class SparkSql:
    name = "Spark"

    def __init__(self, spark, catalog="h"):
        self.spark = spark
        self.catalog = catalog

    def read(self, place, condition=None):
        return self.spark.sql(f"SELECT * FROM {self.catalog}.{place.name}" +
                              where(condition, spark_literal)).toArrow()

    def read_tag(self, place, tag, snapshot_id):
        return self.spark.sql(f"SELECT * FROM {self.catalog}.{place.name} "
                              f"VERSION AS OF {quoted(tag)}").toArrow()
