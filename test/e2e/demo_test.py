# SPDX-License-Identifier: Apache-2.0
"""The demo of ./dev demo, without the build: it ends with exit 0 and a query answered.

    demo_test.py --firn FILE [--seconds N]
"""
import argparse
import json
import os
import pathlib
import socket
import subprocess

import firn_server
from firn_server import OPTIONS, ServerTest, dies_with_us, run_firn


class DemoTest(ServerTest):
    def test_it_answers_a_query_and_stops_cleanly(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        source = pathlib.Path(os.environ.get(
            "FIRN_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
        demo = self.directory / "demo"
        done = subprocess.run(
            dies_with_us(["bash", source / "examples/demo.sh", firn_server.FIRN, demo,
                          str(OPTIONS["seconds"])]),
            capture_output=True, text=True, check=False, timeout=OPTIONS["seconds"] + 90,
            env={**os.environ, "FIRN_DEMO_LISTEN": f"127.0.0.1:{port}"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"http://127.0.0.1:{port}", done.stdout)
        answers = [json.loads(line) for line in done.stdout.splitlines()
                   if line.startswith('{"status"')]
        self.assertEqual(len(answers), 1, done.stdout)
        result = answers[0]["data"]["result"]
        self.assertEqual([one["metric"]["job"] for one in result], ["node"])
        self.assertGreaterEqual(float(result[0]["value"][1]), 0)
        # Nothing was dropped at the stop, and a dozen samples a second came in.
        counted = run_firn("promql", "count_over_time(up[5m])", "--data", demo / "data",
                           "--json")
        self.assertEqual(counted.returncode, 0, counted.stderr)
        points = float(json.loads(counted.stdout)["result"][0]["value"][1])
        self.assertGreater(points, OPTIONS["seconds"] / 2)


if __name__ == "__main__":
    flags = argparse.ArgumentParser()
    flags.add_argument("--seconds", type=int, default=10)
    firn_server.main(flags)
