// SPDX-License-Identifier: Apache-2.0
// file_source.h: Parquet files as a scan::BatchSource, without a table around them.
//
//   open   which files there are (data_files.h), and the footer of each: one schema
//   plan   row groups, pages and files are pruned; one split a row group
//   scan   columns by name; one that a file lacks is NULL, a narrower one is widened
//
// Few files are kept open from one step to the next. Many are opened again for their
// split, one split a file, and a file that was replaced in between is then read as it is.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/context.h"
#include "firn/status.h"
#include "scan/batch.h"
#include "scan/file_provider.h"
#include "table/table_source.h"

namespace firn::table {

// The rows of the files that `location` stands for, in the order of their locations.
// `context` and the environment must outlive the source and every plan and stream of it.
// These files may be replaced at any time, so each is looked at when it is opened; its
// footer is in the environment's cache only if it is the same object still.
//
// Text and bytes are views (utf8_view, binary_view), but for the large forms.
//
// Errors: NotFound where there is none. InvalidArgument where a column's types have none
// in common, naming file, column and both types, and where two columns of a file have one
// name, by SQL's rules. Otherwise what parquet::FileReader::Open returns, naming the
// file.
Result<std::shared_ptr<scan::BatchSource>> MakeFileSource(
    const base::Context& context, const ScanEnvironment& environment,
    std::string_view location);

// Files for SQL. Thread-safe.
class Files final : public scan::FileProvider {
 public:
  explicit Files(const ScanEnvironment& environment) : environment_(environment) {}
  Result<std::shared_ptr<scan::BatchSource>> OpenFiles(
      const base::Context& context, const std::string& location) override {
    return MakeFileSource(context, environment_, location);
  }

 private:
  const ScanEnvironment environment_;
};

}  // namespace firn::table
