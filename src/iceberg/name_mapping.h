// SPDX-License-Identifier: Apache-2.0
// name_mapping.h: field ids by name, for data files that have none.
//
// A table keeps one as JSON in the property `schema.name-mapping.default`. Names are
// those of one level: a dot in one is part of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/status.h"
#include "iceberg/ids.h"
#include "iceberg/schema.h"

namespace arrow {
class Schema;
}  // namespace arrow

namespace firn::iceberg {

struct MappedField {
  // What the field is called in files; none where no file has it.
  std::vector<std::string> names;
  std::optional<FieldId> field_id;  // Absent: in files only.
  // Of a struct its fields, of a list `element`, of a map `key` and `value`.
  std::vector<MappedField> fields;
  bool operator==(const MappedField&) const = default;
};

struct NameMapping {
  std::vector<MappedField> fields;
  bool operator==(const NameMapping&) const = default;
};

// Each field under the name it has.
NameMapping MakeNameMapping(const Schema& schema);

// `mapping` after the table's schema `before` became `after`: a renamed field has its new
// name as well, and a new field is there. A name stays with the field that has it, also
// where that is dropped, since files have that field's values under it. AlreadyExists
// for a new or renamed field whose name another has: of files, no one can tell whose
// values they mean. Fields that the mapping leaves out stay out.
Result<NameMapping> UpdateNameMapping(NameMapping mapping, const Schema& before,
                                      const Schema& after);

std::string NameMappingToJson(const NameMapping& mapping);
// Corruption where the text is no name mapping, a name appears twice in one level, or an
// id twice in all.
Result<NameMapping> NameMappingFromJson(std::string_view text);

// A file's schema with the ids that its names are mapped to (under `PARQUET:field_id`,
// see schema_arrow.h). What is not mapped has no id, and whatever is below it neither;
// ids that the file had are not kept. InvalidArgument for a schema nested deeper than
// kSchemaDepthMax.
Result<std::shared_ptr<arrow::Schema>> ApplyNameMapping(const NameMapping& mapping,
                                                        const arrow::Schema& schema);

}  // namespace firn::iceberg
