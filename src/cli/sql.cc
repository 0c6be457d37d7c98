// SPDX-License-Identifier: Apache-2.0
// firn sql: one statement, a script from standard input, or a small shell.
#include <arrow/record_batch.h>

#include <functional>
#include <iterator>
#include <memory>
#include <string>

#include "cli/cancel_on_signal.h"
#include "cli/commands.h"
#include "cli/line_editor.h"
#include "cli/row_printer.h"
#include "cli/run_stats.h"
#include "cli/server_answer.h"
#include "cli/sql_source.h"
#include "cli/statement.h"

namespace firn::cli {
namespace {

constexpr std::string_view kHelp =
    "Statements end with a semicolon. Also:\n"
    "  .format F   print as table, csv, json, ndjson\n"
    "  .help       this\n"
    "  .quit       leave (Ctrl-D too)\n";

constexpr std::string_view kNoTables =
    "Without --warehouse URI or --server URL there are no tables, only files that stand "
    "in "
    "quotes: FROM 'x.parquet'.";

class Shell {
 public:
  Shell(World& world, const CommonFlags& common, SqlSource& source, std::string format)
      : world_(world), common_(common), source_(source), format_(std::move(format)) {}

  // Run one statement and print its rows, or its error. Ctrl-C gives it up.
  int RunStatement(const std::string& statement) {
    auto printer = RowPrinter::Make(format_, world_.out);
    if (!printer.ok()) return PrintBadUsage(world_, "sql", printer.status());
    const base::Context context;
    const CancelOnSignalScope scope(world_, context);
    const Status status = source_.Run(context, statement, {}, **printer);
    rows_ += (*printer)->rows();
    world_.out << std::flush;
    if (status.ok()) return kDone;
    return PrintError(world_, "sql", status,
                      LacksTables(source_, status) ? kNoTables : std::string_view());
  }

  // Statements one after the other; the first that fails ends it.
  int RunScript() {
    StatementSplitter splitter;
    splitter.Add(std::string(std::istreambuf_iterator<char>(world_.in), {}));
    while (const auto statement = splitter.Next()) {
      if (const int code = RunStatement(*statement); code != kDone) return code;
    }
    const std::string rest = splitter.Rest();
    return rest.empty() ? int{kDone} : RunStatement(rest);
  }

  int RunTerminal() {
    LineEditor editor(world_.environment);
    if (!common_.quiet) world_.out << "firn " << world_.version << ", .help for help\n";
    StatementSplitter splitter;
    while (const auto line =
               editor.ReadLine(splitter.has_partial() ? "  ...> " : "firn> ")) {
      if (!splitter.has_partial() && line->starts_with(".")) {
        if (!RunDotCommand(line->substr(0, line->find_last_not_of(" \r\n") + 1))) break;
        continue;
      }
      splitter.Add(*line);
      while (const auto statement = splitter.Next()) {
        editor.Remember(*statement);
        RunStatement(*statement);  // An error is printed; the next may be better.
      }
    }
    return kDone;
  }

  std::int64_t rows() const { return rows_; }

 private:
  // False where the shell ends.
  bool RunDotCommand(const std::string& command) {
    if (command == ".quit" || command == ".exit") return false;
    if (command.starts_with(".format ")) {
      format_ = command.substr(8);
    } else {
      if (command != ".help") world_.out << "unknown command " << command << "\n";
      world_.out << kHelp;
    }
    return true;
  }

  World& world_;
  const CommonFlags& common_;
  SqlSource& source_;
  std::string format_;
  std::int64_t rows_ = 0;
};

}  // namespace

int Sql(World& world, const CommonFlags& common, const SqlFlags& flags) {
  const RunStats stats(world.clock);
  std::string format = flags.format;
  if (format.empty()) format = common.json ? "json" : "table";
  // Said before anything is opened.
  const auto printer = RowPrinter::Make(format, world.out);
  if (!printer.ok()) return PrintBadUsage(world, "sql", printer.status());
  Result<std::unique_ptr<SqlSource>> source = SqlSource::Open(world, flags.source);
  if (!source.ok()) return PrintSourceError(world, "sql", source.status());
  Shell shell(world, common, **source, format);
  int code = kDone;
  if (!flags.query.empty()) {
    // A semicolon at the end is a habit, not a second statement.
    StatementSplitter splitter;
    splitter.Add(flags.query);
    const std::string first = splitter.Next().value_or(std::string());
    code = shell.RunStatement(!first.empty() && !splitter.has_partial() ? first
                                                                        : flags.query);
  } else if (world.in_is_terminal) {
    code = shell.RunTerminal();
  } else {
    code = shell.RunScript();
  }
  if (common.stats) stats.Print(world, shell.rows(), (*source)->stats());
  return code;
}

}  // namespace firn::cli
