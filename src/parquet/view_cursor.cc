// SPDX-License-Identifier: Apache-2.0
#include "parquet/view_cursor.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "arrow/array/array_base.h"
#include "arrow/buffer.h"
#include "arrow/type.h"

#include "parquet/column_page.h"
#include "parquet/column_reader.h"
#include "parquet/encoding.h"
#include "parquet/metadata.h"
#include "parquet/row_position.h"
#include "parquet/schema.h"
#include "parquet/types.h"
#include "parquet/view_array.h"
#include "parquet/wall.h"

namespace firn::parquet {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using BufferPtr = std::shared_ptr<arrow::Buffer>;
using ::parquet::ByteArray;
using ByteArrayDecoder = ::parquet::TypedDecoder<::parquet::ByteArrayType>;
using DictionaryDecoder = ::parquet::DictDecoder<::parquet::ByteArrayType>;
using ::parquet::Encoding;

// Values that are decoded at a time.
constexpr int kStep = 1024;

class ViewCursor final : public ColumnCursor {
 public:
  ViewCursor(const ::parquet::ColumnDescriptor& column,
             std::shared_ptr<arrow::DataType> type, RowRanges rows,
             std::unique_ptr<::parquet::PageReader> pages, arrow::MemoryPool* pool)
      : max_level_(column.max_definition_level()),
        type_(std::move(type)),
        pool_(pool),
        position_(std::move(rows)),
        pages_(std::move(pages)),
        levels_(max_level_),
        plain_(::parquet::MakeTypedDecoder<::parquet::ByteArrayType>(Encoding::PLAIN,
                                                                     &column, pool)),
        coded_(::parquet::MakeDictDecoder<::parquet::ByteArrayType>(&column, pool)) {}

  Result<ArrayPtr> Read(const std::vector<RowRange>& ranges) override {
    std::int64_t rows = 0;
    for (const RowRange& range : ranges) rows += range.row_count();
    ViewArray array(rows, max_level_ > 0, pool_);
    for (const RowRange& range : ranges) {
      FIRN_RETURN_IF_ERROR(Pass(position_.MoveTo(range.first), nullptr));
      FIRN_RETURN_IF_ERROR(Pass(position_.MoveTo(range.end), &array));
    }
    if (array.size() != rows) {
      return Status::Corruption("asked for " + std::to_string(rows) +
                                " rows, its pages hold " + std::to_string(array.size()));
    }
    return std::move(array).Finish(type_);
  }

 private:
  // Pass `rows` rows, and add them to `array` where it is given.
  Status Pass(std::int64_t rows, ViewArray* array) {
    while (rows > 0) {
      if (page_rows_ == 0) {
        FIRN_ASSIGN_OR_RETURN(const bool has_page, OpenPage());
        if (!has_page) {
          return Status::Corruption("its pages end " + std::to_string(rows) +
                                    " rows too early");
        }
        continue;
      }
      const int count =
          static_cast<int>(std::min<std::int64_t>({rows, page_rows_, kStep}));
      FIRN_RETURN_IF_ERROR(PassSome(count, array));
      page_rows_ -= count;
      rows -= count;
    }
    return Status::OK();
  }

  Status PassSome(int count, ViewArray* array) {
    std::int16_t levels[kStep];
    int value_count = count;
    if (max_level_ > 0) {
      if (levels_.Decode(count, levels) != count) return TooFew("levels");
      value_count = static_cast<int>(std::count(levels, levels + count, max_level_));
    }
    ByteArray values[kStep];
    FIRN_RETURN_IF_ERROR(Decode(value_count, values));
    if (array == nullptr) return Status::OK();
    array->SetSource(page_is_coded_ ? dictionary_bytes_ : page_bytes_);
    const ByteArray* value = values;
    for (int i = 0; i < count; ++i) {
      if (max_level_ > 0 && levels[i] != max_level_) {
        array->AppendNull();
      } else {
        array->Append(*value++);
      }
    }
    return Status::OK();
  }

  Status Decode(int count, ByteArray* values) {
    if (count == 0) return Status::OK();
    if (!page_is_coded_) {
      return plain_->Decode(values, count) == count ? Status::OK() : TooFew("values");
    }
    std::int32_t codes[kStep];
    if (coded_->DecodeIndices(count, codes) != count) return TooFew("values");
    for (int i = 0; i < count; ++i) {
      if (codes[i] < 0 || static_cast<std::size_t>(codes[i]) >= dictionary_.size()) {
        return Status::Corruption("entry " + std::to_string(codes[i]) +
                                  " of a dictionary of " +
                                  std::to_string(dictionary_.size()));
      }
      values[i] = dictionary_[static_cast<std::size_t>(codes[i])];
    }
    return Status::OK();
  }

  static Status TooFew(const char* what) {
    return Status::Corruption(std::string("a page has fewer ") + what + " than it says");
  }

  // False at the end.
  Result<bool> OpenPage() {
    page_ = pages_->NextPage();
    if (page_ == nullptr) return false;
    switch (page_->type()) {
      case ::parquet::PageType::DICTIONARY_PAGE:
        FIRN_RETURN_IF_ERROR(
            OpenDictionary(static_cast<const ::parquet::DictionaryPage&>(*page_)));
        return true;
      case ::parquet::PageType::DATA_PAGE:
        FIRN_RETURN_IF_ERROR(
            OpenVersion1(static_cast<const ::parquet::DataPageV1&>(*page_)));
        return true;
      case ::parquet::PageType::DATA_PAGE_V2:
        FIRN_RETURN_IF_ERROR(
            OpenVersion2(static_cast<const ::parquet::DataPageV2&>(*page_)));
        return true;
      default:
        return true;  // Of another kind: readers pass over it.
    }
  }

  // The page reader takes its buffer for the next page.
  BufferPtr Keep(const std::uint8_t* data, std::int64_t size) {
    PARQUET_ASSIGN_OR_THROW(std::shared_ptr<arrow::Buffer> kept,
                            arrow::AllocateBuffer(size, pool_));
    if (size > 0) std::memcpy(kept->mutable_data(), data, static_cast<std::size_t>(size));
    return kept;
  }

  Status OpenDictionary(const ::parquet::DictionaryPage& page) {
    if (page.encoding() != Encoding::PLAIN &&
        page.encoding() != Encoding::PLAIN_DICTIONARY) {
      return Status::Corruption("a dictionary in encoding " +
                                ::parquet::EncodingToString(page.encoding()));
    }
    // Each entry takes four bytes at the least.
    if (page.num_values() < 0 || page.num_values() > page.size() / 4) {
      return Status::Corruption("a dictionary of " + std::to_string(page.num_values()) +
                                " entries in " + std::to_string(page.size()) + " bytes");
    }
    dictionary_bytes_ = Keep(page.data(), page.size());
    dictionary_.resize(static_cast<std::size_t>(page.num_values()));
    plain_->SetData(page.num_values(), dictionary_bytes_->data(), page.size());
    if (plain_->Decode(dictionary_.data(), page.num_values()) != page.num_values()) {
      return TooFew("entries");
    }
    return Status::OK();
  }

  Status OpenVersion1(const ::parquet::DataPageV1& page) {
    std::int32_t levels_bytes = 0;
    if (max_level_ > 0) {
      levels_bytes = levels_.SetData(page.definition_level_encoding(), max_level_,
                                     page.num_values(), page.data(), page.size());
    }
    return OpenValues(page, levels_bytes);
  }

  Status OpenVersion2(const ::parquet::DataPageV2& page) {
    const std::int64_t repetition = page.repetition_levels_byte_length();
    const std::int64_t definition = page.definition_levels_byte_length();
    if (repetition < 0 || definition < 0 || repetition + definition > page.size()) {
      return Status::Corruption("a page of " + std::to_string(page.size()) +
                                " bytes with levels of " +
                                std::to_string(repetition + definition));
    }
    if (max_level_ > 0) {
      levels_.SetDataV2(static_cast<std::int32_t>(definition), max_level_,
                        page.num_values(), page.data() + repetition);
    }
    return OpenValues(page, static_cast<std::int32_t>(repetition + definition));
  }

  Status OpenValues(const ::parquet::DataPage& page, std::int32_t levels_bytes) {
    if (page.num_values() < 0 || levels_bytes > page.size()) {
      return Status::Corruption("a page's head does not fit its size");
    }
    const std::uint8_t* data = page.data() + levels_bytes;
    const std::int32_t size = page.size() - levels_bytes;
    page_rows_ = page.num_values();
    page_is_coded_ = page.encoding() == Encoding::RLE_DICTIONARY ||
                     page.encoding() == Encoding::PLAIN_DICTIONARY;
    if (page_is_coded_) {
      if (dictionary_bytes_ == nullptr) return Status::Corruption("no dictionary");
      coded_->SetData(page.num_values(), data, size);
      return Status::OK();
    }
    if (page.encoding() != Encoding::PLAIN) {
      return Status::Corruption("a page in encoding " +
                                ::parquet::EncodingToString(page.encoding()) +
                                ", which the footer does not list");
    }
    page_bytes_ = Keep(data, size);
    plain_->SetData(page.num_values(), page_bytes_->data(), size);
    return Status::OK();
  }

  const std::int16_t max_level_;  // 1 where the column may be NULL, else 0.
  const std::shared_ptr<arrow::DataType> type_;
  arrow::MemoryPool* const pool_;
  RowPosition position_;
  const std::unique_ptr<::parquet::PageReader> pages_;
  ::parquet::LevelDecoder levels_;
  const std::unique_ptr<ByteArrayDecoder> plain_;
  const std::unique_ptr<DictionaryDecoder> coded_;

  BufferPtr dictionary_bytes_;  // Null until there is one.
  std::vector<ByteArray> dictionary_;
  // The page being read. Codes are read where they lie.
  std::shared_ptr<::parquet::Page> page_;
  BufferPtr page_bytes_;  // Of its plain values.
  bool page_is_coded_ = false;
  std::int64_t page_rows_ = 0;  // Not yet passed.
};

}  // namespace

bool HasPlainText(const ::parquet::ColumnChunkMetaData& chunk) {
  return std::all_of(chunk.encodings().begin(), chunk.encodings().end(),
                     [](Encoding::type encoding) {
                       return encoding != Encoding::DELTA_BYTE_ARRAY &&
                              encoding != Encoding::DELTA_LENGTH_BYTE_ARRAY;
                     });
}

std::unique_ptr<ColumnCursor> MakeViewCursor(const ::parquet::ColumnDescriptor& column,
                                             std::shared_ptr<arrow::DataType> type,
                                             RowRanges rows,
                                             std::unique_ptr<::parquet::PageReader> pages,
                                             arrow::MemoryPool* pool) {
  return std::make_unique<ViewCursor>(column, std::move(type), std::move(rows),
                                      std::move(pages), pool);
}

}  // namespace firn::parquet
