# SPDX-License-Identifier: Apache-2.0
"""Ingest, settled size and query latency of firn beside Prometheus and VictoriaMetrics.

Run by `./dev bench peers` with the path of firn; the peers are on PATH. Each server is run
in turn, alone, on an empty directory under the same load (remote_write_load_bench.cc says
which). Prints one JSON object a line; the last lines hold the ratios.

  ingest   200 hosts x 50 metrics x 240 samples, one sample a series a request, 2,000
           samples a request, 2 connections; server CPU time by getrusage of the process
  size     the same data at rest, label index excluded: Prometheus's chunks of a snapshot,
           VictoriaMetrics's data parts, firn's columns series_id, ts, value and flags
  query    1,000 hosts x 10 metrics; sum by (job) (rate(metric[5m])) over the 1,000 series
           of one metric, an hour in steps of 15 s; medians of 15, caches off; firn hot,
           then settled
"""

import glob
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

RUNS = 15
STEP_S = 15
ROUNDS = 240
QUERY = "sum by (job) (rate(bench_metric_0_total[5m]))"
READY_WITHIN_S = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url, data=None, timeout=120):
    with urllib.request.urlopen(url, data=data, timeout=timeout) as answer:
        return answer.read()


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tree_bytes(path):
    return sum(os.path.getsize(os.path.join(where, name))
               for where, _, names in os.walk(path) for name in names)


class Server:
    """One server on a directory of its own, from `with` to its end."""

    name = ""
    write_path = "/api/v1/write"
    query_extra = {}

    def __init__(self, firn):
        self.firn = firn
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.dir = tempfile.mkdtemp(prefix=f"firn-bench-{self.name}-")

    def __enter__(self):
        self.log = open(os.path.join(self.dir, "log"), "w")
        self.process = subprocess.Popen(self.command(), stdout=self.log,
                                        stderr=subprocess.STDOUT)
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                get(self.url + self.ready_path, timeout=1)
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{self.name} did not start: see {self.log.name}")
                time.sleep(0.05)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)

    def __exit__(self, *_):
        self.stop()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def load(self, **flags):
        program = os.path.join(os.path.dirname(self.firn), "bench",
                               "bench_remote_write_load")
        command = [program, "--url", self.url + self.write_path, "--pid",
                   str(self.process.pid)]
        for key, value in flags.items():
            command += [f"--{key}", str(value)]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    def time_query(self, first_s):
        last_s = first_s + (ROUNDS - 1) * STEP_S
        query = {"query": QUERY, "start": last_s - 3540, "end": last_s, "step": STEP_S}
        url = (self.url + "/api/v1/query_range?" +
               urllib.parse.urlencode({**query, **self.query_extra}))
        walls, answer = [], None
        cpu = cpu_seconds(self.process.pid)
        for _ in range(RUNS):
            begin = time.monotonic()
            answer = get(url)
            walls.append(time.monotonic() - begin)
        cpu = (cpu_seconds(self.process.pid) - cpu) / RUNS
        result = json.loads(answer)["data"]["result"]
        assert len(result) == 1 and len(result[0]["values"]) > 200, answer[:200]
        return {"ms_median": round(statistics.median(walls) * 1000, 2),
                "ms_min": round(min(walls) * 1000, 2), "cpu_ms": round(cpu * 1000, 2),
                "points": len(result[0]["values"])}


class Firn(Server):
    name = "firn"
    ready_path = "/-/ready"

    def command(self):
        return [self.firn, "serve", "--data", self.dir + "/data", "--listen",
                f"127.0.0.1:{self.port}"]

    def settle(self):
        cpu = cpu_seconds(self.process.pid)
        begin = time.monotonic()
        get(self.url + "/-/settle", data=b"")
        return {"seconds": round(time.monotonic() - begin, 3),
                "cpu_seconds": round(cpu_seconds(self.process.pid) - cpu, 2)}

    def sample_bytes(self):
        """Bytes of the columns that hold samples, and of all files."""
        self.settle()
        files = glob.glob(self.dir + "/data/warehouse/metrics/samples/data/*/*.parquet")
        code = ("import json, sys, pyarrow.parquet as pq\n"
                "total = {}\n"
                "for name in sys.argv[1:]:\n"
                "    meta = pq.ParquetFile(name).metadata\n"
                "    for g in range(meta.num_row_groups):\n"
                "        for c in range(meta.num_columns):\n"
                "            col = meta.row_group(g).column(c)\n"
                "            key = col.path_in_schema.split('.')[0]\n"
                "            total[key] = total.get(key, 0) + col.total_compressed_size\n"
                "print(json.dumps(total))\n")
        columns = json.loads(subprocess.run([interop_python(), "-c", code, *files],
                                            check=True, capture_output=True).stdout)
        return (sum(columns[c] for c in ("series_id", "ts", "value", "flags")),
                sum(os.path.getsize(name) for name in files))


class Prometheus(Server):
    name = "prometheus"
    ready_path = "/-/ready"

    def command(self):
        config = os.path.join(self.dir, "prometheus.yml")
        with open(config, "w") as out:
            out.write("{}\n")
        return ["prometheus", f"--config.file={config}",
                f"--storage.tsdb.path={self.dir}/data",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--web.enable-remote-write-receiver", "--web.enable-admin-api"]

    def sample_bytes(self):
        get(self.url + "/api/v1/admin/tsdb/snapshot", data=b"")
        chunks = glob.glob(self.dir + "/data/snapshots/*/*/chunks")
        return (sum(tree_bytes(path) for path in chunks),
                tree_bytes(self.dir + "/data/snapshots"))


class VictoriaMetrics(Server):
    name = "victoria-metrics"
    ready_path = "/health"
    query_extra = {"nocache": "1"}

    def command(self):
        return ["victoria-metrics", f"-storageDataPath={self.dir}/data",
                f"-httpListenAddr=127.0.0.1:{self.port}", "-search.disableCache",
                "-retentionPeriod=1"]

    def sample_bytes(self):
        # Young parts are in memory; stopping writes them.
        get(self.url + "/internal/force_flush")
        self.stop()
        return (tree_bytes(self.dir + "/data/data"), tree_bytes(self.dir + "/data"))


def interop_python():
    deps = os.environ.get("FIRN_DEPS", os.path.expanduser("~/.cache/firn"))
    found = sorted(glob.glob(deps + "/interop-*/bin/python"))
    if not found:
        raise SystemExit("no Python with pyarrow: run ./dev setup")
    return found[-1]


def emit(**row):
    print(json.dumps(row), flush=True)


def main():
    firn = os.path.abspath(sys.argv[1])
    first_s = int(time.time()) - ROUNDS * STEP_S - 60
    rates, sizes, queries = {}, {}, {}
    for kind in (Firn, Prometheus, VictoriaMetrics):
        with kind(firn) as server:
            row = server.load(start=first_s)
            rates[kind.name] = row["samples_per_cpu_second"]
            samples = row["samples"]
            emit(bench="peers", what="ingest", server=kind.name,
                 samples_per_cpu_second=round(rates[kind.name]),
                 samples_per_second=round(row["samples_per_second"]),
                 peak_rss_mb=round(row["server_peak_rss_bytes"] / 1e6), samples=samples)
            sample_bytes, all_bytes = server.sample_bytes()
            sizes[kind.name] = sample_bytes / samples
            emit(bench="peers", what="size", server=kind.name,
                 bytes_per_sample=round(sizes[kind.name], 3),
                 bytes_per_sample_with_labels=round(all_bytes / samples, 3))
    for kind in (Firn, VictoriaMetrics, Prometheus):
        with kind(firn) as server:
            server.load(start=first_s, hosts=1000, metrics=10)
            if kind is VictoriaMetrics:
                get(server.url + "/internal/force_flush")
            queries[kind.name] = server.time_query(first_s)
            emit(bench="peers", what="query", server=kind.name, **queries[kind.name])
            if kind is Firn:
                emit(bench="peers", what="settle", server=kind.name, **server.settle())
                queries["settled"] = server.time_query(first_s)
                emit(bench="peers", what="query settled", server=kind.name,
                     **queries["settled"])
    emit(bench="peers", what="ratios",
         ingest_to_prometheus=round(rates["firn"] / rates["prometheus"], 2),
         ingest_to_victoria_metrics=round(rates["firn"] / rates["victoria-metrics"], 2),
         size_to_prometheus=round(sizes["firn"] / sizes["prometheus"], 2),
         size_to_victoria_metrics=round(sizes["firn"] / sizes["victoria-metrics"], 2),
         query_hot_to_victoria_metrics=round(
             queries["firn"]["ms_median"] / queries["victoria-metrics"]["ms_median"], 2),
         query_settled_to_hot=round(
             queries["settled"]["ms_median"] / queries["firn"]["ms_median"], 2))


if __name__ == "__main__":
    main()
