// SPDX-License-Identifier: Apache-2.0
#include "wire/remote_write.h"

#include <array>
#include <bit>
#include <utility>

#include "base/utf8.h"

namespace firn::wire {
namespace {

constexpr std::uint32_t kLabelsField = 1;
constexpr std::uint32_t kSamplesField = 2;
constexpr std::uint32_t kExemplarsField = 3;
constexpr std::uint32_t kHistogramsField = 4;

Status Malformed(std::string_view message) {
  return Status::InvalidArgument("malformed protobuf in " + std::string(message));
}

// A field of Sample that has another type than the schema's is malformed, not unknown.
bool ReadSample(std::string_view message, Sample* sample) {
  *sample = Sample{};
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (field.number == 1) {
      if (field.type != WireType::kFixed64) return false;
      sample->value = std::bit_cast<double>(field.scalar);
    } else if (field.number == 2) {
      if (field.type != WireType::kVarint) return false;
      sample->timestamp_ms = static_cast<TimestampMs>(field.scalar);
    }
  }
  return fields.ok();
}

bool ReadLabel(std::string_view message, Label* label) {
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (field.number != 1 && field.number != 2) continue;
    if (field.type != WireType::kLengthDelimited) return false;
    (field.number == 1 ? label->name : label->value).assign(field.bytes);
  }
  return fields.ok();
}

// prompb.MetricMetadata.MetricType, in the order of its numbers.
constexpr std::array<std::string_view, 8> kMetricTypes = {
    "unknown",        "counter", "gauge", "histogram",
    "gaugehistogram", "summary", "info",  "stateset"};

}  // namespace

Status ReadSeriesBody(std::string_view rest, SeriesBody* body) {
  FieldReader fields(rest);
  Field field;
  while (fields.Next(&field)) {
    if (field.number < kLabelsField || field.number > kHistogramsField) continue;
    if (field.type != WireType::kLengthDelimited) return Malformed("TimeSeries");
    switch (field.number) {
      case kLabelsField:
        body->has_labels = true;
        break;
      case kSamplesField: {
        Sample sample;
        if (!ReadSample(field.bytes, &sample)) return Malformed("Sample");
        body->samples.push_back(sample);
        break;
      }
      case kExemplarsField:
        ++body->exemplars;
        break;
      case kHistogramsField:
        ++body->histograms;
        break;
      default:
        break;
    }
  }
  return fields.ok() ? Status::OK() : Malformed("TimeSeries");
}

Status GatherAlias(std::string_view series, std::string* alias) {
  alias->clear();
  base::ByteWriter out(*alias);
  FieldReader fields(series);
  Field field;
  while (fields.Next(&field)) {
    if (!field.Is(kLabelsField, WireType::kLengthDelimited)) continue;
    out.U8(kLabelTag);
    out.Text(field.bytes);
  }
  return fields.ok() ? Status::OK() : Malformed("TimeSeries");
}

Result<Labels> ParseLabels(std::string_view alias) {
  std::vector<Label> labels;
  FieldReader fields(alias);
  Field field;
  while (fields.Next(&field)) {
    Label label;
    if (!field.Is(kLabelsField, WireType::kLengthDelimited) ||
        !ReadLabel(field.bytes, &label)) {
      return Status::Corruption("malformed protobuf in Label");
    }
    labels.push_back(std::move(label));
  }
  if (!fields.ok()) return Status::Corruption("malformed protobuf in Label");
  FIRN_ASSIGN_OR_RETURN(Labels parsed, Labels::Make(std::move(labels)));
  if (parsed.metric_name().empty()) {
    return Status::InvalidArgument("series " + parsed.ToString() +
                                   " has no metric name (" +
                                   std::string(kMetricNameLabel) + ")");
  }
  return parsed;
}

Result<MetricDescription> ParseMetadata(std::string_view message) {
  MetricDescription description;
  description.type = kMetricTypes[0];
  FieldReader fields(message);
  Field field;
  while (fields.Next(&field)) {
    if (field.number == 1) {
      if (field.type != WireType::kVarint) return Malformed("MetricMetadata");
      description.type =
          kMetricTypes[field.scalar < kMetricTypes.size() ? field.scalar : 0];
      continue;
    }
    std::string* text = field.number == 2   ? &description.metric
                        : field.number == 4 ? &description.help
                        : field.number == 5 ? &description.unit
                                            : nullptr;
    if (text == nullptr) continue;
    if (field.type != WireType::kLengthDelimited) return Malformed("MetricMetadata");
    if (!base::IsValidUtf8(field.bytes)) {
      return Status::InvalidArgument("metadata of " + description.metric + ": field " +
                                     std::to_string(field.number) + " is not UTF-8");
    }
    text->assign(field.bytes);
  }
  if (!fields.ok()) return Malformed("MetricMetadata");
  return description;
}

}  // namespace firn::wire
