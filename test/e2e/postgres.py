# SPDX-License-Identifier: Apache-2.0
"""Starts a PostgreSQL that tests use, with TLS, on a free port of the loopback interface,
in a directory of its own. It is ended by its process id, and dies with the test where the
kernel allows."""
import os
import pathlib
import shutil
import signal
import subprocess
import time

from object_stores import end, free_port

PASSWORD = "firnsecret123"
NOBODY = 65534  # PostgreSQL refuses to run as root.
READY_WITHIN_S = 60


def missing():
    """The programs that are not there."""
    needed = ["initdb"] + (["setpriv"] if os.geteuid() == 0 else [])
    return [name for name in needed if shutil.which(name) is None]


class Postgres:
    """`certificates` is a directory as object_stores.make_certificate() makes it."""

    def __init__(self, directory, certificates):
        self.directory = pathlib.Path(directory)
        self.certificates = pathlib.Path(certificates)
        self.port = None
        self._prefix = []
        if shutil.which("setpriv"):
            self._prefix = ["setpriv", "--pdeathsig", "KILL"]
        self._process = None

    @property
    def conninfo(self):
        """For libpq: it insists on TLS and on the certificate."""
        return (f"host=127.0.0.1 port={self.port} user=postgres password={PASSWORD} "
                f"dbname=postgres sslmode=verify-full "
                f"sslrootcert={self.certificates / 'public.crt'}")

    def start(self):
        programs = pathlib.Path(shutil.which("initdb")).resolve().parent
        data = self.directory / "data"
        data.mkdir(parents=True)
        if os.geteuid() == 0:
            programs = self._let_nobody_run(programs, data)
        password = self.directory / "password"
        password.write_text(PASSWORD)
        key = data.parent / "server.key"
        shutil.copy(self.certificates / "private.key", key)
        shutil.copy(self.certificates / "public.crt", data.parent / "server.crt")
        key.chmod(0o600)
        if os.geteuid() == 0:
            for path in (self.directory, data, password, key):
                os.chown(path, NOBODY, NOBODY)
        subprocess.run(
            [*self._prefix, str(programs / "initdb"), "-D", str(data), "-U", "postgres",
             f"--pwfile={password}", "-A", "scram-sha-256", "--no-sync", "-E", "UTF8",
             "--locale=C.UTF-8"], check=True, capture_output=True)
        self.port = free_port()
        settings = {"port": self.port, "listen_addresses": "127.0.0.1",
                    "unix_socket_directories": "", "fsync": "off", "ssl": "on",
                    "ssl_cert_file": data.parent / "server.crt", "ssl_key_file": key,
                    "wal_level": "logical"}
        command = [*self._prefix, str(programs / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with open(self.directory / "log", "wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=subprocess.STDOUT)
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._is_ready(data):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self.directory / "log").read_text(errors="replace")
                self.stop()
                raise RuntimeError(f"PostgreSQL does not serve: {said}")
            time.sleep(0.05)
        return self

    def _let_nobody_run(self, programs, data):
        """Root's own directories are closed to it: it gets a copy, and a way to it."""
        self._prefix += ["--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
        copy, root = self.directory / "programs", programs.parents[3]
        for part in ("lib/postgresql", "share/postgresql"):
            shutil.copytree(root / part, copy / part, symlinks=True)
        for directory in (self.directory, *self.directory.parents):
            if directory.stat().st_mode & 0o001 == 0:
                directory.chmod(directory.stat().st_mode | 0o011)
        return copy.joinpath(programs.relative_to(root))

    def _is_ready(self, data):
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def stop(self):
        end(self._process, signal.SIGINT)  # Ends sessions, then itself.
        self._process = None
