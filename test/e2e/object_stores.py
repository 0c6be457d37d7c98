# SPDX-License-Identifier: Apache-2.0
"""Starts the object stores that tests use: MinIO and versitygw, which speak S3, a server of
Google's protocol and one of Azure's; on free ports of the loopback interface, each in a
directory of its own. A process is ended by its id only, and dies with the test where the
kernel allows."""
import base64
import http.client
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import time

ACCESS_KEY = "firnroot"
SECRET_KEY = "firnsecret123"
KMS_KEY = "firn-key"
AZURE_ACCOUNT = "firnaccount"
AZURE_KEY = base64.b64encode(b"the key of the account of a test").decode()
READY_WITHIN_S = 60
STOP_WITHIN_S = 20


def missing(*names):
    """Those of the programs that are not there; without names, of those that speak S3."""
    return [name for name in names or ("minio", "versitygw") if shutil.which(name) is None]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(directory):
    """A certificate for loopback that signs itself, as MinIO wants its files named."""
    directory.mkdir(parents=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(directory / "private.key"), "-out", str(directory / "public.crt")],
        check=True, capture_output=True)
    return directory


def end(process, how):
    """Ends `process`, which may be None, by the signal `how`, else by force."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class ObjectStore:
    """A server and the description of it that store_matrix takes."""

    def __init__(self, name, command, environment, directory, certificates=None):
        self.directory = directory
        self.certificates = certificates
        self.port = None
        self._name, self._command, self._environment = name, command, environment
        self._process = None

    @property
    def endpoint(self):
        return f"{'https' if self.certificates else 'http'}://127.0.0.1:{self.port}"

    def describe(self, **more):
        ca_file = str(self.certificates / "public.crt") if self.certificates else ""
        return {"name": self._name, "bucket": "firn-test", "endpoint": self.endpoint,
                "scheme": "s3", "access_key": ACCESS_KEY, "secret_key": SECRET_KEY,
                "ca_file": ca_file, **more}

    def start(self, health, port=None):
        self.port = port or free_port()
        setpriv = shutil.which("setpriv")
        command = [word.replace("PORT", str(self.port)) for word in self._command]
        if setpriv:
            command = [setpriv, "--pdeathsig", "KILL", *command]
        with open(self.directory / "log", "wb") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **self._environment}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers(health):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self.directory / "log").read_text(errors="replace")
                self.stop()
                raise RuntimeError(f"{self._name} does not serve: {said}")
            time.sleep(0.05)
        return self

    def _answers(self, health):
        try:
            if self.certificates:
                context = ssl.create_default_context(
                    cafile=str(self.certificates / "public.crt"))
                connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5,
                                                         context=context)
            else:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", health)
                return connection.getresponse().status < 500
            finally:
                connection.close()
        except (OSError, http.client.HTTPException):
            return False

    def stop(self):
        end(self._process, signal.SIGTERM)
        self._process = None


def start_minio(directory, name="minio", certificates=None):
    directory = pathlib.Path(directory)
    (directory / "data").mkdir(parents=True)
    key = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
    environment = {"MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY,
                   "MINIO_SITE_REGION": "us-east-1", "MINIO_BROWSER": "off",
                   "MINIO_UPDATE": "off", "CI": "true",
                   "MINIO_KMS_SECRET_KEY": f"{KMS_KEY}:{key}", "HOME": str(directory)}
    command = ["minio", "server", "--quiet", "--address", "127.0.0.1:PORT"]
    if certificates:
        command += ["--certs-dir", str(certificates)]
    command.append(str(directory / "data"))
    return ObjectStore(name, command, environment, directory, certificates).start(
        "/minio/health/live")


def start_versitygw(directory, name="versitygw", certificates=None):
    directory = pathlib.Path(directory)
    (directory / "data").mkdir(parents=True)
    (directory / "versions").mkdir()
    (directory / "metadata").mkdir()
    environment = {"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY,
                   "HOME": str(directory)}
    tls = ["--cert", str(certificates / "public.crt"),
           "--key", str(certificates / "private.key")] if certificates else []
    command = ["versitygw", "--quiet", "--port", "127.0.0.1:PORT", "--health", "/healthz",
               *tls, "posix", "--versioning-dir", str(directory / "versions"),
               # Beside the files and not in their attributes: those of ext4 hold 4 KiB,
               # which an object of a thousand parts exceeds.
               "--sidecar", str(directory / "metadata"), str(directory / "data")]
    return ObjectStore(name, command, environment, directory, certificates).start(
        "/healthz")


def start_fake_gcs(directory, name="fake_gcs", certificates=None):
    """Google's protocol, without any check of who asks."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True)
    command = ["fake-gcs-server", "-backend", "memory", "-host", "127.0.0.1", "-port", "PORT",
               "-public-host", "127.0.0.1:PORT", "-log-level", "error",
               "-scheme", "https" if certificates else "http"]
    if certificates:
        command += ["-cert-location", str(certificates / "public.crt"),
                    "-private-key-location", str(certificates / "private.key")]
    return ObjectStore(name, command, {"HOME": str(directory)}, directory,
                       certificates).start("/_internal/healthcheck")


def start_azurite(directory, name="azurite", certificates=None):
    """Azure's protocol; endpoint and account go together, as in endpoint/account."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True)
    command = ["azurite-blob", "--silent", "--inMemoryPersistence", "--disableTelemetry",
               "--blobHost", "127.0.0.1", "--blobPort", "PORT"]
    if certificates:
        command += ["--cert", str(certificates / "public.crt"),
                    "--key", str(certificates / "private.key")]
    environment = {"AZURITE_ACCOUNTS": f"{AZURE_ACCOUNT}:{AZURE_KEY}",
                   "HOME": str(directory)}
    return ObjectStore(name, command, environment, directory, certificates).start("/")
