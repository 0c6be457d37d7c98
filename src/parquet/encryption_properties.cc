// SPDX-License-Identifier: Apache-2.0
#include "parquet/encryption_properties.h"

#include <string>
#include <utility>

#include "arrow/util/secure_string.h"

#include "parquet/encryption/encryption.h"
#include "parquet/schema.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

using arrow::util::SecureString;

class Retriever final : public ::parquet::DecryptionKeyRetriever {
 public:
  explicit Retriever(std::shared_ptr<KeyRetriever> keys) : keys_(std::move(keys)) {}

  SecureString GetKey(const std::string& key_metadata) override {
    const Result<SecretKey> key = keys_ != nullptr ? keys_->Find(key_metadata)
                                                   : Status::PermissionDenied("no keys");
    if (key.ok()) return key->bytes();
    throw ::parquet::ParquetStatusException(
        ToArrow(key.status().With("key '" + key_metadata + "'")));
  }

 private:
  const std::shared_ptr<KeyRetriever> keys_;
};

// Leaves by field id, of those that the options name.
Result<std::map<std::int32_t, std::string>> PathsOf(
    const ::parquet::SchemaDescriptor& schema, const EncryptionOptions& options) {
  std::map<std::int32_t, std::string> paths;
  for (int i = 0; i < schema.num_columns(); ++i) {
    const ::parquet::ColumnDescriptor& leaf = *schema.Column(i);
    const std::int32_t field_id = leaf.schema_node()->field_id();
    if (options.columns.contains(field_id)) {
      paths.emplace(field_id, leaf.path()->ToDotString());
    }
  }
  for (const auto& [field_id, unused] : options.columns) {
    if (field_id < 0 || !paths.contains(field_id)) {
      return Status::InvalidArgument("encryption.columns: field id " +
                                     std::to_string(field_id) +
                                     ", which no leaf of the schema has");
    }
  }
  return paths;
}

}  // namespace

Result<std::shared_ptr<::parquet::FileEncryptionProperties>> MakeEncryption(
    const ::parquet::SchemaDescriptor& schema, const EncryptionOptions& options) {
  ::parquet::FileEncryptionProperties::Builder builder(options.footer_key.bytes());
  builder.footer_key_metadata(options.footer_key_metadata);
  builder.algorithm(options.cipher == Cipher::kAesGcmCtr
                        ? ::parquet::ParquetCipher::AES_GCM_CTR_V1
                        : ::parquet::ParquetCipher::AES_GCM_V1);
  if (options.plaintext_footer) builder.set_plaintext_footer();
  if (!options.aad_prefix.empty()) {
    builder.aad_prefix(options.aad_prefix);
    if (!options.store_aad_prefix) builder.disable_aad_prefix_storage();
  }
  FIRN_ASSIGN_OR_RETURN(const auto paths, PathsOf(schema, options));
  ::parquet::ColumnPathToEncryptionPropertiesMap columns;
  for (const auto& [field_id, column] : options.columns) {
    using ::parquet::ColumnEncryptionProperties;
    columns[paths.at(field_id)] = column.key.has_value()
                                      ? ColumnEncryptionProperties::WithColumnKey(
                                            column.key->bytes(), column.key_metadata)
                                      : ColumnEncryptionProperties::WithFooterKey();
  }
  if (!columns.empty()) builder.encrypted_columns(std::move(columns));
  return builder.build();
}

std::shared_ptr<::parquet::FileDecryptionProperties> MakeDecryption(
    const DecryptionOptions& options) {
  ::parquet::FileDecryptionProperties::Builder builder;
  builder.key_retriever(std::make_shared<Retriever>(options.keys));
  if (options.footer_key.has_value()) builder.footer_key(options.footer_key->bytes());
  ::parquet::ColumnPathToDecryptionPropertiesMap columns;
  for (const auto& [path, key] : options.column_keys) {
    columns[path] =
        ::parquet::ColumnDecryptionProperties::Builder(path).key(key.bytes())->build();
  }
  if (!columns.empty()) builder.column_keys(std::move(columns));
  if (!options.aad_prefix.empty()) builder.aad_prefix(options.aad_prefix);
  return builder.build();
}

Result<std::shared_ptr<::parquet::FileDecryptionProperties>> MakeReadBack(
    const ::parquet::SchemaDescriptor& schema, const EncryptionOptions& options) {
  FIRN_ASSIGN_OR_RETURN(const auto paths, PathsOf(schema, options));
  DecryptionOptions keys;
  keys.footer_key = options.footer_key;
  keys.aad_prefix = options.aad_prefix;
  for (const auto& [field_id, column] : options.columns) {
    if (column.key.has_value()) {
      keys.column_keys.emplace(paths.at(field_id), *column.key);
    }
  }
  return MakeDecryption(keys);
}

}  // namespace firn::parquet
