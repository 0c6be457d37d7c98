// SPDX-License-Identifier: Apache-2.0
// transform.h: what makes a partition or sort value of a column's value.
//
// Every transform takes NULL to NULL. year, month, day and hour count from the epoch and
// round towards minus infinity.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "firn/status.h"
#include "iceberg/type.h"
#include "iceberg/value.h"

namespace firn::iceberg {

enum class TransformKind : std::uint8_t {
  kIdentity,
  kBucket,
  kTruncate,
  kYear,
  kMonth,
  kDay,
  kHour,
  kVoid,
  // Not known here. Readers ignore the field when they prune; writers refuse the spec.
  kUnknown,
};

struct Transform {
  TransformKind kind = TransformKind::kIdentity;
  std::int32_t parameter = 0;  // Buckets of kBucket, width of kTruncate.
  std::string unknown_text;    // Of kUnknown: the text as it was read.
  bool operator==(const Transform&) const = default;

  static Transform Identity() { return {TransformKind::kIdentity, 0, {}}; }
  static Transform Day() { return {TransformKind::kDay, 0, {}}; }
  static Transform Hour() { return {TransformKind::kHour, 0, {}}; }
  // REQUIRES: the argument is positive.
  static Transform Bucket(std::int32_t buckets);
  static Transform Truncate(std::int32_t width);
};

// `identity`, `bucket[16]`, `day`.
std::string ToString(const Transform& transform);
// Never fails: text that is no known transform is kUnknown.
Transform ParseTransform(std::string_view text);

// The type of the result, or InvalidArgument where the transform does not take `source`.
// Unimplemented for an unknown transform.
Result<PrimitiveType> ResultType(const Transform& transform, const PrimitiveType& source);

// REQUIRES: ResultType(transform, source) is OK and `value`, where present, fits
// `source`.
OptionalValue ApplyTransform(const Transform& transform, const PrimitiveType& source,
                             const OptionalValue& value);

// An interval, closed at both ends, that holds every column value whose transform is a
// given value. An end that is absent is not bounded.
struct SourceRange {
  OptionalValue first;
  OptionalValue last;
};
// Absent where nothing is known: bucket, void and unknown transforms, and values too far
// out to turn back. REQUIRES: `value`, where ResultType is OK, fits it.
std::optional<SourceRange> SourceRangeOf(const Transform& transform,
                                         const PrimitiveType& source, const Value& value);

// The 32-bit Murmur3 hash that bucket takes of a value (the specification's appendix B).
// REQUIRES: bucket takes `type`.
std::int32_t BucketHash(const PrimitiveType& type, const Value& value);

// `value`, a result of `transform`, as partition paths show it: `2026-01-02` for a day,
// `2026-01-02-03` for an hour, `null` for NULL.
std::string TransformedToString(const Transform& transform, const PrimitiveType& source,
                                const OptionalValue& value);

}  // namespace firn::iceberg
