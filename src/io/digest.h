// SPDX-License-Identifier: Apache-2.0
// digest.h: hashes and encodings that object stores' protocols ask for. The wall around
// OpenSSL. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "firn/status.h"

namespace firn::io {

// Raw bytes: 32, 32 and 16.
std::string Sha256(std::string_view bytes);
std::string HmacSha256(std::string_view key, std::string_view bytes);
std::string Md5(std::string_view bytes);

// Lower-case hexadecimal digits.
std::string Hex(std::string_view bytes);

// RFC 4648, section 4, with padding; InvalidArgument for text that is none of it.
std::string Base64(std::string_view bytes);
Result<std::string> FromBase64(std::string_view text);
// RFC 4648, section 5, without padding.
std::string Base64Url(std::string_view bytes);

// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2), raw bytes. `key_pem` is a
// private key in PEM. InvalidArgument where it is not.
Result<std::string> SignRs256(std::string_view key_pem, std::string_view bytes);

}  // namespace firn::io
