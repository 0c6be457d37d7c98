// SPDX-License-Identifier: Apache-2.0
#include "io/temporary_name.h"

namespace firn::io {
namespace {

constexpr std::string_view kSuffix = ".tmp";
constexpr std::size_t kNameBytesMax = 255;  // NAME_MAX of Linux file systems.

}  // namespace

bool IsTemporaryName(std::string_view name) {
  return name.size() > kSuffix.size() + 1 && name.starts_with('.') &&
         name.ends_with(kSuffix);
}

std::string TemporaryName(std::string_view name, std::string_view tag) {
  std::string end;
  if (!tag.empty()) end.append(".").append(tag);
  end.append(kSuffix);
  return "." + std::string(name.substr(0, kNameBytesMax - 1 - end.size())) + end;
}

}  // namespace firn::io
