// SPDX-License-Identifier: Apache-2.0
#include "parquet/compression_trial.h"

#include <time.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "arrow/record_batch.h"
#include "arrow/type.h"
#include "arrow/util/byte_size.h"

#include "base/assert.h"
#include "base/context.h"
#include "base/json.h"
#include "io/store.h"
#include "parquet/arrow/schema.h"
#include "parquet/properties.h"
#include "parquet/reader.h"
#include "parquet/run_ends.h"
#include "parquet/schema.h"
#include "parquet/text_table.h"
#include "parquet/wall.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

using Batches = std::vector<std::shared_ptr<arrow::RecordBatch>>;
using ::parquet::Type;

std::int64_t ThreadCpuNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class SampleWriter final : public io::ObjectWriter {
 public:
  explicit SampleWriter(std::string& out) : out_(out) {}
  Status Append(std::string_view bytes) override {
    out_.append(bytes);
    return Status::OK();
  }
  Status Close() override { return Status::OK(); }

 private:
  std::string& out_;
};

class SampleReader final : public io::ObjectReader {
 public:
  explicit SampleReader(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size_bytes() const override { return bytes_.size(); }
  Status ReadAt(std::uint64_t offset, std::uint64_t size, char* out) override {
    FIRN_ASSERT(offset <= bytes_.size() && size <= bytes_.size() - offset);
    bytes_.copy(out, size, offset);
    return Status::OK();
  }

 private:
  const std::string bytes_;
};

// The encodings of a leaf's type that may be chosen; first a dictionary, which is what
// the options ask for where nothing is known.
std::vector<StorageForm> EncodingsOf(Type::type type, Readers readers, bool in_runs) {
  std::vector<StorageForm> forms;
  if (type != Type::BOOLEAN) forms.push_back({.dictionary = true});
  const auto add = [&](Encoding encoding) {
    forms.push_back({.dictionary = false, .encoding = encoding});
  };
  add(Encoding::kPlain);
  if (in_runs) return forms;  // Runs are stored in these two ways only.
  const bool is_int = type == Type::INT32 || type == Type::INT64;
  const bool is_real = type == Type::FLOAT || type == Type::DOUBLE;
  const bool is_fixed = type == Type::FIXED_LEN_BYTE_ARRAY;
  if (is_int) add(Encoding::kDeltaBinaryPacked);
  if (type == Type::BYTE_ARRAY) add(Encoding::kDeltaLengthByteArray);
  if (type == Type::BYTE_ARRAY) add(Encoding::kDeltaByteArray);
  if ((is_real && readers != Readers::kAll) ||
      ((is_int || is_fixed) && readers == Readers::kIceberg)) {
    add(Encoding::kByteStreamSplit);
  }
  return forms;
}

// Every combination.
std::vector<StorageForm> FormsOf(Type::type type, const TrialOptions& trial,
                                 bool in_runs) {
  std::vector<StorageForm> forms;
  for (const StorageForm& encoding : EncodingsOf(type, trial.readers, in_runs)) {
    for (const CodecLevel& codec : trial.codecs) {
      StorageForm form = encoding;
      form.codec = codec.codec;
      form.codec_level = codec.level;
      forms.push_back(form);
    }
  }
  return forms;
}

void SetForm(const StorageForm& form, ColumnOptions& column) {
  column.dictionary = form.dictionary;
  column.encoding = form.encoding;
  column.codec = form.codec;
  column.codec_level = form.codec_level;
}

// One top-level column of the sample.
struct Field {
  Batches batches;
  std::shared_ptr<::parquet::SchemaDescriptor> leaves;
  bool in_runs = false;
};

Result<Field> TakeField(const Batches& sample, int index) {
  Field out;
  for (const auto& batch : sample) {
    FIRN_ARROW_ASSIGN_OR_RETURN(out.batches.emplace_back(),
                                batch->SelectColumns({index}));
  }
  const arrow::Schema& schema = *out.batches.front()->schema();
  out.in_runs = IsRunEnded(*schema.field(0)->type());
  const auto plain = SpelledOut(schema);
  const auto& type = plain->field(0)->type();
  // A dictionary is stored as its text.
  const auto stored =
      type->id() == arrow::Type::DICTIONARY
          ? arrow::schema({plain->field(0)->WithType(
                static_cast<const arrow::DictionaryType&>(*type).value_type())})
          : plain;
  FIRN_RETURN_IF_ERROR(AsArgument(::parquet::arrow::ToParquetSchema(
      stored.get(), *::parquet::default_writer_properties(), &out.leaves)));
  return out;
}

// Tries the forms of one column after another.
class Trial {
 public:
  Trial(const WriterOptions& options, const TrialOptions& trial)
      : options_(options), trial_(trial) {}

  Status TryField(const Field& field, std::vector<ColumnTrial>& out) {
    for (int i = 0; i < field.leaves->num_columns(); ++i) {
      const ::parquet::ColumnDescriptor& leaf = *field.leaves->Column(i);
      const std::string path = leaf.path()->ToDotString();
      ColumnTrial column;
      column.path = path;
      column.field_id = leaf.schema_node()->field_id();
      if (OptionsOf(options_, path, column.field_id).codec.has_value()) continue;
      for (const auto& batch : field.batches) column.sample_rows += batch->num_rows();
      for (const StorageForm& form :
           FormsOf(leaf.physical_type(), trial_, field.in_runs)) {
        FIRN_ASSIGN_OR_RETURN(column.forms.emplace_back(), TryForm(field, path, form));
      }
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t f = 0; f < column.forms.size(); ++f) {
        const double cost = CostBytes(column.forms[f], trial_);
        if (cost >= least) continue;
        least = cost;
        column.chosen = f;
      }
      out.push_back(std::move(column));
    }
    return Status::OK();
  }

 private:
  Result<FormCost> TryForm(const Field& field, const std::string& path,
                           const StorageForm& form) {
    WriterOptions options;
    options.page_bytes = options_.page_bytes;
    options.page_rows = options_.page_rows;
    options.page_version = options_.page_version;
    options.dictionary_bytes = options_.dictionary_bytes;
    options.pool = options_.pool;
    SetForm(form, options.columns_by_path[path]);
    FormCost cost{.form = form,
                  .write_cpu_ns = std::numeric_limits<std::int64_t>::max(),
                  .read_cpu_ns = std::numeric_limits<std::int64_t>::max()};
    for (int i = 0; i < trial_.repeats; ++i) {
      std::string bytes;
      const std::int64_t begin = Now();
      FIRN_ASSIGN_OR_RETURN(const FileReport report,
                            Write(field.batches, options, bytes));
      const std::int64_t written = Now();
      FIRN_RETURN_IF_ERROR(Read(std::move(bytes)));
      cost.write_cpu_ns = std::min(cost.write_cpu_ns, written - begin);
      cost.read_cpu_ns = std::min(cost.read_cpu_ns, Now() - written);
      for (const ColumnReport& column : report.columns) {
        if (column.path == path) cost.size_bytes = column.size_bytes;
      }
    }
    return cost;
  }

  static Result<FileReport> Write(const Batches& batches, const WriterOptions& options,
                                  std::string& bytes) {
    FIRN_ASSIGN_OR_RETURN(const auto writer,
                          FileWriter::Open(std::make_unique<SampleWriter>(bytes),
                                           batches.front()->schema(), options));
    for (const auto& batch : batches) FIRN_RETURN_IF_ERROR(writer->Write(*batch));
    return std::move(*writer).Finish();
  }

  Status Read(std::string bytes) const {
    const base::Context context;
    ReaderOptions options;
    options.pool = options_.pool;
    FIRN_ASSIGN_OR_RETURN(
        const auto reader,
        FileReader::Open(context, std::make_shared<SampleReader>(std::move(bytes)),
                         "sample", options));
    FIRN_ASSIGN_OR_RETURN(auto plan, reader->Plan(context, {}));
    FIRN_ASSIGN_OR_RETURN(const auto rows, reader->Read(context, {}, std::move(plan)));
    while (true) {
      FIRN_ASSIGN_OR_RETURN(const auto batch, rows->Next());
      if (batch == nullptr) return Status::OK();
    }
  }

  std::int64_t Now() const {
    return trial_.cpu_clock_ns ? trial_.cpu_clock_ns() : ThreadCpuNs();
  }

  const WriterOptions& options_;
  const TrialOptions& trial_;
};

void AppendJsonForm(const FormCost& cost, std::string& out) {
  out += cost.form.dictionary ? "{\"dictionary\":true,\"encoding\":"
                              : "{\"dictionary\":false,\"encoding\":";
  base::AppendJsonString(out, ToString(cost.form.encoding));
  out += ",\"codec\":";
  base::AppendJsonString(out, ToString(cost.form.codec));
  out += ",\"level\":";
  out += cost.form.codec_level.has_value() ? std::to_string(*cost.form.codec_level)
                                           : std::string("null");
  out += ",\"bytes\":";
  base::AppendJsonInt(out, cost.size_bytes);
  out += ",\"write_cpu_ns\":";
  base::AppendJsonInt(out, cost.write_cpu_ns);
  out += ",\"read_cpu_ns\":";
  base::AppendJsonInt(out, cost.read_cpu_ns);
  out += '}';
}

}  // namespace

Status CheckTrial(const TrialOptions& trial) {
  if (trial.sample_rows < 1 || trial.sample_bytes < 1 || trial.repeats < 1 ||
      trial.codecs.empty() || trial.cpu_second_bytes < 0 || !(trial.reads >= 0)) {
    return Status::InvalidArgument(
        "trial: sample_rows, sample_bytes and repeats must be above 0, codecs not empty, "
        "and prices not below 0");
  }
  return Status::OK();
}

std::string ToString(const StorageForm& form) {
  std::string text =
      form.dictionary ? "dictionary" : std::string(ToString(form.encoding));
  text += ", ";
  text += ToString(form.codec);
  if (form.codec_level.has_value()) text += ' ' + std::to_string(*form.codec_level);
  return text;
}

double CostBytes(const FormCost& cost, const TrialOptions& options) {
  const double cpu_s = (static_cast<double>(cost.write_cpu_ns) +
                        options.reads * static_cast<double>(cost.read_cpu_ns)) /
                       1e9;
  return static_cast<double>(cost.size_bytes) +
         cpu_s * static_cast<double>(options.cpu_second_bytes);
}

Result<std::int64_t> SampleSize::Take(const arrow::RecordBatch& batch) {
  FIRN_ASSERT(!full());
  if (batch.num_rows() == 0) return 0;
  FIRN_ARROW_ASSIGN_OR_RETURN(const std::int64_t bytes,
                              arrow::util::ReferencedBufferSize(batch));
  const std::int64_t row_bytes = std::max<std::int64_t>(1, bytes / batch.num_rows());
  const std::int64_t rows = std::min(
      {batch.num_rows(), rows_left_, std::max<std::int64_t>(1, bytes_left_ / row_bytes)});
  rows_left_ -= rows;
  bytes_left_ -= rows * row_bytes;
  return rows;
}

Result<std::vector<ColumnTrial>> TryForms(const Batches& sample,
                                          const WriterOptions& options,
                                          const TrialOptions& trial) {
  FIRN_ASSERT(!sample.empty());
  FIRN_RETURN_IF_ERROR(CheckTrial(trial));
  return Guard("trial", [&]() -> Result<std::vector<ColumnTrial>> {
    std::vector<ColumnTrial> out;
    Trial run(options, trial);
    for (int i = 0; i < sample.front()->num_columns(); ++i) {
      FIRN_ASSIGN_OR_RETURN(const Field field, TakeField(sample, i));
      FIRN_RETURN_IF_ERROR(run.TryField(field, out));
    }
    return out;
  });
}

WriterOptions WithChosenForms(WriterOptions options,
                              const std::vector<ColumnTrial>& trials) {
  for (const ColumnTrial& trial : trials) {
    // Where its options stand now, since those by field id come before those by path.
    const auto by_id = options.columns.find(trial.field_id);
    ColumnOptions& column =
        trial.field_id >= 0 && by_id != options.columns.end()
            ? by_id->second
            : options.columns_by_path.try_emplace(trial.path, options.default_column)
                  .first->second;
    SetForm(trial.forms[trial.chosen].form, column);
  }
  return options;
}

Result<std::vector<ColumnTrial>> RecommendForms(const base::Context& context,
                                                const FileReader& reader,
                                                const TrialOptions& trial) {
  FIRN_RETURN_IF_ERROR(CheckTrial(trial));
  ScanSpec spec;
  spec.batch_rows = std::min<std::int64_t>(trial.sample_rows, 4096);
  FIRN_ASSIGN_OR_RETURN(auto plan, reader.Plan(context, spec));
  FIRN_ASSIGN_OR_RETURN(const auto stream, reader.Read(context, spec, std::move(plan)));
  Batches sample;
  SampleSize size(trial);
  while (!size.full()) {
    FIRN_ASSIGN_OR_RETURN(const auto batch, stream->Next());
    if (batch == nullptr) break;
    FIRN_ASSIGN_OR_RETURN(const std::int64_t rows, size.Take(*batch));
    sample.push_back(batch->Slice(0, rows));
  }
  if (sample.empty()) return std::vector<ColumnTrial>();
  return TryForms(sample, {}, trial);
}

std::string ToText(const std::vector<ColumnTrial>& trials) {
  TextTable table({"column", "", "encoding", "codec", "bytes", "write us", "read us"});
  for (const ColumnTrial& column : trials) {
    for (std::size_t i = 0; i < column.forms.size(); ++i) {
      const FormCost& cost = column.forms[i];
      const std::string form = ToString(cost.form);
      const std::size_t comma = form.find(", ");
      table.AddRow({column.path, i == column.chosen ? "*" : "", form.substr(0, comma),
                    form.substr(comma + 2), std::to_string(cost.size_bytes),
                    std::to_string(cost.write_cpu_ns / 1000),
                    std::to_string(cost.read_cpu_ns / 1000)});
    }
  }
  return table.ToString();
}

std::string ToJson(const std::vector<ColumnTrial>& trials) {
  std::string out = "[";
  for (const ColumnTrial& column : trials) {
    if (out.size() > 1) out += ',';
    out += "{\"path\":";
    base::AppendJsonString(out, column.path);
    out += ",\"rows\":";
    base::AppendJsonInt(out, column.sample_rows);
    out += ",\"chosen\":";
    AppendJsonForm(column.forms[column.chosen], out);
    out += ",\"forms\":[";
    for (std::size_t i = 0; i < column.forms.size(); ++i) {
      if (i > 0) out += ',';
      AppendJsonForm(column.forms[i], out);
    }
    out += "]}";
  }
  return out + ']';
}

}  // namespace firn::parquet
