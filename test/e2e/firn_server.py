# SPDX-License-Identifier: Apache-2.0
"""Starts, asks, stops and kills `firn serve`, and runs firn's other commands.

Every test has a directory of its own and a server on a free port of the loopback
interface. A process is ended by its id only, and dies with the test where the kernel
allows.
"""
import argparse
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

import remote_write

# Longest a server may take to open, to stop and to answer. A sanitizer's build on a busy
# machine stays within them; a hang does not hold the test up for ever.
START_WITHIN_S = 60
STOP_WITHIN_S = 60
ANSWER_WITHIN_S = 60

FIRN = None  # Path of the program; main() sets it.
OPTIONS = {}  # A test's own flags; main() sets them.


class StartFailed(AssertionError):
    """The server ended instead of serving. `code` is its exit code, `said` its stderr."""

    def __init__(self, code, said):
        super().__init__(f"firn serve ended with {code}: {said}")
        self.code = code
        self.said = said


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode(errors="replace")

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.text[:500]}"


def wait_until(condition, what, within_s, pause_s=0.02):
    """The first true answer of `condition`; fails when the time is over."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} took more than {within_s} s")
        time.sleep(pause_s)


def dies_with_us(command):
    """`command`, ended by the kernel should this process end first."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *command] if setpriv else list(command)


def run_firn(*arguments, stdin=None, environment=None, within_s=ANSWER_WITHIN_S):
    """Runs one command to its end: CompletedProcess with bytes in stdout and stderr."""
    return subprocess.run([FIRN, *map(str, arguments)], input=stdin, capture_output=True,
                          env={**os.environ, **(environment or {})}, check=False,
                          timeout=within_s)


def http_request(address, method, path, body=None, headers=None,
                 within_s=ANSWER_WITHIN_S):
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=within_s)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


class Server:
    """One data directory and, while it runs, the process that serves it."""

    def __init__(self, directory, *flags, wrap=dies_with_us):
        self.directory = pathlib.Path(directory)
        self.data = self.directory / "data"
        self.warehouse = self.data / "warehouse"
        self.flags = list(flags)
        self.listen = "127.0.0.1:0"
        self.address = None
        self.process = None
        self.starts = 0
        self._wrap = wrap

    def launch(self):
        """Starts the process and returns at once; wait_ready() waits for it."""
        assert self.process is None, "it runs already"
        self.starts += 1
        self.out_path = self.directory / f"serve-{self.starts}.out"
        self.err_path = self.directory / f"serve-{self.starts}.err"
        command = [FIRN, "serve", "--json", "--data", str(self.data), "--listen",
                   self.listen, *self.flags]
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(self._wrap(command), stdout=out, stderr=err,
                                            stdin=subprocess.DEVNULL)

    def wait_ready(self):
        wait_until(self._announced, "starting firn serve", START_WITHIN_S)
        said = json.loads(self.out_path.read_text().splitlines()[0])
        self.address = urllib.parse.urlsplit(said["address"]).netloc
        assert self.get("/-/ready").status == 200
        return self

    def start(self):
        self.launch()
        return self.wait_ready()

    def _announced(self):
        if "\n" in self.out_path.read_text():
            return True
        code = self.process.poll()
        if code is None:
            return False
        self.process = None
        raise StartFailed(code, self.stderr())

    def stderr(self):
        return self.err_path.read_text(errors="replace")

    def stop(self):
        """SIGTERM; answers the exit code."""
        self.process.terminate()
        return self._reap()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        return self._reap()

    def _reap(self):
        try:
            return self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(
                f"firn serve did not stop within {STOP_WITHIN_S} s; it said:\n"
                f"{self.stderr()[-2000:]}") from None
        finally:
            self.process = None

    def close(self):
        if self.process is not None:
            self.kill()

    # --- Asking.

    def request(self, method, path, body=None, headers=None, **kwargs):
        return http_request(self.address, method, path, body, headers, **kwargs)

    def get(self, path, **parameters):
        if parameters:
            path += "?" + urllib.parse.urlencode(parameters, doseq=True)
        return self.request("GET", path)

    def post_form(self, path, **parameters):
        return self.request("POST", path, urllib.parse.urlencode(parameters, doseq=True),
                            {"Content-Type": "application/x-www-form-urlencoded"})

    def write(self, body, headers=None):
        return self.request("POST", "/api/v1/write", body,
                            remote_write.HEADERS if headers is None else headers)

    def query(self, expression, time_s):
        """`data` of an instant query's answer."""
        return self._data(self.post_form("/api/v1/query", query=expression, time=time_s))

    def query_range(self, expression, start_s, end_s, step_s):
        return self._data(self.post_form("/api/v1/query_range", query=expression,
                                         start=start_s, end=end_s, step=step_s))

    @staticmethod
    def _data(answer):
        assert answer.status == 200, answer
        return answer.json["data"]

    def sql(self, statement):
        """Rows of one SQL statement."""
        answer = self.request("POST", "/api/v1/sql", statement.encode())
        assert answer.status == 200, answer
        return answer.json["rows"]

    def settle(self):
        answer = self.request("POST", "/-/settle")
        assert answer.status == 200, answer
        return {table["table"]: table for table in answer.json["tables"]}

    def metric(self, line):
        """The value of one line of /metrics, named with its labels; 0 where absent."""
        for text in self.get("/metrics").text.splitlines():
            name, _, value = text.rpartition(" ")
            if name == line:
                return float(value)
        return 0.0


class ServerTest(unittest.TestCase):
    """A test with a directory of its own, and servers that end with it."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="firn-e2e-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def make_server(self, *flags, name="server", settle_interval="0s", **kwargs):
        """Not started yet. It settles when told to, unless the test says otherwise."""
        directory = self.directory / name
        directory.mkdir(exist_ok=True)
        server = Server(directory, "--settle-interval", settle_interval, *flags, **kwargs)
        self.addCleanup(server.close)
        return server

    def start_server(self, *flags, **kwargs):
        return self.make_server(*flags, **kwargs).start()

    def assert_write(self, server, body, status=204):
        answer = server.write(body)
        self.assertEqual(answer.status, status, answer)
        return answer.text


def main(parser=None):
    """unittest.main() after the flags: --firn FILE and those that `parser` knows, whose
    values OPTIONS then holds."""
    global FIRN
    parser = parser or argparse.ArgumentParser()
    parser.add_argument("--firn", required=True, help="the program")
    options, rest = parser.parse_known_args()
    FIRN = os.path.abspath(options.firn)
    OPTIONS.update(vars(options))
    sys.stdout.reconfigure(line_buffering=True)
    unittest.main(module="__main__", argv=[sys.argv[0], *rest])
