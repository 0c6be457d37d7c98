# SPDX-License-Identifier: Apache-2.0
"""Runs store_matrix against real object stores.

    stores_test.py --matrix PROGRAM [--full] [--gtest_filter=…]

Exits 77, which counts as skipped, where the servers are not installed.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).parent.parent / "e2e"))
import object_stores  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--matrix", required=True)
    parser.add_argument("--full", action="store_true")
    options, rest = parser.parse_known_args()
    if object_stores.missing():
        print("not installed:", ", ".join(object_stores.missing()))
        return 77
    started = []
    with tempfile.TemporaryDirectory(prefix="firn-stores-") as scratch:
        scratch = pathlib.Path(scratch)
        try:
            started.append(object_stores.start_minio(scratch / "minio"))
            certificates = object_stores.make_certificate(scratch / "certificates")
            started.append(object_stores.start_minio(scratch / "tls", "minio_tls",
                                                     certificates))
            started.append(object_stores.start_versitygw(scratch / "versitygw"))
            minio = {"encrypts": True, "has_lifecycle": True}
            described = [started[0].describe(**minio),
                         started[1].describe(takes_customer_keys=True, **minio),
                         started[2].describe()]
            environment = {**os.environ, "FIRN_TEST_STORES": json.dumps(described)}
            if options.full:
                environment["FIRN_FULL"] = "1"
            return subprocess.run([options.matrix, *rest], env=environment,
                                  check=False).returncode
        finally:
            for store in started:
                store.stop()


if __name__ == "__main__":
    sys.exit(main())
