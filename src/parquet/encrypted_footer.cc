// SPDX-License-Identifier: Apache-2.0
#include "parquet/encrypted_footer.h"

#include <exception>
#include <utility>

#include "parquet/encryption/encryption.h"
#include "parquet/file_reader.h"
#include "parquet/metadata.h"
#include "parquet/properties.h"
#include "parquet/tail_file.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

constexpr std::size_t kTailBytes = 8;
constexpr std::string_view kEncryptedMagic = "PARE";

::parquet::EncryptionAlgorithm AlgorithmOf(std::string_view tail,
                                           std::uint32_t footer_bytes) {
  const char* const footer = tail.data() + tail.size() - kTailBytes - footer_bytes;
  if (tail.substr(tail.size() - kEncryptedMagic.size()) == kEncryptedMagic) {
    return ::parquet::FileCryptoMetaData::Make(
               reinterpret_cast<const std::uint8_t*>(footer),
               static_cast<std::int64_t>(footer_bytes))
        ->encryption_algorithm();
  }
  return ::parquet::FileMetaData::Make(footer, static_cast<std::int64_t>(footer_bytes))
      ->encryption_algorithm();
}

// The prefix is part of what is authenticated, so a wrong one would look like a wrong
// key.
Status CheckPrefix(const ::parquet::AadMetadata& stored, const std::string& given) {
  if (stored.supply_aad_prefix && given.empty()) {
    return Status::InvalidArgument(
        "encrypted with an AAD prefix that the file does not store, and none was given");
  }
  if (!stored.aad_prefix.empty() && !given.empty() && stored.aad_prefix != given) {
    return Status::InvalidArgument("encrypted with AAD prefix '" + stored.aad_prefix +
                                   "', given was '" + given + "'");
  }
  if (!stored.supply_aad_prefix && stored.aad_prefix.empty() && !given.empty()) {
    return Status::InvalidArgument("encrypted without an AAD prefix, given was '" +
                                   given + "'");
  }
  return Status::OK();
}

}  // namespace

Result<std::shared_ptr<::parquet::FileMetaData>> LoadEncryptedFooter(
    std::int64_t size_bytes, std::string tail,
    std::shared_ptr<::parquet::FileDecryptionProperties> keys) {
  std::uint32_t footer_bytes = 0;
  tail.copy(reinterpret_cast<char*>(&footer_bytes), sizeof footer_bytes,
            tail.size() - kTailBytes);
  FIRN_RETURN_IF_ERROR(
      CheckPrefix(AlgorithmOf(tail, footer_bytes).aad, keys->aad_prefix()));
  ::parquet::ReaderProperties properties;
  properties.file_decryption_properties(std::move(keys));
  properties.set_footer_read_size(footer_bytes + kTailBytes);
  const auto mismatch = [](const std::exception& e) {
    return Status::PermissionDenied(
        "footer: not what its key makes of it: the key is another, or the footer was "
        "altered (" +
        std::string(e.what()) + ")");
  };
  try {
    return ::parquet::ParquetFileReader::Open(
               std::make_shared<TailFile>(size_bytes, std::move(tail)), properties)
        ->metadata();
  } catch (const ::parquet::ParquetInvalidOrCorruptedFileException& e) {
    return mismatch(e);  // The signature of a footer in the clear.
  } catch (const ::parquet::ParquetStatusException&) {
    throw;  // The retriever's own answer, or memory.
  } catch (const ::parquet::ParquetException& e) {
    return mismatch(e);
  }
}

}  // namespace firn::parquet
