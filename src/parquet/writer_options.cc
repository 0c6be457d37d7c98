// SPDX-License-Identifier: Apache-2.0
#include "parquet/writer_options.h"

#include <algorithm>
#include <array>

namespace firn::parquet {
namespace {

constexpr std::array kCodecs = {Codec::kUncompressed, Codec::kSnappy, Codec::kGzip,
                                Codec::kBrotli,       Codec::kLz4,    Codec::kZstd};

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace

std::string_view ToString(Codec codec) {
  switch (codec) {
    case Codec::kUncompressed:
      return "uncompressed";
    case Codec::kSnappy:
      return "snappy";
    case Codec::kGzip:
      return "gzip";
    case Codec::kBrotli:
      return "brotli";
    case Codec::kLz4:
      return "lz4";
    case Codec::kZstd:
      return "zstd";
  }
  return "unknown";
}

Result<Codec> ParseCodec(std::string_view name) {
  const std::string lower = Lower(name);
  if (lower == "none") return Codec::kUncompressed;
  if (lower == "lz4_raw") return Codec::kLz4;
  const auto found = std::find_if(kCodecs.begin(), kCodecs.end(),
                                  [&](Codec codec) { return ToString(codec) == lower; });
  if (found != kCodecs.end()) return *found;
  return Status::InvalidArgument(
      "codec '" + std::string(name) +
      "'; there are uncompressed, snappy, gzip, brotli, lz4 and zstd");
}

const ColumnOptions& OptionsOf(const WriterOptions& options, const std::string& path,
                               std::int32_t field_id) {
  const auto by_id = options.columns.find(field_id);
  if (field_id >= 0 && by_id != options.columns.end()) return by_id->second;
  const auto by_path = options.columns_by_path.find(path);
  return by_path != options.columns_by_path.end() ? by_path->second
                                                  : options.default_column;
}

std::string_view ToString(Encoding encoding) {
  switch (encoding) {
    case Encoding::kPlain:
      return "PLAIN";
    case Encoding::kDeltaBinaryPacked:
      return "DELTA_BINARY_PACKED";
    case Encoding::kDeltaLengthByteArray:
      return "DELTA_LENGTH_BYTE_ARRAY";
    case Encoding::kDeltaByteArray:
      return "DELTA_BYTE_ARRAY";
    case Encoding::kByteStreamSplit:
      return "BYTE_STREAM_SPLIT";
  }
  return "UNKNOWN";
}

}  // namespace firn::parquet
