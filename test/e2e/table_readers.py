# SPDX-License-Identifier: Apache-2.0
"""Reads firn's tables without firn: PyIceberg through the warehouse's SQLite catalog, and
DuckDB's own Iceberg extension from the current metadata file. A test that imports this
exits 77, skipped, where a package is missing."""
import pathlib
import sys

try:
    import duckdb
    import pyarrow  # noqa: F401  (what to_arrow() answers with)
    from pyiceberg.catalog.sql import SqlCatalog
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)


def load_table(warehouse, name):
    """A PyIceberg table as committed now."""
    catalog = SqlCatalog("firn", uri=f"sqlite:///{warehouse}/catalog.db")
    try:
        return catalog.load_table(name)
    finally:
        catalog.engine.dispose()


def connect_duckdb():
    """A DuckDB connection with iceberg_scan(), or None where the extensions are not there.
    They are loaded by path: nothing is downloaded."""
    connection = duckdb.connect()
    site = pathlib.Path(duckdb.__file__).parent.parent
    for name in ("avro", "httpfs", "iceberg"):
        found = list(site.glob(f"duckdb_extension_{name}/extensions/*/{name}"
                               ".duckdb_extension"))
        if not found:
            return None
        connection.execute(f"LOAD '{found[0]}'")
    return connection
