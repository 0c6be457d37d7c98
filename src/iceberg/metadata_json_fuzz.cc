// SPDX-License-Identifier: Apache-2.0
// Any bytes as table metadata. An answer comes back, and what is metadata reads back from
// its own text as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "iceberg/table_metadata_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto metadata = firn::iceberg::TableMetadataFromJson(
      std::string_view(reinterpret_cast<const char*>(data), size));
  if (!metadata.ok()) return 0;
  const auto again =
      firn::iceberg::TableMetadataFromJson(firn::iceberg::TableMetadataToJson(*metadata));
  if (!again.ok() || *again != *metadata) std::abort();
  return 0;
}
