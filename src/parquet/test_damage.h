// SPDX-License-Identifier: Apache-2.0
// test_damage.h: good files in several forms, ways to harm them, and a reading of all
// that is in a file, for the tests of damage and for the fuzzer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/context.h"
#include "parquet/compression_report.h"
#include "parquet/memory_pool.h"
#include "parquet/reader.h"
#include "parquet/test_objects.h"
#include "parquet/writer.h"

namespace firn::parquet {

inline constexpr std::string_view kBrokenLocation = "memory://w/broken.parquet";
// What reading a damaged file may take: its sizes may ask for gigabytes.
inline constexpr std::int64_t kDamageBudgetBytes = 64 << 20;

inline SecretKey DamageKey() { return SecretKey::Make(std::string(16, 'k')).value(); }

inline constexpr int kGoodFiles = 6;

// A sound file of every type. `form` is below kGoodFiles.
inline std::string GoodFile(int form) {
  WriterOptions options;
  options.row_group_rows = 50;
  options.page_rows = 15;
  options.columns[10].bloom_filter = BloomFilterOptions{50, 0.05};
  switch (form) {
    case 0:
      break;
    case 1:
      options.page_version = PageVersion::kV2;
      options.codec = Codec::kSnappy;
      options.codec_level.reset();
      break;
    case 2:
      options.codec = Codec::kUncompressed;
      options.codec_level.reset();
      options.default_column.dictionary = false;
      options.page_checksums = false;
      break;
    case 3:
      options.codec = Codec::kGzip;
      options.codec_level.reset();
      options.default_column.dictionary = false;
      options.columns[1].dictionary = options.columns[4].dictionary = false;
      options.columns[1].encoding = options.columns[4].encoding =
          Encoding::kDeltaBinaryPacked;
      options.columns[7].dictionary = options.columns[8].dictionary = false;
      options.columns[7].encoding = Encoding::kDeltaLengthByteArray;
      options.columns[8].encoding = Encoding::kDeltaByteArray;
      options.columns[5].dictionary = false;
      options.columns[5].encoding = Encoding::kByteStreamSplit;
      options.page_checksums = false;
      break;
    case 4:
      options.page_index = false;
      options.codec = Codec::kLz4;
      options.codec_level.reset();
      options.page_version = PageVersion::kV2;
      options.page_checksums = false;
      break;
    default:
      options.columns.clear();  // No bloom filters where all is encrypted.
      options.encryption =
          EncryptionOptions{.footer_key = DamageKey(), .plaintext_footer = true};
      break;
  }
  std::string bytes;
  auto writer =
      FileWriter::Open(std::make_unique<StringWriter>(bytes), EveryTypeSchema(), options);
  const bool ok = writer.ok() && (*writer)->Write(*EveryTypeBatch(100, 1)).ok() &&
                  std::move(**writer).Finish().ok();
  return ok ? bytes : std::string();
}

// A place in a file of up to 64 KiB, or near an end of a longer one.
inline std::size_t TakePlace(base::ByteReader& in) {
  const std::size_t low = in.U8();
  return low | static_cast<std::size_t>(in.U8()) << 8;
}

// Alter `bytes` as `in` says, in at most 16 places: a bit, some bytes, a cut, a move of
// bytes from one place to another. Places count from the end as often as from the start,
// since what says where all else is stands at the end.
inline void Harm(base::ByteReader& in, std::string& bytes) {
  for (int count = 1 + in.U8() % 16; count > 0 && in.ok() && !bytes.empty(); --count) {
    const std::uint8_t how = in.U8();
    std::size_t at = TakePlace(in) % bytes.size();
    if (how & 0x80) at = bytes.size() - 1 - at;
    switch (how % 8) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
      case 2: {
        const std::string_view text = in.Text();
        bytes.replace(at, text.size(), text);
        break;
      }
      case 3: {
        const std::size_t from = TakePlace(in) % bytes.size();
        const std::size_t size = in.U8();
        const std::string piece = bytes.substr(from, size);
        bytes.replace(at, piece.size(), piece);
        break;
      }
      case 4:
        bytes.insert(at, in.Text());
        break;
      case 5:
        bytes.erase(at, in.U8());
        break;
      default:
        bytes[at] = static_cast<char>(bytes[at] ^ in.U8());
        break;
    }
  }
}

struct ReadingOptions {
  bool verify_checksums = true;
  bool has_keys = false;  // Of the form that is encrypted.
  TextForm text_form = TextForm::kPlain;
};

// Open, plan and read all of it, with a predicate so that every part is looked at.
inline Status ReadThrough(std::string bytes, const ReadingOptions& reading = {}) {
  const base::Context context;
  base::ByteBudget budget("damage", kDamageBudgetBytes);
  BudgetMemoryPool pool(budget);
  ReaderOptions options;
  options.pool = &pool;
  options.verify_page_checksums = reading.verify_checksums;
  if (reading.has_keys) {
    DecryptionOptions keys;
    keys.footer_key = DamageKey();
    keys.plaintext_files = true;
    options.decryption = std::make_shared<const DecryptionOptions>(std::move(keys));
  }
  FIRN_ASSIGN_OR_RETURN(
      const auto reader,
      FileReader::Open(context, std::make_shared<StringReader>(std::move(bytes)),
                       std::string(kBrokenLocation), options));
  FIRN_RETURN_IF_ERROR(reader->Compression().status());
  ScanSpec spec;
  spec.text_form = reading.text_form;
  spec.predicate = expr::MakePredicate(
      expr::Or{{expr::MakePredicate(expr::Compare{"metric", expr::CompareOp::kGt,
                                                  std::string("metric_101")}),
                expr::MakePredicate(expr::Compare{
                    "id", expr::CompareOp::kEq, expr::Binary{std::string(16, '\1')}})}});
  FIRN_ASSIGN_OR_RETURN(auto plan, reader->Plan(context, spec));
  FIRN_ASSIGN_OR_RETURN(const auto stream, reader->Read(context, spec, std::move(plan)));
  // Far more batches than the file has rows would be a hang.
  for (int i = 0; i < 10'000; ++i) {
    FIRN_ASSIGN_OR_RETURN(const auto batch, stream->Next());
    if (batch == nullptr) return Status::OK();
    // Offsets and views stay inside their buffers.
    const arrow::Status valid = batch->Validate();
    if (!valid.ok()) return Status::Internal(valid.ToString());
  }
  return Status::Internal("no end");
}

// Whether a reading may end so: well, or with an error of a type that a damaged file has,
// which names it.
inline bool IsTyped(const Status& status) {
  if (status.ok()) return true;
  const bool typed = status.Is(StatusCode::kCorruption) ||
                     status.Is(StatusCode::kPermissionDenied) ||
                     status.Is(StatusCode::kUnimplemented) ||
                     status.Is(StatusCode::kResourceExhausted) ||
                     status.Is(StatusCode::kInvalidArgument);
  return typed && status.ToString().find(kBrokenLocation) != std::string::npos;
}

}  // namespace firn::parquet
