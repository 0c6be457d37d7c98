# SPDX-License-Identifier: Apache-2.0
"""Kills the server at random moments under load, resends and settling, and counts.

    kill_storm_test.py --firn FILE [--rounds N] [--seed S]

Writers send batches of samples that nobody else sends, and remember which were
acknowledged. They send again what was not, or give it up; they send again some that were.
In the end every acknowledged sample must be in the table once, with its value, and nothing
that was never sent; a batch given up must be there whole or not at all.

The seed fixes what is sent and the moments of the kills; the machine's own timing stays.
"""
import argparse
import collections
import http.client
import random
import threading
import time

import firn_server
from firn_server import OPTIONS, ServerTest
from remote_write import Writer, request, series
from table_readers import load_table

WRITERS = 4
SERIES_PER_BATCH = 10
SAMPLES_PER_SERIES = 5
LOG_BYTES_MAX = "1MiB"  # So small that it is trimmed again and again.
BATCH_STEP_MS = 20
LATE_BY_BATCHES = 40
LIFE_S = (0.05, 0.9)  # Of a server, from ready to killed.
STARTING_LIFE_S = (0.0, 0.1)  # Of one killed while it starts.


class StormWriter(threading.Thread):
    """Sends until told to end. `where()` answers the server's address, or None."""

    def __init__(self, number, seed, base_ms, where):
        super().__init__(daemon=True)
        self.number = number
        self.random = random.Random(f"{seed}/{number}")
        self.base_ms = base_ms
        self.where = where
        self.ending = threading.Event()
        self.sent = {}  # (series, ms): (value, batch)
        self.acknowledged = set()  # Batches.
        self.given_up = set()
        self.kept = collections.deque(maxlen=200)  # Bodies to send again.
        self.resent = 0
        self.faults = []

    def run(self):
        try:
            self.send_until_told()
        except Exception as error:  # Shown by the test, which would not see it otherwise.
            self.faults.append(repr(error))
            raise

    def send_until_told(self):
        batch = 0
        writer = address = None
        while not self.ending.is_set():
            body = self.make_batch(batch)
            while True:
                now = self.where()
                if now is None or now != address:
                    if writer:
                        writer.close()
                    writer = address = None
                    if now:
                        writer, address = Writer(now), now
                outcome = self.send(writer, body)
                if outcome == 204:
                    self.acknowledged.add(batch)
                    self.kept.append(body)
                    break
                # Ending, the writer gives up what it could not deliver.
                if self.ending.is_set() or outcome is None and self.random.random() < 0.3:
                    self.given_up.add(batch)
                    break
                self.ending.wait(0.002)
            if self.kept and self.random.random() < 0.1 and writer:
                if self.send(writer, self.random.choice(self.kept)) == 204:
                    self.resent += 1
            batch += 1
        if writer:
            writer.close()

    def send(self, writer, body):
        """204, another status to try again after, or None where nothing is known."""
        if writer is None:
            return 0  # No server: nothing was sent.
        try:
            status, text = writer.send(body)
        except (OSError, http.client.HTTPException):
            return None
        if status not in (204, 503):
            self.faults.append(f"{status} {text}")
        return status

    def make_batch(self, batch):
        parts = []
        # Some come late, into the gaps that others left.
        late = batch > LATE_BY_BATCHES and batch % 7 == 3
        place = batch - LATE_BY_BATCHES if late else batch
        first_ms = self.base_ms + BATCH_STEP_MS * place
        for number in range(SERIES_PER_BATCH):
            # A new series now and then, so that definitions are torn as well.
            name = f"{number}-{batch // 50}" if number == 0 else str(number)
            labels = {"__name__": "storm", "job": f"w{self.number}", "instance": name,
                      "kind": "late" if late else "timely"}
            samples = []
            for i in range(SAMPLES_PER_SERIES):
                at = first_ms + 2 * i
                value = batch + number / 16 + i / 128
                samples.append((at, value))
                self.sent[(labels["job"], name, labels["kind"], at)] = (value, batch)
            parts.append(series(labels, samples))
        return request(*parts)


class KillStormTest(ServerTest):
    def setUp(self):
        super().setUp()
        self.address = None

    def test_every_acknowledged_sample_is_there_once(self):
        seed, rounds = OPTIONS["seed"], OPTIONS["rounds"]
        print(f"seed {seed}, {rounds} rounds")
        chance = random.Random(seed)
        server = self.make_server("--log-bytes-max", LOG_BYTES_MAX)
        base_ms = int(time.time() * 1000) - 3_600_000
        writers = [StormWriter(i, seed, base_ms, lambda: self.address)
                   for i in range(WRITERS)]
        settles = []
        settler = SettleThread(chance.random(), lambda: self.address, settles)
        for thread in [*writers, settler]:
            thread.start()
        try:
            for number in range(rounds):
                self.one_round(server, chance, writers, number)
        finally:
            for thread in [*writers, settler]:
                thread.ending.set()
            self.address = None
            for thread in [*writers, settler]:
                thread.join(60)
        for writer in writers:
            self.assertEqual(writer.faults, [])
        self.assertEqual(settler.faults, [])
        server.start()
        self.check(server, writers)
        print(f"{sum(len(w.sent) for w in writers)} samples sent, "
              f"{sum(len(w.given_up) for w in writers)} batches given up, "
              f"{sum(w.resent for w in writers)} sent again, {len(settles)} settles")
        self.assertEqual(server.stop(), 0)

    def one_round(self, server, chance, writers, number):
        starting = chance.random() < 0.25
        lives = chance.uniform(*(STARTING_LIFE_S if starting else LIFE_S))
        server.launch()
        if not starting:
            server.wait_ready()
            self.check_so_far(server, writers, number)
            self.address = server.address
        # What is waited for is the moment itself: any is as good as another.
        time.sleep(lives)
        server.kill()
        self.address = None

    def check_so_far(self, server, writers, number):
        """No sample twice, and none lost of those acknowledged before this start."""
        acknowledged = sum(len(w.acknowledged) for w in writers)
        rows, keys = server.sql("SELECT count(*), count(DISTINCT (series_id, ts)) "
                                "FROM metrics.samples")[0]
        self.assertEqual(rows, keys, f"round {number}: samples are there twice")
        self.assertGreaterEqual(
            rows, acknowledged * SERIES_PER_BATCH * SAMPLES_PER_SERIES,
            f"round {number}: acknowledged samples are gone")

    def check(self, server, writers):
        sent = {}
        for writer in writers:
            sent.update(writer.sent)
        hot = self.rows_of_firn(server)
        server.settle()
        settled = self.rows_of_firn(server)
        self.check_rows(hot, sent, writers, "firn before the last settle")
        self.assertEqual(settled, hot)
        table = load_table(server.warehouse, "metrics.samples").scan(
            selected_fields=("job", "instance", "labels", "ts", "value")).to_arrow()
        found = collections.Counter()
        labels = table["labels"].to_pylist()
        times = table["ts"].cast("int64").to_pylist()
        for row in zip(table["job"].to_pylist(), table["instance"].to_pylist(), labels,
                       times, table["value"].to_pylist()):
            job, instance, pairs, at_us, value = row
            found[(job, instance, dict(pairs)["kind"], at_us // 1000, value)] += 1
        self.assertEqual(found, settled, "PyIceberg and firn differ")

    def rows_of_firn(self, server):
        rows = server.sql("SELECT job, instance, labels['kind'], epoch_ms(ts), value "
                          "FROM metrics.samples WHERE metric = 'storm'")
        return collections.Counter(tuple(row) for row in rows)

    def check_rows(self, found, sent, writers, who):
        twice = [row for row, times in found.items() if times != 1]
        self.assertEqual(twice[:5], [], f"{who}: {len(twice)} samples not once")
        batches = collections.defaultdict(int)
        for job, instance, kind, at, value in found:
            self.assertIn((job, instance, kind, at), sent, f"{who}: never sent")
            expected, batch = sent[(job, instance, kind, at)]
            self.assertEqual(value, expected, who)
            batches[job, batch] += 1
        size = SERIES_PER_BATCH * SAMPLES_PER_SERIES
        for writer in writers:
            job = f"w{writer.number}"
            lost = [b for b in writer.acknowledged if batches[job, b] != size]
            self.assertEqual(lost[:5], [], f"{who}: {len(lost)} acknowledged batches of "
                                           f"{job} are not whole")
            torn = [b for b in writer.given_up if batches[job, b] not in (0, size)]
            self.assertEqual(torn[:5], [], f"{who}: batches of {job} are torn")


class SettleThread(threading.Thread):
    """Asks for settles, again and again, whoever lives."""

    def __init__(self, seed, where, settles):
        super().__init__(daemon=True)
        self.random = random.Random(seed)
        self.where = where
        self.settles = settles
        self.ending = threading.Event()
        self.faults = []

    def run(self):
        while not self.ending.wait(self.random.uniform(0, 0.2)):
            address = self.where()
            if address is None:
                continue
            try:
                answer = firn_server.http_request(address, "POST", "/-/settle")
            except (OSError, http.client.HTTPException):
                continue
            if answer.status == 200:
                self.settles.append(answer.json)
            else:
                self.faults.append(repr(answer))


if __name__ == "__main__":
    flags = argparse.ArgumentParser()
    flags.add_argument("--rounds", type=int, default=6)
    flags.add_argument("--seed", type=int, default=int(time.time()))
    firn_server.main(flags)
