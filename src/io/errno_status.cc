// SPDX-License-Identifier: Apache-2.0
#include "io/errno_status.h"

#include <cerrno>
#include <string>
#include <system_error>

namespace firn::io {
namespace {

StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
      return StatusCode::kNotFound;
    case EEXIST:
      return StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return StatusCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EMLINK:
      return StatusCode::kResourceExhausted;
    case EIO:
    case ENXIO:
    case ENODEV:
    case ESTALE:
    case ETIMEDOUT:
    case EINTR:
    case EAGAIN:
    case EBUSY:
      return StatusCode::kUnavailable;
    case EISDIR:
    case ENOTDIR:
    case ENOTEMPTY:
    case ENAMETOOLONG:
    case ELOOP:
    case EINVAL:
    case EXDEV:
      return StatusCode::kInvalidArgument;
    default:
      return StatusCode::kInternal;
  }
}

}  // namespace

Status ErrnoStatus(int error, std::string_view operation, std::string_view path) {
  std::string message(operation);
  message.append(" ").append(path).append(": ");
  // std::generic_category().message() is strerror without its shared buffer.
  message += std::generic_category().message(error);
  return {CodeOf(error), std::move(message)};
}

}  // namespace firn::io
