// SPDX-License-Identifier: Apache-2.0
// type_widening.h: types of which one holds every value of the other.
#pragma once

#include <memory>

#include "firn/status.h"

namespace arrow {
class Array;
class DataType;
class MemoryPool;
}  // namespace arrow

namespace firn::table {

// Whether `wide` is another type and holds every value of `narrow`: integers of the same
// sign by width, unsigned ones in a wider signed one, half and float in float and double,
// decimals of one scale by precision, text and bytes (as views too) in their large forms,
// and nothing but NULLs in any type. Nested types are never narrower.
bool IsNarrower(const arrow::DataType& narrow, const arrow::DataType& wide);

// The one of the two that holds the values of both, or null where neither does.
std::shared_ptr<arrow::DataType> CommonType(const std::shared_ptr<arrow::DataType>& a,
                                            const std::shared_ptr<arrow::DataType>& b);

// `array` as `type`. REQUIRES: its type IsNarrower().
Result<std::shared_ptr<arrow::Array>> Widen(const std::shared_ptr<arrow::Array>& array,
                                            const std::shared_ptr<arrow::DataType>& type,
                                            arrow::MemoryPool* pool);

}  // namespace firn::table
