// SPDX-License-Identifier: Apache-2.0
#include "firn/files.h"

#include <optional>
#include <utility>

#include "base/budget.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/json.h"
#include "io/environment.h"
#include "io/stores.h"
#include "parquet/compression_report.h"
#include "parquet/compression_trial.h"
#include "parquet/memory_pool.h"
#include "parquet/reader.h"
#include "parquet/verify.h"
#include "table/data_files.h"

namespace firn {
namespace {

// An object of a store.
class StoredOutput final : public FileOutput {
 public:
  StoredOutput(const base::Context& context, std::unique_ptr<io::ObjectWriter> object)
      : context_(context), object_(std::move(object)) {}

  Status Append(std::string_view bytes) override {
    FIRN_RETURN_IF_ERROR(context_.Check());
    return object_->Append(bytes);
  }
  Status Close() override {
    FIRN_RETURN_IF_ERROR(context_.Check());
    return object_->Close();
  }

 private:
  const base::Context& context_;
  const std::unique_ptr<io::ObjectWriter> object_;
};

class StoredFiles final : public Files {
 public:
  explicit StoredFiles(const FilesOptions& options)
      : store_(io::MakeStores(options.storage, io::ProcessEnvironment(),
                              base::SystemClock(), nullptr)),
        budget_("of a file's pages", options.bytes_max),
        pool_(budget_) {}

  Result<std::vector<std::string>> Find(const base::Context& context,
                                        std::string_view location) override {
    FIRN_ASSIGN_OR_RETURN(table::DataFiles found,
                          table::FindDataFiles(context, *store_, location));
    return std::move(found.locations);
  }

  Result<FileCheck> Check(const base::Context& context, const std::string& location,
                          const std::function<void(double)>& on_progress) override {
    FIRN_ASSIGN_OR_RETURN(std::shared_ptr<io::ObjectReader> object,
                          store_->OpenReader(context, location,
                                             parquet::FileReader::WithEnd(std::nullopt)));
    parquet::VerifyOptions options;
    options.reader.pool = &pool_;
    options.on_progress = on_progress;
    return parquet::Verify(context, std::move(object), location, options);
  }

  Result<CompressionAdvice> Compression(const base::Context& context,
                                        const std::string& location) override {
    parquet::ReaderOptions options;
    options.pool = &pool_;
    FIRN_ASSIGN_OR_RETURN(
        const std::unique_ptr<parquet::FileReader> reader,
        parquet::FileReader::Open(context, *store_, location, std::nullopt, options));
    FIRN_ASSIGN_OR_RETURN(const parquet::CompressionReport report, reader->Compression());
    std::vector<parquet::ColumnTrial> trials;
    if (reader->row_count() > 0) {
      FIRN_ASSIGN_OR_RETURN(trials, parquet::RecommendForms(context, *reader, {}));
    }
    CompressionAdvice advice;
    advice.report_text = parquet::ToText(report);
    advice.trial_text = parquet::ToText(trials);
    advice.json = R"({"file":)" + base::JsonString(location) + R"(,"report":)" +
                  parquet::ToJson(report) + R"(,"trial":)" + parquet::ToJson(trials) +
                  "}";
    return advice;
  }

  Result<std::unique_ptr<FileOutput>> Create(const base::Context& context,
                                             std::string_view text,
                                             bool overwrite) override {
    FIRN_ASSIGN_OR_RETURN(std::string location, io::ParseLocation(text));
    // Said before any row is read; Close() is what makes sure of it.
    if (!overwrite && store_->OpenReader(context, location).ok()) {
      return Status::AlreadyExists(location + " is there already");
    }
    FIRN_ASSIGN_OR_RETURN(std::unique_ptr<io::ObjectWriter> object,
                          store_->OpenWriter(context, location, {.replace = overwrite}));
    return std::unique_ptr<FileOutput>(
        std::make_unique<StoredOutput>(context, std::move(object)));
  }

 private:
  const std::unique_ptr<io::Store> store_;
  base::ByteBudget budget_;
  parquet::BudgetMemoryPool pool_;
};

}  // namespace

Result<std::unique_ptr<Files>> Files::Open(const FilesOptions& options) {
  if (options.bytes_max <= 0) {
    return Status::InvalidArgument("files: bytes_max is not above 0");
  }
  return std::unique_ptr<Files>(std::make_unique<StoredFiles>(options));
}

}  // namespace firn
