// SPDX-License-Identifier: Apache-2.0
// config_load.h: settings from a file, the environment and flags.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firn/config.h"
#include "firn/status.h"

namespace firn::cli {

// The value of an environment variable, or nullopt.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string&)>;

// Names and texts of flags given, names as ConfigField has them.
using FlagTexts = std::vector<std::pair<std::string, std::string>>;

// Apply the YAML or TOML in `text`; `path` decides which by its extension and is named in
// errors. InvalidArgument `PATH:LINE: …` for a key that does not exist, with the nearest
// one that does, for a key that comes twice, and for a value that its field does not
// take.
Status ApplyConfigText(std::string_view path, const std::string& text, Config* config);

// As above, from a file of at most 1 MiB. NotFound.
Status ApplyConfigFile(const std::string& path, Config* config);

// Defaults, then the file (`path`, else FIRN_CONFIG, else none), then FIRN_* variables,
// then flags: the later wins.
Result<Config> LoadConfig(const std::string& path, const EnvironmentLookup& environment,
                          const FlagTexts& flags);

// All settings but secrets as a YAML file that ApplyConfigText reads back; of a secret
// that is set a comment says so.
std::string ConfigAsYaml(const Config& config);

// docs/operate/configuration.md.
std::string ConfigReference();

}  // namespace firn::cli
