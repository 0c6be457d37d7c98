// SPDX-License-Identifier: Apache-2.0
#include "cli/promql_printer.h"

#include "server/json.h"
#include "server/prometheus_result.h"

namespace firn::cli {
namespace {

void AppendValueAt(std::string& out, const Sample& sample) {
  server::AppendPrometheusFloat(out, sample.value);
  out += " @[";
  server::AppendTimestampSeconds(out, sample.timestamp_ms);
  out += "]\n";
}

struct TextWriter {
  std::string& out;
  void operator()(const PromqlScalar& scalar) const {
    out += "scalar: ";
    AppendValueAt(out, {scalar.timestamp_ms, scalar.value});
  }
  void operator()(const PromqlString& text) const { out += text.value + "\n"; }
  void operator()(const PromqlVector& vector) const {
    for (const PromqlElement& element : vector) {
      out += element.labels.ToString() + " => ";
      AppendValueAt(out, element.sample);
    }
  }
  void operator()(const PromqlMatrix& matrix) const {
    for (const PromqlSeries& series : matrix) {
      out += series.labels.ToString() + " =>\n";
      for (const Sample& sample : series.samples) AppendValueAt(out, sample);
    }
  }
};

}  // namespace

std::string PromqlAsText(const PromqlResult& result) {
  std::string out;
  std::visit(TextWriter{out}, result.value);
  return out;
}

std::string PromqlAsJson(const PromqlResult& result) {
  std::string out;
  server::AppendPromqlData(out, result, /*with_stats=*/false);
  return out + "\n";
}

std::int64_t PromqlRows(const PromqlResult& result) {
  if (const auto* vector = std::get_if<PromqlVector>(&result.value)) {
    return static_cast<std::int64_t>(vector->size());
  }
  const auto* matrix = std::get_if<PromqlMatrix>(&result.value);
  if (matrix == nullptr) return 1;
  std::int64_t rows = 0;
  for (const PromqlSeries& series : *matrix) {
    rows += static_cast<std::int64_t>(series.samples.size());
  }
  return rows;
}

}  // namespace firn::cli
