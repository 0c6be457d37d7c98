// SPDX-License-Identifier: Apache-2.0
#include "table/ndjson_line.h"

#include <arrow/buffer.h>
#include <arrow/json/api.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "table/decimal_text.h"

namespace firn::table {
namespace {

constexpr int kNestingMax = 64;
constexpr std::string_view kBlanks = " \t\r";

void AddDecimals(const arrow::Field& field, const std::string& name, FieldNames* names) {
  const arrow::DataType& type = *field.type();
  if (arrow::is_decimal(type.id())) names->insert(name);
  for (const auto& inner : type.fields()) {
    // What is in a list stands under the list's name.
    const bool is_list = type.id() == arrow::Type::LIST;
    AddDecimals(*inner, is_list ? name : inner->name(), names);
  }
}

// The text that begins at line[begin], without its quotes. Absent where it does not end.
std::optional<std::string_view> TextAt(std::string_view line, std::size_t begin) {
  for (std::size_t i = begin + 1; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      return line.substr(begin + 1, i - begin - 1);
    }
  }
  return std::nullopt;
}

// The number or word that begins at line[begin].
std::string_view WordAt(std::string_view line, std::size_t begin) {
  line.remove_prefix(begin);
  return line.substr(0, line.find_first_of(" \t\r,:{}[]\""));
}

}  // namespace

FieldNames DecimalFields(const arrow::Schema& schema) {
  FieldNames names;
  for (const auto& field : schema.fields()) AddDecimals(*field, field->name(), &names);
  return names;
}

std::string FaultOfLine(std::string_view line, const FieldNames& decimals) {
  std::size_t i = line.find_first_not_of(kBlanks);
  if (i == std::string_view::npos) return "";
  if (line[i] != '{') return "it is no object, such as {\"id\": 1}";
  int depth = 0;
  bool is_decimal = false;  // Of the name that was last.
  while (i < line.size()) {
    const char c = line[i];
    if (c == '{' || c == '[') {
      if (++depth > kNestingMax) {
        return "it is nested deeper than " + std::to_string(kNestingMax) + " levels";
      }
      ++i;
    } else if (c == '}' || c == ']') {
      ++i;
      if (--depth > 0) continue;
      if (line.find_first_not_of(kBlanks, i) == std::string_view::npos) return "";
      return "there is more on it than one object";
    } else if (c == '"') {
      const auto text = TextAt(line, i);
      if (!text.has_value()) break;
      i += text->size() + 2;
      const bool is_escaped = text->find('\\') != std::string_view::npos;
      const std::size_t next = line.find_first_not_of(kBlanks, i);
      if (next != std::string_view::npos && line[next] == ':') {
        // What a name with escapes stands for is not looked at.
        is_decimal = !decimals.empty() && (is_escaped || decimals.contains(*text));
      } else if (is_decimal && (is_escaped || IsTooFine(*text))) {
        return "\"" + std::string(*text) + "\" is no decimal";
      }
    } else {
      const std::string_view word = WordAt(line, i);
      if (is_decimal && IsTooFine(word)) return std::string(word) + " is no decimal";
      i += std::max(word.size(), std::size_t{1});
    }
  }
  return "its object does not end";
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ParseLines(
    std::string_view lines, const arrow::json::ParseOptions& options) {
  return arrow::json::ParseOne(
      options,
      std::make_shared<arrow::Buffer>(reinterpret_cast<const std::uint8_t*>(lines.data()),
                                      static_cast<std::int64_t>(lines.size())));
}

}  // namespace firn::table
