// SPDX-License-Identifier: Apache-2.0
#include "table/row_key.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "table/arrow_status.h"

namespace firn::table {
namespace {

using iceberg::PrimitiveKind;
using KeyColumns = std::vector<std::shared_ptr<arrow::Array>>;

constexpr char kNullFirst = '\x00';
constexpr char kPresent = '\x01';
constexpr char kNullLast = '\x02';

template <typename Unsigned>
void AppendBigEndian(Unsigned value, std::string* key) {
  static_assert(std::endian::native == std::endian::little);
  char bytes[sizeof value];
  if constexpr (sizeof value == sizeof(std::uint64_t)) {
    value = __builtin_bswap64(value);
  } else {
    static_assert(sizeof value == sizeof(std::uint32_t));
    value = __builtin_bswap32(value);
  }
  std::memcpy(bytes, &value, sizeof bytes);
  key->append(bytes, sizeof bytes);
}

template <typename Unsigned, typename Signed>
void AppendInteger(Signed value, std::string* key) {
  constexpr Unsigned kSign = Unsigned{1} << (sizeof(Unsigned) * 8 - 1);
  AppendBigEndian<Unsigned>(static_cast<Unsigned>(value) ^ kSign, key);
}

template <typename Unsigned, typename Float>
void AppendFloat(Float value, bool one_nan, std::string* key) {
  constexpr Unsigned kSign = Unsigned{1} << (sizeof(Unsigned) * 8 - 1);
  if (std::isnan(value)) {
    const bool negative = std::signbit(value) && !one_nan;
    value = std::copysign(std::numeric_limits<Float>::quiet_NaN(),
                          negative ? Float{-1} : Float{1});
  }
  const auto bits = std::bit_cast<Unsigned>(value);
  AppendBigEndian<Unsigned>((bits & kSign) != 0 ? ~bits : bits ^ kSign, key);
}

void AppendText(std::string_view text, std::string* key) {
  for (std::size_t zero = text.find('\0'); zero != text.npos; zero = text.find('\0')) {
    key->append(text.substr(0, zero + 1)).push_back('\xff');
    text.remove_prefix(zero + 1);
  }
  key->append(text).append(2, '\0');
}

void AppendValue(const iceberg::PrimitiveType& type, bool one_nan,
                 const arrow::Array& column, std::int64_t row, std::string* key) {
  switch (type.kind) {
    case PrimitiveKind::kBoolean:
      key->push_back(static_cast<const arrow::BooleanArray&>(column).Value(row) ? 1 : 0);
      return;
    case PrimitiveKind::kInt:
    case PrimitiveKind::kDate:
      AppendInteger<std::uint32_t>(column.data()->GetValues<std::int32_t>(1)[row], key);
      return;
    case PrimitiveKind::kFloat:
      AppendFloat<std::uint32_t>(column.data()->GetValues<float>(1)[row], one_nan, key);
      return;
    case PrimitiveKind::kDouble:
      AppendFloat<std::uint64_t>(column.data()->GetValues<double>(1)[row], one_nan, key);
      return;
    case PrimitiveKind::kDecimal: {
      const auto value = ValueAt(column, row, type);
      const auto unscaled = std::get<iceberg::Decimal>(*value).unscaled;
      AppendInteger<std::uint64_t>(static_cast<std::int64_t>(unscaled >> 64), key);
      AppendBigEndian(static_cast<std::uint64_t>(unscaled), key);
      return;
    }
    case PrimitiveKind::kString:
    case PrimitiveKind::kBinary:
      AppendText(static_cast<const arrow::BinaryArray&>(column).GetView(row), key);
      return;
    case PrimitiveKind::kUuid:
    case PrimitiveKind::kFixed:
      key->append(static_cast<const arrow::FixedSizeBinaryArray&>(column).GetView(row));
      return;
    case PrimitiveKind::kLong:
    case PrimitiveKind::kTime:
    case PrimitiveKind::kTimestamp:
    case PrimitiveKind::kTimestamptz:
    case PrimitiveKind::kTimestampNs:
    case PrimitiveKind::kTimestamptzNs:
      AppendInteger<std::uint64_t>(column.data()->GetValues<std::int64_t>(1)[row], key);
      return;
    case PrimitiveKind::kUnknown:
    case PrimitiveKind::kVariant:
      break;
  }
  FIRN_ASSERT(!"no transform takes a type without values");
}

Result<KeyField> MakeField(const iceberg::Transform& transform, iceberg::FieldId source,
                           const iceberg::Schema& schema) {
  KeyField field;
  field.transform = transform;
  if (transform.kind == iceberg::TransformKind::kVoid) return field;
  FIRN_ASSIGN_OR_RETURN(field.source, FindSource(schema, source));
  FIRN_ASSIGN_OR_RETURN(field.result, iceberg::ResultType(transform, field.source->type));
  return field;
}

}  // namespace

Result<std::vector<KeyField>> PartitionKeyFields(const iceberg::PartitionSpec& spec,
                                                 const iceberg::Schema& schema) {
  std::vector<KeyField> fields;
  for (const iceberg::PartitionField& partition : spec.fields) {
    auto field = MakeField(partition.transform, partition.source_id, schema);
    if (!field.ok()) return field.status().With("partition field " + partition.name);
    field->one_nan = true;
    fields.push_back(std::move(field).value());
  }
  return fields;
}

Result<std::vector<KeyField>> SortKeyFields(const iceberg::SortOrder& order,
                                            const iceberg::Schema& schema) {
  std::vector<KeyField> fields;
  for (const iceberg::SortField& sort : order.fields) {
    auto field = MakeField(sort.transform, sort.source_id, schema);
    if (!field.ok()) {
      return field.status().With("sort field " + std::to_string(fields.size() + 1));
    }
    field->descending = sort.direction == iceberg::SortDirection::kDescending;
    field->nulls_last = sort.null_order == iceberg::NullOrder::kNullsLast;
    fields.push_back(std::move(field).value());
  }
  return fields;
}

Result<KeyColumns> RowKeyEncoder::Columns(const arrow::RecordBatch& batch,
                                          arrow::MemoryPool* pool) const {
  KeyColumns columns;
  for (const KeyField& field : fields_) {
    if (!field.source.has_value()) {
      FIRN_ASSIGN_OR_RETURN(auto nulls, FromArrow(arrow::MakeArrayOfNull(
                                            arrow::boolean(), batch.num_rows(), pool)));
      columns.push_back(std::move(nulls));
      continue;
    }
    FIRN_ASSIGN_OR_RETURN(const auto source, ReadSource(*field.source, batch, pool));
    FIRN_ASSIGN_OR_RETURN(
        auto column, TransformColumn(field.transform, field.source->type, source, pool));
    columns.push_back(std::move(column));
  }
  return columns;
}

void RowKeyEncoder::AppendCell(const KeyField& field, const arrow::Array& column,
                               std::int64_t row, std::string* key) const {
  if (column.IsNull(row)) {
    key->push_back(field.nulls_last ? kNullLast : kNullFirst);
    return;
  }
  key->push_back(kPresent);
  const std::size_t begin = key->size();
  AppendValue(field.result, field.one_nan, column, row, key);
  if (!field.descending) return;
  for (std::size_t i = begin; i < key->size(); ++i) {
    (*key)[i] = static_cast<char>(~(*key)[i]);
  }
}

void RowKeyEncoder::AppendKey(const KeyColumns& columns, std::int64_t row,
                              std::string* key) const {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    AppendCell(fields_[i], *columns[i], row, key);
  }
}

Result<std::shared_ptr<arrow::BinaryArray>> RowKeyEncoder::Encode(
    const arrow::RecordBatch& batch, arrow::MemoryPool* pool) const {
  FIRN_ASSIGN_OR_RETURN(const auto columns, Columns(batch, pool));
  const std::int64_t rows = batch.num_rows();
  FIRN_ASSIGN_OR_RETURN(
      std::shared_ptr<arrow::Buffer> ends,
      FromArrow(arrow::AllocateBuffer(
          (rows + 1) * static_cast<std::int64_t>(sizeof(std::int32_t)), pool)));
  auto* const offsets = reinterpret_cast<std::int32_t*>(ends->mutable_data());
  offsets[0] = 0;
  std::string keys;
  for (std::int64_t row = 0; row < rows; ++row) {
    AppendKey(columns, row, &keys);
    if (keys.size() > std::numeric_limits<std::int32_t>::max()) {
      return Status::ResourceExhausted(
          "the keys of a batch are larger than 2 GiB together: smaller batches are "
          "needed");
    }
    offsets[row + 1] = static_cast<std::int32_t>(keys.size());
  }
  const auto size = static_cast<std::int64_t>(keys.size());
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> bytes,
                        FromArrow(arrow::AllocateBuffer(size, pool)));
  std::memcpy(bytes->mutable_data(), keys.data(), keys.size());
  return std::make_shared<arrow::BinaryArray>(rows, std::move(ends), std::move(bytes));
}

}  // namespace firn::table
