// SPDX-License-Identifier: Apache-2.0
#include "cli/program.h"

#include <algorithm>
#include <map>
#include <set>

#include "cli/commands.h"
#include "cli/config_field.h"
#include <CLI/CLI.hpp>

#include "base/nearest_word.h"

namespace firn::cli {
namespace {

// An empty condition is a variable that was not set, say, and not every row.
const CLI::Validator kNotEmpty(
    [](const std::string& text) {
      return text.empty() ? std::string("is empty: leave it out for every row")
                          : std::string();
    },
    "");

// The command that was given, once parsing has found it.
using Chosen = std::function<int()>;

class Grammar {
 public:
  explicit Grammar(World& world) : world_(world) {
    app_.name("firn");
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.footer("`firn COMMAND --help` shows a command's flags and an example.");
    app_.set_version_flag("--version", "firn " + world.version);
    app_.add_flag("--json", common_.json, "Machine-readable result on standard output");
    app_.add_flag("--stats", common_.stats,
                  "One JSON object of figures on standard error");
    app_.add_flag("--quiet", common_.quiet, "Say nothing but results and errors");
    AddServe();
    AddSql();
    AddPromql();
    AddTable();
    AddCheck();
    AddImport();
    AddExport();
    AddConfig();
    CLI::App* version = app_.add_subcommand("version", "Print the version");
    version->callback([this] {
      chosen_ = [this] {
        world_.out << "firn " << world_.version << "\n";
        return int{kDone};
      };
    });
  }

  int Run(std::vector<std::string> args) {
    std::reverse(args.begin(), args.end());  // As CLI11 wants them.
    try {
      app_.parse(args);
    } catch (const CLI::CallForHelp&) {
      world_.out << Deepest()->help();
      return kDone;
    } catch (const CLI::CallForVersion&) {
      world_.out << "firn " << world_.version << "\n";
      return kDone;
    } catch (const CLI::ParseError& e) {
      return PrintBadUsage(world_, "usage", Status::InvalidArgument(Explain(e)),
                           "`" + CommandName() + " --help` shows what it takes.");
    }
    return chosen_();
  }

 private:
  // The innermost command that was named.
  CLI::App* Deepest() {
    CLI::App* at = &app_;
    while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
    return at;
  }
  std::string CommandName() {
    std::string name = "firn";
    for (CLI::App* at = &app_; !at->get_subcommands().empty();) {
      at = at->get_subcommands().front();
      name += " " + at->get_name();
    }
    return name;
  }

  // CLI11's text, with the nearest flag where one is not known.
  std::string Explain(const CLI::ParseError& e) {
    // A command that is not known is an extra word and a command that is missing.
    if (dynamic_cast<const CLI::ExtrasError*>(&e) == nullptr &&
        dynamic_cast<const CLI::RequiredError*>(&e) == nullptr) {
      return e.what();
    }
    CLI::App* command = Deepest();
    std::set<std::string> names;
    for (CLI::App* at = command; at != nullptr; at = at->get_parent()) {
      for (const CLI::Option* option : at->get_options()) {
        for (const std::string& name : option->get_lnames()) names.insert("--" + name);
      }
    }
    for (const CLI::App* sub : command->get_subcommands([](CLI::App*) { return true; })) {
      names.insert(sub->get_name());
    }
    const std::vector<std::string> extras = app_.remaining(true);
    if (extras.empty()) return e.what();
    const std::string word = extras.front().substr(0, extras.front().find('='));
    const std::vector<std::string_view> views(names.begin(), names.end());
    return "unexpected " + word + base::DidYouMean(word, views);
  }

  template <typename Function>
  void OnCommand(CLI::App* command, Function run) {
    command->callback([this, run] { chosen_ = run; });
  }

  void AddServe() {
    CLI::App* serve = app_.add_subcommand(
        "serve", "Take samples, answer queries and settle data into tables");
    serve->add_option("--config", serve_.config_file, "YAML or TOML file of settings");
    for (const ConfigField& field : ConfigFields()) {
      if (field.kind == FieldKind::kSecret) continue;
      std::string& text = setting_texts_[std::string(field.name)];
      CLI::Option* option =
          field.kind == FieldKind::kBool
              ? serve->add_flag(field.Flag() + "{true}", text, std::string(field.help))
              : serve->add_option(field.Flag(), text, std::string(field.help));
      options_.emplace_back(std::string(field.name), option);
    }
    serve->footer("Example:\n  firn serve --data ./firn-data --listen 127.0.0.1:7070");
    OnCommand(serve, [this] {
      for (const auto& [name, option] : options_) {
        if (option->count() > 0) {
          serve_.settings.emplace_back(name, setting_texts_[name]);
        }
      }
      return Serve(world_, common_, serve_);
    });
  }

  void AddWarehouse(CLI::App* command, SourceFlags& source) {
    command->add_option("--warehouse", source.warehouse,
                        "Location of the tables, read as committed");
    command->add_option(
        "--catalog", source.catalog,
        "Their catalog: sqlite:///FILE, fs or rest+http[s]://HOST; by default "
        "catalog.db in the warehouse");
    command->add_option("--config", source.config_file, "YAML or TOML file of settings");
  }

  void AddSql() {
    CLI::App* sql = app_.add_subcommand("sql", "Run SQL over tables and files");
    sql->add_option("query", sql_.query,
                    "One statement; without it, statements come from standard input");
    AddWarehouse(sql, sql_.source);
    sql->add_option("--server", sql_.source.server,
                    "Ask this server, which sees hot data too");
    sql->add_option("--format", sql_.format,
                    "table, csv, json, ndjson, arrow or parquet");
    sql->footer(
        "A file, a directory or a pattern stands in quotes where a table would.\n"
        "Example:\n  firn sql --server http://127.0.0.1:7070 "
        "'SELECT metric, count(*) FROM metrics.samples GROUP BY metric'\n"
        "  firn sql \"SELECT count(*) FROM 's3://bucket/day=*/*.parquet'\"");
    OnCommand(sql, [this] { return Sql(world_, common_, sql_); });
  }

  void AddPromql() {
    CLI::App* promql = app_.add_subcommand("promql", "Evaluate a PromQL expression");
    promql->add_option("expression", promql_.expression, "The expression")->required();
    promql->add_option("--time", promql_.time,
                       "When: RFC 3339 or Unix seconds; by default now");
    promql->add_option("--start", promql_.start, "Start of a range, which it includes");
    promql->add_option("--end", promql_.end, "End of a range, which it includes");
    promql->add_option("--step", promql_.step, "Step of a range: 15s, or seconds");
    promql->add_option("--data", promql_.data,
                       "Data directory; one in use is asked through its server");
    promql->add_option("--server", promql_.source.server, "Ask this server");
    AddWarehouse(promql, promql_.source);
    promql->add_option("--format", promql_.format, "table or json");
    promql->footer(
        "Example:\n  firn promql --server http://127.0.0.1:7070 "
        "'sum by (job) (rate(http_requests_total[5m]))'");
    OnCommand(promql, [this] { return Promql(world_, common_, promql_); });
  }

  using TableCommand = int (*)(World&, const CommonFlags&, const TableFlags&);
  CLI::App* AddTableCommand(CLI::App* table, const char* name, const char* help,
                            bool takes_table, TableCommand run) {
    CLI::App* command = table->add_subcommand(name, help);
    if (takes_table) {
      command->add_option("table", table_.table, "NAMESPACE.TABLE")->required();
    }
    AddWarehouse(command, table_.source);
    command->footer("Example:\n  firn table " + std::string(name) +
                    (takes_table ? " metrics.samples" : "") +
                    " --warehouse ./firn-data/warehouse");
    OnCommand(command, [this, run] { return run(world_, common_, table_); });
    return command;
  }

  void AddViewOptions(CLI::App* scan) {
    CLI::Option* one[] = {
        scan->add_option("--snapshot", table_.snapshot_id, "The rows of a snapshot"),
        scan->add_option("--as-of", table_.as_of,
                         "What was current then: RFC 3339 or Unix seconds"),
        scan->add_option("--ref", table_.ref, "The rows of a branch or tag")};
    CLI::Option* range[] = {
        scan->add_option("--from", table_.from_id,
                         "Only rows appended after this snapshot"),
        scan->add_option("--to", table_.to_id,
                         "Only rows appended up to and with this snapshot")};
    for (std::size_t i = 0; i < std::size(one); ++i) {
      for (std::size_t j = i + 1; j < std::size(one); ++j) one[i]->excludes(one[j]);
      for (CLI::Option* end : range) one[i]->excludes(end);
    }
  }

  void AddTable() {
    CLI::App* table = app_.add_subcommand(
        "table", "Look at the tables of a warehouse, and at their past");
    table->require_subcommand(1);
    AddTableCommand(table, "ls", "List tables", false, TableLs);
    AddTableCommand(table, "describe", "Schema, partitioning and properties of a table",
                    true, TableDescribe);
    CLI::App* scan =
        AddTableCommand(table, "scan", "Print the rows of a table", true, TableScan);
    scan->add_option("--columns", table_.columns, "Columns, separated by commas");
    scan->add_option("--filter", table_.filter,
                     "Rows to keep, such as \"value > 1\" (docs/operate/filter.md)")
        ->check(kNotEmpty);
    scan->add_option("--limit", table_.limit, "Most rows to print")
        ->check(CLI::PositiveNumber);
    scan->add_option("--format", table_.format, "table, csv, json, ndjson or arrow");
    AddViewOptions(scan);
    AddTableCommand(table, "snapshots", "List the snapshots of a table", true,
                    TableSnapshots);
    AddTableCommand(table, "files", "List the data files of a table", true, TableFiles);
    AddTableCommand(table, "partitions", "What the files of each partition come to", true,
                    TablePartitions)
        ->add_option(
            "--columns", table_.columns,
            "Also the smallest and largest value and the NULLs of these columns, "
            "separated by commas, as manifests have them");
    AddTableRows(table);
    AddTableChanges(table);
    AddTableAlter(table);
    AddTableMaintenance(table);
  }

  // How a new table lies.
  void AddLayout(CLI::App* command) {
    command->add_option("--partition", rows_.partition,
                        "Of a new table: \"day(ts), bucket(16, host)\"");
    command->add_option("--sort", rows_.sort,
                        "Of a new table: \"service, ts desc nulls last\"");
    command->add_option("--property", rows_.properties,
                        "Of a new table: KEY=VALUE; may be repeated");
  }

  // What the rows of files take the place of.
  void AddReplaced(CLI::App* command) {
    CLI::Option* key =
        command
            ->add_option("--key", rows_.key,
                         "Columns that identify a row, separated by commas: rows of the "
                         "table with the same values there are replaced")
            ->check([](const std::string& names) {
              return names.empty() ? "it names no column" : std::string();
            });
    CLI::Option* partitions = command->add_flag(
        "--overwrite-partitions", rows_.overwrite_partitions,
        "Replace all rows of the partitions which the new rows lie in, and of no others");
    CLI::Option* where = command->add_option(
        "--overwrite-where", rows_.overwrite_where,
        "Replace the rows for which a condition is true, such as \"host = 'a'\"; it has "
        "to be true for the new rows. \"true\" replaces all");
    where->check([](const std::string& text) {
      return text.empty() ? "is empty: \"true\" replaces every row" : std::string();
    });
    partitions->excludes(key);
    where->excludes(key)->excludes(partitions);
  }

  void AddFormat(CLI::App* command) {
    AddReplaced(command);
    command->add_option("--format", rows_.format,
                        "parquet, csv, tsv, ndjson or arrow; by default as names end");
    command
        ->add_option("--on-invalid", rows_.on_invalid,
                     "A row that the table does not take: fail, which takes nothing, or "
                     "quarantine, which puts it into NAMESPACE.TABLE__quarantine")
        ->check(CLI::IsMember({"fail", "quarantine"}));
  }

  void AddTableRows(CLI::App* table) {
    CLI::App* create = table->add_subcommand("create", "Make a table");
    create->add_option("table", rows_.table, "NAMESPACE.TABLE")->required();
    create
        ->add_option("--columns", rows_.columns,
                     "\"id long required, ts timestamptz, tags map<string, string>\"")
        ->required();
    AddLayout(create);
    AddWarehouse(create, rows_.source);
    create->footer(
        "Example:\n  firn table create web.visits --columns \"ts timestamptz required, "
        "path string, ms double\" --partition \"day(ts)\" --warehouse ./warehouse");
    OnCommand(create, [this] { return TableCreate(world_, common_, rows_); });

    CLI::App* append = table->add_subcommand("append", "Take rows of files into a table");
    append->add_option("table", rows_.table, "NAMESPACE.TABLE")->required();
    append->add_option("files", rows_.files, "Locations or patterns; - is standard input")
        ->required();
    AddFormat(append);
    AddWarehouse(append, rows_.source);
    append->footer(
        "Example:\n  firn table append web.visits today.csv --warehouse ./warehouse\n"
        "  firn table append web.users changed.ndjson --key id --warehouse ./warehouse\n"
        "  firn table append web.visits today.csv --overwrite-where \"host = 'a'\" "
        "--warehouse ./warehouse");
    OnCommand(append, [this] { return TableAppend(world_, common_, rows_); });

    CLI::App* remove = table->add_subcommand(
        "delete", "Remove rows, by writing their files anew without them");
    remove->add_option("table", rows_.table, "NAMESPACE.TABLE")->required();
    CLI::Option* filter = remove->add_option(
        "--filter", rows_.filter, "Which rows, such as \"host = 'a' AND ms > 100\"");
    remove->add_flag("--all", rows_.all, "Every row")->excludes(filter);
    remove->add_flag("--dry-run", rows_.dry_run, "Say what would go");
    AddWarehouse(remove, rows_.source);
    remove->footer(
        "Example:\n  firn table delete web.visits --filter \"host = 'a'\" --dry-run "
        "--warehouse ./warehouse");
    OnCommand(remove, [this] { return TableDelete(world_, common_, rows_); });
  }

  using TableChange = int (*)(World&, const CommonFlags&, const TableChangeFlags&);
  CLI::App* AddTableChange(CLI::App* table, const std::string& name, const char* help,
                           const std::string& example, TableChange run) {
    CLI::App* command = table->add_subcommand(name, help);
    command->add_option("table", change_.table, "NAMESPACE.TABLE")->required();
    AddWarehouse(command, change_.source);
    command->footer("Example:\n  firn table " + name + " metrics.samples " + example +
                    " --warehouse ./firn-data/warehouse");
    OnCommand(command, [this, run] { return run(world_, common_, change_); });
    return command;
  }

  void AddTableChanges(CLI::App* table) {
    CLI::App* rollback =
        AddTableChange(table, "rollback", "Go back to an earlier snapshot",
                       "--to-time 2026-01-02T03:04:05Z", TableRollback);
    rollback->add_option("--to-snapshot", change_.snapshot_ids, "One of its past")
        ->expected(1);
    rollback->add_option("--to-time", change_.time,
                         "What was current just before: RFC 3339 or Unix seconds");
    AddRefCommand(table, "tag", "Name a snapshot for good, or drop such a name",
                  "before-upgrade", TableTag);
    CLI::App* branch = AddRefCommand(table, "branch",
                                     "Make, move or drop a line of snapshots beside main",
                                     "audit", TableBranch);
    branch->add_option("--min-snapshots", change_.snapshots_min,
                       "Keep so many snapshots of it at least");
    branch->add_option("--max-snapshot-age", change_.snapshot_age_max,
                       "Keep its snapshots so long, such as 7d");
    CLI::App* forward =
        AddTableChange(table, "fast-forward", "Move a branch on to where another ref is",
                       "main --to audit", TableFastForward);
    forward->add_option("branch", change_.name, "The branch that moves")->required();
    forward->add_option("--to", change_.to, "A branch or tag that descends from it")
        ->required();
    CLI::App* pick = AddTableChange(table, "cherry-pick",
                                    "Make what a snapshot off main appended part of main",
                                    "--snapshot 5179299526185056830", TableCherryPick);
    pick->add_option("--snapshot", change_.snapshot_ids, "The snapshot")
        ->expected(1)
        ->required();
    CLI::App* expire =
        AddTableChange(table, "expire", "Forget old snapshots and remove their files",
                       "--retain-last 10 --dry-run", TableExpire);
    expire->add_option("--older-than", change_.time,
                       "In place of history.expire.max-snapshot-age-ms: RFC 3339 or Unix "
                       "seconds");
    expire->add_option("--retain-last", change_.retain_last,
                       "In place of history.expire.min-snapshots-to-keep");
    expire->add_option("--snapshot", change_.snapshot_ids,
                       "Forget this one however young it is; may be repeated");
    expire->add_flag("--dry-run", change_.dry_run, "Say what would go");
    CLI::App* retire = AddTableChange(
        table, "retire", "Forget the position of a writer that is gone for good",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV", TableRetire);
    retire->add_option("writer", change_.name, "Its ULID, as in firn.position.<writer>")
        ->required();
    CLI::App* properties = AddTableChange(
        table, "properties", "Print the properties of a table, or change some",
        "--set commit.retry.num-retries=10 --remove write.parquet.page-row-limit",
        TableProperties);
    properties->add_option("--set", change_.set, "KEY=VALUE; may be repeated")
        ->allow_extra_args(false);
    properties->add_option("--remove", change_.removed, "KEY; may be repeated")
        ->allow_extra_args(false);
    CLI::App* drop =
        table->add_subcommand("drop", "Have the catalog forget a table; its files stay");
    drop->add_option("table", change_.table, "NAMESPACE.TABLE")->required();
    AddWarehouse(drop, change_.source);
    drop->footer("Example:\n  firn table drop web.visits --warehouse ./warehouse");
    OnCommand(drop, [this] { return TableDrop(world_, common_, change_); });
  }

  // What is given is what happens, one after the other: the flags keep their order.
  void AddTableAlter(CLI::App* table) {
    CLI::App* alter = table->add_subcommand(
        "alter", "Change columns, partitions and sort order, as one commit");
    alter->add_option("table", alter_.table, "NAMESPACE.TABLE")->required();
    std::map<const CLI::Option*, ColumnChangeKind> kinds;
    const auto add = [&](const char* flag, ColumnChangeKind kind, const char* help) {
      kinds[alter->add_option(flag, alter_texts_[kind], help)->allow_extra_args(false)] =
          kind;
    };
    add("--add", ColumnChangeKind::kAdd,
        "A column: \"host.zone string 'where it stands'\"; may be repeated, as those "
        "below");
    add("--drop", ColumnChangeKind::kDrop, "A column that goes: NAME");
    add("--rename", ColumnChangeKind::kRename,
        "OLD=NEW, where NEW is the last name alone");
    add("--type", ColumnChangeKind::kWiden, "A wider type: \"size long\"");
    add("--optional", ColumnChangeKind::kMakeOptional,
        "A column that may have no value from now on: NAME");
    add("--move", ColumnChangeKind::kMove,
        "\"zone first\", \"zone before name\" or \"zone after name\"");
    add("--doc", ColumnChangeKind::kDocument, "What a column is: NAME=TEXT");
    CLI::Option* partition = alter->add_option(
        "--partition", alter_layout_.partition,
        "Of new files: \"day(ts), bucket(16, host)\"; '' is not partitioned");
    CLI::Option* sort = alter->add_option(
        "--sort", alter_layout_.sort,
        "Of new files: \"service, ts desc nulls last\"; '' is unsorted");
    alter->add_flag("--dry-run", alter_.dry_run, "Check all of it, and change nothing");
    AddWarehouse(alter, alter_.source);
    alter->footer(
        "Columns are changed in the order given, and named as the change before left "
        "them.\nExample:\n  firn table alter web.visits --rename ms=duration_ms --type "
        "\"bytes long\" --add \"host.zone string\" --partition \"day(ts)\" --warehouse "
        "./warehouse");
    OnCommand(alter, [this, alter, kinds, partition, sort] {
      std::map<const CLI::Option*, std::size_t> taken;
      for (const CLI::Option* option : alter->parse_order()) {
        const auto kind = kinds.find(option);
        if (kind == kinds.end()) continue;
        const std::string& text = option->results().at(taken[option]++);
        alter_.columns.push_back({kind->second, text});
      }
      if (partition->count() > 0) alter_.partition = alter_layout_.partition;
      if (sort->count() > 0) alter_.sort = alter_layout_.sort;
      return TableAlter(world_, common_, alter_);
    });
  }

  using TableUpkeep = int (*)(World&, const CommonFlags&, const TableMaintenanceFlags&);
  CLI::App* AddTableUpkeep(CLI::App* table, const std::string& name, const char* help,
                           const std::string& example, TableUpkeep run) {
    CLI::App* command = table->add_subcommand(name, help);
    command->add_option("table", upkeep_.table, "NAMESPACE.TABLE")->required();
    AddWarehouse(command, upkeep_.source);
    command->add_flag("--dry-run", upkeep_.dry_run, "Say what would be done");
    command->footer("Example:\n  firn table " + name + " metrics.samples " + example +
                    " --warehouse ./firn-data/warehouse");
    OnCommand(command, [this, run] { return run(world_, common_, upkeep_); });
    return command;
  }

  void AddTableMaintenance(CLI::App* table) {
    CLI::App* relocate = AddTableUpkeep(
        table, "relocate", "Tell a table whose files were moved where they are now",
        "--from file:///old/warehouse --to file:///new/warehouse --dry-run",
        TableRelocate);
    relocate->add_option("--from", upkeep_.from,
                         "The directory that was moved; by default it is found out");
    relocate->add_option("--to", upkeep_.to, "Where it is; by default the warehouse");
    CLI::App* orphans = AddTableUpkeep(
        table, "orphans", "Remove files at a table's place that are not the table's",
        "--older-than 7d --dry-run", TableOrphans);
    orphans->add_option("--older-than", upkeep_.older_than,
                        "A duration or a time: what is younger stays; by default 3d");
    orphans->add_flag("--no-writers", upkeep_.no_writers,
                      "Nobody is writing, so that less than 1d is safe");
    CLI::App* manifests = AddTableUpkeep(table, "manifests",
                                         "Sort the lists of a table's files by partition",
                                         "--dry-run", TableManifests);
    manifests->add_option("--target-size", upkeep_.target_size,
                          "In place of commit.manifest.target-size-bytes, such as 8MB");
    CLI::App* compact = AddTableUpkeep(
        table, "compact", "Write small files together, in the table's sort order",
        "--target-file-size 256MB --dry-run", TableCompact);
    compact->add_option("--target-file-size", upkeep_.target_size,
                        "In place of write.target-file-size-bytes, such as 512MB");
    compact->add_option("--min-file-size", upkeep_.size_min,
                        "Files below are rewritten; by default 0.75 of the target");
    compact->add_option("--max-file-size", upkeep_.size_max,
                        "Files above are rewritten; by default 1.8 of the target");
    compact
        ->add_option("--min-input-files", upkeep_.input_files_min,
                     "Fewer files, and too few bytes, are left alone; by default 5")
        ->check(CLI::PositiveNumber);
    compact->add_option("--max-file-group-size", upkeep_.group_size_max,
                        "What is rewritten at a time; by default 100GiB");
    compact
        ->add_option("--max-commits", upkeep_.commits_max,
                     "Groups are committed in about so many commits; by default 10")
        ->check(CLI::PositiveNumber);
    compact->add_option("--memory", upkeep_.memory_max,
                        "For rows that are sorted and written; by default 512MiB");
    compact->add_flag("--rewrite-all", upkeep_.rewrite_all,
                      "Every file, whatever its size");
  }

  CLI::App* AddRefCommand(CLI::App* table, const char* name, const char* help,
                          const char* example, TableChange run) {
    CLI::App* command = AddTableChange(table, name, help, example, run);
    command->add_option("name", change_.name, "Its name")->required();
    command->add_option("--snapshot", change_.snapshot_ids, "By default the current one")
        ->expected(1);
    command->add_option("--max-age", change_.ref_age_max, "Keep it so long, such as 30d");
    CLI::Option* replace =
        command->add_flag("--replace", change_.replace, "Change it where it is there");
    command->add_flag("--drop", change_.drop, "Forget it instead")->excludes(replace);
    return command;
  }

  void AddCheck() {
    CLI::App* check = app_.add_subcommand(
        "check", "Hold Parquet files, or a table, against what they say of themselves");
    check
        ->add_option("location", check_.location,
                     "A file, a directory or a pattern, on disk or in a store; or "
                     "NAMESPACE.TABLE of a warehouse")
        ->required();
    AddWarehouse(check, check_.source);
    check->add_flag("--content", check_.content,
                    "Of a table: read its files whole, and not their footers alone");
    check->add_flag("--compression", check_.compression,
                    "Instead: what each column takes, and what form would suit it");
    check->footer(
        "Every page of a file is read; of a table every snapshot's metadata, and the "
        "footer of every file. Exit code 1 says that there are faults.\n"
        "Example:\n  firn check ./data\n"
        "  firn check metrics.samples --warehouse ./firn-data/warehouse\n"
        "  firn check s3://bucket/x.parquet --compression");
    OnCommand(check, [this] { return Check(world_, common_, check_); });
  }

  void AddImport() {
    CLI::App* command = app_.add_subcommand(
        "import", "Take rows of files into a table, which is made where it is not there");
    command
        ->add_option(
            "files", rows_.files,
            "Parquet, CSV, TSV, NDJSON or Arrow IPC, also with .gz, .zst, .bz2 or "
            ".lz4; locations or patterns; - is standard input")
        ->required();
    command->add_option("--into", rows_.table, "NAMESPACE.TABLE")->required();
    AddFormat(command);
    AddLayout(command);
    AddWarehouse(command, rows_.source);
    command->footer(
        "Example:\n  firn import 'logs/*.csv.gz' --into web.visits --partition "
        "\"day(ts)\" --sort \"host, ts\" --warehouse ./warehouse\n"
        "  firn import today.csv --into web.visits --overwrite-partitions --warehouse "
        "./warehouse\n"
        "  curl -s http://localhost/x.ndjson | firn import - --format ndjson --into a.b "
        "--warehouse ./warehouse");
    OnCommand(command, [this] { return cli::Import(world_, common_, rows_); });
  }

  void AddExport() {
    CLI::App* command =
        app_.add_subcommand("export", "Write a table, files or a query to one file");
    command->add_option("source", export_.source_name,
                        "NS.TABLE, or a file, a directory or a pattern");
    command->add_option("--to", export_.to, "Location of the file; - is standard output")
        ->required();
    command->add_option("--query", export_.query, "SQL that makes the rows");
    command->add_option("--columns", export_.columns, "Columns, separated by commas");
    command->add_option("--filter", export_.filter, "Rows to keep, such as \"value > 1\"")
        ->check(kNotEmpty);
    command->add_option("--format", export_.format,
                        "parquet, csv, ndjson, json or arrow; by default as --to ends");
    command->add_option("--compression", export_.compression,
                        "Of Parquet: zstd:3, snappy, gzip, brotli, lz4 or none; auto "
                        "tries what suits each column");
    command->add_flag("--overwrite", export_.overwrite, "Replace a file of this name");
    AddWarehouse(command, export_.source);
    command->add_option("--server", export_.source.server,
                        "Ask this server, which sees hot data too");
    command->footer(
        "Example:\n  firn export metrics.samples --warehouse ./firn-data/warehouse "
        "--to samples.parquet\n"
        "  firn export --query \"SELECT * FROM 'in/*.parquet' WHERE v > 1\" --to "
        "out.csv");
    OnCommand(command, [this] { return Export(world_, common_, export_); });
  }

  void AddConfig() {
    CLI::App* config = app_.add_subcommand("config", "Check and print settings");
    config->require_subcommand(1);
    CLI::App* check = config->add_subcommand("check", "Say what is wrong with a file");
    check->add_option("file", config_file_, "YAML or TOML")->required();
    check->footer("Example:\n  firn config check firn.yaml");
    OnCommand(check, [this] { return ConfigCheck(world_, common_, config_file_); });
    CLI::App* print = config->add_subcommand(
        "print", "Print every setting as `firn serve` would use it");
    print->add_option("file", config_file_, "YAML or TOML");
    print->footer("Example:\n  FIRN_LISTEN=127.0.0.1:9999 firn config print firn.yaml");
    OnCommand(print, [this] { return ConfigPrint(world_, config_file_); });
    CLI::App* reference =
        config->add_subcommand("reference", "Print docs/operate/configuration.md");
    OnCommand(reference, [this] {
      world_.out << ConfigReference();
      return int{kDone};
    });
  }

  World& world_;
  CLI::App app_{"Samples in, hot at once, settled as open tables."};
  Chosen chosen_;
  CommonFlags common_;
  ServeFlags serve_;
  std::map<std::string, std::string> setting_texts_;
  std::vector<std::pair<std::string, CLI::Option*>> options_;
  SqlFlags sql_;
  PromqlFlags promql_;
  TableFlags table_;
  TableChangeFlags change_;
  TableAlterFlags alter_;
  std::map<ColumnChangeKind, std::vector<std::string>> alter_texts_;
  TableLayoutText alter_layout_;
  TableMaintenanceFlags upkeep_;
  CheckFlags check_;
  ExportFlags export_;
  TableRowsFlags rows_;
  std::string config_file_;
};

}  // namespace

int Run(const std::vector<std::string>& args, World& world) {
  Grammar grammar(world);
  return grammar.Run(args);
}

int ExitCodeOf(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return kDone;
    case StatusCode::kNotFound:
      return kNotFound;
    case StatusCode::kAlreadyExists:
    case StatusCode::kConflict:
      return kConflict;
    case StatusCode::kCancelled:
      return kInterrupted;
    default:
      return kFailed;
  }
}

int PrintError(World& world, std::string_view what, const Status& status,
               std::string_view remedy) {
  world.err << "firn: " << what << ": " << status.message() << "\n";
  if (!remedy.empty()) world.err << remedy << "\n";
  return ExitCodeOf(status);
}

int PrintBadUsage(World& world, std::string_view what, const Status& status,
                  std::string_view remedy) {
  PrintError(world, what, status, remedy);
  return status.Is(StatusCode::kNotFound) ? kNotFound : kBadUsage;
}

}  // namespace firn::cli
