// SPDX-License-Identifier: Apache-2.0
#include "iceberg/gzip.h"

#include <zlib.h>

#include <algorithm>

namespace firn::iceberg {
namespace {

// zlib's largest window, and a gzip header in front.
constexpr int kGzipWindowBits = 15 + 16;
constexpr std::uint64_t kFirstBytes = 64 << 10;

Bytef* Input(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

Status TooLarge(std::uint64_t bytes_max) {
  return Status::Corruption("gzip file holds more than " + std::to_string(bytes_max) +
                            " bytes");
}

// Inflate until the input ends or `out` passes `bytes_max` by a byte.
Status InflateMembers(z_stream* stream, std::uint64_t bytes_max, std::string* out) {
  std::size_t filled = 0;
  int result = Z_OK;
  while (result != Z_STREAM_END || stream->avail_in > 0) {
    if (result == Z_STREAM_END && inflateReset(stream) != Z_OK) break;
    if (filled > bytes_max) return TooLarge(bytes_max);
    if (filled == out->size()) {
      out->resize(std::min<std::uint64_t>(
          bytes_max + 1, std::max<std::uint64_t>(kFirstBytes, filled * 2)));
    }
    stream->next_out = reinterpret_cast<Bytef*>(out->data() + filled);
    stream->avail_out = static_cast<uInt>(out->size() - filled);
    result = inflate(stream, Z_NO_FLUSH);
    filled = out->size() - stream->avail_out;
    // Z_BUF_ERROR: nothing moved, so the input ends too early.
    if (result != Z_OK && result != Z_STREAM_END) break;
  }
  out->resize(filled);
  if (result != Z_STREAM_END)
    return Status::Corruption("gzip file is cut off or damaged");
  if (filled <= bytes_max) return Status::OK();
  return TooLarge(bytes_max);
}

}  // namespace

bool IsGzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

Result<std::string> Gzip(std::string_view plain) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindowBits, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return Status::ResourceExhausted("no memory for gzip");
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(plain.size())), '\0');
  stream.next_in = Input(plain);
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) return Status::Internal("gzip did not finish");
  return out;
}

Result<std::string> Gunzip(std::string_view bytes, std::uint64_t bytes_max) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindowBits) != Z_OK) {
    return Status::ResourceExhausted("no memory for gzip");
  }
  stream.next_in = Input(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  const Status status = InflateMembers(&stream, bytes_max, &out);
  inflateEnd(&stream);
  if (!status.ok()) return status;
  return out;
}

}  // namespace firn::iceberg
