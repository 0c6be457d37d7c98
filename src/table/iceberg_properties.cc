// SPDX-License-Identifier: Apache-2.0
#include "table/iceberg_properties.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/nearest_word.h"

namespace firn::table {
namespace {

constexpr auto kSpaces =
    std::to_array<std::string_view>({"commit.", "compatibility.", "encryption.", "gc.",
                                     "history.", "read.", "schema.", "write."});

constexpr auto kNames = std::to_array<std::string_view>(
    {"commit.manifest-merge.enabled",
     "commit.manifest.min-count-to-merge",
     "commit.manifest.target-size-bytes",
     "commit.retry.max-wait-ms",
     "commit.retry.min-wait-ms",
     "commit.retry.num-retries",
     "commit.retry.total-timeout-ms",
     "commit.status-check.max-wait-ms",
     "commit.status-check.min-wait-ms",
     "commit.status-check.num-retries",
     "commit.status-check.total-timeout-ms",
     "compatibility.snapshot-id-inheritance.enabled",
     "encryption.data-key-length",
     "encryption.key-id",
     "gc.enabled",
     "history.expire.max-ref-age-ms",
     "history.expire.max-snapshot-age-ms",
     "history.expire.min-snapshots-to-keep",
     "read.data-planning-mode",
     "read.delete-planning-mode",
     "read.orc.vectorization.batch-size",
     "read.orc.vectorization.enabled",
     "read.parquet.vectorization.batch-size",
     "read.parquet.vectorization.enabled",
     "read.split.adaptive-size.enabled",
     "read.split.metadata-target-size",
     "read.split.open-file-cost",
     "read.split.planning-lookback",
     "read.split.target-size",
     "schema.name-mapping.default",
     "write.avro.compression-codec",
     "write.avro.compression-level",
     "write.data.path",
     "write.datafusion.fanout.enabled",
     "write.delete.avro.compression-codec",
     "write.delete.avro.compression-level",
     "write.delete.distribution-mode",
     "write.delete.format.default",
     "write.delete.granularity",
     "write.delete.isolation-level",
     "write.delete.mode",
     "write.delete.orc.block-size-bytes",
     "write.delete.orc.compression-codec",
     "write.delete.orc.compression-strategy",
     "write.delete.orc.stripe-size-bytes",
     "write.delete.orc.vectorized.batch-size",
     "write.delete.parquet.compression-codec",
     "write.delete.parquet.compression-level",
     "write.delete.parquet.dict-size-bytes",
     "write.delete.parquet.page-row-limit",
     "write.delete.parquet.page-size-bytes",
     "write.delete.parquet.page-version",
     "write.delete.parquet.row-group-check-max-record-count",
     "write.delete.parquet.row-group-check-min-record-count",
     "write.delete.parquet.row-group-size-bytes",
     "write.delete.target-file-size-bytes",
     "write.distribution-mode",
     "write.folder-storage.path",
     "write.format.default",
     "write.location-provider.impl",
     "write.manifest.compression-codec",
     "write.manifest.compression-level",
     "write.merge.distribution-mode",
     "write.merge.isolation-level",
     "write.merge.mode",
     "write.manifest-lists.enabled",
     "write.metadata.compression-codec",
     "write.metadata.delete-after-commit.enabled",
     "write.metadata.metrics.default",
     "write.metadata.metrics.max-inferred-column-defaults",
     "write.metadata.path",
     "write.metadata.previous-versions-max",
     "write.object-storage.enabled",
     "write.object-storage.partitioned-paths",
     "write.object-storage.path",
     "write.orc.block-size-bytes",
     "write.orc.bloom.filter.columns",
     "write.orc.bloom.filter.fpp",
     "write.orc.compression-codec",
     "write.orc.compression-strategy",
     "write.orc.stripe-size-bytes",
     "write.orc.vectorized.batch-size",
     "write.parquet.bloom-filter-adaptive-enabled",
     "write.parquet.bloom-filter-max-bytes",
     "write.parquet.compression-codec",
     "write.parquet.compression-level",
     "write.parquet.dict-size-bytes",
     "write.parquet.page-row-limit",
     "write.parquet.page-size-bytes",
     "write.parquet.page-version",
     "write.parquet.row-group-check-max-record-count",
     "write.parquet.row-group-check-min-record-count",
     "write.parquet.row-group-limit",
     "write.parquet.row-group-size-bytes",
     "write.parquet.row-group-size-track-uncompressed",
     "write.parquet.shred-variants",
     "write.parquet.variant-inference-buffer-size",
     "write.py-location-provider.impl",
     "write.spark.accept-any-schema",
     "write.spark.advisory-partition-size-bytes",
     "write.spark.auto-schema-evolution.enabled",
     "write.spark.fanout.enabled",
     "write.summary.partition-limit",
     "write.target-file-size-bytes",
     "write.update.distribution-mode",
     "write.update.isolation-level",
     "write.update.mode",
     "write.upsert.enabled",
     "write.wap.enabled"});

// These end with the name of a column.
constexpr auto kNamesOfColumns = std::to_array<std::string_view>(
    {"write.metadata.metrics.column.", "write.parquet.bloom-filter-enabled.column.",
     "write.parquet.bloom-filter-fpp.column.", "write.parquet.bloom-filter-ndv.column.",
     "write.parquet.dict-encoding-enabled.column.",
     "write.parquet.stats-enabled.column."});

}  // namespace

Status CheckIcebergName(std::string_view key) {
  const auto begins = [key](std::string_view prefix) { return key.starts_with(prefix); };
  if (std::none_of(kSpaces.begin(), kSpaces.end(), begins) ||
      std::any_of(kNamesOfColumns.begin(), kNamesOfColumns.end(), begins) ||
      std::find(kNames.begin(), kNames.end(), key) != kNames.end()) {
    return Status::OK();
  }
  constexpr std::string_view kSaid = "Iceberg has no such property";
  for (const std::string_view name : kNamesOfColumns) {
    if (!name.starts_with(key)) continue;
    return Status::InvalidArgument(std::string(kSaid) + "; did you mean " +
                                   std::string(name) + "COLUMN?");
  }
  return Status::InvalidArgument(std::string(kSaid) + base::DidYouMean(key, kNames));
}

}  // namespace firn::table
