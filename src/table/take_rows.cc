// SPDX-License-Identifier: Apache-2.0
#include "table/take_rows.h"

#include <arrow/array/array_base.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/exec.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "table/arrow_status.h"

namespace firn::table {
namespace {

using Columns = RowGatherer::Columns;
using ArrayPtr = std::shared_ptr<arrow::Array>;
using BufferPtr = std::shared_ptr<arrow::Buffer>;

// How many rows ahead memory is asked for. Rows in the order of a sort lie anywhere: a
// loop that waits for each value in turn takes several times as long. Sorting 10 M rows
// with 8, 16 and 32 made no difference that can be told from noise.
constexpr std::size_t kRowsAhead = 16;
constexpr std::int64_t kOffsetBits = sizeof(std::int32_t) * 8;

// Bytes of each value where all have the same and they are whole bytes; zero otherwise.
int FixedWidth(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY || !arrow::is_fixed_width(type.id())) return 0;
  const int bits = static_cast<const arrow::FixedWidthType&>(type).bit_width();
  return bits % 8 == 0 ? bits / 8 : 0;
}

bool IsGathered(const arrow::DataType& type) {
  return arrow::is_binary_like(type.id()) || FixedWidth(type) > 0;
}

struct Validity {
  BufferPtr bitmap;  // Null: all are.
  std::int64_t null_count = 0;
};

Result<Validity> GatherValidity(const Columns& pieces, std::span<const RowAt> rows,
                                arrow::MemoryPool* pool) {
  Validity out;
  bool all = true;
  for (const ArrayPtr& piece : pieces) all = all && piece->null_count() == 0;
  if (all) return out;
  FIRN_ASSIGN_OR_RETURN(out.bitmap, FromArrow(arrow::AllocateEmptyBitmap(
                                        static_cast<std::int64_t>(rows.size()), pool)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (pieces[rows[i].batch]->IsNull(rows[i].row)) {
      ++out.null_count;
    } else {
      arrow::bit_util::SetBit(out.bitmap->mutable_data(), static_cast<std::int64_t>(i));
    }
  }
  return out;
}

// `kWidth` bytes a value, or `width` where that is not known ahead.
template <std::size_t kWidth>
void CopyFixed(const std::vector<const std::uint8_t*>& values,
               std::span<const RowAt> rows, std::size_t width, std::uint8_t* to) {
  if constexpr (kWidth > 0) width = kWidth;
  const auto value = [&](RowAt at) { return values[at.batch] + at.row * width; };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kRowsAhead < rows.size()) __builtin_prefetch(value(rows[i + kRowsAhead]));
    std::memcpy(to + i * width, value(rows[i]), kWidth > 0 ? kWidth : width);
  }
}

Result<ArrayPtr> GatherFixed(const Columns& pieces, std::span<const RowAt> rows,
                             arrow::MemoryPool* pool) {
  const auto& type = pieces.front()->type();
  const auto width = static_cast<std::size_t>(FixedWidth(*type));
  const auto count = static_cast<std::int64_t>(rows.size());
  std::vector<const std::uint8_t*> values;
  for (const ArrayPtr& piece : pieces) {
    const arrow::ArrayData& data = *piece->data();
    const BufferPtr& bytes = data.buffers[1];
    values.push_back(bytes == nullptr
                         ? nullptr  // Of no rows.
                         : bytes->data() + static_cast<std::size_t>(data.offset) * width);
  }
  FIRN_ASSIGN_OR_RETURN(Validity valid, GatherValidity(pieces, rows, pool));
  FIRN_ASSIGN_OR_RETURN(
      BufferPtr out,
      FromArrow(arrow::AllocateBuffer(count * static_cast<std::int64_t>(width), pool)));
  std::uint8_t* const to = out->mutable_data();
  switch (width) {
    case 4:
      CopyFixed<4>(values, rows, width, to);
      break;
    case 8:
      CopyFixed<8>(values, rows, width, to);
      break;
    case 16:
      CopyFixed<16>(values, rows, width, to);
      break;
    default:
      CopyFixed<0>(values, rows, width, to);
  }
  return arrow::MakeArray(arrow::ArrayData::Make(
      type, count, {std::move(valid.bitmap), std::move(out)}, valid.null_count));
}

Result<ArrayPtr> GatherBinary(const Columns& pieces, std::span<const RowAt> rows,
                              arrow::MemoryPool* pool) {
  struct Piece {
    const std::int32_t* offsets;
    const std::uint8_t* bytes;
  };
  std::vector<Piece> from;
  for (const ArrayPtr& piece : pieces) {
    const arrow::ArrayData& data = *piece->data();
    const BufferPtr& bytes = data.buffers[2];
    from.push_back(
        {data.GetValues<std::int32_t>(1), bytes == nullptr ? nullptr : bytes->data()});
  }
  const auto offset = [&](RowAt at) { return &from[at.batch].offsets[at.row]; };
  const auto value = [&](RowAt at) { return from[at.batch].bytes + *offset(at); };
  const auto count = static_cast<std::int64_t>(rows.size());
  FIRN_ASSIGN_OR_RETURN(Validity valid, GatherValidity(pieces, rows, pool));
  FIRN_ASSIGN_OR_RETURN(
      BufferPtr ends,
      FromArrow(arrow::AllocateBuffer(
          (count + 1) * static_cast<std::int64_t>(sizeof(std::int32_t)), pool)));
  auto* const offsets = reinterpret_cast<std::int32_t*>(ends->mutable_data());
  // A null's bytes, should there be any, are taken along.
  std::int64_t size = 0;
  offsets[0] = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + kRowsAhead < rows.size()) __builtin_prefetch(offset(rows[i + kRowsAhead]));
    const std::int32_t* const at = offset(rows[i]);
    size += at[1] - at[0];
    if (size > std::numeric_limits<std::int32_t>::max()) {
      return Status::ResourceExhausted(
          "a column of a batch would be larger than 2 GiB: smaller batches are needed");
    }
    offsets[i + 1] = static_cast<std::int32_t>(size);
  }
  FIRN_ASSIGN_OR_RETURN(BufferPtr bytes, FromArrow(arrow::AllocateBuffer(size, pool)));
  std::uint8_t* const to = bytes->mutable_data();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + 2 * kRowsAhead < rows.size()) {
      __builtin_prefetch(offset(rows[i + 2 * kRowsAhead]));
      __builtin_prefetch(value(rows[i + kRowsAhead]));
    }
    const auto length = static_cast<std::size_t>(offsets[i + 1] - offsets[i]);
    if (length > 0) std::memcpy(to + offsets[i], value(rows[i]), length);
  }
  return arrow::MakeArray(arrow::ArrayData::Make(
      pieces.front()->type(), count,
      {std::move(valid.bitmap), std::move(ends), std::move(bytes)}, valid.null_count));
}

// Bits of the values from `begin` to `end`, counted from the array's own first. Lists and
// maps have theirs one after another, so no row is looked at alone.
std::int64_t RangeBits(const arrow::ArrayData& data, std::int64_t begin,
                       std::int64_t end) {
  const std::int64_t valid = data.buffers[0] == nullptr ? 0 : end - begin;
  if (const int width = FixedWidth(*data.type); width > 0) {
    return (end - begin) * width * 8 + valid;
  }
  switch (data.type->id()) {
    case arrow::Type::BOOL:
      return end - begin + valid;
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::LIST:
    case arrow::Type::MAP: {
      if (begin == end) return 0;
      const auto* const offsets = data.GetValues<std::int32_t>(1);
      const std::int64_t first = offsets[begin];
      const std::int64_t last = offsets[end];
      const std::int64_t inside = data.child_data.empty()
                                      ? (last - first) * 8
                                      : RangeBits(*data.child_data[0], first, last);
      return inside + (end - begin) * kOffsetBits + valid;
    }
    case arrow::Type::STRUCT: {
      std::int64_t bits = valid;
      for (const auto& child : data.child_data) {
        bits += RangeBits(*child, data.offset + begin, data.offset + end);
      }
      return bits;
    }
    default:  // NULL.
      return 0;
  }
}

}  // namespace

Result<RowGatherer> RowGatherer::Make(std::vector<Columns> batches,
                                      arrow::MemoryPool* pool) {
  RowGatherer gatherer(pool);
  std::uint64_t rows = 0;
  for (const Columns& batch : batches) {
    gatherer.begins_.push_back(rows);
    if (!batch.empty()) rows += static_cast<std::uint64_t>(batch.front()->length());
  }
  for (std::size_t c = 0; c < batches.front().size(); ++c) {
    Column column;
    for (Columns& batch : batches) column.pieces.push_back(std::move(batch[c]));
    // A batch lets go of its piece as soon as that is copied, so that no more than one
    // column is there twice.
    column.joined = !IsGathered(*column.pieces.front()->type());
    if (column.joined && column.pieces.size() > 1) {
      auto whole = arrow::Concatenate(column.pieces, pool);
      if (whole.status().IsInvalid()) {
        return Status::ResourceExhausted(
            "a nested column of all rows that are put in order at once is larger than 2 "
            "GiB: a smaller pool_size is needed");
      }
      FIRN_ASSIGN_OR_RETURN(column.pieces.front(), FromArrow(std::move(whole)));
      column.pieces.resize(1);
    }
    const arrow::DataType& type = *column.pieces.front()->type();
    if (!column.joined) {
      std::int64_t valid_bits = 0;
      for (const ArrayPtr& piece : column.pieces) {
        if (piece->null_bitmap() != nullptr) valid_bits = 1;
        if (!arrow::is_binary_like(type.id())) continue;
        column.offsets.push_back(piece->data()->GetValues<std::int32_t>(1));
      }
      gatherer.fixed_bits_ +=
          valid_bits + (column.offsets.empty() ? FixedWidth(type) * 8 : kOffsetBits);
    }
    gatherer.columns_.push_back(std::move(column));
  }
  return gatherer;
}

void RowGatherer::AddBits(const Column& column, std::span<const RowAt> rows,
                          std::span<std::int64_t> bits) const {
  if (column.joined) {
    const arrow::ArrayData& whole = *column.pieces.front()->data();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto row = static_cast<std::int64_t>(begins_[rows[i].batch] + rows[i].row);
      bits[i] += RangeBits(whole, row, row + 1);
    }
  } else if (!column.offsets.empty()) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::int32_t* const at = column.offsets[rows[i].batch] + rows[i].row;
      bits[i] += (std::int64_t{at[1]} - at[0]) * 8;
    }
  }
}

std::size_t RowGatherer::CountWithin(std::span<const RowAt> rows,
                                     std::int64_t bytes) const {
  // Of more and more rows at a time, since few large ones may be all.
  std::array<std::int64_t, 256> bits;
  std::size_t step = 8;
  std::int64_t total = 0;
  for (std::size_t begin = 0; begin < rows.size();) {
    const auto next = rows.subspan(begin, std::min(step, rows.size() - begin));
    bits.fill(fixed_bits_);
    for (const Column& column : columns_) AddBits(column, next, bits);
    for (std::size_t i = 0; i < next.size(); ++i) {
      total += bits[i];
      if (total > bytes * 8) return std::max<std::size_t>(1, begin + i);
    }
    begin += next.size();
    step = std::min(step * 2, bits.size());
  }
  return rows.size();
}

Result<Columns> RowGatherer::Gather(std::span<const RowAt> rows) const {
  arrow::compute::ExecContext context(pool_);
  std::vector<std::uint64_t> indices;  // Into joined columns; filled for the first.
  Columns taken;
  for (const Column& column : columns_) {
    ArrayPtr values;
    if (column.joined) {
      if (indices.empty()) {
        for (const RowAt at : rows) indices.push_back(begins_[at.batch] + at.row);
      }
      FIRN_ASSIGN_OR_RETURN(
          values, FromArrow(arrow::compute::Take(
                      *column.pieces.front(),
                      arrow::UInt64Array(static_cast<std::int64_t>(indices.size()),
                                         arrow::Buffer::Wrap(indices)),
                      arrow::compute::TakeOptions::NoBoundsCheck(), &context)));
    } else if (arrow::is_binary_like(column.pieces.front()->type_id())) {
      FIRN_ASSIGN_OR_RETURN(values, GatherBinary(column.pieces, rows, pool_));
    } else {
      FIRN_ASSIGN_OR_RETURN(values, GatherFixed(column.pieces, rows, pool_));
    }
    taken.push_back(std::move(values));
  }
  return taken;
}

Result<Columns> TakeRows(const Columns& columns, const std::vector<std::uint32_t>& rows,
                         arrow::MemoryPool* pool) {
  std::vector<RowAt> at;
  at.reserve(rows.size());
  for (const std::uint32_t row : rows) at.push_back({0, row});
  FIRN_ASSIGN_OR_RETURN(const RowGatherer gatherer, RowGatherer::Make({columns}, pool));
  return gatherer.Gather(at);
}

}  // namespace firn::table
