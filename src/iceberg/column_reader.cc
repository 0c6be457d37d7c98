// SPDX-License-Identifier: Apache-2.0
#include "iceberg/column_reader.h"

#include <array>
#include <utility>
#include <vector>

#include "base/nearest_word.h"
#include "iceberg/schema.h"

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

}  // namespace

Result<NestedField> ColumnReader::Field(std::string_view what) {
  if (++depth_ > kSchemaDepthMax) {
    return ErrorAt(in_->offset(), "the columns nest too deeply");
  }
  NestedField field;
  FIRN_ASSIGN_OR_RETURN(field.name, in_->Name(what));
  FIRN_RETURN_IF_ERROR(TypeAndRest(&field));
  --depth_;
  return field;
}

Status ColumnReader::TypeAndRest(NestedField* field) {
  in_->TakeSymbol(':');
  FIRN_ASSIGN_OR_RETURN(field->type, ReadType());
  FIRN_ASSIGN_OR_RETURN(field->required, Required());
  if (in_->TakeSymbol('\'')) {
    FIRN_ASSIGN_OR_RETURN(field->doc, in_->TextUntil('\''));
  }
  return Status::OK();
}

Result<bool> ColumnReader::Required() {
  if (in_->TakeWord("required")) return true;
  if (in_->TakeWord("optional")) return false;
  if (!in_->TakeWord("not")) return false;
  if (!in_->TakeWord("null")) return in_->Unexpected("null, as in `not null`");
  return true;
}

Result<Type> ColumnReader::ReadType() {
  const std::size_t offset = in_->offset();
  std::string word = Lower(in_->PeekWord());
  if (word.empty()) return in_->Unexpected("a type");
  in_->TakeWord();
  for (const auto& [sql, name] : kSqlNames) {
    if (word == sql) word = name;
  }
  if (word == "list") return ReadList();
  if (word == "map") return ReadMap();
  if (word == "struct") return ReadStruct();
  if (word == "decimal" || word == "fixed") {
    FIRN_ASSIGN_OR_RETURN(word, WithNumbers(word));
  }
  const auto type = ParsePrimitiveType(word);
  if (type.ok()) return Type(*type);
  const std::string_view nearest = base::NearestWord(
      word, std::vector<std::string_view>(kTypeNames.begin(), kTypeNames.end()));
  return ErrorAt(
      offset,
      "there is no type " + word +
          (nearest.empty() ? std::string() : "; is " + std::string(nearest) + " meant?"));
}

Result<std::string> ColumnReader::WithNumbers(const std::string& word) {
  const bool brackets = word == "fixed" && in_->TakeSymbol('[');
  if (!brackets) FIRN_RETURN_IF_ERROR(in_->Expect('('));
  std::string out = word + (word == "fixed" ? "[" : "(");
  out += in_->PeekWord();
  in_->TakeWord();
  if (word == "decimal") {
    FIRN_RETURN_IF_ERROR(in_->Expect(','));
    out += ", " + std::string(in_->PeekWord());
    in_->TakeWord();
  }
  FIRN_RETURN_IF_ERROR(in_->Expect(brackets ? ']' : ')'));
  return out + (word == "fixed" ? "]" : ")");
}

Result<Type> ColumnReader::ReadList() {
  FIRN_RETURN_IF_ERROR(in_->Expect('<'));
  FIRN_ASSIGN_OR_RETURN(Type element, Inner());
  FIRN_ASSIGN_OR_RETURN(const bool required, Required());
  FIRN_RETURN_IF_ERROR(in_->Expect('>'));
  return Type(MakeList(FieldId(0), required, std::move(element)));
}

Result<Type> ColumnReader::ReadMap() {
  FIRN_RETURN_IF_ERROR(in_->Expect('<'));
  FIRN_ASSIGN_OR_RETURN(Type key, Inner());
  FIRN_RETURN_IF_ERROR(in_->Expect(','));
  FIRN_ASSIGN_OR_RETURN(Type value, Inner());
  FIRN_ASSIGN_OR_RETURN(const bool required, Required());
  FIRN_RETURN_IF_ERROR(in_->Expect('>'));
  return Type(
      MakeMap(FieldId(0), std::move(key), FieldId(0), required, std::move(value)));
}

Result<Type> ColumnReader::ReadStruct() {
  FIRN_RETURN_IF_ERROR(in_->Expect('<'));
  StructType type;
  do {
    FIRN_ASSIGN_OR_RETURN(NestedField field, Field("a field"));
    type.fields.push_back(std::move(field));
  } while (in_->TakeSymbol(','));
  FIRN_RETURN_IF_ERROR(in_->Expect('>'));
  return Type(std::move(type));
}

Result<Type> ColumnReader::Inner() {
  if (++depth_ > kSchemaDepthMax) {
    return ErrorAt(in_->offset(), "the columns nest too deeply");
  }
  auto type = ReadType();
  --depth_;
  return type;
}

}  // namespace firn::iceberg
