// SPDX-License-Identifier: Apache-2.0
#include "io/environment.h"

#include <cstdlib>

#include "io/file.h"

namespace firn::io {
namespace {

constexpr std::uint64_t kFileBytesMax = 1 << 20;

class OfProcess final : public Environment {
 public:
  std::optional<std::string> Variable(const std::string& name) const override {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return value;
  }
  Result<std::string> ReadFile(const std::string& path) const override {
    return LocalFileSystem().Read(path, kFileBytesMax);
  }
};

}  // namespace

const Environment& ProcessEnvironment() {
  static const OfProcess environment;
  return environment;
}

}  // namespace firn::io
