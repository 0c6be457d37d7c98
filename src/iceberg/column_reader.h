// SPDX-License-Identifier: Apache-2.0
// column_reader.h: one column, or its type, in a text that a person wrote
// (schema_text.h). Internal to this room.
#pragma once

#include <string>
#include <string_view>

#include "firn/status.h"
#include "iceberg/text_cursor.h"
#include "iceberg/type.h"

namespace firn::iceberg {

// Ids of what it reads are 0. InvalidArgument names the character, counted from 1, and
// what was expected there. Borrows the cursor. Thread-compatible.
class ColumnReader {
 public:
  explicit ColumnReader(TextCursor* in) : in_(in) {}

  // `host string required 'its doc'`; `what` is what an error says was expected.
  Result<NestedField> Field(std::string_view what);
  // What comes after the name, into `field`.
  Status TypeAndRest(NestedField* field);
  Result<Type> ReadType();

 private:
  Result<bool> Required();
  // `decimal(9, 2)` and `fixed[16]` as ParsePrimitiveType reads them.
  Result<std::string> WithNumbers(const std::string& word);
  Result<Type> ReadList();
  Result<Type> ReadMap();
  Result<Type> ReadStruct();
  // The type inside of a list or map.
  Result<Type> Inner();

  TextCursor* const in_;
  int depth_ = 0;
};

}  // namespace firn::iceberg
