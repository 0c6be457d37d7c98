// SPDX-License-Identifier: Apache-2.0
#include "db/write_options.h"

#include <algorithm>
#include <string>

#include "parquet/writer_options.h"

namespace firn::db {
namespace {

Result<parquet::CodecLevel> FormOf(const std::string& text) {
  FIRN_ASSIGN_OR_RETURN(const parquet::CodecLevel form, parquet::ParseCodecLevel(text));
  FIRN_RETURN_IF_ERROR(parquet::CheckCodecLevel(form));
  return form;
}

}  // namespace

table::OnInvalid OnInvalidOf(OnInvalidRow what) {
  return what == OnInvalidRow::kQuarantine ? table::OnInvalid::kQuarantine
                                           : table::OnInvalid::kFail;
}

Result<table::TableWriterOptions> WriterOptionsOf(const TableWriteOptions& options) {
  table::TableWriterOptions out;
  out.file_bytes_max = options.file_bytes_max;
  out.file_bytes_target = std::min(out.file_bytes_target, options.file_bytes_max);
  out.rotation_timeout_ms = options.rotation_timeout_ms;
  out.memory_bytes_max = options.memory_bytes_max;
  out.pool_bytes = options.pool_bytes;
  out.on_invalid = OnInvalidOf(options.on_invalid);
  const auto form = FormOf(options.compression);
  if (!form.ok()) return form.status().With("compression");
  out.parquet.codec = form->codec;
  out.parquet.codec_level = form->level;
  for (const std::string& text : options.column_compression) {
    const std::size_t equals = text.rfind('=');
    if (equals == 0 || equals == std::string::npos) {
      return Status::InvalidArgument("compression of a column: " + text +
                                     ": expected COLUMN=CODEC");
    }
    const std::string column = text.substr(0, equals);
    const auto own = FormOf(text.substr(equals + 1));
    if (!own.ok()) return own.status().With("compression of column " + column);
    if (!out.column_codecs.emplace(column, *own).second) {
      return Status::InvalidArgument("compression of column " + column +
                                     ": is given twice");
    }
  }
  return out;
}

}  // namespace firn::db

namespace firn {

Status CheckTableWrites(const TableWriteOptions& options) {
  return db::WriterOptionsOf(options).status();
}

}  // namespace firn
