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

SERVERS = ("minio", "versitygw", "fake-gcs-server", "azurite-blob")
# What a person has set for stores of their own is no part of a test.
OTHERS_SETTINGS = ("AWS_", "AZURE_", "GOOGLE_", "STORAGE_EMULATOR_HOST")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--matrix", required=True)
    parser.add_argument("--full", action="store_true")
    options, rest = parser.parse_known_args()
    if object_stores.missing(*SERVERS):
        print("not installed:", ", ".join(object_stores.missing(*SERVERS)))
        return 77
    started = []
    with tempfile.TemporaryDirectory(prefix="firn-stores-") as scratch:
        scratch = pathlib.Path(scratch)
        try:
            described = start(scratch, started)
            environment = {name: value for name, value in os.environ.items()
                           if not name.startswith(OTHERS_SETTINGS)}
            environment["FIRN_TEST_STORES"] = json.dumps(described)
            if options.full:
                environment["FIRN_FULL"] = "1"
            return subprocess.run([options.matrix, *rest], env=environment,
                                  check=False).returncode
        finally:
            for store in started:
                store.stop()


def start(scratch, started):
    """Starts the servers, each put into `started`, and returns what the program is told."""
    certificates = object_stores.make_certificate(scratch / "certificates")
    described = []

    def add(starter, name, secured=False, **more):
        store = starter(scratch / name, name, certificates if secured else None)
        started.append(store)
        described.append(store.describe(**more))

    minio = {"encrypts": True, "has_lifecycle": True, "has_sessions": True,
             "is_on_disk": True}
    add(object_stores.start_minio, "minio", **minio)
    add(object_stores.start_minio, "minio_tls", True, takes_customer_keys=True, **minio)
    add(object_stores.start_versitygw, "versitygw", is_on_disk=True)
    for name, secured in (("fake_gcs", False), ("fake_gcs_tls", True)):
        add(object_stores.start_fake_gcs, name, secured, scheme="gs")
    for name, secured in (("azurite", False), ("azurite_tls", True)):
        add(object_stores.start_azurite, name, secured, scheme="az",
            account=object_stores.AZURE_ACCOUNT, account_key=object_stores.AZURE_KEY)
    return described


if __name__ == "__main__":
    sys.exit(main())
