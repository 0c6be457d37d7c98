// SPDX-License-Identifier: Apache-2.0
#include "cli/server_answer.h"

#include <arrow/buffer.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>

#include <cmath>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "server/json.h"

namespace firn::cli {
namespace {

using nlohmann::json;

StatusCode CodeOf(int http_code) {
  switch (http_code) {
    case 400:
    case 413:
    case 415:
    case 422:
      return StatusCode::kInvalidArgument;
    case 403:
      return StatusCode::kPermissionDenied;
    case 404:
      return StatusCode::kNotFound;
    case 409:
      return StatusCode::kConflict;
    case 499:
      return StatusCode::kCancelled;
    case 503:
      return StatusCode::kUnavailable;
    default:
      return StatusCode::kInternal;
  }
}

// Hands what Arrow's decoder finds to a printer.
class PrintingListener final : public arrow::ipc::Listener {
 public:
  explicit PrintingListener(RowPrinter& printer) : printer_(printer) {}

  arrow::Status OnSchemaDecoded(std::shared_ptr<arrow::Schema> schema) override {
    return Keep(printer_.Begin(schema));
  }
  arrow::Status OnRecordBatchDecoded(std::shared_ptr<arrow::RecordBatch> batch) override {
    return Keep(printer_.Add(*batch));
  }
  arrow::Status OnEOS() override {
    ended_ = true;
    return arrow::Status::OK();
  }

  bool ended() const { return ended_; }
  const Status& status() const { return status_; }

 private:
  arrow::Status Keep(Status status) {
    status_ = std::move(status);
    return status_.ok() ? arrow::Status::OK() : arrow::Status::Cancelled("");
  }
  RowPrinter& printer_;
  Status status_;
  bool ended_ = false;
};

std::string TimeText(TimestampMs t) {
  std::string out;
  server::AppendTimestampSeconds(out, t);
  return out;
}

double ParseValue(const std::string& text) {
  if (text == "NaN") return std::nan("");
  if (text == "+Inf") return HUGE_VAL;
  if (text == "-Inf") return -HUGE_VAL;
  return std::strtod(text.c_str(), nullptr);
}

Sample ParseSample(const json& pair) {
  return {std::llround(pair.at(0).get<double>() * 1000),
          ParseValue(pair.at(1).get<std::string>())};
}

Labels ParseLabels(const json& object) {
  std::vector<Label> labels;
  for (const auto& [name, value] : object.items()) {
    labels.push_back({name, value.get<std::string>()});
  }
  return Labels::FromUnsorted(std::move(labels));
}

PromqlResult ReadResult(const json& answer) {
  PromqlResult result;
  const json& data = answer.at("data");
  const json& value = data.at("result");
  const std::string type = data.at("resultType").get<std::string>();
  if (type == "scalar") {
    const Sample sample = ParseSample(value);
    result.value = PromqlScalar{sample.timestamp_ms, sample.value};
  } else if (type == "string") {
    result.value = PromqlString{std::llround(value.at(0).get<double>() * 1000),
                                value.at(1).get<std::string>()};
  } else if (type == "vector") {
    PromqlVector vector;
    for (const json& one : value) {
      vector.push_back({ParseLabels(one.at("metric")), ParseSample(one.at("value"))});
    }
    result.value = std::move(vector);
  } else {
    PromqlMatrix matrix;
    for (const json& one : value) {
      PromqlSeries series{ParseLabels(one.at("metric")), {}};
      for (const json& sample : one.at("values")) {
        series.samples.push_back(ParseSample(sample));
      }
      matrix.push_back(std::move(series));
    }
    result.value = std::move(matrix);
  }
  result.warnings = answer.value("warnings", std::vector<std::string>());
  result.infos = answer.value("infos", std::vector<std::string>());
  return result;
}

}  // namespace

Status AnswerStatus(int code, std::string_view body) {
  const json answer = json::parse(body, nullptr, /*allow_exceptions=*/false);
  std::string why(body.substr(0, body.find('\n')));
  if (answer.is_object() && answer.contains("error") && answer["error"].is_string()) {
    why = answer["error"].get<std::string>();
  }
  if (why.empty()) why = "HTTP " + std::to_string(code);
  return {CodeOf(code), std::move(why)};
}

Status SqlOverHttp(io::HttpClient& client, const base::Context& context,
                   std::string_view statement, const TableFilter& filter,
                   RowPrinter& printer) {
  std::string target = "/api/v1/sql";
  if (!filter.condition.empty()) {
    target += "?filter_table=" + io::PercentEncode(filter.table) +
              "&filter=" + io::PercentEncode(filter.condition);
  }
  auto listener = std::make_shared<PrintingListener>(printer);
  arrow::ipc::StreamDecoder decoder(listener);
  const io::HttpRequest request{"POST",
                                target,
                                {{"Accept", "application/vnd.apache.arrow.stream"},
                                 {"Content-Type", "application/sql"}},
                                statement};
  const auto sink = [&](std::string_view bytes) -> Status {
    const arrow::Status consumed =
        decoder.Consume(arrow::Buffer::FromString(std::string(bytes)));
    if (consumed.ok()) return Status::OK();
    if (!listener->status().ok()) return listener->status();
    return Status::Corruption("the answer is no Arrow stream: " + consumed.ToString());
  };
  FIRN_ASSIGN_OR_RETURN(const io::HttpResponse response,
                        client.Send(request, context, sink));
  if (response.code != 200) return AnswerStatus(response.code, response.body);
  if (!listener->ended()) return Status::Unavailable("the answer broke off");
  return printer.End();
}

Result<PromqlResult> ParsePromqlAnswer(std::string_view text) {
  // The library throws where a field is missing or of another type.
  try {
    return ReadResult(json::parse(text));
  } catch (const json::exception& e) {
    return Status::Corruption(std::string("the answer is not Prometheus's: ") + e.what());
  }
}

Result<PromqlResult> PromqlOverHttp(io::HttpClient& client, const base::Context& context,
                                    const PromqlRequest& request) {
  std::string form = "query=" + io::PercentEncode(request.expression);
  std::string path = "/api/v1/query";
  if (request.is_instant()) {
    form += "&time=" + TimeText(request.start_ms);
  } else {
    path = "/api/v1/query_range";
    form += "&start=" + TimeText(request.start_ms) + "&end=" + TimeText(request.end_ms) +
            "&step=" + TimeText(request.step_ms);
  }
  const io::HttpRequest post{
      "POST", path, {{"Content-Type", "application/x-www-form-urlencoded"}}, form};
  FIRN_ASSIGN_OR_RETURN(const io::HttpResponse response, client.Send(post, context));
  if (response.code != 200) return AnswerStatus(response.code, response.body);
  return ParsePromqlAnswer(response.body);
}

}  // namespace firn::cli
