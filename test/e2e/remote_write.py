# SPDX-License-Identifier: Apache-2.0
"""A client of Prometheus remote write 1.0 that shares no code with firn.

The protobuf message is put together by hand and the snappy block holds literals only, so a
mistake in firn's decoder does not find its mirror image here. Every function takes labels
and values as they come: broken ones too, which is what the tests are for.
"""
import http.client
import struct

# The NaN by which Prometheus says that a series has ended (model/value/value.go). Kept as
# bytes: a float would lose the payload on the way.
STALE = struct.pack("<Q", 0x7FF0000000000002)

# MetricMetadata.MetricType.
COUNTER, GAUGE, HISTOGRAM = 1, 2, 3

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
    "User-Agent": "firn-e2e",
}


def varint(number):
    number &= (1 << 64) - 1  # Negative numbers take ten bytes, as protobuf has it.
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def as_bytes(text):
    return text.encode() if isinstance(text, str) else text


def field(number, payload):
    """A length-delimited protobuf field."""
    data = as_bytes(payload)
    return varint(number << 3 | 2) + varint(len(data)) + data


def sample(timestamp_ms, value):
    """prometheus.Sample: value = 1, timestamp = 2. `value` may be eight bytes."""
    bits = value if isinstance(value, bytes) else struct.pack("<d", value)
    return b"\x09" + bits + b"\x10" + varint(timestamp_ms)


def series(labels, samples):
    """prometheus.TimeSeries as WriteRequest holds it: timeseries = 1, labels = 1,
    samples = 2. `labels` is a dict, which is sent sorted, or a list of pairs, sent as it
    is. `samples` are (timestamp_ms, value)."""
    pairs = sorted(labels.items()) if isinstance(labels, dict) else labels
    out = [field(1, field(1, name) + field(2, value)) for name, value in pairs]
    out += [field(2, sample(at, value)) for at, value in samples]
    return field(1, b"".join(out))


def metadata(metric, kind, help_text="", unit=""):
    """prometheus.MetricMetadata as WriteRequest holds it: metadata = 3."""
    return field(3, b"\x08" + varint(kind) + field(2, metric) + field(4, help_text) +
                 field(5, unit))


def snappy(data):
    """Frames `data` as literals of at most 64 KiB: valid snappy that compresses nothing."""
    out = [varint(len(data))]
    for start in range(0, len(data), 1 << 16):
        literal = data[start:start + (1 << 16)]
        out += [b"\xf4", struct.pack("<H", len(literal) - 1), literal]
    return b"".join(out)


def request(*parts):
    """The body of a request that holds these series and metadata."""
    return snappy(b"".join(parts))


class Writer:
    """One kept connection to /api/v1/write. For one thread."""

    def __init__(self, address, timeout_s=30):
        host, _, port = address.rpartition(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=timeout_s)

    def send(self, body, headers=None):
        """Answers (status, text). An OSError or HTTPException means that nothing is known
        of the request's fate."""
        try:
            self._connection.request("POST", "/api/v1/write", body, headers or HEADERS)
            response = self._connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def close(self):
        self._connection.close()
