// SPDX-License-Identifier: Apache-2.0
#include "table/table_properties.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/nearest_word.h"
#include "base/quote.h"
#include "iceberg/apply_updates.h"
#include "iceberg/isolation_level.h"
#include "iceberg/name_mapping.h"
#include "table/iceberg_properties.h"
#include "table/position.h"
#include "table/write_properties.h"

namespace firn::table {
namespace {

constexpr std::string_view kFormatVersion = "format-version";
constexpr std::string_view kFirn = "firn.";
constexpr std::string_view kWrittenFormat = "write.format.default";
constexpr std::string_view kCodec = "write.parquet.compression-codec";
constexpr std::string_view kCodecLevel = "write.parquet.compression-level";

// Whole numbers, and the least that each may be.
constexpr std::pair<std::string_view, std::int64_t> kNumbers[] = {
    {iceberg::kPropertyPreviousVersionsMax, 1},
    {iceberg::kPropertyMergeMinCount, 1},
    {iceberg::kPropertyManifestTargetSize, 1},
    {iceberg::kPropertyRetries, 0},
    {iceberg::kPropertyRetryMinWaitMs, 0},
    {iceberg::kPropertyRetryMaxWaitMs, 0},
    {iceberg::kPropertyRetryTotalMs, 0},
    {iceberg::kPropertySummaryPartitionLimit, 0},
    {iceberg::kPropertyMaxSnapshotAgeMs, 1},
    {iceberg::kPropertyMinSnapshotsToKeep, 1},
    {iceberg::kPropertyMaxRefAgeMs, 1},
    {"read.split.target-size", 1},
    {"read.split.open-file-cost", 0}};

constexpr std::array<std::string_view, 4> kFlags = {
    iceberg::kPropertyDeleteAfterCommit, iceberg::kPropertyMergeEnabled,
    iceberg::kPropertyGcEnabled, iceberg::kPropertyExpireAfterCommit};

constexpr std::array<std::string_view, 3> kIsolationLevels = {
    iceberg::kPropertyDeleteIsolation, iceberg::kPropertyMergeIsolation,
    iceberg::kPropertyUpdateIsolation};

// What Iceberg shows as properties and keeps elsewhere in the metadata.
constexpr std::array<std::string_view, 9> kOfMetadata = {
    "uuid",           "snapshot-count",           "current-snapshot-id",
    "current-schema", "default-partition-spec",   "default-sort-order",
    kFormatVersion,   "current-snapshot-summary", "current-snapshot-timestamp-ms"};

template <typename Names>
bool Contains(const Names& names, std::string_view key) {
  return std::find(names.begin(), names.end(), key) != names.end();
}

Status Bad(std::string_view value, const std::string& wanted) {
  return Status::InvalidArgument(base::Quoted(value) + " is not " + wanted);
}

Status CheckNumber(std::string_view value, std::int64_t least) {
  std::int64_t number = 0;
  const char* const end = value.data() + value.size();
  const auto [at, error] = std::from_chars(value.data(), end, number);
  if (error == std::errc() && at == end && number >= least) return Status::OK();
  return Bad(value, least == 0 ? "a whole number"
                               : "a whole number above " + std::to_string(least - 1));
}

// What is nobody's to set.
Status CheckIsProperty(std::string_view key) {
  if (Contains(kOfMetadata, key)) {
    return Status::InvalidArgument("is a part of the table's metadata, and no property");
  }
  if (key.starts_with(kPositionPrefix)) {
    return Status::InvalidArgument(
        "says how far a server's log is in the table, and is not to be changed; `firn "
        "table retire` forgets a server that is gone for good");
  }
  if (key == "firn.schema-version") {
    return Status::InvalidArgument("is firn's own, and not to be changed");
  }
  return Status::OK();
}

// The values that are read outside of write_properties.h.
Status CheckValue(std::string_view key, std::string_view value) {
  for (const auto& [name, least] : kNumbers) {
    if (key == name) return CheckNumber(value, least);
  }
  if (Contains(kFlags, key)) {
    if (value == "true" || value == "false") return Status::OK();
    return Bad(value, "true or false");
  }
  if (Contains(kIsolationLevels, key)) {
    return iceberg::ParseIsolationLevel(value).status();
  }
  if (key.starts_with(kFirn)) {
    return Status::InvalidArgument("there is no such property of firn's" +
                                   base::DidYouMean(key, kFlags));
  }
  if (key == iceberg::kPropertyMetadataCompression) {
    if (value == "none" || value == "gzip") return Status::OK();
    return Bad(value, "none or gzip");
  }
  if (key == kWrittenFormat) {
    if (value == "parquet") return Status::OK();
    return Bad(value, "parquet, and firn reads and writes no other");
  }
  if (key == iceberg::kPropertyDataPath || key == iceberg::kPropertyMetadataPath) {
    return value.empty() ? Bad(value, "a location") : Status::OK();
  }
  if (key == iceberg::kPropertyNameMapping) {
    const Status parsed = iceberg::NameMappingFromJson(value).status();
    return parsed.ok() ? parsed : Status::InvalidArgument(std::string(parsed.message()));
  }
  return Status::OK();
}

Status CheckSet(const std::map<std::string, std::string>& set,
                const iceberg::Schema& schema) {
  for (const auto& [key, value] : set) {
    if (key.empty()) return Status::InvalidArgument("a property has no name");
    FIRN_RETURN_IF_ERROR(CheckIsProperty(key).With("property " + key));
    FIRN_RETURN_IF_ERROR(CheckIcebergName(key).With("property " + key));
    FIRN_RETURN_IF_ERROR(CheckValue(key, value).With("property " + key));
  }
  return CheckWriteProperties(set, schema);
}

}  // namespace

Result<std::map<std::string, std::string>> NewTableProperties(
    std::map<std::string, std::string> given, const iceberg::Schema& schema) {
  const auto version = given.find(std::string(kFormatVersion));
  if (version != given.end()) {
    const std::string written = std::to_string(iceberg::kFormatVersionWrittenMax);
    if (version->second != written) {
      return Bad(version->second,
                 written + ": tables of other versions are read, and not written")
          .With("property " + version->first);
    }
    given.erase(version);
  }
  FIRN_RETURN_IF_ERROR(CheckSet(given, schema));
  return given;
}

Status CheckPropertyChanges(const PropertyChanges& changes,
                            const iceberg::TableMetadata& metadata) {
  for (const std::string& key : changes.removed) {
    FIRN_RETURN_IF_ERROR(CheckIsProperty(key).With("property " + key));
    if (std::count(changes.removed.begin(), changes.removed.end(), key) > 1) {
      return Status::InvalidArgument("property " + key + ": is removed twice");
    }
    if (changes.set.contains(key)) {
      return Status::InvalidArgument("property " + key + ": is set and removed at once");
    }
    if (metadata.FindProperty(key) != nullptr) continue;
    std::vector<std::string_view> names;
    for (const auto& [name, value] : metadata.properties) names.push_back(name);
    return Status::NotFound("the table has no property " + key +
                            base::DidYouMean(key, names));
  }
  // A codec and its level may come one after the other.
  std::map<std::string, std::string> set = changes.set;
  for (const std::string_view key : {kCodec, kCodecLevel}) {
    const std::string* is = metadata.FindProperty(std::string(key));
    if (is != nullptr && !Contains(changes.removed, key) &&
        (set.contains(std::string(kCodec)) || set.contains(std::string(kCodecLevel)))) {
      set.try_emplace(std::string(key), *is);
    }
  }
  return CheckSet(set, metadata.current_schema());
}

}  // namespace firn::table
