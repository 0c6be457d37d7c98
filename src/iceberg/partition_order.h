// SPDX-License-Identifier: Apache-2.0
// partition_order.h: the order of partitions, which is that of their values.
#pragma once

#include "iceberg/ids.h"
#include "iceberg/value.h"

namespace firn::iceberg {

// NULL first; NaN last. A manifest keeps the values that its columns had when it was
// written, so that of one partition some files may say int and others long, or float and
// double: those are the same where the numbers are.
struct PartitionLess {
  bool operator()(const PartitionValues& a, const PartitionValues& b) const;
};

// A partition of one spec, in the order above.
struct PartitionKey {
  SpecId spec_id;
  PartitionValues values;

  bool operator<(const PartitionKey& other) const {
    if (spec_id != other.spec_id) return spec_id < other.spec_id;
    return PartitionLess()(values, other.values);
  }
};

}  // namespace firn::iceberg
