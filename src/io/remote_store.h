// SPDX-License-Identifier: Apache-2.0
// remote_store.h: a Store over the buckets of one object store. Internal to this room.
//
//   reader   one HEAD, or one GET of the object's end where that is asked for, or nothing
//            where the size is known; then a ranged GET for each read, which names the
//            object by the ETag of the first answer. Get() is a single request
//   writer   buffers; one PUT at Close, or from a threshold on an upload in parts that
//            are sent side by side
//   create   conditional, and named: each put carries an identifier that the store keeps
//            with the object. Where an answer was lost and the name is then found taken,
//            the identifier tells our own object from a rival's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/ulid.h"
#include "firn/storage.h"
#include "io/object_service.h"
#include "io/store.h"

namespace firn::io {

struct RemoteStoreOptions {
  std::string scheme;  // "s3"
  std::uint64_t multipart_threshold_bytes = std::uint64_t{100} << 20;
  int upload_concurrency = 10;
  // A write to a bucket that is not there makes it.
  bool create_buckets = false;
  // How an object is looked for that a repeated request was told is made, before it is
  // asked for anew: for about 40 seconds.
  RetryOptions arrival{20, 100, 4000};
};

// Makes what speaks to a bucket. Called once for each.
using ObjectServiceFactory =
    std::function<Result<std::unique_ptr<ObjectService>>(const std::string& bucket)>;

// `clock` must outlive the store.
std::unique_ptr<Store> MakeRemoteStore(RemoteStoreOptions options,
                                       ObjectServiceFactory factory,
                                       const base::Clock& clock);

}  // namespace firn::io
