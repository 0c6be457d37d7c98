// SPDX-License-Identifier: Apache-2.0
#include "probe_options.h"

#include <cstdlib>
#include <utility>

namespace firn::parquet {
namespace {

Status Unknown(const std::string& argument) {
  return Status::InvalidArgument("argument '" + argument + "'");
}

// The text before the first `separator`, which it is cut off with; all of it where there
// is none.
std::string CutTo(std::string& text, char separator) {
  const std::size_t at = text.find(separator);
  std::string head = text.substr(0, at);
  text = at == std::string::npos ? std::string() : text.substr(at + 1);
  return head;
}

Result<Encoding> ParseEncoding(const std::string& name) {
  for (const Encoding encoding :
       {Encoding::kPlain, Encoding::kDeltaBinaryPacked, Encoding::kDeltaLengthByteArray,
        Encoding::kDeltaByteArray, Encoding::kByteStreamSplit}) {
    if (ToString(encoding) == name) return encoding;
  }
  return Status::InvalidArgument("encoding '" + name + "'");
}

Status SetColumn(const std::string& name, const std::string& value,
                 ColumnOptions& column) {
  if (name == "codec") {
    FIRN_ASSIGN_OR_RETURN(column.codec, ParseCodec(value));
  } else if (name == "level") {
    column.codec_level = std::atoi(value.c_str());
  } else if (name == "encoding") {
    FIRN_ASSIGN_OR_RETURN(column.encoding, ParseEncoding(value));
    column.dictionary = false;
  } else if (name == "dictionary") {
    column.dictionary = value != "off";
  } else if (name == "statistics") {
    column.statistics = value != "off";
  } else if (name == "page_index") {
    column.page_index = value != "off";
  } else if (name == "bloom") {
    column.bloom_filter = BloomFilterOptions{std::atoll(value.c_str()), 0.01};
  } else {
    return Unknown(name);
  }
  return Status::OK();
}

Status SetFile(const std::string& name, const std::string& value,
               WriterOptions& options) {
  if (name == "codec") {
    FIRN_ASSIGN_OR_RETURN(options.codec, ParseCodec(value));
    options.codec_level.reset();
  } else if (name == "level") {
    options.codec_level = std::atoi(value.c_str());
  } else if (name == "page_version") {
    options.page_version = value == "v2" ? PageVersion::kV2 : PageVersion::kV1;
  } else if (name == "row_group_rows") {
    options.row_group_rows = std::atoll(value.c_str());
  } else if (name == "page_rows") {
    options.page_rows = std::atoll(value.c_str());
  } else if (name == "page_index") {
    options.page_index = value != "off";
  } else if (name == "sort") {
    options.sorting_columns.push_back({std::atoi(value.c_str()), false, false});
  } else {
    return Unknown(name);
  }
  return Status::OK();
}

}  // namespace

Result<WriterOptions> ProbeWriterOptions(const std::vector<std::string>& arguments) {
  WriterOptions options;
  for (const std::string& argument : arguments) {
    std::string value = argument;
    std::string name = CutTo(value, '=');
    std::string rest = name;
    const std::string head = CutTo(rest, '.');
    if (head == "key") {
      options.key_values.emplace_back(rest, value);
    } else if (!rest.empty()) {
      FIRN_RETURN_IF_ERROR(
          SetColumn(rest, value, options.columns[std::atoi(head.c_str())]));
    } else {
      FIRN_RETURN_IF_ERROR(SetFile(name, value, options));
    }
  }
  return options;
}

Result<ReaderOptions> ProbeReaderOptions(const std::vector<std::string>& arguments) {
  ReaderOptions options;
  for (const std::string& argument : arguments) {
    std::string value = argument;
    const std::string name = CutTo(value, '=');
    if (name != "checksums") return Unknown(argument);
    options.verify_page_checksums = value != "off";
  }
  return options;
}

}  // namespace firn::parquet
