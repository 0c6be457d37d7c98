# SPDX-License-Identifier: Apache-2.0
"""Delete files put into a PyIceberg table by hand: PyIceberg itself writes none.

A copy of the table's metadata gets one more snapshot, of the manifests there are and of
one of the delete files, and is registered under another name.
"""
import copy
import itertools
import json
import pathlib
import struct
import urllib.parse
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pyroaring
from pyiceberg.avro.file import AvroOutputFile
from pyiceberg.manifest import (DataFile, DataFileContent, FileFormat, ManifestContent,
                                ManifestEntry, ManifestEntryStatus, ManifestWriterV2,
                                write_manifest_list)
from pyiceberg.typedef import Record

PATH_ID, POS_ID = 2147483546, 2147483545
_numbers = itertools.count(1)


def _field(name, kind, field_id):
    metadata = None if field_id is None else {"PARQUET:field_id": str(field_id)}
    return pa.field(name, kind, metadata=metadata)


def local_path(location):
    return pathlib.Path(urllib.parse.urlsplit(location).path)


class DeleteManifestWriter(ManifestWriterV2):
    def __init__(self, version, *args):
        super().__init__(*args)
        self._version = version

    def content(self):
        return ManifestContent.DELETES

    @property
    def version(self):
        return self._version

    def new_writer(self):
        return AvroOutputFile(
            output_file=self._output_file, file_schema=self._with_partition(self.version),
            record_schema=self._with_partition(3), schema_name="manifest_entry",
            metadata=self._meta)

    @property
    def _meta(self):
        return {**super()._meta, "content": "deletes"}


class Deletes:
    """Delete files for `table`, and the tables that have them."""

    def __init__(self, catalog, table):
        self.catalog = catalog
        self.table = table
        self.root = local_path(table.location())

    def _describe(self, path, content, partition, **more):
        return DataFile.from_args(
            _table_format_version=3, content=content, file_path=f"file://{path}",
            file_format=more.pop("file_format", FileFormat.PARQUET),
            partition=Record(*partition), file_size_in_bytes=path.stat().st_size, **more)

    def _parquet(self, rows, fields):
        path = self.root / "data" / f"deletes-{next(_numbers)}.parquet"
        schema = pa.schema(fields)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
        return path

    def positions(self, pairs, partition=()):
        """Position deletes of (location, position)."""
        path = self._parquet(
            [{"file_path": location, "pos": pos} for location, pos in sorted(pairs)],
            [_field("file_path", pa.string(), PATH_ID), _field("pos", pa.int64(), POS_ID)])
        return self._describe(path, DataFileContent.POSITION_DELETES, partition,
                              record_count=len(pairs))

    def equalities(self, rows, columns, partition=(), with_ids=True):
        """Equality deletes; `columns` are (name, Arrow type, id)."""
        path = self._parquet(
            rows, [_field(name, kind, field_id if with_ids else None)
                   for name, kind, field_id in columns])
        return self._describe(path, DataFileContent.EQUALITY_DELETES, partition,
                              record_count=len(rows),
                              equality_ids=[field_id for _, _, field_id in columns])

    def vectors(self, by_location, partition=()):
        """Deletion vectors of several data files in one Puffin file."""
        path = self.root / "data" / f"deletes-{next(_numbers)}.puffin"
        body, blobs = b"PFA1", []
        for location, positions in by_location.items():
            bitmap = pyroaring.BitMap64(positions)
            bitmap.run_optimize()
            covered = b"\xd1\xd3\x39\x64" + bitmap.serialize()
            blob = struct.pack(">I", len(covered)) + covered + \
                struct.pack(">I", zlib.crc32(covered))
            blobs.append({"type": "deletion-vector-v1", "fields": [POS_ID],
                          "snapshot-id": -1, "sequence-number": -1, "offset": len(body),
                          "length": len(blob),
                          "properties": {"referenced-data-file": location,
                                         "cardinality": str(len(positions))}})
            body += blob
        footer = json.dumps({"blobs": blobs, "properties": {}}).encode()
        path.write_bytes(body + b"PFA1" + footer + struct.pack("<II", len(footer), 0) +
                         b"PFA1")
        return [self._describe(path, DataFileContent.POSITION_DELETES, partition,
                               file_format=FileFormat.PUFFIN,
                               record_count=len(by_location[location]),
                               referenced_data_file=location,
                               content_offset=blob["offset"],
                               content_size_in_bytes=blob["length"])
                for location, blob in zip(by_location, blobs)]

    def register(self, name, files, version=2):
        """The table with these delete files as `name`. Answers its metadata's path."""
        metadata = json.loads(local_path(self.table.metadata_location).read_text())
        metadata = copy.deepcopy(metadata)
        io, spec, schema = self.table.io, self.table.spec(), self.table.schema()
        snapshot_id = 7_000_000 + next(_numbers)
        number = metadata["last-sequence-number"] + 1
        manifest = io.new_output(f"{self.table.location()}/metadata/d{snapshot_id}.avro")
        with DeleteManifestWriter(version, spec, schema, manifest, snapshot_id,
                                  "deflate") as writer:
            for file in files:
                writer.add_entry(ManifestEntry.from_args(
                    _table_format_version=3, status=ManifestEntryStatus.ADDED, snapshot_id=snapshot_id,
                    data_file=file))
        listed = f"{self.table.location()}/metadata/snap-{snapshot_id}.avro"
        current = self.table.current_snapshot()
        with write_manifest_list(2, io.new_output(listed), snapshot_id,
                                 current.snapshot_id, number, "deflate") as manifests:
            manifests.add_manifests(
                [*current.manifests(io), writer.to_manifest_file()])
        snapshot = {"snapshot-id": snapshot_id, "parent-snapshot-id": current.snapshot_id,
                    "sequence-number": number,
                    "timestamp-ms": metadata["last-updated-ms"] + 1,
                    "manifest-list": listed, "schema-id": metadata["current-schema-id"],
                    "summary": {"operation": "delete"}}
        if version == 3:
            metadata["format-version"] = 3
            metadata["next-row-id"] = 0
            snapshot |= {"first-row-id": 0, "added-rows": 0}
        metadata["snapshots"].append(snapshot)
        metadata["snapshot-log"].append(
            {"snapshot-id": snapshot_id, "timestamp-ms": snapshot["timestamp-ms"]})
        metadata["current-snapshot-id"] = snapshot_id
        metadata["refs"]["main"] = {"snapshot-id": snapshot_id, "type": "branch"}
        metadata["last-sequence-number"] = number
        metadata["last-updated-ms"] = snapshot["timestamp-ms"]
        path = self.root / "metadata" / f"99999-{snapshot_id}.metadata.json"
        path.write_text(json.dumps(metadata))
        self.catalog.register_table(name, f"file://{path}")
        return path
