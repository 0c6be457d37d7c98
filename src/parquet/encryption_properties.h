// SPDX-License-Identifier: Apache-2.0
// encryption_properties.h: keys in Parquet C++'s terms. Internal to this room.
#pragma once

#include <memory>

#include "firn/status.h"
#include "parquet/encryption.h"

namespace parquet {
class FileDecryptionProperties;
class FileEncryptionProperties;
class SchemaDescriptor;
}  // namespace parquet

namespace firn::parquet {

// For one file: they must not be used for another. InvalidArgument for a field id that no
// leaf has.
Result<std::shared_ptr<::parquet::FileEncryptionProperties>> MakeEncryption(
    const ::parquet::SchemaDescriptor& schema, const EncryptionOptions& options);

// What a retriever returns instead of a key is thrown, and comes out of Guard() as it
// was.
std::shared_ptr<::parquet::FileDecryptionProperties> MakeDecryption(
    const DecryptionOptions& options);

// The keys to read back what is written with `options`. Errors as of MakeEncryption.
Result<std::shared_ptr<::parquet::FileDecryptionProperties>> MakeReadBack(
    const ::parquet::SchemaDescriptor& schema, const EncryptionOptions& options);

}  // namespace firn::parquet
