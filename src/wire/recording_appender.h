// SPDX-License-Identifier: Apache-2.0
// recording_appender.h: an Appender that keeps series and samples in memory, for tests
// and for measuring what decoding costs. Judges nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "firn/appender.h"

namespace firn::wire {

// Thread-compatible.
class RecordingAppender final : public Appender {
 public:
  // With `keep_samples` false committed samples are counted and dropped.
  explicit RecordingAppender(bool keep_samples = true) : keep_samples_(keep_samples) {}

  Prediction Predict() const override {
    const std::uint32_t next = series_[last_].next;
    return {series_[next].alias, SeriesRef{next}};
  }
  void Accept(const Prediction& prediction) override {
    ++accepts_;
    last_ = prediction.ref.value;
  }
  Result<SeriesRef> Resolve(std::string_view alias, const LabelParser& parse) override {
    ++resolves_;
    auto found = by_alias_.find(alias);
    if (found == by_alias_.end()) {
      if (series_.size() > series_max) return Status::ResourceExhausted("series limit");
      FIRN_ASSIGN_OR_RETURN(Labels labels, parse(alias));
      const auto ref = static_cast<std::uint32_t>(series_.size());
      series_.push_back({arena_.Copy(alias), 0});
      names_.push_back(labels.ToString());
      found = by_alias_.emplace(series_.back().alias, ref).first;
    }
    series_[last_].next = found->second;
    last_ = found->second;
    return SeriesRef{found->second};
  }
  void Append(SeriesRef series, Sample sample) override {
    pending_.emplace_back(series.value, sample);
  }
  void Reject(std::int64_t samples, const Status& reason) override {
    if (reason.Is(StatusCode::kResourceExhausted)) {
      pending_report_.over_series_limit += samples;
    } else {
      pending_report_.invalid_series += samples;
    }
    if (pending_report_.first_rejection.empty()) {
      pending_report_.first_rejection = reason.message();
    }
  }
  void Discard() override {
    ++discards_;
    pending_.clear();
    pending_report_ = {};
  }
  Result<AppendReport> Commit() override {
    ++commits_;
    if (!commit_status.ok()) {
      pending_.clear();
      pending_report_ = {};
      return commit_status;
    }
    AppendReport report = std::exchange(pending_report_, {});
    report.accepted = static_cast<std::int64_t>(pending_.size());
    accepted_ += report.accepted;
    if (keep_samples_) {
      for (const auto& [ref, sample] : pending_) {
        samples_[names_[ref]].push_back(sample);
      }
    }
    pending_.clear();
    return report;
  }

  // Committed samples by series, as Labels::ToString() names them.
  const std::map<std::string, std::vector<Sample>>& samples() const { return samples_; }
  std::int64_t accepted() const { return accepted_; }
  int accepts() const { return accepts_; }
  int resolves() const { return resolves_; }
  int commits() const { return commits_; }
  int discards() const { return discards_; }

  Status commit_status;                // What Commit() answers unless OK.
  std::size_t series_max = 1'000'000;  // Resolve refuses to define more.

 private:
  // Aliases lie in the order they came, as a store that cares for its caches keeps them.
  struct Series {
    std::string_view alias;
    std::uint32_t next = 0;  // The series that came after it last time.
  };
  const bool keep_samples_;
  std::vector<Series> series_{Series{}};  // Index 0 is no series; its alias is empty.
  std::vector<std::string> names_{std::string()};  // Labels::ToString(), by index.
  base::Arena arena_;
  std::unordered_map<std::string_view, std::uint32_t> by_alias_;
  std::uint32_t last_ = 0;
  std::vector<std::pair<std::uint32_t, Sample>> pending_;
  AppendReport pending_report_;
  std::map<std::string, std::vector<Sample>> samples_;
  std::int64_t accepted_ = 0;
  int accepts_ = 0;
  int resolves_ = 0;
  int commits_ = 0;
  int discards_ = 0;
};

}  // namespace firn::wire
