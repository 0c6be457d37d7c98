// SPDX-License-Identifier: Apache-2.0
// Any bytes as a remote write: as a body, and as what a body uncompresses to. An answer
// comes back, and no byte outside them is read.
#include <snappy.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/ingest.h"
#include "wire/recording_appender.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kBytesMax = 1 << 20;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  firn::wire::RecordingAppender appender(/*keep_samples=*/false);
  firn::wire::RemoteWriteIngester ingester;
  (void)ingester.Ingest(bytes, kBytesMax, appender);
  std::string body;
  snappy::Compress(bytes.data(), bytes.size(), &body);
  // Twice, so that the second meets the predictions the first left behind.
  for (int i = 0; i < 2; ++i) (void)ingester.Ingest(body, kBytesMax, appender);
  return 0;
}
