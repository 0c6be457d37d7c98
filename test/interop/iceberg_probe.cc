// SPDX-License-Identifier: Apache-2.0
// iceberg_probe: makes and reads tables through firn's iceberg room, so that a script can
// compare it with other implementations.
//
//   iceberg_probe create URI WAREHOUSE NS.TABLE
//   iceberg_probe append URI WAREHOUSE NS.TABLE [PATH RECORDS BYTES FIRST_US LAST_US]...
//   iceberg_probe scan   URI WAREHOUSE NS.TABLE [FROM_US TO_US]
//   iceberg_probe list   URI WAREHOUSE
//
// URI is a catalog's, as open_catalog.h has them. `list` prints views as well.
// The table has the columns that `create` writes down; `append` takes Parquet files that
// lie within one day each, and sets a property in the same commit. `scan` prints the path
// and record count of each file planned for ts in [FROM_US, TO_US), and a last line of
// counts.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "iceberg/commit.h"
#include "iceberg/open_catalog.h"
#include "iceberg/plan.h"
#include "iceberg/single_value.h"
#include "io/environment.h"
#include "io/store.h"

namespace {

using namespace firn;           // NOLINT: a program of one file.
using namespace firn::iceberg;  // NOLINT

constexpr FieldId kTsId{3};

struct Probe {
  base::Context context;
  std::unique_ptr<io::Store> store = io::MakeLocalStore();
  RandomSource random;
  std::unique_ptr<Catalog> catalog;

  CommitEnvironment environment(const ManifestIo& manifests) {
    return {*catalog, manifests, base::SystemClock(), random};
  }
};

Schema ProbeSchema() {
  Schema schema;
  schema.root.fields = {
      {FieldId(1), "id", true, kLong, "a number"},
      {FieldId(2), "name", false, kString, ""},
      {kTsId, "ts", true, kTimestamptz, ""},
      {FieldId(4), "value", false, kDouble, ""},
      {FieldId(5), "labels", false,
       MakeMap(FieldId(6), kString, FieldId(7), false, kString), ""},
      {FieldId(8), "sid", false, FixedType(16), ""},
  };
  return schema;
}

Status Create(Probe& probe, const TableIdentifier& identifier) {
  const Status made =
      probe.catalog->CreateNamespace(probe.context, identifier.name_space, {});
  if (!made.ok() && !made.Is(StatusCode::kAlreadyExists)) return made;
  CreateTableRequest request;
  request.identifier = identifier;
  request.schema = ProbeSchema();
  request.spec.fields = {{kTsId, FieldId(1000), "ts_day", Transform::Day()}};
  request.sort_order.fields = {{FieldId(1), Transform::Identity(),
                                SortDirection::kAscending, NullOrder::kNullsFirst}};
  request.properties = {{"made-by", "probe"}};
  return probe.catalog->CreateTable(probe.context, request).status();
}

DataFile MakeFile(const std::vector<std::string>& fields, std::size_t at) {
  DataFile file;
  file.file_path = fields[at];
  file.record_count = std::stoll(fields[at + 1]);
  file.file_size_bytes = std::stoll(fields[at + 2]);
  const std::int64_t first_us = std::stoll(fields[at + 3]);
  const std::int64_t last_us = std::stoll(fields[at + 4]);
  file.partition = {ApplyTransform(Transform::Day(), kTimestamptz, Value(first_us))};
  file.value_counts = {{FieldId(1), file.record_count}, {kTsId, file.record_count}};
  file.null_value_counts = {{FieldId(1), 0}, {kTsId, 0}};
  file.lower_bounds = {{kTsId, SerializeValue(first_us, kTimestamptz)}};
  file.upper_bounds = {{kTsId, SerializeValue(last_us, kTimestamptz)}};
  file.column_sizes = {{FieldId(1), 8 * file.record_count}};
  file.split_offsets = {4};
  file.sort_order_id = SortOrderId(1);
  return file;
}

Status Append(Probe& probe, const TableIdentifier& identifier,
              const std::vector<std::string>& fields) {
  std::vector<DataFile> files;
  for (std::size_t at = 0; at + 5 <= fields.size(); at += 5) {
    files.push_back(MakeFile(fields, at));
  }
  const ManifestIo manifests(*probe.store);
  const auto outcome = CommitWithRetry(
      probe.context, probe.environment(manifests), identifier,
      [&](const LoadedTable& table, Transaction& transaction) -> Result<BuildDecision> {
        for (DataFile& file : files) file.spec_id = table.metadata->default_spec_id;
        transaction.Append(files, {{"probe", "yes"}});
        transaction.SetProperties({{"firn.position.probe", files.back().file_path}});
        return BuildDecision::kCommit;
      });
  FIRN_RETURN_IF_ERROR(outcome.status());
  std::printf("%s\n", outcome->table.metadata_location.c_str());
  return Status::OK();
}

Status Scan(Probe& probe, const TableIdentifier& identifier,
            const std::vector<std::string>& range) {
  FIRN_ASSIGN_OR_RETURN(const LoadedTable table,
                        probe.catalog->LoadTable(probe.context, identifier));
  const Snapshot* snapshot = table.metadata->current_snapshot();
  if (snapshot == nullptr) return Status::NotFound("table has no snapshot");
  expr::PredicatePtr predicate;
  if (range.size() == 2) {
    predicate = expr::Conjoin(
        expr::MakePredicate(expr::Compare{"ts", expr::CompareOp::kGtEq,
                                          expr::Timestamp{std::stoll(range[0])}}),
        expr::MakePredicate(expr::Compare{"ts", expr::CompareOp::kLt,
                                          expr::Timestamp{std::stoll(range[1])}}));
  }
  FIRN_ASSIGN_OR_RETURN(
      const FilePlan plan,
      PlanFiles(probe.context, ManifestIo(*probe.store), *table.metadata, *snapshot,
                table.metadata->current_schema(), predicate));
  for (const ScanTask& task : plan.tasks) {
    const DataFile& file = task.file;
    std::printf("%s %lld\n", file.file_path.c_str(),
                static_cast<long long>(file.record_count));
  }
  std::printf("files=%zu manifests=%lld manifests_pruned=%lld\n", plan.tasks.size(),
              static_cast<long long>(plan.stats.manifests_total),
              static_cast<long long>(plan.stats.manifests_pruned));
  return Status::OK();
}

Status List(Probe& probe) {
  FIRN_ASSIGN_OR_RETURN(const auto namespaces,
                        probe.catalog->ListNamespaces(probe.context));
  for (const Namespace& ns : namespaces) {
    FIRN_ASSIGN_OR_RETURN(const auto tables,
                          probe.catalog->ListTables(probe.context, ns));
    std::printf("%s\n", ns.ToString().c_str());
    for (const TableIdentifier& table : tables) {
      std::printf("  %s\n", table.ToString().c_str());
    }
    FIRN_ASSIGN_OR_RETURN(const auto views, probe.catalog->ListViews(probe.context, ns));
    for (const TableIdentifier& view : views) {
      std::printf("  %s (view)\n", view.ToString().c_str());
    }
  }
  return Status::OK();
}

Status Run(const std::vector<std::string>& arguments) {
  if (arguments.size() < 3) return Status::InvalidArgument("too few arguments");
  Probe probe;
  OpenCatalogOptions options;
  options.uri = arguments[1];
  options.warehouse = arguments[2];
  if (!IsRestCatalog(options.uri)) {
    FIRN_ASSIGN_OR_RETURN(options.warehouse, io::ParseLocation(arguments[2]));
  }
  FIRN_ASSIGN_OR_RETURN(probe.catalog,
                        OpenCatalog(probe.context, options,
                                    {*probe.store, base::SystemClock(), probe.random,
                                     io::ProcessEnvironment()}));
  if (arguments[0] == "list") return List(probe);
  if (arguments.size() < 4) return Status::InvalidArgument("too few arguments");
  FIRN_ASSIGN_OR_RETURN(const TableIdentifier identifier,
                        TableIdentifier::Parse(arguments[3]));
  const std::vector<std::string> rest(arguments.begin() + 4, arguments.end());
  if (arguments[0] == "create") return Create(probe, identifier);
  if (arguments[0] == "append" && rest.size() >= 5)
    return Append(probe, identifier, rest);
  if (arguments[0] == "scan") return Scan(probe, identifier, rest);
  return Status::InvalidArgument("no such command: " + arguments[0]);
}

}  // namespace

int main(int argc, char** argv) {
  const Status status = Run(std::vector<std::string>(argv + 1, argv + argc));
  if (status.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "iceberg_probe: %s\n", status.ToString().c_str());
  return EXIT_FAILURE;
}
