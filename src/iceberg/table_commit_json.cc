// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table_commit_json.h"

#include "iceberg/json.h"
#include "iceberg/update_json.h"

namespace firn::iceberg {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

template <typename T, typename Read>
Result<std::vector<T>> ReadList(const JsonObject& in, const char* key, const Read& read) {
  FIRN_ASSIGN_OR_RETURN(const json* array, in.Array(key));
  std::vector<T> out;
  for (const json& element : *array) {
    auto value = read(element);
    if (!value.ok()) {
      return value.status().With(key + std::string(" ") + std::to_string(out.size()));
    }
    out.push_back(std::move(value).value());
  }
  return out;
}

template <typename T>
ordered_json ListToJson(const std::vector<T>& values) {
  ordered_json out = ordered_json::array();
  for (const T& value : values) out.push_back(ToJson(value));
  return out;
}

}  // namespace

ordered_json ToJson(const TableIdentifier& identifier) {
  return {{"namespace", identifier.name_space.levels}, {"name", identifier.name}};
}

Result<TableIdentifier> TableIdentifierFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "table identifier"));
  TableIdentifier identifier;
  FIRN_ASSIGN_OR_RETURN(identifier.name, in.String("name"));
  FIRN_ASSIGN_OR_RETURN(const json* levels, in.Array("namespace"));
  for (const json& level : *levels) {
    if (!level.is_string()) return in.Wrong("namespace", "an array of strings");
    identifier.name_space.levels.push_back(level.get<std::string>());
  }
  // Parsed again so that a level with a dot inside is not taken for two.
  FIRN_ASSIGN_OR_RETURN(const TableIdentifier parsed,
                        TableIdentifier::Parse(identifier.ToString()));
  if (parsed == identifier) return identifier;
  return Status::InvalidArgument("table identifier " + identifier.ToString() +
                                 " has a dot inside of a name");
}

ordered_json ToJson(const CommitTableRequest& request) {
  ordered_json out = ordered_json::object();
  if (request.identifier) out["identifier"] = ToJson(*request.identifier);
  out["requirements"] = ListToJson(request.requirements);
  out["updates"] = ListToJson(request.updates);
  return out;
}

Result<CommitTableRequest> CommitTableRequestFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "commit"));
  CommitTableRequest request;
  if (const json* identifier = in.Find("identifier"); identifier != nullptr) {
    FIRN_ASSIGN_OR_RETURN(request.identifier, TableIdentifierFromJson(*identifier));
  }
  FIRN_ASSIGN_OR_RETURN(request.requirements,
                        ReadList<Requirement>(in, "requirements", RequirementFromJson));
  FIRN_ASSIGN_OR_RETURN(request.updates, ReadList<Update>(in, "updates", UpdateFromJson));
  return request;
}

ordered_json TransactionToJson(const std::vector<CommitTableRequest>& tables) {
  return {{"table-changes", ListToJson(tables)}};
}

Result<std::vector<CommitTableRequest>> TransactionFromJson(const json& value) {
  FIRN_ASSIGN_OR_RETURN(const JsonObject in, JsonObject::Of(value, "transaction"));
  return ReadList<CommitTableRequest>(
      in, "table-changes", [](const json& change) -> Result<CommitTableRequest> {
        FIRN_ASSIGN_OR_RETURN(CommitTableRequest request,
                              CommitTableRequestFromJson(change));
        if (!request.identifier) {
          return Status::Corruption("commit: field identifier is missing");
        }
        return request;
      });
}

}  // namespace firn::iceberg
