// SPDX-License-Identifier: Apache-2.0
// Files without a table: written, read by SQL, checked; and who may not read them.
#include "firn/files.h"

#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/context.h"
#include "firn/db.h"
#include "io/temporary_directory.h"

namespace firn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    auto files = Files::Open({});
    EXPECT_TRUE(files.ok()) << files.status();
    files_ = std::move(*files);
  }

  std::string Path(const std::string& name) const {
    return (std::filesystem::path(directory_.path()) / name).string();
  }

  // Numbers [0, 100) in a column `n`.
  Status Write(const std::string& name, bool overwrite = false,
               const ParquetOptions& options = {}) {
    arrow::Int64Builder n;
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(n.Append(i).ok());
    const auto schema = arrow::schema({arrow::field("n", arrow::int64())});
    const auto batch = arrow::RecordBatch::Make(schema, 100, {*n.Finish()});
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<FileOutput> output,
                          files_->Create(context_, Path(name), overwrite));
    FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<ParquetWriter> writer,
                          ParquetWriter::Open(std::move(output), schema, options));
    FIRN_RETURN_IF_ERROR(writer->Write(*batch));
    return writer->Finish();
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  // The number of rows that a statement returns, or why it fails.
  static Result<std::int64_t> RowsOf(Db& db, const std::string& statement) {
    const base::Context context;
    FIRN_ASSIGN_OR_RETURN(const std::unique_ptr<SqlCursor> cursor,
                          db.Sql(context, statement));
    std::int64_t rows = 0;
    for (;;) {
      FIRN_ASSIGN_OR_RETURN(const auto batch, cursor->Next());
      if (batch == nullptr) return rows;
      rows += batch->num_rows();
    }
  }

  const base::Context context_;
  const io::TemporaryDirectory directory_;
  std::unique_ptr<Files> files_;
};

TEST_F(FilesTest, AFileIsWrittenFoundCheckedAndAsked) {
  ASSERT_TRUE(Write("a.parquet").ok());
  const auto found = files_->Find(context_, directory_.path());
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(*found, ElementsAre("file://" + Path("a.parquet")));
  const auto check = files_->Check(context_, found->front(), {});
  ASSERT_TRUE(check.ok()) << check.status();
  EXPECT_TRUE(check->sound());
  EXPECT_EQ(check->rows, 100);
  EXPECT_GE(check->bytes_read,
            static_cast<std::int64_t>(std::filesystem::file_size(Path("a.parquet"))));
  const auto advice = files_->Compression(context_, found->front());
  ASSERT_TRUE(advice.ok()) << advice.status();
  EXPECT_THAT(advice->report_text, HasSubstr("all columns"));
  EXPECT_THAT(advice->json, HasSubstr(R"("trial":[{"path":"n")"));

  const auto db = Db::OpenFiles({});
  ASSERT_TRUE(db.ok()) << db.status();
  EXPECT_EQ(*RowsOf(**db, "SELECT n FROM '" + Path("*.parquet") + "' WHERE n < 7"), 7);
  EXPECT_EQ(RowsOf(**db, "FROM '" + Path("none.parquet") + "'").status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(RowsOf(**db, "FROM metrics.samples").status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_THAT(*(*db)->ListTables(context_), IsEmpty());
}

TEST_F(FilesTest, AFileThatIsThereIsReplacedOnlyOnDemand) {
  std::ofstream(Path("a.parquet")) << "precious";
  EXPECT_EQ(Write("a.parquet").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(std::filesystem::file_size(Path("a.parquet")), 8U);
  ASSERT_TRUE(Write("a.parquet", /*overwrite=*/true).ok());
  EXPECT_TRUE(files_->Check(context_, "file://" + Path("a.parquet"), {})->sound());
  EXPECT_THAT(Names(), ElementsAre("a.parquet"));
}

TEST_F(FilesTest, WhatIsNotClosedIsNotThere) {
  {
    auto output = files_->Create(context_, Path("a.csv"), false);
    ASSERT_TRUE(output.ok());
    ASSERT_TRUE((*output)->Append("half a li").ok());
  }
  EXPECT_THAT(Names(), IsEmpty());
  // Nor after it was cancelled: not even what was there before goes.
  std::ofstream(Path("b.csv")) << "precious";
  const base::Context cancelled;
  auto output = files_->Create(cancelled, Path("b.csv"), true);
  ASSERT_TRUE(output.ok());
  ASSERT_TRUE((*output)->Append("all of it").ok());
  cancelled.Cancel();
  EXPECT_EQ((*output)->Close().code(), StatusCode::kCancelled);
  output->reset();
  EXPECT_THAT(Names(), ElementsAre("b.csv"));
  EXPECT_EQ(std::filesystem::file_size(Path("b.csv")), 8U);
}

TEST_F(FilesTest, OptionsOfParquetAreChecked) {
  for (const char* good : {"zstd", "zstd:9", "snappy", "none", "auto", "GZIP:4"}) {
    EXPECT_TRUE(CheckParquetOptions({.compression = good}).ok()) << good;
  }
  for (const char* bad : {"", "zip", "zstd:", "zstd:x", "zstd:3x"}) {
    const Status status = CheckParquetOptions({.compression = bad});
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(status.message(), HasSubstr("compression")) << bad;
  }
  EXPECT_EQ(Write("a.parquet", false, {.compression = "zstd:9999"}).code(),
            StatusCode::kInvalidArgument);
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(FilesTest, WhoWritesReadsNoFilesBySql) {
  DbOptions options;
  options.data_dir = Path("data");
  options.settle_interval_ms = 0;
  options.sql_files = true;
  EXPECT_EQ(Db::Open(options).status().code(), StatusCode::kInvalidArgument);
  options.sql_files = false;
  const auto db = Db::Open(options);
  ASSERT_TRUE(db.ok()) << db.status();
  ASSERT_TRUE(Write("a.parquet").ok());
  EXPECT_FALSE(RowsOf(**db, "FROM '" + Path("a.parquet") + "'").ok());
}

}  // namespace
}  // namespace firn
