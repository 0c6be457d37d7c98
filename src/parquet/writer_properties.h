// SPDX-License-Identifier: Apache-2.0
// writer_properties.h: a writer's options in Parquet C++'s terms, checked against the
// schema. Internal to this room.
#pragma once

#include <memory>

#include "firn/status.h"
#include "parquet/properties.h"
#include "parquet/writer_options.h"

namespace parquet {
class SchemaDescriptor;
}  // namespace parquet

namespace firn::parquet {

// InvalidArgument names the option that cannot be, and the column it is of.
Result<std::shared_ptr<::parquet::WriterProperties>> MakeWriterProperties(
    const ::parquet::SchemaDescriptor& schema, const WriterOptions& options,
    arrow::MemoryPool* pool);

}  // namespace firn::parquet
