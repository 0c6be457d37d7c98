// SPDX-License-Identifier: Apache-2.0
// encrypted_footer.h: the footer of a file whose keys are at hand. Internal to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "firn/status.h"

namespace parquet {
class FileDecryptionProperties;
class FileMetaData;
}  // namespace parquet

namespace firn::parquet {

// Decrypt the footer, or check its signature where it is in the clear. `tail` ends the
// file and holds the whole footer. The metadata decrypts what else is encrypted, as far
// as there are keys.
//
// Errors: what the retriever returned, where it had no footer key. PermissionDenied where
// the key does not fit the footer, which is also what altered bytes look like.
// InvalidArgument for an AAD prefix that is missing or another. May throw Parquet's
// exceptions where the footer is damaged otherwise.
Result<std::shared_ptr<::parquet::FileMetaData>> LoadEncryptedFooter(
    std::int64_t size_bytes, std::string tail,
    std::shared_ptr<::parquet::FileDecryptionProperties> keys);

}  // namespace firn::parquet
