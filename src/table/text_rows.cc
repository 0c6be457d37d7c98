// SPDX-License-Identifier: Apache-2.0
#include "table/text_rows.h"

#include <arrow/record_batch.h>

#include <utility>

namespace firn::table {

TextRows::TextRows(const base::Context& context, std::string name,
                   std::shared_ptr<RowBytes> bytes)
    : context_(context), name_(std::move(name)), bytes_(std::move(bytes)) {}

TextRows::~TextRows() { bytes_->Stop(); }

Result<std::shared_ptr<arrow::RecordBatch>> TextRows::Next() {
  for (;;) {
    FIRN_RETURN_IF_ERROR(context_.Check());
    auto batch = Read();
    if (!batch.ok()) {
      // The source knows better than who parses why there was no more of it.
      const Status read = bytes_->status();
      return (read.ok() ? batch.status() : read).With(name_);
    }
    if (*batch == nullptr) return batch;
    if ((*batch)->num_rows() == 0) continue;
    stats_.rows += (*batch)->num_rows();
    return batch;
  }
}

}  // namespace firn::table
