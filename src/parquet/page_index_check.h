// SPDX-License-Identifier: Apache-2.0
// page_index_check.h: holds a chunk's page index against its pages, one after the other.
// Internal to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "firn/file_check.h"
#include "parquet/chunk_index.h"
#include "parquet/fault_list.h"
#include "parquet/value_range.h"
#include "parquet/watched_pages.h"

namespace firn::parquet {

// What a page turned out to hold.
struct PageContents {
  PagesSeen::Extent extent;  // Without a size where it is not known.
  std::int64_t first_row = 0;
  bool starts_within_row = false;
  std::int64_t value_count = 0;  // NULLs left out.
  // Inside lists the format lets NULLs be counted in two ways: with the empty and missing
  // lists, and without. They are equal elsewhere.
  std::int64_t null_count = 0;
  std::int64_t null_elements = 0;
};

// Thread-compatible. What it is made of must outlive it.
template <typename DType>
class PageIndexCheck {
 public:
  // `range` may be null, for columns without bounds.
  PageIndexCheck(const ChunkIndex& index, const ValueRange<DType>* range,
                 FaultList& faults)
      : offsets_(index.offsets.get()),
        bounds_(index.bounds.get()),
        range_(range),
        faults_(faults) {
    if (bounds_ == nullptr) return;
    const std::size_t pages = bounds_->null_pages().size();
    if (bounds_->encoded_min_values().size() == pages &&
        bounds_->encoded_max_values().size() == pages &&
        (!bounds_->has_null_counts() || bounds_->null_counts().size() == pages)) {
      return;
    }
    faults_.Add(FaultKind::kPageIndex, -1,
                "its lists of bounds and NULLs are of different lengths", "");
    bounds_ = nullptr;
  }

  // The page `number` is read; `range` holds its values.
  void Add(std::int64_t number, const PageContents& page) {
    const auto i = static_cast<std::size_t>(number);
    if (offsets_ != nullptr && i < offsets_->page_locations().size()) {
      CheckLocation(number, offsets_->page_locations()[i], page);
    }
    if (bounds_ != nullptr && i < bounds_->null_pages().size()) CheckValues(i, page);
  }

  // There were `pages`. Not after a chunk that could not be read to its end.
  void Finish(std::int64_t pages) {
    if (offsets_ != nullptr) CheckCount(pages, offsets_->page_locations().size());
    if (bounds_ == nullptr) return;
    if (!CheckCount(pages, bounds_->null_pages().size()) || range_ == nullptr) return;
    CheckOrder();
  }

 private:
  void Misfit(std::int64_t page, std::string found, std::string expected) {
    faults_.Add(FaultKind::kPageIndex, page, std::move(found), std::move(expected));
  }

  void CheckLocation(std::int64_t number, const ::parquet::PageLocation& at,
                     const PageContents& page) {
    if (page.extent.size_bytes > 0 &&
        (at.offset != page.extent.offset ||
         at.compressed_page_size != page.extent.size_bytes)) {
      Misfit(number,
             std::to_string(at.compressed_page_size) + " bytes at " +
                 std::to_string(at.offset),
             std::to_string(page.extent.size_bytes) + " bytes at " +
                 std::to_string(page.extent.offset));
    } else if (at.first_row_index != page.first_row) {
      Misfit(number, "first row " + std::to_string(at.first_row_index),
             std::to_string(page.first_row));
    } else if (page.starts_within_row) {
      Misfit(number, "it starts within a row", "pages that start with one");
    }
  }

  void CheckValues(std::size_t i, const PageContents& page) {
    const auto number = static_cast<std::int64_t>(i);
    const bool all_null = bounds_->null_pages()[i];
    if (all_null != (page.value_count == 0)) {
      Misfit(number, all_null ? "nothing but NULLs" : "values",
             std::to_string(page.value_count) + " values");
      return;
    }
    if (bounds_->has_null_counts()) {
      const std::int64_t nulls = bounds_->null_counts()[i];
      if (nulls != page.null_count && nulls != page.null_elements) {
        Misfit(number, std::to_string(nulls) + " NULLs", std::to_string(page.null_count));
      }
    }
    if (all_null || range_ == nullptr) return;
    const auto misfit = range_->Compare(&bounds_->encoded_min_values()[i], false,
                                        &bounds_->encoded_max_values()[i], false);
    if (misfit.has_value()) Misfit(number, misfit->found, misfit->expected);
  }

  bool CheckCount(std::int64_t pages, std::size_t listed) {
    if (pages == static_cast<std::int64_t>(listed)) return true;
    Misfit(-1, std::to_string(listed) + " pages", std::to_string(pages));
    return false;
  }

  // Bounds of pages that have values, as the index says that they ascend or descend.
  void CheckOrder() {
    const auto order = bounds_->boundary_order();
    if (order != ::parquet::BoundaryOrder::Ascending &&
        order != ::parquet::BoundaryOrder::Descending) {
      return;
    }
    const bool ascends = order == ::parquet::BoundaryOrder::Ascending;
    for (const auto* values :
         {&bounds_->encoded_min_values(), &bounds_->encoded_max_values()}) {
      const std::string* last = nullptr;
      for (std::size_t i = 0; i < values->size(); ++i) {
        if (bounds_->null_pages()[i]) continue;
        const std::string& value = (*values)[i];
        if (last != nullptr) {
          const auto falls =
              ascends ? range_->Less(value, *last) : range_->Less(*last, value);
          if (falls.value_or(false)) {
            Misfit(static_cast<std::int64_t>(i), "its bounds break the order",
                   ascends ? "bounds that ascend" : "bounds that descend");
            return;
          }
        }
        last = &value;
      }
    }
  }

  const ::parquet::OffsetIndex* offsets_;
  const ::parquet::ColumnIndex* bounds_;
  const ValueRange<DType>* const range_;
  FaultList& faults_;
};

}  // namespace firn::parquet
