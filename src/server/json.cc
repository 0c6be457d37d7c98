// SPDX-License-Identifier: Apache-2.0
#include "server/json.h"

#include <charconv>
#include <cmath>

namespace firn::server {

void AppendPrometheusFloat(std::string& out, double v) {
  if (std::isnan(v)) {
    out += "NaN";
    return;
  }
  if (std::isinf(v)) {
    out += v > 0 ? "+Inf" : "-Inf";
    return;
  }
  char buffer[32];
  char* end =
      std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific).ptr;
  const double abs = std::fabs(v);
  if (abs != 0 && (abs < 1e-6 || abs >= 1e21)) {
    out.append(buffer, end);
    return;
  }
  // Lay the shortest digits, d.ddd…e±xx, out without the exponent. to_chars' own fixed
  // form would print all digits of a large number, where Go pads with zeros.
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t e = text.find('e');
  int exponent = 0;
  const char* exponent_text = buffer + e + (buffer[e + 1] == '+' ? 2 : 1);
  std::from_chars(exponent_text, end, exponent);
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  if (text[0] == '-') out += '-';
  if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    out += digits;
    return;
  }
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) {
    out += digits;
    out.append(whole - digits.size(), '0');
  } else {
    out.append(digits, 0, whole);
    out += '.';
    out.append(digits, whole);
  }
}

void AppendTimestampSeconds(std::string& out, TimestampMs t) {
  std::uint64_t abs = static_cast<std::uint64_t>(t);
  if (t < 0) {
    out += '-';
    abs = -abs;
  }
  AppendJsonInt(out, static_cast<std::int64_t>(abs / 1000));
  const int fraction = static_cast<int>(abs % 1000);
  if (fraction == 0) return;
  out += '.';
  out += static_cast<char>('0' + fraction / 100);
  out += static_cast<char>('0' + fraction / 10 % 10);
  out += static_cast<char>('0' + fraction % 10);
}

void AppendLabels(std::string& out, const Labels& labels) {
  out += '{';
  bool first = true;
  for (const Label& label : labels) {
    if (!first) out += ',';
    first = false;
    AppendJsonString(out, label.name);
    out += ':';
    AppendJsonString(out, label.value);
  }
  out += '}';
}

void AppendSample(std::string& out, const Sample& sample) {
  out += '[';
  AppendTimestampSeconds(out, sample.timestamp_ms);
  out += ",\"";
  AppendPrometheusFloat(out, sample.value);
  out += "\"]";
}

}  // namespace firn::server
