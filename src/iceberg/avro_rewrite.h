// SPDX-License-Identifier: Apache-2.0
// avro_rewrite.h: an Avro file once more, some of its values changed.
//
// The objects are copied as the file's own schema says, whatever else is in them, and the
// header as it is: nothing of another writer's is lost.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "firn/status.h"
#include "iceberg/ids.h"

namespace firn::iceberg {

// Called with each value of a field that has an id, optional ones where they are there;
// what is returned is written. An error ends the rewriting.
struct AvroChanges {
  std::function<Result<std::string>(FieldId, std::string_view)> text;
  std::function<Result<std::int64_t>(FieldId, std::int64_t)> number;  // Of longs.
};

// Corruption where the bytes are no Avro file; Unimplemented for a codec that is not
// written, and for maps with keys of text, which Iceberg's files do not have.
Result<std::string> RewriteAvroFile(std::string_view bytes, const AvroChanges& changes);

}  // namespace firn::iceberg
