// SPDX-License-Identifier: Apache-2.0
// partition_spec.h: how a table's rows are split among files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "firn/status.h"
#include "iceberg/ids.h"
#include "iceberg/schema.h"
#include "iceberg/transform.h"
#include "iceberg/value.h"

namespace firn::iceberg {

struct PartitionField {
  FieldId source_id;
  FieldId field_id;  // Unique over all specs of a table; from 1000 on.
  std::string name;
  Transform transform;
  bool operator==(const PartitionField&) const = default;
};

// No fields: the table is not partitioned.
struct PartitionSpec {
  SpecId id;
  std::vector<PartitionField> fields;
  bool operator==(const PartitionSpec&) const = default;

  // Same sources, transforms and names in the same order, whatever the ids.
  bool IsCompatibleWith(const PartitionSpec& other) const;
  FieldId HighestFieldId() const;  // 999 where there is no field.
};

// No field, or void ones alone: every row lies in one partition.
bool IsUnpartitioned(const PartitionSpec& spec);

// Unique names and ids, sources that exist in `schema` and that the transforms take, no
// unknown transform, no name that a column with another meaning has. InvalidArgument.
Status CheckPartitionSpec(const PartitionSpec& spec, const Schema& schema);

// The source type of each field, in order. A field whose source is gone from the schema
// (or whose transform is unknown) has no type, and nothing can be pruned by it.
std::vector<std::optional<PrimitiveType>> SourceTypes(const PartitionSpec& spec,
                                                      const Schema& schema);
// The struct that manifests hold of each file: optional fields with the spec's field ids.
// InvalidArgument where a source is missing; Unimplemented for an unknown transform.
Result<StructType> PartitionType(const PartitionSpec& spec, const Schema& schema);

// `ts_day=2026-01-02/host=a%2Fb`, names and values percent-encoded; empty where the table
// is not partitioned. REQUIRES: values.size() == spec.fields.size().
std::string PartitionPath(const PartitionSpec& spec, const Schema& schema,
                          const PartitionValues& values);

// `[day(ts) as ts_day]`, for people.
std::string ToString(const PartitionSpec& spec, const Schema& schema);

}  // namespace firn::iceberg
