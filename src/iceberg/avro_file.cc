// SPDX-License-Identifier: Apache-2.0
#include "iceberg/avro_file.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "iceberg/avro_encoder.h"

namespace firn::iceberg {
namespace {

constexpr std::string_view kMagic("Obj\x01", 4);
constexpr std::size_t kSyncBytes = 16;
// A block is closed once it holds this much: small enough to decode in cache, large
// enough for deflate to find what repeats.
constexpr std::size_t kBlockBytes = 64 << 10;
// Entries of the header's metadata; Iceberg writes about eight.
constexpr std::uint64_t kMetadataEntriesMax = 1000;
// Avro's deflate is a raw stream (RFC 1951), without zlib's header.
constexpr int kRawWindowBits = -15;

Result<std::string> Deflate(std::string_view plain) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRawWindowBits, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return Status::ResourceExhausted("no memory for deflate");
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(plain.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) return Status::Internal("deflate did not finish");
  return out;
}

// Decompress into `out`, growing it as bytes come, so that a hostile ratio costs no more
// than the bound.
Status Inflate(std::string_view compressed, std::uint64_t bytes_max, std::string* out) {
  z_stream stream{};
  if (inflateInit2(&stream, kRawWindowBits) != Z_OK) {
    return Status::ResourceExhausted("no memory for inflate");
  }
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  out->clear();
  int result = Z_OK;
  while (result == Z_OK) {
    const std::size_t filled = out->size();
    if (filled >= bytes_max) break;
    const std::size_t step = std::clamp<std::size_t>(filled, 16 << 10, 4 << 20);
    out->resize(std::min<std::uint64_t>(filled + step, bytes_max));
    stream.next_out = reinterpret_cast<Bytef*>(out->data() + filled);
    stream.avail_out = static_cast<uInt>(out->size() - filled);
    result = inflate(&stream, Z_NO_FLUSH);
    out->resize(out->size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (result == Z_STREAM_END) return Status::OK();
  if (result == Z_OK) {
    return Status::Corruption("Avro block is larger than " + std::to_string(bytes_max) +
                              " bytes");
  }
  return Status::Corruption("Avro block does not decompress");
}

std::uint64_t Fnv1a(std::string_view bytes, std::uint64_t hash) {
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace

AvroFileWriter::AvroFileWriter(AvroSchemaPtr schema,
                               std::map<std::string, std::string> metadata,
                               AvroCodec codec)
    : metadata_(std::move(metadata)), codec_(codec) {
  metadata_["avro.schema"] = AvroSchemaToJson(*schema);
  metadata_["avro.codec"] = codec_ == AvroCodec::kDeflate ? "deflate" : "null";
}

AvroFileWriter::AvroFileWriter(const AvroFileReader& like)
    : metadata_(like.metadata()), codec_(like.codec()) {}

Status AvroFileWriter::EndObject() {
  ++block_objects_;
  return block_.size() >= kBlockBytes ? EndBlock() : Status::OK();
}

Status AvroFileWriter::EndBlock() {
  if (block_objects_ == 0) return Status::OK();
  Block block{block_objects_, {}};
  if (codec_ == AvroCodec::kDeflate) {
    FIRN_ASSIGN_OR_RETURN(block.bytes, Deflate(block_));
  } else {
    block.bytes = block_;
  }
  blocks_.push_back(std::move(block));
  block_.clear();
  block_objects_ = 0;
  return Status::OK();
}

Result<std::string> AvroFileWriter::Finish() && {
  FIRN_RETURN_IF_ERROR(EndBlock());
  std::string file(kMagic);
  AvroEncoder out(file);
  out.ArrayBegin(metadata_.size());
  for (const auto& [key, value] : metadata_) {
    out.String(key);
    out.Bytes(value);
  }
  out.ArrayEnd();

  std::uint64_t low = Fnv1a(file, 0xcbf29ce484222325);
  std::uint64_t high = Fnv1a(file, 0x9ae16a3b2f90404f);
  for (const Block& block : blocks_) {
    low = Fnv1a(block.bytes, low);
    high = Fnv1a(block.bytes, high ^ static_cast<std::uint64_t>(block.objects));
  }
  std::string sync;
  base::ByteWriter sync_out(sync);
  sync_out.U64(low);
  sync_out.U64(high);

  out.Fixed(sync);
  for (const Block& block : blocks_) {
    out.Long(block.objects);
    out.Bytes(block.bytes);
    out.Fixed(sync);
  }
  return file;
}

Result<AvroFileReader> AvroFileReader::Open(std::string_view bytes) {
  AvroFileReader reader;
  if (!bytes.starts_with(kMagic)) return Status::Corruption("file is no Avro file");
  AvroDecoder in(bytes.substr(kMagic.size()));
  std::uint64_t entries = 0;
  while (true) {
    FIRN_ASSIGN_OR_RETURN(std::int64_t count, in.Long());
    if (count == 0) break;
    if (count < 0) {
      FIRN_RETURN_IF_ERROR(in.Long().status());
      // The smallest integer has no negation; it is far too many in any case.
      count = -std::max(count, -std::numeric_limits<std::int64_t>::max());
    }
    entries += static_cast<std::uint64_t>(count);
    if (entries > kMetadataEntriesMax) {
      return Status::Corruption("Avro header has too many entries");
    }
    for (std::int64_t i = 0; i < count; ++i) {
      FIRN_ASSIGN_OR_RETURN(const std::string_view key, in.Bytes());
      FIRN_ASSIGN_OR_RETURN(const std::string_view value, in.Bytes());
      reader.metadata_[std::string(key)] = std::string(value);
    }
  }
  FIRN_ASSIGN_OR_RETURN(reader.sync_, in.Raw(kSyncBytes));
  reader.blocks_ = bytes.substr(bytes.size() - in.remaining());

  const auto codec = reader.metadata_.find("avro.codec");
  if (codec == reader.metadata_.end() || codec->second == "null" ||
      codec->second.empty()) {
    reader.codec_ = AvroCodec::kNull;
  } else if (codec->second == "deflate") {
    reader.codec_ = AvroCodec::kDeflate;
  } else {
    return Status::Unimplemented("Avro codec " + codec->second + " is not read");
  }
  const auto schema = reader.metadata_.find("avro.schema");
  if (schema == reader.metadata_.end()) {
    return Status::Corruption("Avro file has no avro.schema");
  }
  FIRN_ASSIGN_OR_RETURN(reader.schema_, AvroSchemaFromJson(schema->second));
  return reader;
}

Status AvroFileReader::ReadObjects(
    const std::function<Status(AvroDecoder&)>& read) const {
  AvroDecoder in(blocks_);
  std::string plain;
  std::uint64_t total_bytes = 0;
  const std::uint64_t object_min_bytes = std::max<std::uint64_t>(schema_->min_bytes, 1);
  while (!in.AtEnd()) {
    FIRN_ASSIGN_OR_RETURN(const std::int64_t count, in.Long());
    FIRN_ASSIGN_OR_RETURN(std::string_view block, in.Bytes());
    FIRN_ASSIGN_OR_RETURN(const std::string_view sync, in.Raw(kSyncBytes));
    if (sync != sync_) return Status::Corruption("Avro sync marker does not match");
    if (codec_ == AvroCodec::kDeflate) {
      FIRN_RETURN_IF_ERROR(Inflate(block, kAvroBlockBytesMax, &plain));
      block = plain;
    }
    total_bytes += block.size();
    if (total_bytes > kAvroFileBytesMax) {
      return Status::Corruption("Avro file decompresses to more than " +
                                std::to_string(kAvroFileBytesMax) + " bytes");
    }
    if (count < 0 ||
        static_cast<std::uint64_t>(count) > block.size() / object_min_bytes) {
      return Status::Corruption("Avro block of " + std::to_string(count) +
                                " objects does not fit its bytes");
    }
    AvroDecoder objects(block);
    for (std::int64_t i = 0; i < count; ++i) {
      FIRN_RETURN_IF_ERROR(read(objects));
    }
    if (!objects.AtEnd()) {
      return Status::Corruption("Avro block has bytes after its objects");
    }
  }
  return Status::OK();
}

}  // namespace firn::iceberg
