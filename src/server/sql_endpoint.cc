// SPDX-License-Identifier: Apache-2.0
// POST /api/v1/sql: one SQL statement in, JSON or an Arrow stream out. Both are sent as
// they are made, so a large result takes no more memory than a batch.
#include <arrow/io/interfaces.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>

#include <memory>
#include <string>

#include "server/endpoints.h"
#include "server/errors.h"
#include "wire/arrow_json.h"

namespace firn::server {
namespace {

constexpr std::string_view kArrowStream = "application/vnd.apache.arrow.stream";

// An error after the first chunk cannot change the status any more: the answer is cut.
void Fail(Response& response, const Status& status) {
  if (response.has_started()) {
    response.Abort();
  } else {
    SetStatusError(response, status);
  }
}

Status WriteJson(SqlCursor& cursor, Response& response) {
  response.SetContentType("application/json");
  std::string& out = response.body();
  out += R"({"columns":)";
  wire::AppendColumnsJson(out, *cursor.schema());
  out += R"(,"rows":[)";
  bool first = true;
  for (;;) {
    FIRN_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> batch, cursor.Next());
    if (batch == nullptr) break;
    for (std::int64_t row = 0; row < batch->num_rows(); ++row) {
      if (!first) out += ',';
      first = false;
      wire::AppendRowJson(out, *batch, row);
      FIRN_RETURN_IF_ERROR(response.FlushIfLarge());
    }
  }
  out += "]}\n";
  return Status::OK();
}

// Lets Arrow's IPC writer write to a response.
class ResponseStream final : public arrow::io::OutputStream {
 public:
  explicit ResponseStream(Response& response) : response_(response) {}

  arrow::Status Write(const void* data, std::int64_t size) override {
    response_.body().append(static_cast<const char*>(data),
                            static_cast<std::size_t>(size));
    written_ += size;
    const Status flushed = response_.FlushIfLarge();
    if (flushed.ok()) return arrow::Status::OK();
    return arrow::Status::IOError(std::string(flushed.message()));
  }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  arrow::Result<std::int64_t> Tell() const override { return written_; }
  bool closed() const override { return closed_; }

 private:
  Response& response_;
  std::int64_t written_ = 0;
  bool closed_ = false;
};

Status FromArrow(const arrow::Status& status) {
  if (status.ok()) return Status::OK();
  return status.IsIOError() ? Status::Unavailable(status.message())
                            : Status::Internal("arrow: " + status.ToString());
}

Status WriteArrow(SqlCursor& cursor, Response& response) {
  response.SetContentType(kArrowStream);
  ResponseStream stream(response);
  auto writer = arrow::ipc::MakeStreamWriter(&stream, cursor.schema());
  FIRN_RETURN_IF_ERROR(FromArrow(writer.status()));
  for (;;) {
    FIRN_ASSIGN_OR_RETURN(const std::shared_ptr<arrow::RecordBatch> batch, cursor.Next());
    if (batch == nullptr) break;
    FIRN_RETURN_IF_ERROR(FromArrow((*writer)->WriteRecordBatch(*batch)));
  }
  return FromArrow((*writer)->Close());
}

void RunSql(Db& db, Exchange& exchange) {
  if (RefuseCrossSite(exchange)) return;
  Response& response = exchange.response;
  if (exchange.body.empty()) {
    return SetStatusError(response,
                          Status::InvalidArgument("the body is to hold a SQL statement"));
  }
  const TableFilter filter{std::string(exchange.form.Get("filter_table")),
                           std::string(exchange.form.Get("filter"))};
  if (filter.table.empty() != filter.condition.empty()) {
    return SetStatusError(response,
                          Status::InvalidArgument("filter and filter_table go together"));
  }
  const Result<std::unique_ptr<SqlCursor>> cursor =
      db.Sql(exchange.context, exchange.body, filter);
  if (!cursor.ok()) return SetStatusError(response, cursor.status());
  const bool as_arrow = exchange.head.accept.find(kArrowStream) != std::string::npos;
  const Status written =
      as_arrow ? WriteArrow(**cursor, response) : WriteJson(**cursor, response);
  if (!written.ok()) Fail(response, written);
}

}  // namespace

void AddSqlEndpoint(Router& router, const EndpointContext& context) {
  router.Add({"/api/v1/sql",
              {Method::kPost},
              RunsOn::kPool,
              [&db = context.db](Exchange& exchange) { RunSql(db, exchange); }});
}

}  // namespace firn::server
