// SPDX-License-Identifier: Apache-2.0
#include "iceberg/version_files.h"

#include <algorithm>
#include <charconv>

namespace firn::iceberg {
namespace {

// What follows the number, by writer: Iceberg, Iceberg with gzip, Iceberg of old with it.
constexpr std::string_view kSuffixes[] = {".metadata.json", ".gz.metadata.json",
                                          ".metadata.json.gz"};
// A hint is a number and perhaps a line's end.
constexpr std::uint64_t kHintBytesMax = 64;
// A table that commits every millisecond gets here after 30 years.
constexpr std::int64_t kVersionMax = 1'000'000'000'000;

// The number at the front of `*text`, which is cut off. 0 where there is none.
std::int64_t TakeVersion(std::string_view* text) {
  std::int64_t version = 0;
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), version);
  if (error != std::errc() || version < 1 || version > kVersionMax) return 0;
  text->remove_prefix(static_cast<std::size_t>(end - text->data()));
  return version;
}

}  // namespace

std::optional<std::int64_t> VersionOfName(std::string_view name) {
  if (!name.starts_with('v')) return std::nullopt;
  name.remove_prefix(1);
  const std::int64_t version = TakeVersion(&name);
  const bool known = version > 0 && std::find(std::begin(kSuffixes), std::end(kSuffixes),
                                              name) != std::end(kSuffixes);
  return known ? std::optional(version) : std::nullopt;
}

std::string VersionFiles::LocationOf(std::int64_t version) const {
  return directory_ + "/v" + std::to_string(version) + std::string(kSuffixes[0]);
}

std::string VersionFiles::HintLocation() const {
  return directory_ + "/version-hint.text";
}

Result<std::int64_t> VersionFiles::ReadHint(const base::Context& context) const {
  const auto text = store_.Get(context, HintLocation(), kHintBytesMax);
  if (!text.ok()) {
    const bool useless = text.status().Is(StatusCode::kNotFound) ||
                         text.status().Is(StatusCode::kResourceExhausted);
    if (useless) return 0;
    return text.status();
  }
  std::string_view rest = *text;
  const std::int64_t version = TakeVersion(&rest);
  return rest.find_first_not_of(" \r\n") == rest.npos ? version : 0;
}

Status VersionFiles::WriteHint(const base::Context& context, std::int64_t version) const {
  FIRN_ASSIGN_OR_RETURN(
      const std::unique_ptr<io::ObjectWriter> writer,
      store_.OpenWriter(context, HintLocation(), io::WriteOptions{.replace = true}));
  FIRN_RETURN_IF_ERROR(writer->Append(std::to_string(version)));
  return writer->Close();
}

Status VersionFiles::RemoveHint(const base::Context& context) const {
  return store_.Remove(context, HintLocation());
}

Result<std::optional<VersionFile>> VersionFiles::Find(const base::Context& context,
                                                      std::int64_t version) const {
  for (const std::string_view suffix : kSuffixes) {
    VersionFile file{version, directory_ + "/v" + std::to_string(version)};
    file.location += suffix;
    const Status opened = store_.OpenReader(context, file.location).status();
    if (opened.ok()) return std::optional(std::move(file));
    if (!opened.Is(StatusCode::kNotFound)) return opened;
  }
  return std::optional<VersionFile>();
}

Result<std::optional<VersionFile>> VersionFiles::FindCurrent(
    const base::Context& context) const {
  FIRN_ASSIGN_OR_RETURN(const std::int64_t hint, ReadHint(context));
  std::optional<VersionFile> current;
  if (hint > 0) {
    FIRN_ASSIGN_OR_RETURN(current, Find(context, hint));
  }
  if (!current) {
    FIRN_ASSIGN_OR_RETURN(const std::vector<VersionFile> all, List(context));
    if (all.empty()) return current;
    current = all.back();
  }
  while (true) {
    FIRN_RETURN_IF_ERROR(context.Check());
    FIRN_ASSIGN_OR_RETURN(std::optional<VersionFile> next,
                          Find(context, current->version + 1));
    if (!next) return current;
    current = std::move(next);
  }
}

Result<std::vector<VersionFile>> VersionFiles::List(const base::Context& context) const {
  std::vector<VersionFile> files;
  FIRN_RETURN_IF_ERROR(
      store_.List(context, directory_, [&](const io::ObjectInfo& object) -> Status {
        const std::string_view location = object.location;
        const auto version = VersionOfName(location.substr(location.rfind('/') + 1));
        if (version) files.push_back({*version, object.location});
        return Status::OK();
      }));
  std::sort(files.begin(), files.end(), [](const VersionFile& a, const VersionFile& b) {
    return a.version < b.version;
  });
  return files;
}

}  // namespace firn::iceberg
