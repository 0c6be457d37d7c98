// SPDX-License-Identifier: Apache-2.0
// ingest.h: takes remote write requests into an Appender.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "firn/appender.h"
#include "firn/status.h"
#include "wire/remote_write.h"
#include "wire/snappy.h"

namespace firn::wire {

// What one request held.
struct IngestReport {
  AppendReport append;
  // Not stored: firn keeps float samples only.
  std::int64_t exemplars_skipped = 0;
  std::int64_t histograms_skipped = 0;
  std::vector<MetricDescription> metadata;
};

// Thread-compatible. One per connection, together with its Appender: both remember.
class RemoteWriteIngester {
 public:
  // Uncompress and read `body`, and commit its samples. A series that cannot be taken is
  // rejected and the rest is kept (IngestReport::append says how many and why). Nothing
  // is taken where an error is returned:
  //   InvalidArgument     the body is not snappy, too long uncompressed, or not protobuf
  //   anything else       what the appender said: see Appender::Commit
  Result<IngestReport> Ingest(std::string_view body, std::size_t uncompressed_bytes_max,
                              Appender& appender);

  // Memory kept for the next request.
  std::size_t capacity_bytes() const { return snappy_.capacity_bytes(); }
  void ShrinkTo(std::size_t bytes) { snappy_.ShrinkTo(bytes); }

 private:
  Status AppendAll(std::string_view message, Appender& appender, IngestReport* report);
  Status AppendSeries(std::string_view series, Appender& appender, IngestReport* report);
  Status AppendBody(std::string_view series, std::string_view alias,
                    const Appender::Prediction* prediction, Appender& appender,
                    IngestReport* report);

  SnappyReader snappy_;
  SeriesBody body_;
  std::string gathered_alias_;
};

}  // namespace firn::wire
