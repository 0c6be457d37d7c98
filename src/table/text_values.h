// SPDX-License-Identifier: Apache-2.0
// text_values.h: values of a table's primitive types out of text, one after the other.
// Internal to row_file.h.
//
//   boolean          true, false, 1, 0; letters of any case
//   int, long        decimal digits, with a minus in front where they are negative
//   float, double    1, -1.5e3, NaN, +Inf, -Inf; what is too large is none of them
//   decimal          decimal_text.h
//   date, time       2024-01-02; 03:04, 03:04:05.678
//   timestamp        2024-01-02T03:04:05.678, or with a space, and timestamptz with a
//                    zone: Z, +01:00
//   string           the text
//   binary, fixed    hexadecimal digits; those of 16 bytes also as a UUID has them
//
// Blanks around a value are none of it, but in text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "firn/status.h"

namespace arrow {
class Array;
class ArrayBuilder;
class DataType;
class MemoryPool;
class StringArray;
}  // namespace arrow

namespace firn::table {

// The builder of a column. Thread-compatible.
class TextValues {
 public:
  // Whether there is text for the values of `type`: not for those of nested ones.
  static bool Are(const arrow::DataType& type);
  // REQUIRES: Are(*type). `pool` must outlive it.
  TextValues(const std::shared_ptr<arrow::DataType>& type, arrow::MemoryPool* pool);
  ~TextValues();

  // InvalidArgument where `text` is none, and then nothing is appended: why, to be read
  // after the value, such as `is no long`.
  Status Append(std::string_view text) { return append_(text, *builder_); }
  arrow::ArrayBuilder& builder() { return *builder_; }

 private:
  std::unique_ptr<arrow::ArrayBuilder> builder_;
  Status (*append_)(std::string_view text, arrow::ArrayBuilder& builder);
};

enum class TimeText : std::uint8_t { kNone, kDate, kTimeOfDay, kLocal, kZoned };
// Which of dates, times of day, and timestamps without and with a zone `text` is.
TimeText TimeTextOf(std::string_view text);
// What text is of which some is `a` and some is `b`: a date is a local timestamp as well.
TimeText CommonTimeText(TimeText a, TimeText b);

// What a column of text stands for, from a sample of it: the first of boolean, numbers,
// dates and times that every value is, and else text.
Result<std::shared_ptr<arrow::DataType>> TypeOfText(const arrow::StringArray& sample,
                                                    arrow::MemoryPool* pool);

// The type as a table has it: `long`, `decimal(9, 2)`, `list`.
std::string TableTypeName(const arrow::DataType& type);

// The beginning of `text` between quotes, for errors.
std::string ShownText(std::string_view text);

}  // namespace firn::table
