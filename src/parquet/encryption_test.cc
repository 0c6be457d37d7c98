// SPDX-License-Identifier: Apache-2.0
// Encrypted files: what goes in comes out for who has the keys, and for nobody else.
#include "parquet/encryption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <type_traits>

#include "parquet/footer_cache.h"
#include "parquet/test_objects.h"
#include "parquet/test_runs.h"
#include "parquet/writer.h"

namespace firn::parquet {
namespace {

using testing::HasSubstr;
using testing::Not;

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(!Printable<SecretKey>);
static_assert(!std::is_convertible_v<SecretKey, std::string>);

constexpr char kName[] = "memory://w/secret.parquet";

SecretKey Key(char fill, std::size_t size = 16) {
  return SecretKey::Make(std::string(size, fill)).value();
}

// Keys by name; what it does not have is refused.
class KeyRing final : public KeyRetriever {
 public:
  explicit KeyRing(std::map<std::string, SecretKey> keys) : keys_(std::move(keys)) {}
  Result<SecretKey> Find(const std::string& key_metadata) override {
    const auto found = keys_.find(key_metadata);
    if (found != keys_.end()) return found->second;
    return Status::NotFound("not on this ring");
  }

 private:
  const std::map<std::string, SecretKey> keys_;
};

std::shared_ptr<const DecryptionOptions> Keys(std::map<std::string, SecretKey> keys,
                                              const std::string& aad_prefix = {}) {
  auto options = std::make_shared<DecryptionOptions>();
  options->keys = std::make_shared<KeyRing>(std::move(keys));
  options->aad_prefix = aad_prefix;
  return options;
}

// Every key that the tests write with.
std::map<std::string, SecretKey> Ring() {
  return {{"kf", Key('f')}, {"ks", Key('s', 24)}, {"kd", Key('d', 32)}};
}

std::vector<ColumnRef> Named(const std::vector<std::string>& names) {
  std::vector<ColumnRef> columns;
  for (const std::string& name : names) columns.push_back({.name = name});
  return columns;
}

// The columns s and d have keys of their own, metric has the footer's.
EncryptionOptions ByColumn() {
  EncryptionOptions options{.footer_key = Key('f'), .footer_key_metadata = "kf"};
  options.columns[7] = {Key('s', 24), "ks"};
  options.columns[5] = {Key('d', 32), "kd"};
  options.columns[8] = {};
  return options;
}
EncryptionOptions Uniform() {
  return {.footer_key = Key('f'), .footer_key_metadata = "kf"};
}

class EncryptionTest : public testing::Test {
 protected:
  EncryptionTest() {
    std::vector<std::int32_t> ends;
    for (std::int32_t end = 50; end <= 3000; end += 50) ends.push_back(end);
    rows_ = MakeRows(ends, 1);
    options_.row_group_rows = 1000;
    options_.page_rows = 200;
    options_.codec = Codec::kUncompressed;  // So that clear text would show.
  }

  std::string WriteFile(const EncryptionOptions& encryption, FileReport* out = nullptr,
                        bool in_runs = false) {
    options_.encryption = encryption;
    std::string bytes;
    const auto report =
        WriteIn(in_runs ? *rows_.in_runs : *rows_.spelled_out, 700, options_, bytes);
    EXPECT_TRUE(report.ok()) << report.status();
    if (out != nullptr && report.ok()) *out = *report;
    return bytes;
  }

  // The status of reading `columns`, by name, or all.
  Status ReadFile(const std::string& bytes, std::shared_ptr<const DecryptionOptions> keys,
                  std::optional<std::vector<ColumnRef>> columns = {},
                  FooterCache* cache = nullptr) {
    const base::Context context;
    ReaderOptions options;
    options.decryption = std::move(keys);
    options.footer_cache = cache;
    FIRN_ASSIGN_OR_RETURN(
        const auto reader,
        FileReader::Open(context, std::make_shared<StringReader>(bytes), kName, options));
    ScanSpec spec;
    spec.columns = std::move(columns);
    FIRN_ASSIGN_OR_RETURN(auto plan, reader->Plan(context, spec));
    FIRN_ASSIGN_OR_RETURN(const auto stream,
                          reader->Read(context, spec, std::move(plan)));
    std::int64_t rows = 0;
    while (true) {
      FIRN_ASSIGN_OR_RETURN(const auto batch, stream->Next());
      if (batch == nullptr) break;
      for (int i = 0; i < batch->num_columns(); ++i) {
        const auto expected = rows_.spelled_out->GetColumnByName(batch->column_name(i));
        const auto nans = arrow::EqualOptions::Defaults().nans_equal(true);
        if (!batch->column(i)->Equals(expected->Slice(rows, batch->num_rows()), nans)) {
          return Status::Internal("other rows in " + batch->column_name(i));
        }
      }
      rows += batch->num_rows();
    }
    return rows == rows_.spelled_out->num_rows() ? Status::OK()
                                                 : Status::Internal("rows missing");
  }

  Rows rows_;
  WriterOptions options_;
};

void ExpectSameReport(const FileReport& got, const FileReport& expected) {
  EXPECT_EQ(got.row_count, expected.row_count);
  EXPECT_EQ(got.split_offsets.size(), expected.split_offsets.size());
  ASSERT_EQ(got.columns.size(), expected.columns.size());
  for (std::size_t i = 0; i < got.columns.size(); ++i) {
    const ColumnReport& a = got.columns[i];
    const ColumnReport& b = expected.columns[i];
    EXPECT_EQ(a.path, b.path);
    EXPECT_EQ(a.value_count, b.value_count) << a.path;
    EXPECT_EQ(a.null_count, b.null_count) << a.path;
    EXPECT_EQ(a.nan_count, b.nan_count) << a.path;
    EXPECT_EQ(a.lower, b.lower) << a.path;
    EXPECT_EQ(a.upper, b.upper) << a.path;
  }
}

TEST_F(EncryptionTest, WhatGoesInComesOut) {
  std::string clear;
  const auto expected = WriteIn(*rows_.spelled_out, 700, options_, clear);
  ASSERT_TRUE(expected.ok());
  ASSERT_THAT(clear, HasSubstr("metric_101"));
  for (const Cipher cipher : {Cipher::kAesGcm, Cipher::kAesGcmCtr}) {
    for (const bool plaintext_footer : {false, true}) {
      for (const bool by_column : {false, true}) {
        for (const bool in_runs : {false, true}) {
          SCOPED_TRACE(testing::Message()
                       << "ctr " << (cipher == Cipher::kAesGcmCtr) << " plaintext footer "
                       << plaintext_footer << " by column " << by_column << " in runs "
                       << in_runs);
          EncryptionOptions encryption = by_column ? ByColumn() : Uniform();
          encryption.cipher = cipher;
          encryption.plaintext_footer = plaintext_footer;
          FileReport report;
          const std::string bytes = WriteFile(encryption, &report, in_runs);
          EXPECT_THAT(bytes, Not(HasSubstr("metric_1")));
          EXPECT_EQ(bytes.substr(bytes.size() - 4), plaintext_footer ? "PAR1" : "PARE");
          EXPECT_EQ(ReadFile(bytes, Keys(Ring())), Status::OK());
          // A footer in the clear gives nothing away of columns with the footer's key.
          if (!plaintext_footer) ExpectSameReport(report, *expected);
          EXPECT_EQ(report.size_bytes, static_cast<std::int64_t>(bytes.size()));
        }
      }
    }
  }
}

TEST_F(EncryptionTest, PageVersion2AndEveryCodec) {
  options_.page_version = PageVersion::kV2;
  for (const Codec codec : {Codec::kUncompressed, Codec::kSnappy, Codec::kGzip,
                            Codec::kBrotli, Codec::kLz4, Codec::kZstd}) {
    options_.codec = codec;
    options_.codec_level.reset();
    EXPECT_EQ(ReadFile(WriteFile(ByColumn()), Keys(Ring())), Status::OK())
        << ToString(codec);
  }
}

TEST_F(EncryptionTest, NestedColumnsAndEveryType) {
  const auto batch = EveryTypeBatch(500, 1);
  WriterOptions options;
  options.page_rows = 100;
  options.encryption = Uniform();
  options.encryption->columns[21] = {Key('s', 24), "ks"};
  options.encryption->columns[25] = {Key('d', 32), "kd"};
  options.encryption->columns[1] = {};
  std::string bytes;
  ASSERT_TRUE(WriteIn(*batch, 200, options, bytes).ok());
  rows_.spelled_out = batch;
  EXPECT_EQ(ReadFile(bytes, Keys(Ring())), Status::OK());
  // A part of a column that is locked locks the column.
  const Status status = ReadFile(bytes, Keys({{"kf", Key('f')}, {"ks", Key('s', 24)}}));
  EXPECT_TRUE(status.Is(StatusCode::kNotFound)) << status;
  EXPECT_THAT(status.ToString(),
              HasSubstr("column events.list.element.v: key 'kd': not"));
}

TEST_F(EncryptionTest, AadPrefixes) {
  for (const bool stored : {true, false}) {
    EncryptionOptions encryption = ByColumn();
    encryption.aad_prefix = "table/7";
    encryption.store_aad_prefix = stored;
    const std::string bytes = WriteFile(encryption);
    EXPECT_EQ(ReadFile(bytes, Keys(Ring(), "table/7")), Status::OK());
    Status status = ReadFile(bytes, Keys(Ring()));
    if (stored) {
      EXPECT_EQ(status, Status::OK());
    } else {
      EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
      EXPECT_THAT(status.ToString(), HasSubstr("none was given"));
    }
    status = ReadFile(bytes, Keys(Ring(), "table/8"));
    EXPECT_FALSE(status.ok());
    if (stored) {
      EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
      EXPECT_THAT(status.ToString(), HasSubstr("'table/7', given was 'table/8'"));
    }
  }
  const Status status = ReadFile(WriteFile(ByColumn()), Keys(Ring(), "table/7"));
  EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("without an AAD prefix"));
}

TEST_F(EncryptionTest, AMissingKeyLocksItsColumnOnly) {
  for (const bool plaintext_footer : {false, true}) {
    EncryptionOptions encryption = ByColumn();
    encryption.plaintext_footer = plaintext_footer;
    const std::string bytes = WriteFile(encryption);
    const auto some = Keys({{"kf", Key('f')}, {"ks", Key('s', 24)}});
    const Status status = ReadFile(bytes, some);
    EXPECT_TRUE(status.Is(StatusCode::kNotFound)) << status;
    EXPECT_THAT(status.ToString(),
                testing::AllOf(HasSubstr(kName),
                               HasSubstr("column d: key 'kd': not on this ring")));
    EXPECT_EQ(ReadFile(bytes, some, Named({"n", "s", "metric", "labels"})), Status::OK());
  }
}

TEST_F(EncryptionTest, WithoutKeysWhatIsInTheClearIsRead) {
  EncryptionOptions encryption = ByColumn();
  Status status = ReadFile(WriteFile(encryption), nullptr);
  EXPECT_TRUE(status.Is(StatusCode::kPermissionDenied)) << status;
  EXPECT_THAT(status.ToString(),
              testing::AllOf(HasSubstr(kName), HasSubstr("no keys were given")));
  encryption.plaintext_footer = true;
  const std::string bytes = WriteFile(encryption);
  EXPECT_EQ(ReadFile(bytes, nullptr, Named({"n", "i", "labels"})), Status::OK());
  for (const char* column : {"s", "metric"}) {
    status = ReadFile(bytes, nullptr, Named({column}));
    EXPECT_TRUE(status.Is(StatusCode::kPermissionDenied)) << status;
    EXPECT_THAT(status.ToString(), HasSubstr("column " + std::string(column)));
  }
}

TEST_F(EncryptionTest, AWrongKey) {
  const std::string bytes = WriteFile(ByColumn());
  auto ring = Ring();
  ring.insert_or_assign("ks", Key('x', 24));
  Status status = ReadFile(bytes, Keys(ring));
  EXPECT_TRUE(status.Is(StatusCode::kPermissionDenied)) << status;
  EXPECT_THAT(
      status.ToString(),
      testing::AllOf(HasSubstr(kName),
                     HasSubstr("column s: its key is another than the one given")));
  EXPECT_EQ(ReadFile(bytes, Keys(ring), Named({"n", "d"})), Status::OK());
  // Of another length: it could not be the key at all.
  ring.insert_or_assign("ks", Key('s', 16));
  EXPECT_TRUE(ReadFile(bytes, Keys(ring)).Is(StatusCode::kPermissionDenied));

  ring = Ring();
  ring.insert_or_assign("kf", Key('x'));
  status = ReadFile(bytes, Keys(ring));
  EXPECT_TRUE(status.Is(StatusCode::kPermissionDenied)) << status;
  EXPECT_THAT(status.ToString(), testing::AllOf(HasSubstr(kName), HasSubstr("footer: ")));
  EncryptionOptions clear_footer = ByColumn();
  clear_footer.plaintext_footer = true;
  status = ReadFile(WriteFile(clear_footer), Keys(ring));
  EXPECT_TRUE(status.Is(StatusCode::kPermissionDenied)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("footer: "));
}

TEST_F(EncryptionTest, AlteredBytes) {
  options_.row_group_rows = 1 << 20;
  for (const Cipher cipher : {Cipher::kAesGcm, Cipher::kAesGcmCtr}) {
    EncryptionOptions encryption = Uniform();
    encryption.cipher = cipher;
    const std::string good = WriteFile(encryption);
    // The footer is the end of the file.
    std::string bad = good;
    bad[bad.size() - 100] ^= 1;
    Status status = ReadFile(bad, Keys(Ring()));
    EXPECT_TRUE(status.Is(StatusCode::kPermissionDenied)) << status;
    EXPECT_THAT(status.ToString(), testing::AllOf(HasSubstr(kName), HasSubstr("footer")));
    // Pages come first: whatever byte of them changes, a column says so.
    int noticed = 0;
    for (std::size_t at = 10; at < good.size() / 2; at += good.size() / 40) {
      bad = good;
      bad[at] ^= 0x10;
      status = ReadFile(bad, Keys(Ring()));
      EXPECT_TRUE(status.Is(StatusCode::kCorruption)) << at << ": " << status;
      EXPECT_THAT(status.ToString(),
                  testing::AllOf(HasSubstr(kName), HasSubstr("column ")));
      noticed += status.ok() ? 0 : 1;
    }
    EXPECT_GT(noticed, 10);
  }
}

TEST_F(EncryptionTest, FootersAreNotSharedThroughTheCache) {
  FooterCache cache(1 << 20);
  EncryptionOptions encryption = ByColumn();
  for (const bool plaintext_footer : {false, true}) {
    encryption.plaintext_footer = plaintext_footer;
    const std::string bytes = WriteFile(encryption);
    EXPECT_EQ(ReadFile(bytes, Keys(Ring()), {}, &cache), Status::OK());
    EXPECT_TRUE(ReadFile(bytes, nullptr, {}, &cache).Is(StatusCode::kPermissionDenied));
    EXPECT_TRUE(
        ReadFile(bytes, Keys({{"kf", Key('f')}}), {}, &cache).Is(StatusCode::kNotFound));
    // Nor does one that was opened without keys stand in the way of the others.
    EXPECT_EQ(ReadFile(bytes, Keys(Ring()), {}, &cache), Status::OK());
  }
  EXPECT_EQ(cache.stats().entries, 0);
}

TEST_F(EncryptionTest, PageIndexesPrune) {
  for (const bool uniform : {true, false}) {
    const std::string bytes = WriteFile(uniform ? Uniform() : ByColumn());
    const base::Context context;
    ReaderOptions options;
    options.decryption = Keys(Ring());
    const auto reader =
        FileReader::Open(context, std::make_shared<StringReader>(bytes), kName, options);
    ASSERT_TRUE(reader.ok()) << reader.status();
    ScanSpec spec;
    spec.predicate = expr::MakePredicate(
        expr::Compare{"metric", expr::CompareOp::kEq, std::string("metric_100")});
    const auto plan = (*reader)->Plan(context, spec);
    ASSERT_TRUE(plan.ok()) << plan.status();
    // The first 35 runs of fifty rows, and the rest of their last page.
    EXPECT_EQ(plan->row_count(), 1800);
    EXPECT_EQ(plan->row_groups_pruned, 1);
  }
}

TEST_F(EncryptionTest, BloomFiltersAreReadAndNotWritten) {
  options_.columns[8].bloom_filter = BloomFilterOptions{100, 0.001};
  options_.encryption = Uniform();
  std::string bytes;
  Status status = WriteIn(*rows_.spelled_out, 700, options_, bytes).status();
  EXPECT_TRUE(status.Is(StatusCode::kUnimplemented)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("column metric: bloom_filter"));

  const char* source = std::getenv("FIRN_SOURCE_DIR");
  const std::string path = std::string(source != nullptr ? source : ".") +
                           "/../shared/data/parquet/data/"
                           "encrypt_columns_and_footer_bloom_filter.parquet.encrypted";
  std::ifstream in(path, std::ios::binary);
  if (!in) GTEST_SKIP() << "no " << path;
  bytes.assign(std::istreambuf_iterator<char>(in), {});
  const base::Context context;
  ReaderOptions options;
  options.decryption = Keys({{"kf", SecretKey::Make("0123456789012345").value()},
                             {"kc1", SecretKey::Make("1234567890123450").value()},
                             {"kc2", SecretKey::Make("1234567890123451").value()}});
  const auto reader =
      FileReader::Open(context, std::make_shared<StringReader>(bytes), kName, options);
  ASSERT_TRUE(reader.ok()) << reader.status();
  ScanSpec spec;
  // Values are 0.5, 1.5 and so on: this one lies between two of them.
  spec.predicate =
      expr::MakePredicate(expr::Compare{"double_field", expr::CompareOp::kEq, 7.75});
  const auto plan = (*reader)->Plan(context, spec);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->row_groups_pruned_by_bloom, (*reader)->row_group_count());
}

TEST_F(EncryptionTest, ReadsWithAPredicate) {
  const std::string bytes = WriteFile(ByColumn());
  const base::Context context;
  ReaderOptions options;
  options.decryption = Keys(Ring());
  const auto reader =
      FileReader::Open(context, std::make_shared<StringReader>(bytes), kName, options);
  ScanSpec spec;
  spec.predicate = expr::MakePredicate(
      expr::Compare{"metric", expr::CompareOp::kEq, std::string("metric_101")});
  const auto stream =
      (*reader)->Read(context, spec, (*reader)->Plan(context, spec).value());
  ASSERT_TRUE(stream.ok()) << stream.status();
  std::int64_t found = 0;
  while (true) {
    const auto batch = (*stream)->Next();
    ASSERT_TRUE(batch.ok()) << batch.status();
    if (*batch == nullptr) break;
    const auto& metric =
        static_cast<const arrow::StringArray&>(*(*batch)->GetColumnByName("metric"));
    for (std::int64_t i = 0; i < metric.length(); ++i) {
      found += metric.GetView(i) == "metric_101" ? 1 : 0;
    }
  }
  EXPECT_EQ(found, 1250) << "runs 35 to 59 of fifty rows";
}

TEST_F(EncryptionTest, ClearFilesAmongEncryptedOnes) {
  options_.encryption.reset();
  std::string bytes;
  ASSERT_TRUE(WriteIn(*rows_.spelled_out, 700, options_, bytes).ok());
  auto keys = std::make_shared<DecryptionOptions>(*Keys(Ring()));
  const Status status = ReadFile(bytes, keys);
  EXPECT_TRUE(status.Is(StatusCode::kPermissionDenied)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("not encrypted"));
  // Nor does a footer that others have left in the cache let the file in.
  FooterCache cache(1 << 20);
  ASSERT_EQ(ReadFile(bytes, nullptr, {}, &cache), Status::OK());
  EXPECT_TRUE(ReadFile(bytes, keys, {}, &cache).Is(StatusCode::kPermissionDenied));
  keys = std::make_shared<DecryptionOptions>(*keys);
  keys->plaintext_files = true;
  EXPECT_EQ(ReadFile(bytes, keys), Status::OK());
}

TEST_F(EncryptionTest, KeysGivenRatherThanAskedFor) {
  EncryptionOptions encryption{.footer_key = Key('f')};
  encryption.columns[7] = {Key('s', 24), ""};
  const std::string bytes = WriteFile(encryption);
  auto keys = std::make_shared<DecryptionOptions>();
  keys->footer_key = Key('f');
  keys->column_keys.emplace("s", Key('s', 24));
  EXPECT_EQ(ReadFile(bytes, keys), Status::OK());
  keys = std::make_shared<DecryptionOptions>();
  keys->footer_key = Key('f');
  const Status status = ReadFile(bytes, keys);
  EXPECT_TRUE(status.Is(StatusCode::kPermissionDenied)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("column s"));
}

TEST(SecretKey, RefusesOtherLengthsWithoutShowingTheBytes) {
  std::string bytes = "too short and secret";
  const Status status = SecretKey::Make(std::move(bytes)).status();
  EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("key of 20 bytes"));
  EXPECT_THAT(status.ToString(), Not(HasSubstr("secret")));
  EXPECT_TRUE(bytes.empty());  // NOLINT: that it is left empty is promised.
}

TEST_F(EncryptionTest, RefusesAColumnThatIsNotThere) {
  options_.encryption = ByColumn();
  options_.encryption->columns[99] = {};
  std::string bytes;
  const Status status = WriteIn(*rows_.spelled_out, 700, options_, bytes).status();
  EXPECT_TRUE(status.Is(StatusCode::kInvalidArgument)) << status;
  EXPECT_THAT(status.ToString(), HasSubstr("encryption.columns: field id 99"));
}

}  // namespace
}  // namespace firn::parquet
