// SPDX-License-Identifier: Apache-2.0
#include "iceberg/avro_decoder.h"

#include <algorithm>
#include <limits>

namespace firn::iceberg {
namespace {

Status CutShort() { return Status::Corruption("Avro data is cut short or malformed"); }

}  // namespace

Result<std::int64_t> AvroDecoder::Long() {
  const std::int64_t v = in_.SignedVarint();
  if (!in_.ok()) return CutShort();
  return v;
}

Result<std::string_view> AvroDecoder::Raw(std::uint64_t size) {
  const std::string_view view = in_.Raw(size);
  if (!in_.ok()) return CutShort();
  return view;
}

Result<std::string_view> AvroDecoder::Bytes() {
  FIRN_ASSIGN_OR_RETURN(const std::int64_t size, Long());
  if (size < 0) return Status::Corruption("Avro length is negative");
  return Raw(static_cast<std::uint64_t>(size));
}

Status AvroDecoder::Mismatch(const AvroSchema& schema, const char* wanted) const {
  return Status::Corruption(std::string("Avro value is not ") + wanted +
                            " (schema kind " +
                            std::to_string(static_cast<int>(schema.kind)) + ")");
}

Result<const AvroSchema*> AvroDecoder::Branch(const AvroSchema& schema) {
  if (schema.kind != AvroKind::kUnion) return &schema;
  FIRN_ASSIGN_OR_RETURN(const std::int64_t index, Long());
  if (index < 0 || static_cast<std::uint64_t>(index) >= schema.branches.size()) {
    return Status::Corruption("Avro union has no branch " + std::to_string(index));
  }
  const AvroSchema* branch = schema.branches[static_cast<std::size_t>(index)].get();
  if (branch->kind == AvroKind::kUnion) {
    return Status::Corruption("Avro union lies directly in a union");
  }
  return branch;
}

Status AvroDecoder::ReadBool(const AvroSchema& schema, bool* out, bool* found) {
  FIRN_ASSIGN_OR_RETURN(const AvroSchema* branch, Branch(schema));
  *found = branch->kind != AvroKind::kNull;
  if (!*found) return Status::OK();
  if (branch->kind != AvroKind::kBoolean) return Mismatch(*branch, "a boolean");
  FIRN_ASSIGN_OR_RETURN(const std::string_view byte, Raw(1));
  if (byte[0] != 0 && byte[0] != 1)
    return Status::Corruption("Avro boolean is not 0 or 1");
  *out = byte[0] == 1;
  return Status::OK();
}

Status AvroDecoder::ReadLong(const AvroSchema& schema, std::int64_t* out, bool* found) {
  FIRN_ASSIGN_OR_RETURN(const AvroSchema* branch, Branch(schema));
  *found = branch->kind != AvroKind::kNull;
  if (!*found) return Status::OK();
  if (branch->kind != AvroKind::kInt && branch->kind != AvroKind::kLong) {
    return Mismatch(*branch, "an integer");
  }
  FIRN_ASSIGN_OR_RETURN(*out, Long());
  return Status::OK();
}

Status AvroDecoder::ReadInt(const AvroSchema& schema, std::int32_t* out, bool* found) {
  std::int64_t wide = 0;
  FIRN_RETURN_IF_ERROR(ReadLong(schema, &wide, found));
  if (!*found) return Status::OK();
  if (wide < std::numeric_limits<std::int32_t>::min() ||
      wide > std::numeric_limits<std::int32_t>::max()) {
    return Status::Corruption("Avro int " + std::to_string(wide) + " passes 32 bits");
  }
  *out = static_cast<std::int32_t>(wide);
  return Status::OK();
}

Status AvroDecoder::ReadBytes(const AvroSchema& schema, std::string* out, bool* found) {
  FIRN_ASSIGN_OR_RETURN(const AvroSchema* branch, Branch(schema));
  *found = branch->kind != AvroKind::kNull;
  if (!*found) return Status::OK();
  std::string_view view;
  if (branch->kind == AvroKind::kFixed) {
    FIRN_ASSIGN_OR_RETURN(view, Raw(branch->fixed_bytes));
  } else if (branch->kind == AvroKind::kBytes || branch->kind == AvroKind::kString) {
    FIRN_ASSIGN_OR_RETURN(view, Bytes());
  } else {
    return Mismatch(*branch, "a string or bytes");
  }
  out->assign(view);
  return Status::OK();
}

namespace {

Result<OptionalValue> DecimalFromBigEndian(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > 16) {
    return Status::Corruption("Avro decimal has " + std::to_string(bytes.size()) +
                              " bytes");
  }
  Decimal decimal;
  decimal.unscaled = static_cast<signed char>(bytes[0]) < 0 ? -1 : 0;
  for (const char byte : bytes) {
    decimal.unscaled = decimal.unscaled * 256 + static_cast<unsigned char>(byte);
  }
  return OptionalValue(decimal);
}

}  // namespace

Result<OptionalValue> AvroDecoder::ReadPrimitive(const AvroSchema& schema) {
  FIRN_ASSIGN_OR_RETURN(const AvroSchema* branch, Branch(schema));
  bool found = false;
  switch (branch->kind) {
    case AvroKind::kNull:
      return OptionalValue();
    case AvroKind::kBoolean: {
      bool v = false;
      FIRN_RETURN_IF_ERROR(ReadBool(*branch, &v, &found));
      return OptionalValue(v);
    }
    case AvroKind::kInt: {
      std::int32_t v = 0;
      FIRN_RETURN_IF_ERROR(ReadInt(*branch, &v, &found));
      return OptionalValue(v);
    }
    case AvroKind::kLong: {
      FIRN_ASSIGN_OR_RETURN(const std::int64_t v, Long());
      return OptionalValue(v);
    }
    case AvroKind::kFloat: {
      const float v = std::bit_cast<float>(in_.U32());
      if (!in_.ok()) return CutShort();
      return OptionalValue(v);
    }
    case AvroKind::kDouble: {
      const double v = in_.F64();
      if (!in_.ok()) return CutShort();
      return OptionalValue(v);
    }
    case AvroKind::kString: {
      FIRN_ASSIGN_OR_RETURN(const std::string_view view, Bytes());
      return OptionalValue(std::string(view));
    }
    case AvroKind::kBytes:
    case AvroKind::kFixed: {
      struct Bytes value;
      FIRN_RETURN_IF_ERROR(ReadBytes(*branch, &value.bytes, &found));
      if (branch->logical_type == "decimal") return DecimalFromBigEndian(value.bytes);
      return OptionalValue(std::move(value));
    }
    default:
      return Mismatch(*branch, "a primitive value");
  }
}

Result<std::uint64_t> AvroDecoder::BlockCount(std::uint64_t item_min_bytes) {
  FIRN_ASSIGN_OR_RETURN(std::int64_t count, Long());
  if (count < 0) {
    // A negative count is followed by the block's size, for readers that skip it.
    if (count == std::numeric_limits<std::int64_t>::min()) return CutShort();
    count = -count;
    FIRN_ASSIGN_OR_RETURN(const std::int64_t size, Long());
    if (size < 0 || static_cast<std::uint64_t>(size) > in_.remaining()) return CutShort();
  }
  const auto items = static_cast<std::uint64_t>(count);
  if (items > in_.remaining() / std::max<std::uint64_t>(item_min_bytes, 1)) {
    return Status::Corruption("Avro array of " + std::to_string(items) +
                              " items does not fit the bytes left");
  }
  return items;
}

Status AvroDecoder::ReadArray(
    const AvroSchema& schema,
    const std::function<Status(const AvroSchema& item)>& read_item, bool* found) {
  FIRN_ASSIGN_OR_RETURN(const AvroSchema* branch, Branch(schema));
  *found = branch->kind != AvroKind::kNull;
  if (!*found) return Status::OK();
  if (branch->kind != AvroKind::kArray) return Mismatch(*branch, "an array");
  while (true) {
    FIRN_ASSIGN_OR_RETURN(const std::uint64_t count,
                          BlockCount(branch->items->min_bytes));
    if (count == 0) return Status::OK();
    for (std::uint64_t i = 0; i < count; ++i) {
      FIRN_RETURN_IF_ERROR(read_item(*branch->items));
    }
  }
}

Status AvroDecoder::ReadRecord(
    const AvroSchema& schema,
    const std::function<Status(const AvroField& field)>& read_field, bool* found) {
  FIRN_ASSIGN_OR_RETURN(const AvroSchema* branch, Branch(schema));
  *found = branch->kind != AvroKind::kNull;
  if (!*found) return Status::OK();
  if (branch->kind != AvroKind::kRecord) return Mismatch(*branch, "a record");
  for (const AvroField& field : branch->fields) {
    FIRN_RETURN_IF_ERROR(read_field(field));
  }
  return Status::OK();
}

Status AvroDecoder::Skip(const AvroSchema& schema) {
  FIRN_ASSIGN_OR_RETURN(const AvroSchema* branch, Branch(schema));
  bool found = false;
  switch (branch->kind) {
    case AvroKind::kNull:
      return Status::OK();
    case AvroKind::kBoolean: {
      bool ignored = false;
      return ReadBool(*branch, &ignored, &found);
    }
    case AvroKind::kInt:
    case AvroKind::kLong:
      return Long().status();
    case AvroKind::kEnum: {
      FIRN_ASSIGN_OR_RETURN(const std::int64_t index, Long());
      if (index < 0 || index >= branch->symbol_count) {
        return Status::Corruption("Avro enumeration has no symbol " +
                                  std::to_string(index));
      }
      return Status::OK();
    }
    case AvroKind::kFloat:
      return Raw(4).status();
    case AvroKind::kDouble:
      return Raw(8).status();
    case AvroKind::kBytes:
    case AvroKind::kString:
      return Bytes().status();
    case AvroKind::kFixed:
      return Raw(branch->fixed_bytes).status();
    case AvroKind::kArray:
      return ReadArray(
          *branch, [this](const AvroSchema& item) { return Skip(item); }, &found);
    case AvroKind::kRecord:
      return ReadRecord(
          *branch, [this](const AvroField& field) { return Skip(*field.type); }, &found);
    case AvroKind::kMap:
      while (true) {
        FIRN_ASSIGN_OR_RETURN(const std::uint64_t count,
                              BlockCount(1 + branch->items->min_bytes));
        if (count == 0) return Status::OK();
        for (std::uint64_t i = 0; i < count; ++i) {
          FIRN_RETURN_IF_ERROR(Bytes().status());
          FIRN_RETURN_IF_ERROR(Skip(*branch->items));
        }
      }
    case AvroKind::kUnion:
      break;
  }
  return Mismatch(*branch, "a value that can be skipped");
}

}  // namespace firn::iceberg
