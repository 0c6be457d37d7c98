// SPDX-License-Identifier: Apache-2.0
// snapshot_summary.h: the counts that a snapshot's summary states.
//
// The keys are those that Iceberg's Java library writes, with its rule for each: what one
// commit added or removed is left out where it is none; a total is the parent's with the
// difference, and left out where the parent does not state it.
//
// Thread-compatible.
#pragma once

#include <map>
#include <string>

#include "iceberg/data_file.h"
#include "iceberg/partition_order.h"
#include "iceberg/snapshot.h"
#include "iceberg/table_metadata.h"

namespace firn::iceberg {

class SnapshotSummary {
 public:
  void Add(const DataFile& file);
  void Remove(const DataFile& file);

  // The whole summary, `custom` included; a key of `custom` that is counted here gives
  // way. With at most `write.summary.partition-limit` changed partitions (0 where the
  // table does not say) each has an entry `partitions.<path>` of its own.
  std::map<std::string, std::string> Finish(std::map<std::string, std::string> custom,
                                            const Snapshot* parent,
                                            const TableMetadata& metadata) const;

 private:
  struct Counts {
    std::int64_t data_files = 0;
    std::int64_t position_delete_files = 0;
    std::int64_t equality_delete_files = 0;
    std::int64_t records = 0;
    std::int64_t position_deletes = 0;
    std::int64_t equality_deletes = 0;
    std::int64_t bytes = 0;
    void Count(const DataFile& file);
  };
  struct Change {
    Counts added;
    Counts removed;
    // Visit each count that is not 0 with its key.
    template <typename Visit>
    void ForEach(const Visit& visit) const;
  };

  Change all_;
  std::map<PartitionKey, Change> partitions_;
};

}  // namespace firn::iceberg
