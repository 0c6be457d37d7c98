// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head_appender.h"

#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace firn::tsdb {
namespace {

class HeadAppender final : public Appender {
 public:
  HeadAppender(Head& head, std::string tenant)
      : head_(head), tenant_(std::move(tenant)), known_(1) {}

  Prediction Predict() const override {
    const Known& next = known_[known_[last_].next];
    return {next.alias, {known_[last_].next - 1}};
  }

  void Accept(const Prediction& prediction) override { last_ = prediction.ref.value + 1; }

  Result<SeriesRef> Resolve(std::string_view alias, const LabelParser& parse) override {
    if (!pin_.has_value()) {
      BeginRequest();
      const Prediction first = Predict();
      if (!first.alias.empty() && first.alias == alias) {
        Accept(first);
        return first.ref;
      }
    }
    std::optional<SeriesTable::Found> found = head_.series().FindAlias(tenant_, alias);
    if (!found.has_value()) {
      FIRN_ASSIGN_OR_RETURN(const Labels labels, parse(alias));
      FIRN_ASSIGN_OR_RETURN(found, head_.series().Resolve(tenant_, alias, labels));
    }
    const std::uint32_t index = found->ref.value + 1;
    if (index >= known_.size()) known_.resize(index + std::size_t{1});
    known_[index].alias = found->alias;
    if (last_ != 0) known_[last_].next = index;  // Nothing follows the beginning: below.
    last_ = index;
    return found->ref;
  }

  void Append(SeriesRef series, Sample sample) override {
    pending_.push_back({series, sample});
  }

  void Reject(std::int64_t samples, const Status& reason) override {
    if (reason.Is(StatusCode::kResourceExhausted)) {
      report_.over_series_limit += samples;
    } else {
      report_.invalid_series += samples;
    }
    if (report_.first_rejection.empty()) report_.first_rejection = reason.message();
  }

  void Discard() override {
    report_ = {};
    EndRequest();
  }

  Result<AppendReport> Commit() override {
    if (!pin_.has_value()) {
      // No reference is good that was not found since the last commit.
      if (!pending_.empty()) {
        Reject(std::ssize(pending_), Status::InvalidArgument("unresolved series"));
        pending_.clear();
      }
      BeginRequest();
    }
    Result<AppendReport> report =
        head_.Commit(tenant_, pending_, std::exchange(report_, {}), pin_->epoch());
    EndRequest();
    return report;
  }

 private:
  // A series by its reference plus one; element 0 stands for the beginning of a request.
  // Nothing follows that: so the first series is resolved, and the pin taken, with no
  // look at it for any other.
  struct Known {
    std::string_view alias;  // Empty: not seen here. Lives in the series table.
    std::uint32_t next = 0;  // Which followed last time; 0: none has.
  };

  // From here on what is known is true, and stays so until the end of the request.
  void BeginRequest() {
    pin_.emplace(head_.series().TakePin());
    if (pin_->epoch() != known_epoch_) {
      const std::vector<bool> changed = head_.series().ChangedSince(known_epoch_);
      for (std::size_t index = 1; index < known_.size(); ++index) {
        if (index > changed.size() || changed[index - 1]) known_[index] = {};
      }
      known_epoch_ = pin_->epoch();
    }
    last_ = resume_;
  }
  void EndRequest() {
    pending_.clear();
    if (!pin_.has_value()) return;  // No series was resolved.
    resume_ = std::exchange(last_, 0);
    pin_.reset();
  }

  Head& head_;
  const std::string tenant_;
  std::vector<Known> known_;
  std::uint64_t known_epoch_ = 0;      // In which they were last true.
  std::optional<EpochPins::Pin> pin_;  // Held from the first series to the end.
  std::uint32_t last_ = 0;             // 0 between requests.
  std::uint32_t resume_ = 0;           // The last series of the request before.
  std::vector<RefSample> pending_;
  AppendReport report_;
};

}  // namespace

std::unique_ptr<Appender> MakeHeadAppender(Head& head, std::string tenant) {
  return std::make_unique<HeadAppender>(head, std::move(tenant));
}

}  // namespace firn::tsdb
