// SPDX-License-Identifier: Apache-2.0
// json.h: reading JSON objects whose fields may be missing or wrong.
//
// For the .cc files of this room that read JSON; it includes the whole JSON library.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "firn/status.h"

namespace firn::iceberg {

// Deepest nesting of JSON that is read: schemas nest to kSchemaDepthMax, two levels each.
inline constexpr int kJsonDepthMax = 256;

// Parse text as one JSON value. Corruption, with the place, where it is not.
Result<nlohmann::json> ParseJson(std::string_view text);
// Write a value on one line. Text that is no UTF-8 gets replacement characters.
std::string JsonText(const nlohmann::ordered_json& json);

// Reads the fields of one object. `what` names the object in errors, which are
// Corruption: `snapshot: field timestamp-ms is missing`. Borrows the JSON.
class JsonObject {
 public:
  static Result<JsonObject> Of(const nlohmann::json& json, std::string what);

  // Null where the field is absent or null.
  const nlohmann::json* Find(const char* key) const;

  Result<std::int64_t> Int64(const char* key) const;
  Result<std::int32_t> Int32(const char* key) const;
  Result<bool> Bool(const char* key) const;
  Result<std::string> String(const char* key) const;
  // The array under `key`.
  Result<const nlohmann::json*> Array(const char* key) const;
  Result<std::optional<std::int64_t>> OptionalInt64(const char* key) const;
  Result<std::optional<std::int32_t>> OptionalInt32(const char* key) const;
  Result<std::optional<std::string>> OptionalString(const char* key) const;
  // An object of strings; empty where it is absent.
  Result<std::map<std::string, std::string>> StringMap(const char* key) const;
  // An array of 32-bit ids; empty where it is absent.
  Result<std::vector<std::int32_t>> Int32List(const char* key) const;

  Status Wrong(const char* key, std::string_view expected) const;

 private:
  JsonObject(const nlohmann::json& json, std::string what)
      : json_(&json), what_(std::move(what)) {}
  const nlohmann::json* json_;
  std::string what_;
};

}  // namespace firn::iceberg
