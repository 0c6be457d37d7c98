// SPDX-License-Identifier: Apache-2.0
#include "probe_options.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>

#include "parquet/encryption.h"

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

// Bytes written as hexadecimal digits.
Result<SecretKey> ParseKey(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(
        static_cast<char>(std::strtol(digits.substr(i, 2).c_str(), nullptr, 16)));
  }
  return SecretKey::Make(std::move(bytes));
}

class KeyRing final : public KeyRetriever {
 public:
  void Add(const std::string& name, SecretKey key) {
    keys_.insert_or_assign(name, std::move(key));
  }
  Result<SecretKey> Find(const std::string& key_metadata) override {
    const auto found = keys_.find(key_metadata);
    if (found != keys_.end()) return found->second;
    return Status::NotFound("not among the arguments");
  }

 private:
  std::map<std::string, SecretKey> keys_;
};

bool IsEncryption(const std::string& name) {
  return name == "footer_key" || name == "cipher" || name == "plaintext_footer" ||
         name == "aad_prefix";
}

Status SetEncryption(const std::string& name, const std::string& value,
                     WriterOptions& options) {
  if (name == "footer_key") {
    FIRN_ASSIGN_OR_RETURN(SecretKey key, ParseKey(value));
    options.encryption =
        EncryptionOptions{.footer_key = std::move(key), .footer_key_metadata = "kf"};
    return Status::OK();
  }
  if (!options.encryption.has_value()) return Unknown(name);
  if (name == "cipher") {
    options.encryption->cipher = value == "ctr" ? Cipher::kAesGcmCtr : Cipher::kAesGcm;
  } else if (name == "plaintext_footer") {
    options.encryption->plaintext_footer = value == "on";
  } else {
    options.encryption->aad_prefix = value;
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
    } else if (IsEncryption(name)) {
      FIRN_RETURN_IF_ERROR(SetEncryption(name, value, options));
    } else {
      FIRN_RETURN_IF_ERROR(SetFile(name, value, options));
    }
  }
  return options;
}

Result<ReaderOptions> ProbeReaderOptions(const std::vector<std::string>& arguments) {
  ReaderOptions options;
  const auto ring = std::make_shared<KeyRing>();
  const auto decryption = std::make_shared<DecryptionOptions>();
  decryption->keys = ring;
  for (const std::string& argument : arguments) {
    std::string value = argument;
    std::string name = CutTo(value, '=');
    if (name == "checksums") {
      options.verify_page_checksums = value != "off";
      continue;
    }
    // Whatever it is of keys, the file is to be decrypted.
    options.decryption = decryption;
    std::string rest = name;
    if (name == "aad_prefix") {
      decryption->aad_prefix = value;
    } else if (CutTo(rest, '.') == "key") {
      FIRN_ASSIGN_OR_RETURN(SecretKey key, ParseKey(value));
      ring->Add(rest, std::move(key));
    } else if (name == "footer_key") {
      FIRN_ASSIGN_OR_RETURN(decryption->footer_key, ParseKey(value));
    } else {
      return Unknown(argument);
    }
  }
  return options;
}

ScanSpec TakeProbeScanSpec(std::vector<std::string>& arguments) {
  ScanSpec spec;
  std::erase_if(arguments, [&](const std::string& argument) {
    std::string value = argument;
    const std::string name = CutTo(value, '=');
    if (name == "threads") {
      spec.threads = std::max(1, std::atoi(value.c_str()));
    } else if (name == "columns") {
      spec.columns.emplace();
      while (!value.empty()) spec.columns->push_back({CutTo(value, ',')});
    } else {
      return false;
    }
    return true;
  });
  return spec;
}

}  // namespace firn::parquet
