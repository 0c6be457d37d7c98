// SPDX-License-Identifier: Apache-2.0
#include "io/aws_profile.h"

namespace firn::io {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string PathOf(const Environment& environment, const std::string& variable,
                   const std::string& name) {
  if (const auto path = environment.Variable(variable)) return *path;
  return environment.Variable("HOME").value_or("") + "/.aws/" + name;
}

}  // namespace

std::map<std::string, AwsProfile> ParseAwsProfiles(std::string_view text) {
  std::map<std::string, AwsProfile> profiles;
  AwsProfile* profile = nullptr;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    const std::string_view line = Trim(whole);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      std::string_view name = Trim(line.substr(1, line.find(']') - 1));
      if (name.starts_with("profile ")) name = Trim(name.substr(8));
      profile = &profiles[std::string(name)];
      continue;
    }
    const std::size_t equals = line.find('=');
    const bool is_nested = whole.front() == ' ' || whole.front() == '\t';
    if (profile == nullptr || equals == line.npos || is_nested) continue;
    std::string_view value = Trim(line.substr(equals + 1));
    // A comment follows a space.
    const std::size_t comment = value.find(" #");
    if (comment != value.npos) value = Trim(value.substr(0, comment));
    (*profile)[std::string(Trim(line.substr(0, equals)))] = value;
  }
  return profiles;
}

Result<AwsProfile> LoadAwsProfile(const Environment& environment,
                                  const std::string& name) {
  const std::string credentials =
      PathOf(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
  const std::string config = PathOf(environment, "AWS_CONFIG_FILE", "config");
  AwsProfile profile;
  bool found = false;
  for (const std::string& path : {credentials, config}) {
    const Result<std::string> text = environment.ReadFile(path);
    if (text.status().Is(StatusCode::kNotFound)) continue;
    if (!text.ok()) return text.status();
    const auto profiles = ParseAwsProfiles(*text);
    const auto here = profiles.find(name);
    if (here == profiles.end()) continue;
    found = true;
    profile.insert(here->second.begin(), here->second.end());
  }
  if (found) return profile;
  return Status::NotFound("no profile \"" + name + "\" in " + credentials + " or " +
                          config);
}

}  // namespace firn::io
