# SPDX-License-Identifier: Apache-2.0
"""Sends this Linux host's own metrics to a Prometheus remote-write endpoint.

    host_metrics.py --url http://127.0.0.1:7070/api/v1/write [--every 1]

Names and labels are those of Prometheus' node exporter, so its dashboards fit. Python's
standard library only: the protobuf message and the snappy block are written by hand below,
which also shows how little a client of remote write 1.0 needs.
"""

import argparse
import os
import socket
import struct
import sys
import time
import urllib.error
import urllib.request

# Requests that could not be delivered yet; beyond this the oldest is dropped.
BACKLOG_MAX = 600

USER_HZ = os.sysconf("SC_CLK_TCK")
CPU_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
NETWORK_FIELDS = {"receive_bytes": 0, "receive_packets": 1, "receive_errs": 2,
                  "transmit_bytes": 8, "transmit_packets": 9, "transmit_errs": 10}
DISK_FIELDS = {"reads_completed_total": (0, 1), "read_bytes_total": (2, 512),
               "writes_completed_total": (4, 1), "written_bytes_total": (6, 512),
               "io_time_seconds_total": (9, 0.001)}

COUNTER, GAUGE = 1, 2  # MetricMetadata.MetricType


def read(path):
    with open(path, encoding="ascii", errors="replace") as file:
        return file.read()


def collect():
    """Yields (name, type, labels, value) of everything this host tells about itself."""
    for line in read("/proc/stat").splitlines():
        name, *words = line.split()
        if name.startswith("cpu") and name != "cpu":
            for mode, ticks in zip(CPU_MODES, words):
                yield ("node_cpu_seconds_total", COUNTER,
                       {"cpu": name[3:], "mode": mode}, int(ticks) / USER_HZ)
        elif name == "ctxt":
            yield "node_context_switches_total", COUNTER, {}, int(words[0])
        elif name == "btime":
            yield "node_boot_time_seconds", GAUGE, {}, int(words[0])
        elif name == "processes":
            yield "node_forks_total", COUNTER, {}, int(words[0])
    for minutes, load in zip((1, 5, 15), read("/proc/loadavg").split()):
        yield f"node_load{minutes}", GAUGE, {}, float(load)
    for line in read("/proc/meminfo").splitlines():
        name, amount, *unit = line.replace("(", "_").replace(")", "").split()
        if unit == ["kB"]:
            yield f"node_memory_{name[:-1]}_bytes", GAUGE, {}, int(amount) * 1024
    for line in read("/proc/net/dev").splitlines()[2:]:
        device, _, rest = line.partition(":")
        words = rest.split()
        for field, column in NETWORK_FIELDS.items():
            yield (f"node_network_{field}_total", COUNTER,
                   {"device": device.strip()}, int(words[column]))
    for line in read("/proc/diskstats").splitlines():
        _, _, device, *words = line.split()
        if not device.startswith(("loop", "ram")):
            for field, (column, factor) in DISK_FIELDS.items():
                yield (f"node_disk_{field}", COUNTER,
                       {"device": device}, int(words[column]) * factor)
    disk = os.statvfs("/")
    for field, blocks in (("size", disk.f_blocks), ("free", disk.f_bfree),
                          ("avail", disk.f_bavail)):
        yield (f"node_filesystem_{field}_bytes", GAUGE,
               {"mountpoint": "/"}, blocks * disk.f_frsize)
    yield "up", GAUGE, {}, 1


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, payload):
    """A length-delimited protobuf field; text is encoded as UTF-8."""
    data = payload.encode() if isinstance(payload, str) else payload
    return varint(number << 3 | 2) + varint(len(data)) + data


def time_series(labels, value, now_ms):
    """prometheus.TimeSeries: labels = 1 (sorted by name), samples = 2."""
    sample = b"\x09" + struct.pack("<d", value) + b"\x10" + varint(now_ms)
    encoded = b"".join(field(1, field(1, name) + field(2, labels[name]))
                       for name in sorted(labels))
    return field(1, encoded + field(2, sample))


def write_request(metrics, common, now_ms):
    """prometheus.WriteRequest: timeseries = 1, metadata = 3."""
    types, out = {}, []
    for name, kind, labels, value in metrics:
        types[name] = kind
        out.append(time_series({"__name__": name, **common, **labels}, value, now_ms))
    for name, kind in types.items():
        out.append(field(3, b"\x08" + varint(kind) + field(2, name)))
    return b"".join(out)


def snappy_block(data):
    """Frames `data` as literals of at most 64 KiB: valid snappy that compresses nothing."""
    out = [varint(len(data))]
    for start in range(0, len(data), 1 << 16):
        literal = data[start:start + (1 << 16)]
        out += [b"\xf4", struct.pack("<H", len(literal) - 1), literal]
    return b"".join(out)


def send(url, body):
    """Returns whether the request is done with; False means to try it again."""
    request = urllib.request.Request(url, data=body, method="POST", headers={
        "Content-Type": "application/x-protobuf",
        "Content-Encoding": "snappy",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
        "User-Agent": "firn-host-metrics",
    })
    try:
        with urllib.request.urlopen(request, timeout=10):
            return True
    except urllib.error.HTTPError as error:
        print(f"{url}: {error.code} {error.read(200)!r}", file=sys.stderr, flush=True)
        # As Prometheus does: a request that was understood and refused is not resent.
        return error.code < 500 and error.code != 429
    except OSError as error:
        print(f"{url}: {error}", file=sys.stderr, flush=True)
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="the remote-write endpoint")
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS")
    arguments = parser.parse_args()
    host = socket.gethostname()
    common = {"job": "node", "instance": host}
    # A demo asks this machine only: a proxy of the environment would not know it.
    urllib.request.install_opener(
        urllib.request.build_opener(urllib.request.ProxyHandler({})))
    backlog, due = [], time.monotonic()
    while True:
        now_ms = time.time_ns() // 1_000_000
        backlog.append(snappy_block(write_request(collect(), common, now_ms)))
        del backlog[:-BACKLOG_MAX]
        while backlog and send(arguments.url, backlog[0]):
            backlog.pop(0)
        due = max(due + arguments.every, time.monotonic())
        time.sleep(due - time.monotonic())


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
