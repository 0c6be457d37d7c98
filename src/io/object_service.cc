// SPDX-License-Identifier: Apache-2.0
#include "io/object_service.h"

#include <algorithm>
#include <utility>

namespace firn::io {

Result<RemoteObject> ObjectService::GetAnyRange(const base::Context& context,
                                                const std::string& key,
                                                std::uint64_t offset, std::uint64_t size,
                                                char* out) {
  FIRN_ASSIGN_OR_RETURN(RemoteObject object, Head(context, key));
  if (offset > object.size_bytes || size > object.size_bytes - offset) {
    return Status::Conflict(
        "get " + key + ": the object has " + std::to_string(object.size_bytes) +
        " bytes, and those asked for end at " + std::to_string(offset + size));
  }
  FIRN_RETURN_IF_ERROR(GetRange(context, key, object.etag, offset, size, out));
  return object;
}

Result<RemoteTail> ObjectService::GetTail(const base::Context& context,
                                          const std::string& key, std::uint64_t size) {
  RemoteTail tail;
  FIRN_ASSIGN_OR_RETURN(tail.object, Head(context, key));
  tail.bytes.resize(std::min(size, tail.object.size_bytes));
  if (tail.bytes.empty()) return tail;
  FIRN_RETURN_IF_ERROR(GetRange(context, key, tail.object.etag,
                                tail.object.size_bytes - tail.bytes.size(),
                                tail.bytes.size(), tail.bytes.data()));
  return tail;
}

}  // namespace firn::io
