// SPDX-License-Identifier: Apache-2.0
#include "cli/row_printer.h"

#include <arrow/array/array_base.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/parquet_printer.h"

#include "base/json.h"
#include "wire/arrow_json.h"

namespace firn::cli {
namespace {

// Code points, which is what a terminal shows for most scripts.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

bool IsNumber(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || arrow::is_floating(type.id()) ||
         arrow::is_decimal(type.id());
}

class TablePrinter final : public RowPrinter {
 public:
  explicit TablePrinter(std::ostream& out) : out_(out) {}

  Status Begin(const std::shared_ptr<arrow::Schema>& schema) override {
    for (const auto& field : schema->fields()) {
      heading_.push_back(field->name());
      to_the_right_.push_back(IsNumber(*field->type()));
      widths_.push_back(Width(field->name()));
    }
    return Status::OK();
  }

  Status Add(const arrow::RecordBatch& batch) override {
    for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
      std::vector<std::string> cells(static_cast<std::size_t>(batch.num_columns()));
      for (std::size_t i = 0; i < cells.size(); ++i) {
        wire::AppendCellText(cells[i], *batch.column(static_cast<int>(i)), row);
        // A line break would tear the table.
        std::replace(cells[i].begin(), cells[i].end(), '\n', ' ');
        widths_[i] = std::max(widths_[i], Width(cells[i]));
      }
      waiting_.push_back(std::move(cells));
      if (waiting_.size() == kWindowRows) Flush();
    }
    rows_ += batch.num_rows();
    return Status::OK();
  }

  Status End() override {
    Flush();
    out_ << "(" << rows_ << (rows_ == 1 ? " row)\n" : " rows)\n");
    return Status::OK();
  }

 private:
  static constexpr std::size_t kWindowRows = 1000;

  void Flush() {
    if (!heading_printed_) {
      heading_printed_ = true;
      PrintLine(heading_);
      std::string rule;
      for (std::size_t i = 0; i < widths_.size(); ++i) {
        rule += (i > 0 ? "  " : "") + std::string(widths_[i], '-');
      }
      out_ << rule << "\n";
    }
    for (const auto& cells : waiting_) PrintLine(cells);
    waiting_.clear();
  }

  void PrintLine(const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t width = Width(cells[i]);
      const std::string fill(widths_[i] > width ? widths_[i] - width : 0, ' ');
      if (i > 0) line += "  ";
      line += to_the_right_[i] ? fill + cells[i] : cells[i] + fill;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out_ << line << "\n";
  }

  std::ostream& out_;
  std::vector<std::string> heading_;
  std::vector<bool> to_the_right_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> waiting_;
  bool heading_printed_ = false;
};

class CsvPrinter final : public RowPrinter {
 public:
  explicit CsvPrinter(std::ostream& out) : out_(out) {}

  Status Begin(const std::shared_ptr<arrow::Schema>& schema) override {
    std::string line;
    for (const auto& field : schema->fields()) {
      if (!line.empty()) line += ',';
      AppendCell(line, field->name());
    }
    out_ << line << "\r\n";
    return Status::OK();
  }
  Status Add(const arrow::RecordBatch& batch) override {
    std::string line;
    std::string cell;
    for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
      line.clear();
      for (int i = 0; i < batch.num_columns(); ++i) {
        if (i > 0) line += ',';
        if (batch.column(i)->IsNull(row)) continue;
        cell.clear();
        wire::AppendCellText(cell, *batch.column(i), row);
        AppendCell(line, cell);
      }
      out_ << line << "\r\n";
    }
    rows_ += batch.num_rows();
    return Status::OK();
  }
  Status End() override { return Status::OK(); }

 private:
  static void AppendCell(std::string& line, std::string_view text) {
    if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
      line += text;
      return;
    }
    line += '"';
    for (const char c : text) {
      if (c == '"') line += '"';
      line += c;
    }
    line += '"';
  }
  std::ostream& out_;
};

class JsonPrinter final : public RowPrinter {
 public:
  explicit JsonPrinter(std::ostream& out) : out_(out) {}

  Status Begin(const std::shared_ptr<arrow::Schema>& schema) override {
    std::string text = R"({"columns":)";
    wire::AppendColumnsJson(text, *schema);
    out_ << text << R"(,"rows":[)";
    return Status::OK();
  }
  Status Add(const arrow::RecordBatch& batch) override {
    std::string text;
    for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
      text.clear();
      if (rows_++ > 0) text += ',';
      wire::AppendRowJson(text, batch, row);
      out_ << text;
    }
    return Status::OK();
  }
  Status End() override {
    out_ << "]}\n";
    return Status::OK();
  }

 private:
  std::ostream& out_;
};

class NdjsonPrinter final : public RowPrinter {
 public:
  explicit NdjsonPrinter(std::ostream& out) : out_(out) {}

  Status Begin(const std::shared_ptr<arrow::Schema>& schema) override {
    for (const auto& field : schema->fields()) {
      keys_.push_back(base::JsonString(field->name()) + ":");
    }
    return Status::OK();
  }
  Status Add(const arrow::RecordBatch& batch) override {
    std::string line;
    for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
      line = "{";
      for (int i = 0; i < batch.num_columns(); ++i) {
        if (i > 0) line += ',';
        line += keys_[static_cast<std::size_t>(i)];
        wire::AppendCellJson(line, *batch.column(i), row);
      }
      out_ << line << "}\n";
    }
    rows_ += batch.num_rows();
    return Status::OK();
  }
  Status End() override { return Status::OK(); }

 private:
  std::ostream& out_;
  std::vector<std::string> keys_;
};

// Lets Arrow's IPC writer write to a std::ostream.
class OstreamStream final : public arrow::io::OutputStream {
 public:
  explicit OstreamStream(std::ostream& out) : out_(out) {}
  arrow::Status Write(const void* data, std::int64_t size) override {
    out_.write(static_cast<const char*>(data), size);
    written_ += size;
    return out_ ? arrow::Status::OK() : arrow::Status::IOError("cannot write");
  }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  arrow::Result<std::int64_t> Tell() const override { return written_; }
  bool closed() const override { return closed_; }

 private:
  std::ostream& out_;
  std::int64_t written_ = 0;
  bool closed_ = false;
};

class ArrowPrinter final : public RowPrinter {
 public:
  explicit ArrowPrinter(std::ostream& out) : stream_(out) {}

  Status Begin(const std::shared_ptr<arrow::Schema>& schema) override {
    auto writer = arrow::ipc::MakeStreamWriter(&stream_, schema);
    if (!writer.ok()) return FromArrow(writer.status());
    writer_ = *writer;
    return Status::OK();
  }
  Status Add(const arrow::RecordBatch& batch) override {
    rows_ += batch.num_rows();
    return FromArrow(writer_->WriteRecordBatch(batch));
  }
  Status End() override { return FromArrow(writer_->Close()); }

 private:
  static Status FromArrow(const arrow::Status& status) {
    return status.ok() ? Status::OK() : Status::Unavailable(status.message());
  }
  OstreamStream stream_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

}  // namespace

Result<std::unique_ptr<RowPrinter>> RowPrinter::Make(std::string_view format,
                                                     std::ostream& out,
                                                     const ParquetOptions& parquet) {
  std::unique_ptr<RowPrinter> printer;
  if (format == "table") printer = std::make_unique<TablePrinter>(out);
  if (format == "csv") printer = std::make_unique<CsvPrinter>(out);
  if (format == "json") printer = std::make_unique<JsonPrinter>(out);
  if (format == "ndjson") printer = std::make_unique<NdjsonPrinter>(out);
  if (format == "arrow") printer = std::make_unique<ArrowPrinter>(out);
  if (format == "parquet") printer = MakeParquetPrinter(out, parquet);
  if (printer != nullptr) return printer;
  return Status::InvalidArgument("format " + std::string(format) +
                                 " is none of table, csv, json, ndjson, arrow, parquet");
}

}  // namespace firn::cli
