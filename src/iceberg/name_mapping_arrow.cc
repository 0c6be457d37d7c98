// SPDX-License-Identifier: Apache-2.0
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>

#include <map>
#include <string_view>
#include <utility>

#include "iceberg/name_mapping.h"
#include "iceberg/schema_arrow.h"

namespace firn::iceberg {
namespace {

using ArrowField = std::shared_ptr<arrow::Field>;
using ArrowType = std::shared_ptr<arrow::DataType>;

ArrowField WithId(const ArrowField& field, const std::optional<FieldId>& id) {
  const auto metadata = field->metadata() == nullptr
                            ? std::make_shared<arrow::KeyValueMetadata>()
                            : field->metadata()->Copy();
  while (metadata->Contains(kArrowFieldIdKey)) {
    if (!metadata->Delete(kArrowFieldIdKey).ok()) break;
  }
  if (id) metadata->Append(kArrowFieldIdKey, id->ToString());
  return field->WithMetadata(metadata->size() == 0 ? nullptr : metadata);
}

class Mapper {
 public:
  Result<ArrowField> Map(const ArrowField& field, const MappedField* mapped, int depth) {
    FIRN_ASSIGN_OR_RETURN(
        ArrowType type,
        MapType(field->type(), mapped == nullptr ? nothing_ : mapped->fields, depth + 1));
    return WithId(field->WithType(std::move(type)),
                  mapped == nullptr ? std::nullopt : mapped->field_id);
  }

  Result<arrow::FieldVector> MapFields(const arrow::FieldVector& fields,
                                       const std::vector<MappedField>& level, int depth) {
    std::map<std::string_view, const MappedField*> by_name;
    for (const MappedField& mapped : level) {
      for (const std::string& name : mapped.names) by_name.emplace(name, &mapped);
    }
    arrow::FieldVector out;
    for (const ArrowField& field : fields) {
      const auto found = by_name.find(field->name());
      FIRN_ASSIGN_OR_RETURN(
          ArrowField mapped,
          Map(field, found == by_name.end() ? nullptr : found->second, depth));
      out.push_back(std::move(mapped));
    }
    return out;
  }

 private:
  // Elements, keys and values have these names in a mapping, whatever Arrow calls them.
  static const MappedField* Named(const std::vector<MappedField>& level,
                                  std::string_view name) {
    for (const MappedField& mapped : level) {
      for (const std::string& candidate : mapped.names) {
        if (candidate == name) return &mapped;
      }
    }
    return nullptr;
  }

  Result<ArrowType> MapType(const ArrowType& type, const std::vector<MappedField>& level,
                            int depth) {
    if (depth > kSchemaDepthMax) {
      return Status::InvalidArgument("schema nests too deeply");
    }
    switch (type->id()) {
      case arrow::Type::STRUCT: {
        FIRN_ASSIGN_OR_RETURN(auto fields, MapFields(type->fields(), level, depth));
        return ArrowType(arrow::struct_(fields));
      }
      case arrow::Type::LIST: {
        FIRN_ASSIGN_OR_RETURN(auto item,
                              Map(type->field(0), Named(level, "element"), depth));
        return ArrowType(arrow::list(item));
      }
      case arrow::Type::LARGE_LIST: {
        FIRN_ASSIGN_OR_RETURN(auto item,
                              Map(type->field(0), Named(level, "element"), depth));
        return ArrowType(arrow::large_list(item));
      }
      case arrow::Type::MAP: {
        const auto& map = static_cast<const arrow::MapType&>(*type);
        FIRN_ASSIGN_OR_RETURN(auto key, Map(map.key_field(), Named(level, "key"), depth));
        FIRN_ASSIGN_OR_RETURN(auto value,
                              Map(map.item_field(), Named(level, "value"), depth));
        return ArrowType(std::make_shared<arrow::MapType>(key, value, map.keys_sorted()));
      }
      default:
        return type;
    }
  }

  const std::vector<MappedField> nothing_;
};

}  // namespace

Result<std::shared_ptr<arrow::Schema>> ApplyNameMapping(const NameMapping& mapping,
                                                        const arrow::Schema& schema) {
  FIRN_ASSIGN_OR_RETURN(auto fields,
                        Mapper().MapFields(schema.fields(), mapping.fields, 0));
  return arrow::schema(std::move(fields), schema.metadata());
}

}  // namespace firn::iceberg
