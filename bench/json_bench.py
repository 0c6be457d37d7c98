# SPDX-License-Identifier: Apache-2.0
"""Storing and asking records as JSON, and as a table of firn.

Run by `./dev bench json` with the path of firn, in the Python that has DuckDB. The same
records, of eight columns, come from one Arrow file. They are stored, and asked five
questions of the usual kind (a count, a sum by group, a filter, a range of time, the top
ten), by:

  document   Python: all records as one JSON document, made in memory and written at once,
             as services that keep JSON do; asked by loading it
  ndjson     DuckDB: one object a line, streamed; asked by DuckDB's own JSON reader, which
             is told the columns
  firn       `firn import` into a table partitioned by day, `firn sql`

Each step is a process of its own; they take turns. Prints one JSON object a measurement
with wall and CPU seconds and peak memory; the last lines hold the ratios and the targets:
a fifth of the memory, twice as fast to write, a third of the size, five times as fast to
ask. FIRN_BENCH_SCALE divides the records, for a quick look.
"""
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 3
RECORDS = 1_000_000 // int(os.environ.get("FIRN_BENCH_SCALE", "1"))
START_S = 1_700_000_000
COLUMNS = {"ts": "TIMESTAMPTZ", "host": "VARCHAR", "service": "VARCHAR", "path": "VARCHAR",
           "status": "INTEGER", "ms": "DOUBLE", "bytes": "BIGINT", "message": "VARCHAR"}
QUESTIONS = {
    "count": "SELECT count(*) FROM {t}",
    "group": "SELECT service, count(*), avg(ms) FROM {t} GROUP BY service ORDER BY service",
    "filter": "SELECT count(*), sum(bytes) FROM {t} WHERE status = 503 AND ms > 100",
    "range": "SELECT count(*), max(ms) FROM {t} WHERE ts >= TIMESTAMPTZ '{low}' "
             "AND ts < TIMESTAMPTZ '{high}'",
    "top": "SELECT path, sum(bytes) AS total FROM {t} GROUP BY path "
           "ORDER BY total DESC, path LIMIT 10",
}


def instant(second):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


LOW, HIGH = START_S + RECORDS // 8, START_S + RECORDS // 4  # A quarter to a half.


def make_records(path):
    import pyarrow as pa
    dice = random.Random(1)
    services = [f"service-{i}" for i in range(20)]
    with pa.OSFile(str(path), "wb") as file:
        writer = None
        for begin in range(0, RECORDS, 100_000):
            count = min(100_000, RECORDS - begin)
            batch = pa.table({
                "ts": pa.array([(START_S + (begin + i) // 2) * 1_000_000
                                for i in range(count)], pa.timestamp("us", "UTC")),
                "host": [f"host-{dice.randrange(200)}.example" for _ in range(count)],
                "service": [dice.choice(services) for _ in range(count)],
                "path": [f"/api/v1/items/{int(dice.expovariate(0.01))}"
                         for _ in range(count)],
                "status": pa.array([dice.choice((200,) * 17 + (404, 500, 503))
                                    for _ in range(count)], pa.int32()),
                "ms": [round(dice.lognormvariate(3, 1), 3) for _ in range(count)],
                "bytes": [dice.randrange(100, 100_000) for _ in range(count)],
                "message": [f"request {begin + i} done by worker {dice.randrange(64)}"
                            for i in range(count)],
            })
            if writer is None:
                writer = pa.ipc.new_stream(file, batch.schema)
            writer.write_table(batch)
        writer.close()


# What a child process does; the peers run in this file's own Python.

def write_document(records, out):
    import pyarrow as pa
    rows = []
    with pa.ipc.open_stream(records) as stream:
        for batch in stream:
            rows += batch.to_pylist()
    for row in rows:
        row["ts"] = row["ts"].isoformat()
    text = json.dumps(rows)
    with open(out, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def ask_document(document, question):
    with open(document, encoding="utf-8") as file:
        rows = json.load(file)
    if question == "count":
        return [[len(rows)]]
    if question == "group":
        groups = {}
        for row in rows:
            groups.setdefault(row["service"], []).append(row["ms"])
        return [[name, len(ms), sum(ms) / len(ms)] for name, ms in sorted(groups.items())]
    if question == "filter":
        kept = [row["bytes"] for row in rows if row["status"] == 503 and row["ms"] > 100]
        return [[len(kept), sum(kept)]]
    if question == "range":
        low, high = (instant(s).replace("Z", "+00:00") for s in (LOW, HIGH))
        kept = [row["ms"] for row in rows if low <= row["ts"] < high]
        return [[len(kept), max(kept)]]
    totals = {}
    for row in rows:
        totals[row["path"]] = totals.get(row["path"], 0) + row["bytes"]
    return [list(item) for item in
            sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:10]]


def connect():
    import duckdb
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def write_ndjson(records, out):
    import pyarrow as pa
    connection = connect()
    with pa.ipc.open_stream(records) as records_stream:
        connection.register("records", records_stream)
        connection.execute(f"COPY (SELECT * FROM records) TO '{out}' (FORMAT json)")


def ask_ndjson(path, question):
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    table = f"read_json('{path}', format = 'newline_delimited', columns = {{{columns}}})"
    sql = QUESTIONS[question].format(t=table, low=instant(LOW), high=instant(HIGH))
    return [list(row) for row in connect().execute(sql).fetchall()]


def child(arguments):
    kind, *rest = arguments
    answer = {"make_records": make_records, "write_document": write_document, "write_ndjson": write_ndjson,
              "ask_document": ask_document, "ask_ndjson": ask_ndjson}[kind](*rest)
    print(json.dumps(answer))


# ---- Measuring ----

def run(command):
    """Wall seconds, CPU seconds, peak megabytes and output of a process."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return {"wall_s": round(time.perf_counter() - begin, 3),
            "cpu_s": round(used.ru_utime + used.ru_stime, 3),
            "peak_rss_mb": round(used.ru_maxrss / 1024, 1)}, output


def ours(*arguments):
    return [sys.executable, __file__, "--child", *map(str, arguments)]


def same(answers):
    """Whether engines agree, sums of floating-point numbers within rounding."""
    first, *others = answers
    return all(len(a) == len(first) and all(
        abs(x - y) <= 1e-6 * abs(y) if isinstance(y, float) else x == y
        for row, expected in zip(a, first) for x, y in zip(row, expected))
        for a in others)


def size_of(path):
    path = pathlib.Path(path)
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    return sum(file.stat().st_size for file in files)


def main(firn):
    results = {}

    def measure(step, engine, command):
        measured, output = run(command)
        results.setdefault((step, engine), []).append(measured)
        print(json.dumps({"bench": "json", "case": step, "engine": engine,
                          "records": RECORDS, **measured}), flush=True)
        return output

    with tempfile.TemporaryDirectory(prefix="firn-json-bench-") as scratch:
        scratch = pathlib.Path(scratch)
        records = scratch / "records.arrows"
        # In a process of its own too: this one stays small, since what it forks counts
        # its memory as its own.
        run(ours("make_records", records))
        stored = {}
        for turn in range(RUNS):
            at = scratch / str(turn)
            at.mkdir()
            stored = {"document": at / "records.json", "ndjson": at / "records.ndjson",
                      "firn": at / "warehouse"}
            measure("write", "document", ours("write_document", records,
                                              stored["document"]))
            measure("write", "ndjson", ours("write_ndjson", records, stored["ndjson"]))
            measure("write", "firn", [firn, "import", str(records), "--into", "b.records",
                                      "--partition", "day(ts)", "--quiet", "--warehouse",
                                      str(stored["firn"])])
            if turn + 1 < RUNS:
                for path in stored.values():
                    subprocess.run(["rm", "-r", str(path)], check=True)
        sizes = {engine: size_of(path) for engine, path in stored.items()}
        for _ in range(RUNS):
            for question, sql in QUESTIONS.items():
                answers = [
                    json.loads(measure(question, "document",
                                       ours("ask_document", stored["document"], question))),
                    json.loads(measure(question, "ndjson",
                                       ours("ask_ndjson", stored["ndjson"], question))),
                    json.loads(measure(question, "firn", [
                        firn, "sql", sql.format(t="b.records", low=instant(LOW),
                                                high=instant(HIGH)),
                        "--json", "--warehouse", str(stored["firn"])]))["rows"]]
                if not same(answers):
                    raise RuntimeError(f"{question}: the engines disagree: {answers}")

    def median(step, engine, what):
        return statistics.median(m[what] for m in results[step, engine])

    for peer in ("document", "ndjson"):
        asked = [median(q, peer, "wall_s") / median(q, "firn", "wall_s") for q in QUESTIONS]
        print(json.dumps({
            "bench": "json", "ratio_to": peer,
            "memory_saved": round(1 - median("write", "firn", "peak_rss_mb")
                                  / median("write", peer, "peak_rss_mb"), 3),
            "memory_saved_target": 0.8,
            "write_faster": round(median("write", peer, "wall_s")
                                  / median("write", "firn", "wall_s"), 2),
            "write_faster_target": 2,
            "smaller": round(sizes[peer] / sizes["firn"], 2), "smaller_target": 3,
            "queries_faster": round(statistics.median(asked), 2),
            "queries_faster_least": round(min(asked), 2), "queries_faster_target": 5}))


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        child(sys.argv[2:])
    else:
        main(sys.argv[1])
