// SPDX-License-Identifier: Apache-2.0
// table_commit_json.h: the bodies by which the REST protocol asks for commits.
//
// A client prints what a transaction built; a server parses it and hands it to its
// catalog. Bytes are bounded by who reads the body (ParseJson bounds the nesting).
#pragma once

#include <optional>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/requirement.h"
#include "iceberg/update.h"

namespace firn::iceberg {

// CommitTableRequest: one table's commit.
struct CommitTableRequest {
  // The path of the request names the table as well, except in a
  // CommitTransactionRequest.
  std::optional<TableIdentifier> identifier;
  std::vector<Requirement> requirements;
  std::vector<Update> updates;
  bool operator==(const CommitTableRequest&) const = default;
};

nlohmann::ordered_json ToJson(const TableIdentifier& identifier);
// InvalidArgument for a name that no catalog here takes; Corruption where the JSON is no
// identifier.
Result<TableIdentifier> TableIdentifierFromJson(const nlohmann::json& json);

nlohmann::ordered_json ToJson(const CommitTableRequest& request);
// Corruption that says which update or requirement is wrong; Unimplemented, by name, for
// one that is not known: what a server does not understand it must not leave out.
Result<CommitTableRequest> CommitTableRequestFromJson(const nlohmann::json& json);

// CommitTransactionRequest: several tables, all or none. Every request names its table.
nlohmann::ordered_json TransactionToJson(const std::vector<CommitTableRequest>& tables);
Result<std::vector<CommitTableRequest>> TransactionFromJson(const nlohmann::json& json);

}  // namespace firn::iceberg
