// SPDX-License-Identifier: Apache-2.0
// firn config: check and print settings.
#include <string>

#include "cli/commands.h"

#include "base/json.h"

namespace firn::cli {

int ConfigCheck(World& world, const CommonFlags& common, const std::string& file) {
  Config config;
  const Status applied = ApplyConfigFile(file, &config);
  if (!applied.ok()) {
    return PrintBadUsage(world, "configuration", applied,
                         "`firn config reference` lists the settings.");
  }
  if (common.json) {
    world.out << R"({"file":)" << base::JsonString(file) << R"(,"ok":true})" << "\n";
  } else if (!common.quiet) {
    world.out << file << ": ok\n";
  }
  return kDone;
}

int ConfigPrint(World& world, const std::string& file) {
  const Result<Config> config = LoadConfig(file, world.environment, {});
  if (!config.ok()) return PrintBadUsage(world, "configuration", config.status());
  world.out << ConfigAsYaml(*config);
  return kDone;
}

Result<Config> ReaderConfig(const World& world, const SourceFlags& source) {
  FlagTexts flags;
  if (!source.warehouse.empty()) flags.emplace_back("warehouse", source.warehouse);
  if (!source.catalog.empty()) flags.emplace_back("catalog", source.catalog);
  return LoadConfig(source.config_file, world.environment, flags);
}

}  // namespace firn::cli
