// SPDX-License-Identifier: Apache-2.0
// series_id.h: the identity of a series, the same on every writer and for ever.
//
// XXH3-128 (seed 0) over the tenant and the sorted labels, each text as a varint length
// and its bytes:
//
//   tenant, name 1, value 1, name 2, value 2, …
//
// in the canonical (big-endian) form that the xxHash specification defines. Do not
// change: tables hold these 16 bytes as fixed[16].
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "firn/labels.h"

namespace firn::base {

struct SeriesId {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const SeriesId&) const = default;
  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  // 32 lower-case hexadecimal digits.
  std::string ToString() const;
  // REQUIRES: raw.size() == 16.
  static SeriesId FromRaw(std::string_view raw);
};

SeriesId ComputeSeriesId(std::string_view tenant, const Labels& labels);

}  // namespace firn::base

template <>
struct std::hash<firn::base::SeriesId> {
  std::size_t operator()(const firn::base::SeriesId& id) const {
    std::size_t h;  // The id is a hash already: any eight bytes of it serve.
    std::memcpy(&h, id.bytes.data(), sizeof h);
    return h;
  }
};
