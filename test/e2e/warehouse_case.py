# SPDX-License-Identifier: Apache-2.0
"""A test case with a warehouse of its own and no server."""
import json
import pathlib
import tempfile
import unittest

from firn_server import run_firn


class WarehouseTest(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.directory = pathlib.Path(holder.name)
        self.warehouse = self.directory / "warehouse"

    def firn(self, *arguments, **kwargs):
        return run_firn(*arguments, "--warehouse", self.warehouse, **kwargs)

    def run_ok(self, *arguments, **kwargs):
        """What it says with --json, or None where that is nothing."""
        done = self.firn(*arguments, "--json", **kwargs)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout) if done.stdout else None

    def assert_fails(self, code, said, *arguments, **kwargs):
        done = self.firn(*arguments, **kwargs)
        text = done.stderr.decode()
        self.assertEqual(done.returncode, code, text)
        self.assertIn(said, text)
