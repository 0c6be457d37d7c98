# SPDX-License-Identifier: Apache-2.0
"""Reads what firn settled, without firn: PyIceberg on the warehouse's SQLite catalog.

    read_with_pyiceberg.py WAREHOUSE
"""

import os
import sys

from pyiceberg.catalog.sql import SqlCatalog

warehouse = os.path.abspath(sys.argv[1])
catalog = SqlCatalog("firn", uri=f"sqlite:///{warehouse}/catalog.db")
table = catalog.load_table("metrics.samples")
rows = table.scan(selected_fields=("metric", "ts", "value")).to_arrow()
print(f"metrics.samples: {rows.num_rows} rows in "
      f"{len(list(table.scan().plan_files()))} files")
print(rows.slice(max(0, rows.num_rows - 5)).to_pylist())
if rows.num_rows == 0:
    print("Nothing has settled yet: POST /-/settle, then run this again.")
