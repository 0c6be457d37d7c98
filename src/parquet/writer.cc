// SPDX-License-Identifier: Apache-2.0
#include "parquet/writer.h"

#include <algorithm>
#include <cmath>

#include "arrow/array/array_binary.h"
#include "arrow/array/array_dict.h"
#include "arrow/array/array_nested.h"
#include "arrow/array/array_primitive.h"
#include "arrow/array/array_run_end.h"
#include "arrow/array/builder_binary.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "arrow/util/byte_size.h"
#include "arrow/util/key_value_metadata.h"

#include "base/assert.h"
#include "parquet/arrow/schema.h"
#include "parquet/encrypted_footer.h"
#include "parquet/encryption/encryption.h"
#include "parquet/encryption_properties.h"
#include "parquet/file_body.h"
#include "parquet/file_report.h"
#include "parquet/metadata.h"
#include "parquet/object_io.h"
#include "parquet/properties.h"
#include "parquet/run_ends.h"
#include "parquet/schema.h"
#include "parquet/wall.h"
#include "parquet/writer_properties.h"

namespace firn::parquet {
namespace {

// The longest footer of an encrypted file: it is kept in memory to be read back.
constexpr std::size_t kEncryptedFooterBytesMax = std::size_t{16} << 20;

// Adds the NaNs of each float and double leaf outside lists and maps to counts[leaf], in
// schema order; `leaf` is advanced over the leaves below `array`.
class NaNCounter {
 public:
  explicit NaNCounter(std::vector<std::int64_t>& counts) : counts_(counts) {}

  arrow::Status Visit(const arrow::Array& array) {
    switch (array.type_id()) {
      case arrow::Type::FLOAT:
        Count<arrow::FloatArray>(array);
        break;
      case arrow::Type::DOUBLE:
        Count<arrow::DoubleArray>(array);
        break;
      case arrow::Type::STRUCT: {
        // Flatten() carries the struct's NULLs down: what lies under them is not written.
        ARROW_ASSIGN_OR_RAISE(const auto children,
                              static_cast<const arrow::StructArray&>(array).Flatten());
        for (const auto& child : children) ARROW_RETURN_NOT_OK(Visit(*child));
        return arrow::Status::OK();
      }
      default:
        leaf_ += LeavesOf(*array.type());
        return arrow::Status::OK();
    }
    ++leaf_;
    return arrow::Status::OK();
  }

  static std::size_t LeavesOf(const arrow::DataType& type) {
    if (IsRunEnded(type)) return LeavesOf(*RunValueType(type));
    if (type.num_fields() == 0) return 1;
    std::size_t leaves = 0;
    for (const auto& field : type.fields()) leaves += LeavesOf(*field->type());
    return leaves;
  }

 private:
  template <typename ArrayType>
  void Count(const arrow::Array& array) {
    const auto& values = static_cast<const ArrayType&>(array);
    std::int64_t nans = 0;
    for (std::int64_t i = 0; i < values.length(); ++i) {
      nans += static_cast<std::int64_t>(std::isnan(values.Value(i)) && values.IsValid(i));
    }
    counts_[leaf_] += nans;
  }

  std::vector<std::int64_t>& counts_;
  std::size_t leaf_ = 0;
};

// Dictionaries of text are stored as text.
Result<std::shared_ptr<arrow::Schema>> WithoutDictionaries(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (const auto& field : schema.fields()) {
    if (field->type()->id() != arrow::Type::DICTIONARY) {
      fields.push_back(field);
      continue;
    }
    const auto& value =
        static_cast<const arrow::DictionaryType&>(*field->type()).value_type();
    if (value->id() != arrow::Type::STRING && value->id() != arrow::Type::BINARY) {
      return Status::InvalidArgument("column " + field->name() + ": dictionary of " +
                                     value->ToString());
    }
    fields.push_back(field->WithType(value));
  }
  return arrow::schema(std::move(fields), schema.metadata());
}

Status CheckRunEnds(const arrow::Schema& schema) {
  for (const auto& field : schema.fields()) {
    if (!IsRunEnded(*field->type())) continue;
    const auto& ends =
        static_cast<const arrow::RunEndEncodedType&>(*field->type()).run_end_type();
    if (ends->id() != arrow::Type::INT32) {
      return Status::InvalidArgument("column " + field->name() + ": runs that end by " +
                                     ends->ToString());
    }
  }
  return Status::OK();
}

// The text itself. Parquet would keep a dictionary as it is, but give up on dictionaries
// for the rest of the chunk as soon as a batch brings another one; built from the text,
// one dictionary serves the whole chunk.
arrow::Result<std::shared_ptr<arrow::Array>> Decode(const arrow::DictionaryArray& coded,
                                                    arrow::MemoryPool* pool) {
  const auto& words = static_cast<const arrow::BinaryArray&>(*coded.dictionary());
  arrow::BinaryBuilder text(words.type(), pool);
  ARROW_RETURN_NOT_OK(text.Reserve(coded.length()));
  for (std::int64_t i = 0; i < coded.length(); ++i) {
    const std::int64_t word = coded.IsNull(i) ? -1 : coded.GetValueIndex(i);
    ARROW_RETURN_NOT_OK(word < 0 || words.IsNull(word)
                            ? text.AppendNull()
                            : text.Append(words.GetView(word)));
  }
  return text.Finish();
}

}  // namespace

class FileWriter::State {
 public:
  State(std::unique_ptr<io::ObjectWriter> object, std::shared_ptr<arrow::Schema> schema,
        const WriterOptions& options)
      : object_(std::move(object)),
        schema_(std::move(schema)),
        options_(options),
        pool_(options.pool != nullptr ? options.pool : arrow::default_memory_pool()),
        sink_(std::make_shared<ObjectOutput>(*object_)) {}

  Status Open() {
    FIRN_ASSIGN_OR_RETURN(body_schema_, WithoutDictionaries(*schema_));
    // Pages of runs are laid out by hand, and Parquet C++ keeps what encrypts a page to
    // its own column writers.
    FIRN_RETURN_IF_ERROR(CheckRunEnds(*body_schema_));
    if (options_.encryption.has_value()) body_schema_ = SpelledOut(*body_schema_);
    FIRN_RETURN_IF_ERROR(AsArgument(::parquet::arrow::ToParquetSchema(
        SpelledOut(*body_schema_).get(), *::parquet::default_writer_properties(),
        &leaves_)));
    if (options_.encryption.has_value()) {
      FIRN_ASSIGN_OR_RETURN(read_back_, MakeReadBack(*leaves_, *options_.encryption));
    }
    if (!options_.trial.has_value()) return OpenBody(options_);
    FIRN_RETURN_IF_ERROR(CheckTrial(*options_.trial));
    sample_size_.emplace(*options_.trial);
    // What cannot be is said now, rather than when the sample is full.
    return MakeWriterProperties(*leaves_, options_, pool_).status();
  }

  Status Write(const arrow::RecordBatch& batch) {
    if (!failed_.ok()) return failed_;
    if (!batch.schema()->Equals(*schema_, /*check_metadata=*/false)) {
      return Status::InvalidArgument("write: batch of columns " +
                                     batch.schema()->ToString() + ", file of " +
                                     schema_->ToString());
    }
    failed_ = Guard("write",
                    [&] { return body_ != nullptr ? Append(batch) : HoldBack(batch); });
    return failed_;
  }

  Result<FileReport> Finish() {
    if (!failed_.ok()) return failed_;
    failed_ = Status::Internal("write: the file was finished");
    return Guard("write", [&]() -> Result<FileReport> {
      if (body_ == nullptr) FIRN_RETURN_IF_ERROR(Begin());
      std::shared_ptr<arrow::KeyValueMetadata> metadata;
      if (!options_.key_values.empty()) {
        metadata = std::make_shared<arrow::KeyValueMetadata>();
        for (const auto& [key, value] : options_.key_values) metadata->Append(key, value);
      }
      if (read_back_ != nullptr) sink_->KeepTail(kEncryptedFooterBytesMax);
      FIRN_RETURN_IF_ERROR(body_->Close(metadata));
      FIRN_ASSIGN_OR_RETURN(const auto written, Metadata());
      FileReport report = MakeFileReport(*written, nan_counts_, sink_->written_bytes());
      report.trials = std::move(trials_);
      FIRN_RETURN_IF_ERROR(object_->Close());
      return report;
    });
  }

  void EndRowGroup() { group_ended_ = true; }

  std::int64_t row_count() const { return row_count_ + held_rows_; }
  std::int64_t flushed_bytes() const { return sink_->written_bytes(); }

 private:
  Status OpenBody(const WriterOptions& options) {
    FIRN_ASSIGN_OR_RETURN(const auto properties,
                          MakeWriterProperties(*leaves_, options, pool_));
    const auto& fields = body_schema_->fields();
    const bool has_runs =
        std::any_of(fields.begin(), fields.end(),
                    [](const auto& field) { return IsRunEnded(*field->type()); });
    FIRN_ASSIGN_OR_RETURN(
        body_, (has_runs ? OpenRunFile : OpenArrowFile)(
                   *body_schema_, sink_,
                   {properties, ::parquet::default_arrow_writer_properties(), pool_}));
    return Status::OK();
  }

  // Keep rows until there are enough to try forms on. The batch is kept whole: what is
  // beyond the sample is bounded by it.
  Status HoldBack(const arrow::RecordBatch& batch) {
    FIRN_ASSIGN_OR_RETURN(const std::int64_t rows, sample_size_->Take(batch));
    if (batch.num_rows() == 0) return Status::OK();
    sample_.push_back(batch.Slice(0, rows));
    held_.push_back(batch.Slice(0));
    held_rows_ += batch.num_rows();
    return sample_size_->full() ? Begin() : Status::OK();
  }

  // Choose each column's form by the sample, and write what was held back.
  Status Begin() {
    if (!sample_.empty()) {
      FIRN_ASSIGN_OR_RETURN(trials_, TryForms(sample_, options_, *options_.trial));
    }
    sample_.clear();
    FIRN_RETURN_IF_ERROR(OpenBody(WithChosenForms(options_, trials_)));
    held_rows_ = 0;
    for (auto& batch : held_) {
      FIRN_RETURN_IF_ERROR(Append(*batch));
      batch.reset();
    }
    held_.clear();
    return Status::OK();
  }

  // What the footer says. An encrypted one is read from the bytes just written: what the
  // body has left of it is encrypted already.
  Result<std::shared_ptr<::parquet::FileMetaData>> Metadata() const {
    if (read_back_ == nullptr) return body_->metadata();
    std::string tail = sink_->tail();
    std::uint32_t footer_bytes = 0;
    constexpr std::size_t kLengthAndMagic = 8;
    FIRN_ASSERT(tail.size() >= kLengthAndMagic);
    tail.copy(reinterpret_cast<char*>(&footer_bytes), sizeof footer_bytes,
              tail.size() - kLengthAndMagic);
    if (footer_bytes + kLengthAndMagic > tail.size()) {
      return Status::ResourceExhausted("encrypted footer of " +
                                       std::to_string(footer_bytes) + " bytes, at most " +
                                       std::to_string(kEncryptedFooterBytesMax));
    }
    tail.erase(0, tail.size() - kLengthAndMagic - footer_bytes);
    return LoadEncryptedFooter(sink_->written_bytes(), std::move(tail), read_back_);
  }

  Status Append(const arrow::RecordBatch& batch) {
    if (batch.num_rows() == 0) return Status::OK();
    FIRN_ARROW_ASSIGN_OR_RETURN(const std::int64_t batch_bytes,
                                arrow::util::ReferencedBufferSize(batch));
    const std::int64_t row_bytes =
        std::max<std::int64_t>(1, batch_bytes / batch.num_rows());
    for (std::int64_t offset = 0; offset < batch.num_rows();) {
      if (group_rows_ >= options_.row_group_rows ||
          group_bytes_ >= options_.row_group_bytes || nan_counts_.empty() ||
          (group_ended_ && group_rows_ > 0)) {
        FIRN_RETURN_IF_ERROR(body_->NewRowGroup());
        nan_counts_.emplace_back(leaves_->num_columns(), 0);
        group_rows_ = group_bytes_ = 0;
        group_ended_ = false;
      }
      const std::int64_t room =
          std::min(options_.row_group_rows - group_rows_,
                   std::max<std::int64_t>(
                       1, (options_.row_group_bytes - group_bytes_) / row_bytes));
      const std::int64_t rows = std::min(room, batch.num_rows() - offset);
      FIRN_RETURN_IF_ERROR(AppendSlice(*batch.Slice(offset, rows)));
      group_rows_ += rows;
      group_bytes_ += rows * row_bytes;
      row_count_ += rows;
      offset += rows;
    }
    return Status::OK();
  }

  Status AppendSlice(const arrow::RecordBatch& slice) {
    NaNCounter counter(nan_counts_.back());
    arrow::ArrayVector columns = slice.columns();
    for (std::shared_ptr<arrow::Array>& column : columns) {
      if (column->type_id() == arrow::Type::DICTIONARY) {
        FIRN_ARROW_ASSIGN_OR_RETURN(
            column, Decode(static_cast<const arrow::DictionaryArray&>(*column), pool_));
      }
      if (column->type_id() == arrow::Type::RUN_END_ENCODED && read_back_ != nullptr) {
        FIRN_ARROW_ASSIGN_OR_RETURN(
            column,
            SpellOut(static_cast<const arrow::RunEndEncodedArray&>(*column), pool_));
      }
      FIRN_ARROW_RETURN_IF_ERROR(counter.Visit(*column));
    }
    return body_->Write(
        *arrow::RecordBatch::Make(body_schema_, slice.num_rows(), std::move(columns)));
  }

  // The stream writes to the object, and the writer to the stream, to the last: in this
  // order they are destroyed from the writer up.
  const std::unique_ptr<io::ObjectWriter> object_;
  const std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::Schema> body_schema_;
  const WriterOptions options_;
  arrow::MemoryPool* const pool_;
  const std::shared_ptr<ObjectOutput> sink_;
  std::unique_ptr<FileBody> body_;
  // Keys of the footer that is being written; null where it is in the clear.
  std::shared_ptr<::parquet::FileDecryptionProperties> read_back_;
  std::shared_ptr<::parquet::SchemaDescriptor> leaves_;

  // Rows that are held back while forms are to be chosen, and those of them to try.
  std::optional<SampleSize> sample_size_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> held_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> sample_;
  std::int64_t held_rows_ = 0;
  std::vector<ColumnTrial> trials_;

  Status failed_;
  std::int64_t row_count_ = 0;
  std::int64_t group_rows_ = 0;
  std::int64_t group_bytes_ = 0;
  bool group_ended_ = false;
  std::vector<std::vector<std::int64_t>> nan_counts_;  // [row group][leaf]
};

FileWriter::FileWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}

FileWriter::~FileWriter() {
  // Parquet's destructor writes a footer where Close was not called; what it meets there
  // is of no interest, since the object is given up.
  const Status ignored = Guard("abandon", [&] {
    state_.reset();
    return Status::OK();
  });
  static_cast<void>(ignored);
}

Result<std::unique_ptr<FileWriter>> FileWriter::Open(
    std::unique_ptr<io::ObjectWriter> object, std::shared_ptr<arrow::Schema> schema,
    const WriterOptions& options) {
  auto state = std::make_unique<State>(std::move(object), std::move(schema), options);
  FIRN_RETURN_IF_ERROR(Guard("write", [&] { return state->Open(); }));
  return std::unique_ptr<FileWriter>(new FileWriter(std::move(state)));
}

Status FileWriter::Write(const arrow::RecordBatch& batch) { return state_->Write(batch); }
void FileWriter::EndRowGroup() { state_->EndRowGroup(); }
std::int64_t FileWriter::row_count() const { return state_->row_count(); }
std::int64_t FileWriter::flushed_bytes() const { return state_->flushed_bytes(); }
Result<FileReport> FileWriter::Finish() && { return state_->Finish(); }

}  // namespace firn::parquet
