// SPDX-License-Identifier: Apache-2.0
#include "iceberg/partition_spec.h"

#include <algorithm>
#include <set>

#include "base/assert.h"

namespace firn::iceberg {
namespace {

const PrimitiveType* SourceType(const PartitionField& field, const Schema& schema) {
  const NestedField* source = schema.FindField(field.source_id);
  return source == nullptr ? nullptr : source->type.primitive();
}

// Everything but letters, digits and `-_.*` becomes %XX, as in a form's URL encoding with
// %20 for a space.
std::string PercentEncode(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' ||
                       byte == '.' || byte == '*';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

// A value from before its source was promoted reads as one from after it.
std::string ValueText(const Transform& transform,
                      const std::optional<PrimitiveType>& source,
                      const OptionalValue& value) {
  if (!source) return "unknown";
  if (!value) return TransformedToString(transform, *source, value);
  const auto type = ResultType(transform, *source);
  const OptionalValue now = type.ok() ? Promote(*value, *type) : std::nullopt;
  return now ? TransformedToString(transform, *source, now) : "unknown";
}

}  // namespace

bool PartitionSpec::IsCompatibleWith(const PartitionSpec& other) const {
  return std::equal(fields.begin(), fields.end(), other.fields.begin(),
                    other.fields.end(),
                    [](const PartitionField& a, const PartitionField& b) {
                      return a.source_id == b.source_id && a.transform == b.transform &&
                             a.name == b.name;
                    });
}

FieldId PartitionSpec::HighestFieldId() const {
  FieldId highest(kPartitionFieldIdFirst.value - 1);
  for (const PartitionField& field : fields) highest = std::max(highest, field.field_id);
  return highest;
}

bool IsUnpartitioned(const PartitionSpec& spec) {
  for (const PartitionField& field : spec.fields) {
    if (field.transform.kind != TransformKind::kVoid) return false;
  }
  return true;
}

Status CheckPartitionSpec(const PartitionSpec& spec, const Schema& schema) {
  std::set<std::string_view> names;
  std::set<FieldId> ids;
  for (const PartitionField& field : spec.fields) {
    const std::string what = "partition field " + field.name;
    if (field.name.empty() || !names.insert(field.name).second) {
      return Status::InvalidArgument(what + ": the name is empty or appears twice");
    }
    if (field.field_id < kPartitionFieldIdFirst || !ids.insert(field.field_id).second) {
      return Status::InvalidArgument(what + ": the id " + field.field_id.ToString() +
                                     " is below 1000 or appears twice");
    }
    const PrimitiveType* source = SourceType(field, schema);
    if (source == nullptr) {
      return Status::InvalidArgument(what + ": source " + field.source_id.ToString() +
                                     " is no primitive column");
    }
    const auto result = ResultType(field.transform, *source);
    if (!result.ok()) {
      return Status::InvalidArgument(what + ": " +
                                     std::string(result.status().message()));
    }
    const NestedField* same_name = schema.FindColumn(field.name);
    const bool shadows =
        same_name != nullptr && (field.transform.kind != TransformKind::kIdentity ||
                                 same_name->id != field.source_id);
    if (shadows && field.transform.kind != TransformKind::kVoid) {
      return Status::InvalidArgument(
          what +
          ": a column has that name; give one of them another, the partition field with "
          "`as NAME`");
    }
  }
  return Status::OK();
}

std::vector<std::optional<PrimitiveType>> SourceTypes(const PartitionSpec& spec,
                                                      const Schema& schema) {
  std::vector<std::optional<PrimitiveType>> types;
  for (const PartitionField& field : spec.fields) {
    const PrimitiveType* source = SourceType(field, schema);
    const bool known = source != nullptr && ResultType(field.transform, *source).ok();
    types.push_back(known ? std::optional(*source) : std::nullopt);
  }
  return types;
}

Result<StructType> PartitionType(const PartitionSpec& spec, const Schema& schema) {
  StructType type;
  for (const PartitionField& field : spec.fields) {
    const PrimitiveType* source = SourceType(field, schema);
    if (source == nullptr) {
      return Status::InvalidArgument("partition field " + field.name + ": source " +
                                     field.source_id.ToString() +
                                     " is no primitive column");
    }
    FIRN_ASSIGN_OR_RETURN(const PrimitiveType result,
                          ResultType(field.transform, *source));
    type.fields.push_back({field.field_id, field.name, false, result, ""});
  }
  return type;
}

std::string PartitionPath(const PartitionSpec& spec, const Schema& schema,
                          const PartitionValues& values) {
  FIRN_ASSERT(values.size() == spec.fields.size());
  const auto sources = SourceTypes(spec, schema);
  std::string path;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) path += '/';
    path += PercentEncode(spec.fields[i].name) + "=" +
            PercentEncode(ValueText(spec.fields[i].transform, sources[i], values[i]));
  }
  return path;
}

std::string ToString(const PartitionSpec& spec, const Schema& schema) {
  std::string out = "[";
  for (const PartitionField& field : spec.fields) {
    if (out.size() > 1) out += ", ";
    out += ToString(field.transform) + "(" + schema.FindName(field.source_id) + ") as " +
           field.name;
  }
  return out + "]";
}

}  // namespace firn::iceberg
