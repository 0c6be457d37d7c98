// SPDX-License-Identifier: Apache-2.0
// remote_write.h: Prometheus remote write 1.0 messages, read in place.
//
// The message is prometheus.WriteRequest of prompb/remote.proto:
//
//   WriteRequest  1 timeseries: TimeSeries, repeated     3 metadata: MetricMetadata
//   TimeSeries    1 labels: Label    2 samples: Sample   3 exemplars   4 histograms
//   Label         1 name             2 value
//   Sample        1 value: double    2 timestamp: int64, milliseconds
//
// Senders write the labels of a TimeSeries before its samples, so what names a series is
// one span of bytes at its front: the alias. A receiver that remembers aliases need not
// look inside one it has seen. How to read one TimeSeries:
//
//   1. Guess the alias and ask HasAlias(): one comparison. Or take AliasBytes(): one hop
//   a
//      label.
//   2. Read what follows: ReadCanonicalSample() where it is one sample as every known
//      sender writes it, else ReadSeriesBody().
//   3. Where the body has more labels (a legal encoding that no known sender makes), the
//      alias was not the whole name: GatherAlias() collects the label fields.
//   4. ParseLabels() turns an alias that is new into labels.
//
// All functions are pure, borrow their input, and never read outside it.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/appender.h"
#include "firn/labels.h"
#include "firn/sample.h"
#include "firn/status.h"
#include "wire/protobuf.h"

namespace firn::wire {

inline constexpr std::uint8_t kLabelTag = 0x0a;   // TimeSeries.labels, length-delimited.
inline constexpr std::uint8_t kSampleTag = 0x12;  // TimeSeries.samples, likewise.

// Walks the top level of a WriteRequest. Thread-compatible; borrows the message.
class WriteRequestReader {
 public:
  enum class Item : std::uint8_t { kSeries, kMetadata, kEnd, kMalformed };

  explicit WriteRequestReader(std::string_view message) : fields_(message) {}

  // The next time series or metadata entry, its message in `bytes`. Unknown fields are
  // passed over. A malformed message stays malformed.
  Item Next(std::string_view* bytes) {
    Field field;
    while (fields_.Next(&field)) {
      if (field.number != 1 && field.number != 3) continue;
      if (field.type != WireType::kLengthDelimited) return Item::kMalformed;
      *bytes = field.bytes;
      return field.number == 1 ? Item::kSeries : Item::kMetadata;
    }
    return fields_.ok() ? Item::kEnd : Item::kMalformed;
  }

 private:
  FieldReader fields_;
};

// Whether `series` starts with `alias` and the byte after it begins no further label.
// Labels after the samples are not seen here; see step 3. An empty alias is never one.
inline bool HasAlias(std::string_view series, std::string_view alias) {
  return alias.size() <= series.size() && !alias.empty() &&
         (alias.size() == series.size() ||
          static_cast<std::uint8_t>(series[alias.size()]) != kLabelTag) &&
         std::memcmp(series.data(), alias.data(), alias.size()) == 0;
}

// Length of the label fields at the front of `series`, or nullopt where one is cut short.
inline std::optional<std::size_t> AliasBytes(std::string_view series) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(series.data());
  const std::uint8_t* end = begin + series.size();
  const std::uint8_t* p = begin;
  while (p < end && *p == kLabelTag) {
    std::uint64_t size = 0;
    if (end - p >= 2 && p[1] < 0x80) {
      size = p[1];
      p += 2;
    } else {
      p = base::DecodeVarint(p + 1, end, &size);
      if (p == nullptr) return std::nullopt;
    }
    if (size > static_cast<std::uint64_t>(end - p)) return std::nullopt;
    p += size;
  }
  return static_cast<std::size_t>(p - begin);
}

// Read `rest`, what follows the alias, where it is exactly one sample in the form that
// protobuf encoders write for today's timestamps: 0x12, 16, 0x09, 8 bytes, 0x10, a varint
// of six bytes. False for anything else, also where that is well-formed.
inline bool ReadCanonicalSample(std::string_view rest, Sample* sample) {
  constexpr std::size_t kBytes = 18;
  if (rest.size() != kBytes) return false;
  const char* p = rest.data();
  if (p[0] != kSampleTag || p[1] != 16 || p[2] != 0x09 || p[11] != 0x10) return false;
  // The last eight bytes hold the end of the value and, above it, the varint.
  std::uint64_t v;
  std::memcpy(&v, p + kBytes - 8, 8);
  v >>= 16;
  if ((v & 0x808080808080) != 0x008080808080) return false;
  std::memcpy(&sample->value, p + 3, 8);
  // Six groups of seven bits, closed up pairwise: 7 -> 14 -> 28 -> 42 bits.
  v &= 0x7f7f7f7f7f7f;
  v = (v & 0x007f007f007f) | ((v & 0x7f007f007f00) >> 1);
  v = (v & 0x3fff) | ((v >> 2) & 0xfffc000) | ((v >> 4) & 0x3fff0000000);
  sample->timestamp_ms = static_cast<TimestampMs>(v);
  return true;
}

// What follows the labels of one TimeSeries. Reused: Clear() keeps the memory.
struct SeriesBody {
  std::vector<Sample> samples;  // In the order of the message.
  std::int64_t exemplars = 0;
  std::int64_t histograms = 0;
  bool has_labels = false;  // More labels after a sample: see GatherAlias().

  void Clear() {
    samples.clear();
    exemplars = 0;
    histograms = 0;
    has_labels = false;
  }
};

// Read `rest` into a cleared `body`. InvalidArgument where it is malformed.
Status ReadSeriesBody(std::string_view rest, SeriesBody* body);

// Write all label fields of `series`, wherever they stand, into `alias` in the canonical
// form, one after the other. InvalidArgument where `series` is malformed.
Status GatherAlias(std::string_view series, std::string* alias);

// Labels that `alias` holds, sorted; a label with an empty value is dropped, as it means
// the label is absent. As a Prometheus receiver does, InvalidArgument where a name or
// value is not UTF-8, a name is empty or comes twice, or there is no metric name; the
// text names the label. Corruption where the bytes are malformed protobuf.
Result<Labels> ParseLabels(std::string_view alias);

// One MetricMetadata. InvalidArgument where it is malformed or not UTF-8.
Result<MetricDescription> ParseMetadata(std::string_view message);

}  // namespace firn::wire
