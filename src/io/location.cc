// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>

#include "base/quote.h"
#include "io/store.h"

namespace firn::io {
namespace {

constexpr std::string_view kFile = "file";
constexpr std::string_view kMemory = "memory";

Status Invalid(std::string_view text, std::string_view why) {
  return Status::InvalidArgument("location " + base::Quoted(text) + ": " +
                                 std::string(why));
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The scheme of `text` in lower case, or nothing where it is a plain path. A colon alone
// does not make a URI, since file names may hold one: `//` must follow, or the scheme be
// `file`, which Hadoop writes as `file:/a`.
std::optional<std::string> SchemeOf(std::string_view text) {
  std::string scheme;
  for (const char c : text) {
    if (c == ':') break;
    const bool later = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!IsLetter(c) && (scheme.empty() || !later)) return std::nullopt;
    scheme.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  if (scheme.empty() || scheme.size() == text.size()) return std::nullopt;
  const std::string_view rest = text.substr(scheme.size() + 1);
  if (!rest.starts_with("//") && scheme != kFile) return std::nullopt;
  return scheme;
}

// Whether a segment of `path` is `.` or `..`.
bool HasDotSegment(std::string_view path) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment == "." || segment == "..") return true;
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return false;
}

// `path` with single slashes and none at the end.
std::string TidySlashes(std::string_view path) {
  std::string tidy;
  for (const char c : path) {
    if (c == '/' && tidy.ends_with('/')) continue;
    tidy.push_back(c);
  }
  if (tidy.size() > 1 && tidy.ends_with('/')) tidy.pop_back();
  return tidy;
}

// The absolute path of a `file:` URI. `rest` is what follows `file:`.
Result<std::string> PathOfFileUri(std::string_view text, std::string_view rest) {
  constexpr std::string_view kLocalhost = "//localhost/";
  if (rest.starts_with(kLocalhost)) {
    rest.remove_prefix(kLocalhost.size() - 1);
  } else if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    if (!rest.starts_with('/')) {
      return Invalid(text, "names a host; a local file is file:///absolute/path");
    }
  }
  if (!rest.starts_with('/')) {
    return Invalid(text, "is relative; a local file is file:///absolute/path");
  }
  if (HasDotSegment(rest)) return Invalid(text, "holds a . or .. segment");
  return TidySlashes(rest);
}

Result<std::string> AbsolutePath(std::string_view text) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::absolute(text, error);
  if (error)
    return Invalid(text, "the current directory is not known: " + error.message());
  return TidySlashes(path.lexically_normal().string());
}

// The schemes that object stores go by, as Hadoop's file systems and others spell them.
struct SchemeName {
  std::string_view name;
  std::string_view canonical;
};
constexpr SchemeName kBucketSchemes[] = {
    {"s3", "s3"}, {"s3a", "s3"}, {"s3n", "s3"}, {"gs", "gs"}, {"gcs", "gs"}, {"az", "az"},
};

std::string WithoutTrailingSlashes(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  return std::string(text);
}

bool IsAzureFileSystem(std::string_view scheme) {
  return scheme == "abfs" || scheme == "abfss" || scheme == "wasb" || scheme == "wasbs";
}

// `CONTAINER@ACCOUNT.dfs.core.windows.net/KEY`, as Hadoop writes it, keeps its account
// and becomes `abfss://`; without an account it is `az://CONTAINER/KEY`.
Result<std::string> ParseAzureFileSystem(std::string_view text, std::string_view rest) {
  const std::string_view authority = rest.substr(0, rest.find('/'));
  const std::string key = WithoutTrailingSlashes(rest.substr(authority.size()));
  const std::size_t at = authority.find('@');
  if (at == std::string_view::npos) return "az://" + std::string(authority) + key;
  std::string host(authority.substr(at + 1));
  std::transform(host.begin(), host.end(), host.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const std::size_t dot = host.find('.');
  // Of the two services that every account has, both lead to the same objects.
  if (dot != std::string::npos && host.compare(dot, 6, ".blob.") == 0) {
    host.replace(dot, 6, ".dfs.");
  }
  if (at == 0 || dot == 0 || host.compare(std::min(dot, host.size()), 5, ".dfs.") != 0) {
    return Invalid(text, "expected CONTAINER@ACCOUNT.dfs.core.windows.net/KEY");
  }
  return "abfss://" + std::string(authority.substr(0, at)) + "@" + host + key;
}

}  // namespace

Result<std::string> ParseLocation(std::string_view text) {
  if (text.empty()) return Invalid(text, "is empty");
  if (text.find('\0') != std::string_view::npos) return Invalid(text, "holds a NUL byte");
  const std::optional<std::string> scheme = SchemeOf(text);
  if (!scheme) {
    FIRN_ASSIGN_OR_RETURN(const std::string path, AbsolutePath(text));
    return "file://" + path;
  }
  const std::string_view rest = text.substr(scheme->size() + 1);
  if (*scheme == kFile) {
    FIRN_ASSIGN_OR_RETURN(const std::string path, PathOfFileUri(text, rest));
    return "file://" + path;
  }
  const SchemeName* const known =
      std::find_if(std::begin(kBucketSchemes), std::end(kBucketSchemes),
                   [&](const SchemeName& entry) { return entry.name == *scheme; });
  const bool is_bucket = known != std::end(kBucketSchemes);
  if (!is_bucket && !IsAzureFileSystem(*scheme) && *scheme != kMemory) {
    return Invalid(text, "no store serves the scheme " + base::Quoted(*scheme) +
                             "; known are file, memory, s3, gs, az, abfss, and plain "
                             "paths");
  }
  if (rest.size() == 2 || rest[2] == '/') return Invalid(text, "names no bucket");
  if (HasDotSegment(rest.substr(2))) return Invalid(text, "holds a . or .. segment");
  if (*scheme == kMemory) return *scheme + "://" + TidySlashes(rest.substr(2));
  if (!is_bucket) return ParseAzureFileSystem(text, rest.substr(2));
  return std::string(known->canonical) + "://" + WithoutTrailingSlashes(rest.substr(2));
}

Result<std::string> LocalPath(std::string_view location) {
  const std::optional<std::string> scheme = SchemeOf(location);
  if (location.find('\0') != std::string_view::npos) {
    return Invalid(location, "holds a NUL byte");
  }
  if (!scheme) {
    if (!location.starts_with('/')) return Invalid(location, "is not absolute");
    if (HasDotSegment(location)) return Invalid(location, "holds a . or .. segment");
    return TidySlashes(location);
  }
  if (*scheme != kFile) return Invalid(location, "is not a local file");
  return PathOfFileUri(location, location.substr(scheme->size() + 1));
}

Result<std::string> ResolveDirectoryLinks(const std::string& location) {
  constexpr std::string_view kLocal = "file://";
  if (!location.starts_with(kLocal)) return location;
  const std::filesystem::path path(location.substr(kLocal.size()));
  std::error_code error;
  const std::filesystem::path directory =
      std::filesystem::weakly_canonical(path.parent_path(), error);
  if (error) return Invalid(location, "its links cannot be resolved: " + error.message());
  return std::string(kLocal) + (directory / path.filename()).string();
}

std::string JoinLocation(std::string_view base, std::string_view name) {
  while (base.ends_with('/')) base.remove_suffix(1);
  while (name.starts_with('/')) name.remove_prefix(1);
  return std::string(base) + "/" + std::string(name);
}

}  // namespace firn::io
