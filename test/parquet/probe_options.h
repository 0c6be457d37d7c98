// SPDX-License-Identifier: Apache-2.0
// probe_options.h: the probe's arguments, of the form NAME=VALUE, as options of firn's
// writer and reader.
//
//   codec=zstd level=3 page_version=v1 row_group_rows=500 page_rows=100 page_index=on
//   sort=FIELD_ID  key.NAME=VALUE          what is written of the file
//   FIELD_ID.codec=gzip FIELD_ID.level=9 FIELD_ID.encoding=DELTA_BINARY_PACKED
//   FIELD_ID.dictionary=off FIELD_ID.statistics=off FIELD_ID.page_index=off
//   FIELD_ID.bloom=DISTINCT_VALUES         of one column
//   footer_key=HEX cipher=gcm plaintext_footer=on aad_prefix=TEXT    encrypted, as "kf"
//
//   checksums=off key.NAME=HEX footer_key=HEX aad_prefix=TEXT        when reading
//   columns=PATH[,PATH…] threads=3
#pragma once

#include <string>
#include <vector>

#include "firn/status.h"
#include "parquet/reader.h"
#include "parquet/writer_options.h"

namespace firn::parquet {

// InvalidArgument for a name or value that is not known.
Result<WriterOptions> ProbeWriterOptions(const std::vector<std::string>& arguments);
Result<ReaderOptions> ProbeReaderOptions(const std::vector<std::string>& arguments);
// What is read; takes its arguments out of `arguments`.
ScanSpec TakeProbeScanSpec(std::vector<std::string>& arguments);

}  // namespace firn::parquet
