// SPDX-License-Identifier: Apache-2.0
// avro_file.h: Avro object container files, whole in memory.
//
//   "Obj" 1 | metadata: map of bytes | sync marker (16)
//   block:    object count | size in bytes | objects, compressed | sync marker
//   block …
//
// The metadata holds `avro.schema`, `avro.codec` and what Iceberg adds. Codecs: null and
// deflate.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "firn/status.h"
#include "iceberg/avro_decoder.h"
#include "iceberg/avro_schema.h"

namespace firn::iceberg {

enum class AvroCodec : std::uint8_t { kNull, kDeflate };

class AvroFileReader;

// Gathers objects into blocks. Thread-compatible.
class AvroFileWriter {
 public:
  AvroFileWriter(AvroSchemaPtr schema, std::map<std::string, std::string> metadata,
                 AvroCodec codec);
  // With the header of another file, as it is.
  explicit AvroFileWriter(const AvroFileReader& like);

  // Encode the next object: append it to `object()`, then call EndObject.
  std::string& object() { return block_; }
  Status EndObject();

  // The file. The sync marker is a hash of the content: equal input gives equal bytes.
  Result<std::string> Finish() &&;

 private:
  Status EndBlock();

  std::map<std::string, std::string> metadata_;
  AvroCodec codec_;
  std::string block_;
  std::int64_t block_objects_ = 0;
  struct Block {
    std::int64_t objects;
    std::string bytes;
  };
  std::vector<Block> blocks_;
};

// Largest block that is read, decompressed, and the most that a file's blocks may come
// to: a compressed file of a few MB could otherwise fill the memory.
inline constexpr std::uint64_t kAvroBlockBytesMax = std::uint64_t{64} << 20;
inline constexpr std::uint64_t kAvroFileBytesMax = std::uint64_t{2} << 30;

// Reads a file block by block. Borrows the bytes; thread-compatible.
class AvroFileReader {
 public:
  // Corruption where the bytes are no Avro file; Unimplemented, by name, for another
  // codec.
  static Result<AvroFileReader> Open(std::string_view bytes);

  const AvroSchema& schema() const { return *schema_; }
  AvroCodec codec() const { return codec_; }
  // `avro.schema` and `avro.codec` are among them.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  // Call `read` for each object; it must consume the object from the decoder.
  Status ReadObjects(const std::function<Status(AvroDecoder&)>& read) const;

 private:
  AvroFileReader() = default;
  AvroSchemaPtr schema_;
  std::map<std::string, std::string> metadata_;
  AvroCodec codec_ = AvroCodec::kNull;
  std::string_view sync_;
  std::string_view blocks_;
};

}  // namespace firn::iceberg
