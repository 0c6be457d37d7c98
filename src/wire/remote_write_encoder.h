// SPDX-License-Identifier: Apache-2.0
// remote_write_encoder.h: writes remote write messages: the other side of remote_write.h.
// For tests, benchmarks and load; firn itself only receives.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "firn/sample.h"

namespace firn::wire {

using LabelPairs = std::vector<std::pair<std::string, std::string>>;

// A length-delimited field.
inline void AppendField(std::string& out, std::uint32_t number, std::string_view bytes) {
  base::ByteWriter w(out);
  w.Varint(number << 3 | 2);
  w.Text(bytes);
}

inline std::string EncodeLabel(std::string_view name, std::string_view value) {
  std::string label;
  AppendField(label, 1, name);
  AppendField(label, 2, value);
  return label;
}

// The label fields of a TimeSeries.
inline std::string EncodeAlias(const LabelPairs& labels) {
  std::string out;
  for (const auto& [name, value] : labels) AppendField(out, 1, EncodeLabel(name, value));
  return out;
}

inline std::string EncodeSample(Sample sample) {
  std::string out;
  base::ByteWriter w(out);
  w.U8(0x09);
  w.F64(sample.value);
  w.U8(0x10);
  w.Varint(static_cast<std::uint64_t>(sample.timestamp_ms));
  return out;
}

inline std::string EncodeSeries(const LabelPairs& labels,
                                const std::vector<Sample>& samples) {
  std::string out = EncodeAlias(labels);
  for (const Sample& sample : samples) AppendField(out, 2, EncodeSample(sample));
  return out;
}

// A WriteRequest of whole TimeSeries messages.
inline std::string EncodeWriteRequest(const std::vector<std::string>& series) {
  std::string out;
  for (const std::string& one : series) AppendField(out, 1, one);
  return out;
}

// prompb.MetricMetadata; `type` as prompb numbers it (1 counter, 2 gauge, …).
inline std::string EncodeMetadata(int type, std::string_view metric,
                                  std::string_view help, std::string_view unit) {
  std::string out;
  base::ByteWriter w(out);
  w.U8(0x08);
  w.Varint(static_cast<std::uint64_t>(type));
  AppendField(out, 2, metric);
  AppendField(out, 4, help);
  AppendField(out, 5, unit);
  return out;
}

}  // namespace firn::wire
