// SPDX-License-Identifier: Apache-2.0
#include "db/relocate.h"

#include <optional>
#include <string>
#include <utility>

#include "iceberg/relocate.h"
#include "io/store.h"

namespace firn::db {
namespace {

// Where the warehouse was before it was where it is, by what the table says.
Result<iceberg::Move> MoveOf(const base::Context& context, Warehouse& warehouse,
                             const iceberg::TableIdentifier& table,
                             const RelocateOptions& options) {
  if (!options.from.empty()) {
    iceberg::Move move;
    move.from = iceberg::SpeltLocation(options.from);
    FIRN_ASSIGN_OR_RETURN(move.to, io::ParseLocation(options.to));
    if (move.from != move.to) return move;
    return Status::InvalidArgument("--from and --to are both " + move.to);
  }
  const std::string& to = warehouse.location();
  FIRN_ASSIGN_OR_RETURN(std::string named,
                        warehouse.catalog().CurrentMetadataLocation(context, table));
  if (named.starts_with(to + "/")) {
    // The catalog lies in the warehouse and names files by their place in it.
    FIRN_ASSIGN_OR_RETURN(const iceberg::LoadedTable loaded,
                          warehouse.catalog().LoadTable(context, table));
    named = iceberg::FileOf(loaded);
  }
  FIRN_ASSIGN_OR_RETURN(const auto move,
                        iceberg::FindMove(context, warehouse.store(), named, to));
  if (move) return *move;
  return Status::InvalidArgument(
      named + " is where the table says, or nowhere in " + to +
      ". Where nothing has moved there is nothing to do; otherwise say which directory "
      "was moved, and where to: --from and --to");
}

}  // namespace

Result<RelocateReport> RelocateTable(const base::Context& context, Warehouse& warehouse,
                                     std::string_view table,
                                     const RelocateOptions& options) {
  iceberg::RelocateRequest request;
  FIRN_ASSIGN_OR_RETURN(request.table, iceberg::TableIdentifier::Parse(table));
  FIRN_ASSIGN_OR_RETURN(request.move, MoveOf(context, warehouse, request.table, options));
  request.dry_run = options.dry_run;
  request.on_progress = options.on_progress;
  const iceberg::CommitEnvironment commit = warehouse.commit_environment();
  FIRN_ASSIGN_OR_RETURN(const iceberg::RelocateOutcome outcome,
                        iceberg::Relocate(context, warehouse.store(), commit.catalog,
                                          commit.random, commit.clock, request));
  RelocateReport report;
  report.from = request.move.from;
  report.to = request.move.to;
  report.metadata_location = outcome.metadata_location;
  report.manifest_lists = outcome.manifest_lists;
  report.manifests = outcome.manifests;
  report.files = outcome.files;
  report.files_elsewhere = outcome.files_elsewhere;
  return report;
}

}  // namespace firn::db
