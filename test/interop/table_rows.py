# SPDX-License-Identifier: Apache-2.0
"""Rows that cover every type a table of format version 2 has, the conditions they are
filtered by, and the form in which answers of different programs are compared.

The Arrow schema of the rows is the measure: what an engine answers is brought to it, so that
a UUID that one prints as text and another as bytes is the same value.
"""
import dataclasses
import datetime
import decimal
import math
import struct
import uuid

import pyarrow as pa

UTC = datetime.timezone.utc
UUID = pa.binary(16)
D = decimal.Decimal
DT = datetime.datetime


@dataclasses.dataclass(frozen=True)
class Column:
    """`values` are what its rows take in turn; None is among them."""
    name: str
    iceberg: str
    arrow: pa.DataType
    values: tuple


def _single(value):
    """The nearest float of 32 bits."""
    return struct.unpack("f", struct.pack("f", value))[0]


# The numbers of values have few common divisors, so that the columns do not move together.
COLUMNS = {column.name: column for column in (
    Column("b", "boolean", pa.bool_(), (True, False, None)),
    Column("i", "int", pa.int32(), (0, -1, 7, 2**31 - 1, -70, 70, None)),
    Column("l", "long", pa.int64(), (1, 2**53 + 1, -10, None, 2**63 - 1, -99, 99, 34)),
    # Truncating the least number overflows in every engine, so it has columns of its own.
    Column("least_i", "int", pa.int32(), (-2**31, None, 5)),
    Column("least_l", "long", pa.int64(), (5, -2**63, None)),
    Column("f", "float", pa.float32(),
           (0.0, _single(1.1), -2.5, math.nan, math.inf, -math.inf, None)),
    Column("d", "double", pa.float64(),
           (1.1, 0.0, 5e-324, math.nan, None, math.inf, -math.inf, -1e300, 2.5)),
    Column("dec9", "decimal(9, 2)", pa.decimal128(9, 2),
           (D("0.00"), D("10.65"), D("-10.65"), D("9999999.99"), None)),
    Column("dec18", "decimal(18, 4)", pa.decimal128(18, 4),
           (D("1.0000"), None, D("-99999999999999.9999"), D("3.1416"))),
    Column("dec38", "decimal(38, 10)", pa.decimal128(38, 10),
           (D("1.0000000001"), D("-1.0000000000"), None, D("0E-10"),
            D("9999999999999999999999999999.9999999999"))),
    Column("day", "date", pa.date32(),
           (datetime.date(1970, 1, 1), datetime.date(1969, 12, 31), None,
            datetime.date(2261, 12, 31), datetime.date(1900, 1, 1),
            datetime.date(2024, 2, 29))),
    Column("ts", "timestamp", pa.timestamp("us"),
           (DT(1970, 1, 1), DT(1969, 12, 31, 23, 59, 59, 999999),
            DT(2024, 2, 29, 12, 30, 0, 1), None, DT(1901, 1, 1),
            DT(2261, 12, 31, 23, 59, 59, 999999), DT(2024, 2, 29, 13))),
    Column("tz", "timestamptz", pa.timestamp("us", "UTC"),
           (DT(2024, 2, 29, 12, 30, 0, 1, UTC), None, DT(1970, 1, 1, tzinfo=UTC),
            DT(1969, 12, 31, 23, 59, 59, 999999, UTC), DT(2024, 2, 29, 23, tzinfo=UTC))),
    Column("s", "string", pa.string(),
           ("", "a", "Zürich", "a/b=c d%", "名前", "🧊🧊🧊", None, "x" * 40, "NULL",
            "it's", "line\nbreak")),
    Column("u", "uuid", UUID,
           (uuid.UUID(int=0).bytes, uuid.UUID(int=2**128 - 1).bytes, None,
            uuid.UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7").bytes)),
    Column("fx", "fixed(4)", pa.binary(4),
           (b"\0\0\0\0", b"\xff\xff\xff\xff", b"abcd", None, b"\x7f\x80\0\1")),
    Column("bin", "binary", pa.binary(), (b"", b"\0", None, b"\xff\xfe", b"abcdefgh" * 5)),
    Column("tags", "list<string>", pa.list_(pa.string()),
           (["a", None, "b"], [], None, ["é"])),
    Column("props", "map<string, double>", pa.map_(pa.string(), pa.float64()),
           ([("a", 1.5), ("b", None)], [], None)),
    Column("st", "struct<x: int, y: string, z: list<long>, q: double>",
           pa.struct([("x", pa.int32()), ("y", pa.string()), ("z", pa.list_(pa.int64())),
                      ("q", pa.float64())]),
           ({"x": 1, "y": "a", "z": [1, None], "q": 0.5},
            {"x": None, "y": None, "z": None, "q": None}, None,
            {"x": -5, "y": "", "z": [], "q": math.nan})),
    # Spark makes a struct of NULLs of a NULL struct where a part of it is partitioned by.
    Column("never", "struct<x: int, y: string>",
           pa.struct([("x", pa.int32()), ("y", pa.string())]),
           ({"x": 1, "y": "a"}, {"x": None, "y": None}, {"x": -5, "y": ""})),
    # Spark has no such type, so this one is kept apart.
    Column("clock", "time", pa.time64("us"),
           (datetime.time(0), datetime.time(12, 30, 0, 1), None,
            datetime.time(23, 59, 59, 999999))),
)}
ALL = tuple(name for name in COLUMNS if name != "clock")


def schema(names=ALL):
    return pa.schema([pa.field("id", pa.int64(), nullable=False)] +
                     [pa.field(name, COLUMNS[name].arrow) for name in names])


def columns_text(names=ALL):
    """What `firn table create --columns` takes."""
    return ", ".join(["id long required"] +
                     [f"{name} {COLUMNS[name].iceberg}" for name in names])


def rows(ids, names=ALL):
    """A dict for each id. The same id is always the same row."""
    found = []
    for number in ids:
        row = {"id": number}
        for place, name in enumerate(names):
            values = COLUMNS[name].values
            row[name] = values[(number + place) % len(values)]
        found.append(row)
    return found


def to_arrow(some, names=ALL):
    return pa.Table.from_pylist(some, schema(names))


# --- Conditions.

@dataclasses.dataclass(frozen=True)
class Condition:
    column: str
    operator: str  # One of = < >= "is null" "is not null" "is nan".
    value: object = None
    arrow: pa.DataType | None = None  # Of the column, where it is none of COLUMNS.

    def holds(self, row):
        value = row[self.column]
        if self.operator == "is null":
            return value is None
        if value is None:
            return False
        if self.operator == "is not null":
            return True
        if self.operator == "is nan":
            return isinstance(value, float) and math.isnan(value)
        return {"=": value == self.value, "<": value < self.value,
                ">=": value >= self.value}[self.operator]

    def sql(self, literal, is_nan="isnan({})"):
        """For a dialect that writes values as `literal(value, arrow type)` does."""
        if self.operator == "is nan":
            return is_nan.format(self.column)
        if self.value is None:
            return f"{self.column} {self.operator}"
        arrow = self.arrow or (
            pa.int64() if self.column == "id" else COLUMNS[self.column].arrow)
        return f"{self.column} {self.operator} {literal(self.value, arrow)}"


def conditions(name):
    """For one column: each value but those that engines order in different ways (NaN), the
    halves below and from one value on, and NULL."""
    values = [value for value in COLUMNS[name].values
              if value is not None and not (isinstance(value, float) and math.isnan(value))]
    found = [Condition(name, "is null"), Condition(name, "is not null")]
    found += [Condition(name, "=", value) for value in values]
    if name in ("f", "d"):
        # >= would have to say on which side NaN is.
        found += [Condition(name, "is nan")]
    elif name not in ("b", "u"):
        # Engines compare UUIDs as signed or unsigned numbers, or as text.
        found += [Condition(name, ">=", values[1])]
    if name not in ("b", "u"):
        found += [Condition(name, "<", values[1])]
    return found


# --- Comparing.

def _conform(column, wanted):
    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks],
                                  column.type.storage_type)
    if wanted == UUID and pa.types.is_string(column.type):
        return pa.chunked_array([pa.array(
            [None if text is None else uuid.UUID(text).bytes for text in column.to_pylist()],
            UUID)])
    return column.cast(wanted)


def _plain(value):
    """NaN equals itself, and maps are in no order."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        if value and isinstance(value[0], tuple):
            return {key: _plain(one) for key, one in value}
        return [_plain(one) for one in value]
    return value


def in_order(table, names=ALL):
    """An answer in Arrow as plain rows by id, for assertEqual with that of another."""
    return plain_rows(table, schema(names))


def plain_rows(table, wanted):
    """The same of any columns, among which `id` is."""
    columns = [_conform(table[field.name], field.type) for field in wanted]
    found = pa.table(columns, names=wanted.names).to_pylist()
    return sorted(({key: _plain(value) for key, value in row.items()} for row in found),
                  key=lambda row: row["id"])


def without_null_collections(some, names=ALL):
    """Rows as a program sees them that knows no NULL list, map or struct."""
    def fill(value, arrow):
        if pa.types.is_struct(arrow):
            value = value or {}
            return {field.name: fill(value.get(field.name), field.type) for field in arrow}
        if value is None and (pa.types.is_list(arrow) or pa.types.is_map(arrow)):
            return []
        return value
    return [{key: value if key == "id" else fill(value, COLUMNS[key].arrow)
             for key, value in row.items()} for row in some]
