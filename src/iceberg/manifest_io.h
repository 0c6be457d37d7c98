// SPDX-License-Identifier: Apache-2.0
// manifest_io.h: reads and writes manifests and manifest lists in a store.
//
// Thread-safe: holds no state of its own beyond borrowed references.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/context.h"
#include "firn/status.h"
#include "iceberg/manifest.h"
#include "iceberg/snapshot.h"
#include "io/store.h"

namespace firn::iceberg {

class ManifestIo {
 public:
  // `store` must outlive it.
  explicit ManifestIo(io::Store& store) : store_(store) {}

  // The manifests of a snapshot, in the order of its list. What a snapshot of format
  // version 1 does not say of them (it may name `manifests` without a list, or have a
  // list without counts) is read from the manifests, and costs reading them.
  Result<std::vector<ManifestFile>> ReadManifestList(const base::Context& context,
                                                     const Snapshot& snapshot) const;

  // Call `visit` with each entry, deleted ones too, after inheritance. An error of
  // `visit` ends the reading and is returned. `metrics_of` may be null.
  Result<ManifestHeader> ReadManifest(
      const base::Context& context, const ManifestFile& manifest,
      const std::function<Status(const ManifestHeader&, ManifestEntry&&)>& visit,
      const MetricsOf* metrics_of = nullptr) const;

  // Write a new object at `location`. Returns its length. AlreadyExists where the name is
  // taken. The object is durable when this returns.
  Result<std::int64_t> WriteManifest(const base::Context& context,
                                     const std::string& location,
                                     const ManifestHeader& header,
                                     const std::vector<ManifestEntry>& entries) const;
  Status WriteManifestList(const base::Context& context, const Snapshot& snapshot,
                           const std::vector<ManifestFile>& manifests) const;

  io::Store& store() const { return store_; }

 private:
  Status CountFiles(const base::Context& context, ManifestFile* manifest) const;

  io::Store& store_;
};

}  // namespace firn::iceberg
