// SPDX-License-Identifier: Apache-2.0
#include "wire/ingest.h"

#include <iterator>
#include <optional>
#include <utility>

namespace firn::wire {
namespace {

const Appender::LabelParser& LabelParserOnce() {
  static const Appender::LabelParser parser = ParseLabels;
  return parser;
}

// Malformed bytes inside a label come out of Resolve as Corruption, which tells them from
// labels that are well-formed and not acceptable.
Status AsMalformed(const Status& status) {
  if (!status.Is(StatusCode::kCorruption)) return status;
  return Status::InvalidArgument(std::string(status.message()));
}

// Find the series, or count its samples as rejected and leave `ref` empty. An error ends
// the whole request.
Status Resolve(std::string_view alias, std::int64_t samples, Appender& appender,
               std::optional<SeriesRef>* ref) {
  const Result<SeriesRef> resolved = appender.Resolve(alias, LabelParserOnce());
  if (resolved.ok()) {
    *ref = *resolved;
    return Status::OK();
  }
  const Status status = resolved.status();
  if (status.Is(StatusCode::kInvalidArgument) ||
      status.Is(StatusCode::kResourceExhausted)) {
    appender.Reject(samples, status);
    return Status::OK();
  }
  return AsMalformed(status);
}

}  // namespace

Result<IngestReport> RemoteWriteIngester::Ingest(std::string_view body,
                                                 std::size_t uncompressed_bytes_max,
                                                 Appender& appender) {
  FIRN_ASSIGN_OR_RETURN(const std::string_view message,
                        snappy_.Uncompress(body, uncompressed_bytes_max));
  IngestReport report;
  const Status appended = AppendAll(message, appender, &report);
  if (!appended.ok()) {
    appender.Discard();
    return appended;
  }
  FIRN_ASSIGN_OR_RETURN(report.append, appender.Commit());
  return report;
}

Status RemoteWriteIngester::AppendAll(std::string_view message, Appender& appender,
                                      IngestReport* report) {
  WriteRequestReader reader(message);
  std::string_view bytes;
  for (;;) {
    switch (reader.Next(&bytes)) {
      case WriteRequestReader::Item::kSeries:
        FIRN_RETURN_IF_ERROR(AppendSeries(bytes, appender, report));
        break;
      case WriteRequestReader::Item::kMetadata: {
        FIRN_ASSIGN_OR_RETURN(MetricDescription description, ParseMetadata(bytes));
        if (!description.metric.empty())
          report->metadata.push_back(std::move(description));
        break;
      }
      case WriteRequestReader::Item::kEnd:
        return Status::OK();
      case WriteRequestReader::Item::kMalformed:
        return Status::InvalidArgument("malformed protobuf in WriteRequest");
    }
  }
}

Status RemoteWriteIngester::AppendSeries(std::string_view series, Appender& appender,
                                         IngestReport* report) {
  const Appender::Prediction prediction = appender.Predict();
  const bool predicted = HasAlias(series, prediction.alias);
  std::size_t alias_bytes = prediction.alias.size();
  if (!predicted) {
    const std::optional<std::size_t> hopped = AliasBytes(series);
    if (!hopped) return Status::InvalidArgument("malformed protobuf in TimeSeries");
    alias_bytes = *hopped;
  }
  const std::string_view alias = series.substr(0, alias_bytes);
  Sample sample;
  if (!ReadCanonicalSample(series.substr(alias_bytes), &sample)) {
    return AppendBody(series, alias, predicted ? &prediction : nullptr, appender, report);
  }
  if (predicted) {
    appender.Accept(prediction);
    appender.Append(prediction.ref, sample);
    return Status::OK();
  }
  std::optional<SeriesRef> ref;
  FIRN_RETURN_IF_ERROR(Resolve(alias, 1, appender, &ref));
  if (ref) appender.Append(*ref, sample);
  return Status::OK();
}

// The general form: any number of samples, and fields in any order.
Status RemoteWriteIngester::AppendBody(std::string_view series, std::string_view alias,
                                       const Appender::Prediction* prediction,
                                       Appender& appender, IngestReport* report) {
  body_.Clear();
  FIRN_RETURN_IF_ERROR(ReadSeriesBody(series.substr(alias.size()), &body_));
  report->exemplars_skipped += body_.exemplars;
  report->histograms_skipped += body_.histograms;
  if (body_.has_labels) {
    FIRN_RETURN_IF_ERROR(GatherAlias(series, &gathered_alias_));
    alias = gathered_alias_;
    prediction = nullptr;
  }
  // A series with nothing to store is not worth a place among those known.
  if (body_.samples.empty()) {
    const Status valid = ParseLabels(alias).status();
    return valid.Is(StatusCode::kCorruption) ? AsMalformed(valid) : Status::OK();
  }
  std::optional<SeriesRef> ref;
  if (prediction != nullptr) {
    appender.Accept(*prediction);
    ref = prediction->ref;
  } else {
    FIRN_RETURN_IF_ERROR(Resolve(alias, std::ssize(body_.samples), appender, &ref));
  }
  if (!ref) return Status::OK();
  for (const Sample& sample : body_.samples) appender.Append(*ref, sample);
  return Status::OK();
}

}  // namespace firn::wire
