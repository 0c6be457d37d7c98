// SPDX-License-Identifier: Apache-2.0
// fault_list.h: collects the faults of a file, up to a bound. Internal to this room.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "firn/file_check.h"
#include "firn/status.h"

namespace firn::parquet {

// Thread-compatible. `check` must outlive it.
class FaultList {
 public:
  FaultList(FileCheck& check, std::size_t faults_max)
      : check_(check), faults_max_(faults_max) {}

  // Where the following faults are.
  void MoveTo(int row_group, std::string column) {
    row_group_ = row_group;
    column_ = std::move(column);
  }

  void Add(FaultKind kind, std::int64_t page, std::string found, std::string expected) {
    if (check_.faults.size() == faults_max_) {
      check_.more_faults = true;
      return;
    }
    check_.faults.push_back({kind, check_.file, row_group_, column_, page,
                             std::move(found), std::move(expected)});
  }

  // Take what reading the file came to as a fault of `kind`, if it is about the file: OK.
  // Otherwise the status, which ends the check.
  Status Take(const Status& status, FaultKind kind, std::int64_t page = -1) {
    switch (status.code()) {
      case StatusCode::kOk:
        return status;
      case StatusCode::kCorruption:
        Add(kind, page, std::string(status.message()), "");
        return Status::OK();
      case StatusCode::kUnimplemented:
        Add(FaultKind::kUnreadable, page, std::string(status.message()), "");
        return Status::OK();
      default:
        return status;
    }
  }

 private:
  FileCheck& check_;
  const std::size_t faults_max_;
  int row_group_ = -1;
  std::string column_;
};

}  // namespace firn::parquet
