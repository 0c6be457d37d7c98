// SPDX-License-Identifier: Apache-2.0
#include "base/series_id.h"

#include <xxhash.h>

#include "base/assert.h"
#include "base/bytes.h"

namespace firn::base {

std::string SeriesId::ToString() const {
  constexpr char kHexDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    out.push_back(kHexDigits[byte >> 4]);
    out.push_back(kHexDigits[byte & 0xf]);
  }
  return out;
}

SeriesId SeriesId::FromRaw(std::string_view raw) {
  SeriesId id;
  FIRN_ASSERT(raw.size() == id.bytes.size());
  std::memcpy(id.bytes.data(), raw.data(), id.bytes.size());
  return id;
}

SeriesId ComputeSeriesId(std::string_view tenant, const Labels& labels) {
  // One buffer a thread, so that hashing does not allocate.
  thread_local std::string buffer;
  buffer.clear();
  ByteWriter writer(buffer);
  writer.Text(tenant);
  for (const Label& label : labels) {
    writer.Text(label.name);
    writer.Text(label.value);
  }
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(buffer.data(), buffer.size()));
  static_assert(sizeof canonical.digest == sizeof SeriesId::bytes);
  SeriesId id;
  std::memcpy(id.bytes.data(), canonical.digest, id.bytes.size());
  return id;
}

}  // namespace firn::base
