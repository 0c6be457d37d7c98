// SPDX-License-Identifier: Apache-2.0
#include "iceberg/json.h"

namespace firn::iceberg {

using nlohmann::json;

Result<json> ParseJson(std::string_view text) {
  bool too_deep = false;
  const auto watch_depth = [&](int depth, json::parse_event_t, json&) {
    if (depth > kJsonDepthMax) too_deep = true;
    return !too_deep;
  };
  try {
    json parsed = json::parse(text.begin(), text.end(), watch_depth);
    if (too_deep) return Status::Corruption("JSON is nested too deeply");
    return parsed;
  } catch (const json::exception& e) {
    // Without the library's name for the error, `[json.exception.parse_error.101] `.
    const std::string_view said = e.what();
    return Status::Corruption(
        "text is not JSON: " +
        std::string(said.starts_with('[') ? said.substr(said.find(']') + 2) : said));
  }
}

std::string JsonText(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<JsonObject> JsonObject::Of(const json& value, std::string what) {
  if (!value.is_object()) return Status::Corruption(what + " is not a JSON object");
  return JsonObject(value, std::move(what));
}

const json* JsonObject::Find(const char* key) const {
  const auto it = json_->find(key);
  return it == json_->end() || it->is_null() ? nullptr : &*it;
}

Status JsonObject::Wrong(const char* key, std::string_view expected) const {
  if (Find(key) == nullptr) {
    return Status::Corruption(what_ + ": field " + key + " is missing");
  }
  return Status::Corruption(what_ + ": field " + key + " is not " +
                            std::string(expected));
}

Result<std::optional<std::int64_t>> JsonObject::OptionalInt64(const char* key) const {
  const json* value = Find(key);
  if (value == nullptr) return std::optional<std::int64_t>();
  if (value->is_number_unsigned() &&
      value->get<std::uint64_t>() >
          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return Wrong(key, "a 64-bit integer");
  }
  if (!value->is_number_integer()) return Wrong(key, "an integer");
  return std::optional<std::int64_t>(value->get<std::int64_t>());
}

Result<std::optional<std::int32_t>> JsonObject::OptionalInt32(const char* key) const {
  FIRN_ASSIGN_OR_RETURN(const auto wide, OptionalInt64(key));
  if (!wide.has_value()) return std::optional<std::int32_t>();
  if (*wide < std::numeric_limits<std::int32_t>::min() ||
      *wide > std::numeric_limits<std::int32_t>::max()) {
    return Wrong(key, "a 32-bit integer");
  }
  return std::optional<std::int32_t>(static_cast<std::int32_t>(*wide));
}

Result<std::optional<std::string>> JsonObject::OptionalString(const char* key) const {
  const json* value = Find(key);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return Wrong(key, "a string");
  return std::optional<std::string>(value->get<std::string>());
}

Result<std::int64_t> JsonObject::Int64(const char* key) const {
  FIRN_ASSIGN_OR_RETURN(const auto value, OptionalInt64(key));
  if (!value.has_value()) return Wrong(key, "an integer");
  return *value;
}

Result<std::int32_t> JsonObject::Int32(const char* key) const {
  FIRN_ASSIGN_OR_RETURN(const auto value, OptionalInt32(key));
  if (!value.has_value()) return Wrong(key, "an integer");
  return *value;
}

Result<bool> JsonObject::Bool(const char* key) const {
  const json* value = Find(key);
  if (value == nullptr || !value->is_boolean()) return Wrong(key, "true or false");
  return value->get<bool>();
}

Result<std::string> JsonObject::String(const char* key) const {
  FIRN_ASSIGN_OR_RETURN(auto value, OptionalString(key));
  if (!value.has_value()) return Wrong(key, "a string");
  return *std::move(value);
}

Result<const json*> JsonObject::Array(const char* key) const {
  const json* value = Find(key);
  if (value == nullptr || !value->is_array()) return Wrong(key, "an array");
  return value;
}

Result<std::map<std::string, std::string>> JsonObject::StringMap(const char* key) const {
  std::map<std::string, std::string> out;
  const json* value = Find(key);
  if (value == nullptr) return out;
  if (!value->is_object()) return Wrong(key, "an object of strings");
  for (const auto& [name, text] : value->items()) {
    if (!text.is_string()) return Wrong(key, "an object of strings");
    out.emplace(name, text.get<std::string>());
  }
  return out;
}

Result<std::vector<std::int32_t>> JsonObject::Int32List(const char* key) const {
  std::vector<std::int32_t> out;
  const json* value = Find(key);
  if (value == nullptr) return out;
  if (!value->is_array()) return Wrong(key, "an array of integers");
  for (const json& element : *value) {
    if (!element.is_number_integer()) return Wrong(key, "an array of integers");
    const auto wide = element.get<std::int64_t>();
    if (wide < std::numeric_limits<std::int32_t>::min() ||
        wide > std::numeric_limits<std::int32_t>::max()) {
      return Wrong(key, "an array of 32-bit integers");
    }
    out.push_back(static_cast<std::int32_t>(wide));
  }
  return out;
}

}  // namespace firn::iceberg
