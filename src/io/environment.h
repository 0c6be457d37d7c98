// SPDX-License-Identifier: Apache-2.0
// environment.h: what a process is told from outside, as a parameter: variables and small
// files that name credentials. Thread-safe implementations.
#pragma once

#include <optional>
#include <string>

#include "firn/status.h"

namespace firn::io {

class Environment {
 public:
  virtual ~Environment() = default;
  // A variable that is set and not empty.
  virtual std::optional<std::string> Variable(const std::string& name) const = 0;
  // A whole file, of at most a mebibyte. NotFound; ResourceExhausted.
  virtual Result<std::string> ReadFile(const std::string& path) const = 0;
};

// That of this process. Lives as long as it.
const Environment& ProcessEnvironment();

}  // namespace firn::io
