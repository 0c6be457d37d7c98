// SPDX-License-Identifier: Apache-2.0
// lent_storage.h: credentials for a table's files that a REST catalog lends. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firn/storage.h"
#include "firn/time.h"

namespace firn::iceberg {

// Settings by the names that Iceberg's own file access gives them.
using StorageConfig = std::map<std::string, std::string>;

// What is lent for locations that start with a prefix.
struct StorageCredential {
  std::string prefix;
  StorageConfig config;
};

// `config` with what the longest prefix of `location` has for it on top.
StorageConfig ConfigFor(StorageConfig config,
                        const std::vector<StorageCredential>& credentials,
                        std::string_view location);

// `config` without credentials: where files lie, for somebody with keys of his own.
StorageConfig WithoutCredentials(StorageConfig config);

// `own` with what the server says instead, or nullopt where it says nothing about
// storage. A place that the server names gets what the server lends for it and never a
// secret of one's own, other than by a signature.
std::optional<StorageOptions> LentStorage(const StorageOptions& own,
                                          const StorageConfig& config);

// When the first of the credentials ends, where that is said.
std::optional<TimestampMs> ExpiryOf(const StorageConfig& config);

}  // namespace firn::iceberg
