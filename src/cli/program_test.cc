// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <sstream>

#include <nlohmann/json.hpp>

#include "server/fake_db.h"
#include "server/server.h"

namespace firn::cli {
namespace {

using nlohmann::json;
using server::FakeCursor;
using server::FakeDb;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::shared_ptr<arrow::RecordBatch> Rows() {
  arrow::Int64Builder n;
  arrow::StringBuilder text;
  arrow::DoubleBuilder value;
  EXPECT_TRUE(n.AppendValues({1, 200}).ok());
  EXPECT_TRUE(text.Append("a,\"b\"").ok() && text.AppendNull().ok());
  EXPECT_TRUE(value.AppendValues({0.5, std::numeric_limits<double>::quiet_NaN()}).ok());
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("n", arrow::int64()), arrow::field("t", arrow::utf8()),
                     arrow::field("v", arrow::float64())}),
      2, {*n.Finish(), *text.Finish(), *value.Finish()});
}

// Passes on to a Db that the test keeps, since a command closes what it opened.
std::unique_ptr<FakeDb> NewFakeDb() {
  auto db = std::make_unique<FakeDb>();
  db->sql = [](std::string_view text) -> Result<std::unique_ptr<SqlCursor>> {
    if (text == "bad") return Status::InvalidArgument("Parser Error: at 1");
    if (text == "no table") {
      return Status::InvalidArgument("Catalog Error: Table x does not exist!");
    }
    const auto rows = Rows();
    auto cursor = std::make_unique<FakeCursor>(
        rows->schema(), std::vector<std::shared_ptr<arrow::RecordBatch>>{rows});
    cursor->counted.bytes_read = 700;
    cursor->counted.row_groups_pruned_by_bloom = 3;
    return cursor;
  };
  db->promql = [](const base::Context&,
                  const PromqlRequest& request) -> Result<PromqlResult> {
    if (request.expression == "(") {
      return Status::InvalidArgument("1:1: parse error: unclosed left parenthesis");
    }
    PromqlResult result;
    if (request.is_instant()) {
      result.value =
          PromqlVector{{Labels{{"__name__", "up"}, {"job", "x"}}, {request.start_ms, 1}}};
    } else {
      result.value = PromqlMatrix{
          {Labels{{"job", "x"}}, {{request.start_ms, 1}, {request.end_ms, 2}}}};
    }
    result.warnings = {"PromQL warning: careful"};
    return result;
  };
  db->tables = {{"metrics.samples", "file:/w/metadata/1.json", 7, 10, 2, 300}};
  TableCheck sound;
  sound.table = "metrics.samples";
  sound.metadata_location = "file:/w/metadata/1.json";
  sound.snapshots = 1;
  sound.manifests = 2;
  sound.files = 3;
  sound.rows = 40;
  TableCheck faulty = sound;
  faulty.table = "metrics.series";
  faulty.faults = {{TableFaultKind::kMetrics, "file:/w/a.parquet", "ts", "lower bound 7",
                    "at most 5"}};
  db->checks = {sound, faulty};
  return db;
}

// Writes down what it is asked for.
class FakeChanges final : public TableChanges {
 public:
  explicit FakeChanges(std::vector<std::string>& calls) : calls_(calls) {}

  Result<TableSummary> RollbackTo(const base::Context&, std::string_view table,
                                  std::int64_t id) override {
    return Call("rollback", table, std::to_string(id));
  }
  Result<TableSummary> RollbackToTime(const base::Context&, std::string_view table,
                                      TimestampMs before_ms) override {
    return Call("rollback before", table, std::to_string(before_ms));
  }
  Result<TableSummary> SetRef(const base::Context&, std::string_view table,
                              const NewRef& ref) override {
    std::string said = ref.kind == RefKind::kTag ? "tag " : "branch ";
    said += ref.name;
    if (ref.snapshot_id) said += " of " + std::to_string(*ref.snapshot_id);
    if (ref.replace) said += " replaced";
    const RefRetention& kept = ref.retention;
    if (kept.ref_age_max_ms) said += " for " + std::to_string(*kept.ref_age_max_ms);
    if (kept.snapshots_min) said += " min " + std::to_string(*kept.snapshots_min);
    if (kept.snapshot_age_max_ms) {
      said += " age " + std::to_string(*kept.snapshot_age_max_ms);
    }
    return Call("set", table, said);
  }
  Result<TableSummary> DropRef(const base::Context&, std::string_view table,
                               const std::string& name, RefKind) override {
    return Call("drop", table, name);
  }
  Result<TableSummary> FastForward(const base::Context&, std::string_view table,
                                   const std::string& branch,
                                   const std::string& to) override {
    return Call("forward", table, branch + " to " + to);
  }
  Result<TableSummary> CherryPick(const base::Context&, std::string_view table,
                                  std::int64_t id) override {
    return Call("pick", table, std::to_string(id));
  }
  Result<TableSummary> Retire(const base::Context&, std::string_view table,
                              std::string_view writer) override {
    return Call("retire", table, std::string(writer));
  }
  Result<PropertyMap> Properties(const base::Context&, std::string_view table) override {
    FIRN_RETURN_IF_ERROR(Call("properties", table, "").status());
    return PropertyMap{{"a", "1"}, {"b", "x=y"}};
  }
  Result<PropertyMap> ChangeProperties(const base::Context& context,
                                       std::string_view table,
                                       const PropertyChange& change) override {
    std::string said;
    for (const auto& [key, value] : change.set) said += key + "=" + value + " ";
    for (const std::string& key : change.removed) said += "-" + key;
    FIRN_RETURN_IF_ERROR(Call("change", table, said).status());
    return Properties(context, table);
  }
  Result<AlteredTable> Alter(const base::Context&, std::string_view table,
                             const AlterTable& change) override {
    std::string said = change.dry_run ? "dry" : "real";
    for (const ColumnChange& column : change.columns) {
      said +=
          " " + std::to_string(static_cast<int>(column.kind)) + " " + column.text + ";";
    }
    if (change.partition) said += " by [" + *change.partition + "]";
    if (change.sort) said += " sorted [" + *change.sort + "]";
    AlteredTable altered;
    FIRN_ASSIGN_OR_RETURN(altered.table.summary, Call("alter", table, said));
    altered.table.columns = {{1, "id", "long", true, "the key"}, {7, "zone", "string"}};
    altered.table.partition_spec = "[day(ts) as ts_day]";
    altered.table.sort_order = "[]";
    altered.changed = change.columns.size() != 1;
    return altered;
  }
  Result<DroppedTable> Drop(const base::Context&, std::string_view table) override {
    FIRN_RETURN_IF_ERROR(Call("forget", table, "").status());
    return DroppedTable{std::string(table), "file:///w/t", "file:///w/t/m.json"};
  }
  Result<ExpireReport> Expire(const base::Context&, std::string_view table,
                              const ExpireOptions& options) override {
    std::string said = options.dry_run ? "dry" : "real";
    if (options.older_than_ms)
      said += " before " + std::to_string(*options.older_than_ms);
    if (options.retain_last) said += " last " + std::to_string(*options.retain_last);
    for (const std::int64_t id : options.snapshot_ids) said += " " + std::to_string(id);
    FIRN_RETURN_IF_ERROR(Call("expire", table, said).status());
    options.on_progress(1);
    ExpireReport report;
    report.snapshot_ids = {5, 6};
    report.refs = {"old"};
    report.data_files = 1;
    report.manifests = 2;
    report.manifest_lists = 3;
    return report;
  }

 private:
  Result<TableSummary> Call(const std::string& what, std::string_view table,
                            const std::string& more) {
    if (table == "metrics.none") return Status::NotFound("no table metrics.none");
    calls_.push_back(what + " " + std::string(table) + ": " + more);
    return TableSummary{std::string(table), "file:/w/metadata/2.json", 7, 10, 2, 300};
  }
  std::vector<std::string>& calls_;
};

class FakeMaintenance final : public TableMaintenance {
 public:
  explicit FakeMaintenance(std::vector<std::string>& calls) : calls_(calls) {}

  Result<OrphanReport> RemoveOrphans(const base::Context&, std::string_view table,
                                     const OrphanOptions& options) override {
    if (table == "metrics.none") return Status::NotFound("no table metrics.none");
    calls_.push_back(std::string("orphans ") + (options.dry_run ? "dry " : "real ") +
                     std::to_string(options.age_min_ms / 1000) +
                     (options.no_writers ? " no writers" : ""));
    OrphanReport report;
    for (const char* name : {"a", "b"}) {
      options.on_file({std::string("file:///w/") + name, 4096, 2000});
      ++report.files;
      report.bytes += 4096;
    }
    if (table == "metrics.stuck") {
      report.failed_files = 1;
      report.failures = {"file:///w/c: read-only"};
    }
    return report;
  }
  Result<RewriteManifestsReport> RewriteManifests(
      const base::Context&, std::string_view table,
      const RewriteManifestsOptions& options) override {
    calls_.push_back(std::string("manifests ") + (options.dry_run ? "dry " : "real ") +
                     std::to_string(options.target_bytes.value_or(0)));
    RewriteManifestsReport report;
    report.manifests_before = 12;
    report.manifests_after = 12;
    if (table == "metrics.sorted") return report;
    report.manifests_after = 4;
    report.replaced = 10;
    report.created = 2;
    if (!options.dry_run) report.snapshot_id = 8;
    return report;
  }
  Result<RelocateReport> Relocate(const base::Context&, std::string_view table,
                                  const RelocateOptions& options) override {
    if (table == "metrics.none") return Status::NotFound("no table metrics.none");
    calls_.push_back("relocate " + std::string(options.dry_run ? "dry" : "real") + " " +
                     options.from + " " + options.to);
    options.on_progress(1, 2);
    return RelocateReport{"file:///a",
                          "file:///b",
                          "file:///b/2.json",
                          2,
                          3,
                          4,
                          table == "metrics.wide" ? 1 : 0};
  }
  Result<CompactReport> Compact(const base::Context&, std::string_view table,
                                const CompactOptions& options) override {
    std::string said = std::string("compact ") + (options.dry_run ? "dry" : "real");
    const auto say = [&](const char* what, std::optional<std::int64_t> number) {
      if (number) said += what + std::to_string(*number);
    };
    say(" target ", options.target_file_bytes);
    say(" min ", options.file_bytes_min);
    say(" max ", options.file_bytes_max);
    say(" files ", options.input_files_min);
    say(" group ", options.group_bytes_max);
    if (options.rewrite_all) said += " all";
    calls_.push_back(said);
    options.on_progress(1, 2, 3);
    CompactReport report;
    report.files_before = 12;
    if (table == "metrics.sorted") return report;
    report.groups = 2;
    report.files_removed = 10;
    report.bytes_removed = 4096;
    report.rows = 7;
    if (options.dry_run) return report;
    report.files_added = 2;
    report.bytes_added = 2048;
    report.commits = 1;
    report.groups_given_up = 1;
    report.reasons = {"Conflict: a rival"};
    return report;
  }

 private:
  std::vector<std::string>& calls_;
};

// Files in memory, one of them faulty.
struct FakeFiles final : public Files {
  class Output final : public FileOutput {
   public:
    Output(FakeFiles& files, std::string name) : files_(files), name_(std::move(name)) {}
    Status Append(std::string_view bytes) override {
      FIRN_RETURN_IF_ERROR(files_.append_status);
      bytes_ += bytes;
      return Status::OK();
    }
    Status Close() override {
      files_.written[name_] = bytes_;
      return Status::OK();
    }

   private:
    FakeFiles& files_;
    const std::string name_;
    std::string bytes_;
  };

  Result<std::vector<std::string>> Find(const base::Context&,
                                        std::string_view location) override {
    if (location == "nowhere") return Status::NotFound("no file nowhere");
    if (location == "dir") return std::vector<std::string>{"a.parquet", "b.parquet"};
    return std::vector<std::string>{std::string(location)};
  }
  Result<FileCheck> Check(const base::Context&, const std::string& location,
                          const std::function<void(double)>& on_progress) override {
    on_progress(0.5);
    if (location == "locked.parquet") return Status::PermissionDenied("it is encrypted");
    FileCheck check;
    check.file = location;
    check.rows = 10;
    check.row_groups = 1;
    check.columns = 2;
    check.pages = 4;
    if (location == "b.parquet") {
      check.faults = {
          {FaultKind::kPageIndex, location, 0, "a.b", 3, "max is 5", "at least 9"}};
    }
    return check;
  }
  Result<CompressionAdvice> Compression(const base::Context&,
                                        const std::string& location) override {
    return CompressionAdvice{"report of " + location + "\n", "trial\n",
                             R"({"file":")" + location + R"("})"};
  }
  Result<std::unique_ptr<FileOutput>> Create(const base::Context&,
                                             std::string_view location,
                                             bool overwrite) override {
    if (written.contains(std::string(location)) && !overwrite) {
      return Status::AlreadyExists(std::string(location) + " is there already");
    }
    return std::unique_ptr<FileOutput>(
        std::make_unique<Output>(*this, std::string(location)));
  }

  std::map<std::string, std::string> written;
  Status append_status;
};

// Passes on to files that the test keeps.
class KeptFiles final : public Files {
 public:
  explicit KeptFiles(FakeFiles& files) : files_(files) {}
  Result<std::vector<std::string>> Find(const base::Context& context,
                                        std::string_view location) override {
    return files_.Find(context, location);
  }
  Result<FileCheck> Check(const base::Context& context, const std::string& location,
                          const std::function<void(double)>& on_progress) override {
    return files_.Check(context, location, on_progress);
  }
  Result<CompressionAdvice> Compression(const base::Context& context,
                                        const std::string& location) override {
    return files_.Compression(context, location);
  }
  Result<std::unique_ptr<FileOutput>> Create(const base::Context& context,
                                             std::string_view location,
                                             bool overwrite) override {
    return files_.Create(context, location, overwrite);
  }

 private:
  FakeFiles& files_;
};

class ProgramTest : public ::testing::Test {
 protected:
  int Run(std::vector<std::string> args) {
    out_.str("");
    err_.str("");
    World world{out_,
                err_,
                in_,
                false,
                [this](const std::string& name) -> std::optional<std::string> {
                  const auto found = environment_.find(name);
                  if (found == environment_.end()) return std::nullopt;
                  return found->second;
                },
                clock_,
                "0.1.0",
                [this](const DbOptions& options) { return Open(options); },
                [this](const DbOptions& options) { return Open(options); },
                [] {},
                [this] { while_serving_(); },
                [this](const DbOptions& options) { return Open(options); },
                [this](const FilesOptions&) -> Result<std::unique_ptr<Files>> {
                  return std::unique_ptr<Files>(std::make_unique<KeptFiles>(files_));
                }};
    world.open_table_changes =
        [this](const DbOptions& options) -> Result<std::unique_ptr<TableChanges>> {
      opened_ = options;
      return std::unique_ptr<TableChanges>(std::make_unique<FakeChanges>(changes_));
    };
    world.open_table_maintenance =
        [this](const DbOptions& options) -> Result<std::unique_ptr<TableMaintenance>> {
      opened_ = options;
      return std::unique_ptr<TableMaintenance>(
          std::make_unique<FakeMaintenance>(changes_));
    };
    return cli::Run(args, world);
  }
  Result<std::unique_ptr<Db>> Open(const DbOptions& options) {
    opened_ = options;
    if (!open_status_.ok()) return open_status_;
    return std::unique_ptr<Db>(NewFakeDb());
  }
  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }

  std::ostringstream out_, err_;
  std::istringstream in_;
  std::map<std::string, std::string> environment_;
  base::ManualClock clock_{1'700'000'000'000'000};
  DbOptions opened_;
  FakeFiles files_;
  Status open_status_;
  std::vector<std::string> changes_;
  std::function<void()> while_serving_ = [] {};
};

TEST_F(ProgramTest, SaysWhatItIsAndHow) {
  EXPECT_EQ(Run({"version"}), 0);
  EXPECT_EQ(out(), "firn 0.1.0\n");
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"serve"},
                                             {"sql"},
                                             {"promql"},
                                             {"table", "ls"},
                                             {"table", "describe"},
                                             {"table", "scan"},
                                             {"table", "snapshots"},
                                             {"table", "files"},
                                             {"import"},
                                             {"table", "create"},
                                             {"table", "append"},
                                             {"table", "delete"},
                                             {"table", "rollback"},
                                             {"table", "tag"},
                                             {"table", "branch"},
                                             {"table", "fast-forward"},
                                             {"table", "cherry-pick"},
                                             {"table", "expire"},
                                             {"table", "retire"},
                                             {"table", "properties"},
                                             {"table", "drop"},
                                             {"table", "alter"},
                                             {"table", "orphans"},
                                             {"table", "manifests"},
                                             {"table", "compact"},
                                             {"check"},
                                             {"export"},
                                             {"config", "check"},
                                             {"config", "print"}}) {
    std::vector<std::string> args = command;
    args.push_back("--help");
    EXPECT_EQ(Run(args), 0);
    EXPECT_THAT(out(), HasSubstr("Example:")) << command.back();
  }
}

TEST_F(ProgramTest, BadUsageIsTwoAndNamesTheNearest) {
  EXPECT_EQ(Run({}), 2);
  EXPECT_EQ(Run({"serve", "--lisen", "x"}), 2);
  EXPECT_EQ(err(),
            "firn: usage: unexpected --lisen; did you mean --listen?\n"
            "`firn serve --help` shows what it takes.\n");
  EXPECT_EQ(Run({"tabel"}), 2);
  EXPECT_EQ(Run({"serve", "--settle-interval", "soon"}), 2);
  EXPECT_THAT(err(), StartsWith("firn: configuration: flag --settle-interval: "));
  EXPECT_EQ(Run({"sql", "SELECT 1", "--format", "xml", "--warehouse", "w"}), 2);
  EXPECT_THAT(err(), HasSubstr("none of table, csv"));
  EXPECT_EQ(Run({"table", "ls"}), 2);
  EXPECT_THAT(err(), HasSubstr("--server"));
  EXPECT_EQ(Run({"sql", "SELECT 1", "--server", "http://h:1", "--warehouse", "w"}), 2);
  EXPECT_EQ(Run({"sql", "SELECT 1", "--server", "nonsense"}), 2);
  EXPECT_EQ(Run({"promql", "up"}), 2);
  EXPECT_EQ(Run({"promql", "up", "--warehouse", "w", "--start", "1"}), 2);
  EXPECT_EQ(Run({"promql", "up", "--warehouse", "w", "--time", "yesterday"}), 2);
}

TEST_F(ProgramTest, ErrorsAreOneLineWithACode) {
  EXPECT_EQ(Run({"sql", "bad", "--warehouse", "w"}), 1);
  EXPECT_EQ(err(), "firn: sql: Parser Error: at 1\n");
  EXPECT_EQ(out(), "");
  EXPECT_EQ(Run({"table", "describe", "a.b", "--warehouse", "w"}), 3);
  EXPECT_EQ(err(),
            "firn: table describe: table a.b does not exist\n"
            "`firn table ls` lists the tables.\n");
  EXPECT_EQ(Run({"sql", "x", "--server", "127.0.0.1:1"}), 1);
  EXPECT_THAT(err(), StartsWith("firn: sql: server 127.0.0.1:1: "));
  open_status_ = Status::AlreadyExists("data is held by pid 7, address 127.0.0.1:1");
  EXPECT_EQ(Run({"serve", "--listen", "127.0.0.1:0"}), 4);
  EXPECT_THAT(err(), HasSubstr("pid 7"));
  EXPECT_THAT(err(), HasSubstr("--data"));
}

TEST_F(ProgramTest, PrintsRowsInEachFormat) {
  const auto sql = [&](const std::string& format) {
    EXPECT_EQ(Run({"sql", "SELECT 1;", "--warehouse", "w", "--format", format}), 0);
    return out();
  };
  EXPECT_EQ(sql("table"),
            "  n  t        v\n"
            "---  -----  ---\n"
            "  1  a,\"b\"  0.5\n"
            "200         NaN\n"
            "(2 rows)\n");
  EXPECT_EQ(sql("csv"), "n,t,v\r\n1,\"a,\"\"b\"\"\",0.5\r\n200,,NaN\r\n");
  EXPECT_EQ(sql("ndjson"),
            "{\"n\":1,\"t\":\"a,\\\"b\\\"\",\"v\":0.5}\n"
            "{\"n\":200,\"t\":null,\"v\":\"NaN\"}\n");
  EXPECT_EQ(json::parse(sql("json"))["rows"][1], json::parse(R"([200,null,"NaN"])"));
  EXPECT_EQ(sql("arrow").substr(0, 4),
            "\xff\xff\xff\xff");  // The stream's continuation mark.
  EXPECT_EQ(Run({"sql", "SELECT 1", "--warehouse", "w", "--json", "--stats"}), 0);
  EXPECT_EQ(json::parse(out())["columns"][0]["name"], "n");
  EXPECT_EQ(json::parse(err())["rows"], 2);
  EXPECT_EQ(json::parse(err())["bytes_read"], 700);
  EXPECT_EQ(json::parse(err())["bloom_pruned"], 3);
  EXPECT_EQ(opened_.warehouse, "w");
  EXPECT_TRUE(opened_.sql_files);
  const std::string file = sql("parquet");
  EXPECT_EQ(file.substr(0, 4), "PAR1");
  EXPECT_EQ(file.substr(file.size() - 4), "PAR1");
}

TEST_F(ProgramTest, WithoutASourceSqlReadsFilesAlone) {
  EXPECT_EQ(Run({"sql", "SELECT 1"}), 0);
  EXPECT_EQ(opened_.warehouse, "");
  EXPECT_EQ(Run({"sql", "bad"}), 1);
  EXPECT_EQ(err(), "firn: sql: Parser Error: at 1\n");
  EXPECT_EQ(Run({"sql", "no table"}), 1);
  EXPECT_THAT(err(), HasSubstr("exist!\nWithout --warehouse URI or --server URL"));
  EXPECT_EQ(Run({"sql", "no table", "--warehouse", "w"}), 1);
  EXPECT_EQ(err(), "firn: sql: Catalog Error: Table x does not exist!\n");
}

TEST_F(ProgramTest, ChangesTables) {
  const auto run = [&](std::vector<std::string> args) {
    args.insert(args.begin(), "table");
    args.insert(args.end(), {"--warehouse", "w"});
    return Run(args);
  };
  EXPECT_EQ(run({"rollback", "metrics.samples", "--to-snapshot", "5"}), 0);
  EXPECT_EQ(out(), "metrics.samples: current snapshot 7, 10 rows\n");
  EXPECT_EQ(run({"rollback", "metrics.samples", "--to-time", "1970-01-01T00:00:02Z"}), 0);
  EXPECT_EQ(run({"rollback", "metrics.samples"}), 2);
  EXPECT_EQ(run({"rollback", "metrics.samples", "--to-time", "soon"}), 2);
  EXPECT_EQ(run({"rollback", "metrics.samples", "--to-time", "2", "--to-snapshot", "1"}),
            2);
  EXPECT_EQ(run({"tag", "metrics.samples", "v1", "--max-age", "2s", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["snapshot_id"], 7);
  EXPECT_EQ(json::parse(out())["ref"], "v1");
  EXPECT_EQ(run({"tag", "metrics.samples", "v1", "--snapshot", "6", "--replace"}), 0);
  EXPECT_EQ(out(), "metrics.samples: tag v1 is snapshot 7, 10 rows\n");
  EXPECT_EQ(run({"tag", "metrics.samples", "v1", "--drop"}), 0);
  EXPECT_EQ(run({"tag", "metrics.samples", "v1", "--drop", "--replace"}), 2);
  EXPECT_EQ(run({"branch", "metrics.samples", "audit", "--min-snapshots", "3",
                 "--max-snapshot-age", "7s"}),
            0);
  EXPECT_EQ(run({"fast-forward", "metrics.samples", "main", "--to", "audit"}), 0);
  EXPECT_EQ(run({"cherry-pick", "metrics.samples", "--snapshot", "9"}), 0);
  EXPECT_EQ(run({"cherry-pick", "metrics.samples"}), 2);
  EXPECT_EQ(run({"retire", "metrics.samples", "01W"}), 0);
  EXPECT_EQ(run({"expire", "metrics.samples", "--retain-last", "4", "--older-than", "3",
                 "--snapshot", "1", "--snapshot", "2", "--dry-run"}),
            0);
  EXPECT_EQ(
      out(),
      "metrics.samples: would expire 2 snapshots and 1 ref (old), and remove 1 data "
      "file and 5 metadata files\n");
  EXPECT_EQ(run({"expire", "metrics.samples", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["snapshot_ids"], json::parse("[5,6]"));
  EXPECT_THAT(changes_,
              testing::ElementsAre(
                  "rollback metrics.samples: 5", "rollback before metrics.samples: 2000",
                  "set metrics.samples: tag v1 for 2000",
                  "set metrics.samples: tag v1 of 6 replaced", "drop metrics.samples: v1",
                  "set metrics.samples: branch audit min 3 age 7000",
                  "forward metrics.samples: main to audit", "pick metrics.samples: 9",
                  "retire metrics.samples: 01W",
                  "expire metrics.samples: dry before 3000 last 4 1 2",
                  "expire metrics.samples: real"));
  EXPECT_EQ(run({"retire", "metrics.none", "01W"}), 3);
  EXPECT_EQ(Run({"table", "expire", "metrics.samples"}), 2);
  EXPECT_THAT(err(), HasSubstr("--warehouse"));
}

TEST_F(ProgramTest, ChangesPropertiesAndDropsTables) {
  const auto run = [&](std::vector<std::string> args) {
    args.insert(args.begin(), "table");
    args.insert(args.end(), {"--warehouse", "w"});
    return Run(args);
  };
  EXPECT_EQ(run({"properties", "web.visits"}), 0);
  EXPECT_EQ(out(), "a = 1\nb = x=y\n");
  EXPECT_EQ(run({"properties", "web.visits", "--set", "b=x=y", "--set", "a=1", "--remove",
                 "c"}),
            0);
  EXPECT_EQ(out(), "web.visits: 2 properties set, 1 removed\n");
  EXPECT_EQ(run({"properties", "web.visits", "--remove", "c", "--json"}), 0);
  EXPECT_EQ(json::parse(out()),
            json::parse(R"({"table":"web.visits","properties":{"a":"1","b":"x=y"}})"));
  EXPECT_EQ(run({"properties", "web.visits", "--set", "b"}), 2);
  EXPECT_THAT(err(), HasSubstr("--set b: expected KEY=VALUE"));
  EXPECT_EQ(run({"properties", "web.visits", "--set", "b=1", "--set", "b=2"}), 2);
  EXPECT_THAT(err(), HasSubstr("--set b=2: the key comes twice"));
  EXPECT_EQ(run({"drop", "web.visits"}), 0);
  EXPECT_EQ(out(),
            "web.visits: dropped from the catalog; its files stay in file:///w/t, as "
            "file:///w/t/m.json names them\n");
  EXPECT_EQ(run({"drop", "web.visits", "--json"}), 0);
  EXPECT_EQ(json::parse(out())["location"], "file:///w/t");
  EXPECT_THAT(changes_, testing::ElementsAre(
                            "properties web.visits: ", "change web.visits: a=1 b=x=y -c",
                            "properties web.visits: ", "change web.visits: -c",
                            "properties web.visits: ", "forget web.visits: ",
                            "forget web.visits: "));
}

TEST_F(ProgramTest, AltersTables) {
  const auto run = [&](std::vector<std::string> args) {
    args.insert(args.begin(), "table");
    args.insert(args.end(), {"--warehouse", "w"});
    return Run(args);
  };
  EXPECT_EQ(run({"alter", "--add", "zone string 'a=b'", "web.visits", "--drop", "b",
                 "--add=host.x int", "--rename", "b=c", "--type", "n long", "--optional",
                 "n", "--move", "n first", "--doc", "n=a b", "--drop", "d"}),
            0);
  EXPECT_EQ(out(),
            "web.visits: altered\n"
            "partitioned by [day(ts) as ts_day], sorted by []\n\n"
            "id  column  type    required\n"
            "1   id      long    yes\n"
            "7   zone    string  no\n");
  EXPECT_EQ(
      run({"alter", "web.visits", "--partition", "day(ts)", "--sort", "", "--dry-run"}),
      0);
  EXPECT_THAT(out(), StartsWith("web.visits: would be altered\n"));
  EXPECT_EQ(run({"alter", "web.visits", "--drop", "a", "--partition", ""}), 0);
  EXPECT_THAT(out(), StartsWith("web.visits: is so already\n"));
  EXPECT_EQ(run({"alter", "web.visits", "--sort", "ts desc", "--json"}), 0);
  EXPECT_EQ(json::parse(out()), json::parse(R"({"table":"web.visits","dry_run":false,
      "changed":true,"partition_spec":"[day(ts) as ts_day]","sort_order":"[]",
      "metadata_location":"file:/w/metadata/2.json","columns":[
        {"id":1,"name":"id","type":"long","required":true,"doc":"the key"},
        {"id":7,"name":"zone","type":"string","required":false,"doc":null}]})"));
  EXPECT_EQ(run({"alter", "web.visits", "--sort", "ts", "--quiet"}), 0);
  EXPECT_EQ(out(), "");
  EXPECT_THAT(
      changes_,
      testing::ElementsAre(
          "alter web.visits: real 0 zone string 'a=b'; 1 b; 0 host.x int; 2 b=c; "
          "3 n long; 4 n; 5 n first; 6 n=a b; 1 d;",
          "alter web.visits: dry by [day(ts)] sorted []",
          "alter web.visits: real 1 a; by []", "alter web.visits: real sorted [ts desc]",
          "alter web.visits: real sorted [ts]"));
  EXPECT_EQ(run({"alter", "web.visits"}), 2);
  EXPECT_THAT(err(), StartsWith("firn: table alter: there is nothing to change\n"));
  EXPECT_EQ(run({"alter", "web.visits", "--parttion", "a"}), 2);
  EXPECT_THAT(err(), HasSubstr("did you mean --partition?"));
  EXPECT_EQ(run({"alter", "metrics.none", "--drop", "a"}), 3);
  EXPECT_THAT(err(), HasSubstr("`firn table ls` lists the tables."));
}

TEST_F(ProgramTest, RemovesOrphans) {
  const auto run = [&](const std::string& table, std::vector<std::string> args) {
    args.insert(args.begin(), {"table", "orphans", table});
    args.insert(args.end(), {"--warehouse", "w"});
    return Run(args);
  };
  EXPECT_EQ(run("metrics.samples", {}), 0);
  EXPECT_EQ(out(), "metrics.samples: removed 2 orphans, 8KiB\n");
  EXPECT_EQ(run("metrics.samples", {"--dry-run", "--older-than", "2h"}), 0);
  EXPECT_EQ(out(),
            "file:///w/a\nfile:///w/b\n"
            "metrics.samples: would remove 2 orphans, 8KiB\n");
  EXPECT_EQ(run("metrics.samples", {"--json"}), 0);
  EXPECT_EQ(json::parse(out())["orphans"][1],
            json::parse(R"({"location":"file:///w/b","bytes":4096,
                            "modified":"1970-01-01T00:00:02Z"})"));
  EXPECT_EQ(json::parse(out())["bytes"], 8192);

  EXPECT_EQ(run("metrics.samples", {"--older-than", "2h"}), 2);
  EXPECT_THAT(err(), HasSubstr("--no-writers"));
  EXPECT_EQ(run("metrics.samples", {"--older-than", "2h", "--no-writers"}), 0);
  EXPECT_THAT(err(), HasSubstr("warning: files younger than 1d"));
  EXPECT_EQ(run("metrics.samples", {"--older-than", "1970-01-01T00:00:00Z"}), 0);
  EXPECT_EQ(run("metrics.samples", {"--older-than", "soon"}), 2);
  EXPECT_EQ(run("metrics.none", {}), 3);
  EXPECT_EQ(run("metrics.stuck", {}), 1);
  EXPECT_THAT(err(), HasSubstr("1 file could not be removed"));
  EXPECT_THAT(changes_, testing::ElementsAre(
                            "orphans real 259200", "orphans dry 7200",
                            "orphans real 259200", "orphans real 7200 no writers",
                            "orphans real " + std::to_string(clock_.NowMs() / 1000),
                            "orphans real 259200"));
}

TEST_F(ProgramTest, RewritesManifests) {
  const auto run = [&](const std::string& table, std::vector<std::string> args) {
    args.insert(args.begin(), {"table", "manifests", table});
    args.insert(args.end(), {"--warehouse", "w"});
    return Run(args);
  };
  EXPECT_EQ(run("metrics.samples", {}), 0);
  EXPECT_EQ(out(), "metrics.samples: replaced 10 of 12 manifests by 2\n");
  EXPECT_EQ(run("metrics.samples", {"--dry-run", "--target-size", "4MB"}), 0);
  EXPECT_EQ(out(), "metrics.samples: would replace 10 of 12 manifests by 2\n");
  EXPECT_EQ(run("metrics.samples", {"--json"}), 0);
  EXPECT_EQ(json::parse(out())["snapshot_id"], 8);
  EXPECT_EQ(json::parse(out())["manifests_after"], 4);
  EXPECT_EQ(run("metrics.sorted", {}), 0);
  EXPECT_EQ(out(), "metrics.sorted: 12 manifests, in order already\n");
  EXPECT_EQ(run("metrics.samples", {"--target-size", "0"}), 2);
  EXPECT_EQ(run("metrics.samples", {"--target-size", "big"}), 2);
  EXPECT_THAT(changes_, testing::ElementsAre("manifests real 0", "manifests dry 4000000",
                                             "manifests real 0", "manifests real 0"));
}

TEST_F(ProgramTest, CompactsTables) {
  const auto run = [&](const std::string& table, std::vector<std::string> args) {
    args.insert(args.begin(), {"table", "compact", table});
    args.insert(args.end(), {"--warehouse", "w"});
    return Run(args);
  };
  EXPECT_EQ(run("metrics.samples", {}), 0);
  EXPECT_EQ(out(), "metrics.samples: rewrote 10 of 12 files, 4KiB, as 2 files, 2KiB\n");
  EXPECT_EQ(err(), "firn: table compact: left as it was: Conflict: a rival\n");
  EXPECT_EQ(
      run("metrics.samples", {"--dry-run", "--target-file-size", "8MB", "--min-file-size",
                              "1MB", "--max-file-size", "9MB", "--min-input-files", "2",
                              "--max-file-group-size", "1GB", "--rewrite-all"}),
      0);
  EXPECT_EQ(out(),
            "metrics.samples: would rewrite 10 of 12 files, 4KiB and 7 rows, in 2 "
            "groups\n");
  EXPECT_EQ(run("metrics.sorted", {}), 0);
  EXPECT_EQ(out(), "metrics.sorted: nothing to rewrite of 12 files\n");
  EXPECT_EQ(run("metrics.samples", {"--json"}), 0);
  EXPECT_EQ(json::parse(out())["files_added"], 2);
  EXPECT_EQ(json::parse(out())["reasons"], json::parse(R"(["Conflict: a rival"])"));
  EXPECT_EQ(run("metrics.samples", {"--target-file-size", "0"}), 2);
  EXPECT_EQ(run("metrics.samples", {"--min-input-files", "0"}), 2);
  EXPECT_THAT(changes_,
              testing::ElementsAre("compact real",
                                   "compact dry target 8000000 min 1000000 max 9000000 "
                                   "files 2 group 1000000000 all",
                                   "compact real", "compact real"));
}

TEST_F(ProgramTest, RelocatesTables) {
  const auto run = [&](const std::string& table, std::vector<std::string> args) {
    args.insert(args.begin(), {"table", "relocate", table});
    args.insert(args.end(), {"--warehouse", "w"});
    return Run(args);
  };
  EXPECT_EQ(run("metrics.samples", {}), 0);
  EXPECT_EQ(out(),
            "metrics.samples: 4 files named in file:///b, no longer in file:///a; 3 "
            "manifests and 2 lists written anew\n");
  EXPECT_EQ(run("metrics.wide", {"--dry-run", "--from", "/a", "--to", "/b"}), 0);
  EXPECT_EQ(
      out(),
      "metrics.wide: 4 files would be named in file:///b, no longer in file:///a; 3 "
      "manifests and 2 lists would be written anew\n1 file lies elsewhere and "
      "stays\n");
  EXPECT_EQ(run("metrics.samples", {"--json"}), 0);
  EXPECT_EQ(json::parse(out())["metadata_location"], "file:///b/2.json");
  EXPECT_EQ(run("metrics.samples", {"--from", "/a"}), 2);
  EXPECT_EQ(run("metrics.none", {}), 3);
  EXPECT_THAT(changes_, testing::ElementsAre("relocate real  ", "relocate dry /a /b",
                                             "relocate real  "));
}

TEST_F(ProgramTest, ChecksTables) {
  EXPECT_EQ(Run({"check", "metrics.samples", "--warehouse", "w", "--stats"}), 0);
  EXPECT_EQ(out(), "metrics.samples: sound: 1 snapshot, 2 manifests, 3 files, 40 rows\n");
  EXPECT_EQ(json::parse(err())["files_planned"], 3);
  EXPECT_EQ(Run({"check", "metrics.series", "--warehouse", "w"}), 1);
  EXPECT_EQ(out(),
            "file:/w/a.parquet: column ts: metrics: lower bound 7, expected at most 5\n"
            "metrics.series: 1 fault\n");
  EXPECT_EQ(Run({"check", "metrics.series", "--warehouse", "w", "--json"}), 1);
  const json checked = json::parse(out());
  EXPECT_FALSE(checked["sound"]);
  EXPECT_EQ(checked["faults"],
            json::parse(R"([{"kind":"metrics","location":"file:/w/a.parquet",
                             "column":"ts","found":"lower bound 7",
                             "expected":"at most 5"}])"));
  EXPECT_EQ(Run({"check", "metrics.nothing", "--warehouse", "w"}), 3);
  EXPECT_THAT(err(), HasSubstr("`firn table ls` lists the tables."));
  EXPECT_EQ(Run({"check", "metrics.samples", "--warehouse", "w", "--compression"}), 2);
}

TEST_F(ProgramTest, ChecksFiles) {
  EXPECT_EQ(Run({"check", "a.parquet"}), 0);
  EXPECT_EQ(out(), "a.parquet: sound: 10 rows, 1 row group, 2 columns, 4 pages\n");
  EXPECT_EQ(err(), "");
  EXPECT_EQ(Run({"check", "dir", "--stats"}), 1);
  EXPECT_EQ(
      out(),
      "a.parquet: sound: 10 rows, 1 row group, 2 columns, 4 pages\n"
      "b.parquet: row group 0: column a.b: page 3: page index: max is 5, expected at "
      "least 9\n"
      "b.parquet: 1 fault\n"
      "2 files: 1 sound, 1 with faults\n");
  EXPECT_EQ(json::parse(err())["files_planned"], 2);
  EXPECT_EQ(Run({"check", "dir", "--json"}), 1);
  const json checked = json::parse(out());
  EXPECT_EQ(checked["faulty"], 1);
  EXPECT_EQ(checked["files"][1]["faults"][0],
            json::parse(R"({"kind":"page index","row_group":0,"column":"a.b","page":3,
                            "found":"max is 5","expected":"at least 9"})"));
  EXPECT_EQ(Run({"check", "nowhere"}), 3);
  EXPECT_EQ(err(), "firn: check: no file nowhere\n");
  EXPECT_EQ(Run({"check", "locked.parquet"}), 1);
  EXPECT_EQ(err(), "firn: check: it is encrypted\n");
  EXPECT_EQ(Run({"check", "b.parquet", "--quiet"}), 1);
  EXPECT_THAT(out(), StartsWith("b.parquet: row group 0"));
  EXPECT_EQ(Run({"check", "metrics.samples"}), 0);  // Of this name there may be a file.
  EXPECT_THAT(out(), StartsWith("metrics.samples: sound: 10 rows"));
  EXPECT_EQ(Run({"check", "a.parquet", "--compression"}), 0);
  EXPECT_EQ(out(), "report of a.parquet\n\ntrial\n");
  EXPECT_EQ(Run({"check", "dir", "--compression", "--json"}), 0);
  EXPECT_EQ(json::parse(out())[1]["file"], "b.parquet");
}

TEST_F(ProgramTest, ExportsToOneFile) {
  EXPECT_EQ(Run({"export", "a/*.parquet", "--to", "x.csv"}), 0) << err();
  EXPECT_EQ(files_.written["x.csv"], "n,t,v\r\n1,\"a,\"\"b\"\"\",0.5\r\n200,,NaN\r\n");
  EXPECT_EQ(out(), "x.csv: 2 rows, 34 bytes of csv\n");
  EXPECT_EQ(Run({"export", "a/*.parquet", "--to", "x.csv"}), 4);
  EXPECT_THAT(err(), HasSubstr("x.csv is there already\n--overwrite replaces it."));
  EXPECT_EQ(Run({"export", "--query", "SELECT 1", "--to", "x.csv", "--overwrite",
                 "--format", "ndjson", "--json"}),
            0);
  EXPECT_EQ(json::parse(out())["format"], "ndjson");
  EXPECT_THAT(files_.written["x.csv"], StartsWith("{\"n\":1,"));
  EXPECT_EQ(
      Run({"export", "a.parquet", "--to", "s3://b/y.parquet", "--compression", "snappy"}),
      0);
  EXPECT_THAT(files_.written["s3://b/y.parquet"], StartsWith("PAR1"));
  EXPECT_EQ(Run({"export", "a.parquet", "--to", "-", "--format", "csv"}), 0);
  EXPECT_THAT(out(), StartsWith("n,t,v"));
}

TEST_F(ProgramTest, AnExportThatFailsLeavesNothing) {
  EXPECT_EQ(Run({"export", "--query", "bad", "--to", "x.csv"}), 1);
  files_.append_status = Status::ResourceExhausted("disk full");
  EXPECT_EQ(Run({"export", "a.parquet", "--to", "y.parquet"}), 1);
  EXPECT_EQ(err(), "firn: export: disk full\n");
  files_.append_status = Status::OK();
  EXPECT_EQ(Run({"export", "a.parquet", "--to", "y.parquet", "--compression", "zip"}), 2);
  EXPECT_THAT(err(), HasSubstr("zip"));
  EXPECT_EQ(Run({"export", "metrics.nope", "--to", "y.parquet", "--warehouse", "w"}), 3);
  EXPECT_EQ(Run({"export", "a.parquet", "--to", "y.xls"}), 2);
  EXPECT_EQ(Run({"export", "--to", "y.csv"}), 2);
  EXPECT_EQ(Run({"export", "a.parquet", "--query", "x", "--to", "y.csv"}), 2);
  EXPECT_THAT(files_.written, ::testing::IsEmpty());
}

TEST_F(ProgramTest, RunsAScriptUntilAStatementFails) {
  in_.str("SELECT ';'; -- a; comment\n;;bad; SELECT 3");
  EXPECT_EQ(Run({"sql", "--warehouse", "w", "--format", "csv"}), 1);
  EXPECT_EQ(out(), "n,t,v\r\n1,\"a,\"\"b\"\"\",0.5\r\n200,,NaN\r\n");
}

TEST_F(ProgramTest, EvaluatesPromql) {
  EXPECT_EQ(Run({"promql", "up", "--data", "d", "--time", "1435781451.781"}), 0);
  EXPECT_EQ(out(), "up{job=\"x\"} => 1 @[1435781451.781]\n");
  EXPECT_EQ(err(), "PromQL warning: careful\n");
  EXPECT_EQ(opened_.data_dir, "d");
  EXPECT_EQ(opened_.settle_interval_ms, 0);
  EXPECT_EQ(Run({"promql", "up", "--data", "d", "--quiet"}), 0);
  EXPECT_THAT(out(), HasSubstr("@[1700000000]"));
  EXPECT_EQ(err(), "");
  EXPECT_EQ(Run({"promql", "up", "--data", "d", "--start", "10", "--end",
                 "1970-01-01T00:00:20Z", "--step", "5s", "--format", "json"}),
            0);
  EXPECT_EQ(out(), R"({"resultType":"matrix","result":[{"metric":{"job":"x"},)"
                   R"("values":[[10,"1"],[20,"2"]]}]})"
                   "\n");
  EXPECT_EQ(Run({"promql", "(", "--data", "d"}), 1);
  EXPECT_THAT(err(), StartsWith("firn: promql: 1:1: parse error"));
}

TEST_F(ProgramTest, ListsTables) {
  EXPECT_EQ(Run({"table", "ls", "--warehouse", "w"}), 0);
  EXPECT_EQ(out(),
            "table            rows  files  bytes  snapshot\n"
            "metrics.samples  10    2      300    7\n");
  EXPECT_EQ(Run({"table", "ls", "--warehouse", "w", "--json"}), 0);
  EXPECT_EQ(json::parse(out())[0]["snapshot_id"], 7);
  environment_["FIRN_WAREHOUSE"] = "of-environment";
  EXPECT_EQ(Run({"table", "ls"}), 0);
  EXPECT_EQ(opened_.warehouse, "of-environment");
}

TEST_F(ProgramTest, ChecksAndPrintsSettings) {
  const std::string path = ::testing::TempDir() + "/firn_program_test.yaml";
  std::ofstream(path) << "listen: 127.0.0.1:1\n";
  EXPECT_EQ(Run({"config", "check", path}), 0);
  EXPECT_EQ(out(), path + ": ok\n");
  environment_["FIRN_SERIES_MAX"] = "9";
  EXPECT_EQ(Run({"config", "print", path}), 0);
  EXPECT_THAT(out(), HasSubstr("listen: \"127.0.0.1:1\"\n"));
  EXPECT_THAT(out(), HasSubstr("series_max: 9\n"));
  std::ofstream(path) << "lisen: 127.0.0.1:1\n";
  EXPECT_EQ(Run({"config", "check", path}), 2);
  EXPECT_THAT(err(), HasSubstr(":1: unknown key \"lisen\"; did you mean \"listen\"?"));
  EXPECT_EQ(Run({"config", "check", "/nowhere.yaml"}), 3);
}

TEST_F(ProgramTest, ServesUntilToldToStop) {
  std::string through_server;
  while_serving_ = [&] {
    const std::string said = out();
    EXPECT_THAT(said, StartsWith("firn 0.1.0 serves on http://127.0.0.1:"));
    EXPECT_THAT(said, HasSubstr("Data lands in d"));
    const std::string address = said.substr(21, said.find('\n') - 21);
    EXPECT_THAT(opened_.holder, HasSubstr("address " + address.substr(7)));
    // Another run of the program asks the one that serves.
    std::ostringstream out, err;
    World asker{out,
                err,
                in_,
                false,
                [](const std::string&) { return std::nullopt; },
                clock_,
                "0.1.0",
                nullptr,
                nullptr,
                nullptr,
                nullptr};
    EXPECT_EQ(cli::Run({"promql", "up", "--server", address, "--time", "5"}, asker), 0)
        << err.str();
    through_server = out.str();
    out.str("");
    EXPECT_EQ(cli::Run({"sql", "x", "--server", address, "--format", "csv"}, asker), 0)
        << err.str();
    through_server += out.str();
    EXPECT_EQ(cli::Run({"sql", "bad", "--server", address}, asker), 1);
    EXPECT_THAT(err.str(), HasSubstr("firn: sql: Parser Error: at 1"));
    // A data directory in use is asked through its server.
    asker.open_db = [&](const DbOptions&) -> Result<std::unique_ptr<Db>> {
      return Status::AlreadyExists("d/LOCK is held by \"" + opened_.holder + "\"");
    };
    out.str("");
    EXPECT_EQ(cli::Run({"promql", "up", "--data", "d", "--time", "5"}, asker), 0)
        << err.str();
    through_server += out.str();
  };
  EXPECT_EQ(Run({"serve", "--data", "d", "--listen", "127.0.0.1:0"}), 0) << err();
  EXPECT_EQ(through_server,
            "up{job=\"x\"} => 1 @[5]\n"
            "n,t,v\r\n1,\"a,\"\"b\"\"\",0.5\r\n200,,NaN\r\n"
            "up{job=\"x\"} => 1 @[5]\n");
}

}  // namespace
}  // namespace firn::cli
