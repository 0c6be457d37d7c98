// SPDX-License-Identifier: Apache-2.0
// settler.h: moves whole generations of the head into the tables.
//
//   1. Freeze the head at the last published log offset P.
//   2. For each frozen generation, oldest first:
//      a. write the rows that metrics.series lacks (one a series and day), commit them
//         with this writer's position, publish;
//      b. write its samples, day by day, sorted by metric, series and time, commit them
//         with the position, publish: readers now see them in the table.
//   3. Drop generations behind the out-of-order window.
//   4. When a segment's worth of log lies below P, or many series are idle: checkpoint
//      the log and trim it.
//   5. Forget idle series that the log does not define any more.
//
// A failure at any point leaves every row readable and logged; the next settle goes on
// from what the tables' positions say. A commit whose outcome is unknown keeps its files
// and its generation until the position tells.
//
// Thread-safe: one settle runs at a time, others wait.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/context.h"
#include "base/metrics.h"
#include "base/ulid.h"
#include "firn/db.h"
#include "firn/status.h"
#include "iceberg/commit.h"
#include "io/file.h"
#include "io/store.h"
#include "table/data_writer.h"
#include "tsdb/cold_series.h"
#include "tsdb/cut.h"
#include "tsdb/head.h"
#include "tsdb/settle_files.h"
#include "wal/log.h"

namespace firn::tsdb {

struct SettlerOptions {
  base::Ulid writer;
  // The log is trimmed when this much of it is settled.
  std::uint64_t trim_bytes = 64 << 20;
  iceberg::CommitOptions commit;
};

// How samples and series are stored where nothing else is said: zstd, sorted, time as
// differences. `samples`: the columns there are, of which somebody may have dropped some.
table::DataWriterOptions SamplesFileOptions(const iceberg::Schema& samples);
table::DataWriterOptions SeriesFileOptions();

class Settler {
 public:
  // All must outlive the settler.
  struct Environment {
    Head& head;
    wal::Log& log;
    CutPublisher& cuts;
    const ColdReader& cold;
    iceberg::CommitEnvironment commit;
    io::Store& store;
    // Where rows wait that are to be sorted anew: see settle_files.h.
    io::FileSystem& spill_files;
    std::string spill_directory;
    const base::Clock& clock;
    base::UlidSource& ulids;
    base::MetricRegistry& metrics;
  };
  Settler(const Environment& environment, SettlerOptions options);

  // Settle everything published so far; afterwards the cut has what other engines had
  // committed to the tables before. Returns a row for each table and commit that added
  // rows.
  Result<std::vector<SettledTable>> Settle(const base::Context& context);

  // Look whether another engine has committed; waits for a settle that runs. Where the
  // samples table was rolled back, what the head remembers of settled samples is read
  // from the table again: rows that are gone may be sent anew.
  Status Refresh(const base::Context& context);

  // Whether there are files of a commit whose outcome is not known: a later commit may
  // name them, however old they are by then. Waits for a settle that runs.
  bool HasUnresolved() const;

 private:
  // Files of a commit whose outcome was not known, kept to be committed again.
  struct Unresolved {
    wal::Offset target = 0;
    std::vector<iceberg::DataFile> files;
  };

  Status SettleGeneration(const base::Context& context, const Generation& generation,
                          std::vector<SettledTable>* settled);
  Status SettleSeries(const base::Context& context, const Generation& generation,
                      std::vector<SettledTable>* settled);
  Status SettleSamples(const base::Context& context, const Generation& generation,
                       std::vector<SettledTable>* settled);
  Result<std::vector<iceberg::DataFile>> WriteSamples(const base::Context& context,
                                                      const Generation& generation);
  Result<std::vector<iceberg::DataFile>> WriteSeries(const base::Context& context,
                                                     const Generation& generation,
                                                     EmittedDays* emitted);
  Result<std::unique_ptr<SettleFiles>> MakeFiles(const base::Context& context,
                                                 const iceberg::LoadedTable& table,
                                                 const table::DataWriterOptions& options);
  Result<iceberg::LoadedTable> Commit(const base::Context& context,
                                      const iceberg::LoadedTable& table,
                                      const std::optional<table::Position>& expected,
                                      wal::Offset target,
                                      std::vector<iceberg::DataFile> files,
                                      std::optional<Unresolved>* unresolved);
  Status Trim(wal::Offset settled, std::size_t idle_series);
  void ForgetIdle(const std::vector<SeriesRef>& idle);
  Status FollowRollback(const base::Context& context, const SettledTables& before);

  const Environment env_;
  const SettlerOptions options_;
  mutable std::mutex mutex_;
  std::optional<Unresolved> series_unresolved_;
  std::optional<Unresolved> samples_unresolved_;

  base::Counter& settled_rows_total_;
  base::Counter& failures_total_;
  base::Histogram& seconds_;
};

}  // namespace firn::tsdb
