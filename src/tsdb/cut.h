// SPDX-License-Identifier: Apache-2.0
// cut.h: the one view of hot and settled samples that a reader works with.
//
// A cut is the two tables as of one load each, and the generations of the head above the
// position that the samples table holds: so each row is in exactly one of them, at every
// instant of a settle. A settle commits, then publishes the table with its new position:
// in that one step the rows leave the head's share of the cut and are in the table's.
//
// Whoever holds a cut may use the references of series it finds, in the cut or in the
// series table, though their series be forgotten meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "base/context.h"
#include "base/ulid.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "table/position.h"
#include "tsdb/emitted_days.h"
#include "tsdb/head.h"

namespace firn::tsdb {

// The settled side. Immutable once published. A warehouse open for reading may lack the
// tables: their metadata is then null, and nothing is found.
struct SettledTables {
  iceberg::LoadedTable series;
  iceberg::LoadedTable samples;
  // What the tables hold of this writer.
  std::optional<table::Position> series_position;
  std::optional<table::Position> samples_position;
  // The samples position as an offset of this process's log; 0 where it is of another.
  wal::Offset settled = 0;
  std::shared_ptr<const EmittedDays> emitted = std::make_shared<const EmittedDays>();
};

struct Cut {
  std::shared_ptr<const EpochPins::Pin> series;  // Null where nothing is hot.
  std::shared_ptr<const SettledTables> tables;
  Generations hot;  // Oldest first; the last may still be growing.
};

// Thread-safe.
class CutPublisher {
 public:
  // `head` must outlive it; null where nothing is hot.
  explicit CutPublisher(const Head* head) : head_(head) {}

  Cut Pin() const;
  std::shared_ptr<const SettledTables> tables() const;
  // Show `tables` to readers from now on. REQUIRES: the head holds every generation above
  // tables.settled, and will until a later publication.
  void Publish(SettledTables tables);

  // Load both tables again, and publish them where another engine has committed. OK where
  // nothing changed. Corruption where a table's position is no longer this writer's: it
  // was put back to an older state, or somebody else writes under this name.
  // REQUIRES: no settle is running.
  Status Refresh(const base::Context& context, iceberg::Catalog& catalog,
                 const base::Ulid& writer);

 private:
  const Head* const head_;
  mutable std::mutex mutex_;
  std::shared_ptr<const SettledTables> tables_;
};

}  // namespace firn::tsdb
