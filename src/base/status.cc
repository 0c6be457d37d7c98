// SPDX-License-Identifier: Apache-2.0
#include "firn/status.h"

#include <cstdio>
#include <cstdlib>

namespace firn {

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "OK";
    case StatusCode::kInvalidArgument:
      return "InvalidArgument";
    case StatusCode::kNotFound:
      return "NotFound";
    case StatusCode::kAlreadyExists:
      return "AlreadyExists";
    case StatusCode::kConflict:
      return "Conflict";
    case StatusCode::kPermissionDenied:
      return "PermissionDenied";
    case StatusCode::kUnavailable:
      return "Unavailable";
    case StatusCode::kResourceExhausted:
      return "ResourceExhausted";
    case StatusCode::kDeadlineExceeded:
      return "DeadlineExceeded";
    case StatusCode::kCancelled:
      return "Cancelled";
    case StatusCode::kCorruption:
      return "Corruption";
    case StatusCode::kCommitUnknown:
      return "CommitUnknown";
    case StatusCode::kUnimplemented:
      return "Unimplemented";
    case StatusCode::kInternal:
      return "Internal";
  }
  return "Unknown";
}

namespace status_internal {

void DieOnBadAccess(const Status& status) {
  const std::string text = status.ToString();
  std::fprintf(stderr, "firn: a Result without a value was used: %s\n", text.c_str());
  std::abort();
}

}  // namespace status_internal
}  // namespace firn
