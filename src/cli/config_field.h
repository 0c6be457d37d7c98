// SPDX-License-Identifier: Apache-2.0
// config_field.h: the one table of settings.
//
// From it come the flags of `firn serve` (--settle-interval), the environment
// (FIRN_SETTLE_INTERVAL), the keys of YAML and TOML files (settle_interval), and the page
// docs/operate/configuration.md. Pure functions over the value struct Config.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "firn/config.h"
#include "firn/secret.h"
#include "firn/status.h"

namespace firn::cli {

enum class FieldKind : std::uint8_t {
  kText,
  kList,
  kDuration,
  kSize,
  kCount,
  kBool,
  kChoice,  // One of a few words.
  kSecret,  // Not shown anywhere, and no flag: other users see a process's flags.
};
std::string_view FieldKindName(FieldKind kind);

// An enumeration: the words for its values, in order.
struct ChoiceMember {
  std::vector<std::string_view> words;
  std::size_t (*get)(const Config&);
  void (*set)(Config&, std::size_t);
};

struct ConfigField {
  std::string_view name;   // In snake case, as files write it, groups before dots.
  std::string_view group;  // A heading of the reference page.
  FieldKind kind;
  std::string_view help;  // Sentences.
  // Smallest and largest value of a number: milliseconds, bytes or a count.
  std::int64_t least = 0;
  std::int64_t most = INT64_MAX;
  std::variant<std::string* (*)(Config&), std::vector<std::string>* (*)(Config&),
               std::int64_t* (*)(Config&), int* (*)(Config&), bool* (*)(Config&),
               ChoiceMember, Secret* (*)(Config&)>
      member;
  // What else has to hold of the value. Null: nothing.
  Status (*check)(const Config&) = nullptr;

  std::string Flag() const;         // --settle-interval
  std::string Environment() const;  // FIRN_SETTLE_INTERVAL
};

// In the order of the reference page.
std::span<const ConfigField> ConfigFields();
// Null where there is none of that name.
const ConfigField* FindConfigField(std::string_view name);

// Set a field from text; items of a list are separated by commas. InvalidArgument, naming
// the field, where the text is not of its kind or out of its bounds.
Status SetField(const ConfigField& field, std::string_view text, Config* config);
// Set a list from its items; errors as above. REQUIRES: field.kind is kList.
Status SetListField(const ConfigField& field, std::vector<std::string> items,
                    Config* config);

// The value as text that SetField reads back; of a secret only whether there is one.
std::string FieldText(const ConfigField& field, const Config& config);

}  // namespace firn::cli
