// SPDX-License-Identifier: Apache-2.0
#include "cli/config_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "cli/config_field.h"

namespace firn::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

EnvironmentLookup Environment(std::map<std::string, std::string> variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

Status Apply(std::string_view path, const std::string& text, Config* config) {
  return ApplyConfigText(path, text, config);
}

std::string ErrorOf(std::string_view path, const std::string& text) {
  Config config;
  const Status status = Apply(path, text, &config);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << text;
  return std::string(status.message());
}

TEST(ConfigLoad, SecretsAreTakenAndNotShown) {
  Config config;
  ASSERT_TRUE(ApplyConfigText("a.yaml", "s3_secret_access_key: hush\n", &config).ok());
  EXPECT_EQ(config.db.storage.s3.secret_access_key.Reveal(), "hush");
  const std::string shown = ConfigAsYaml(config);
  EXPECT_EQ(shown.find("hush"), std::string::npos);
  EXPECT_NE(shown.find("# s3_secret_access_key: set, not shown\n"), std::string::npos);
  Config again;
  EXPECT_TRUE(ApplyConfigText("b.yaml", shown, &again).ok());
  for (const std::string name :
       {"s3_session_token", "gs_access_token", "azure_account_key", "azure_sas_token",
        "azure_connection_string", "azure_client_secret"}) {
    ASSERT_TRUE(ApplyConfigText("a.yaml", name + ": hush\n", &config).ok());
    EXPECT_EQ(ConfigAsYaml(config).find("hush"), std::string::npos) << name;
    EXPECT_NE(ConfigAsYaml(config).find("# " + name + ": set, not shown\n"),
              std::string::npos);
  }
}

TEST(ConfigLoad, KeysWithDotsAreGroupsOfKeys) {
  const std::string yaml =
      "storage:\n"
      "  parquet:\n"
      "    max_file_size: 1GB\n"
      "    rotation_timeout: 30s\n"
      "    compression:\n"
      "      default: snappy\n"
      "      column_overrides:\n"
      "        text: gzip\n"
      "        n: zstd:9\n"
      "    memory:\n"
      "      max_usage: 500MB\n"
      "      pool_size: 50MB\n"
      "listen: 127.0.0.1:1\n";
  const std::string toml =
      "listen = '127.0.0.1:1'\n"
      "[storage.parquet]\n"
      "max_file_size = '1GB'\n"
      "rotation_timeout = '30s'\n"
      "compression.default = 'snappy'\n"
      "memory = { max_usage = '500MB', pool_size = '50MB' }\n"
      "[storage.parquet.compression.column_overrides]\n"
      "text = 'gzip'\n"
      "n = 'zstd:9'\n";
  for (const auto& [path, text] :
       {std::pair{"a.yaml", yaml}, std::pair{"a.toml", toml}}) {
    Config config;
    const Status applied = Apply(path, text, &config);
    ASSERT_TRUE(applied.ok()) << applied;
    const TableWriteOptions& writes = config.db.table_writes;
    EXPECT_EQ(writes.file_bytes_max, 1'000'000'000) << path;
    EXPECT_EQ(writes.rotation_timeout_ms, 30'000);
    EXPECT_EQ(writes.compression, "snappy");
    EXPECT_THAT(writes.column_compression,
                testing::UnorderedElementsAre("text=gzip", "n=zstd:9"));
    EXPECT_EQ(writes.memory_bytes_max, 500'000'000);
    EXPECT_EQ(writes.pool_bytes, 50'000'000);
    // What is printed is read back.
    Config again;
    ASSERT_TRUE(Apply("b.yaml", ConfigAsYaml(config), &again).ok());
    EXPECT_EQ(again.db.table_writes.column_compression, writes.column_compression);
    EXPECT_EQ(again.db.table_writes.file_bytes_max, writes.file_bytes_max);
  }
  const ConfigField* field = FindConfigField("storage.parquet.max_file_size");
  ASSERT_NE(field, nullptr);
  EXPECT_EQ(field->Flag(), "--storage-parquet-max-file-size");
  EXPECT_EQ(field->Environment(), "FIRN_STORAGE_PARQUET_MAX_FILE_SIZE");
}

TEST(ConfigLoad, AnUnknownKeyOfAGroupNamesTheNearest) {
  EXPECT_THAT(ErrorOf("a.yaml", "storage:\n  parquet:\n    max_fil_size: 1GB\n"),
              testing::AllOf(HasSubstr("a.yaml:3"),
                             HasSubstr("\"storage.parquet.max_file_size\"")));
  // Codecs and levels as a writer takes them.
  EXPECT_THAT(
      ErrorOf("a.yaml", "storage:\n  parquet:\n    compression:\n      default: zst\n"),
      HasSubstr(
          "a.yaml:4: storage.parquet.compression.default: compression: codec 'zst'; "
          "there are uncompressed, snappy, gzip, brotli, lz4 and zstd; did you mean "
          "zstd?"));
  EXPECT_THAT(ErrorOf("a.yaml", "storage.parquet.compression.default: gzip:100\n"),
              HasSubstr("codec_level 100: gzip has 1 to 9"));
  EXPECT_THAT(
      ErrorOf("a.yaml", "storage.parquet.compression.column_overrides:\n  text: gzp\n"),
      HasSubstr("a.yaml:1: storage.parquet.compression.column_overrides: compression of "
                "column text: codec 'gzp'"));
  EXPECT_THAT(ErrorOf("a.toml",
                      "[storage.parquet.compression]\n"
                      "column_overrides = ['text']\n"),
              HasSubstr("text: expected COLUMN=CODEC"));
  EXPECT_THAT(ErrorOf("a.yaml",
                      "storage.parquet.compression.column_overrides:\n"
                      "  host:\n    name: gzip\n"),
              HasSubstr("a.yaml:2: storage.parquet.compression.column_overrides.host: "
                        "expected one value"));
  EXPECT_THAT(
      ErrorOf("a.yaml", "storage.parquet.compression.column_overrides: [[a, b]]\n"),
      HasSubstr("a.yaml:1: storage.parquet.compression.column_overrides: expected a list "
                "of single values"));
  EXPECT_THAT(ErrorOf("a.toml",
                      "[storage.parquet.compression]\n"
                      "column_overrides = ['a=zstd', 'a=gzip']\n"),
              HasSubstr("compression of column a: is given twice"));
  // Groups that are empty are looked at too.
  EXPECT_THAT(ErrorOf("a.yaml", "storage:\n  parqet: {}\n"),
              HasSubstr(R"(unknown key "storage.parqet")"));
  EXPECT_THAT(ErrorOf("a.toml", "[storage.parqet]\n"),
              HasSubstr(R"(unknown key "storage.parqet")"));
  EXPECT_THAT(ErrorOf("a.yaml", "listen: {}\n"),
              HasSubstr("listen: expected one value, got a group"));
  Config empty_groups;
  EXPECT_TRUE(Apply("a.yaml", "storage:\n  parquet: {}\n", &empty_groups).ok());
  EXPECT_TRUE(Apply("a.toml", "[storage.parquet]\n", &empty_groups).ok());
  EXPECT_THAT(ErrorOf("a.toml", "[storage.parquet]\nmax_fil_size = '1GB'\n"),
              HasSubstr("\"storage.parquet.max_file_size\""));
  EXPECT_THAT(ErrorOf("a.yaml", "listen:\n  host: x\n"), HasSubstr("listen.host"));
}

TEST(ConfigLoad, AChoiceIsOneOfItsWords) {
  Config config;
  ASSERT_TRUE(ApplyConfigText("a.yaml", "s3_encryption: kms\n", &config).ok());
  EXPECT_EQ(config.db.storage.s3.encryption, ServerSideEncryption::kKms);
  const Status bad = ApplyConfigText("a.yaml", "s3_encryption: kmz\n", &config);
  EXPECT_EQ(bad, Status::InvalidArgument("a.yaml:1: s3_encryption: \"kmz\" is none of "
                                         "none, s3, kms, customer"));
}

TEST(ConfigFields, HaveNamesOfTheirOwnAndTextsThatReadBack) {
  std::map<std::string_view, int> names;
  for (const ConfigField& field : ConfigFields()) {
    EXPECT_EQ(names[field.name]++, 0) << field.name;
    Config config;
    const std::string text = FieldText(field, config);
    EXPECT_TRUE(SetField(field, text, &config).ok()) << field.name << " " << text;
    EXPECT_EQ(FieldText(field, config), text);
  }
  EXPECT_EQ(FindConfigField("settle_interval")->Flag(), "--settle-interval");
  EXPECT_EQ(FindConfigField("settle_interval")->Environment(), "FIRN_SETTLE_INTERVAL");
}

TEST(ConfigText, ReadsYamlAndToml) {
  Config yaml;
  ASSERT_TRUE(Apply("f.yaml",
                    "# A comment\nlisten: 127.0.0.1:1234\nsettle_interval: 1m30s\n"
                    "head_bytes_max: 512MB\npromoted_labels: [zone, 'a,b']\n"
                    "accept_gap: true\nseries_max: 7\n",
                    &yaml)
                  .ok());
  EXPECT_EQ(yaml.server.listen, "127.0.0.1:1234");
  EXPECT_EQ(yaml.db.settle_interval_ms, 90'000);
  EXPECT_EQ(yaml.db.head_bytes_max, 512'000'000);
  EXPECT_THAT(yaml.db.promoted_labels, ElementsAre("zone", "a,b"));
  EXPECT_TRUE(yaml.db.accept_gap);
  EXPECT_EQ(yaml.db.series_max, 7);
  Config toml;
  ASSERT_TRUE(Apply("f.toml",
                    "listen = \"127.0.0.1:1234\"\nsettle_interval = '1m30s'\n"
                    "head_bytes_max = \"512MB\"\npromoted_labels = [\"zone\", \"a,b\"]\n"
                    "accept_gap = true\nseries_max = 7\n",
                    &toml)
                  .ok());
  EXPECT_EQ(ConfigAsYaml(toml), ConfigAsYaml(yaml));
  Config empty;
  EXPECT_TRUE(Apply("f.yml", "", &empty).ok());
}

TEST(ConfigText, SaysWhereAndWhatIsWrong) {
  EXPECT_EQ(ErrorOf("f.yaml", "data: x\nlisten_: y\n"),
            "f.yaml:2: unknown key \"listen_\"; did you mean \"listen\"?");
  EXPECT_EQ(
      ErrorOf("f.toml", "data = 'x'\nsetle_interval = '5m'\n"),
      "f.toml:2: unknown key \"setle_interval\"; did you mean \"settle_interval\"?");
  EXPECT_EQ(ErrorOf("f.yaml", "entirely_different_thing: 1\n"),
            "f.yaml:1: unknown key \"entirely_different_thing\"");
  EXPECT_THAT(ErrorOf("f.yaml", "settle_interval: soon\n"), HasSubstr("5m"));
  EXPECT_THAT(ErrorOf("f.yaml", "head_bytes_max: 1\n"),
              HasSubstr("below the least, 1MiB"));
  EXPECT_THAT(ErrorOf("f.yaml", "connections_max: 1.5\n"), HasSubstr("whole number"));
  EXPECT_THAT(ErrorOf("f.yaml", "connections_max: [1]\n"), HasSubstr("got a list"));
  EXPECT_THAT(ErrorOf("f.yaml", "accept_gap: maybe\n"),
              HasSubstr("neither true nor false"));
  EXPECT_THAT(ErrorOf("f.yaml", "log_level: loud\n"), HasSubstr("debug"));
  EXPECT_THAT(ErrorOf("f.yaml", "listen: {a: b}\n"),
              HasSubstr("f.yaml:1: unknown key \"listen.a\"; did you mean \"listen\"?"));
  EXPECT_THAT(ErrorOf("f.yaml", "data: a\ndata: b\n"), HasSubstr("twice"));
  EXPECT_THAT(ErrorOf("f.yaml", "data: [a\n"), HasSubstr("f.yaml:"));
  EXPECT_THAT(ErrorOf("f.yaml", "- a\n"), HasSubstr("key: value"));
  EXPECT_THAT(ErrorOf("f.toml", "data = \n"), HasSubstr("f.toml:1:"));
  EXPECT_THAT(ErrorOf("f.toml", "[data]\nx = 1\n"), HasSubstr("unknown key \"data.x\""));
  EXPECT_THAT(ErrorOf("f.json", "{}"), HasSubstr(".yaml"));
}

TEST(LoadConfig, TheLaterSourceWins) {
  const std::string path = ::testing::TempDir() + "/firn_config_load_test.yaml";
  std::ofstream(path) << "data: of-file\nlisten: of-file:1\nseries_max: 5\n";
  const auto config = LoadConfig(
      path, Environment({{"FIRN_LISTEN", "of-environment:1"}, {"FIRN_SERIES_MAX", "6"}}),
      {{"series_max", "7"}});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->db.data_dir, "of-file");
  EXPECT_EQ(config->server.listen, "of-environment:1");
  EXPECT_EQ(config->db.series_max, 7);
  const auto named = LoadConfig("", Environment({{"FIRN_CONFIG", path}}), {});
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(named->db.series_max, 5);
  EXPECT_EQ(LoadConfig("", Environment({}), {})->server.listen, "127.0.0.1:7070");
}

TEST(LoadConfig, ErrorsNameTheirSource) {
  EXPECT_EQ(LoadConfig("/nowhere/f.yaml", Environment({}), {}).status().code(),
            StatusCode::kNotFound);
  EXPECT_THAT(
      std::string(
          LoadConfig("", Environment({{"FIRN_SERIES_MAX", "x"}}), {}).status().message()),
      HasSubstr("environment FIRN_SERIES_MAX"));
  EXPECT_THAT(
      std::string(
          LoadConfig("", Environment({}), {{"series_max", "0"}}).status().message()),
      HasSubstr("flag --series-max"));
}

TEST(ConfigAsYaml, ReadsBack) {
  Config config;
  config.db.data_dir = "with \"quotes\" and: colons";
  config.db.promoted_labels = {"a", "b,c"};
  config.db.head_bytes_max = 3'000'000'001;
  Config again;
  ASSERT_TRUE(Apply("x.yaml", ConfigAsYaml(config), &again).ok());
  EXPECT_EQ(ConfigAsYaml(again), ConfigAsYaml(config));
  EXPECT_EQ(again.db.data_dir, config.db.data_dir);
}

TEST(ConfigReference, IsThePageInTheTree) {
  const char* source = std::getenv("FIRN_SOURCE_DIR");
  if (source == nullptr) GTEST_SKIP() << "FIRN_SOURCE_DIR is not set";
  std::ifstream file(std::string(source) + "/docs/operate/configuration.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), ConfigReference())
      << "firn config reference > docs/operate/configuration.md";
}

}  // namespace
}  // namespace firn::cli
