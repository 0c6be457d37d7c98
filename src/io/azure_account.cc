// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <utility>

#include "io/azure_credentials.h"

namespace firn::io {
namespace {

constexpr std::string_view kSuffix = "core.windows.net";

using Fields = std::map<std::string, std::string>;

// `AccountName=a;AccountKey=…;EndpointSuffix=core.windows.net`
Result<Fields> ParseConnectionString(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const std::string_view field = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), field.size() + 1));
    if (field.empty()) continue;
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos) {
      return Status::InvalidArgument(
          "azure: the connection string has a part without `=`");
    }
    fields.emplace(field.substr(0, equals), field.substr(equals + 1));
  }
  if (fields.contains("UseDevelopmentStorage")) {
    return Status::InvalidArgument(
        "azure: the connection string says UseDevelopmentStorage: name the emulator's "
        "BlobEndpoint, AccountName and AccountKey instead");
  }
  return fields;
}

bool HasSecret(const AzureOptions& options) {
  return !options.account_key.empty() || !options.sas_token.empty() ||
         !options.connection_string.empty();
}

// What the environment may add to options that hold no secret.
void AddFromEnvironment(const Environment& environment, AzureAccount* account) {
  for (const char* name : {"AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY"}) {
    if (!account->key.empty()) break;
    account->key = Secret(environment.Variable(name).value_or(""));
  }
  if (account->key.empty()) {
    account->sas = Secret(environment.Variable("AZURE_STORAGE_SAS_TOKEN").value_or(""));
  }
  account->source = "the environment";
}

}  // namespace

Result<AzureAccount> FindAzureAccount(const AzureOptions& options,
                                      const Environment& environment) {
  AzureAccount account{options.account, options.endpoint, options.account_key,
                       options.sas_token, "the options"};
  Secret text = options.connection_string;
  const bool by_environment =
      !HasSecret(options) && options.credentials != AzureCredentialsKind::kAnonymous;
  if (by_environment) {
    text = Secret(environment.Variable("AZURE_STORAGE_CONNECTION_STRING").value_or(""));
  }
  std::string suffix(kSuffix);
  std::string protocol = "https";
  if (!text.empty()) {
    FIRN_ASSIGN_OR_RETURN(Fields fields, ParseConnectionString(text.Reveal()));
    const auto field = [&](const char* name) { return fields[name]; };
    if (account.name.empty()) account.name = field("AccountName");
    if (account.endpoint.empty()) account.endpoint = field("BlobEndpoint");
    if (account.key.empty()) account.key = Secret(field("AccountKey"));
    if (account.sas.empty()) account.sas = Secret(field("SharedAccessSignature"));
    if (!field("EndpointSuffix").empty()) suffix = field("EndpointSuffix");
    if (!field("DefaultEndpointsProtocol").empty()) {
      protocol = field("DefaultEndpointsProtocol");
    }
    account.source = "the connection string";
  } else if (by_environment) {
    AddFromEnvironment(environment, &account);
  }
  for (const char* name : {"AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"}) {
    if (account.name.empty()) account.name = environment.Variable(name).value_or("");
  }
  if (account.sas.Reveal().starts_with('?')) {
    account.sas = Secret(std::string(account.sas.Reveal().substr(1)));
  }
  if (account.endpoint.empty() && !account.name.empty()) {
    account.endpoint = protocol + "://" + account.name + ".blob." + suffix;
  }
  return account;
}

}  // namespace firn::io
