// SPDX-License-Identifier: Apache-2.0
// files.h: Parquet files at locations, without a table around them.
//
// A location is a path, `file:///…` or a URI of a store. Db::OpenFiles asks them by SQL.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "firn/file_check.h"
#include "firn/parquet_writer.h"
#include "firn/status.h"
#include "firn/storage.h"

namespace firn {

namespace base {
class Context;
}  // namespace base

struct FilesOptions {
  StorageOptions storage;  // How stores that are not on this machine are reached.
  // Bound on what one check or trial holds of a file, decoded.
  std::int64_t bytes_max = std::int64_t{1} << 30;
};

// What each column of a file takes, and what a trial on its first rows recommends: both
// as tables for people and as JSON.
struct CompressionAdvice {
  std::string report_text;
  std::string trial_text;
  std::string json;  // {"file":…,"report":{…},"trial":[…]}
};

// Thread-safe.
class Files {
 public:
  static Result<std::unique_ptr<Files>> Open(const FilesOptions& options);
  virtual ~Files() = default;

  // The files that `location` stands for: itself, those below a directory, or those that
  // match a pattern, in order. NotFound where there is none.
  virtual Result<std::vector<std::string>> Find(const base::Context& context,
                                                std::string_view location) = 0;

  // Read all of one file and hold what it says of itself against it. `on_progress` may be
  // empty; it is told the share that is done. Errors: NotFound, PermissionDenied where it
  // is encrypted as a whole, Unimplemented for a schema that is not read, and what the
  // store returns. A damaged file is no error.
  virtual Result<FileCheck> Check(const base::Context& context,
                                  const std::string& location,
                                  const std::function<void(double)>& on_progress) = 0;

  // Errors as Check, and Corruption.
  virtual Result<CompressionAdvice> Compression(const base::Context& context,
                                                const std::string& location) = 0;

  // Begin a file, which appears under its name whole, when it is closed. AlreadyExists
  // where there is one; with `overwrite` that one stays until the new one takes its place
  // in one step. `context` must outlive the output.
  virtual Result<std::unique_ptr<FileOutput>> Create(const base::Context& context,
                                                     std::string_view location,
                                                     bool overwrite) = 0;
};

}  // namespace firn
