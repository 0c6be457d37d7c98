# SPDX-License-Identifier: Apache-2.0
"""Runs one_process against a PostgreSQL and a MinIO, both by TLS with a CA of the test's
own, in either order of its libraries.

    one_process_services_test.py PROGRAM…

Exits 77, which counts as skipped, where the servers are not installed.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).parent.parent / "e2e"))
import object_stores  # noqa: E402
import postgres  # noqa: E402


def main(programs):
    missing = object_stores.missing() + postgres.missing()
    if missing:
        print("not installed:", ", ".join(missing))
        return 77
    started = []
    with tempfile.TemporaryDirectory(prefix="firn-one-process-") as scratch:
        scratch = pathlib.Path(scratch)
        try:
            certificates = object_stores.make_certificate(scratch / "certificates")
            store = object_stores.start_minio(scratch / "minio", certificates=certificates)
            started.append(store)
            database = postgres.Postgres(scratch / "postgres", certificates)
            started.append(database)
            database.start()
            for program in programs:
                for binding in ({}, {"LD_BIND_NOW": "1"}):
                    subprocess.run(
                        [program, database.conninfo, store.endpoint,
                         str(certificates / "public.crt")], check=True,
                        env={**os.environ, **binding,
                             "AWS_ACCESS_KEY_ID": object_stores.ACCESS_KEY,
                             "AWS_SECRET_ACCESS_KEY": object_stores.SECRET_KEY})
            return 0
        finally:
            for server in started:
                server.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
