// SPDX-License-Identifier: Apache-2.0
// sample_budget.h: a bound on the samples that one query holds at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "base/budget.h"
#include "base/context.h"
#include "firn/status.h"

namespace firn::promql {

// Counts the values held for a query, present or not, since each takes its eight bytes.
// The bytes are drawn from the context's memory budget as well. Thread-compatible.
class SampleBudget {
 public:
  // `context` must outlive the budget. REQUIRES: limit > 0.
  SampleBudget(const base::Context& context, std::int64_t limit)
      : limit_(limit), bytes_(context.budget()) {}
  SampleBudget(const SampleBudget&) = delete;
  SampleBudget& operator=(const SampleBudget&) = delete;

  // ResourceExhausted that names the limit. REQUIRES: samples >= 0.
  Status Take(std::int64_t samples) {
    if (samples > limit_ - held_) {
      return Status::ResourceExhausted(
          "query processing would load too many samples into memory: the limit is " +
          std::to_string(limit_) + " (samples_max)");
    }
    if (bytes_ != nullptr) FIRN_RETURN_IF_ERROR(bytes_->Reserve(samples * kSampleBytes));
    held_ += samples;
    peak_ = std::max(peak_, held_);
    return {};
  }
  // REQUIRES: 0 <= samples, no more than are held.
  void Return(std::int64_t samples) {
    held_ -= samples;
    if (bytes_ != nullptr) bytes_->Release(samples * kSampleBytes);
  }

  std::int64_t limit() const { return limit_; }
  std::int64_t held() const { return held_; }
  std::int64_t peak() const { return peak_; }

 private:
  static constexpr std::int64_t kSampleBytes = sizeof(double);
  const std::int64_t limit_;
  base::ByteBudget* const bytes_;
  std::int64_t held_ = 0;
  std::int64_t peak_ = 0;
};

// Holds samples of a budget and gives them back when it goes. Move-only. The budget must
// outlive it.
class SampleLease {
 public:
  explicit SampleLease(SampleBudget* budget) : budget_(budget) {}
  ~SampleLease() { Clear(); }
  SampleLease(SampleLease&& other) noexcept
      : budget_(other.budget_), samples_(std::exchange(other.samples_, 0)) {}
  SampleLease& operator=(SampleLease&& other) noexcept {
    if (this == &other) return *this;
    Clear();
    budget_ = other.budget_;
    samples_ = std::exchange(other.samples_, 0);
    return *this;
  }

  Status Grow(std::int64_t samples) {
    FIRN_RETURN_IF_ERROR(budget_->Take(samples));
    samples_ += samples;
    return {};
  }
  // Take over what `other` holds.
  void Absorb(SampleLease&& other) { samples_ += std::exchange(other.samples_, 0); }
  void Clear() {
    if (samples_ > 0) budget_->Return(samples_);
    samples_ = 0;
  }
  SampleBudget* budget() const { return budget_; }

 private:
  SampleBudget* budget_;
  std::int64_t samples_ = 0;
};

}  // namespace firn::promql
