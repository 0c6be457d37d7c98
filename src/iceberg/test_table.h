// SPDX-License-Identifier: Apache-2.0
// test_table.h: a table in memory for the tests of this room.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "iceberg/catalog.h"
#include "iceberg/commit.h"
#include "iceberg/manifest_io.h"
#include "iceberg/random.h"
#include "iceberg/single_value.h"
#include "iceberg/sql_catalog.h"
#include "io/memory_store.h"

namespace firn::iceberg {

inline constexpr std::int64_t kTestDayUs = 86'400'000'000;
inline constexpr std::int64_t kTestNowUs = 20'455 * kTestDayUs;  // 2026-01-02
inline constexpr FieldId kTestId{1};
inline constexpr FieldId kTestTs{2};
inline constexpr FieldId kTestHost{3};

// id long, ts timestamptz, host string; partitioned by day(ts).
inline Schema TestSchema() {
  Schema schema;
  schema.root.fields = {{kTestId, "id", true, kLong, ""},
                        {kTestTs, "ts", true, kTimestamptz, ""},
                        {kTestHost, "host", false, kString, ""}};
  return schema;
}

inline PartitionSpec TestSpec() {
  return {SpecId(0), {{kTestTs, FieldId(1000), "ts_day", Transform::Day()}}};
}

inline SortOrder TestOrder() {
  return {SortOrderId(1),
          {{kTestId, Transform::Identity(), SortDirection::kAscending,
            NullOrder::kNullsFirst}}};
}

// A file of one day with ids [first_id, first_id + rows).
inline DataFile TestFile(const std::string& name, std::int32_t day,
                         std::int64_t first_id = 0, std::int64_t rows = 10) {
  DataFile file;
  file.file_path = "memory://w/data/" + name;
  file.partition = {Value(day)};
  file.record_count = rows;
  file.file_size_bytes = 1000;
  file.value_counts = {{kTestId, rows}, {kTestTs, rows}, {kTestHost, rows}};
  file.null_value_counts = {{kTestId, 0}, {kTestTs, 0}, {kTestHost, rows}};
  file.lower_bounds = {{kTestId, SerializeValue(first_id, kLong)}};
  file.upper_bounds = {{kTestId, SerializeValue(first_id + rows - 1, kLong)}};
  return file;
}

// A catalog with the table `metrics.probe`, everything in memory unless a URI is given.
class TableTest : public testing::Test {
 protected:
  void OpenCatalog(std::string uri = "sqlite://") {
    SqlCatalogOptions options;
    options.uri = std::move(uri);
    options.warehouse = "memory://w";
    options.fault = [this](SqlCatalogOptions::Point point) {
      return sql_fault ? sql_fault(point) : Status::OK();
    };
    auto opened = OpenSqlCatalog(options, store, clock, random);
    ASSERT_TRUE(opened.ok()) << opened.status();
    catalog = std::move(opened).value();
  }

  void CreateTable(std::map<std::string, std::string> properties = {}) {
    ASSERT_TRUE(catalog->CreateNamespace(context, name.name_space, {}).ok());
    CreateTableRequest request;
    request.identifier = name;
    request.schema = TestSchema();
    request.spec = TestSpec();
    request.sort_order = TestOrder();
    request.properties = std::move(properties);
    const auto made = catalog->CreateTable(context, request);
    ASSERT_TRUE(made.ok()) << made.status();
  }

  Result<LoadedTable> Load() { return catalog->LoadTable(context, name); }

  CommitOptions Options(int retries) {
    CommitOptions options;
    options.retries_max = retries;
    options.wait = [this](const base::Context&, DurationMs wait_ms) {
      clock.AdvanceUs(wait_ms * 1000);
      return Status::OK();
    };
    return options;
  }

  Result<CommitOutcome> AppendFiles(std::vector<DataFile> files,
                                    std::map<std::string, std::string> properties = {}) {
    return CommitWithRetry(
        context, {*catalog, manifests, clock, random}, name,
        [&](const LoadedTable&, Transaction& transaction) -> Result<BuildDecision> {
          transaction.Append(files);
          transaction.SetProperties(properties);
          return BuildDecision::kCommit;
        },
        Options(3));
  }

  // Paths of the current snapshot's live files, in the order of its manifests.
  Result<std::vector<std::string>> LivePaths(const TableMetadata& metadata) {
    std::vector<std::string> paths;
    const Snapshot* snapshot = metadata.current_snapshot();
    if (snapshot == nullptr) return paths;
    FIRN_ASSIGN_OR_RETURN(const auto list,
                          manifests.ReadManifestList(context, *snapshot));
    for (const ManifestFile& manifest : list) {
      FIRN_RETURN_IF_ERROR(
          manifests
              .ReadManifest(context, manifest,
                            [&](const ManifestHeader&, ManifestEntry&& e) {
                              if (e.is_live()) {
                                paths.push_back(e.data_file.file_path);
                              }
                              return Status::OK();
                            })
              .status());
    }
    return paths;
  }

  std::vector<std::string> Objects(const std::string& suffix) {
    std::vector<std::string> out;
    const Status listed =
        store.List(context, "memory://w", [&](const io::ObjectInfo& info) {
          if (info.location.ends_with(suffix)) out.push_back(info.location);
          return Status::OK();
        });
    EXPECT_TRUE(listed.ok()) << listed;
    return out;
  }

  base::Context context;
  base::ManualClock clock{kTestNowUs};
  io::MemoryStore store{clock};
  RandomSource random{42};
  ManifestIo manifests{store};
  std::function<Status(SqlCatalogOptions::Point)> sql_fault;
  std::unique_ptr<Catalog> catalog;
  TableIdentifier name{{{"metrics"}}, "probe"};
};

}  // namespace firn::iceberg
