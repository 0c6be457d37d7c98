// SPDX-License-Identifier: Apache-2.0
// metadata_file.h: metadata files in a store: their names, reading and writing.
//
// `<metadata directory>/00012-<uuid>.metadata.json`: the number counts the table's
// versions and is for people; the UUID keeps rivals apart. With the property
// `write.metadata.compression-codec` = `gzip` it ends with `.gz.metadata.json`, and is
// compressed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/random.h"
#include "iceberg/table_metadata.h"
#include "io/store.h"

namespace firn::iceberg {

// A location never used before, for the version after the one at `previous_location`
// (empty: the first, number 0).
std::string NextMetadataLocation(const TableMetadata& metadata,
                                 std::string_view previous_location,
                                 RandomSource& random);

// A compressed file is known by its bytes, whatever its name. NotFound; Corruption, also
// for what decompresses to more than kMetadataFileBytesMax; Unimplemented for what
// TableMetadataFromJson does not read.
Result<TableMetadata> ReadMetadataFile(const base::Context& context, io::Store& store,
                                       const std::string& location);

// Compressed where the location's name says so. Durable when it returns OK. After an
// error the object may or may not be there.
Status WriteMetadataFile(const base::Context& context, io::Store& store,
                         const std::string& location, const TableMetadata& metadata);

// The same of metadata as JSON.
Status PutMetadataJson(const base::Context& context, io::Store& store,
                       const std::string& location, std::string json);

// Write an object that nothing names yet. An outcome that is not known is Unavailable
// here: whether the object exists makes no commit true.
Status PutUnnamed(const base::Context& context, io::Store& store,
                  const std::string& location, std::string_view bytes);

// Remove objects that nothing names, as far as possible: failures are logged. Runs even
// where the caller's context has ended.
void RemoveUnnamed(io::Store& store, const std::vector<std::string>& locations);

}  // namespace firn::iceberg
