// SPDX-License-Identifier: Apache-2.0
#include "table/transform_batch.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/bitmap_ops.h>

#include <cstring>
#include <limits>

#include "base/assert.h"
#include "base/civil_date.h"
#include "iceberg/murmur3.h"
#include "table/arrow_status.h"

namespace firn::table {
namespace {

using iceberg::PrimitiveKind;
using iceberg::PrimitiveType;
using iceberg::Transform;
using iceberg::TransformKind;
using ArrayPtr = std::shared_ptr<arrow::Array>;
using Int128 = iceberg::Decimal::Unscaled;

constexpr std::int64_t kUsPerHour = 3'600'000'000;
constexpr std::int64_t kHoursPerDay = 24;

std::int64_t FloorDiv(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool IsNanoseconds(PrimitiveKind kind) {
  return kind == PrimitiveKind::kTimestampNs || kind == PrimitiveKind::kTimestamptzNs;
}

// A column of `type` whose values `of(row)` makes, NULL where `column` is. What lies
// under a NULL is computed as well, which no `of` here minds.
template <typename T, typename Of>
Result<ArrayPtr> MakeValues(const std::shared_ptr<arrow::DataType>& type,
                            const arrow::Array& column, arrow::MemoryPool* pool,
                            const Of& of) {
  const std::int64_t rows = column.length();
  FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> values,
                        FromArrow(arrow::AllocateBuffer(
                            rows * static_cast<std::int64_t>(sizeof(T)), pool)));
  T* out = reinterpret_cast<T*>(values->mutable_data());
  for (std::int64_t i = 0; i < rows; ++i) out[i] = of(i);
  std::shared_ptr<arrow::Buffer> valid;
  if (column.null_count() > 0) {
    FIRN_ASSIGN_OR_RETURN(
        valid, FromArrow(arrow::internal::CopyBitmap(pool, column.null_bitmap_data(),
                                                     column.offset(), rows)));
  }
  return arrow::MakeArray(arrow::ArrayData::Make(
      type, rows, {std::move(valid), std::move(values)}, column.null_count()));
}

template <typename T>
const T* ValuesOf(const arrow::Array& column) {
  return column.data()->GetValues<T>(1);
}

Int128 DecimalAt(const arrow::Array& column, std::int64_t row) {
  Int128 value = 0;
  const auto& decimals = static_cast<const arrow::Decimal128Array&>(column);
  std::memcpy(&value, decimals.GetValue(row), sizeof value);
  return value;
}

// The fewest bytes of two's complement, big-endian.
std::int32_t HashDecimal(Int128 value) {
  char bytes[sizeof value];
  Int128 rest = value;
  for (std::size_t i = sizeof value; i > 0; --i) {
    bytes[i - 1] = static_cast<char>(rest & 0xff);
    rest >>= 8;
  }
  const char sign = value < 0 ? '\xff' : '\0';
  std::size_t first = 0;
  while (first + 1 < sizeof value && bytes[first] == sign &&
         ((bytes[first + 1] ^ sign) & 0x80) == 0) {
    ++first;
  }
  return iceberg::Murmur3({bytes + first, sizeof value - first});
}

// ResultType() has refused such a type before.
Status Untaken(const char* transform, const PrimitiveType& source) {
  return Status::Internal(std::string(transform) + " of a column of type " +
                          iceberg::ToString(source));
}

Result<ArrayPtr> Bucket(std::int32_t buckets, const PrimitiveType& source,
                        const arrow::Array& column, arrow::MemoryPool* pool) {
  const auto make = [&](const auto& hash) {
    return MakeValues<std::int32_t>(
        arrow::int32(), column, pool, [&](std::int64_t row) -> std::int32_t {
          return (hash(row) & std::numeric_limits<std::int32_t>::max()) % buckets;
        });
  };
  switch (source.kind) {
    case PrimitiveKind::kInt:
    case PrimitiveKind::kDate: {
      const auto* values = ValuesOf<std::int32_t>(column);
      return make([=](std::int64_t row) { return iceberg::Murmur3OfLong(values[row]); });
    }
    case PrimitiveKind::kString:
    case PrimitiveKind::kBinary: {
      const auto& text = static_cast<const arrow::BinaryArray&>(column);
      return make([&](std::int64_t row) { return iceberg::Murmur3(text.GetView(row)); });
    }
    case PrimitiveKind::kUuid:
    case PrimitiveKind::kFixed: {
      const auto& fixed = static_cast<const arrow::FixedSizeBinaryArray&>(column);
      return make([&](std::int64_t row) { return iceberg::Murmur3(fixed.GetView(row)); });
    }
    case PrimitiveKind::kDecimal:
      return make([&](std::int64_t row) { return HashDecimal(DecimalAt(column, row)); });
    case PrimitiveKind::kLong:
    case PrimitiveKind::kTime:
    case PrimitiveKind::kTimestamp:
    case PrimitiveKind::kTimestamptz: {
      const auto* values = ValuesOf<std::int64_t>(column);
      return make([=](std::int64_t row) { return iceberg::Murmur3OfLong(values[row]); });
    }
    case PrimitiveKind::kTimestampNs:
    case PrimitiveKind::kTimestamptzNs: {
      // Hashes as the microseconds it rounds down to.
      const auto* values = ValuesOf<std::int64_t>(column);
      return make([=](std::int64_t row) {
        return iceberg::Murmur3OfLong(FloorDiv(values[row], 1000));
      });
    }
    case PrimitiveKind::kBoolean:
    case PrimitiveKind::kFloat:
    case PrimitiveKind::kDouble:
    case PrimitiveKind::kUnknown:
    case PrimitiveKind::kVariant:
      break;
  }
  return Untaken("bucket", source);
}

// Years or months since 1970. Neighbours mostly share the day, which is looked up once.
class CalendarOfDay {
 public:
  explicit CalendarOfDay(bool years) : years_(years) {}
  std::int32_t operator()(std::int64_t day) {
    if (day != day_) {
      const base::CivilDate date = base::CivilDateFromDays(day);
      day_ = day;
      result_ = static_cast<std::int32_t>(
          years_ ? date.year - 1970 : (date.year - 1970) * 12 + date.month - 1);
    }
    return result_;
  }

 private:
  const bool years_;
  std::int64_t day_ = std::numeric_limits<std::int64_t>::min();
  std::int32_t result_ = 0;
};

Result<ArrayPtr> DateOrTime(TransformKind kind, const PrimitiveType& source,
                            const arrow::Array& column, arrow::MemoryPool* pool) {
  const auto make = [&](const auto& day_of, const auto& hour_of) -> Result<ArrayPtr> {
    if (kind == TransformKind::kHour) {
      return MakeValues<std::int32_t>(arrow::int32(), column, pool, hour_of);
    }
    if (kind == TransformKind::kDay) {
      return MakeValues<std::int32_t>(
          arrow::date32(), column, pool,
          [&](std::int64_t row) { return static_cast<std::int32_t>(day_of(row)); });
    }
    CalendarOfDay calendar(kind == TransformKind::kYear);
    return MakeValues<std::int32_t>(arrow::int32(), column, pool, [&](std::int64_t row) {
      return calendar(day_of(row));
    });
  };
  if (source.kind == PrimitiveKind::kDate) {
    const auto* days = ValuesOf<std::int32_t>(column);
    const auto day_of = [=](std::int64_t row) -> std::int64_t { return days[row]; };
    return make(day_of, [](std::int64_t) { return 0; });  // hour takes no date.
  }
  // The units are constants in each loop, so that no division is left.
  const auto* times = ValuesOf<std::int64_t>(column);
  const auto of_units = [&]<std::int64_t kUnitsPerHour>() {
    return make(
        [=](std::int64_t row) {
          return FloorDiv(times[row], kUnitsPerHour * kHoursPerDay);
        },
        [=](std::int64_t row) {
          return static_cast<std::int32_t>(
              static_cast<std::uint32_t>(FloorDiv(times[row], kUnitsPerHour)));
        });
  };
  return IsNanoseconds(source.kind) ? of_units.template operator()<kUsPerHour * 1000>()
                                    : of_units.template operator()<kUsPerHour>();
}

// The first `width` code points. REQUIRES: valid UTF-8.
std::string_view Prefix(std::string_view text, std::size_t width) {
  if (text.size() <= width) return text;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (begins && width-- == 0) return text.substr(0, at);
  }
  return text;
}

template <typename Builder, typename Of>
Result<ArrayPtr> BuildText(const arrow::Array& column, arrow::MemoryPool* pool,
                           const Of& of) {
  const auto& text = static_cast<const arrow::BinaryArray&>(column);
  Builder builder(pool);
  FIRN_RETURN_IF_ERROR(FromArrow(builder.Reserve(column.length())));
  for (std::int64_t i = 0; i < column.length(); ++i) {
    FIRN_RETURN_IF_ERROR(FromArrow(text.IsNull(i) ? builder.AppendNull()
                                                  : builder.Append(of(text.GetView(i)))));
  }
  return FromArrow(builder.Finish());
}

// InvalidArgument for a value whose multiple of `width` needs a digit more than the type
// has: the result would be none of its type.
Result<ArrayPtr> TruncateDecimals(std::int32_t width, const PrimitiveType& source,
                                  const arrow::Array& column, arrow::MemoryPool* pool) {
  Int128 bound = 1;
  for (int digit = 0; digit < source.precision; ++digit) bound *= 10;
  FIRN_ASSIGN_OR_RETURN(
      ArrayPtr truncated,
      MakeValues<Int128>(column.type(), column, pool, [&](std::int64_t row) {
        const Int128 value = DecimalAt(column, row);
        return value - (value % width + width) % width;
      }));
  for (std::int64_t row = 0; row < column.length(); ++row) {
    if (column.IsNull(row) || DecimalAt(*truncated, row) > -bound) continue;
    return Status::InvalidArgument(
        iceberg::ValueToString(iceberg::Decimal{DecimalAt(column, row)}, source) +
        " has no partition: truncated to a multiple of " + std::to_string(width) +
        " it is no " + iceberg::ToString(source));
  }
  return truncated;
}

Result<ArrayPtr> Truncate(std::int32_t width, const PrimitiveType& source,
                          const arrow::Array& column, arrow::MemoryPool* pool) {
  const auto unsigned_width = static_cast<std::size_t>(width);
  switch (source.kind) {
    case PrimitiveKind::kInt: {
      const auto* values = ValuesOf<std::int32_t>(column);
      return MakeValues<std::int32_t>(column.type(), column, pool, [=](std::int64_t row) {
        return static_cast<std::int32_t>(
            static_cast<std::uint32_t>(FloorDiv(values[row], width) * width));
      });
    }
    case PrimitiveKind::kLong: {
      const auto* values = ValuesOf<std::int64_t>(column);
      return MakeValues<std::int64_t>(column.type(), column, pool, [=](std::int64_t row) {
        const std::int64_t rest = (values[row] % width + width) % width;
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(values[row]) -
                                         static_cast<std::uint64_t>(rest));
      });
    }
    case PrimitiveKind::kDecimal:
      return TruncateDecimals(width, source, column, pool);
    case PrimitiveKind::kString:
      return BuildText<arrow::StringBuilder>(column, pool, [=](std::string_view text) {
        return Prefix(text, unsigned_width);
      });
    case PrimitiveKind::kBinary:
      return BuildText<arrow::BinaryBuilder>(column, pool, [=](std::string_view bytes) {
        return bytes.substr(0, unsigned_width);
      });
    case PrimitiveKind::kBoolean:
    case PrimitiveKind::kFloat:
    case PrimitiveKind::kDouble:
    case PrimitiveKind::kDate:
    case PrimitiveKind::kTime:
    case PrimitiveKind::kTimestamp:
    case PrimitiveKind::kTimestamptz:
    case PrimitiveKind::kTimestampNs:
    case PrimitiveKind::kTimestamptzNs:
    case PrimitiveKind::kUuid:
    case PrimitiveKind::kFixed:
    case PrimitiveKind::kUnknown:
    case PrimitiveKind::kVariant:
      break;
  }
  return Untaken("truncate", source);
}

bool FindPath(const std::vector<iceberg::NestedField>& fields, iceberg::FieldId id,
              SourceColumn* out) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    out->path.push_back(static_cast<int>(i));
    if (fields[i].id == id && fields[i].type.primitive() != nullptr) {
      out->type = *fields[i].type.primitive();
      return true;
    }
    const auto* inner = fields[i].type.struct_type();
    if (inner != nullptr && FindPath(inner->fields, id, out)) return true;
    out->path.pop_back();
  }
  return false;
}

}  // namespace

Result<SourceColumn> FindSource(const iceberg::Schema& schema, iceberg::FieldId id) {
  SourceColumn source;
  if (!FindPath(schema.fields(), id, &source)) {
    return Status::InvalidArgument("the schema has no primitive column of field id " +
                                   id.ToString());
  }
  return source;
}

Result<ArrayPtr> ReadSource(const SourceColumn& source, const arrow::RecordBatch& batch,
                            arrow::MemoryPool* pool) {
  ArrayPtr column = batch.column(source.path.front());
  for (std::size_t i = 1; i < source.path.size(); ++i) {
    const auto& parent = static_cast<const arrow::StructArray&>(*column);
    FIRN_ASSIGN_OR_RETURN(column,
                          FromArrow(parent.GetFlattenedField(source.path[i], pool)));
  }
  return column;
}

Result<ArrayPtr> TransformColumn(const Transform& transform, const PrimitiveType& source,
                                 const ArrayPtr& column, arrow::MemoryPool* pool) {
  FIRN_ASSERT(iceberg::ResultType(transform, source).ok());
  switch (transform.kind) {
    case TransformKind::kIdentity:
      return column;
    case TransformKind::kBucket:
      return Bucket(transform.parameter, source, *column, pool);
    case TransformKind::kTruncate:
      return Truncate(transform.parameter, source, *column, pool);
    case TransformKind::kYear:
    case TransformKind::kMonth:
    case TransformKind::kDay:
    case TransformKind::kHour:
      return DateOrTime(transform.kind, source, *column, pool);
    case TransformKind::kVoid:
    case TransformKind::kUnknown:
      break;
  }
  return FromArrow(arrow::MakeArrayOfNull(column->type(), column->length(), pool));
}

iceberg::OptionalValue ValueAt(const arrow::Array& column, std::int64_t row,
                               const PrimitiveType& type) {
  if (column.IsNull(row)) return std::nullopt;
  switch (type.kind) {
    case PrimitiveKind::kBoolean:
      return iceberg::Value(static_cast<const arrow::BooleanArray&>(column).Value(row));
    case PrimitiveKind::kInt:
    case PrimitiveKind::kDate:
      return iceberg::Value(ValuesOf<std::int32_t>(column)[row]);
    case PrimitiveKind::kFloat:
      return iceberg::Value(ValuesOf<float>(column)[row]);
    case PrimitiveKind::kDouble:
      return iceberg::Value(ValuesOf<double>(column)[row]);
    case PrimitiveKind::kDecimal:
      return iceberg::Value(iceberg::Decimal{DecimalAt(column, row)});
    case PrimitiveKind::kString:
      return iceberg::Value(
          static_cast<const arrow::BinaryArray&>(column).GetString(row));
    case PrimitiveKind::kBinary:
      return iceberg::Value(
          iceberg::Bytes{static_cast<const arrow::BinaryArray&>(column).GetString(row)});
    case PrimitiveKind::kUuid:
    case PrimitiveKind::kFixed:
      return iceberg::Value(iceberg::Bytes{
          static_cast<const arrow::FixedSizeBinaryArray&>(column).GetString(row)});
    case PrimitiveKind::kLong:
    case PrimitiveKind::kTime:
    case PrimitiveKind::kTimestamp:
    case PrimitiveKind::kTimestamptz:
    case PrimitiveKind::kTimestampNs:
    case PrimitiveKind::kTimestamptzNs:
      return iceberg::Value(ValuesOf<std::int64_t>(column)[row]);
    case PrimitiveKind::kUnknown:  // NULL in every row.
    case PrimitiveKind::kVariant:
      break;
  }
  return std::nullopt;
}

}  // namespace firn::table
