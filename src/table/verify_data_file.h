// SPDX-License-Identifier: Apache-2.0
// verify_data_file.h: holds what a manifest says of one file against the file. Internal
// to this room.
//
//   1. The object is there, with the size that the manifest gives it.
//   2. Its footer has the manifest's number of rows.
//   3. The manifest's counts are the footer's, and its bounds hold the footer's: bounds
//      may be wider, since they are cut, and never narrower.
//   4. All values of a partition's source are in the partition, as far as the least and
//      the greatest of them tell: where the transform keeps order that is exact, and of a
//      bucket nothing is known but for a column of one value.
//   5. On demand, the file itself (parquet/verify.h).
//
// A Puffin file is looked for, and its size compared, no more.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/context.h"
#include "firn/status.h"
#include "firn/table_check.h"
#include "iceberg/manifest.h"
#include "parquet/writer.h"
#include "table/scan_environment.h"
#include "table/table_faults.h"

namespace firn::table {

// Thread-compatible. All that it is given must outlive it.
class DataFileVerifier {
 public:
  DataFileVerifier(const base::Context& context, const ScanEnvironment& environment,
                   const TableCheckOptions& options, TableCheck& check,
                   TableFaults& faults)
      : context_(context),
        environment_(environment),
        options_(options),
        check_(check),
        faults_(faults) {}

  // Errors are of what stands between: the store's and the context's.
  Status Verify(const iceberg::ManifestHeader& header, const iceberg::DataFile& file);

 private:
  using Columns = std::map<iceberg::FieldId, const parquet::ColumnReport*>;

  // False where the object is not there or not what it ought to be.
  Result<bool> VerifyObject(const iceberg::DataFile& file);
  Status VerifyFooter(const iceberg::ManifestHeader& header,
                      const iceberg::DataFile& file);
  void VerifyMetrics(const iceberg::Schema& schema, const iceberg::DataFile& file,
                     const Columns& columns);
  void VerifyPartition(const iceberg::ManifestHeader& header,
                       const iceberg::DataFile& file, const Columns& columns);
  Status VerifyContent(const iceberg::DataFile& file);

  const base::Context& context_;
  const ScanEnvironment& environment_;
  const TableCheckOptions& options_;
  TableCheck& check_;
  TableFaults& faults_;
};

}  // namespace firn::table
