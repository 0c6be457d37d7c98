// SPDX-License-Identifier: Apache-2.0
// gcs_object.h: the resource that Google Cloud Storage's JSON API describes an object by.
// Internal to this room. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "firn/status.h"
#include "io/object_service.h"

namespace firn::io {

// What is asked for of each object.
inline constexpr std::string_view kGcsObjectFields =
    "name,size,generation,updated,metadata,crc32c";

struct GcsObject {
  RemoteObject object;  // Its etag is the generation.
  std::string crc32c;   // In base64; empty where the store does not say.
};
// Corruption for text that is no such resource.
Result<GcsObject> ParseGcsObject(std::string_view json);
// Of a listing: `{"items": […], "nextPageToken": "…"}`.
Result<RemotePage> ParseGcsListing(std::string_view json);

// The resource of an object to be: its `put_id`, and its CRC where `crc32c` is not empty.
std::string NewGcsObject(const std::string& put_id, const std::string& crc32c);

// A CRC32C as the store writes it: its four bytes, the highest first, in base64.
std::string GcsCrc32c(std::uint32_t crc);

}  // namespace firn::io
