// SPDX-License-Identifier: Apache-2.0
// Any bytes as CSV, TSV and NDJSON, as the columns of a table and as a new one's. Each
// row is given out or rejected, once and under its number, and a line of NDJSON whatever
// stands before and after it. What is read without an error is read alike where rows may
// be rejected, and none is. The first byte says which text the others are.
#include <arrow/array/array_base.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/compare.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/context.h"
#include "table/row_file.h"

namespace {

using firn::Status;
using firn::StatusCode;
using firn::table::RejectedRow;
using firn::table::RowFormat;
using SchemaPtr = std::shared_ptr<arrow::Schema>;

struct Kind {
  RowFormat format;
  bool is_wanted;
};
constexpr Kind kKinds[] = {{RowFormat::kCsv, true},    {RowFormat::kTsv, true},
                           {RowFormat::kNdjson, true}, {RowFormat::kCsv, false},
                           {RowFormat::kTsv, false},   {RowFormat::kNdjson, false}};
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
// Each is read once more by itself.
constexpr std::size_t kLinesAloneMax = 8;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

const SchemaPtr& Wanted() {
  static const SchemaPtr columns = arrow::schema(
      {arrow::field("i", arrow::int64()), arrow::field("x", arrow::float64()),
       arrow::field("s", arrow::utf8(), /*nullable=*/false),
       arrow::field("at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
       arrow::field("local", arrow::timestamp(arrow::TimeUnit::MICRO)),
       arrow::field("d", arrow::date32()),
       arrow::field("t", arrow::time64(arrow::TimeUnit::MICRO)),
       arrow::field("m", arrow::decimal128(9, 2)), arrow::field("y", arrow::binary()),
       arrow::field("u", arrow::fixed_size_binary(2)),
       arrow::field("b", arrow::boolean()), arrow::field("f", arrow::float32()),
       arrow::field("o", arrow::struct_({arrow::field("i", arrow::int32(), false),
                                         arrow::field("m", arrow::decimal128(38, 10)),
                                         arrow::field("d", arrow::date32()),
                                         arrow::field("l", arrow::list(arrow::utf8()))})),
       arrow::field("l", arrow::list(arrow::float32())),
       arrow::field("k", arrow::map(arrow::utf8(), arrow::int64())),
       arrow::field("n", arrow::map(arrow::date32(), arrow::list(arrow::boolean())))});
  return columns;
}

// The data with text as bytes: which text is no UTF-8 is for the table to say.
std::shared_ptr<arrow::ArrayData> WithoutText(const arrow::ArrayData& data) {
  auto copy = data.Copy();
  if (copy->type->id() == arrow::Type::STRING) copy->type = arrow::binary();
  arrow::FieldVector fields = copy->type->fields();
  for (std::size_t i = 0; i < copy->child_data.size(); ++i) {
    copy->child_data[i] = WithoutText(*copy->child_data[i]);
    fields[i] = fields[i]->WithType(copy->child_data[i]->type);
  }
  if (copy->type->id() == arrow::Type::STRUCT) copy->type = arrow::struct_(fields);
  if (copy->type->id() == arrow::Type::LIST) copy->type = arrow::list(fields.front());
  if (copy->type->id() == arrow::Type::MAP) {
    copy->type = std::make_shared<arrow::MapType>(fields.front());
  }
  return copy;
}

struct Rows {
  Status status;  // Of opening and reading.
  bool is_open = false;
  SchemaPtr schema;
  std::shared_ptr<arrow::Table> values;
  std::vector<std::int64_t> numbers;
  std::vector<RejectedRow> rejected;
};

Rows Read(std::string_view text, RowFormat format, const SchemaPtr& wanted,
          bool is_lenient) {
  Rows rows;
  const firn::base::Context context;
  auto bytes = std::make_shared<firn::table::RowBytes>(
      context,
      [rest = text](std::int64_t size, char* out) mutable -> firn::Result<std::int64_t> {
        const std::size_t count = std::min(static_cast<std::size_t>(size), rest.size());
        if (count > 0) std::memcpy(out, rest.data(), count);
        rest.remove_prefix(count);
        return static_cast<std::int64_t>(count);
      });
  firn::table::RowFileOptions options{format, wanted, arrow::system_memory_pool()};
  if (is_lenient) {
    options.on_rejected = [&rows](const RejectedRow& row) {
      Require(!row.reason.empty(), "a rejected row has a reason");
      rows.rejected.push_back(row);
      return Status::OK();
    };
  }
  const auto stream = firn::table::OpenRowFile(context, std::move(bytes), "x", options);
  rows.status = stream.status();
  rows.is_open = stream.ok();
  arrow::RecordBatchVector batches;
  while (rows.status.ok()) {
    const auto next = (*stream)->Next();
    rows.status = next.status();
    if (!next.ok() || *next == nullptr) break;
    const arrow::RecordBatch& batch = **next;
    Require(batch.schema()->Equals(*(*stream)->schema()),
            "a batch is as its stream says");
    for (const auto& column : batch.columns()) {
      Require(column->length() == batch.num_rows(), "columns are of one length");
      const auto valid = arrow::MakeArray(WithoutText(*column->data()))->ValidateFull();
      Require(valid.ok(), valid.ToString().c_str());
    }
    for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
      rows.numbers.push_back((*stream)->RowNumber(row));
    }
    batches.push_back(*next);
  }
  Require(!rows.status.Is(StatusCode::kInternal), rows.status.ToString().c_str());
  if (rows.is_open) {
    rows.schema = (*stream)->schema();
    rows.values = arrow::Table::FromRecordBatches((*stream)->schema(), std::move(batches))
                      .ValueOrDie();
  }
  std::int64_t last = 0;
  for (const std::int64_t number : rows.numbers) {
    Require(number > last, "the numbers of rows ascend from 1");
    last = number;
  }
  return rows;
}

// By the columns of `wanted`: others are text where rows may be rejected, and guessed
// where not. Null: by all. Columns of one name are nobody's.
bool AreSame(const arrow::Table& a, const arrow::Table& b, const SchemaPtr& wanted) {
  if (a.schema()->field_names() != b.schema()->field_names()) return false;
  if (a.num_rows() != b.num_rows()) return false;
  const auto options = arrow::EqualOptions::Defaults().nans_equal(true);
  for (int i = 0; i < a.num_columns(); ++i) {
    const std::string& name = a.schema()->field(i)->name();
    if (a.schema()->GetAllFieldIndices(name).size() > 1) continue;
    if (wanted != nullptr && wanted->GetFieldByName(name) == nullptr) continue;
    if (!a.schema()->field(i)->Equals(*b.schema()->field(i))) return false;
    if (!a.column(i)->Equals(*b.column(i), options)) return false;
  }
  return true;
}

// The lines that are not blank, by number.
std::map<std::int64_t, std::string_view> LinesOf(std::string_view text) {
  std::map<std::int64_t, std::string_view> lines;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) lines[number] = line;
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return lines;
}

void CheckLines(std::string_view text, const Rows& rows) {
  Require(rows.status.ok(), "a line that is bad does not end the file");
  const auto lines = LinesOf(text);
  Require(lines.size() == rows.numbers.size() + rows.rejected.size(),
          "each line is a row or rejected");
  for (const std::int64_t number : rows.numbers) {
    Require(lines.contains(number), "a row has the number of a line");
  }
  for (const RejectedRow& row : rows.rejected) {
    const auto line = lines.find(row.row);
    Require(line != lines.end() && line->second == row.record,
            "a rejected row has its line");
  }
  if (lines.size() > kLinesAloneMax) return;
  std::int64_t row = 0;
  for (const auto& [number, line] : lines) {
    // A file that begins as an array is another error, and a mark is one there alone.
    if (line.starts_with('[') || line.starts_with(kByteOrderMark)) continue;
    const Rows alone = Read(line, RowFormat::kNdjson, rows.schema, true);
    Require(alone.status.ok(), "a line by itself is a file");
    const bool is_row =
        std::binary_search(rows.numbers.begin(), rows.numbers.end(), number);
    Require(is_row == (alone.numbers.size() == 1), "a line is a row by itself as well");
    if (!is_row) continue;
    Require(AreSame(*rows.values->Slice(row, 1), *alone.values, nullptr),
            "a line has the same values by itself");
    ++row;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto [format, is_wanted] = kKinds[data[0] % std::size(kKinds)];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const SchemaPtr wanted = is_wanted ? Wanted() : nullptr;
  const Rows lenient = Read(text, format, wanted, true);
  std::vector<std::int64_t> numbers = lenient.numbers;
  for (const RejectedRow& row : lenient.rejected) numbers.push_back(row.row);
  std::sort(numbers.begin(), numbers.end());
  Require(std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end(),
          "a row is given out or rejected once");
  if (lenient.is_open && format == RowFormat::kNdjson) CheckLines(text, lenient);
  const auto lines_max = std::count_if(text.begin(), text.end(),
                                       [](char c) { return c == '\n' || c == '\r'; }) +
                         1;
  Require(numbers.empty() || (numbers.front() >= 1 && numbers.back() <= lines_max),
          "a row is on a line of its file");
  const Rows strict = Read(text, format, wanted, false);
  Require(strict.rejected.empty(), "nobody is told who did not ask");
  if (!strict.status.ok()) return 0;
  Require(lenient.status.ok() && lenient.rejected.empty(),
          "what is read without an error has no row to reject");
  Require(AreSame(*strict.values, *lenient.values, wanted) &&
              strict.numbers == lenient.numbers,
          "its rows are the same");
  return 0;
}
