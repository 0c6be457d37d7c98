// SPDX-License-Identifier: Apache-2.0
#include "table/ndjson_schema.h"

#include <arrow/array/array_base.h>
#include <arrow/io/memory.h>
#include <arrow/json/api.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "table/arrow_status.h"
#include "table/ndjson_line.h"
#include "table/text_columns.h"

namespace firn::table {
namespace {

using SchemaPtr = std::shared_ptr<arrow::Schema>;
using Lines = std::vector<std::string_view>;  // With their ends.

// Those that Arrow may see.
Lines SafeLines(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::string_view whole = text.substr(0, line.size() + 1);
    if (FaultOfLine(line).empty()) lines.push_back(whole);
    text.remove_prefix(whole.size());
  }
  return lines;
}

class Guess {
 public:
  Guess(std::int32_t block_bytes, arrow::MemoryPool* pool)
      : block_bytes_(block_bytes), pool_(pool) {}

  // The columns of all of `lines`, or what is wrong with one.
  Result<SchemaPtr> OfAll(std::span<const std::string_view> lines) const {
    std::string text;
    for (const std::string_view line : lines) text += line;
    FIRN_ASSIGN_OR_RETURN(const auto guessed, Open(text, nullptr));
    arrow::FieldVector fields = guessed->schema()->fields();
    for (auto& field : fields) {
      // Whether it is one is looked at below, by the rules of a table's text.
      if (field->type()->id() == arrow::Type::TIMESTAMP) {
        field = field->WithType(arrow::utf8());
      }
    }
    FIRN_ASSIGN_OR_RETURN(const auto reader, Open(text, arrow::schema(fields)));
    std::shared_ptr<arrow::RecordBatch> batch;
    FIRN_RETURN_IF_ERROR(FromArrow(reader->ReadNext(&batch)));
    for (auto& field : fields) {
      auto type = AsTableType(field->type());
      if (batch != nullptr && field->type()->id() == arrow::Type::STRING) {
        type = TypeOfText(batch->GetColumnByName(field->name()), pool_);
      }
      field = field->WithType(std::move(type));
    }
    return arrow::schema(std::move(fields));
  }

  bool Parses(std::string_view line) const {
    const auto rows = ParseLines(line, arrow::json::ParseOptions::Defaults());
    return rows.ok() && (*rows)->num_rows() == 1;
  }

 private:
  Result<std::shared_ptr<arrow::json::StreamingReader>> Open(
      std::string_view text, const SchemaPtr& schema) const {
    auto read = arrow::json::ReadOptions::Defaults();
    read.use_threads = false;
    read.block_size = block_bytes_;
    auto parse = arrow::json::ParseOptions::Defaults();
    parse.explicit_schema = schema;
    return FromArrow(arrow::json::StreamingReader::Make(
        arrow::io::BufferReader::FromString(std::string(text)), read, parse));
  }

  const std::int32_t block_bytes_;
  arrow::MemoryPool* const pool_;
};

}  // namespace

Result<SchemaPtr> GuessNdjsonSchema(std::string_view text, std::int32_t block_bytes,
                                    arrow::MemoryPool* pool) {
  const Guess guess(block_bytes, pool);
  Lines lines = SafeLines(text);
  Result<SchemaPtr> schema = guess.OfAll(lines);
  if (schema.ok() || !schema.status().Is(StatusCode::kInvalidArgument)) return schema;
  std::erase_if(lines, [&](std::string_view line) { return !guess.Parses(line); });
  if (lines.empty()) {
    return Status::InvalidArgument(
        "no line of its beginning is an object that parses, such as {\"id\": 1}");
  }
  schema = guess.OfAll(lines);
  // The most lines from the first on that go together: [1, good] do, `bad` do not.
  std::size_t good = 0;
  std::size_t bad = lines.size();
  while (!schema.ok() && bad - good > 1) {
    const std::size_t middle = good + (bad - good) / 2;
    (guess.OfAll(std::span(lines).first(middle)).ok() ? good : bad) = middle;
  }
  return schema.ok() ? schema : guess.OfAll(std::span(lines).first(good));
}

}  // namespace firn::table
