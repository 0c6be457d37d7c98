// SPDX-License-Identifier: Apache-2.0
// dead_letter_sink.h: where rows go that a table does not take.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "firn/status.h"
#include "table/batch_validator.h"

namespace arrow {
class RecordBatch;
}  // namespace arrow

namespace firn::table {

class DeadLetterSink {
 public:
  virtual ~DeadLetterSink() = default;
  // Take the rows of `batch`, as it was given to the writer, that `invalid` names. An
  // error fails the write that met them: no row is dropped silently.
  virtual Status Add(const arrow::RecordBatch& batch,
                     const std::vector<InvalidRow>& invalid) = 0;
};

}  // namespace firn::table
