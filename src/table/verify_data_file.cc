// SPDX-License-Identifier: Apache-2.0
#include "table/verify_data_file.h"

#include <memory>
#include <optional>
#include <utility>

#include "base/quote.h"
#include "iceberg/single_value.h"
#include "parquet/reader.h"
#include "parquet/verify.h"

namespace firn::table {
namespace {

using iceberg::DataFile;
using iceberg::FieldId;
using iceberg::OptionalValue;
using iceberg::PrimitiveType;
using iceberg::TransformKind;
using iceberg::Value;

// Text between quotes: what a damaged file says of it may be no UTF-8.
std::string ShownValue(const Value& value, const PrimitiveType& type) {
  std::string text = iceberg::ValueToString(value, type);
  return type.kind == iceberg::PrimitiveKind::kString ? base::Quoted(text) : text;
}

// What the footer says is the least or the greatest value, as one of the table's type.
OptionalValue BoundOf(const std::optional<expr::Literal>& literal,
                      const PrimitiveType& type) {
  if (!literal.has_value()) return std::nullopt;
  auto value = iceberg::ValueFromLiteral(*literal, type);
  return value.ok() ? OptionalValue(*std::move(value)) : std::nullopt;
}

const PrimitiveType* PrimitiveTypeOf(const iceberg::Schema& schema, FieldId id) {
  const iceberg::Type* type = schema.FindType(id);
  return type == nullptr ? nullptr : type->primitive();
}

// Whether values between two that have the same result have it too.
bool KeepsOrder(TransformKind kind) {
  switch (kind) {
    case TransformKind::kIdentity:
    case TransformKind::kTruncate:
    case TransformKind::kYear:
    case TransformKind::kMonth:
    case TransformKind::kDay:
    case TransformKind::kHour:
      return true;
    case TransformKind::kBucket:
    case TransformKind::kVoid:
    case TransformKind::kUnknown:
      return false;
  }
  return false;
}

// The numbers that a manifest may leave out are held to the footer's where it has them.
class MetricsComparison {
 public:
  MetricsComparison(const DataFile& file, std::string column, TableFaults& faults)
      : file_(file), column_(std::move(column)), faults_(faults) {}

  void Count(const std::map<FieldId, std::int64_t>& counts, FieldId id,
             std::int64_t actual, std::string_view what) {
    const auto claimed = counts.find(id);
    if (claimed == counts.end() || actual < 0 || claimed->second == actual) return;
    Add(std::to_string(claimed->second) + " " + std::string(what),
        std::to_string(actual));
  }

  // Of a column in a struct Iceberg's Java library counts a float only where the struct
  // is there: fewer values, by so many NULLs.
  void Counts(FieldId id, const parquet::ColumnReport& column) {
    const auto values = file_.value_counts.find(id);
    const auto nulls = file_.null_value_counts.find(id);
    if (column.path.find('.') != std::string::npos &&
        values != file_.value_counts.end() && nulls != file_.null_value_counts.end() &&
        nulls->second >= 0 && nulls->second <= column.null_count &&
        values->second - nulls->second == column.value_count - column.null_count) {
      return;
    }
    Count(file_.value_counts, id, column.value_count, "values");
    Count(file_.null_value_counts, id, column.null_count, "NULL values");
  }

  // `sign` is 1 where the bound may not be above `actual`, -1 where not below. A footer
  // has -0.0 and 0.0 for a least and a greatest zero of either sign, so they are equal.
  void Bound(const std::map<FieldId, std::string>& bounds, FieldId id,
             const PrimitiveType& type, const OptionalValue& actual, int sign) {
    const auto claimed = bounds.find(id);
    if (claimed == bounds.end()) return;
    const std::string what = sign > 0 ? "lower bound " : "upper bound ";
    const Result<Value> bound = iceberg::ParseValue(claimed->second, type);
    if (!bound.ok()) {
      Add(what + "that is no value: " + std::string(bound.status().message()), "");
    } else if (actual.has_value() && *bound != *actual &&
               sign * iceberg::CompareValues(*bound, *actual) > 0) {
      Add(what + ShownValue(*bound, type),
          (sign > 0 ? "at most " : "at least ") + ShownValue(*actual, type));
    }
  }

 private:
  void Add(std::string found, std::string expected) {
    faults_.Add({TableFaultKind::kMetrics, file_.file_path, column_, std::move(found),
                 std::move(expected)});
  }

  const DataFile& file_;
  const std::string column_;
  TableFaults& faults_;
};

// What of a column with these values lies outside the partition `value`; empty: nothing,
// as far as can be told.
std::string OutsideOf(const iceberg::Transform& transform, const PrimitiveType& source,
                      const OptionalValue& value, const parquet::ColumnReport& column) {
  const std::int64_t nulls = column.null_count;
  if (!value.has_value()) {
    if (nulls >= 0 && nulls < column.value_count) {
      return std::to_string(column.value_count - nulls) + " values that are not NULL";
    }
    return {};
  }
  if (nulls > 0) return std::to_string(nulls) + " NULL values";
  const OptionalValue lower = BoundOf(column.lower, source);
  const OptionalValue upper = BoundOf(column.upper, source);
  if (!lower.has_value() || !upper.has_value()) return {};
  if (!KeepsOrder(transform.kind) && *lower != *upper) return {};
  for (const OptionalValue* bound : {&lower, &upper}) {
    const OptionalValue result = iceberg::ApplyTransform(transform, source, *bound);
    // Equal, so that -0.0 and 0.0 are in one partition.
    if (result.has_value() && *result == *value) continue;
    return "the value " + ShownValue(**bound, source);
  }
  return {};
}

}  // namespace

Status DataFileVerifier::Verify(const iceberg::ManifestHeader& header,
                                const DataFile& file) {
  FIRN_ASSIGN_OR_RETURN(const bool is_there, VerifyObject(file));
  if (!is_there || file.file_format != iceberg::FileFormat::kParquet) {
    return Status::OK();
  }
  FIRN_RETURN_IF_ERROR(VerifyFooter(header, file));
  return options_.content ? VerifyContent(file) : Status::OK();
}

Result<bool> DataFileVerifier::VerifyObject(const DataFile& file) {
  auto object = environment_.store.OpenReader(context_, file.file_path);
  if (!object.ok()) {
    FIRN_RETURN_IF_ERROR(
        faults_.Take(object.status(), TableFaultKind::kMissingFile, file.file_path));
    return false;
  }
  const auto size_bytes = static_cast<std::int64_t>((*object)->size_bytes());
  if (size_bytes == file.file_size_bytes) return true;
  faults_.Add({TableFaultKind::kFile, file.file_path, "",
               std::to_string(size_bytes) + " bytes",
               std::to_string(file.file_size_bytes) + ", by its manifest"});
  return false;
}

Status DataFileVerifier::VerifyFooter(const iceberg::ManifestHeader& header,
                                      const DataFile& file) {
  // What is in the store counts, so the cache of footers is not asked.
  parquet::ReaderOptions options;
  options.pool = environment_.pool;
  const auto reader = parquet::FileReader::Open(
      context_, environment_.store, file.file_path,
      static_cast<std::uint64_t>(file.file_size_bytes), options);
  if (!reader.ok()) {
    return faults_.Take(reader.status(), TableFaultKind::kFile, file.file_path);
  }
  check_.bytes_read += (*reader)->opening().bytes_read;
  const auto report = (*reader)->Report();
  if (!report.ok()) {
    return faults_.Take(report.status(), TableFaultKind::kFile, file.file_path);
  }
  if (report->row_count != file.record_count) {
    faults_.Add({TableFaultKind::kRowCount, file.file_path, "",
                 std::to_string(report->row_count) + " rows",
                 std::to_string(file.record_count) + ", by its manifest"});
  }
  Columns columns;
  for (const parquet::ColumnReport& column : report->columns) {
    if (column.field_id >= 0) columns[FieldId(column.field_id)] = &column;
  }
  VerifyMetrics(header.schema, file, columns);
  if (file.content == iceberg::FileContent::kData) {
    VerifyPartition(header, file, columns);
  }
  return Status::OK();
}

void DataFileVerifier::VerifyMetrics(const iceberg::Schema& schema, const DataFile& file,
                                     const Columns& columns) {
  for (const auto& [id, column] : columns) {
    const PrimitiveType* type = PrimitiveTypeOf(schema, id);
    if (type == nullptr) continue;
    MetricsComparison compare(file, schema.FindName(id), faults_);
    compare.Counts(id, *column);
    compare.Bound(file.lower_bounds, id, *type, BoundOf(column->lower, *type), 1);
    compare.Bound(file.upper_bounds, id, *type, BoundOf(column->upper, *type), -1);
  }
}

void DataFileVerifier::VerifyPartition(const iceberg::ManifestHeader& header,
                                       const DataFile& file, const Columns& columns) {
  for (std::size_t i = 0; i < header.spec.fields.size(); ++i) {
    const iceberg::PartitionField& field = header.spec.fields[i];
    const PrimitiveType* source = PrimitiveTypeOf(header.schema, field.source_id);
    const auto column = columns.find(field.source_id);
    if (source == nullptr || column == columns.end() ||
        field.transform.kind == TransformKind::kVoid ||
        !iceberg::ResultType(field.transform, *source).ok()) {
      continue;
    }
    const OptionalValue& value = file.partition[i];
    const std::string outside =
        OutsideOf(field.transform, *source, value, *column->second);
    if (outside.empty()) continue;
    faults_.Add({TableFaultKind::kPartition, file.file_path, field.name, outside,
                 "what belongs to " + field.name + "=" +
                     iceberg::TransformedToString(field.transform, *source, value)});
  }
}

Status DataFileVerifier::VerifyContent(const DataFile& file) {
  FIRN_ASSIGN_OR_RETURN(
      std::shared_ptr<io::ObjectReader> object,
      environment_.store.OpenReader(context_, file.file_path,
                                    parquet::FileReader::WithEnd(std::nullopt)));
  parquet::VerifyOptions options;
  options.reader.pool = environment_.pool;
  options.faults_max = options_.faults_max;
  FIRN_ASSIGN_OR_RETURN(FileCheck found, parquet::Verify(context_, std::move(object),
                                                         file.file_path, options));
  check_.bytes_read += found.bytes_read;
  for (FileFault& fault : found.faults) {
    const std::string location = std::exchange(fault.file, "");
    std::string text = ToString(fault);
    if (text.starts_with(": ")) text.erase(0, 2);
    faults_.Add({TableFaultKind::kContent, location, "", std::move(text), ""});
  }
  return Status::OK();
}

}  // namespace firn::table
