// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema_text.h"

#include <utility>

#include "iceberg/column_reader.h"
#include "iceberg/schema_update.h"
#include "iceberg/text_cursor.h"

namespace firn::iceberg {
namespace {

Result<StructType> ReadColumns(std::string_view text) {
  TextCursor in(text);
  ColumnReader reader(&in);
  StructType columns;
  do {
    FIRN_ASSIGN_OR_RETURN(NestedField field, reader.Field("a column"));
    columns.fields.push_back(std::move(field));
  } while (in.TakeSymbol(','));
  if (!in.AtEnd()) return in.Unexpected("',' or the end");
  return columns;
}

}  // namespace

Result<Schema> ParseSchemaText(std::string_view text, int format_version) {
  FIRN_ASSIGN_OR_RETURN(StructType columns, ReadColumns(text));
  std::int64_t last_id = 0;
  const Type fresh = AssignFreshIds(Type(std::move(columns)), &last_id);
  Schema schema;
  schema.root = *fresh.struct_type();
  FIRN_RETURN_IF_ERROR(CheckSchema(schema, format_version));
  return schema;
}

}  // namespace firn::iceberg
