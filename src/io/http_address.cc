// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "base/assert.h"
#include "base/civil_date.h"
#include "base/hex.h"
#include "base/quote.h"
#include "io/http_client.h"

namespace firn::io {
namespace {

constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

}  // namespace

Result<HttpAddress> HttpAddress::Parse(std::string_view text) {
  const auto bad = [&] {
    return Status::InvalidArgument("expected http://HOST:PORT or https://HOST, got " +
                                   base::Quoted(text));
  };
  HttpAddress address;
  std::string_view rest = text;
  bool has_scheme = true;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
    address.tls = true;
    address.port = "443";
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    has_scheme = false;
  }
  const std::size_t slash = rest.find('/');
  if (slash != std::string_view::npos) {
    address.prefix = rest.substr(slash);
    while (!address.prefix.empty() && address.prefix.back() == '/') {
      address.prefix.pop_back();
    }
    rest = rest.substr(0, slash);
  }
  std::size_t colon = rest.rfind(':');
  if (!rest.empty() && rest.front() == '[') {
    const std::size_t close = rest.find(']');
    if (close == std::string_view::npos) return bad();
    address.host = rest.substr(1, close - 1);
    if (close + 1 < rest.size() && rest[close + 1] != ':') return bad();
    if (colon < close) colon = std::string_view::npos;
  } else {
    address.host = rest.substr(0, colon);
  }
  if (colon != std::string_view::npos) {
    address.port = rest.substr(colon + 1);
  } else if (!has_scheme) {
    return bad();
  }
  const bool digits =
      !address.port.empty() && std::all_of(address.port.begin(), address.port.end(),
                                           [](char c) { return c >= '0' && c <= '9'; });
  // What has another meaning in a URL would change where the request goes.
  const bool plain = std::all_of(address.host.begin(), address.host.end(), [](char c) {
    return c > ' ' && c != '@' && c != '?' && c != '#' && c != '\\' && c != '\x7f';
  });
  if (address.host.empty() || !digits || !plain) return bad();
  return address;
}

std::string HttpAddress::Authority() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + port;
}

std::string HttpAddress::HostHeader() const {
  const std::string authority = Authority();
  if (port != (tls ? "443" : "80")) return authority;
  return authority.substr(0, authority.size() - port.size() - 1);
}

std::string PercentEncode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
                       c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

Result<std::string> FormDecode(std::string_view text) {
  const std::size_t last = text.empty() ? 0 : text.size() - 1;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 <= last ? base::HexDigit(text[i + 1]) : -1;
    const int low = i + 2 <= last ? base::HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return Status::InvalidArgument(base::Quoted(text) + ": a % that encodes nothing");
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Result<TimestampUs> ParseHttpDate(std::string_view text) {
  const std::string copy(text);
  char month[4] = "";
  int day = 0;
  int year = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  const int fields = std::sscanf(copy.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &day,
                                 month, &year, &hour, &minute, &second);
  const std::size_t found = kMonths.find(month);
  if (fields != 6 || found == kMonths.npos || found % 3 != 0 || day < 1 || day > 31) {
    return Status::InvalidArgument(base::Quoted(text) + " is no date of HTTP's");
  }
  const std::int64_t days =
      base::DaysFromCivilDate({year, static_cast<int>(found / 3) + 1, day});
  return (days * 86'400 + hour * 3600 + minute * 60 + second) * 1'000'000;
}

std::string FormatHttpDate(TimestampUs timestamp_us) {
  constexpr std::int64_t kDaySeconds = 86'400;
  const std::int64_t seconds = timestamp_us / 1'000'000;
  const std::int64_t days = seconds / kDaySeconds;
  const std::int64_t of_day = seconds % kDaySeconds;
  FIRN_ASSERT(timestamp_us >= 0);
  const base::CivilDate date = base::CivilDateFromDays(days);
  constexpr std::string_view kDayNames = "ThuFriSatSunMonTueWed";  // From 1970-01-01 on.
  char text[64];
  const int size = std::snprintf(
      text, sizeof text, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
      kDayNames.substr(static_cast<std::size_t>(days % 7) * 3).data(), date.day,
      kMonths.substr(static_cast<std::size_t>(date.month - 1) * 3).data(),
      static_cast<int>(date.year), static_cast<int>(of_day / 3600),
      static_cast<int>(of_day / 60 % 60), static_cast<int>(of_day % 60));
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace firn::io
