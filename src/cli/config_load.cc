// SPDX-License-Identifier: Apache-2.0
#include "cli/config_load.h"

#include <toml++/toml.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "cli/config_field.h"

#include "base/nearest_word.h"
#include "base/quote.h"

namespace firn::cli {
namespace {

constexpr std::size_t kFileBytesMax = 1 << 20;

// One key of a file.
struct Entry {
  std::string key;
  std::vector<std::string> values;  // One, unless it is a list.
  bool is_list = false;
  bool is_group = false;  // One without keys.
  int line = 0;
};

Status At(std::string_view path, int line, std::string_view what) {
  return Status::InvalidArgument(std::string(path) + ":" + std::to_string(line) + ": " +
                                 std::string(what));
}

// Whether a group of keys under `key` is a list of `name=value`.
bool IsListField(const std::string& key) {
  const ConfigField* field = FindConfigField(key);
  return field != nullptr && field->kind == FieldKind::kList;
}

// The keys of a group, and those of groups inside of it as `group.key`.
Status AddYaml(std::string_view path, const std::string& prefix, const YAML::Node& group,
               std::vector<Entry>* entries) {
  for (const auto& pair : group) {
    Entry entry;
    entry.key = prefix + pair.first.as<std::string>();
    entry.line = pair.first.Mark().line + 1;
    const YAML::Node& value = pair.second;
    if (value.IsSequence()) {
      entry.is_list = true;
      for (const auto& item : value) {
        if (!item.IsScalar()) {
          return At(path, item.Mark().line + 1,
                    entry.key + ": expected a list of single values");
        }
        entry.values.push_back(item.as<std::string>());
      }
    } else if (value.IsMap() && IsListField(entry.key)) {
      entry.is_list = true;
      for (const auto& item : value) {
        if (!item.second.IsScalar()) {
          return At(
              path, item.first.Mark().line + 1,
              entry.key + "." + item.first.as<std::string>() + ": expected one value");
        }
        entry.values.push_back(item.first.as<std::string>() + "=" +
                               item.second.as<std::string>());
      }
    } else if (value.IsMap() && value.size() == 0) {
      entry.is_group = true;
    } else if (value.IsMap()) {
      FIRN_RETURN_IF_ERROR(AddYaml(path, entry.key + ".", value, entries));
      continue;
    } else if (value.IsScalar()) {
      entry.values.push_back(value.as<std::string>());
    } else {
      entry.values.emplace_back();
    }
    entries->push_back(std::move(entry));
  }
  return Status::OK();
}

Result<std::vector<Entry>> ReadYaml(std::string_view path, const std::string& text) {
  try {
    const YAML::Node root = YAML::Load(text);
    std::vector<Entry> entries;
    if (root.IsNull()) return entries;
    if (!root.IsMap()) return At(path, 1, "expected `key: value` lines");
    FIRN_RETURN_IF_ERROR(AddYaml(path, "", root, &entries));
    return entries;
  } catch (const YAML::Exception& e) {
    return At(path, e.mark.line + 1, e.msg);
  }
}

// Text of a TOML value, as SetField reads it; nullopt for tables and dates.
std::optional<std::string> TomlText(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  return std::nullopt;
}

// As AddYaml.
Status AddToml(std::string_view path, const std::string& prefix, const toml::table& group,
               std::vector<Entry>* entries) {
  for (const auto& [key, node] : group) {
    Entry entry;
    entry.key = prefix + std::string(key.str());
    entry.line = static_cast<int>(node.source().begin.line);
    const toml::table* const table = node.as_table();
    if (table != nullptr && !IsListField(entry.key)) {
      if (table->empty()) {
        entry.is_group = true;
        entries->push_back(std::move(entry));
        continue;
      }
      FIRN_RETURN_IF_ERROR(AddToml(path, entry.key + ".", *table, entries));
      continue;
    }
    bool understood = true;
    const auto add = [&](const std::string& before, const toml::node& value) {
      const std::optional<std::string> text = TomlText(value);
      understood = understood && text.has_value();
      entry.values.push_back(before + text.value_or(""));
    };
    entry.is_list = table != nullptr || node.is_array();
    if (table != nullptr) {
      for (const auto& [name, value] : *table) add(std::string(name.str()) + "=", value);
    } else if (const toml::array* list = node.as_array()) {
      for (const toml::node& item : *list) add("", item);
    } else {
      add("", node);
    }
    if (!understood) {
      return At(path, entry.line, entry.key + ": expected a text, number or list");
    }
    entries->push_back(std::move(entry));
  }
  return Status::OK();
}

Result<std::vector<Entry>> ReadToml(std::string_view path, const std::string& text) {
  try {
    const toml::table root = toml::parse(text, path);
    std::vector<Entry> entries;
    FIRN_RETURN_IF_ERROR(AddToml(path, "", root, &entries));
    return entries;
  } catch (const toml::parse_error& e) {
    return At(path, static_cast<int>(e.source().begin.line), e.description());
  }
}

Result<std::vector<Entry>> ReadEntries(std::string_view path, const std::string& text) {
  if (path.ends_with(".yaml") || path.ends_with(".yml")) return ReadYaml(path, text);
  if (path.ends_with(".toml")) return ReadToml(path, text);
  return Status::InvalidArgument(std::string(path) +
                                 ": expected a name that ends in .yaml, .yml or .toml");
}

std::string UnknownKey(std::string_view key) {
  std::vector<std::string_view> names;
  for (const ConfigField& field : ConfigFields()) names.push_back(field.name);
  const std::string_view nearest = base::NearestWord(key, names);
  std::string what = "unknown key " + base::Quoted(key);
  if (!nearest.empty()) what += "; did you mean " + base::Quoted(nearest) + "?";
  return what;
}

bool IsGroup(const std::string& key) {
  const auto fields = ConfigFields();
  return std::any_of(fields.begin(), fields.end(), [&](const ConfigField& field) {
    return field.name.starts_with(key + ".");
  });
}

Status ApplyEntry(const Entry& entry, Config* config) {
  if (entry.is_group && IsGroup(entry.key)) return Status::OK();
  const ConfigField* field = FindConfigField(entry.key);
  if (field == nullptr) return Status::InvalidArgument(UnknownKey(entry.key));
  if (field->kind == FieldKind::kList) {
    if (entry.is_list) {
      return SetListField(*field, entry.values, config);
    }
  } else if (entry.is_list || entry.is_group) {
    return Status::InvalidArgument(entry.key + ": expected one value, got a " +
                                   (entry.is_list ? "list" : "group"));
  }
  return SetField(*field, entry.values.front(), config);
}

}  // namespace

Status ApplyConfigText(std::string_view path, const std::string& text, Config* config) {
  FIRN_ASSIGN_OR_RETURN(const std::vector<Entry> entries, ReadEntries(path, text));
  std::set<std::string_view> seen;
  for (const Entry& entry : entries) {
    if (!seen.insert(entry.key).second) {
      return At(path, entry.line, "key " + base::Quoted(entry.key) + " comes twice");
    }
    const Status applied = ApplyEntry(entry, config);
    if (!applied.ok()) return At(path, entry.line, applied.message());
  }
  return Status::OK();
}

Status ApplyConfigFile(const std::string& path, Config* config) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Status::NotFound("configuration " + path + ": cannot be read");
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kFileBytesMax) {
    return Status::InvalidArgument("configuration " + path + ": longer than 1MiB");
  }
  return ApplyConfigText(path, text, config);
}

Result<Config> LoadConfig(const std::string& path, const EnvironmentLookup& environment,
                          const FlagTexts& flags) {
  Config config;
  const std::string file =
      !path.empty() ? path : environment("FIRN_CONFIG").value_or(std::string());
  if (!file.empty()) FIRN_RETURN_IF_ERROR(ApplyConfigFile(file, &config));
  for (const ConfigField& field : ConfigFields()) {
    const std::string variable = field.Environment();
    const std::optional<std::string> text = environment(variable);
    if (!text) continue;
    FIRN_RETURN_IF_ERROR(SetField(field, *text, &config).With("environment " + variable));
  }
  for (const auto& [name, text] : flags) {
    const ConfigField* field = FindConfigField(name);
    if (field == nullptr) return Status::InvalidArgument(UnknownKey(name));
    FIRN_RETURN_IF_ERROR(SetField(*field, text, &config).With("flag " + field->Flag()));
  }
  return config;
}

std::string ConfigAsYaml(const Config& config) {
  std::string out;
  for (const ConfigField& field : ConfigFields()) {
    const std::string text = FieldText(field, config);
    if (field.kind == FieldKind::kSecret) {
      if (!text.empty()) out += "# " + std::string(field.name) + ": " + text + "\n";
      continue;
    }
    out += std::string(field.name) + ": ";
    if (field.kind == FieldKind::kList) {
      YAML::Emitter list;
      list << YAML::Flow << YAML::BeginSeq;
      auto& c = const_cast<Config&>(config);
      for (const std::string& item : *std::get<1>(field.member)(c)) {
        list << YAML::DoubleQuoted << item;
      }
      list << YAML::EndSeq;
      out += list.c_str();
    } else if (field.kind == FieldKind::kText) {
      YAML::Emitter scalar;
      scalar << YAML::DoubleQuoted << text;
      out += scalar.c_str();
    } else {
      out += text;
    }
    out += '\n';
  }
  return out;
}

std::string ConfigReference() {
  std::string out =
      "# Configuration\n\n"
      "Generated by `firn config reference`; a test compares it with the code.\n\n"
      "A setting comes from, the later winning: its default, the file that `--config` "
      "or\n"
      "`FIRN_CONFIG` names (YAML or TOML, keys as below), the environment (the key in "
      "upper\n"
      "case with `FIRN_` before it: `FIRN_SETTLE_INTERVAL`), a flag of `firn serve` "
      "(dashes\n"
      "for underscores: `--settle-interval`). A key with dots may be written as groups "
      "in a\n"
      "file; in the environment and in flags dots are as underscores. An unknown key or "
      "flag is an error that "
      "names\n"
      "the nearest one. `firn config check FILE` reads a file and says what is wrong;\n"
      "`firn config print [FILE]` prints every setting as it would be used.\n\n"
      "A duration is written `5m`, `1h30m` or `250ms`; a size `512MB` (powers of 1000) "
      "or\n"
      "`64KiB` (powers of 1024). Items of a list are separated by commas in a flag or "
      "the\n"
      "environment.\n";
  const Config defaults;
  std::string_view group;
  for (const ConfigField& field : ConfigFields()) {
    if (field.group != group) {
      group = field.group;
      out += "\n## " + std::string(group) +
             "\n\n| key | kind | default | what it does |\n|---|---|---|---|\n";
    }
    const std::string text = FieldText(field, defaults);
    out += "| `" + std::string(field.name) + "` | " +
           std::string(FieldKindName(field.kind)) + " | " +
           (text.empty() ? std::string("none") : "`" + text + "`") + " | " +
           std::string(field.help) + " |\n";
  }
  return out;
}

}  // namespace firn::cli
