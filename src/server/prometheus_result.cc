// SPDX-License-Identifier: Apache-2.0
#include "server/prometheus_result.h"

#include "server/json.h"

namespace firn::server {
namespace {

struct ValueWriter {
  std::string& out;

  void operator()(const PromqlScalar& scalar) const {
    out += R"("scalar","result":)";
    AppendSample(out, {scalar.timestamp_ms, scalar.value});
  }
  void operator()(const PromqlString& text) const {
    out += R"("string","result":[)";
    AppendTimestampSeconds(out, text.timestamp_ms);
    out += ',';
    AppendJsonString(out, text.value);
    out += ']';
  }
  void operator()(const PromqlVector& vector) const {
    out += R"("vector","result":[)";
    for (const PromqlElement& element : vector) {
      if (out.back() != '[') out += ',';
      out += R"({"metric":)";
      AppendLabels(out, element.labels);
      out += R"(,"value":)";
      AppendSample(out, element.sample);
      out += '}';
    }
    out += ']';
  }
  void operator()(const PromqlMatrix& matrix) const {
    out += R"("matrix","result":[)";
    for (const PromqlSeries& series : matrix) {
      if (out.back() != '[') out += ',';
      out += R"({"metric":)";
      AppendLabels(out, series.labels);
      out += R"(,"values":[)";
      for (std::size_t i = 0; i < series.samples.size(); ++i) {
        if (i > 0) out += ',';
        AppendSample(out, series.samples[i]);
      }
      out += "]}";
    }
    out += ']';
  }
};

template <typename T>
bool Truncate(std::vector<T>& series, std::int64_t limit) {
  if (static_cast<std::int64_t>(series.size()) <= limit) return false;
  series.resize(static_cast<std::size_t>(limit));
  return true;
}

}  // namespace

void AppendPromqlData(std::string& out, const PromqlResult& result, bool with_stats) {
  out += R"({"resultType":)";
  std::visit(ValueWriter{out}, result.value);
  if (with_stats) {
    out += R"(,"stats":{"samples":{"totalQueryableSamples":)";
    AppendJsonInt(out, result.stats.samples_read);
    out += R"(,"peakSamples":)";
    AppendJsonInt(out, result.stats.peak_samples);
    out += R"(},"series":)";
    AppendJsonInt(out, result.stats.series);
    out += '}';
  }
  out += '}';
}

bool TruncateSeries(PromqlResult& result, std::int64_t limit) {
  if (limit == 0) return false;
  if (auto* vector = std::get_if<PromqlVector>(&result.value)) {
    return Truncate(*vector, limit);
  }
  if (auto* matrix = std::get_if<PromqlMatrix>(&result.value)) {
    return Truncate(*matrix, limit);
  }
  return false;
}

}  // namespace firn::server
