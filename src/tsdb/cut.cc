// SPDX-License-Identifier: Apache-2.0
#include "tsdb/cut.h"

#include <utility>

#include "base/assert.h"

namespace firn::tsdb {
namespace {

Status CheckPosition(const iceberg::LoadedTable& table, const base::Ulid& writer,
                     const std::optional<table::Position>& expected) {
  FIRN_ASSIGN_OR_RETURN(const std::optional<table::Position> now,
                        table::FindPosition(*table.metadata, writer));
  if (now == expected) return Status::OK();
  return Status::Corruption(
      "table " + table.identifier.ToString() + " is at position " +
      (now.has_value() ? now->ToString() : "none") + " of writer " + writer.ToString() +
      " and was left at " + (expected.has_value() ? expected->ToString() : "none") +
      ": it was put back to an older state, or another process writes as this writer. "
      "Stop the server, and see what was done to the warehouse");
}

}  // namespace

std::shared_ptr<const SettledTables> CutPublisher::tables() const {
  std::lock_guard lock(mutex_);
  return tables_;
}

Cut CutPublisher::Pin() const {
  Cut cut;
  // The pin first, so that it holds all that is found after.
  if (head_ != nullptr) {
    cut.series = std::make_shared<const EpochPins::Pin>(head_->series().TakePin());
  }
  // Tables second: a generation that settles between the two reads is still held by the
  // head, and still above the position that was read.
  cut.tables = tables();
  FIRN_ASSERT(cut.tables != nullptr);
  if (head_ != nullptr) cut.hot = head_->Unsettled(cut.tables->settled);
  return cut;
}

void CutPublisher::Publish(SettledTables tables) {
  auto published = std::make_shared<const SettledTables>(std::move(tables));
  std::lock_guard lock(mutex_);
  FIRN_ASSERT(tables_ == nullptr || tables_->settled <= published->settled);
  tables_ = std::move(published);
}

Status CutPublisher::Refresh(const base::Context& context, iceberg::Catalog& catalog,
                             const base::Ulid& writer) {
  SettledTables next = *tables();
  bool changed = false;
  for (const bool is_series : {true, false}) {
    iceberg::LoadedTable& table = is_series ? next.series : next.samples;
    FIRN_ASSIGN_OR_RETURN(iceberg::LoadedTable loaded,
                          catalog.LoadTable(context, table.identifier));
    if (loaded.metadata_location == table.metadata_location) continue;
    FIRN_RETURN_IF_ERROR(CheckPosition(
        loaded, writer, is_series ? next.series_position : next.samples_position));
    table = std::move(loaded);
    changed = true;
  }
  if (changed) Publish(std::move(next));
  return Status::OK();
}

}  // namespace firn::tsdb
