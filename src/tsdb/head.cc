// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head.h"

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"

namespace firn::tsdb {
namespace {

// Between two bounds without overflow: timestamps come from outside.
TimestampMs SaturatingSubtract(TimestampMs a, DurationMs b) {
  TimestampMs result;
  return __builtin_sub_overflow(a, b, &result) ? kTimestampMsMin : result;
}
TimestampMs SaturatingAdd(TimestampMs a, DurationMs b) {
  TimestampMs result;
  return __builtin_add_overflow(a, b, &result) ? kTimestampMsMax : result;
}

// Tables count microseconds in 64 bits: nothing older could be written there.
constexpr TimestampMs kOldestMs = kTimestampMsMin / 1000;

// Metrics whose metadata is remembered; those beyond are not, which loses help texts and
// no sample.
constexpr std::size_t kMetadataMax = 200'000;
// A checkpoint's records stay far below the log's bound on a record.
constexpr std::size_t kCheckpointSeriesPerRecord = 4096;
// Series forgotten in one go: commits wait meanwhile, some milliseconds.
constexpr std::size_t kForgetAtOnce = 16'384;

}  // namespace

std::size_t Head::SampleKeyHash::operator()(const SampleKey& key) const {
  return std::hash<std::uint64_t>()(
      static_cast<std::uint64_t>(key.timestamp_ms) * 0x9e3779b97f4a7c15 ^ key.ref);
}

Head::Head(const HeadOptions& options, wal::Log& log, const base::Clock& clock,
           base::MetricRegistry& metrics)
    : options_(options),
      log_(log),
      clock_(clock),
      series_(options.series_max),
      accepted_total_(metrics.GetCounter("firn_head_samples_appended_total",
                                         "Samples accepted and logged.")),
      duplicates_total_(metrics.GetCounter("firn_head_duplicates_dropped_total",
                                           "Samples dropped as equal duplicates.")),
      forgotten_total_(metrics.GetCounter(
          "firn_head_series_forgotten_total",
          "Series forgotten because no sample of theirs is in memory.")) {
  generations_.push_back(std::make_shared<Generation>(0));
}

// --- Start-up.

Status Head::Replay(const wal::Record& record, wal::Offset settled) {
  switch (record.kind) {
    case wal::RecordKind::kSeries: {
      std::vector<SeriesDefinition> definitions;
      FIRN_RETURN_IF_ERROR(DecodeSeries(record.payload, &definitions));
      for (const SeriesDefinition& definition : definitions) {
        FIRN_ASSIGN_OR_RETURN(const Labels labels,
                              UnpackLabels(definition.packed_labels));
        FIRN_RETURN_IF_ERROR(series_.Restore(definition.ref, record.tenant, labels));
        if (definition.ref.value >= defined_at_.size()) {
          defined_at_.resize(definition.ref.value + std::size_t{1}, 0);
        }
        defined_at_[definition.ref.value] = std::max<wal::Offset>(record.end, 1);
      }
      return Status::OK();
    }
    case wal::RecordKind::kSamples: {
      if (record.end <= settled) return Status::OK();
      if (generations_.back()->begin() < settled) {
        FIRN_ASSERT(generations_.back()->empty());
        generations_.back() = std::make_shared<Generation>(settled);
      }
      std::vector<RefSample> samples;
      FIRN_RETURN_IF_ERROR(DecodeSamples(record.payload, &samples));
      for (const RefSample& s : samples) {
        if (!series_.defined(s.series)) {
          return Status::Corruption("a sample names series reference " +
                                    std::to_string(s.series.value) +
                                    ", which no record before it defines");
        }
      }
      generations_.back()->AppendAll(samples);
      published_ = record.end;
      return Status::OK();
    }
    case wal::RecordKind::kMetadata: {
      std::vector<MetricDescription> metrics;
      FIRN_RETURN_IF_ERROR(DecodeMetadata(record.payload, &metrics));
      for (MetricDescription& m : metrics) {
        std::pair<std::string, std::string> key(record.tenant, m.metric);
        metadata_[std::move(key)] = std::move(m);
      }
      return Status::OK();
    }
    default:
      return Status::OK();  // The log's own, or another engine's.
  }
}

TimestampMs Head::WindowStart(TimestampMs settled_max_ms) {
  std::lock_guard commit(commit_mutex_);
  TimestampMs newest = settled_max_ms;
  for (const auto& generation : generations_) {
    if (!generation->empty()) newest = std::max(newest, generation->max_ms());
  }
  newest_ms_ = newest;
  return OldestTaken();
}

void Head::FinishReplay(std::shared_ptr<const Generation> window, wal::Offset settled) {
  std::lock_guard commit(commit_mutex_);
  std::unique_lock publish(publish_mutex_);
  FIRN_ASSERT(generations_.size() == 1);
  if (generations_.back()->empty()) {
    generations_.back() = std::make_shared<Generation>(settled);
  }
  published_ = std::max(published_, settled);
  if (window != nullptr) {
    FIRN_ASSERT(window->frozen() && window->end() == settled);
    generations_.insert(generations_.begin(),
                        std::const_pointer_cast<Generation>(window));
  }
  series_.FreeGaps();
  JudgeAnew();
}

// Work out the newest sample of each series from what is held and on its way. With the
// commit and publish locks held.
void Head::JudgeAnew() {
  judged_.assign(series_.ref_end(), Judged{});
  const auto see = [this](std::uint32_t ref, const Sample& sample) {
    Judged& judged = judged_[ref];
    if (sample.timestamp_ms > judged.timestamp_ms) {
      judged = {sample.timestamp_ms, sample.value};
    }
    newest_ms_ = std::max(newest_ms_, sample.timestamp_ms);
  };
  for (const auto& held : generations_) {
    for (const SeriesRef series : held->Series()) {
      see(series.value, *held->Newest(series));
    }
  }
  std::lock_guard pending(pending_mutex_);
  for (const Batch* batch : pending_) {
    for (const RefSample& s : *batch->samples) see(s.series.value, s.sample);
  }
}

// --- Writing.

TimestampMs Head::OldestTaken() const {
  return std::max(floor_ms_,
                  newest_ms_ == kTimestampMsMin
                      ? kTimestampMsMin
                      : SaturatingSubtract(newest_ms_, options_.out_of_order_window_ms));
}

// The time that the bound on the future is counted from: the clock, but never before the
// newest sample there was at start, moved on as time has passed since. So a clock set
// back refuses nothing, and no sender can push the bound ahead by what it sends.
TimestampMs Head::ReferenceMs() {
  const TimestampMs now_ms = clock_.NowMs();
  const std::int64_t steady_ns = clock_.SteadyNs();
  if (!reference_.has_value()) reference_ = {std::max(now_ms, newest_ms_), steady_ns};
  const TimestampMs moved_on =
      SaturatingAdd(reference_->first, (steady_ns - reference_->second) / 1'000'000);
  if (now_ms > moved_on) reference_ = {now_ms, steady_ns};
  return std::max(now_ms, moved_on);
}

Result<AppendReport> Head::Commit(std::string_view tenant,
                                  std::vector<RefSample>& samples, AppendReport report,
                                  std::uint64_t epoch) {
  Batch batch{.samples = &samples, .outcome = {}};
  wal::Offset wait_for = 0;
  {
    std::lock_guard commit(commit_mutex_);
    FIRN_RETURN_IF_ERROR(stopped_);
    FIRN_RETURN_IF_ERROR(MendLog());
    if (const std::int64_t used = bytes(); used > options_.bytes_max) {
      return Status::ResourceExhausted(
          "the head holds " + std::to_string(used) + " bytes, its bound is " +
          std::to_string(options_.bytes_max) + ": samples must settle first");
    }
    if (epoch != series_.epoch()) [[unlikely]]
      Rebind(samples, report);
    Judgement judgement;
    judgement.samples = &samples;
    judgement.report = std::move(report);
    judgement.newest_before = newest_ms_;
    Status status = JudgeAll(judgement);
    samples.resize(judgement.accepted);
    if (status.ok() && !samples.empty()) {
      status = LogDefinitions(tenant, samples);
      if (status.ok()) {
        EncodeSamples(samples, &payload_);
        Result<wal::Offset> end =
            log_.Append(wal::RecordKind::kSamples, tenant, payload_);
        status = end.status();
        if (end.ok()) batch.end = *end;
      }
    }
    if (!status.ok()) {
      Undo(judgement);
      return status;
    }
    report = std::move(judgement.report);
    // A commit of nothing but duplicates stands on what it duplicates being synced.
    wait_for = samples.empty() ? log_.appended_offset() : batch.end;
    if (!samples.empty()) {
      std::lock_guard pending(pending_mutex_);
      pending_.push_back(&batch);
    }
  }

  const Status synced = log_.WaitSynced(wait_for);
  if (!synced.ok()) {
    std::lock_guard commit(commit_mutex_);
    bool done;
    {
      std::lock_guard pending(pending_mutex_);
      done = batch.done;
    }
    // The first to see the failure takes back everybody's; nobody can commit meanwhile.
    if (!done) FailPending(synced);
    if (samples.empty() || !batch.outcome.ok()) return synced;
  }
  if (!samples.empty()) {
    ApplySynced();
    std::lock_guard pending(pending_mutex_);
    FIRN_ASSERT(batch.done);
    FIRN_RETURN_IF_ERROR(batch.outcome);
  }
  report.accepted = static_cast<std::int64_t>(samples.size());
  accepted_total_.Add(samples.size());
  duplicates_total_.Add(static_cast<std::uint64_t>(report.duplicates_dropped));
  return report;
}

// Series that were forgotten since the sender found them go by another reference now.
void Head::Rebind(std::vector<RefSample>& samples, AppendReport& report) {
  std::size_t kept = 0;
  for (const RefSample& s : samples) {
    const Result<SeriesRef> ref = series_.Rebind(s.series);
    if (ref.ok()) {
      samples[kept++] = {*ref, s.sample};
      continue;
    }
    ++report.over_series_limit;
    if (report.first_rejection.empty()) report.first_rejection = ref.status().message();
  }
  samples.resize(kept);
}

// After a failed sync: settle the fate of every commit on its way, then ask the log to
// take appends again. While the disk still fails this is one failed attempt a commit.
Status Head::MendLog() {
  const Status failure = log_.failure();
  if (failure.ok()) return Status::OK();
  FailPending(failure);
  return log_.Recover().With("write-ahead log");
}

Status Head::JudgeAll(Judgement& judgement) {
  const TimestampMs now_ms = ReferenceMs();
  for (const RefSample& s : *judgement.samples) {
    const std::uint32_t ref = s.series.value;
    const TimestampMs t = s.sample.timestamp_ms;
    if (ref >= judged_.size()) judged_.resize(series_.ref_end());
    Judged& judged = judged_[ref];
    if (t <= judged.timestamp_ms && t >= kOldestMs) {
      FIRN_RETURN_IF_ERROR(JudgeLate(judgement, s));
      continue;
    }
    if (t < std::max(OldestTaken(), kOldestMs)) {
      Refuse(judgement.report, &AppendReport::too_old, s,
             "is older than the out-of-order window, which begins at " +
                 std::to_string(OldestTaken()) + " ms");
      continue;
    }
    if (t > newest_ms_) {
      const TimestampMs ahead = SaturatingAdd(now_ms, options_.future_bound_ms);
      if (t > ahead) {
        Refuse(judgement.report, &AppendReport::too_far_ahead, s,
               "is too far ahead of the clock; the bound is " + std::to_string(ahead) +
                   " ms");
        continue;
      }
      newest_ms_ = t;
    }
    judgement.undo.emplace_back(ref, judged);
    judged = {t, s.sample.value};
    if (judgement.accepted_index.has_value()) {
      judgement.accepted_index->emplace(SampleKey{ref, t}, s.sample.value);
    }
    (*judgement.samples)[judgement.accepted++] = s;
  }
  return Status::OK();
}

// A sample at or before the newest of its series: it may be there already. An error is
// one of the log, for the whole commit.
Status Head::JudgeLate(Judgement& judgement, const RefSample& sample) {
  const RefSample s = sample;  // `sample` may be overwritten as accepted ones move up.
  const SampleKey key{s.series.value, s.sample.timestamp_ms};
  const Judged& judged = judged_[key.ref];
  std::optional<double> present;
  if (key.timestamp_ms == judged.timestamp_ms) {
    present = judged.value;
  } else if (key.timestamp_ms < OldestTaken()) {
    Refuse(judgement.report, &AppendReport::too_old, s,
           "is older than the out-of-order window, which begins at " +
               std::to_string(OldestTaken()) + " ms");
    return Status::OK();
  } else {
    if (!judgement.accepted_index.has_value()) {
      judgement.accepted_index.emplace();
      for (std::size_t i = 0; i < judgement.accepted; ++i) {
        const RefSample& accepted = (*judgement.samples)[i];
        judgement.accepted_index->emplace(
            SampleKey{accepted.series.value, accepted.sample.timestamp_ms},
            accepted.sample.value);
      }
    }
    const auto found = judgement.accepted_index->find(key);
    if (found != judgement.accepted_index->end()) {
      present = found->second;
    } else {
      // Commits that were judged and are not published yet may hold it: let them land.
      if (!judgement.drained) {
        FIRN_RETURN_IF_ERROR(log_.WaitSynced(log_.appended_offset()));
        ApplySynced();
        judgement.drained = true;
      }
      present = FindPublished(s.series, key.timestamp_ms);
    }
  }
  if (!present.has_value()) {
    judgement.accepted_index->emplace(key, s.sample.value);
    (*judgement.samples)[judgement.accepted++] = s;
  } else if (SameValue(*present, s.sample.value)) {
    ++judgement.report.duplicates_dropped;
  } else {
    Refuse(
        judgement.report, &AppendReport::duplicates_rejected, s,
        "has another value, " + std::to_string(*present) + ", at this timestamp already");
  }
  return Status::OK();
}

std::optional<double> Head::FindPublished(SeriesRef series,
                                          TimestampMs timestamp_ms) const {
  std::shared_lock publish(publish_mutex_);
  for (auto held = generations_.rbegin(); held != generations_.rend(); ++held) {
    if (const auto value = (*held)->Find(series, timestamp_ms)) return value;
  }
  return std::nullopt;
}

void Head::Refuse(AppendReport& report, std::int64_t AppendReport::* counter,
                  const RefSample& sample, std::string_view why) const {
  ++(report.*counter);
  if (!report.first_rejection.empty()) return;
  report.first_rejection = "sample of " + series_.labels(sample.series).ToString() +
                           " at " + std::to_string(sample.sample.timestamp_ms) +
                           " ms, value " + std::to_string(sample.sample.value) + ", " +
                           std::string(why);
}

void Head::Undo(const Judgement& judgement) {
  for (auto it = judgement.undo.rbegin(); it != judgement.undo.rend(); ++it) {
    judged_[it->first] = it->second;
  }
  newest_ms_ = judgement.newest_before;
}

Status Head::LogDefinitions(std::string_view tenant, std::span<const RefSample> samples) {
  definitions_.clear();
  if (defined_at_.size() < judged_.size()) defined_at_.resize(judged_.size(), 0);
  constexpr wal::Offset kBeingDefined = UINT64_MAX;
  for (const RefSample& s : samples) {
    wal::Offset& at = defined_at_[s.series.value];
    if (at != 0) [[likely]]
      continue;
    at = kBeingDefined;
    definitions_.push_back({s.series, series_.packed_labels(s.series)});
  }
  if (definitions_.empty()) return Status::OK();
  EncodeSeries(definitions_, &payload_);
  const Result<wal::Offset> end = log_.Append(wal::RecordKind::kSeries, tenant, payload_);
  for (const SeriesDefinition& definition : definitions_) {
    defined_at_[definition.ref.value] = end.ok() ? *end : 0;
  }
  return end.status();
}

// Give up every commit that the log has not synced, and take back what was judged for
// them. With commit_mutex_ held.
void Head::FailPending(const Status& reason) {
  ApplySynced();
  const wal::Offset synced = log_.synced_offset();
  std::vector<std::uint32_t> touched;
  {
    std::lock_guard pending(pending_mutex_);
    for (Batch* batch : pending_) {
      FIRN_ASSERT(batch->end > synced);
      for (const RefSample& s : *batch->samples) touched.push_back(s.series.value);
      batch->outcome = reason;
      batch->done = true;
    }
    pending_.clear();
  }
  std::shared_lock publish(publish_mutex_);
  for (const std::uint32_t ref : touched) {
    judged_[ref] = {};
    for (const auto& held : generations_) {
      const std::optional<Sample> newest = held->Newest({ref});
      if (newest.has_value() && newest->timestamp_ms > judged_[ref].timestamp_ms) {
        judged_[ref] = {newest->timestamp_ms, newest->value};
      }
    }
  }
  newest_ms_ = kTimestampMsMin;
  for (const auto& held : generations_) {
    if (!held->empty()) newest_ms_ = std::max(newest_ms_, held->max_ms());
  }
  for (wal::Offset& at : defined_at_) {
    if (at > synced) at = 0;
  }
}

void Head::ApplySynced() {
  std::lock_guard apply(apply_mutex_);
  const wal::Offset synced = log_.synced_offset();
  std::vector<Batch*> batches;
  {
    std::lock_guard pending(pending_mutex_);
    while (!pending_.empty() && pending_.front()->end <= synced) {
      batches.push_back(pending_.front());
      pending_.pop_front();
    }
  }
  if (batches.empty()) return;
  for (Batch* batch : batches) {
    std::unique_lock publish(publish_mutex_);
    generations_.back()->AppendAll(*batch->samples);
    published_ = batch->end;
  }
  std::lock_guard pending(pending_mutex_);
  for (Batch* batch : batches) batch->done = true;
}

Status Head::Describe(std::string_view tenant,
                      std::span<const MetricDescription> metrics) {
  std::lock_guard describe(describe_mutex_);
  std::vector<MetricDescription> news;
  {
    std::lock_guard lock(metadata_mutex_);
    for (const MetricDescription& m : metrics) {
      const auto found = metadata_.find(std::pair(std::string(tenant), m.metric));
      if (found != metadata_.end() ? found->second == m
                                   : metadata_.size() >= kMetadataMax) {
        continue;
      }
      news.push_back(m);
    }
  }
  if (news.empty()) return Status::OK();
  std::string payload;
  EncodeMetadata(news, &payload);
  FIRN_ASSIGN_OR_RETURN(const wal::Offset end,
                        log_.Append(wal::RecordKind::kMetadata, tenant, payload));
  FIRN_RETURN_IF_ERROR(log_.WaitSynced(end));
  std::lock_guard lock(metadata_mutex_);
  for (MetricDescription& m : news) {
    std::pair<std::string, std::string> key(tenant, m.metric);
    metadata_[std::move(key)] = std::move(m);
  }
  return Status::OK();
}

void Head::Stop(const Status& why) {
  std::lock_guard commit(commit_mutex_);
  stopped_ = why.With("writing is stopped");
}

TimestampMs Head::oldest_taken_ms() {
  std::lock_guard commit(commit_mutex_);
  return OldestTaken();
}

// --- Reading.

Generations Head::Unsettled(wal::Offset settled) const {
  Generations unsettled;
  std::shared_lock publish(publish_mutex_);
  for (const auto& held : generations_) {
    if (!held->IsSettledBy(settled)) unsettled.push_back(held);
  }
  return unsettled;
}

Generations Head::FrozenAndUnsettled(wal::Offset settled) const {
  Generations frozen;
  std::shared_lock publish(publish_mutex_);
  for (const auto& held : generations_) {
    if (held->frozen() && !held->IsSettledBy(settled)) frozen.push_back(held);
  }
  return frozen;
}

std::vector<Generation::SeriesView> Head::Capture(const Generations& generations,
                                                  SeriesRef series,
                                                  const ClosedRangeMs& range) const {
  std::vector<Generation::SeriesView> views;
  std::shared_lock publish(publish_mutex_);
  for (const auto& generation : generations) {
    Generation::SeriesView view = generation->Capture(series, range);
    if (!view.empty()) views.push_back(std::move(view));
  }
  return views;
}

std::vector<SeriesRef> Head::SeriesOf(const Generation& generation) const {
  std::shared_lock publish(publish_mutex_);
  return generation.Series();
}

std::vector<MetricDescription> Head::Metadata(std::string_view tenant,
                                              std::string_view metric) const {
  std::vector<MetricDescription> found;
  std::lock_guard lock(metadata_mutex_);
  for (const auto& [key, description] : metadata_) {
    if (key.first == tenant && (metric.empty() || key.second == metric)) {
      found.push_back(description);
    }
  }
  return found;
}

std::optional<MetricDescription> Head::MetadataOf(std::string_view tenant,
                                                  std::string_view metric) const {
  std::lock_guard lock(metadata_mutex_);
  const auto found = metadata_.find(std::pair(std::string(tenant), std::string(metric)));
  if (found == metadata_.end()) return std::nullopt;
  return found->second;
}

std::int64_t Head::bytes() const {
  std::int64_t bytes = series_.bytes();
  std::shared_lock publish(publish_mutex_);
  for (const auto& held : generations_) bytes += held->bytes();
  return bytes;
}

std::int64_t Head::hot_bytes(wal::Offset settled) const {
  std::int64_t bytes = 0;
  std::shared_lock publish(publish_mutex_);
  for (const auto& held : generations_) {
    if (!held->IsSettledBy(settled)) bytes += held->bytes();
  }
  return bytes;
}

// --- Settling.

void Head::Freeze() {
  std::lock_guard apply(apply_mutex_);  // No batch is half applied.
  std::unique_lock publish(publish_mutex_);
  if (generations_.back()->empty()) return;
  generations_.back()->Freeze(published_);
  generations_.push_back(std::make_shared<Generation>(published_));
}

void Head::ReplaceWindow(std::shared_ptr<const Generation> window, wal::Offset settled) {
  FIRN_ASSERT(window == nullptr || window->IsSettledBy(settled));
  std::vector<std::shared_ptr<Generation>> dropped;  // Freed after the locks are.
  std::lock_guard commit(commit_mutex_);
  std::lock_guard apply(apply_mutex_);  // A batch is pending or published, not between.
  std::unique_lock publish(publish_mutex_);
  while (generations_.size() > 1 && generations_.front()->IsSettledBy(settled)) {
    dropped.push_back(std::move(generations_.front()));
    generations_.erase(generations_.begin());
  }
  if (window != nullptr) {
    generations_.insert(generations_.begin(),
                        std::const_pointer_cast<Generation>(window));
  }
  JudgeAnew();
}

void Head::DropBehindWindow(wal::Offset settled) {
  std::vector<std::shared_ptr<Generation>> dropped;  // Freed after the locks are.
  std::lock_guard commit(commit_mutex_);
  std::unique_lock publish(publish_mutex_);
  std::int64_t held_bytes = 0;
  for (const auto& held : generations_) held_bytes += held->bytes();
  // Near the bound series count too: those of what is dropped can be forgotten, and at
  // the bound nothing is taken that would move the window on.
  const std::int64_t samples_max =
      std::min(options_.bytes_max / 2, options_.bytes_max / 8 * 7 - series_.bytes());
  while (generations_.size() > 1) {
    const Generation& oldest = *generations_.front();
    if (!oldest.IsSettledBy(settled)) break;
    const bool behind = oldest.empty() || oldest.max_ms() < OldestTaken();
    if (!behind) {
      if (held_bytes <= samples_max) break;
      floor_ms_ = std::max(floor_ms_, SaturatingAdd(oldest.max_ms(), 1));
      base::LogWarn("out-of-order window shortened to stay within the head's memory",
                    {{"begins_ms", std::to_string(floor_ms_)}});
    }
    held_bytes -= oldest.bytes();
    dropped.push_back(std::move(generations_.front()));
    generations_.erase(generations_.begin());
  }
}

std::vector<CheckpointRecord> Head::MakeCheckpoint(wal::Offset trim) {
  FIRN_ASSERT(trim > log_.trim_offset());
  std::lock_guard describe(describe_mutex_);
  const std::vector<bool> live = GiveUpIdleDefinitions(trim);
  std::vector<CheckpointRecord> records;
  std::map<std::string_view, std::vector<SeriesDefinition>> by_tenant;
  const auto flush = [&](std::string_view tenant,
                         std::vector<SeriesDefinition>& definitions) {
    std::string payload;
    EncodeSeries(definitions, &payload);
    definitions.clear();
    records.push_back(
        {wal::RecordKind::kSeries, std::string(tenant), std::move(payload)});
  };
  for (std::size_t ref = 0; ref < live.size(); ++ref) {
    if (!live[ref]) continue;
    const SeriesRef series{static_cast<std::uint32_t>(ref)};
    const std::string_view tenant = series_.tenant(series);
    std::vector<SeriesDefinition>& definitions = by_tenant[tenant];
    definitions.push_back({series, series_.packed_labels(series)});
    if (definitions.size() >= kCheckpointSeriesPerRecord) flush(tenant, definitions);
  }
  for (auto& [tenant, definitions] : by_tenant) {
    if (!definitions.empty()) flush(tenant, definitions);
  }
  std::lock_guard lock(metadata_mutex_);
  for (const auto& [key, description] : metadata_) {
    // One record a metric: help texts have no bound that would let many share one.
    std::string payload;
    EncodeMetadata(std::span(&description, 1), &payload);
    records.push_back({wal::RecordKind::kMetadata, key.first, std::move(payload)});
  }
  return records;
}

// Which series the log must define once it is trimmed at `trim`: those with samples in
// memory or on their way there, and those whose definition lies above. The definitions of
// all others are given up.
std::vector<bool> Head::GiveUpIdleDefinitions(wal::Offset trim) {
  std::lock_guard commit(commit_mutex_);
  std::vector<bool> live(defined_at_.size(), false);
  // A commit on its way is not in a generation yet: with the apply lock held each one is
  // either pending or published.
  std::lock_guard apply(apply_mutex_);
  MarkPending(&live);
  std::shared_lock publish(publish_mutex_);
  for (const auto& held : generations_) {
    for (const SeriesRef series : held->Series()) {
      if (series.value < live.size()) live[series.value] = true;
    }
  }
  for (std::size_t ref = 0; ref < live.size(); ++ref) {
    if (defined_at_[ref] == 0) live[ref] = false;
    if (defined_at_[ref] > trim) live[ref] = true;
    if (!live[ref]) defined_at_[ref] = 0;
  }
  checkpointed_ = trim;
  return live;
}

void Head::MarkPending(std::vector<bool>* marked) const {
  std::lock_guard pending(pending_mutex_);
  for (const Batch* batch : pending_) {
    for (const RefSample& s : *batch->samples) {
      if (s.series.value < marked->size()) (*marked)[s.series.value] = true;
    }
  }
}

std::vector<SeriesRef> Head::FindIdle() const {
  std::vector<bool> idle = series_.Live();
  const auto strike = [&idle](const Generation& generation) {
    for (const SeriesRef series : generation.Series()) {
      if (series.value < idle.size()) idle[series.value] = false;
    }
  };
  std::vector<std::shared_ptr<const Generation>> frozen;
  {
    std::shared_lock publish(publish_mutex_);
    for (const auto& held : generations_) {
      if (held->frozen()) {
        frozen.push_back(held);
      } else {
        strike(*held);
      }
    }
  }
  for (const auto& held : frozen) strike(*held);
  std::vector<SeriesRef> found;
  for (std::size_t ref = 0; ref < idle.size(); ++ref) {
    if (idle[ref]) found.push_back({static_cast<std::uint32_t>(ref)});
  }
  return found;
}

Head::ForgottenSeries Head::ForgetIdle(std::span<const SeriesRef> candidates) {
  ForgottenSeries forgotten;
  while (!candidates.empty()) {
    const std::size_t count = std::min(candidates.size(), kForgetAtOnce);
    ForgetSome(candidates.first(count), &forgotten);
    candidates = candidates.subspan(count);
  }
  forgotten_total_.Add(forgotten.size());
  return forgotten;
}

void Head::ForgetSome(std::span<const SeriesRef> candidates, ForgottenSeries* forgotten) {
  std::lock_guard commit(commit_mutex_);
  // A definition that was given up for a checkpoint is in the log until it is trimmed.
  if (log_.trim_offset() < checkpointed_) return;
  std::lock_guard apply(apply_mutex_);
  std::vector<bool> busy(series_.ref_end(), false);
  MarkPending(&busy);
  std::vector<SeriesRef> refs;
  {
    std::shared_lock publish(publish_mutex_);
    for (const SeriesRef ref : candidates) {
      if (busy[ref.value]) continue;
      if (ref.value < defined_at_.size() && defined_at_[ref.value] != 0) continue;
      const auto has = [ref](const auto& held) { return held->Has(ref); };
      if (std::any_of(generations_.begin(), generations_.end(), has)) continue;
      refs.push_back(ref);
      forgotten->emplace_back(ref, series_.id(ref));
      if (ref.value < judged_.size()) judged_[ref.value] = {};
    }
  }
  if (!refs.empty()) series_.Forget(refs);
}

}  // namespace firn::tsdb
