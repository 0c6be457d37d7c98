// SPDX-License-Identifier: Apache-2.0
#include "tsdb/head_appender.h"

#include <cstdint>
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

  void Accept(const Prediction& prediction) override {
    last_ = prediction.ref.value + 1;
  }

  Result<SeriesRef> Resolve(std::string_view alias, const LabelParser& parse) override {
    std::optional<SeriesTable::Found> found = head_.series().FindAlias(tenant_, alias);
    if (!found.has_value()) {
      FIRN_ASSIGN_OR_RETURN(const Labels labels, parse(alias));
      FIRN_ASSIGN_OR_RETURN(found, head_.series().Resolve(tenant_, alias, labels));
    }
    const std::uint32_t index = found->ref.value + 1;
    if (index >= known_.size()) known_.resize(index + std::size_t{1});
    known_[index].alias = found->alias;
    known_[last_].next = index;
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
    pending_.clear();
    report_ = {};
  }

  Result<AppendReport> Commit() override {
    Result<AppendReport> report =
        head_.Commit(tenant_, pending_, std::exchange(report_, {}));
    pending_.clear();
    return report;
  }

 private:
  // A series by its reference plus one; element 0 stands for the beginning.
  struct Known {
    std::string_view alias;   // Empty: not seen here. Lives in the series table.
    std::uint32_t next = 0;   // Which followed last time; 0: none has.
  };

  Head& head_;
  const std::string tenant_;
  std::vector<Known> known_;
  std::uint32_t last_ = 0;
  std::vector<RefSample> pending_;
  AppendReport report_;
};

}  // namespace

std::unique_ptr<Appender> MakeHeadAppender(Head& head, std::string tenant) {
  return std::make_unique<HeadAppender>(head, std::move(tenant));
}

}  // namespace firn::tsdb
