# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes itself and remote-writes to firn; both are asked the same.

    prometheus_agreement_test.py --firn FILE [--seconds N]

Prometheus 2 includes a sample at the far end of a range and firn, like Prometheus 3, does
not: so every query is evaluated between scrapes. Where a counter begins within a range the
two extrapolate differently: so ranges begin after a warm-up, in which every counter that
the test moves has begun. Then the two must agree: equal label sets, values within 1e-9.
firn is asked while all is hot, after a settle and after a restart, and once more about what
came in across the restart.
"""
import argparse
import json
import math
import shutil
import socket
import subprocess
import sys
import time

import firn_server
from firn_server import (ANSWER_WITHIN_S, OPTIONS, ServerTest, dies_with_us, http_request,
                         wait_until)

TOLERANCE = 1e-9
SCRAPE_EVERY_S = 1
WARM_UP_S = 4
RANGE_S = 20  # The longest in a query below.
EVERYTHING = '{job=~"prometheus|gone"}'

CONFIGURATION = """
global:
  scrape_interval: {every}s
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ['{prometheus}'], labels: {{site: 'Zürich'}}}}]
  - job_name: gone
    static_configs: [{{targets: ['127.0.0.1:1']}}]
remote_write:
  - url: http://{firn}/api/v1/write
    queue_config: {{batch_send_deadline: 500ms, min_backoff: 30ms, max_backoff: 1s}}
    metadata_config: {{send: true, send_interval: 1s}}
"""

# {inner}, {before} and {all} depend on when Prometheus scrapes: see questions().
INSTANT = [
    EVERYTHING,
    EVERYTHING + "[{all}]",
    'count by (__name__) ({job="prometheus"})',
    "rate(prometheus_http_requests_total[20s])",
    "sum by (handler) (rate(prometheus_http_requests_total[20s]))",
    "sum without (instance, handler) (increase(prometheus_http_requests_total[15s]))",
    "histogram_quantile(0.9, sum by (le, handler) "
    "(rate(prometheus_http_request_duration_seconds_bucket[20s])))",
    "topk(3, prometheus_http_requests_total)",
    "bottomk by (job) (2, scrape_samples_scraped)",
    "avg_over_time(go_goroutines[20s])",
    "max_over_time(go_memstats_alloc_bytes[20s]) "
    "- min_over_time(go_memstats_alloc_bytes[20s])",
    "quantile_over_time(0.75, go_goroutines[20s])",
    "irate(process_cpu_seconds_total[10s])",
    "delta(go_memstats_heap_objects[15s])",
    "prometheus_http_response_size_bytes_sum / "
    "on (handler, instance) prometheus_http_response_size_bytes_count",
    "rate(prometheus_http_requests_total[20s]) "
    "/ ignoring (code, handler) group_left sum by (instance, job, site) "
    "(rate(prometheus_http_requests_total[20s]))",
    'prometheus_http_requests_total unless on (handler) '
    'prometheus_http_requests_total{handler="/metrics"}',
    'absent(up{job="nobody"})',
    'absent(up{job="prometheus"})',
    "go_goroutines offset 10s",
    "max_over_time(rate(process_cpu_seconds_total[{inner}])[15s:2s])",
    "sum_over_time((go_goroutines > 5)[12s:3s])",
    'label_replace(up, "host", "$1", "instance", "(.*):.*")',
    "stddev_over_time(go_goroutines[20s]) >= bool 0.5",
    "count_values('v', up)",
    "quantile(0.5, scrape_duration_seconds)",
    "changes(process_resident_memory_bytes[20s]) "
    "or resets(process_cpu_seconds_total[20s])",
    "predict_linear(go_memstats_mallocs_total[20s], 60)",
    "prometheus_tsdb_head_series @ {before}",
    "timestamp(up) > 0",
    "scalar(count(up)) + vector(1)",
]
RANGE = [
    "rate(prometheus_http_requests_total[10s])",
    "sum by (job) (rate(prometheus_tsdb_head_samples_appended_total[10s]))",
    "histogram_quantile(0.5, "
    "rate(prometheus_http_request_duration_seconds_bucket{handler='/api/v1/query'}[10s]))",
    # A ratio: the difference of two averages may be nothing but rounding, of which each
    # has its own.
    "avg by (instance) (go_goroutines) / on (instance) avg_over_time(go_goroutines[10s])",
    "topk(2, prometheus_http_requests_total)",
    "go_memstats_alloc_bytes offset 5s",
    "absent(go_goroutines > 1e6)",
    "max_over_time(go_goroutines[10s:1s])",
    "up == 1 or up == 0",
    "last_over_time(go_memstats_next_gc_bytes[5s])",
]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus:
    def __init__(self, directory, firn_address):
        self.address = f"127.0.0.1:{free_port()}"
        directory.mkdir()
        config = directory / "prometheus.yml"
        config.write_text(CONFIGURATION.format(every=SCRAPE_EVERY_S, firn=firn_address,
                                               prometheus=self.address), encoding="utf-8")
        self.log_path = directory / "log"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(dies_with_us([
                "prometheus", f"--config.file={config}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={self.address}", "--log.level=warn"]),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=directory)
        wait_until(self.is_ready, "starting Prometheus", ANSWER_WITHIN_S)

    def is_ready(self):
        assert self.process.poll() is None, self.log_path.read_text()
        try:
            return http_request(self.address, "GET", "/-/ready").status == 200
        except OSError:
            return False

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def ask(address, path, **parameters):
    """Result of a query, or the error as text."""
    server = firn_server.Server.__new__(firn_server.Server)
    server.address = address
    answer = server.post_form(path, **parameters)
    body = answer.json
    if body["status"] != "success":
        return f"{answer.status} {body['errorType']}: {body['error']}"
    return body["data"]


def points(data):
    """{labels: [(time, value)]}, whatever the type of the result."""
    kind, result = data["resultType"], data["result"]
    if kind in ("scalar", "string"):
        return {(): [tuple(result)]}
    found = {}
    for one in result:
        labels = tuple(sorted(one["metric"].items()))
        assert labels not in found, f"two results named {labels}"
        found[labels] = [tuple(p) for p in
                         ([one["value"]] if kind == "vector" else one["values"])]
    return found


def close_enough(a, b):
    a, b = float(a), float(b)
    return a == b or math.isnan(a) and math.isnan(b) or \
        math.isclose(a, b, rel_tol=TOLERANCE)


def difference(theirs, ours):
    """What is not equal, in words, or None."""
    if isinstance(theirs, str) or isinstance(ours, str):
        return None if theirs == ours else f"Prometheus: {theirs}\nfirn: {ours}"
    if theirs["resultType"] != ours["resultType"]:
        return f"{theirs['resultType']} and {ours['resultType']}"
    theirs, ours = points(theirs), points(ours)
    if theirs.keys() != ours.keys():
        return (f"only Prometheus has {sorted(theirs.keys() - ours.keys())[:3]}, "
                f"only firn {sorted(ours.keys() - theirs.keys())[:3]}")
    for labels, expected in theirs.items():
        found = ours[labels]
        if [at for at, _ in expected] != [at for at, _ in found]:
            return f"{labels}: at {[p[0] for p in expected]}, firn {[p[0] for p in found]}"
        for (at, a), (_, b) in zip(expected, found):
            if not close_enough(a, b):
                return f"{labels} at {at}: {a}, firn {b}"
    return None


class PrometheusAgreementTest(ServerTest):
    def test_both_answer_the_same(self):
        seconds = OPTIONS["seconds"]
        # Prometheus must find firn again after the restart, so its port stays.
        server = self.make_server()
        server.listen = f"127.0.0.1:{free_port()}"
        server.start()
        prometheus = Prometheus(self.directory / "prometheus", server.address)
        self.addCleanup(prometheus.close)

        began = time.time() + WARM_UP_S
        end = self.wait_for_scrapes(prometheus, server, began, seconds)
        expected = self.questions(prometheus, end, end - seconds + RANGE_S)
        self.assert_agreement(server, expected, "hot")
        settled = server.settle()
        self.assertGreater(settled["metrics.samples"]["rows"], 1000)
        self.assert_agreement(server, expected, "settled")
        self.assertEqual(server.stop(), 0)
        server.start()
        self.assert_agreement(server, expected, "restarted")
        server.kill()
        server.start()
        self.assert_agreement(server, expected, "killed and restarted")

        # What Prometheus could not deliver meanwhile comes now, some of it twice.
        end = self.wait_for_scrapes(prometheus, server, time.time(), 4)
        expected = self.questions(prometheus, end, end - 10)
        self.assert_agreement(server, expected, "across the restart")
        server.settle()
        self.assert_agreement(server, expected, "across the restart, settled")
        self.assert_nothing_refused(server)
        self.assert_metadata(prometheus, server)

    def wait_for_scrapes(self, prometheus, server, began, seconds):
        """A time between scrapes, `seconds` after `began` or later, up to which firn has
        everything. Prometheus is kept busy meanwhile, for its counters to move."""
        def done():
            for query in ("up", "rate(up[", "sum(rate(go_goroutines[10s]))"):
                for path in ("/api/v1/query", "/api/v1/query_range"):
                    ask(prometheus.address, path, query=query, start=0, end=1, step=1)
            http_request(prometheus.address, "GET", "/api/v1/metadata")
            return time.time() >= began + seconds
        wait_until(done, "scraping", seconds + 60, pause_s=0.2)
        scraped = float(ask(prometheus.address, "/api/v1/query",
                            query='timestamp(up{job="prometheus"})')
                        ["result"][0]["value"][1])
        end = round(scraped - SCRAPE_EVERY_S / 2, 3)
        sent = sum(map(len, points(ask(
            prometheus.address, "/api/v1/query", query=f"{EVERYTHING}[10m]",
            time=f"{end:.3f}")).values()))
        # Stale markers are not in Prometheus's answer.
        count = ("SELECT count(*) FROM metrics.samples "
                 f"WHERE flags = 0 AND ts <= make_timestamptz({round(end * 1000)}000)")
        wait_until(lambda: server.sql(count)[0][0] >= sent, "remote write to firn", 60,
                   pause_s=0.2)
        return end

    def questions(self, prometheus, end, start):
        """[(path, parameters, Prometheus's answer)]"""
        start = round(start, 3)
        # The inner range of a subquery starts at whole seconds; it must not start on a
        # scrape either.
        scrape_ms = round(end * 1000 + 500 * SCRAPE_EVERY_S) % 1000
        inner = "5s" if 100 <= scrape_ms <= 900 else "5500ms"
        asked = []
        for query in INSTANT:
            for name, value in (("{inner}", inner), ("{before}", f"{start:.3f}"),
                                ("{all}", f"{RANGE_S}s")):
                query = query.replace(name, value)
            parameters = {"query": query, "time": f"{end:.3f}"}
            asked.append(("/api/v1/query", parameters))
        for query in RANGE:
            asked.append(("/api/v1/query_range", {
                "query": query, "start": f"{start:.3f}", "end": f"{end:.3f}",
                "step": "2"}))
        return [(path, parameters, ask(prometheus.address, path, **parameters))
                for path, parameters in asked]

    def assert_agreement(self, server, expected, when):
        differing, empty = [], 0
        for path, parameters, theirs in expected:
            ours = ask(server.address, path, **parameters)
            found = difference(theirs, ours)
            if found:
                differing.append(f"{parameters['query']}: {found}")
            empty += isinstance(theirs, dict) and not theirs["result"]
        if differing:
            self.fail(f"{when}: {len(differing)} of {len(expected)} differ\n" +
                      "\n".join(differing))
        print(f"{when}: {len(expected)} queries agree, {empty} of them empty", flush=True)
        self.assertLess(empty, 5, "most queries must have answers")

    def assert_nothing_refused(self, server):
        for line in server.get("/metrics").text.splitlines():
            if line.startswith(("firn_remote_write_samples_total",
                                "firn_remote_write_refused_requests_total")):
                name, value = line.rsplit(" ", 1)
                if '"accepted"' not in name and '"duplicate"' not in name:
                    self.assertEqual(float(value), 0, line)

    def assert_metadata(self, prometheus, server):
        def metadata(address):
            return {name: sorted(json.dumps(one, sort_keys=True) for one in several)
                    for name, several in
                    http_request(address, "GET", "/api/v1/metadata").json["data"].items()}
        theirs = metadata(prometheus.address)
        self.assertGreater(len(theirs), 50)
        self.assertEqual(metadata(server.address), theirs)


if __name__ == "__main__":
    flags = argparse.ArgumentParser()
    flags.add_argument("--seconds", type=int, default=25)
    if not shutil.which("prometheus"):
        print("skipped: prometheus is not there")
        sys.exit(77)
    firn_server.main(flags)
