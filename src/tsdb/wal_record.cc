// SPDX-License-Identifier: Apache-2.0
#include "tsdb/wal_record.h"

#include "base/bytes.h"

namespace firn::tsdb {
namespace {

// The fewest bytes an element takes; a count that could not fit is refused before
// anything is allocated.
constexpr std::uint64_t kSeriesBytesMin = 2;
constexpr std::uint64_t kSampleBytesMin = 1 + 1 + 8;
constexpr std::uint64_t kMetadataBytesMin = 4;

Status BadCount(std::string_view what, std::uint64_t count, std::size_t bytes) {
  return Status::Corruption("a " + std::string(what) + " record claims " +
                            std::to_string(count) + " entries in " +
                            std::to_string(bytes) + " bytes");
}

Status Malformed(std::string_view what) {
  return Status::Corruption("a " + std::string(what) +
                            " record is cut short or has bytes left over");
}

}  // namespace

void EncodeSeries(std::span<const SeriesDefinition> series, std::string* out) {
  out->clear();
  base::ByteWriter writer(*out);
  writer.Varint(series.size());
  for (const SeriesDefinition& definition : series) {
    writer.Varint(definition.ref.value);
    writer.Text(definition.packed_labels);
  }
}

Status DecodeSeries(std::string_view payload, std::vector<SeriesDefinition>* out) {
  out->clear();
  base::ByteReader reader(payload);
  const std::uint64_t count = reader.Varint();
  if (count > reader.remaining() / kSeriesBytesMin) {
    return BadCount("series", count, payload.size());
  }
  out->reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t ref = reader.Varint();
    const std::string_view packed = reader.Text();
    if (!reader.ok() || ref > UINT32_MAX) return Malformed("series");
    out->push_back({{static_cast<std::uint32_t>(ref)}, packed});
  }
  if (!reader.ok() || !reader.AtEnd()) return Malformed("series");
  return Status::OK();
}

void EncodeSamples(std::span<const RefSample> samples, std::string* out) {
  // Written with a bare pointer: this runs for every sample that comes in.
  constexpr std::size_t kBytesMax = 2 * base::kVarintBytesMax + sizeof(double);
  out->resize(base::kVarintBytesMax + samples.size() * kBytesMax);
  auto* const begin = reinterpret_cast<std::uint8_t*>(out->data());
  std::uint8_t* p = base::EncodeVarint(begin, samples.size());
  std::int64_t last_ref = 0;
  std::uint64_t last_ms = 0;
  for (const RefSample& s : samples) {
    p = base::EncodeVarint(p, base::ZigZag(std::int64_t{s.series.value} - last_ref));
    last_ref = s.series.value;
    const auto timestamp_ms = static_cast<std::uint64_t>(s.sample.timestamp_ms);
    p = base::EncodeVarint(
        p, base::ZigZag(static_cast<std::int64_t>(timestamp_ms - last_ms)));
    last_ms = timestamp_ms;
    std::memcpy(p, &s.sample.value, sizeof s.sample.value);
    p += sizeof s.sample.value;
  }
  out->resize(static_cast<std::size_t>(p - begin));
}

Status DecodeSamples(std::string_view payload, std::vector<RefSample>* out) {
  out->clear();
  base::ByteReader reader(payload);
  const std::uint64_t count = reader.Varint();
  if (count > reader.remaining() / kSampleBytesMin) {
    return BadCount("samples", count, payload.size());
  }
  out->reserve(count);
  std::uint64_t ref = 0;  // Unsigned, so that a hostile difference wraps around.
  std::uint64_t timestamp_ms = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    ref += static_cast<std::uint64_t>(reader.SignedVarint());
    timestamp_ms += static_cast<std::uint64_t>(reader.SignedVarint());
    const double value = reader.F64();
    if (!reader.ok() || ref > UINT32_MAX) return Malformed("samples");
    out->push_back({{static_cast<std::uint32_t>(ref)},
                    {static_cast<TimestampMs>(timestamp_ms), value}});
  }
  if (!reader.ok() || !reader.AtEnd()) return Malformed("samples");
  return Status::OK();
}

void EncodeMetadata(std::span<const MetricDescription> metrics, std::string* out) {
  out->clear();
  base::ByteWriter writer(*out);
  writer.Varint(metrics.size());
  for (const MetricDescription& m : metrics) {
    writer.Text(m.metric);
    writer.Text(m.type);
    writer.Text(m.help);
    writer.Text(m.unit);
  }
}

Status DecodeMetadata(std::string_view payload, std::vector<MetricDescription>* out) {
  out->clear();
  base::ByteReader reader(payload);
  const std::uint64_t count = reader.Varint();
  if (count > reader.remaining() / kMetadataBytesMin) {
    return BadCount("metadata", count, payload.size());
  }
  out->reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    MetricDescription m;
    m.metric = reader.Text();
    m.type = reader.Text();
    m.help = reader.Text();
    m.unit = reader.Text();
    out->push_back(std::move(m));
  }
  if (!reader.ok() || !reader.AtEnd()) return Malformed("metadata");
  return Status::OK();
}

}  // namespace firn::tsdb
