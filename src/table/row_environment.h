// SPDX-License-Identifier: Apache-2.0
// row_environment.h: what rows of a table are read, written and committed with.
#pragma once

#include <string>

#include "base/ulid.h"
#include "iceberg/commit.h"
#include "io/file.h"
#include "table/scan_environment.h"

namespace firn::table {

// What it refers to must outlive the work.
struct RowEnvironment {
  iceberg::CommitEnvironment commit;
  ScanEnvironment scan;
  base::UlidSource& ulids;
  io::FileSystem& spill_files;
  std::string spill_directory;
};

}  // namespace firn::table
