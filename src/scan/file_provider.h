// SPDX-License-Identifier: Apache-2.0
// file_provider.h: files by location, for SQL that names them where a table would stand.
#pragma once

#include <memory>
#include <string>

#include "base/context.h"
#include "firn/status.h"
#include "scan/batch.h"

namespace firn::scan {

// Thread-safe.
class FileProvider {
 public:
  virtual ~FileProvider() = default;
  // The rows of the files that `location` stands for, as they are now: a file, a
  // directory or a pattern. `context` must outlive the source. NotFound where there is no
  // such file; what is wrong with one names it.
  virtual Result<std::shared_ptr<BatchSource>> OpenFiles(const base::Context& context,
                                                         const std::string& location) = 0;
};

}  // namespace firn::scan
