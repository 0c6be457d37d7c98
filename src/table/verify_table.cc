// SPDX-License-Identifier: Apache-2.0
#include "table/verify_table.h"

#include <algorithm>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "iceberg/manifest_io.h"
#include "iceberg/single_value.h"
#include "table/table_faults.h"
#include "table/verify_data_file.h"

namespace firn::table {
namespace {

using iceberg::ManifestContent;
using iceberg::ManifestEntry;
using iceberg::ManifestFile;
using iceberg::ManifestHeader;
using iceberg::Snapshot;
using iceberg::TableMetadata;

// UUIDs in the order of Iceberg's Java library, that of two signed numbers, come out in
// the order of their bytes.
iceberg::Value WithoutSigns(iceberg::Value value) {
  if (auto* const uuid = std::get_if<iceberg::Bytes>(&value)) {
    for (const std::size_t i : {0U, 8U}) uuid->bytes.at(i) ^= '\x80';
  }
  return value;
}

// Holds the entries of one manifest against what its list says of them.
class ManifestComparison {
 public:
  ManifestComparison(const ManifestFile& listed, TableFaults& faults)
      : listed_(listed), faults_(faults) {
    counted_.spec_id = listed.spec_id;
  }

  void Add(const ManifestHeader& header, const ManifestEntry& entry) {
    const std::int64_t rows = entry.data_file.record_count;
    switch (entry.status) {
      case iceberg::EntryStatus::kAdded:
        ++counted_.added_files_count;
        counted_.added_rows_count += rows;
        break;
      case iceberg::EntryStatus::kExisting:
        ++counted_.existing_files_count;
        counted_.existing_rows_count += rows;
        break;
      case iceberg::EntryStatus::kDeleted:
        ++counted_.deleted_files_count;
        counted_.deleted_rows_count += rows;
        break;
    }
    if (!entry.is_live()) return;
    if ((entry.data_file.content == iceberg::FileContent::kData) !=
        (listed_.content == ManifestContent::kData)) {
      AddFault(entry.data_file.file_path + " is of the other content", "");
    }
    if (*entry.sequence_number < listed_.min_sequence_number) {
      AddFault("sequence number " + entry.sequence_number->ToString() + " of " +
                   entry.data_file.file_path,
               "at least " + listed_.min_sequence_number.ToString() + ", by its list");
    }
    HoldSummaries(header, entry.data_file);
  }

  void Finish() {
    Count(counted_.added_files_count, listed_.added_files_count, "added files");
    Count(counted_.existing_files_count, listed_.existing_files_count, "existing files");
    Count(counted_.deleted_files_count, listed_.deleted_files_count, "deleted files");
    Count(counted_.added_rows_count, listed_.added_rows_count, "added rows");
    Count(counted_.existing_rows_count, listed_.existing_rows_count, "existing rows");
    Count(counted_.deleted_rows_count, listed_.deleted_rows_count, "deleted rows");
  }

 private:
  void AddFault(std::string found, std::string expected) {
    faults_.Add({TableFaultKind::kManifest, listed_.manifest_path, "", std::move(found),
                 std::move(expected)});
  }

  void Count(std::int64_t counted, std::int64_t listed, const std::string& what) {
    if (counted == listed) return;
    AddFault(std::to_string(counted) + " " + what,
             std::to_string(listed) + ", by its list");
  }

  // A reader skips the manifest by its summaries: they must hold every partition value.
  void HoldSummaries(const ManifestHeader& header, const iceberg::DataFile& file) {
    if (listed_.partitions.empty()) return;
    const auto types = iceberg::PartitionType(header.spec, header.schema);
    if (!types.ok() || listed_.partitions.size() != file.partition.size()) return;
    for (std::size_t i = 0; i < file.partition.size(); ++i) {
      const iceberg::NestedField& field = types->fields[i];
      if (IsHeld(listed_.partitions[i], file.partition[i], *field.type.primitive())) {
        continue;
      }
      faults_.Add({TableFaultKind::kManifest, listed_.manifest_path, field.name,
                   "a file of " +
                       iceberg::PartitionPath(header.spec, header.schema, file.partition),
                   "a value within the summary of its list"});
    }
  }

  static bool IsHeld(const iceberg::FieldSummary& summary,
                     const iceberg::OptionalValue& value,
                     const iceberg::PrimitiveType& type) {
    if (!value.has_value()) return summary.contains_null;
    if (*value != *value) return summary.contains_nan.value_or(true);  // NaN
    if (!summary.lower_bound.has_value() || !summary.upper_bound.has_value())
      return false;
    const auto lower = iceberg::ParseValue(*summary.lower_bound, type);
    const auto upper = iceberg::ParseValue(*summary.upper_bound, type);
    if (!lower.ok() || !upper.ok()) return false;
    const auto is_between = [](const iceberg::Value& low, const iceberg::Value& x,
                               const iceberg::Value& high) {
      return iceberg::CompareValues(low, x) <= 0 && iceberg::CompareValues(x, high) <= 0;
    };
    return is_between(*lower, *value, *upper) ||
           (type.kind == iceberg::PrimitiveKind::kUuid &&
            is_between(WithoutSigns(*lower), WithoutSigns(*value), WithoutSigns(*upper)));
  }

  const ManifestFile& listed_;
  TableFaults& faults_;
  ManifestFile counted_;
};

class Verifier {
 public:
  Verifier(const base::Context& context, const ScanEnvironment& environment,
           const iceberg::LoadedTable& table, const TableCheckOptions& options)
      : context_(context),
        manifests_(environment.store),
        metadata_(*table.metadata),
        options_(options),
        faults_(check_, options.faults_max),
        files_(context, environment, options, check_, faults_) {
    check_.table = table.identifier.ToString();
    check_.metadata_location = table.metadata_location;
  }

  Result<TableCheck> Run() && {
    const Status consistent = iceberg::CheckTableMetadata(metadata_);
    FIRN_RETURN_IF_ERROR(
        faults_.Take(consistent, TableFaultKind::kMetadata, check_.metadata_location));
    FIRN_RETURN_IF_ERROR(ReadLists());
    for (std::size_t i = 0; i < listed_.size(); ++i) {
      FIRN_RETURN_IF_ERROR(VerifyManifest(listed_[i], i < current_manifests_));
    }
    if (options_.on_progress) options_.on_progress(1);
    return std::move(check_);
  }

 private:
  // The current snapshot comes first: what is twice in it is told from what two snapshots
  // share.
  Status ReadLists() {
    const Snapshot* current = metadata_.current_snapshot();
    if (current != nullptr) FIRN_RETURN_IF_ERROR(ReadList(*current));
    current_manifests_ = listed_.size();
    for (const Snapshot& snapshot : metadata_.snapshots) {
      if (current == nullptr || snapshot.id != current->id) {
        FIRN_RETURN_IF_ERROR(ReadList(snapshot));
      }
    }
    return Status::OK();
  }

  Status ReadList(const Snapshot& snapshot) {
    FIRN_RETURN_IF_ERROR(context_.Check());
    ++check_.snapshots;
    auto list = manifests_.ReadManifestList(context_, snapshot);
    if (!list.ok()) {
      return faults_.Take(list.status(), TableFaultKind::kManifestList,
                          snapshot.manifest_list);
    }
    std::int64_t files = 0;
    std::int64_t rows = 0;
    std::set<std::string> in_this_list;
    for (ManifestFile& manifest : *list) {
      if (manifest.content == ManifestContent::kData) {
        files += manifest.added_files_count + manifest.existing_files_count;
        rows += manifest.added_rows_count + manifest.existing_rows_count;
      }
      if (!in_this_list.insert(manifest.manifest_path).second) {
        faults_.Add({TableFaultKind::kManifestList, snapshot.manifest_list, "",
                     "manifest " + manifest.manifest_path + " twice", "once"});
      }
      if (!known_manifests_.insert(manifest.manifest_path).second) continue;
      files_listed_ += manifest.added_files_count + manifest.existing_files_count;
      listed_.push_back(std::move(manifest));
    }
    CompareTotal(snapshot, iceberg::kSummaryTotalDataFiles, files);
    CompareTotal(snapshot, iceberg::kSummaryTotalRecords, rows);
    return Status::OK();
  }

  // A summary may leave totals out.
  void CompareTotal(const Snapshot& snapshot, const char* key, std::int64_t counted) {
    const std::int64_t total = snapshot.SummaryCount(key, counted);
    if (total == counted) return;
    faults_.Add({TableFaultKind::kManifestList, snapshot.manifest_list, "",
                 "manifests with " + std::to_string(counted),
                 std::string(key) + " " + std::to_string(total) +
                     ", by the summary of snapshot " + snapshot.id.ToString()});
  }

  Status VerifyManifest(const ManifestFile& manifest, bool is_current) {
    FIRN_RETURN_IF_ERROR(context_.Check());
    ++check_.manifests;
    if (metadata_.FindSpec(manifest.spec_id) == nullptr) {
      faults_.Add({TableFaultKind::kManifest, manifest.manifest_path, "",
                   "partition spec " + manifest.spec_id.ToString(),
                   "one that the table has"});
    }
    if (manifest.sequence_number > metadata_.last_sequence_number) {
      faults_.Add({TableFaultKind::kManifest, manifest.manifest_path, "",
                   "sequence number " + manifest.sequence_number.ToString(),
                   "at most the table's " + metadata_.last_sequence_number.ToString()});
    }
    FIRN_RETURN_IF_ERROR(VerifyLength(manifest));
    ManifestComparison comparison(manifest, faults_);
    const Result<ManifestHeader> header = manifests_.ReadManifest(
        context_, manifest,
        [&](const ManifestHeader& head, ManifestEntry&& entry) -> Status {
          comparison.Add(head, entry);
          if (!entry.is_live()) return Status::OK();
          return VerifyFile(head, entry.data_file, is_current ? &manifest : nullptr);
        });
    if (header.ok()) {
      comparison.Finish();
      return Status::OK();
    }
    return faults_.Take(header.status(), TableFaultKind::kManifest,
                        manifest.manifest_path);
  }

  Status VerifyLength(const ManifestFile& manifest) {
    const auto object = manifests_.store().OpenReader(context_, manifest.manifest_path);
    // That it is not there is said where it is read.
    if (object.status().Is(StatusCode::kNotFound)) return Status::OK();
    FIRN_RETURN_IF_ERROR(object.status());
    const auto length = static_cast<std::int64_t>((*object)->size_bytes());
    if (length != manifest.manifest_length_bytes) {
      faults_.Add({TableFaultKind::kManifest, manifest.manifest_path, "",
                   std::to_string(length) + " bytes",
                   std::to_string(manifest.manifest_length_bytes) + ", by its list"});
    }
    return Status::OK();
  }

  // `current` is the manifest where that is one of the current snapshot, else null.
  Status VerifyFile(const ManifestHeader& header, const iceberg::DataFile& file,
                    const ManifestFile* current) {
    // Several deletion vectors may lie in one file.
    const bool is_shared = file.file_format == iceberg::FileFormat::kPuffin;
    if (!known_files_.insert(file.file_path).second) {
      if (current != nullptr && !is_shared) {
        faults_.Add({TableFaultKind::kManifest, current->manifest_path, "",
                     file.file_path + " once more", "once in the current snapshot"});
      }
      return Status::OK();
    }
    if (file.content == iceberg::FileContent::kData) {
      ++check_.files;
      check_.rows += file.record_count;
    } else {
      ++check_.delete_files;
    }
    FIRN_RETURN_IF_ERROR(files_.Verify(header, file));
    if (options_.on_progress && files_listed_ > 0) {
      options_.on_progress(std::min(1.0, static_cast<double>(known_files_.size()) /
                                             static_cast<double>(files_listed_)));
    }
    return context_.Check();
  }

  const base::Context& context_;
  const iceberg::ManifestIo manifests_;
  const TableMetadata& metadata_;
  const TableCheckOptions& options_;
  TableCheck check_;
  TableFaults faults_;
  DataFileVerifier files_;
  std::vector<ManifestFile> listed_;   // Each manifest once.
  std::size_t current_manifests_ = 0;  // As many are the current snapshot's.
  std::int64_t files_listed_ = 0;
  std::unordered_set<std::string> known_manifests_;
  std::unordered_set<std::string> known_files_;
};

}  // namespace

Result<TableCheck> VerifyTable(const base::Context& context,
                               const ScanEnvironment& environment,
                               const iceberg::LoadedTable& table,
                               const TableCheckOptions& options) {
  const ScanEnvironment own = environment.WithStore(table.StoreOr(environment.store));
  return Verifier(context, own, table, options).Run();
}

}  // namespace firn::table
