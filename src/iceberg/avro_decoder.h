// SPDX-License-Identifier: Apache-2.0
// avro_decoder.h: reads values in Avro's binary encoding, as the writer's schema says.
//
// Nothing in the bytes is trusted: every length and count is checked against what is left
// before anything is allocated or looped over. All errors are Corruption.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "firn/status.h"
#include "iceberg/avro_schema.h"
#include "iceberg/value.h"

namespace firn::iceberg {

// Borrows the bytes. Thread-compatible.
class AvroDecoder {
 public:
  explicit AvroDecoder(std::string_view bytes) : in_(bytes) {}

  bool AtEnd() const { return in_.AtEnd(); }
  std::size_t remaining() const { return in_.remaining(); }

  // Values without regard to a schema.
  Result<std::int64_t> Long();
  Result<std::string_view> Bytes();  // Valid as long as the bytes decoded.
  Result<std::string_view> Raw(std::uint64_t size);

  // Values that `schema` describes: itself, or a union of null and itself. The first
  // form answers NULL with `found` false and leaves `out` alone. An int is read as a long
  // where that is asked for, and bytes and strings as each other.
  Status ReadBool(const AvroSchema& schema, bool* out, bool* found);
  Status ReadInt(const AvroSchema& schema, std::int32_t* out, bool* found);
  Status ReadLong(const AvroSchema& schema, std::int64_t* out, bool* found);
  Status ReadBytes(const AvroSchema& schema, std::string* out, bool* found);
  // Any value of a primitive kind; the representation follows the schema and its logical
  // type. Absent for NULL.
  Result<OptionalValue> ReadPrimitive(const AvroSchema& schema);

  // Call `read_item` for each item of an array; it must consume the item.
  Status ReadArray(const AvroSchema& schema,
                   const std::function<Status(const AvroSchema& item)>& read_item,
                   bool* found);
  // Call `read_field` for each field of a record, in the writer's order; it must consume
  // the field's value, by Skip where it does not know the field.
  Status ReadRecord(const AvroSchema& schema,
                    const std::function<Status(const AvroField& field)>& read_field,
                    bool* found);

  Status Skip(const AvroSchema& schema);

 private:
  // The branch that follows where `schema` is a union, or `schema` itself.
  Result<const AvroSchema*> Branch(const AvroSchema& schema);
  // The item count of the next block of an array or map; 0 at its end.
  Result<std::uint64_t> BlockCount(std::uint64_t item_min_bytes);
  Status Mismatch(const AvroSchema& schema, const char* wanted) const;

  base::ByteReader in_;
};

}  // namespace firn::iceberg
