// SPDX-License-Identifier: Apache-2.0
#include "iceberg/metadata_file.h"

#include <array>
#include <charconv>
#include <cstdio>

#include "base/log.h"
#include "iceberg/gzip.h"
#include "iceberg/table_metadata_json.h"

namespace firn::iceberg {
namespace {

constexpr char kPlainSuffix[] = ".metadata.json";
constexpr char kGzipSuffix[] = ".gz.metadata.json";

// The number in front of a metadata file's name, or -1.
std::int64_t VersionOf(std::string_view location) {
  const std::string_view name = location.substr(location.rfind('/') + 1);
  std::int64_t version = 0;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), version);
  const bool numbered = error == std::errc() && end < name.data() + name.size() &&
                        *end == '-' && version >= 0 && version < 1'000'000'000;
  return numbered ? version : -1;
}

bool Compresses(const TableMetadata& metadata) {
  const std::string* codec = metadata.FindProperty(kPropertyMetadataCompression);
  return codec != nullptr && (*codec == "gzip" || *codec == "GZIP");
}

}  // namespace

std::string NextMetadataLocation(const TableMetadata& metadata,
                                 std::string_view previous_location,
                                 RandomSource& random) {
  std::array<char, 32> number{};
  std::snprintf(number.data(), number.size(), "%05lld",
                static_cast<long long>(VersionOf(previous_location) + 1));
  return metadata.MetadataDirectory() + "/" + number.data() + "-" + random.NextUuid() +
         (Compresses(metadata) ? kGzipSuffix : kPlainSuffix);
}

Result<TableMetadata> ReadMetadataFile(const base::Context& context, io::Store& store,
                                       const std::string& location) {
  const std::string what = "table metadata " + location;
  auto bytes = store.Get(context, location, kMetadataFileBytesMax);
  if (!bytes.ok()) return bytes.status().With(what);
  if (IsGzip(*bytes)) {
    bytes = Gunzip(*bytes, kMetadataFileBytesMax);
    if (!bytes.ok()) return bytes.status().With(what);
  }
  auto metadata = TableMetadataFromJson(*bytes);
  if (!metadata.ok()) return metadata.status().With(what);
  return metadata;
}

Status WriteMetadataFile(const base::Context& context, io::Store& store,
                         const std::string& location, const TableMetadata& metadata) {
  return PutMetadataJson(context, store, location, TableMetadataToJson(metadata));
}

Status PutMetadataJson(const base::Context& context, io::Store& store,
                       const std::string& location, std::string json) {
  const std::string what = "table metadata " + location;
  if (location.ends_with(kGzipSuffix)) {
    auto compressed = Gzip(json);
    if (!compressed.ok()) return compressed.status().With(what);
    json = std::move(compressed).value();
  }
  return PutUnnamed(context, store, location, json).With(what);
}

Status PutUnnamed(const base::Context& context, io::Store& store,
                  const std::string& location, std::string_view bytes) {
  const Status status = store.PutIfAbsent(context, location, bytes);
  if (!status.Is(StatusCode::kCommitUnknown)) return status;
  return Status::Unavailable(std::string(status.message()));
}

void RemoveUnnamed(io::Store& store, const std::vector<std::string>& locations) {
  const base::Context context;
  for (const std::string& location : locations) {
    const Status removed = store.Remove(context, location);
    if (!removed.ok()) {
      base::LogWarn("object that no table names was not removed",
                    {{"location", location}, {"error", removed.ToString()}});
    }
  }
}

}  // namespace firn::iceberg
