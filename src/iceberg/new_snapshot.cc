// SPDX-License-Identifier: Apache-2.0
#include "iceberg/new_snapshot.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "iceberg/apply_updates.h"
#include "iceberg/history.h"

namespace firn::iceberg {

Status CheckFilesAreWritable(const TableMetadata& base) {
  if (base.format_version == kFormatVersionWrittenMax) return Status::OK();
  return Status::Unimplemented("files of a table of format version " +
                               std::to_string(base.format_version) + " are not changed" +
                               (base.format_version < kFormatVersionWrittenMax
                                    ? ": upgrade it to version 2"
                                    : ": this firn writes tables of version 2"));
}

SnapshotManifests::SnapshotManifests(const base::Context& context,
                                     const SnapshotEnvironment& environment,
                                     const TableMetadata& base, SnapshotId snapshot_id)
    : context_(context),
      env_(environment),
      base_(base),
      snapshot_id_(snapshot_id),
      sequence_number_(base.last_sequence_number.value + 1),
      prefix_(base.MetadataDirectory() + "/" + environment.random.NextUuid()) {}

Result<ManifestHeader> SnapshotManifests::HeaderOf(SpecId spec_id,
                                                   ManifestContent content) const {
  const PartitionSpec& spec = *base_.FindSpec(spec_id);
  const Schema* schema = &base_.current_schema();
  if (!PartitionType(spec, *schema).ok()) {
    const auto fits =
        std::find_if(base_.schemas.rbegin(), base_.schemas.rend(),
                     [&](const Schema& s) { return PartitionType(spec, s).ok(); });
    if (fits == base_.schemas.rend()) {
      return PartitionType(spec, *schema)
          .status()
          .With("partition spec " + spec_id.ToString());
    }
    schema = &*fits;
  }
  return ManifestHeader{*schema, spec, content, base_.format_version};
}

Status SnapshotManifests::Write(const ManifestHeader& header,
                                std::vector<ManifestEntry> entries,
                                std::vector<ManifestFile>* out) {
  FIRN_RETURN_IF_ERROR(context_.Check());
  FIRN_ASSIGN_OR_RETURN(const StructType type, PartitionType(header.spec, header.schema));
  for (ManifestEntry& entry : entries) {
    PartitionValues& values = entry.data_file.partition;
    for (std::size_t i = 0; i < values.size() && i < type.fields.size(); ++i) {
      if (!values[i]) continue;
      // Written before a column was promoted, a value has the older type. One that does
      // not go into the newer is refused with the manifest, and not written as NULL.
      OptionalValue now = Promote(*values[i], *type.fields[i].type.primitive());
      if (now) values[i] = std::move(now);
    }
  }
  const std::string location =
      prefix_ + "-m" + std::to_string(manifests_written_++) + ".avro";
  env_.written.push_back(location);
  const auto length = env_.manifests.WriteManifest(context_, location, header, entries);
  if (!length.ok()) {
    // A name that was taken holds another's object, which must not be removed as ours.
    if (length.status().Is(StatusCode::kAlreadyExists)) env_.written.pop_back();
    return length.status();
  }
  ManifestFile manifest =
      SummarizeManifest(header, entries, snapshot_id_, sequence_number_);
  manifest.manifest_path = location;
  manifest.manifest_length_bytes = *length;
  out->push_back(std::move(manifest));
  return Status::OK();
}

NewSnapshot::NewSnapshot(const base::Context& context,
                         const SnapshotEnvironment& environment,
                         const TableMetadata& base, const std::string& branch)
    : context_(context), env_(environment), parent_(FindRef(base, branch)) {
  do {
    snapshot_.id = environment.random.NextSnapshotId();
  } while (base.FindSnapshot(snapshot_.id) != nullptr);
  if (parent_ != nullptr) snapshot_.parent_id = parent_->id;
  snapshot_.sequence_number = SequenceNumber(base.last_sequence_number.value + 1);
  snapshot_.timestamp_ms = std::max(environment.clock.NowMs(), base.last_updated_ms);
  snapshot_.schema_id = base.current_schema_id;
  snapshot_.manifest_list = base.MetadataDirectory() + "/snap-" +
                            snapshot_.id.ToString() + "-0-" +
                            environment.random.NextUuid() + ".avro";
  FIRN_ASSERT(snapshot_.timestamp_ms >= base.last_updated_ms);
}

Result<std::vector<ManifestFile>> NewSnapshot::ParentManifests() const {
  if (parent_ == nullptr) return std::vector<ManifestFile>();
  return env_.manifests.ReadManifestList(context_, *parent_);
}

Result<Snapshot> NewSnapshot::Write(Operation operation,
                                    const std::vector<ManifestFile>& manifests,
                                    std::map<std::string, std::string> summary) && {
  snapshot_.operation = operation;
  snapshot_.summary = std::move(summary);
  env_.written.push_back(snapshot_.manifest_list);
  const Status list = env_.manifests.WriteManifestList(context_, snapshot_, manifests);
  if (list.Is(StatusCode::kAlreadyExists)) env_.written.pop_back();
  FIRN_RETURN_IF_ERROR(list);
  return std::move(snapshot_);
}

}  // namespace firn::iceberg
