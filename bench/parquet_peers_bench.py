# SPDX-License-Identifier: Apache-2.0
"""Scans of Parquet files by firn beside PyArrow, DuckDB, Polars and DataFusion.

Run by `./dev bench parquet_peers` with the path of firn, in the Python that has the peers.
The engines take turns, each in a process of its own that is bound to one or two cores, on
files that lie in the page cache. Every engine hands out all columns asked for as batches
(Polars as one frame). Prints one JSON object a measurement; the last lines hold the ratios
and the targets.

  scan       2 M log records of 1 KB, zstd 1, every column; on one core and on two
  columns    3 of 50 columns of a million rows
  range      the fifth of the records that a range of their sorted time column holds

FIRN_BENCH_SCALE divides the rows, for a quick look.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 3
SCALE = int(os.environ.get("FIRN_BENCH_SCALE", "1"))
RECORDS = 2_000_000 // SCALE
ROWS = 1_000_000 // SCALE
START_US = 1_700_000_000_000_000
PEERS = ("pyarrow", "duckdb", "polars", "datafusion")
THREE = ["c7", "c23", "c41"]


def instant(us):
    """RFC 3339 of microseconds since 1970."""
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(us // 1_000_000))
    return f"{seconds}.{us % 1_000_000:06d}Z"


def scan_pyarrow(path, columns, bounds, threads):
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq
    pa.set_cpu_count(threads)
    if bounds is None:
        file = pq.ParquetFile(path)
        return sum(batch.num_rows for batch in
                   file.iter_batches(65536, columns=columns, use_threads=threads > 1))
    at = [pa.scalar(us, pa.timestamp("us", "UTC")) for us in bounds]
    kept = (ds.field("ts") >= at[0]) & (ds.field("ts") < at[1])
    batches = ds.dataset(path).to_batches(columns=columns, filter=kept,
                                          use_threads=threads > 1)
    return sum(batch.num_rows for batch in batches)


def select(path, columns, bounds, table):
    where = "" if bounds is None else (
        f" where ts >= timestamptz '{instant(bounds[0])}'"
        f" and ts < timestamptz '{instant(bounds[1])}'")
    return f"select {', '.join(columns or ['*'])} from {table}{where}"


def scan_duckdb(path, columns, bounds, threads):
    import duckdb
    connection = duckdb.connect(config={"threads": threads})
    connection.execute("set preserve_insertion_order = false")
    relation = connection.sql(select(path, columns, bounds, f"read_parquet('{path}')"))
    return sum(batch.num_rows for batch in relation.to_arrow_reader(65536))


def scan_polars(path, columns, bounds, threads):
    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars as pl
    frame = pl.scan_parquet(path)
    if bounds is not None:
        low, high = (pl.lit(us).cast(pl.Datetime("us", "UTC")) for us in bounds)
        frame = frame.filter((pl.col("ts") >= low) & (pl.col("ts") < high))
    if columns is not None:
        frame = frame.select(columns)
    return frame.collect().height


def scan_datafusion(path, columns, bounds, threads):
    os.environ["TOKIO_WORKER_THREADS"] = str(threads)
    import datafusion
    context = datafusion.SessionContext(
        datafusion.SessionConfig().with_target_partitions(threads))
    context.register_parquet("records", path)
    text = select(path, columns, bounds, "records").replace("timestamptz", "timestamp")
    rows = 0
    for stream in context.sql(text).execute_stream_partitioned():
        for batch in stream:
            rows += batch.to_pyarrow().num_rows
    return rows


def run_peer(name, request):
    """In a process of its own: what `bench_parquet_scan read` prints, for a peer."""
    scan = globals()[f"scan_{name}"]
    __import__(name)  # Not a part of the scan.
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.monotonic()
    rows = scan(request["path"], request["columns"], request["bounds"],
                request["threads"])
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "rows": rows, "seconds": round(seconds, 4),
        "cpu_seconds": round(after.ru_utime + after.ru_stime
                             - before.ru_utime - before.ru_stime, 4),
        "peak_rss_bytes": after.ru_maxrss * 1024}))


def command_of(program, name, request):
    if name != "firn":
        return [sys.executable, __file__, "--peer", name, json.dumps(request)]
    command = [program, "read", request["path"], "--threads", str(request["threads"])]
    if request["columns"] is not None:
        command += ["--columns", ",".join(request["columns"])]
    if request["bounds"] is not None:
        low, high = (instant(us) for us in request["bounds"])
        command += ["--where", f"ts >= TIMESTAMP '{low}' AND ts < TIMESTAMP '{high}'"]
    return command


def measure(program, name, request):
    cores = sorted(os.sched_getaffinity(0))[:request["threads"]]
    # Polars reads the count of threads when it is imported, DataFusion when it starts.
    env = {**os.environ, "POLARS_MAX_THREADS": str(request["threads"]),
           "TOKIO_WORKER_THREADS": str(request["threads"])}
    done = subprocess.run(command_of(program, name, request), stdout=subprocess.PIPE,
                          check=True, env=env,
                          preexec_fn=lambda: os.sched_setaffinity(0, cores))
    return json.loads(done.stdout)


def compare(program, case, path, columns=None, bounds=None, threads=1, rows=None):
    """Medians by engine, all of them in turn RUNS times."""
    request = {"path": path, "columns": columns, "bounds": bounds, "threads": threads}
    results = {name: [] for name in ("firn", *PEERS)}
    for _ in range(RUNS):
        for name, runs in results.items():
            runs.append(measure(program, name, request))
    medians = {}
    for name, runs in results.items():
        seconds = statistics.median(run["seconds"] for run in runs)
        line = {"bench": "parquet_peers", "case": case, "engine": name,
                "threads": threads, "rows": runs[0]["rows"], "seconds": round(seconds, 4),
                "records_per_s": round(runs[0]["rows"] / seconds),
                "cpu_seconds": round(statistics.median(r["cpu_seconds"] for r in runs), 3),
                "peak_rss_mb": round(max(r["peak_rss_bytes"] for r in runs) / 1e6)}
        for key in ("bytes_read", "file_bytes", "requests", "row_groups_pruned"):
            if key in runs[0]:
                line[key] = runs[0][key]
        if rows is not None and name != "firn" and runs[0]["rows"] != rows:
            sys.exit(f"{case}: {name} gave {runs[0]['rows']} rows, not {rows}")
        print(json.dumps(line), flush=True)
        medians[name] = line
    return medians


def claim(text, value, target, holds):
    print(json.dumps({"bench": "parquet_peers", "claim": text, "value": round(value, 3),
                      "target": target, "met": holds}), flush=True)


def main(firn):
    program = os.path.join(os.path.dirname(firn), "bench", "bench_parquet_scan")
    with tempfile.TemporaryDirectory(prefix="firn-bench-parquet-") as directory:
        records = os.path.join(directory, "records.parquet")
        wide = os.path.join(directory, "wide.parquet")
        for kind, path, rows in (("records", records, RECORDS), ("columns", wide, ROWS)):
            subprocess.run([program, "make", kind, path, str(rows)], check=True)
            with open(path, "rb") as file:  # Into the page cache.
                while file.read(1 << 24):
                    pass
        bounds = [START_US + RECORDS * 1_000 * part // 5 for part in (2, 3)]
        one = compare(program, "scan", records, rows=RECORDS)
        two = compare(program, "scan", records, threads=2, rows=RECORDS)
        three = compare(program, "columns", wide, columns=THREE, rows=ROWS)
        part = compare(program, "range", records, bounds=bounds)

    ratio = one["pyarrow"]["seconds"] / one["firn"]["seconds"]
    claim("scan, one core: firn's rate by PyArrow's", ratio, ">= 1.0", ratio >= 1)
    ratio = one["pyarrow"]["seconds"] / two["firn"]["seconds"]
    claim("scan, two cores: firn's rate by PyArrow's on one", ratio, ">= 1.9", ratio >= 1.9)
    for engine in PEERS:
        ratio = one[engine]["seconds"] / one["firn"]["seconds"]
        claim(f"scan, one core: firn's rate by {engine}'s", ratio, "", None)
    share = three["firn"]["bytes_read"] / three["firn"]["file_bytes"]
    claim("3 of 50 columns: share of the bytes", share, "< 0.07", share < 0.07)
    pace = three["firn"]["seconds"] * 1e6 / ROWS
    claim("3 of 50 columns: seconds for a million rows", pace, "< 0.05", pace < 0.05)
    skipped = 1 - part["firn"]["bytes_read"] / part["firn"]["file_bytes"]
    claim("a fifth by range: share of the bytes skipped", skipped, ">= 0.75",
          skipped >= 0.75)


if __name__ == "__main__":
    if sys.argv[1] == "--peer":
        run_peer(sys.argv[2], json.loads(sys.argv[3]))
    else:
        main(sys.argv[1])
