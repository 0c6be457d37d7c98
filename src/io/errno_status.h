// SPDX-License-Identifier: Apache-2.0
// errno_status.h: what the operating system says, as a Status.
#pragma once

#include <string_view>

#include "firn/status.h"

namespace firn::io {

// `<operation> <path>: <strerror>`, with the code that tells the caller what to do next:
//
//   no such name                                   NotFound
//   name taken                                     AlreadyExists
//   modes, read-only file system                   PermissionDenied
//   disk, quota, memory or descriptors used up     ResourceExhausted
//   input/output error, stale handle, interrupted  Unavailable
//   a path that cannot be (too long, a directory)  InvalidArgument
//   anything else                                  Internal
//
// REQUIRES: error != 0.
Status ErrnoStatus(int error, std::string_view operation, std::string_view path);

}  // namespace firn::io
