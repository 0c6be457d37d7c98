// SPDX-License-Identifier: Apache-2.0
// aws_profile.h: the files in which AWS's tools keep named profiles ("Configuration and
// credential file settings", AWS CLI User Guide). Internal to this room.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "firn/status.h"
#include "io/environment.h"

namespace firn::io {

// Settings of one profile: those of the credentials file before those of the
// configuration file.
using AwsProfile = std::map<std::string, std::string>;

// Sections of such a file by name, `profile x` as `x`. Lines that are none of the form
// are skipped, as AWS's tools do; nested settings are not kept.
std::map<std::string, AwsProfile> ParseAwsProfiles(std::string_view text);

// The profile `name` from AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials) and
// AWS_CONFIG_FILE (~/.aws/config). NotFound, naming both files, where neither has it.
Result<AwsProfile> LoadAwsProfile(const Environment& environment,
                                  const std::string& name);

}  // namespace firn::io
