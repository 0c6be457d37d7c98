// SPDX-License-Identifier: Apache-2.0
#include "table/csv_text.h"

#include <arrow/array/builder_binary.h>
#include <arrow/csv/options.h>
#include <arrow/csv/parser.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/utf8.h"
#include "table/arrow_status.h"

namespace firn::table {
namespace {

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
using ParserPtr = std::unique_ptr<arrow::csv::BlockParser>;

// Text that is parsed at once; a row is never longer.
constexpr std::int64_t kBlockBytes = 4 << 20;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kUtf16Marks[] = {"\xff\xfe", "\xfe\xff"};

std::string_view ViewOf(const std::uint8_t* data, std::uint32_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

Status HeadingIsNoUtf8(bool is_utf16) {
  return Status::InvalidArgument(
      std::string("its heading is no UTF-8") + (is_utf16 ? ", but UTF-16" : "") +
      ": convert the file to UTF-8 first, such as with iconv -f " +
      (is_utf16 ? "UTF-16" : "WINDOWS-1252") + " -t UTF-8");
}

}  // namespace

Status CsvText::ReadHeading() {
  FIRN_ASSIGN_OR_RETURN(const std::string_view mark,
                        FromArrow(input_->Peek(std::int64_t{kByteOrderMark.size()})));
  for (const std::string_view utf16 : kUtf16Marks) {
    if (mark.starts_with(utf16)) return HeadingIsNoUtf8(true);
  }
  if (mark == kByteOrderMark) {
    FIRN_RETURN_IF_ERROR(
        FromArrow(input_->Advance(static_cast<std::int64_t>(mark.size()))));
  }
  FIRN_ASSIGN_OR_RETURN(const ParserPtr parser, Parse(1));
  if (parser == nullptr) return Status::OK();
  FIRN_RETURN_IF_ERROR(FromArrow(
      parser->VisitLastRow([&](const std::uint8_t* data, std::uint32_t size, bool, bool) {
        names_.emplace_back(ViewOf(data, size));
        return arrow::Status::OK();
      })));
  for (const std::string& name : names_) {
    const bool is_utf16 = name.find('\0') != std::string::npos;
    if (is_utf16 || !base::IsValidUtf8(name)) return HeadingIsNoUtf8(is_utf16);
  }
  if (names_.size() == 1) lines_.CountBlankLines();
  return Status::OK();
}

Result<BatchPtr> CsvText::Next() {
  left_out_.clear();
  if (names_.empty()) return BatchPtr();
  FIRN_ASSIGN_OR_RETURN(const ParserPtr parser,
                        Parse(std::numeric_limits<std::int32_t>::max()));
  if (parser == nullptr) return BatchPtr();
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    arrow::StringBuilder text(pool_);
    FIRN_RETURN_IF_ERROR(FromArrow(text.Reserve(parser->num_rows())));
    FIRN_RETURN_IF_ERROR(FromArrow(parser->VisitColumn(
        static_cast<std::int32_t>(i),
        [&](const std::uint8_t* data, std::uint32_t size, bool is_quoted, bool) {
          return size == 0 && !is_quoted ? text.AppendNull()
                                         : text.Append(ViewOf(data, size));
        })));
    FIRN_ASSIGN_OR_RETURN(auto column, FromArrow(text.Finish()));
    columns.push_back(std::move(column));
    fields.push_back(arrow::field(names_[i], arrow::utf8()));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), parser->num_rows(),
                                  std::move(columns));
}

Result<ParserPtr> CsvText::Parse(std::int32_t rows_max) {
  auto options = arrow::csv::ParseOptions::Defaults();
  options.newlines_in_values = true;
  options.delimiter = delimiter_;
  options.ignore_empty_lines = names_.size() != 1;
  options.invalid_row_handler = [this](const arrow::csv::InvalidRow& row) {
    left_out_.push_back({row.number, row.actual_columns, row.text});
    return arrow::csv::InvalidRowResult::Skip;
  };
  const std::int32_t columns =
      names_.empty() ? -1 : static_cast<std::int32_t>(names_.size());
  const bool is_heading = names_.empty();
  for (;;) {
    if (is_heading) SkipBlankLines();
    const std::string_view rest = Rest();
    auto parser = std::make_unique<arrow::csv::BlockParser>(pool_, options, columns,
                                                            next_row_, rows_max);
    std::uint32_t parsed = 0;
    if (!rest.empty()) {
      const arrow::Status status = parser->Parse(rest, &parsed);
      // Part of a heading is an error of Arrow's, but part of a row is none.
      if (!is_heading || !status.IsInvalid()) FIRN_RETURN_IF_ERROR(FromArrow(status));
    }
    lines_.See(rest.substr(0, parsed));
    if (parsed == 0) {
      // No row of it is whole.
      if (!at_end_) {
        FIRN_RETURN_IF_ERROR(Fill());
        continue;
      }
      if (rest.empty()) return ParserPtr();
      lines_.See(rest);
      FIRN_RETURN_IF_ERROR(CheckQuotes());
      FIRN_RETURN_IF_ERROR(FromArrow(parser->ParseFinal(rest, &parsed)));
      parsed = static_cast<std::uint32_t>(rest.size());
    }
    used_ += parsed;
    after_return_ = rest[parsed - 1] == '\r';
    next_row_ += parser->total_num_rows();
    if (parser->total_num_rows() > 0) return parser;
  }
}

void CsvText::SkipBlankLines() {
  const std::string_view rest = Rest();
  const std::size_t blank = std::min(rest.find_first_not_of("\r\n"), rest.size());
  lines_.See(rest.substr(0, blank));
  used_ += blank;
}

Status CsvText::Fill() {
  block_.erase(0, used_);
  used_ = 0;
  const auto had = static_cast<std::int64_t>(block_.size());
  if (had == kBlockBytes) {
    const std::int64_t line = lines_.line();
    lines_.See(block_);
    const auto quote = lines_.OpenQuoteLine();
    return Status::InvalidArgument(
        "from line " + std::to_string(line) + " on a row is longer than 4 MiB" +
        (quote.has_value()
             ? "; the quote of line " + std::to_string(*quote) + " is not closed in it"
             : ""));
  }
  FIRN_ASSIGN_OR_RETURN(const auto more, FromArrow(input_->Read(kBlockBytes - had)));
  block_ += std::string_view(*more);
  at_end_ = static_cast<std::int64_t>(block_.size()) < kBlockBytes;
  if (had == 0 && after_return_ && block_.starts_with('\n')) {
    // The other half of the end of a line.
    lines_.See(Rest().substr(0, 1));
    used_ = 1;
    after_return_ = false;
  }
  return Status::OK();
}

Status CsvText::CheckQuotes() const {
  const auto quote = lines_.OpenQuoteLine();
  if (!quote.has_value()) return Status::OK();
  return Status::InvalidArgument("line " + std::to_string(*quote) +
                                 ": the quote that begins there is never closed");
}

}  // namespace firn::table
