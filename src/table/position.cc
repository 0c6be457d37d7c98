// SPDX-License-Identifier: Apache-2.0
#include "table/position.h"

#include <charconv>

namespace firn::table {

std::string Position::ToString() const {
  return log.ToString() + ":" + std::to_string(offset);
}

Result<Position> Position::Parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return Status::InvalidArgument("position '" + std::string(text) +
                                   "' is not of the form <log>:<offset>");
  }
  Position position;
  FIRN_ASSIGN_OR_RETURN(position.log, base::Ulid::Parse(text.substr(0, colon)));
  const std::string_view digits = text.substr(colon + 1);
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, position.offset);
  if (error != std::errc() || stop != end) {
    return Status::InvalidArgument("position '" + std::string(text) +
                                   "' has no whole number after the colon");
  }
  return position;
}

std::string PositionKey(const base::Ulid& writer) {
  return kPositionPrefix + writer.ToString();
}

Result<std::optional<Position>> FindPosition(const iceberg::TableMetadata& metadata,
                                             const base::Ulid& writer) {
  const std::string key = PositionKey(writer);
  const std::string* text = metadata.FindProperty(key);
  if (text == nullptr) return std::optional<Position>();
  const Result<Position> position = Position::Parse(*text);
  if (!position.ok()) {
    return Status::Corruption("table property " + key + ": " +
                              std::string(position.status().message()));
  }
  return std::optional<Position>(*position);
}

}  // namespace firn::table
