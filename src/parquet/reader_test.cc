// SPDX-License-Identifier: Apache-2.0
#include "parquet/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "arrow/array/array_base.h"
#include "arrow/array/array_dict.h"
#include "arrow/array/array_primitive.h"
#include "arrow/array/builder_binary.h"
#include "arrow/array/builder_primitive.h"
#include "arrow/compare.h"

#include "expr/conjuncts.h"
#include "expr/select.h"
#include "parquet/footer_cache.h"
#include "parquet/memory_pool.h"
#include "parquet/test_objects.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

using expr::Compare;
using expr::CompareOp;
using expr::MakePredicate;
using expr::PredicatePtr;
using testing::HasSubstr;

PredicatePtr Cmp(std::string column, CompareOp op, expr::Literal literal) {
  return MakePredicate(Compare{std::move(column), op, std::move(literal)});
}

std::string WriteFile(const arrow::RecordBatch& batch, const WriterOptions& options) {
  std::string bytes;
  auto writer =
      FileWriter::Open(std::make_unique<StringWriter>(bytes), batch.schema(), options);
  EXPECT_TRUE(writer.ok()) << writer.status();
  if (!writer.ok()) return bytes;
  const Status written = (*writer)->Write(batch);
  EXPECT_TRUE(written.ok()) << written;
  const auto report = std::move(**writer).Finish();
  EXPECT_TRUE(report.ok()) << report.status();
  return bytes;
}

// Small row groups and pages, so that there is something to prune.
WriterOptions SmallPages() {
  WriterOptions options;
  options.row_group_rows = 1000;
  options.page_rows = 64;
  return options;
}

class ReaderTest : public testing::Test {
 protected:
  void Open(std::string bytes, const ReaderOptions& options = {}) {
    object_ = std::make_shared<StringReader>(std::move(bytes));
    auto reader = FileReader::Open(context_, object_, "memory://w/a.parquet", options);
    ASSERT_TRUE(reader.ok()) << reader.status();
    reader_ = std::move(reader).value();
  }
  // All rows that a scan gives, as one batch a call of Next.
  std::vector<std::shared_ptr<arrow::RecordBatch>> Read(const ScanSpec& spec) {
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    auto plan = reader_->Plan(context_, spec);
    EXPECT_TRUE(plan.ok()) << plan.status();
    if (!plan.ok()) return batches;
    plan_ = *plan;
    auto stream = reader_->Read(context_, spec, *plan);
    EXPECT_TRUE(stream.ok()) << stream.status();
    if (!stream.ok()) return batches;
    while (true) {
      auto batch = (*stream)->Next();
      EXPECT_TRUE(batch.ok()) << batch.status();
      if (!batch.ok() || *batch == nullptr) break;
      EXPECT_TRUE((*batch)->ValidateFull().ok()) << (*batch)->ValidateFull().ToString();
      EXPECT_LE((*batch)->num_rows(), spec.batch_rows);
      batches.push_back(*batch);
    }
    stats_ = (*stream)->stats();
    return batches;
  }

  base::Context context_;
  std::shared_ptr<StringReader> object_;
  std::unique_ptr<FileReader> reader_;
  FilePlan plan_;
  scan::ScanStats stats_;
};

// Every row read equals the row of `source` with the same `n`. Returns the numbers read.
std::vector<std::int64_t> CheckRows(
    const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches,
    const arrow::RecordBatch& source) {
  std::vector<std::int64_t> rows;
  const auto nans = arrow::EqualOptions::Defaults().nans_equal(true);
  for (const auto& batch : batches) {
    const auto& n = static_cast<const arrow::Int64Array&>(*batch->GetColumnByName("n"));
    for (std::int64_t i = 0; i < batch->num_rows();) {
      // Runs of rows that follow each other are compared at once.
      std::int64_t end = i + 1;
      while (end < batch->num_rows() && n.Value(end) == n.Value(end - 1) + 1) ++end;
      for (int c = 0; c < batch->num_columns(); ++c) {
        const auto& name = batch->schema()->field(c)->name();
        EXPECT_TRUE(batch->column(c)->RangeEquals(*source.GetColumnByName(name), i, end,
                                                  n.Value(i), nans))
            << name << " of rows " << n.Value(i) << " to " << n.Value(end - 1);
      }
      for (; i < end; ++i) rows.push_back(n.Value(i));
    }
  }
  return rows;
}

TEST_F(ReaderTest, ReadsBackEveryType) {
  const auto source = EveryTypeBatch(2500, 1);
  ASSERT_NE(source, nullptr);
  Open(WriteFile(*source, SmallPages()));
  EXPECT_EQ(reader_->row_count(), 2500);
  EXPECT_EQ(reader_->row_group_count(), 3);
  EXPECT_EQ(reader_->row_group(2).row_count, 500);
  EXPECT_TRUE(reader_->schema()->Equals(*source->schema(), false))
      << reader_->schema()->ToString();
  for (const std::int64_t batch_rows : {1, 77, 8192}) {
    ScanSpec spec;
    spec.batch_rows = batch_rows;
    const auto rows = CheckRows(Read(spec), *source);
    ASSERT_EQ(rows.size(), 2500u);
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
    EXPECT_EQ(stats_.rows, 2500);
    EXPECT_EQ(stats_.row_groups_read, 3);
  }
}

// `n` is the number of the row, which makes it its place as well.
TEST_F(ReaderTest, SaysWhichRowsOfTheFileBatchesHave) {
  const auto source = EveryTypeBatch(2500, 1);
  Open(WriteFile(*source, SmallPages()));
  EXPECT_EQ(reader_->row_group(2).first_row, 2000);
  EXPECT_EQ(reader_->row_group(0).first_byte, 4);
  EXPECT_GT(reader_->row_group(1).first_byte, reader_->row_group(0).compressed_bytes);
  for (const int threads : {1, 3}) {
    for (const bool with_column : {true, false}) {
      ScanSpec spec;
      spec.columns.emplace();
      if (with_column) spec.columns->push_back({"n"});
      spec.predicate = expr::Conjoin(Cmp("n", CompareOp::kGtEq, std::int64_t{1400}),
                                     Cmp("n", CompareOp::kLt, std::int64_t{2100}));
      spec.row_positions = true;
      spec.threads = threads;
      spec.batch_rows = 100;
      std::vector<std::int64_t> places;
      for (const auto& batch : Read(spec)) {
        const int last = batch->num_columns() - 1;
        EXPECT_EQ(batch->column_name(last), kRowPositionColumn);
        if (with_column) {
          EXPECT_TRUE(batch->column(0)->Equals(batch->column(last)));
        }
        const auto& of_batch =
            static_cast<const arrow::Int64Array&>(*batch->column(last));
        places.insert(places.end(), of_batch.raw_values(),
                      of_batch.raw_values() + of_batch.length());
      }
      EXPECT_TRUE(std::is_sorted(places.begin(), places.end()));
      EXPECT_TRUE(std::binary_search(places.begin(), places.end(), 1400));
      EXPECT_TRUE(std::binary_search(places.begin(), places.end(), 2099));
      EXPECT_LT(places.size(), 1000u);
    }
  }
}

TEST_F(ReaderTest, AColumnMayBeCalledOtherwiseThanInTheFile) {
  const auto source = EveryTypeBatch(100, 1);
  Open(WriteFile(*source, SmallPages()));
  ScanSpec spec;
  spec.columns = {{"number", -1, "n"}};
  spec.predicate = Cmp("number", CompareOp::kLt, std::int64_t{0});
  EXPECT_TRUE(Read(spec).empty());
  spec.predicate = nullptr;
  const auto batches = Read(spec);
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0]->column_name(0), "number");
  EXPECT_TRUE(batches[0]->column(0)->Equals(source->GetColumnByName("n")));
}

TEST_F(ReaderTest, ProjectsByFieldIdAndByName) {
  const auto source = EveryTypeBatch(100, 2);
  Open(WriteFile(*source, {}));
  ScanSpec spec;
  spec.columns = {{"renamed", 7}, {"n", -1}, {"labels", 20}};
  const auto batches = Read(spec);
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_THAT(batches[0]->schema()->field_names(),
              testing::ElementsAre("renamed", "n", "labels"));
  EXPECT_TRUE(batches[0]->column(0)->Equals(source->GetColumnByName("s")));
  EXPECT_TRUE(batches[0]->column(2)->Equals(source->GetColumnByName("labels")));
  EXPECT_EQ(
      batches[0]->schema()->field(0)->metadata()->Get("PARQUET:field_id").ValueOrDie(),
      "7");
  EXPECT_TRUE(reader_->HasColumn({"", 7}));
  EXPECT_FALSE(reader_->HasColumn({"s", 99})) << "an id given is what counts";
  spec.columns = {{"s", 99}};
  const auto plan = reader_->Plan(context_, spec);
  const auto missing = reader_->Read(context_, spec, *plan);
  EXPECT_TRUE(missing.status().Is(StatusCode::kNotFound)) << missing.status();
  EXPECT_THAT(missing.status().ToString(), HasSubstr("memory://w/a.parquet"));
}

TEST_F(ReaderTest, CountsRowsWithoutColumns) {
  Open(WriteFile(*EveryTypeBatch(2500, 3), SmallPages()));
  const auto before = object_->requests.load();
  ScanSpec spec;
  spec.columns.emplace();
  std::int64_t rows = 0;
  for (const auto& batch : Read(spec)) rows += batch->num_rows();
  EXPECT_EQ(rows, 2500);
  EXPECT_EQ(object_->requests, before) << "the footer knows";
}

TEST_F(ReaderTest, OneMetricReadsOnlyItsPages) {
  const auto source = EveryTypeBatch(10'000, 4);
  WriterOptions options = SmallPages();
  options.row_group_rows = 5000;
  options.page_rows = 256;
  ReaderOptions exact;
  exact.coalesce_hole_bytes = 0;  // The file is smaller than one worthwhile request.
  Open(WriteFile(*source, options), exact);
  ScanSpec all;
  all.columns = {{"n"}, {"id"}, {"ts"}, {"d"}};
  Read(all);
  const std::int64_t all_bytes = stats_.bytes_read;
  ScanSpec one = all;
  one.predicate = Cmp("metric", CompareOp::kEq, std::string("metric_120"));
  one.predicate_columns = {{"metric", 8}};
  const auto rows = CheckRows(Read(one), *source);
  // 35 rows a metric: those, and not the rest of their pages.
  ASSERT_EQ(rows.size(), 35u);
  EXPECT_EQ(rows.front(), 700);
  EXPECT_EQ(plan_.row_groups_pruned, 1);
  ASSERT_EQ(plan_.row_groups.size(), 1u);
  EXPECT_EQ(plan_.row_groups[0].rows.ToString(), "[512,768)");
  EXPECT_EQ(stats_.pages_pruned, 5 * 19) << "one page of each column is left";
  EXPECT_LT(stats_.bytes_read, all_bytes / 3)
      << "dictionaries and indexes are read whole";
}

TEST_F(ReaderTest, StagesNarrowOneAfterAnother) {
  const auto source = EveryTypeBatch(10'000, 5);
  Open(WriteFile(*source, SmallPages()));
  ScanSpec spec;
  spec.columns = {{"n"}, {"labels"}, {"s"}};
  spec.predicate =
      expr::Conjoin(Cmp("metric", CompareOp::kEq, std::string("metric_120")),
                    Cmp("ts", CompareOp::kLt, expr::Timestamp{1'700'000'000'000'001}));
  const auto rows = CheckRows(Read(spec), *source);
  // The first sample of each series; gaps of six rows are not worth a skip.
  EXPECT_EQ(rows.size(), 29u);
  EXPECT_EQ(rows.front(), 700);
}

// Column `c` holds the text of `source`'s column of that name at rows `n`, in codes.
void ExpectCoded(const arrow::RecordBatch& batch, int c,
                 const arrow::RecordBatch& source) {
  ASSERT_EQ(batch.column(c)->type_id(), arrow::Type::DICTIONARY);
  const auto& coded = static_cast<const arrow::DictionaryArray&>(*batch.column(c));
  const auto& words = static_cast<const arrow::StringArray&>(*coded.dictionary());
  const auto& plain = static_cast<const arrow::StringArray&>(
      *source.GetColumnByName(batch.schema()->field(c)->name()));
  const auto& n = static_cast<const arrow::Int64Array&>(*batch.column(0));
  ASSERT_EQ(words.type_id(), arrow::Type::STRING);
  for (std::int64_t i = 0; i < batch.num_rows(); ++i) {
    ASSERT_EQ(coded.IsNull(i), plain.IsNull(n.Value(i)));
    if (coded.IsNull(i)) continue;
    ASSERT_EQ(words.GetView(coded.GetValueIndex(i)), plain.GetView(n.Value(i)));
  }
}

// Also of encodings that Parquet's reader does not make dictionaries of.
TEST_F(ReaderTest, DictionaryStrings) {
  const auto source = EveryTypeBatch(2000, 6);
  for (const bool delta : {false, true}) {
    WriterOptions options = SmallPages();
    if (delta) {
      options.columns[7].dictionary = options.columns[8].dictionary = false;
      options.columns[7].encoding = Encoding::kDeltaLengthByteArray;
      options.columns[8].encoding = Encoding::kDeltaByteArray;
    }
    Open(WriteFile(*source, options));
    ScanSpec spec;
    spec.columns = {{"n"}, {"metric"}, {"s"}};
    spec.predicate = Cmp("metric", CompareOp::kGtEq, std::string("metric_"));
    spec.text_form = TextForm::kDictionary;
    std::int64_t rows = 0;
    for (const auto& batch : Read(spec)) {
      rows += batch->num_rows();
      for (const int c : {1, 2}) ExpectCoded(*batch, c, *source);
    }
    EXPECT_EQ(rows, 2000);
  }
}

// Column `c` holds views of what `source` has in its column of that name at rows `n`.
void ExpectViews(const arrow::RecordBatch& batch, int c,
                 const arrow::RecordBatch& source) {
  const auto& plain = static_cast<const arrow::BinaryArray&>(
      *source.GetColumnByName(batch.schema()->field(c)->name()));
  ASSERT_EQ(batch.column(c)->type_id(), plain.type_id() == arrow::Type::STRING
                                            ? arrow::Type::STRING_VIEW
                                            : arrow::Type::BINARY_VIEW);
  ASSERT_TRUE(batch.column(c)->ValidateFull().ok());
  const auto& views = static_cast<const arrow::BinaryViewArray&>(*batch.column(c));
  const auto& n = static_cast<const arrow::Int64Array&>(*batch.column(0));
  for (std::int64_t i = 0; i < batch.num_rows(); ++i) {
    ASSERT_EQ(views.IsNull(i), plain.IsNull(n.Value(i)));
    if (views.IsNull(i)) continue;
    ASSERT_EQ(views.GetView(i), plain.GetView(n.Value(i)));
  }
}

// Every way of storing text, with and without pages and rows that are passed over.
TEST_F(ReaderTest, TextViews) {
  const auto source = EveryTypeBatch(2000, 6);
  for (const PageVersion version : {PageVersion::kV1, PageVersion::kV2}) {
    for (const Encoding encoding : {Encoding::kPlain, Encoding::kDeltaByteArray}) {
      for (const bool dictionary : {true, false}) {
        WriterOptions options = SmallPages();
        options.page_version = version;
        for (const int id : {7, 8, 9}) {
          options.columns[id].dictionary = dictionary;
          options.columns[id].encoding = encoding;
        }
        Open(WriteFile(*source, options));
        for (const std::int64_t least : {0, 1234}) {
          ScanSpec spec;
          spec.columns = {{"n"}, {"metric"}, {"s"}, {"b"}};
          spec.predicate = expr::Conjoin(Cmp("n", CompareOp::kGtEq, least),
                                         Cmp("i", CompareOp::kGt, std::int64_t{490}));
          spec.text_form = TextForm::kViews;
          std::int64_t rows = 0;
          for (const auto& batch : Read(spec)) {
            rows += batch->num_rows();
            for (const int c : {1, 2, 3}) ExpectViews(*batch, c, *source);
          }
          EXPECT_GT(rows, 0);
          EXPECT_LT(rows, 2000 - least);
        }
      }
    }
  }
}

TEST_F(ReaderTest, BloomFilterPrunesWhatBoundsCannot) {
  const auto source = EveryTypeBatch(5000, 7);
  WriterOptions options = SmallPages();
  options.columns[4].bloom_filter = BloomFilterOptions{1000, 0.001};
  options.columns[10].bloom_filter = BloomFilterOptions{1000, 0.001};
  Open(WriteFile(*source, options));
  const auto& l = static_cast<const arrow::Int64Array&>(*source->GetColumnByName("l"));
  std::int64_t present = 4321;
  while (l.IsNull(present)) ++present;
  ScanSpec spec;
  spec.predicate = Cmp("l", CompareOp::kEq, l.Value(present));
  EXPECT_THAT(CheckRows(Read(spec), *source), testing::Contains(present));
  EXPECT_EQ(plan_.row_groups_pruned_by_bloom, 4);
  spec.predicate =
      MakePredicate(expr::In{"l", {l.Value(present) + 1, l.Value(present) - 1}});
  EXPECT_TRUE(Read(spec).empty());
  EXPECT_EQ(plan_.row_groups_pruned_by_bloom, 5);
}

TEST_F(ReaderTest, WithoutPageIndexOrStatisticsNothingIsLost) {
  const auto source = EveryTypeBatch(3000, 8);
  WriterOptions options = SmallPages();
  options.default_column.statistics = false;
  options.page_index = false;
  ReaderOptions small;
  small.request_bytes_max = 100;  // Every page and header in several pieces.
  small.coalesce_hole_bytes = 0;
  Open(WriteFile(*source, options), small);
  ScanSpec spec;
  spec.predicate = Cmp("metric", CompareOp::kEq, std::string("metric_130"));
  EXPECT_EQ(CheckRows(Read(spec), *source).size(), 35u);
  spec.predicate = nullptr;
  EXPECT_EQ(CheckRows(Read(spec), *source).size(), 3000u);
}

TEST_F(ReaderTest, RowGroupRangeAndSplitPlans) {
  const auto source = EveryTypeBatch(3000, 9);
  Open(WriteFile(*source, SmallPages()));
  ScanSpec spec;
  spec.row_group_first = 1;
  spec.row_group_end = 2;
  const auto rows = CheckRows(Read(spec), *source);
  ASSERT_EQ(rows.size(), 1000u);
  EXPECT_EQ(rows.front(), 1000);
  FilePlan wrong;
  wrong.row_groups.push_back({7, RowRanges::All(1)});
  EXPECT_TRUE(
      reader_->Read(context_, {}, wrong).status().Is(StatusCode::kInvalidArgument));
  wrong.row_groups[0] = {0, RowRanges::All(1001)};
  auto stream = reader_->Read(context_, {}, wrong);
  ASSERT_TRUE(stream.ok());
  EXPECT_TRUE((*stream)->Next().status().Is(StatusCode::kInvalidArgument));
  EXPECT_EQ((*stream)->Next().value(), nullptr) << "finished after an error";
}

TEST_F(ReaderTest, CancelledBetweenBatches) {
  Open(WriteFile(*EveryTypeBatch(3000, 10), SmallPages()));
  ScanSpec spec;
  auto stream = reader_->Read(context_, spec, reader_->Plan(context_, spec).value());
  ASSERT_TRUE((*stream)->Next().ok());
  context_.Cancel();
  EXPECT_TRUE((*stream)->Next().status().Is(StatusCode::kCancelled));
  EXPECT_TRUE(reader_->Plan(context_, spec).status().Is(StatusCode::kCancelled));
}

TEST_F(ReaderTest, MemoryIsDrawnOnTheBudget) {
  const std::string bytes = WriteFile(*EveryTypeBatch(20'000, 11), {});
  base::ByteBudget budget("scan", 64 << 20);
  {
    BudgetMemoryPool pool(budget);
    ReaderOptions options;
    options.pool = &pool;
    Open(bytes, options);
    auto batches = Read({});
    EXPECT_GT(budget.used_bytes(), 1 << 20);
    EXPECT_EQ(pool.bytes_allocated(), budget.used_bytes());
    EXPECT_GE(pool.max_memory(), pool.bytes_allocated());
    reader_.reset();
    EXPECT_EQ(CheckRows(batches, *EveryTypeBatch(20'000, 11)).size(), 20'000u)
        << "batches outlive their reader";
    batches.clear();
    EXPECT_EQ(budget.used_bytes(), 0);
  }
  base::ByteBudget tight("tight", 100'000);
  BudgetMemoryPool pool(tight);
  ReaderOptions options;
  options.pool = &pool;
  Open(bytes, options);
  auto stream = reader_->Read(context_, {}, reader_->Plan(context_, {}).value());
  const Status status = (*stream)->Next().status();
  EXPECT_TRUE(status.Is(StatusCode::kResourceExhausted)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("tight"));
  EXPECT_EQ(tight.used_bytes(), 0);
}

TEST_F(ReaderTest, FooterCacheSparesTheSecondOpen) {
  const std::string bytes = WriteFile(*EveryTypeBatch(3000, 12), SmallPages());
  FooterCache cache(1 << 20);
  ReaderOptions options;
  options.footer_cache = &cache;
  Open(bytes, options);
  EXPECT_EQ(object_->requests, 1);
  Open(bytes, options);
  EXPECT_EQ(object_->requests, 0);
  EXPECT_EQ(cache.stats().hits, 1);
  EXPECT_EQ(cache.stats().entries, 1);
  ScanSpec spec;
  spec.predicate = Cmp("metric", CompareOp::kEq, std::string("metric_110"));
  Read(spec);
  Open(bytes, options);
  Read(spec);
  EXPECT_EQ(plan_.requests, 0) << "page indexes are kept with the footer";
}

// Values that no bounds can tell apart from those looked for, and that only the
// dictionary knows not to be there.
TEST_F(ReaderTest, DictionariesPruneRowGroups) {
  constexpr std::int64_t kRows = 12'000;
  arrow::StringBuilder few;
  arrow::DoubleBuilder many;
  for (std::int64_t i = 0; i < kRows; ++i) {
    ASSERT_TRUE(i % 10 == 9 ? few.AppendNull().ok()
                            : few.Append(i % 2 == 0 ? "axb" : "cyd").ok());
    ASSERT_TRUE(many.Append(static_cast<double>(i * 7 % kRows)).ok());
  }
  const auto source = arrow::RecordBatch::Make(
      arrow::schema({Id(arrow::field("few", arrow::utf8()), 1),
                     Id(arrow::field("many", arrow::float64()), 2)}),
      kRows, {few.Finish().ValueOrDie(), many.Finish().ValueOrDie()});
  WriterOptions options;
  options.row_group_rows = 3000;
  options.columns[2].dictionary = false;
  const auto plan = [&](const PredicatePtr& predicate) {
    ScanSpec spec;
    spec.predicate = predicate;
    const auto made = reader_->Plan(context_, spec);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? *made : FilePlan();
  };
  const auto text = [](const char* value) { return expr::Literal(std::string(value)); };
  Open(WriteFile(*source, options));
  for (const PredicatePtr& predicate :
       {Cmp("few", CompareOp::kEq, text("b")),
        MakePredicate(expr::In{"few", {text("b"), text("azz")}}),
        MakePredicate(expr::StartsWith{"few", "ay"}),
        MakePredicate(expr::Like{"few", "%x"}),
        expr::Conjoin(Cmp("few", CompareOp::kGt, text("axb")),
                      Cmp("few", CompareOp::kLt, text("cyd")))}) {
    const FilePlan pruned = plan(predicate);
    EXPECT_TRUE(pruned.row_groups.empty()) << ToString(*predicate);
    EXPECT_EQ(pruned.row_groups_pruned, 4);
    EXPECT_EQ(pruned.row_groups_pruned_by_dictionary, 4);
  }
  for (const PredicatePtr& predicate :
       {Cmp("few", CompareOp::kEq, text("cyd")),
        // NULL is not in the dictionary.
        MakePredicate(expr::Or{
            {Cmp("few", CompareOp::kEq, text("b")), MakePredicate(expr::IsNull{"few"})}}),
        // Two columns together are no dictionary's question.
        MakePredicate(expr::Or{
            {Cmp("few", CompareOp::kEq, text("b")), Cmp("many", CompareOp::kEq, 5.0)}}),
        Cmp("many", CompareOp::kEq, 50.5)}) {
    EXPECT_EQ(plan(predicate).row_groups.size(), 4u) << ToString(*predicate);
  }
  EXPECT_EQ(plan(Cmp("few", CompareOp::kGtEq, text("a"))).requests, 0)
      << "every entry would do";

  // A chunk that fell back to plain values, as it may after some rows, has some that its
  // dictionary lacks.
  options.dictionary_bytes = 1;
  Open(WriteFile(*source, options));
  EXPECT_EQ(plan(Cmp("few", CompareOp::kEq, text("b"))).row_groups_pruned_by_dictionary,
            0);
}

TEST_F(ReaderTest, CountsWhatEachStagePrunes) {
  const auto source = EveryTypeBatch(5000, 6);
  WriterOptions options = SmallPages();
  options.columns[10].bloom_filter = BloomFilterOptions{1000, 0.001};
  Open(WriteFile(*source, options));
  const auto plan = [&](const PredicatePtr& predicate) {
    ScanSpec spec;
    spec.predicate = predicate;
    const auto made = reader_->Plan(context_, spec);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() ? *made : FilePlan();
  };
  const FilePlan by_statistics = plan(Cmp("n", CompareOp::kLt, std::int64_t{1000}));
  EXPECT_EQ(by_statistics.row_groups_pruned_by_statistics, 4);
  EXPECT_EQ(by_statistics.row_groups_pruned, 4);
  EXPECT_EQ(by_statistics.pages_pruned, 0);
  const FilePlan by_pages = plan(Cmp("n", CompareOp::kLt, std::int64_t{64}));
  EXPECT_EQ(by_pages.row_count(), 64);
  EXPECT_EQ(by_pages.pages_pruned, 15);
  std::string between(16, '\0');
  between[7] = 60;
  between[15] = 1;
  const FilePlan by_bloom = plan(Cmp("id", CompareOp::kEq, expr::Binary{between}));
  EXPECT_EQ(by_bloom.row_groups_pruned_by_statistics, 4);
  EXPECT_EQ(by_bloom.row_groups_pruned_by_bloom, 1);
  // Between the last value of one page and the first of the next.
  const FilePlan by_index = plan(
      expr::Conjoin(Cmp("n", CompareOp::kGt, 63.25), Cmp("n", CompareOp::kLt, 63.75)));
  EXPECT_EQ(by_index.row_groups_pruned_by_page_index, 1);
  EXPECT_EQ(by_index.row_groups_pruned, 5);
}

// Random predicates over random layouts: no matching row is lost, and what comes is what
// was written.
TEST_F(ReaderTest, RandomPredicatesLoseNoRow) {
  std::int64_t pruned_rows = 0;
  for (int seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(static_cast<std::uint64_t>(seed));
    const auto below = [&](int n) {
      return static_cast<int>(random() % static_cast<std::uint64_t>(n));
    };
    const std::int64_t row_count = below(4000);
    const auto source = EveryTypeBatch(row_count, random());
    WriterOptions options;
    options.codec = below(2) == 0 ? Codec::kZstd : Codec::kUncompressed;
    options.row_group_rows = 1 + below(3000);
    options.page_rows = 1 + below(300);
    options.page_bytes = 64 + below(4000);
    options.dictionary_bytes = 64 + below(4000);
    options.default_column.dictionary = below(2) == 0;
    options.page_index = below(5) != 0;
    for (const int id : {3, 4, 11, 12}) {
      options.columns[id].dictionary = below(2) == 0;
      options.columns[id].encoding =
          below(2) == 0 ? Encoding::kDeltaBinaryPacked : Encoding::kByteStreamSplit;
    }
    options.columns[7].encoding = Encoding::kDeltaByteArray;
    options.columns[10].bloom_filter = BloomFilterOptions{100, 0.05};
    ReaderOptions reader_options;
    reader_options.request_bytes_max = 1 + below(5000);
    reader_options.coalesce_hole_bytes = below(1000);
    Open(WriteFile(*source, options), reader_options);
    const auto op = [&] { return static_cast<CompareOp>(below(6)); };
    const auto leaf = [&]() -> PredicatePtr {
      switch (below(9)) {
        case 0:
          return Cmp("i", op(), std::int64_t{below(1000) - 500});
        case 1:
          return Cmp("d", op(), (below(2000) - 1000) / 8.0);
        case 2:
          return Cmp("metric", op(), "metric_" + std::to_string(100 + below(120)));
        case 3:
          return Cmp("ts", op(),
                     expr::Timestamp{1'700'000'000'000'000 + below(7) * 15'000'000});
        case 4:
          return Cmp("day", op(), expr::Date{19'000 + below(80)});
        case 5:
          return MakePredicate(expr::IsNull{"s"});
        case 6:
          return MakePredicate(expr::StartsWith{"s", "aa"});
        case 7: {
          std::string id(16, '\0');
          id[7] = static_cast<char>(below(256));
          return Cmp("id", op(), expr::Binary{id});
        }
        default:
          return Cmp("small", op(), std::int64_t{below(9)});
      }
    };
    ScanSpec spec;
    spec.batch_rows = 1 + below(2000);
    spec.columns = {{"n"}};
    for (const auto& field : source->schema()->fields()) {
      if (field->name() != "n" && below(3) == 0) spec.columns->push_back({field->name()});
    }
    PredicatePtr either = MakePredicate(expr::Or{{leaf(), leaf()}});
    if (below(2) == 0) either = MakePredicate(expr::Not{either});
    spec.predicate = expr::Conjoin(leaf(), below(2) == 0 ? leaf() : either);
    const auto rows = CheckRows(Read(spec), *source);
    ASSERT_TRUE(std::is_sorted(rows.begin(), rows.end())) << "seed " << seed;
    ASSERT_EQ(std::adjacent_find(rows.begin(), rows.end()), rows.end());
    std::vector<std::uint8_t> mask;
    expr::SelectRows(*spec.predicate, *source, mask);
    for (std::int64_t row = 0; row < row_count; ++row) {
      ASSERT_TRUE(mask[row] == 0 || std::binary_search(rows.begin(), rows.end(), row))
          << "seed " << seed << " lost row " << row << " of "
          << ToString(*spec.predicate);
    }
    pruned_rows += row_count - static_cast<std::int64_t>(rows.size());
  }
  EXPECT_GT(pruned_rows, 20'000);
}

}  // namespace
}  // namespace firn::parquet
