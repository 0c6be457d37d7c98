// SPDX-License-Identifier: Apache-2.0
// form.h: parameters of a request, from its query string and form body.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firn/status.h"

namespace firn::server {

// Undo %XX, and `+` for a space where `plus_is_space`. InvalidArgument, quoting the text,
// for a % that no two hexadecimal digits follow.
Result<std::string> PercentDecode(std::string_view text, bool plus_is_space);

// Names and values in the order they came. A value type; thread-compatible.
class Form {
 public:
  // Parameters of one request are few; more are refused rather than kept.
  static constexpr std::size_t kParametersMax = 1000;

  // Add those of an application/x-www-form-urlencoded text.
  Status Parse(std::string_view text);
  void Clear() { pairs_.clear(); }

  // The first value of `name`, or "" where there is none.
  std::string_view Get(std::string_view name) const;
  std::vector<std::string_view> GetAll(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

}  // namespace firn::server
