// SPDX-License-Identifier: Apache-2.0
#include "table/ndjson_schema.h"

#include <arrow/type.h>

#include <charconv>
#include <cstddef>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "table/ndjson_line.h"
#include "table/text_values.h"

namespace firn::table {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

enum class ShapeKind : std::uint8_t {
  kNull,
  kBool,
  kInteger,
  kReal,
  kNotFinite,  // "NaN", "+Inf" or "-Inf": text, or a number where others are.
  kText,
  kList,
  kStruct,
};

// What is known of the values at one place.
struct Shape {
  ShapeKind kind = ShapeKind::kNull;
  TimeText time = TimeText::kNone;  // Of all text here.
  std::vector<Shape> element;       // One, of a list.
  std::vector<std::string> names;   // Of a struct, in order;
  std::vector<Shape> fields;        // and what has them.
  std::unordered_map<std::string, std::size_t> by_name;
};

ShapeKind NumberKind(std::string_view number) {
  std::int64_t value = 0;
  const char* const end = number.data() + number.size();
  const auto parsed = std::from_chars(number.data(), end, value);
  return parsed.ec == std::errc() && parsed.ptr == end ? ShapeKind::kInteger
                                                       : ShapeKind::kReal;
}

// What both are, or false where there is no such kind.
bool CommonKind(ShapeKind a, ShapeKind b, ShapeKind* both) {
  using enum ShapeKind;
  if (a > b) std::swap(a, b);
  const bool is_a_number = a == kInteger || a == kReal;
  if (a == b || a == kNull) {
    *both = b;
  } else if (is_a_number && (b == kReal || b == kNotFinite)) {
    *both = kReal;
  } else if (a == kNotFinite && b == kText) {
    *both = kText;
  } else {
    return false;
  }
  return true;
}

bool GoTogether(const Shape& a, const Shape& b) {
  ShapeKind both;
  if (!CommonKind(a.kind, b.kind, &both)) return false;
  if (!a.element.empty() && !b.element.empty() &&
      !GoTogether(a.element[0], b.element[0])) {
    return false;
  }
  for (std::size_t i = 0; i < b.fields.size(); ++i) {
    const std::string& name = b.names[i];
    const Shape& field = b.fields[i];
    const auto at = a.by_name.find(name);
    if (at != a.by_name.end() && !GoTogether(a.fields[at->second], field)) {
      return false;
    }
  }
  return true;
}

bool IsText(ShapeKind kind) {
  return kind == ShapeKind::kText || kind == ShapeKind::kNotFinite;
}

// REQUIRES: GoTogether(*into, from). How many names are new is added to `fields`.
void Merge(Shape from, Shape* into, std::int64_t* fields) {
  if (!IsText(into->kind)) {
    into->time = from.time;
  } else if (IsText(from.kind)) {
    into->time = CommonTimeText(into->time, from.time);
  }
  CommonKind(into->kind, from.kind, &into->kind);
  if (!from.element.empty()) {
    if (into->element.empty()) into->element.emplace_back();
    Merge(std::move(from.element[0]), into->element.data(), fields);
  }
  for (std::size_t i = 0; i < from.fields.size(); ++i) {
    const std::string& name = from.names[i];
    const auto [at, is_new] = into->by_name.emplace(name, into->fields.size());
    if (is_new) {
      ++*fields;
      into->names.push_back(name);
      into->fields.emplace_back();
    }
    Merge(std::move(from.fields[i]), &into->fields[at->second], fields);
  }
}

// The value at which `json` stands, and `json` past it. Where it goes into no column that
// is false, `fault` says why, and `json` is anywhere.
bool ShapeOf(JsonCursor& json, Shape* shape, std::string* fault) {
  switch (json.kind()) {
    case JsonKind::kNull:
      json.TakeWord();
      return true;
    case JsonKind::kBool:
      json.TakeWord();
      shape->kind = ShapeKind::kBool;
      return true;
    case JsonKind::kNumber:
      shape->kind = NumberKind(json.TakeWord());
      return true;
    case JsonKind::kText: {
      const std::string_view text = json.TakeText();
      shape->kind = text == "NaN" || text == "+Inf" || text == "-Inf"
                        ? ShapeKind::kNotFinite
                        : ShapeKind::kText;
      shape->time = TimeTextOf(text);
      return true;
    }
    case JsonKind::kArray: {
      shape->kind = ShapeKind::kList;
      shape->element.emplace_back();
      std::int64_t fields = 0;
      for (bool more = json.Open(); more; more = json.More()) {
        Shape element;
        if (!ShapeOf(json, &element, fault)) return false;
        if (!GoTogether(shape->element[0], element)) {
          *fault = "an array has values of several types";
          return false;
        }
        Merge(std::move(element), shape->element.data(), &fields);
      }
      return true;
    }
    case JsonKind::kObject:
      break;
  }
  shape->kind = ShapeKind::kStruct;
  for (bool more = json.Open(); more; more = json.More()) {
    std::string name(json.TakeName());
    Shape field;
    if (!ShapeOf(json, &field, fault)) return false;
    if (!shape->by_name.emplace(name, shape->fields.size()).second) {
      *fault = "the name " + ShownText(name) + " is there twice";
      return false;
    }
    shape->names.push_back(std::move(name));
    shape->fields.push_back(std::move(field));
  }
  return true;
}

arrow::FieldVector FieldsOf(const Shape& shape);

TypePtr TypeOf(const Shape& shape) {
  switch (shape.kind) {
    case ShapeKind::kBool:
      return arrow::boolean();
    case ShapeKind::kInteger:
      return arrow::int64();
    case ShapeKind::kReal:
      return arrow::float64();
    case ShapeKind::kList:
      return arrow::list(TypeOf(shape.element[0]));
    case ShapeKind::kStruct:
      return arrow::struct_(FieldsOf(shape));
    case ShapeKind::kNull:
    case ShapeKind::kNotFinite:
    case ShapeKind::kText:
      break;
  }
  switch (shape.time) {
    case TimeText::kDate:
      return arrow::date32();
    case TimeText::kTimeOfDay:
      return arrow::time64(arrow::TimeUnit::MICRO);
    case TimeText::kZoned:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case TimeText::kLocal:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case TimeText::kNone:
      break;
  }
  return arrow::utf8();
}

arrow::FieldVector FieldsOf(const Shape& shape) {
  arrow::FieldVector fields;
  for (std::size_t i = 0; i < shape.fields.size(); ++i) {
    fields.push_back(arrow::field(shape.names[i], TypeOf(shape.fields[i])));
  }
  return fields;
}

}  // namespace

Result<std::shared_ptr<arrow::Schema>> GuessNdjsonSchema(std::string_view text,
                                                         std::int32_t block_bytes) {
  const bool is_cut = text.size() >= static_cast<std::size_t>(block_bytes);
  text = text.substr(0, static_cast<std::size_t>(block_bytes));
  Shape all;
  std::int64_t fields = 0;
  std::int64_t number = 0;
  std::string first_fault;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const bool is_whole = line.size() < text.size();
    text.remove_prefix(line.size() + (is_whole ? 1 : 0));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Shape shape;
    std::string fault =
        line.size() == static_cast<std::size_t>(block_bytes)
            ? "it is longer than " + std::to_string(block_bytes) + " bytes"
            : FaultOfLine(line);
    if (fault.empty()) {
      JsonCursor json(line);
      ShapeOf(json, &shape, &fault);
    }
    if (!fault.empty()) {
      // What is wrong with a line that is cut off is nothing that the file has.
      const bool is_known = is_whole || !is_cut || number == 1;
      if (first_fault.empty() && is_known) {
        first_fault = "line " + std::to_string(number) + ": " + fault;
      }
      continue;
    }
    if (!GoTogether(all, shape)) break;
    Merge(std::move(shape), &all, &fields);
    if (fields > kGuessedFieldsMax) {
      return Status::InvalidArgument(
          "its beginning has more than " + std::to_string(kGuessedFieldsMax) +
          " different names, which would be as many columns: where names are data, make "
          "the table first, with a map for them (firn table create --columns 'tags "
          "map<string, string>'), and write them as one object inside of each line");
    }
  }
  if (all.kind == ShapeKind::kNull) {
    return Status::InvalidArgument(
        (first_fault.empty() ? "" : first_fault + "; ") +
        "no line of its beginning is an object that parses, such as {\"id\": 1}");
  }
  if (all.fields.empty()) {
    return Status::InvalidArgument(
        "no line of its beginning has a name in it, so that there would be no columns: "
        "make the table first (firn table create --columns 'id long')");
  }
  return arrow::schema(FieldsOf(all));
}

}  // namespace firn::table
