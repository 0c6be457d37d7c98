// SPDX-License-Identifier: Apache-2.0
// table_faults.h: collects the faults of a table, up to a bound. Internal to this room.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "firn/status.h"
#include "firn/table_check.h"

namespace firn::table {

// Thread-compatible. `check` must outlive it.
class TableFaults {
 public:
  TableFaults(TableCheck& check, std::size_t faults_max)
      : check_(check), faults_max_(faults_max) {}

  void Add(TableFault fault) {
    if (check_.faults.size() >= faults_max_) {
      check_.more_faults = true;
      return;
    }
    check_.faults.push_back(std::move(fault));
  }

  // Take what reading `location` came to as a fault, if it is about what is stored there:
  // OK. Otherwise the status, which ends the check: a store that cannot be reached says
  // nothing of the table.
  Status Take(const Status& status, TableFaultKind kind, const std::string& location) {
    switch (status.code()) {
      case StatusCode::kOk:
        return status;
      case StatusCode::kNotFound:
        Add({kind, location, "", "it is not there", ""});
        return Status::OK();
      // Read by its size, an object that has another is a Conflict.
      case StatusCode::kConflict:
      case StatusCode::kCorruption:
      case StatusCode::kInvalidArgument:
      case StatusCode::kUnimplemented:
        Add({kind, location, "", std::string(status.message()), ""});
        return Status::OK();
      default:
        return status;
    }
  }

 private:
  TableCheck& check_;
  const std::size_t faults_max_;
};

}  // namespace firn::table
