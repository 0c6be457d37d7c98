// SPDX-License-Identifier: Apache-2.0
// engine.h: the time series engine: the head, its tables, and what ties them.
//
// Start-up:
//   1. Load or create the tables; read this writer's positions.
//   2. Look at the log (wal::Log::Inspect) and AssessLog: does it fit the tables? The
//      caller acts on what it says, and opens the log for writing only then.
//   3. Replay the log: definitions all, samples above the position.
//   4. Read the out-of-order window back from the tables, so that a sample sent again
//      after a restart is known.
// From then on the head takes samples, and Settle moves them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "base/metrics.h"
#include "base/ulid.h"
#include "firn/status.h"
#include "iceberg/commit.h"
#include "io/file.h"
#include "io/store.h"
#include "table/table_source.h"
#include "tsdb/cold_series.h"
#include "tsdb/cut.h"
#include "tsdb/head.h"
#include "tsdb/series_reader.h"
#include "tsdb/settler.h"
#include "tsdb/tables.h"
#include "wal/log.h"

namespace firn::tsdb {

// How a log and the positions in the tables go together.
enum class LogFit : std::uint8_t {
  kFits,    // Replay from the positions.
  kBehind,  // The log ends before a position: its tail was lost, or an older copy of the
            // data directory was put back. What it holds above the samples position must
            // go into a new log, or new rows would read as settled.
  kSuperseded,  // The tables hold a later log of this writer: an older copy of the data
                // directory was put back, and what it holds went into the later log long
                // ago, or was lost with that.
  kGap,  // The tables end before the log's trim point: an older copy of the warehouse
         // was put back. What lies between is gone.
};

// As it stands, of a log that is begun new: it fits any tables, which hold nothing of it.
struct LogAssessment {
  LogFit fit = LogFit::kFits;
  wal::Offset settled = 0;  // Samples at or below it are in the table.
  std::string report;       // For a person; empty where all is well.
};

// The logs of this writer that the tables know of. A new log must get a later ULID, since
// that is how an older log is told from a newer one.
Result<std::vector<base::Ulid>> KnownLogs(const MetricTables& tables,
                                          const base::Ulid& writer);

Result<LogAssessment> AssessLog(const wal::LogExtent& log, const MetricTables& tables,
                                const base::Ulid& writer);

struct EngineOptions {
  base::Ulid writer;
  HeadOptions head;
  // The log is trimmed when this much of it is settled.
  std::uint64_t trim_bytes = 64 << 20;
  // Replay all that the log has although the tables are older than its trim point.
  bool accept_gap = false;
  iceberg::CommitOptions commit;
};

// Thread-safe once open.
class Engine {
 public:
  // All must outlive the engine.
  struct Environment {
    wal::Log& log;
    iceberg::CommitEnvironment commit;
    table::ScanEnvironment scan;
    const base::Clock& clock;
    base::UlidSource& ulids;
    base::MetricRegistry& metrics;
    // Where a settle has rows wait that are to be sorted anew: see settle_files.h.
    io::FileSystem& spill_files;
    std::string spill_directory;
  };

  // `assessment` is of environment.log and `tables`. REQUIRES: it says kFits, or kGap and
  // options.accept_gap.
  // Errors: Corruption where the log or a table cannot be read; the context's.
  static Result<std::unique_ptr<Engine>> Open(const base::Context& context,
                                              const Environment& environment,
                                              const MetricTables& tables,
                                              const LogAssessment& assessment,
                                              EngineOptions options);

  Head& head() { return *head_; }
  SeriesReader& reader() { return *reader_; }
  Settler& settler() { return *settler_; }
  const CutPublisher& cuts() const { return *cuts_; }
  // Bytes of the head that are not settled yet.
  std::int64_t hot_bytes() const { return head_->hot_bytes(cuts_->tables()->settled); }

  // metrics.samples or metrics.series with hot rows; null for any other name.
  Result<std::shared_ptr<scan::BatchSource>> OpenTable(
      const iceberg::TableIdentifier& name) const;

 private:
  Engine(const Environment& environment, EngineOptions options);
  Status ReplayLog(wal::Offset settled);
  Status RestoreWindow(const base::Context& context, wal::Offset settled);

  const Environment env_;
  const EngineOptions options_;
  std::unique_ptr<Head> head_;
  std::unique_ptr<CutPublisher> cuts_;
  std::unique_ptr<ColdReader> cold_;
  std::unique_ptr<SeriesReader> reader_;
  std::unique_ptr<Settler> settler_;
};

}  // namespace firn::tsdb
