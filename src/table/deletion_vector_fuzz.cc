// SPDX-License-Identifier: Apache-2.0
// Any bytes as a deletion vector, also behind a right length, magic and checksum, which
// bytes would not hit on by themselves. What decodes answers for every position alike.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/crc32.h"
#include "table/deletion_vector.h"

namespace {

void AppendBig(std::string& out, std::uint32_t value) {
  for (int i = 3; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
}

void Decode(std::string_view blob) {
  const auto set = firn::table::DecodeDeletionVector(blob);
  if (!set.ok()) return;
  if (set->empty() != (set->count() == 0)) std::abort();
  if (set->empty()) return;
  if (!set->Contains(*set->last())) std::abort();
  firn::table::PositionSet copy;
  copy.AddAll(*set);
  if (copy.count() != set->count() || copy.last() != set->last()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Decode(bytes);
  const std::string covered = "\xd1\xd3\x39\x64" + std::string(bytes);
  std::string blob;
  AppendBig(blob, static_cast<std::uint32_t>(covered.size()));
  blob += covered;
  AppendBig(blob, firn::base::Crc32(covered));
  Decode(blob);
  return 0;
}
