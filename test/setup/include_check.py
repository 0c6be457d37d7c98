# SPDX-License-Identifier: Apache-2.0
"""Fails when a file includes what layers.txt does not allow.

    include_check.py ROOT [DIRECTORY…]   check the tree under ROOT
    include_check.py --self-test         check that bad trees are caught, a good one is not

Looked at: every .h and .cc under include/firn and src/<room>. A finding is one line,
`file:line: what is wrong`. A header of ours must not have the name of one that exists under a
DIRECTORY of other people's headers: those would find ours instead of their own.
"""

import os
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Layers:
    """What layers.txt says."""

    def __init__(self):
        self.level = {}  # room -> level
        self.embedder = {}  # room -> names of rooms and headers it may include
        self.wall = []  # (prefix of a header, rooms that may include it)

    @staticmethod
    def read(path):
        layers = Layers()
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                words = line.split("#")[0].split()
                if not words:
                    continue
                if words[0] == "level" and len(words) > 2:
                    layers.level.update({room: int(words[1]) for room in words[2:]})
                elif words[0] == "embedder" and len(words) > 2:
                    layers.embedder[words[1]] = set(words[2:])
                elif words[0] == "wall" and len(words) > 2:
                    layers.wall.append((words[1], set(words[2:])))
                else:
                    sys.exit(f"{path}:{number}: not understood: {line.strip()}")
        return layers

    def rooms(self):
        return set(self.level) | set(self.embedder)

    def complaint(self, room, header, quoted):
        """Why `room` may not include `header`, or None. What stands in quotes and starts
        with the name of a room is that room's; Parquet's own headers are told from those
        of the room of that name by whether the file exists, which the caller knows."""
        target = header.split("/")[0]
        if quoted and target in self.rooms():
            return self.inner_complaint(room, target, header)
        for prefix, allowed in self.wall:
            if header.startswith(prefix) and room not in allowed:
                return f"only {', '.join(sorted(allowed))} may include {header}"
        return None

    def inner_complaint(self, room, target, header):
        if target == room:
            return None
        if room in self.embedder:
            if {target, header} & self.embedder[room]:
                return None
            return (f"{room} embeds firn and may include only "
                    f"{', '.join(sorted(self.embedder[room]))}, not {header}")
        if target in self.embedder:
            return f"{room} may not include {header}: {target} is above every room"
        if self.level[target] >= self.level[room]:
            return (f"{room} (level {self.level[room]}) may not include {header} "
                    f"(level {self.level[target]})")
        return None


def includes(path):
    """Yields (line number, header, whether in quotes)."""
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match[2], match[1] == '"'


def source_files(root, directory):
    for where, directories, names in os.walk(os.path.join(root, directory)):
        directories.sort()
        for name in sorted(names):
            if name.endswith((".h", ".cc")):
                yield os.path.join(where, name)


def check(root, theirs=()):
    """Returns the findings of the tree under `root`, and how many files were looked at.
    `theirs` are directories of other people's headers."""
    layers = Layers.read(os.path.join(root, "layers.txt"))
    findings, count = [], 0
    rooms = [("firn", os.path.join("include", "firn"))]
    src = os.path.join(root, "src")
    for room in sorted(os.listdir(src)) if os.path.isdir(src) else []:
        if os.path.isdir(os.path.join(src, room)):
            rooms.append((room, os.path.join("src", room)))
    for room, directory in rooms:
        if room not in layers.rooms():
            findings.append(f"{directory}: layers.txt does not know the room {room}")
            continue
        for path in source_files(root, directory):
            count += 1
            name = os.path.relpath(path, os.path.join(root, directory, ".."))
            if any(os.path.exists(os.path.join(other, name)) for other in theirs):
                findings.append(f"{os.path.relpath(path, root)}: hides another {name}")
            for number, header, quoted in includes(path):
                ours = quoted and is_ours(root, header)
                why = layers.complaint(room, header, ours)
                if why:
                    findings.append(f"{os.path.relpath(path, root)}:{number}: {why}")
                elif quoted and not ours and ".." in header.split("/"):
                    findings.append(f"{os.path.relpath(path, root)}:{number}: "
                                    f"{header} is named by a relative path")
    return findings, count


def is_ours(root, header):
    return any(os.path.exists(os.path.join(root, top, header))
               for top in ("include", "src"))


# What the self-test writes: files with one include each, and what must be said of it.
CASES = [
    ("src/base/a.h", '"firn/x.h"', None),
    ("src/tsdb/a.h", '"base/a.h"', None),
    ("src/tsdb/a.h", '<vector>', None),
    ("src/parquet/b.h", '"parquet/a.h"', None),
    ("src/parquet/b.h", '"parquet/file_reader.h"', None),
    ("src/sql/a.cc", '<duckdb.hpp>', None),
    ("src/cli/main.cc", '"server/a.h"', None),
    ("src/server/b.cc", '"wire/a.h"', None),
    ("src/base/b.cc", '"tsdb/a.h"', "level 6"),
    ("src/wal/b.cc", '"parquet/a.h"', "level 4"),
    ("src/table/b.cc", '"parquet/file_reader.h"', "only parquet"),
    ("src/table/b.cc", '<parquet/file_reader.h>', "only parquet"),
    ("src/tsdb/b_test.cc", '"duckdb.hpp"', "only sql"),
    ("src/tsdb/b.cc", '  <sqlite3.h>', "only iceberg"),
    ("src/server/b.cc", '"db/a.h"', "server embeds firn"),
    ("src/db/b.cc", '"server/a.h"', "above every room"),
    ("include/firn/y.h", '"base/a.h"', "level 1"),
    ("src/tsdb/b.cc", '"../base/a.h"', "relative path"),
    ("src/nowhere/b.cc", '<vector>', "does not know the room nowhere"),
]


def self_test(layers_path):
    with open(layers_path, encoding="utf-8") as file:
        layers = file.read()
    failures = 0
    for name, header, expected in CASES:
        with tempfile.TemporaryDirectory() as root:
            write(root, "layers.txt", layers)
            write(root, "include/firn/x.h", "")
            for room in ("base", "wire", "parquet", "tsdb", "db", "server"):
                write(root, f"src/{room}/a.h", "")
            write(root, name, f"#pragma once\n#include {header}\n")
            findings, _ = check(root)
        right = not findings if expected is None else (
            len(findings) == 1 and expected in findings[0])
        if not right:
            failures += 1
            print(f"{name} includes {header}: expected {expected!r}, found {findings}")
    with tempfile.TemporaryDirectory() as root:
        write(root, "layers.txt", layers)
        for name in ("src/parquet/ours.h", "src/parquet/types.h", "theirs/parquet/types.h"):
            write(root, name, "")
        findings, _ = check(root, [os.path.join(root, "theirs")])
        if findings != ["src/parquet/types.h: hides another parquet/types.h"]:
            failures += 1
            print(f"a header that hides another: found {findings}")
    print(f"{len(CASES) + 1} cases, {failures} wrong")
    return failures


def write(root, name, text):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main(argument, *theirs):
    if argument == "--self-test":
        here = os.path.dirname(os.path.abspath(__file__))
        return self_test(os.path.join(here, "..", "..", "layers.txt"))
    findings, count = check(argument, theirs)
    print("\n".join(findings) if findings else f"{count} files keep to layers.txt")
    # A check that saw nothing has checked nothing.
    return bool(findings) or count == 0


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
