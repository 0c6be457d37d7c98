// SPDX-License-Identifier: Apache-2.0
// fs_catalog.h: a catalog that is the warehouse itself: a store and nothing beside it.
//
// The layout is that of Iceberg's Hadoop catalog, so that whoever reads a table by its
// place reads these (docs/design/0022-catalogs.md):
//
//   <warehouse>/<level>/…/<table>/metadata/v<N>.metadata.json   version N, from 1 on
//                                          version-hint.text    some recent N
//   <warehouse>/<level>/…/.namespace                            a namespace, perhaps
//   empty
//
// A commit creates v<N+1> where it does not exist: of rivals exactly one does. Then it
// replaces the hint, which no reader trusts: from it one walks forward, and where it is
// missing, stale or nonsense the directory is listed.
//
// A table's name is its place: it is not renamed, its location and that of its metadata
// do not change. Namespaces have no properties. Listing tables or namespaces lists every
// object below them; loading and committing list nothing.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "firn/status.h"
#include "iceberg/catalog.h"
#include "iceberg/random.h"
#include "io/store.h"

namespace firn::iceberg {

// `warehouse` is an absolute location. All else must outlive the catalog.
std::unique_ptr<Catalog> MakeFsCatalog(std::string warehouse, io::Store& store,
                                       const base::Clock& clock, RandomSource& random);

}  // namespace firn::iceberg
