// SPDX-License-Identifier: Apache-2.0
#include "io/gcs_object.h"

#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/quote.h"
#include "base/timestamp.h"
#include "io/digest.h"

namespace firn::io {
namespace {

constexpr const char* kPutIdKey = "firn-put";

Status NotAResource(std::string_view text) {
  return Status::Corruption("the answer is no JSON of Google Cloud Storage's: " +
                            base::Quoted(text.substr(0, 200)));
}

std::string Text(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// Numbers of 64 bits are text in JSON.
bool ParseSize(const std::string& text, std::uint64_t* size) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, *size);
  return !text.empty() && parsed.ec == std::errc() && parsed.ptr == end;
}

bool ReadObject(const nlohmann::json& json, GcsObject* out) {
  if (!json.is_object()) return false;
  out->object.key = Text(json, "name");
  out->object.etag = Text(json, "generation");
  out->crc32c = Text(json, "crc32c");
  const auto metadata = json.find("metadata");
  if (metadata != json.end() && metadata->is_object()) {
    out->object.put_id = Text(*metadata, kPutIdKey);
  }
  const Result<TimestampUs> updated = base::ParseTimestamp(Text(json, "updated"));
  if (updated.ok()) out->object.modified_us = *updated;
  return ParseSize(Text(json, "size"), &out->object.size_bytes);
}

}  // namespace

Result<GcsObject> ParseGcsObject(std::string_view json) {
  GcsObject object;
  if (!ReadObject(nlohmann::json::parse(json, nullptr, false), &object)) {
    return NotAResource(json);
  }
  return object;
}

Result<RemotePage> ParseGcsListing(std::string_view json) {
  const nlohmann::json listing = nlohmann::json::parse(json, nullptr, false);
  if (!listing.is_object()) return NotAResource(json);
  RemotePage page;
  page.next = Text(listing, "nextPageToken");
  const auto items = listing.find("items");
  if (items == listing.end() || items->is_null()) return page;  // Of an empty page.
  if (!items->is_array()) return NotAResource(json);
  for (const nlohmann::json& item : *items) {
    GcsObject object;
    if (!ReadObject(item, &object) || object.object.key.empty()) {
      return NotAResource(json);
    }
    page.objects.push_back(std::move(object.object));
  }
  return page;
}

std::string NewGcsObject(const std::string& put_id, const std::string& crc32c) {
  nlohmann::json json = {{"contentType", "application/octet-stream"},
                         {"metadata", {{kPutIdKey, put_id}}}};
  if (!crc32c.empty()) json["crc32c"] = crc32c;
  return json.dump();
}

std::string GcsCrc32c(std::uint32_t crc) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes += static_cast<char>((crc >> shift) & 0xff);
  }
  return Base64(bytes);
}

}  // namespace firn::io
