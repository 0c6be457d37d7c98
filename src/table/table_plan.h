// SPDX-License-Identifier: Apache-2.0
// table_plan.h: the splits of one scan of a table, found as they are asked for. Internal
// to table_source.h.
//
//   1. Whoever asks for a split that was not found yet plans on (iceberg/plan_stream.h);
//      others wait for what that finds, and take what is there already.
//   2. Tasks become splits (split_packer.h), which are held until they are opened.
//   3. Before the first is given out there is one for each thread, or the end is known:
//      fewer splits than threads let each of them have several.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "base/context.h"
#include "iceberg/catalog.h"
#include "iceberg/plan_stream.h"
#include "scan/batch.h"
#include "table/projected_file.h"
#include "table/scan_environment.h"
#include "table/split_packer.h"

namespace firn::table {

// What all plans of a source refer to. Immutable.
struct SourceTable {
  SourceTable(const ScanEnvironment& environment_in, iceberg::LoadedTable table_in,
              const SplitSizes& sizes_in)
      : table(std::move(table_in)),
        environment(environment_in.WithStore(table.StoreOr(environment_in.store))),
        mappings(*table.metadata),
        sizes(sizes_in) {}

  const iceberg::LoadedTable table;
  const ScanEnvironment environment;
  const NameMappings mappings;
  const SplitSizes sizes;

  const iceberg::TableMetadata& metadata() const { return *table.metadata; }
};

// Where the tasks of a plan come from: planning, or who made the plan had them.
struct TaskFeed {
  std::unique_ptr<iceberg::PlanStream> planned;  // Or null.
  std::vector<iceberg::ScanTask> given;
};

// The plan of `feed`, whose rows are those of `read` with the columns of `schema`. Its
// functions are thread-safe. `context` must outlive it.
std::unique_ptr<scan::ScanPlan> MakeTablePlan(const base::Context& context,
                                              std::shared_ptr<const SourceTable> table,
                                              std::shared_ptr<arrow::Schema> schema,
                                              ProjectedRead read, TaskFeed feed);

}  // namespace firn::table
