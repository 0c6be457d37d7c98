# SPDX-License-Identifier: Apache-2.0
"""A disk that fills, or a log at its bound: 503, queries go on, nothing acknowledged is
lost, and writes are taken again once there is room.

    full_disk_test.py --firn FILE

The disk is a small tmpfs in a mount namespace of its own, which a process holds that sleeps
until the test ends. Where that cannot be had (no user namespaces, no privilege) the test is
skipped.
"""
import os
import shutil
import subprocess
import sys
import time

import firn_server
from firn_server import ServerTest, dies_with_us, wait_until
from remote_write import request, series

DISK_BYTES = 48 << 20
HOLD = 'mount -t tmpfs -o size=%d tmpfs "$1" && echo mounted && exec sleep 3600'


class SmallDisk:
    """A tmpfs on `directory`, seen by processes that `wrap` starts."""

    def __init__(self, directory):
        self.path = directory
        directory.mkdir()
        self._user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        self.holder = subprocess.Popen(
            dies_with_us(["unshare", *self._user, "--mount", "sh", "-c", HOLD % DISK_BYTES,
                          "sh", str(directory)]),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if self.holder.stdout.readline() != b"mounted\n":
            self.why_not = self.holder.stderr.read().decode().strip()
            self.close()
        else:
            self.why_not = None

    def wrap(self, command):
        enter = ["nsenter", "--target", str(self.holder.pid), "--mount"]
        if self._user:
            enter += ["--user", "--preserve-credentials"]
        return dies_with_us([*enter, "--", *command])

    def outside(self):
        """The same directory by a path that this process can use."""
        return f"/proc/{self.holder.pid}/root{self.path}"

    def free_bytes(self):
        disk = os.statvfs(self.outside())
        return disk.f_bavail * disk.f_frsize

    def fill(self, leave_bytes):
        """Takes all but about `leave_bytes`."""
        with open(f"{self.outside()}/hog", "ab", buffering=0) as hog:
            while (more := self.free_bytes() - leave_bytes) > 0:
                try:
                    hog.write(b"\0" * min(more, 1 << 20))
                except OSError:
                    return

    def empty(self):
        os.unlink(f"{self.outside()}/hog")

    def close(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        self.holder.stderr.close()


class FillingTest(ServerTest):
    """Sends rows and remembers which were acknowledged."""

    def setUp(self):
        super().setUp()
        self.now_ms = int(time.time() * 1000) - 600_000
        self.acknowledged = set()
        self.sent = 0

    def write(self, rows=2000, series_count=50):
        """Sends rows that are new; answers the status."""
        first = self.sent
        self.sent += rows
        answer = self.server.write(request(*(
            series({"__name__": "full", "row": str(number)},
                   [(self.now_ms + i, float(i))
                    for i in range(first + number, self.sent, series_count)])
            for number in range(series_count))))
        if answer.status == 204:
            self.acknowledged.update(range(first, self.sent))
        else:
            self.assertEqual(answer.status, 503, answer)
            self.assertIn("Retry-After", answer.headers)
            self.assertNotEqual(answer.text.strip(), "")
        return answer.status

    def write_until_full(self):
        deadline = time.monotonic() + 60
        while self.write() == 204:
            self.assertLess(time.monotonic(), deadline, "it was never full")

    def assert_all_there(self):
        rows = [row[0] for row in self.server.sql("SELECT value FROM metrics.samples")]
        self.assertEqual(len(rows), len(set(rows)), "rows are there twice")
        there = {int(value) for value in rows}
        self.assertEqual(self.acknowledged - there, set(), "acknowledged rows are gone")
        self.assertLessEqual(there, set(range(self.sent)))


class LogBoundTest(FillingTest):
    def test_a_settle_makes_room_in_a_full_log(self):
        self.server = self.start_server("--log-bytes-max", "1MiB")
        for _ in range(3):
            self.write_until_full()
            self.assert_all_there()
            self.server.settle()
            wait_until(lambda: self.write() == 204, "taking writes again", 10)
        self.write_until_full()
        self.server.kill()
        self.server.start()
        self.assert_all_there()
        self.server.settle()
        self.assertEqual(self.write(), 204)
        self.assert_all_there()


class FullDiskTest(FillingTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("unshare") or not shutil.which("nsenter"):
            self.skipTest("unshare and nsenter are not there")
        self.disk = SmallDisk(self.directory / "disk")
        if self.disk.why_not is not None:
            self.skipTest(f"no small disk can be mounted: {self.disk.why_not}")
        self.addCleanup(self.disk.close)
        self.server = self.make_server(wrap=self.disk.wrap)
        self.server.data = self.disk.path / "data"
        self.server.start()

    def test_writes_wait_for_room_and_nothing_is_lost(self):
        self.write()
        self.disk.fill(leave_bytes=1 << 20)
        self.write_until_full()
        self.assertGreater(len(self.acknowledged), 0)
        refused = 'firn_remote_write_refused_requests_total{reason="unavailable"}'
        self.assertGreaterEqual(self.server.metric(refused), 1)
        # Full is not down: it answers, and it goes on saying no.
        self.assertEqual(self.server.get("/-/healthy").status, 200)
        for _ in range(5):
            self.write()
        self.assert_all_there()
        self.disk.empty()
        wait_until(lambda: self.write() == 204, "taking writes again", 30)
        self.assert_all_there()
        self.server.settle()
        self.assert_all_there()
        self.server.kill()
        self.server.start()
        self.assert_all_there()
        self.assertEqual(self.server.stop(), 0)

    def test_killed_while_the_disk_is_full(self):
        self.disk.fill(leave_bytes=1 << 20)
        self.write_until_full()
        self.server.kill()
        # A server may need room to start; it must not harm what is there meanwhile.
        try:
            self.server.start()
            self.assert_all_there()
            self.server.kill()
        except firn_server.StartFailed as failed:
            self.assertIn("firn: serve: ", failed.said)
            self.assertIn("space", failed.said)
        self.disk.empty()
        self.server.start()
        self.assert_all_there()
        self.assertEqual(self.write(), 204)
        self.server.settle()
        self.assert_all_there()

    def test_a_settle_without_room_fails_and_loses_nothing(self):
        for _ in range(20):
            self.assertEqual(self.write(), 204)
        self.server.settle()
        for _ in range(20):
            self.assertEqual(self.write(), 204)
        self.disk.fill(leave_bytes=0)
        answer = self.server.request("POST", "/-/settle")
        self.assertEqual(answer.status, 503, answer)
        self.assertIn("space", answer.json["error"])
        self.assert_all_there()
        answer = self.server.get("/api/v1/query", query="count(full)",
                                 time=self.now_ms / 1000 + 60)
        self.assertEqual(answer.status, 200, answer)
        self.disk.empty()
        self.server.settle()
        self.assert_all_there()
        self.server.kill()
        self.server.start()
        self.assert_all_there()
        self.assertEqual(self.server.sql("SELECT count(*) FROM metrics.samples"),
                         [[len(self.acknowledged)]])


if __name__ == "__main__":
    if not sys.platform.startswith("linux"):
        sys.exit(77)
    firn_server.main()
