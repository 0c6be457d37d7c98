// SPDX-License-Identifier: Apache-2.0
// secret_key.h: a key of AES that nobody prints by accident.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>

#include "arrow/util/secure_string.h"

#include "firn/status.h"

namespace firn::parquet {

// 16, 24 or 32 bytes. There is no way to text, and the bytes are overwritten when a copy
// goes. A value: copies are keys of their own.
class SecretKey {
 public:
  // Takes the bytes and leaves `bytes` overwritten and empty, also where it fails.
  // InvalidArgument for another length, which is all that it says of the key.
  static Result<SecretKey> Make(std::string&& bytes) {
    const std::size_t size = bytes.size();
    SecretKey key;
    key.bytes_ = arrow::util::SecureString(std::move(bytes));
    if (size == 16 || size == 24 || size == 32) return key;
    return Status::InvalidArgument("key of " + std::to_string(size) +
                                   " bytes: AES has keys of 16, 24 and 32");
  }

  // For who hands it to a cipher.
  const arrow::util::SecureString& bytes() const { return bytes_; }

 private:
  SecretKey() = default;
  arrow::util::SecureString bytes_;
};

std::ostream& operator<<(std::ostream& out, const SecretKey& key) = delete;

}  // namespace firn::parquet
