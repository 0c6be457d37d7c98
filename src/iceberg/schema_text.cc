// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema_text.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/nearest_word.h"
#include "iceberg/schema_update.h"
#include "iceberg/text_cursor.h"

namespace firn::iceberg {
namespace {

// What SQL calls the types, and Iceberg.
constexpr std::pair<std::string_view, std::string_view> kSqlNames[] = {
    {"bool", "boolean"}, {"integer", "int"},     {"bigint", "long"},
    {"real", "float"},   {"text", "string"},     {"varchar", "string"},
    {"bytes", "binary"}, {"numeric", "decimal"}, {"blob", "binary"},
};
constexpr std::array<std::string_view, 20> kTypeNames = {
    "boolean", "int",    "long",         "float",          "double",
    "decimal", "date",   "time",         "timestamp",      "timestamptz",
    "string",  "uuid",   "fixed",        "binary",         "list",
    "map",     "struct", "timestamp_ns", "timestamptz_ns", "unknown"};

class SchemaReader {
 public:
  explicit SchemaReader(std::string_view text) : in_(text) {}

  Result<StructType> Columns() {
    StructType columns;
    do {
      FIRN_ASSIGN_OR_RETURN(NestedField field, Field("a column"));
      columns.fields.push_back(std::move(field));
    } while (in_.TakeSymbol(','));
    if (!in_.AtEnd()) return in_.Unexpected("',' or the end");
    return columns;
  }

 private:
  Result<NestedField> Field(std::string_view what) {
    if (++depth_ > kSchemaDepthMax) {
      return ErrorAt(in_.offset(), "the columns nest too deeply");
    }
    NestedField field;
    FIRN_ASSIGN_OR_RETURN(field.name, in_.Name(what));
    in_.TakeSymbol(':');
    FIRN_ASSIGN_OR_RETURN(field.type, ReadType());
    FIRN_ASSIGN_OR_RETURN(field.required, Required());
    if (in_.TakeSymbol('\'')) {
      FIRN_ASSIGN_OR_RETURN(field.doc, in_.TextUntil('\''));
    }
    --depth_;
    return field;
  }

  Result<bool> Required() {
    if (in_.TakeWord("required")) return true;
    if (in_.TakeWord("optional")) return false;
    if (!in_.TakeWord("not")) return false;
    if (!in_.TakeWord("null")) return in_.Unexpected("null, as in `not null`");
    return true;
  }

  Result<Type> ReadType() {
    const std::size_t offset = in_.offset();
    std::string word = Lower(in_.PeekWord());
    if (word.empty()) return in_.Unexpected("a type");
    in_.TakeWord();
    for (const auto& [sql, name] : kSqlNames) {
      if (word == sql) word = name;
    }
    if (word == "list") return ReadList();
    if (word == "map") return ReadMap();
    if (word == "struct") return ReadStruct();
    if (word == "decimal" || word == "fixed") {
      FIRN_ASSIGN_OR_RETURN(word, WithNumbers(std::move(word)));
    }
    const auto type = ParsePrimitiveType(word);
    if (type.ok()) return Type(*type);
    const std::string_view nearest = base::NearestWord(
        word, std::vector<std::string_view>(kTypeNames.begin(), kTypeNames.end()));
    return ErrorAt(offset,
                   "there is no type " + word +
                       (nearest.empty() ? std::string()
                                        : "; is " + std::string(nearest) + " meant?"));
  }

  // `decimal(9, 2)` and `fixed[16]` as ParsePrimitiveType reads them.
  Result<std::string> WithNumbers(std::string word) {
    const bool brackets = word == "fixed" && in_.TakeSymbol('[');
    if (!brackets) FIRN_RETURN_IF_ERROR(in_.Expect('('));
    std::string out = word + (word == "fixed" ? "[" : "(");
    out += in_.PeekWord();
    in_.TakeWord();
    if (word == "decimal") {
      FIRN_RETURN_IF_ERROR(in_.Expect(','));
      out += ", " + std::string(in_.PeekWord());
      in_.TakeWord();
    }
    FIRN_RETURN_IF_ERROR(in_.Expect(brackets ? ']' : ')'));
    return out + (word == "fixed" ? "]" : ")");
  }

  Result<Type> ReadList() {
    FIRN_RETURN_IF_ERROR(in_.Expect('<'));
    FIRN_ASSIGN_OR_RETURN(Type element, Inner());
    FIRN_ASSIGN_OR_RETURN(const bool required, Required());
    FIRN_RETURN_IF_ERROR(in_.Expect('>'));
    return Type(MakeList(FieldId(0), required, std::move(element)));
  }

  Result<Type> ReadMap() {
    FIRN_RETURN_IF_ERROR(in_.Expect('<'));
    FIRN_ASSIGN_OR_RETURN(Type key, Inner());
    FIRN_RETURN_IF_ERROR(in_.Expect(','));
    FIRN_ASSIGN_OR_RETURN(Type value, Inner());
    FIRN_ASSIGN_OR_RETURN(const bool required, Required());
    FIRN_RETURN_IF_ERROR(in_.Expect('>'));
    return Type(
        MakeMap(FieldId(0), std::move(key), FieldId(0), required, std::move(value)));
  }

  Result<Type> ReadStruct() {
    FIRN_RETURN_IF_ERROR(in_.Expect('<'));
    StructType type;
    do {
      FIRN_ASSIGN_OR_RETURN(NestedField field, Field("a field"));
      type.fields.push_back(std::move(field));
    } while (in_.TakeSymbol(','));
    FIRN_RETURN_IF_ERROR(in_.Expect('>'));
    return Type(std::move(type));
  }

  // The type inside of a list or map.
  Result<Type> Inner() {
    if (++depth_ > kSchemaDepthMax) {
      return ErrorAt(in_.offset(), "the columns nest too deeply");
    }
    auto type = ReadType();
    --depth_;
    return type;
  }

  TextCursor in_;
  int depth_ = 0;
};

}  // namespace

Result<Schema> ParseSchemaText(std::string_view text, int format_version) {
  FIRN_ASSIGN_OR_RETURN(StructType columns, SchemaReader(text).Columns());
  std::int64_t last_id = 0;
  const Type fresh = AssignFreshIds(Type(std::move(columns)), &last_id);
  Schema schema;
  schema.root = *fresh.struct_type();
  FIRN_RETURN_IF_ERROR(CheckSchema(schema, format_version));
  return schema;
}

}  // namespace firn::iceberg
