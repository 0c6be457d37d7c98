// SPDX-License-Identifier: Apache-2.0
// test_environment.h: an environment that a test writes. For tests.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "io/environment.h"

namespace firn::io {

class FakeEnvironment final : public Environment {
 public:
  explicit FakeEnvironment(std::map<std::string, std::string> first = {})
      : variables(std::move(first)) {}

  std::optional<std::string> Variable(const std::string& name) const override {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  }
  Result<std::string> ReadFile(const std::string& path) const override {
    const auto found = files.find(path);
    if (found == files.end()) return Status::NotFound("no file " + path);
    return found->second;
  }

  std::map<std::string, std::string> variables;
  std::map<std::string, std::string> files;
};

}  // namespace firn::io
