// SPDX-License-Identifier: Apache-2.0
// encryption.h: Parquet modular encryption, as whoever holds the keys states it.
//
// A file's modules (footer, page headers, pages, indexes, bloom filters) are encrypted
// one by one, so that a reader still fetches only what it needs. Each column may have a
// key of its own; who lacks it reads the others. A file stores no key but, for the footer
// and for each column, a text of the writer's choice that says which key it is: the key
// metadata.
//
// What is authenticated is bound to its place in its file, and to `aad_prefix`, which
// names the file to its reader: an encrypted file cannot stand in for another.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "firn/status.h"
#include "parquet/secret_key.h"

namespace firn::parquet {

enum class Cipher : std::uint8_t {
  kAesGcm,     // Everything is authenticated.
  kAesGcmCtr,  // Pages are not, which is faster; the rest is. Page checksums still hold.
};

struct ColumnKey {
  std::optional<SecretKey> key;  // Absent: the footer's.
  std::string key_metadata;      // Empty for the footer's key.
};

struct EncryptionOptions {
  SecretKey footer_key;
  std::string footer_key_metadata = {};
  // The footer is signed with its key rather than encrypted: any reader sees the schema,
  // the key-value metadata and the columns that are not encrypted. Columns with the
  // footer's key are then stored without statistics, and reported without bounds.
  bool plaintext_footer = false;
  Cipher cipher = Cipher::kAesGcm;
  std::string aad_prefix = {};
  bool store_aad_prefix = true;  // Or the reader must know it.
  // By field id of the leaf. Empty: every column, with the footer's key. Otherwise leaves
  // that are not named are stored in the clear.
  std::map<std::int32_t, ColumnKey> columns = {};
};

// Where keys are kept. Thread-safe.
class KeyRetriever {
 public:
  virtual ~KeyRetriever() = default;
  // The key that `key_metadata` stands for. NotFound or PermissionDenied where it is not
  // there or not given out; the error reaches the reader's caller as it is.
  virtual Result<SecretKey> Find(const std::string& key_metadata) = 0;
};

struct DecryptionOptions {
  // Asked by key metadata. May be null.
  std::shared_ptr<KeyRetriever> keys;
  // Used instead of asking.
  std::optional<SecretKey> footer_key;
  std::map<std::string, SecretKey> column_keys;  // By the leaf's path, "a.list.element".
  // Empty: the one that the file stores. Otherwise the file's must be the same.
  std::string aad_prefix;
  // Whether to read files that are not encrypted at all. Where a table's files all ought
  // to be, one that is not may have been put there by somebody without the keys.
  bool plaintext_files = false;
};

}  // namespace firn::parquet
