// SPDX-License-Identifier: Apache-2.0
#include "server/form.h"

#include <algorithm>

#include "base/hex.h"
#include "base/quote.h"

namespace firn::server {
Result<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? base::HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? base::HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return Status::InvalidArgument("invalid URL escape in " + base::Quoted(text));
      }
      out += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return out;
}

Status Form::Parse(std::string_view text) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    if (pairs_.size() == kParametersMax) {
      return Status::InvalidArgument("more than " + std::to_string(kParametersMax) +
                                     " parameters");
    }
    const std::size_t equals = pair.find('=');
    const std::string_view raw_value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    FIRN_ASSIGN_OR_RETURN(std::string name, PercentDecode(pair.substr(0, equals), true));
    FIRN_ASSIGN_OR_RETURN(std::string value, PercentDecode(raw_value, true));
    pairs_.emplace_back(std::move(name), std::move(value));
  }
  return Status::OK();
}

std::string_view Form::Get(std::string_view name) const {
  for (const auto& [key, value] : pairs_) {
    if (key == name) return value;
  }
  return {};
}

std::vector<std::string_view> Form::GetAll(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : pairs_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

}  // namespace firn::server
