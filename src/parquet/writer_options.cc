// SPDX-License-Identifier: Apache-2.0
#include "parquet/writer_options.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/nearest_word.h"

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
  std::vector<std::string_view> names;
  for (const Codec codec : kCodecs) names.push_back(ToString(codec));
  return Status::InvalidArgument(
      "codec '" + std::string(name) +
      "'; there are uncompressed, snappy, gzip, brotli, lz4 and zstd" +
      base::DidYouMean(lower, names));
}

Result<CodecLevel> ParseCodecLevel(std::string_view text) {
  const std::size_t colon = text.find(':');
  CodecLevel out;
  FIRN_ASSIGN_OR_RETURN(out.codec, ParseCodec(text.substr(0, colon)));
  if (colon == std::string_view::npos) return out;
  const std::string_view level = text.substr(colon + 1);
  int number = 0;
  const auto [end, error] =
      std::from_chars(level.data(), level.data() + level.size(), number);
  if (error != std::errc() || end != level.data() + level.size()) {
    return Status::InvalidArgument(std::string(text) + ": the level is no number");
  }
  out.level = number;
  return out;
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
