// SPDX-License-Identifier: Apache-2.0
#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/exec.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bitmap_ops.h>
#include <arrow/util/decimal.h>
#include <arrow/util/utf8.h>

#include <cstring>
#include <utility>

#include "table/arrow_status.h"
#include "table/column_conform.h"
#include "table/type_widening.h"

namespace firn::table {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using iceberg::PrimitiveKind;

constexpr std::int64_t kUsPerDay = 86'400'000'000;
constexpr std::int64_t kMsPerDay = 86'400'000;
constexpr std::int64_t kDecimalBytes = 16;

Result<ArrayPtr> CastTo(const ArrayPtr& column,
                        const std::shared_ptr<arrow::DataType>& type,
                        arrow::MemoryPool* pool) {
  if (column->type()->Equals(*type)) return column;
  arrow::compute::ExecContext context(pool);
  return FromArrow(
      arrow::compute::Cast(*column, type, arrow::compute::CastOptions::Safe(), &context));
}

// Whether each value is UTF-8. All of them at once first: they are, if the bytes from the
// first value to the last are, and no value begins inside a code point.
void CheckUtf8(const ConformTarget& target, const arrow::Array& column,
               const RowPath& rows, RowFaults* faults) {
  const auto& text = static_cast<const arrow::StringArray&>(column);
  if (text.length() == 0) return;
  const auto* bytes = text.raw_data();
  const std::int64_t begin = text.value_offset(0);
  const std::int64_t end = text.value_offset(text.length());
  if (begin == end) return;
  arrow::util::InitializeUTF8();  // Its tables, once in the process.
  bool whole = arrow::util::ValidateUTF8(bytes + begin, end - begin);
  for (std::int64_t i = 0; i < text.length() && whole; ++i) {
    const std::int64_t at = text.value_offset(i);
    whole = at == end || (bytes[at] & 0xc0) != 0x80;
  }
  if (whole) return;
  for (std::int64_t i = 0; i < text.length(); ++i) {
    if (text.IsNull(i)) continue;
    const std::string_view value = text.GetView(i);
    if (!arrow::util::ValidateUTF8(value)) {
      AddFault(rows, i, target.path, ValueText(column, i) + " is not UTF-8", faults);
    }
  }
}

// The validity of a column's own slice; null where every value is there.
Result<std::shared_ptr<arrow::Buffer>> ValidityOf(const arrow::Array& column,
                                                  arrow::MemoryPool* pool) {
  if (column.null_count() == 0) return std::shared_ptr<arrow::Buffer>();
  return FromArrow(arrow::internal::CopyBitmap(pool, column.null_bitmap_data(),
                                               column.offset(), column.length()));
}

// Integers of `factor` times larger units, as 64-bit ones of the target's.
template <typename From>
Result<ArrayPtr> Multiply(const ConformTarget& target, const arrow::Array& column,
                          std::int64_t factor, const RowPath& rows,
                          arrow::MemoryPool* pool, RowFaults* faults) {
  const auto* values = column.data()->GetValues<From>(1);
  const std::int64_t count = column.length();
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> buffer,
                        FromArrow(arrow::AllocateBuffer(count * 8, pool)));
  auto* out = reinterpret_cast<std::int64_t*>(buffer->mutable_data());
  for (std::int64_t i = 0; i < count; ++i) {
    if (__builtin_mul_overflow(std::int64_t{values[i]}, factor, &out[i])) {
      out[i] = 0;
      if (column.IsValid(i)) {
        AddFault(rows, i, target.path,
                 ValueText(column, i) + " is out of range for " + target.type.ToString(),
                 faults);
      }
    }
  }
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> valid, ValidityOf(column, pool));
  return arrow::MakeArray(arrow::ArrayData::Make(target.arrow_type, count,
                                                 {std::move(valid), std::move(buffer)},
                                                 column.null_count()));
}

std::int64_t UnitsPerSecond(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return 1;
    case arrow::TimeUnit::MILLI:
      return 1'000;
    case arrow::TimeUnit::MICRO:
      return 1'000'000;
    case arrow::TimeUnit::NANO:
      return 1'000'000'000;
  }
  return 1;
}

Result<ArrayPtr> ConformTimestamp(const ConformTarget& target, const ArrayPtr& column,
                                  const RowPath& rows, arrow::MemoryPool* pool,
                                  RowFaults* faults) {
  if (column->type_id() != arrow::Type::TIMESTAMP) {
    return WrongType(target, *column->type());
  }
  const auto& from = static_cast<const arrow::TimestampType&>(*column->type());
  const auto& to = static_cast<const arrow::TimestampType&>(*target.arrow_type);
  // A zone only says how to print an instant: any will do where the table has instants.
  const std::int64_t units_from = UnitsPerSecond(from.unit());
  const std::int64_t units_to = UnitsPerSecond(to.unit());
  if (from.timezone().empty() != to.timezone().empty()) {
    return WrongType(target, *column->type());
  }
  if (units_from > units_to) {
    return Status::InvalidArgument(
        std::string(WrongType(target, *column->type()).message()) +
        ", which would lose its last digits: cast the column before it is written, to "
        "TIMESTAMP or TIMESTAMPTZ in SQL");
  }
  if (units_from == units_to) {
    return FromArrow(column->View(target.arrow_type));
  }
  return Multiply<std::int64_t>(target, *column, units_to / units_from, rows, pool,
                                faults);
}

Result<ArrayPtr> ConformTime(const ConformTarget& target, const ArrayPtr& column,
                             const RowPath& rows, arrow::MemoryPool* pool,
                             RowFaults* faults) {
  ArrayPtr times = column;
  if (column->type_id() == arrow::Type::TIME32) {
    const auto& from = static_cast<const arrow::Time32Type&>(*column->type());
    FIRN_ASSIGN_OR_RETURN(
        times,
        Multiply<std::int32_t>(target, *column, 1'000'000 / UnitsPerSecond(from.unit()),
                               rows, pool, faults));
  } else if (!column->type()->Equals(*target.arrow_type)) {
    return WrongType(target, *column->type());
  }
  const auto* values = times->data()->GetValues<std::int64_t>(1);
  for (std::int64_t i = 0; i < times->length(); ++i) {
    if ((values[i] < 0 || values[i] >= kUsPerDay) && times->IsValid(i)) {
      AddFault(rows, i, target.path, ValueText(*column, i) + " is no time of a day",
               faults);
    }
  }
  return times;
}

// Milliseconds that count whole days, as days.
Result<ArrayPtr> DaysOf(const ConformTarget& target, const arrow::Array& column,
                        const RowPath& rows, arrow::MemoryPool* pool, RowFaults* faults) {
  const auto* values = column.data()->GetValues<std::int64_t>(1);
  const std::int64_t count = column.length();
  FIRN_ASSIGN_OR_RETURN(
      std::shared_ptr<arrow::Buffer> buffer,
      FromArrow(arrow::AllocateBuffer(count * std::int64_t{sizeof(std::int32_t)}, pool)));
  auto* out = reinterpret_cast<std::int32_t*>(buffer->mutable_data());
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t days = values[i] / kMsPerDay;
    const bool is_whole = values[i] % kMsPerDay == 0;
    const bool fits = std::in_range<std::int32_t>(days);
    out[i] = fits ? static_cast<std::int32_t>(days) : 0;
    if ((is_whole && fits) || column.IsNull(i)) continue;
    const std::string value = "value " + std::to_string(values[i]) + " ms";
    AddFault(rows, i, target.path,
             value + (is_whole ? " is out of range for date" : " is no whole day"),
             faults);
  }
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> valid, ValidityOf(column, pool));
  return arrow::MakeArray(arrow::ArrayData::Make(target.arrow_type, count,
                                                 {std::move(valid), std::move(buffer)},
                                                 column.null_count()));
}

// Unsigned numbers of 64 bits as signed ones: the same bits, where they fit.
ArrayPtr SignedOf(const ConformTarget& target, const arrow::Array& column,
                  const RowPath& rows, RowFaults* faults) {
  const auto* values = column.data()->GetValues<std::uint64_t>(1);
  for (std::int64_t i = 0; i < column.length(); ++i) {
    if (!std::in_range<std::int64_t>(values[i]) && column.IsValid(i)) {
      AddFault(rows, i, target.path,
               ValueText(column, i) + " is out of range for " + target.type.ToString(),
               faults);
    }
  }
  auto data = column.data()->Copy();
  data->type = target.arrow_type;
  return arrow::MakeArray(std::move(data));
}

// Whole numbers and wide decimals, as Arrow's cast would not take them: it gives up at
// the first value that does not fit, and tells neither row nor value.
template <typename DigitsAt>
Result<ArrayPtr> DecimalsOf(const ConformTarget& target, const arrow::Array& column,
                            const RowPath& rows, arrow::MemoryPool* pool,
                            RowFaults* faults, const DigitsAt& digits_at) {
  const int precision = target.type.primitive()->precision;
  const std::int64_t count = column.length();
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> buffer,
                        FromArrow(arrow::AllocateBuffer(count * kDecimalBytes, pool)));
  for (std::int64_t i = 0; i < count; ++i) {
    arrow::Decimal256 digits;
    if (column.IsValid(i)) digits = digits_at(i);
    if (!digits.FitsInPrecision(precision)) {
      AddFault(rows, i, target.path,
               ValueText(column, i) + " has more digits than " + target.type.ToString(),
               faults);
      digits = arrow::Decimal256();
    }
    // The lower half, whose sign is that of the whole.
    const auto& words = digits.little_endian_array();
    const arrow::Decimal128 narrow(static_cast<std::int64_t>(words[1]), words[0]);
    narrow.ToBytes(buffer->mutable_data() + i * kDecimalBytes);
  }
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> valid, ValidityOf(column, pool));
  return arrow::MakeArray(arrow::ArrayData::Make(target.arrow_type, count,
                                                 {std::move(valid), std::move(buffer)},
                                                 column.null_count()));
}

Result<ArrayPtr> ConformDecimal(const ConformTarget& target, const ArrayPtr& column,
                                const RowPath& rows, arrow::MemoryPool* pool,
                                RowFaults* faults) {
  const iceberg::PrimitiveType& type = *target.type.primitive();
  const auto id = column->type_id();
  if (id == arrow::Type::UINT64 && type.scale == 0) {
    const auto* values = column->data()->GetValues<std::uint64_t>(1);
    return DecimalsOf(target, *column, rows, pool, faults, [values](std::int64_t i) {
      return arrow::Decimal256(arrow::Decimal128(0, values[i]));
    });
  }
  if (!arrow::is_decimal(id)) return WrongType(target, *column->type());
  const auto& from = static_cast<const arrow::DecimalType&>(*column->type());
  if (from.scale() != type.scale) return WrongType(target, from);
  if (id == arrow::Type::DECIMAL256) {
    const auto& wide = static_cast<const arrow::Decimal256Array&>(*column);
    return DecimalsOf(target, *column, rows, pool, faults, [&wide](std::int64_t i) {
      return arrow::Decimal256(wide.GetValue(i));
    });
  }
  ArrayPtr wide = column;
  if (id != arrow::Type::DECIMAL128) {
    FIRN_ASSIGN_OR_RETURN(
        wide, CastTo(column, arrow::decimal128(from.precision(), from.scale()), pool));
  }
  const auto& decimals = static_cast<const arrow::Decimal128Array&>(*wide);
  for (std::int64_t i = 0; i < decimals.length(); ++i) {
    if (decimals.IsNull(i)) continue;
    if (!arrow::Decimal128(decimals.GetValue(i)).FitsInPrecision(type.precision)) {
      AddFault(rows, i, target.path,
               ValueText(*column, i) + " has more digits than " + target.type.ToString(),
               faults);
    }
  }
  auto data = wide->data()->Copy();
  data->type = target.arrow_type;
  return arrow::MakeArray(std::move(data));
}

bool IsTextForm(arrow::Type::type id) {
  return id == arrow::Type::STRING || id == arrow::Type::LARGE_STRING ||
         id == arrow::Type::STRING_VIEW;
}
bool IsBytesForm(arrow::Type::type id) {
  return id == arrow::Type::BINARY || id == arrow::Type::LARGE_BINARY ||
         id == arrow::Type::BINARY_VIEW;
}

// Bytes of any length into a fixed one. What does not fit is a fault, and NULL.
Result<ArrayPtr> ConformFixed(const ConformTarget& target, const ArrayPtr& column,
                              const RowPath& rows, arrow::MemoryPool* pool,
                              RowFaults* faults) {
  if (column->type()->Equals(*target.arrow_type)) return column;
  if (!IsBytesForm(column->type_id())) return WrongType(target, *column->type());
  FIRN_ASSIGN_OR_RETURN(const ArrayPtr plain, CastTo(column, arrow::binary(), pool));
  const auto& bytes = static_cast<const arrow::BinaryArray&>(*plain);
  const int length =
      static_cast<const arrow::FixedSizeBinaryType&>(*target.arrow_type).byte_width();
  arrow::FixedSizeBinaryBuilder builder(target.arrow_type, pool);
  FIRN_RETURN_IF_ERROR(FromArrow(builder.Reserve(bytes.length())));
  for (std::int64_t i = 0; i < bytes.length(); ++i) {
    const bool fits =
        bytes.IsValid(i) && bytes.GetView(i).size() == static_cast<std::size_t>(length);
    if (fits) {
      builder.UnsafeAppend(bytes.GetView(i));
      continue;
    }
    FIRN_RETURN_IF_ERROR(FromArrow(builder.AppendNull()));
    if (bytes.IsNull(i)) continue;
    AddFault(rows, i, target.path,
             ValueText(bytes, i) + " has " + std::to_string(bytes.GetView(i).size()) +
                 " bytes, not " + std::to_string(length),
             faults);
  }
  return FromArrow(builder.Finish());
}

}  // namespace

Result<ArrayPtr> ConformPrimitive(const ConformTarget& target, const ArrayPtr& column,
                                  const RowPath& rows, arrow::MemoryPool* pool,
                                  RowFaults* faults) {
  switch (target.type.primitive()->kind) {
    case PrimitiveKind::kTimestamp:
    case PrimitiveKind::kTimestamptz:
    case PrimitiveKind::kTimestampNs:
    case PrimitiveKind::kTimestamptzNs:
      return ConformTimestamp(target, column, rows, pool, faults);
    case PrimitiveKind::kTime:
      return ConformTime(target, column, rows, pool, faults);
    case PrimitiveKind::kDecimal:
      return ConformDecimal(target, column, rows, pool, faults);
    case PrimitiveKind::kString: {
      if (!IsTextForm(column->type_id())) return WrongType(target, *column->type());
      FIRN_ASSIGN_OR_RETURN(const ArrayPtr text, CastTo(column, arrow::utf8(), pool));
      CheckUtf8(target, *text, rows, faults);
      return text;
    }
    case PrimitiveKind::kBinary:
      if (!IsBytesForm(column->type_id())) return WrongType(target, *column->type());
      return CastTo(column, arrow::binary(), pool);
    case PrimitiveKind::kUuid:
    case PrimitiveKind::kFixed:
      return ConformFixed(target, column, rows, pool, faults);
    case PrimitiveKind::kBoolean:
    case PrimitiveKind::kInt:
    case PrimitiveKind::kLong:
    case PrimitiveKind::kFloat:
    case PrimitiveKind::kDouble:
    case PrimitiveKind::kDate:
      if (column->type()->Equals(*target.arrow_type)) return column;
      if (column->type_id() == arrow::Type::DATE64 &&
          target.arrow_type->id() == arrow::Type::DATE32) {
        return DaysOf(target, *column, rows, pool, faults);
      }
      if (column->type_id() == arrow::Type::UINT64 &&
          target.arrow_type->id() == arrow::Type::INT64) {
        return SignedOf(target, *column, rows, faults);
      }
      if (!IsNarrower(*column->type(), *target.arrow_type)) break;
      return Widen(column, target.arrow_type, pool);
    case PrimitiveKind::kUnknown:  // NULL in every row, which the caller has seen to.
    case PrimitiveKind::kVariant:
      break;
  }
  return WrongType(target, *column->type());
}

}  // namespace firn::table
