// SPDX-License-Identifier: Apache-2.0
// What a file's columns take, and how their form is chosen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "arrow/io/memory.h"

#include "parquet/compression_report.h"
#include "parquet/compression_trial.h"
#include "parquet/file_reader.h"
#include "parquet/metadata.h"
#include "parquet/reader.h"
#include "parquet/test_objects.h"
#include "parquet/test_runs.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

using testing::HasSubstr;

// A clock that gives every piece of work the same time, so that sizes decide.
TrialOptions SizesOnly() {
  TrialOptions trial;
  trial.cpu_clock_ns = [now = std::int64_t{0}]() mutable { return ++now; };
  trial.repeats = 1;
  return trial;
}

// Columns for each of which one encoding is clearly best.
std::shared_ptr<arrow::RecordBatch> Tuned(std::int64_t rows) {
  arrow::Int64Builder numbers;
  arrow::Int64Builder steps;
  arrow::DoubleBuilder noise;
  arrow::StringBuilder words;
  arrow::StringBuilder paths;
  std::mt19937_64 random(1);
  std::int64_t step = 1'700'000'000'000'000;
  for (std::int64_t i = 0; i < rows; ++i) {
    step += 15'000'000 + static_cast<std::int64_t>(random() % 2000);
    EXPECT_TRUE(numbers.Append(i).ok());
    EXPECT_TRUE(steps.Append(step).ok());
    EXPECT_TRUE(noise.Append(static_cast<double>(random() >> 11) * 0x1p-53 + 100).ok());
    EXPECT_TRUE(words.Append("word" + std::to_string(random() % 7)).ok());
    EXPECT_TRUE(
        paths.Append("/a/long/prefix/of/all/" + std::to_string(1'000'000 + i)).ok());
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("n", arrow::int64()),
                     arrow::field("step", arrow::int64()),
                     Id(arrow::field("noise", arrow::float64()), 2),
                     Id(arrow::field("word", arrow::utf8()), 3),
                     Id(arrow::field("path", arrow::utf8()), 4)}),
      rows,
      {numbers.Finish().ValueOrDie(), steps.Finish().ValueOrDie(),
       noise.Finish().ValueOrDie(), words.Finish().ValueOrDie(),
       paths.Finish().ValueOrDie()});
}

std::map<std::string, ColumnTrial> ByPath(const std::vector<ColumnTrial>& trials) {
  std::map<std::string, ColumnTrial> by_path;
  for (const ColumnTrial& trial : trials) by_path[trial.path] = trial;
  return by_path;
}
const StorageForm& Chosen(const ColumnTrial& trial) {
  return trial.forms[trial.chosen].form;
}

Result<std::unique_ptr<FileReader>> OpenBytes(const std::string& bytes) {
  static const base::Context context;
  return FileReader::Open(context, std::make_shared<StringReader>(bytes), "m", {});
}

TEST(CompressionReport, CountsBytesThreeTimes) {
  const auto rows = EveryTypeBatch(1000, 1);
  WriterOptions options;
  options.row_group_rows = 400;
  options.columns[5].dictionary = false;
  options.columns[5].codec = Codec::kUncompressed;
  options.columns[7].codec = Codec::kLz4;
  options.columns[8].statistics = false;
  std::string bytes;
  const auto written = WriteIn(*rows, 300, options, bytes);
  ASSERT_TRUE(written.ok()) << written.status();
  const auto report = (*OpenBytes(bytes))->Compression();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->row_count, 1000);
  EXPECT_EQ(report->row_group_count, 3);
  ASSERT_EQ(report->columns.size(), written->columns.size());
  std::map<std::string, ColumnCompression> by_path;
  for (std::size_t i = 0; i < report->columns.size(); ++i) {
    EXPECT_EQ(report->columns[i].path, written->columns[i].path);
    EXPECT_EQ(report->columns[i].compressed_bytes, written->columns[i].size_bytes);
    EXPECT_EQ(report->columns[i].value_count, written->columns[i].value_count);
    by_path[report->columns[i].path] = report->columns[i];
  }
  const ColumnCompression& d = by_path["d"];
  EXPECT_THAT(d.codecs, testing::ElementsAre("uncompressed"));
  EXPECT_THAT(d.encodings, testing::ElementsAre("PLAIN"));
  EXPECT_EQ(d.type, "DOUBLE");
  EXPECT_EQ(d.raw_bytes, 8 * (1000 - rows->GetColumnByName("d")->null_count()));
  EXPECT_EQ(d.encoded_bytes, d.compressed_bytes);
  EXPECT_NEAR(d.ratio(), 1, 0.1);
  std::int64_t text = 0;
  const auto& s = static_cast<const arrow::StringArray&>(*rows->GetColumnByName("s"));
  for (std::int64_t i = 0; i < s.length(); ++i) {
    if (s.IsValid(i)) text += 4 + static_cast<std::int64_t>(s.GetView(i).size());
  }
  EXPECT_EQ(by_path["s"].raw_bytes, text);
  EXPECT_THAT(by_path["s"].codecs, testing::ElementsAre("lz4"));
  EXPECT_THAT(by_path["s"].encodings, testing::ElementsAre("RLE_DICTIONARY"));
  EXPECT_GT(by_path["s"].ratio(), 1);
  EXPECT_EQ(by_path["n"].raw_bytes, 8000);
  EXPECT_EQ(by_path["flag"].type, "BOOLEAN");

  const std::string table = ToText(*report);
  EXPECT_THAT(table, HasSubstr("column"));
  EXPECT_THAT(table, HasSubstr("labels.key_value.key"));
  EXPECT_THAT(table, HasSubstr("all columns"));
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'),
            static_cast<std::ptrdiff_t>(report->columns.size()) + 2);
  const std::string json = ToJson(*report);
  EXPECT_THAT(json, HasSubstr(R"({"rows":1000,"row_groups":3,"columns":[{"path":"n",)"));
  EXPECT_THAT(json, HasSubstr(R"("codecs":["lz4"],"encodings":["RLE_DICTIONARY"])"));
  EXPECT_THAT(json, testing::EndsWith(R"(],"locked":[]})"));
}

TEST(CompressionReport, WhatIsNotKnownIsNotInvented) {
  const auto rows = EveryTypeBatch(100, 1);
  WriterOptions options;
  options.default_column.statistics = false;
  std::string bytes;
  ASSERT_TRUE(WriteIn(*rows, 100, options, bytes).ok());
  const auto report = (*OpenBytes(bytes))->Compression();
  for (const ColumnCompression& column : report->columns) {
    if (column.path == "s") {
      EXPECT_EQ(column.raw_bytes, -1);
      EXPECT_GT(column.ratio(), 0);
    }
    if (column.path == "n") {
      EXPECT_EQ(column.raw_bytes, 800) << "required";
    }
  }
  EXPECT_THAT(ToJson(*report), HasSubstr(R"("raw_bytes":null)"));
  EXPECT_THAT(ToText(*report), HasSubstr(" - "));
}

TEST(CompressionTrial, PicksTheSmallestWhereTimesAreEqual) {
  const auto rows = Tuned(5000);
  const auto trials = TryForms({rows}, {}, SizesOnly());
  ASSERT_TRUE(trials.ok()) << trials.status();
  auto by_path = ByPath(*trials);
  ASSERT_EQ(by_path.size(), 5u);
  EXPECT_EQ(Chosen(by_path["step"]).encoding, Encoding::kDeltaBinaryPacked);
  EXPECT_FALSE(Chosen(by_path["step"]).dictionary);
  EXPECT_TRUE(Chosen(by_path["word"]).dictionary);
  EXPECT_EQ(Chosen(by_path["path"]).encoding, Encoding::kDeltaByteArray);
  for (const auto& [path, trial] : by_path) {
    EXPECT_EQ(trial.sample_rows, 5000);
    for (const FormCost& cost : trial.forms) {
      EXPECT_LE(trial.forms[trial.chosen].size_bytes, cost.size_bytes) << path;
      EXPECT_NE(cost.form.encoding, Encoding::kByteStreamSplit) << "not for all readers";
    }
  }
}

TEST(CompressionTrial, EncodingsAreThoseThatTheReadersHave) {
  const auto rows = EveryTypeBatch(200, 1);
  const auto tried = [&](Readers readers) {
    TrialOptions trial = SizesOnly();
    trial.readers = readers;
    trial.codecs = {{Codec::kZstd, 1}};
    std::map<std::string, bool> split;
    for (const ColumnTrial& column : TryForms({rows}, {}, trial).value()) {
      split[column.path] =
          std::any_of(column.forms.begin(), column.forms.end(), [](const FormCost& cost) {
            return cost.form.encoding == Encoding::kByteStreamSplit;
          });
    }
    EXPECT_EQ(split.size(), 19u);
    return split;
  };
  auto split = tried(Readers::kAll);
  EXPECT_FALSE(split["d"] || split["n"] || split["id"]);
  split = tried(Readers::kMost);
  EXPECT_TRUE(split["d"] && split["f"] && split["events.list.element.v"]);
  EXPECT_FALSE(split["n"] || split["id"] || split["s"]);
  split = tried(Readers::kIceberg);
  EXPECT_TRUE(split["d"] && split["n"] && split["i"] && split["id"]);
  EXPECT_FALSE(split["s"] || split["flag"]);
}

TEST(CompressionTrial, TimeHasAPrice) {
  TrialOptions options;
  options.cpu_second_bytes = 1'000'000;
  options.reads = 10;
  const FormCost cost{
      .size_bytes = 500, .write_cpu_ns = 1'000'000, .read_cpu_ns = 100'000};
  EXPECT_DOUBLE_EQ(CostBytes(cost, options), 500 + 1000 + 10 * 100);
  options.cpu_second_bytes = 0;
  EXPECT_DOUBLE_EQ(CostBytes(cost, options), 500);
}

TEST(CompressionTrial, RecommendsFromAFilesOwnRows) {
  const auto rows = Tuned(4000);
  WriterOptions options;
  options.default_column.dictionary = false;
  options.codec = Codec::kUncompressed;
  options.row_group_rows = 1500;
  std::string bytes;
  ASSERT_TRUE(WriteIn(*rows, 1000, options, bytes).ok());
  const base::Context context;
  TrialOptions trial = SizesOnly();
  trial.sample_rows = 2000;
  const auto reader = OpenBytes(bytes);
  const auto trials = RecommendForms(context, **reader, trial);
  ASSERT_TRUE(trials.ok()) << trials.status();
  auto by_path = ByPath(*trials);
  EXPECT_EQ(by_path["step"].sample_rows, 2000) << "of two row groups";
  EXPECT_EQ(Chosen(by_path["step"]).encoding, Encoding::kDeltaBinaryPacked);
  EXPECT_THAT(ToText(*trials), HasSubstr("DELTA_BINARY_PACKED"));
  EXPECT_THAT(ToText(*trials), HasSubstr(" *"));
  EXPECT_THAT(ToJson(*trials),
              HasSubstr(R"({"path":"step","rows":2000,"chosen":{"dictionary":false,)"));
  // Bytes bound the sample as well.
  trial.sample_rows = 1 << 20;
  trial.sample_bytes = 20'000;
  by_path = ByPath(RecommendForms(context, **reader, trial).value());
  EXPECT_LT(by_path["step"].sample_rows, 1000);
  EXPECT_GT(by_path["step"].sample_rows, 50);
  trial.repeats = 0;
  EXPECT_TRUE(
      RecommendForms(context, **reader, trial).status().Is(StatusCode::kInvalidArgument));
}

// The forms that the footer shows are those that the report says were chosen.
void ExpectForms(const std::string& bytes, const FileReport& report) {
  const auto file =
      ::parquet::ParquetFileReader::Open(arrow::io::BufferReader::FromString(bytes));
  const auto& metadata = *file->metadata();
  auto by_path = ByPath(report.trials);
  for (int g = 0; g < metadata.num_row_groups(); ++g) {
    for (int i = 0; i < metadata.num_columns(); ++i) {
      const std::string path = metadata.schema()->Column(i)->path()->ToDotString();
      if (!by_path.contains(path)) continue;
      const StorageForm& form = Chosen(by_path[path]);
      const auto chunk = metadata.RowGroup(g)->ColumnChunk(i);
      const auto names = (*(*OpenBytes(bytes))->Compression()).columns[i];
      EXPECT_THAT(names.codecs, testing::ElementsAre(std::string(ToString(form.codec))))
          << path;
      EXPECT_EQ(chunk->has_dictionary_page(), form.dictionary) << path;
      if (!form.dictionary) {
        EXPECT_THAT(names.encodings,
                    testing::Contains(std::string(ToString(form.encoding))))
            << path;
      }
    }
  }
}

TEST(CompressionAuto, ChoosesFromTheFirstRowsForTheWholeFile) {
  const auto rows = Tuned(6000);
  WriterOptions options;
  options.row_group_rows = 2500;
  options.trial = SizesOnly();
  options.trial->sample_rows = 1000;
  options.columns[3].codec = Codec::kGzip;
  options.columns[4].bloom_filter = BloomFilterOptions{6000, 0.01};
  std::string bytes;
  const auto report = WriteIn(*rows, 700, options, bytes);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->row_count, 6000);
  auto by_path = ByPath(report->trials);
  EXPECT_FALSE(by_path.contains("word")) << "its codec was given";
  EXPECT_EQ(by_path["step"].sample_rows, 1000);
  EXPECT_EQ(Chosen(by_path["step"]).encoding, Encoding::kDeltaBinaryPacked);
  EXPECT_EQ(Chosen(by_path["path"]).encoding, Encoding::kDeltaByteArray);
  ExpectForms(bytes, *report);
  ExpectRows(bytes, {}, *rows, true);
  const auto file =
      ::parquet::ParquetFileReader::Open(arrow::io::BufferReader::FromString(bytes));
  EXPECT_TRUE(file->metadata()->RowGroup(2)->ColumnChunk(4)->bloom_filter_offset())
      << "what is not tried stays as it was";
  WriterOptions plain = options;
  plain.trial.reset();
  std::string larger;
  ASSERT_TRUE(WriteIn(*rows, 700, plain, larger).ok());
  EXPECT_LT(bytes.size(), larger.size());
}

TEST(CompressionAuto, FilesShorterThanTheSample) {
  for (const std::int64_t rows : {0, 1, 500}) {
    const auto batch = EveryTypeBatch(rows, 1);
    WriterOptions options;
    options.trial = SizesOnly();
    options.trial->codecs = {{Codec::kZstd, 1}};
    std::string bytes;
    const auto report = WriteIn(*batch, 100, options, bytes);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->row_count, rows);
    EXPECT_EQ(report->trials.size(), rows == 0 ? 0u : 19u);
    if (rows == 500) ExpectForms(bytes, *report);
  }
}

TEST(CompressionAuto, RunsAndDictionaries) {
  std::vector<std::int32_t> ends;
  for (std::int32_t end = 50; end <= 3000; end += 50) ends.push_back(end);
  const Rows rows = MakeRows(ends, 1);
  WriterOptions options;
  options.trial = SizesOnly();
  options.trial->sample_rows = 1000;
  std::string bytes;
  const auto report = WriteIn(*rows.in_runs, 700, options, bytes);
  ASSERT_TRUE(report.ok()) << report.status();
  ExpectRows(bytes, {}, *rows.spelled_out, true);
  auto by_path = ByPath(report->trials);
  EXPECT_EQ(by_path["metric"].forms.size(), 10u) << "dictionary or plain, five codecs";
  EXPECT_EQ(by_path["n"].forms.size(), 15u);
}

TEST(CompressionAuto, RefusesWhatCannotBeBeforeAnyRow) {
  WriterOptions options;
  options.trial = TrialOptions();
  options.columns_by_path["nobody"] = {};
  std::string bytes;
  const Status status =
      FileWriter::Open(std::make_unique<StringWriter>(bytes), Tuned(1)->schema(), options)
          .status();
  EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("columns_by_path: 'nobody'"));
  options.columns_by_path.clear();
  options.trial->sample_rows = 0;
  EXPECT_TRUE(
      FileWriter::Open(std::make_unique<StringWriter>(bytes), Tuned(1)->schema(), options)
          .status()
          .Is(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace firn::parquet
