// SPDX-License-Identifier: Apache-2.0
// wal_record.h: what the time series engine writes into the log.
//
// docs/format/wal-records.md draws the bytes. A record is of one tenant, which the log's
// envelope carries.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "firn/appender.h"
#include "firn/labels.h"
#include "firn/sample.h"
#include "firn/status.h"
#include "tsdb/generation.h"

namespace firn::tsdb {

struct SeriesDefinition {
  SeriesRef ref;
  std::string_view packed_labels;
};

// Each encoder replaces `out`. Each decoder replaces `out` and returns Corruption where
// the payload is not what the encoder writes.
void EncodeSeries(std::span<const SeriesDefinition> series, std::string* out);
Status DecodeSeries(std::string_view payload, std::vector<SeriesDefinition>* out);

void EncodeSamples(std::span<const RefSample> samples, std::string* out);
Status DecodeSamples(std::string_view payload, std::vector<RefSample>* out);

void EncodeMetadata(std::span<const MetricDescription> metrics, std::string* out);
Status DecodeMetadata(std::string_view payload, std::vector<MetricDescription>* out);

}  // namespace firn::tsdb
