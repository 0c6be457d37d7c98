// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema_compatibility.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace firn::iceberg {
namespace {

std::string Describe(const NestedField& field) {
  return (field.required ? "required " : "optional ") + field.type.ToString();
}

class Comparison {
 public:
  explicit Comparison(const CompatibilityRules& rules) : rules_(rules) {}

  void CompareStructs(const std::vector<NestedField>& reader,
                      const std::vector<NestedField>& writer, const std::string& path) {
    for (const NestedField& field : reader) {
      const NestedField* match = Match(writer, field);
      if (match != nullptr) {
        CompareFields(field, *match, path + field.name);
      } else if (field.required && !field.initial_default) {
        findings_.push_back({path + field.name, Describe(field), kNoColumn,
                             "rows have no value for it, and it has no default"});
      }
    }
    if (rules_.allow_more_columns) return;
    for (const NestedField& field : writer) {
      if (Match(reader, field) == nullptr) {
        findings_.push_back(
            {path + field.name, kNoColumn, Describe(field), "its values would be lost"});
      }
    }
  }

  std::vector<Incompatibility> TakeFindings() && { return std::move(findings_); }

 private:
  const NestedField* Match(const std::vector<NestedField>& fields,
                           const NestedField& wanted) const {
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const NestedField& field) {
          return rules_.match_by_name ? field.name == wanted.name : field.id == wanted.id;
        });
    return found == fields.end() ? nullptr : &*found;
  }

  void CompareFields(const NestedField& reader, const NestedField& writer,
                     const std::string& path) {
    const auto add = [&](std::string_view reason) {
      findings_.push_back(
          {path, Describe(reader), Describe(writer), std::string(reason)});
    };
    if (reader.required && !writer.required) add("rows may have no value");
    const PrimitiveType* to = reader.type.primitive();
    const PrimitiveType* from = writer.type.primitive();
    const bool widens = from != nullptr &&
                        (to != nullptr ? CanPromote(*from, *to, rules_.format_version)
                                       : *from == kUnknown && rules_.format_version >= 3);
    if (widens) return;
    if (to != nullptr || reader.type.node().index() != writer.type.node().index()) {
      add("values of type " + writer.type.ToString() + " do not widen to " +
          reader.type.ToString());
      return;
    }
    const std::vector<NestedField> to_fields = ChildFields(reader.type);
    const std::vector<NestedField> from_fields = ChildFields(writer.type);
    if (reader.type.struct_type() != nullptr) {
      CompareStructs(to_fields, from_fields, path + ".");
      return;
    }
    for (std::size_t i = 0; i < to_fields.size(); ++i) {
      const std::string child = path + "." + to_fields[i].name;
      if (!rules_.match_by_name && to_fields[i].id != from_fields[i].id) {
        findings_.push_back({child, "field id " + to_fields[i].id.ToString(),
                             "field id " + from_fields[i].id.ToString(),
                             "files have its values under another id"});
      }
      CompareFields(to_fields[i], from_fields[i], child);
    }
  }

  const CompatibilityRules& rules_;
  std::vector<Incompatibility> findings_;
};

}  // namespace

std::string ToString(const Incompatibility& finding) {
  return finding.path + ": expected " + finding.expected + ", found " + finding.found +
         ": " + finding.reason;
}

std::vector<Incompatibility> ExplainIncompatibility(const Schema& reader,
                                                    const Schema& writer,
                                                    const CompatibilityRules& rules) {
  Comparison comparison(rules);
  comparison.CompareStructs(reader.fields(), writer.fields(), "");
  return std::move(comparison).TakeFindings();
}

}  // namespace firn::iceberg
