// SPDX-License-Identifier: Apache-2.0
#include "iceberg/snapshot.h"

#include <charconv>

namespace firn::iceberg {

std::string_view ToString(Operation operation) {
  switch (operation) {
    case Operation::kAppend:
      return "append";
    case Operation::kReplace:
      return "replace";
    case Operation::kOverwrite:
      return "overwrite";
    case Operation::kDelete:
      return "delete";
  }
  return "?";
}

std::int64_t Snapshot::SummaryCount(const std::string& key,
                                    std::int64_t otherwise) const {
  const auto it = summary.find(key);
  if (it == summary.end()) return otherwise;
  std::int64_t count = 0;
  const char* end = it->second.data() + it->second.size();
  const auto [at, error] = std::from_chars(it->second.data(), end, count);
  return error == std::errc() && at == end ? count : otherwise;
}

}  // namespace firn::iceberg
