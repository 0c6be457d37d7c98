// SPDX-License-Identifier: Apache-2.0
#include "tsdb/series_reader.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

namespace firn::tsdb {
namespace {

// Series captured between two looks at the context.
constexpr std::size_t kSeriesPerCheck = 1024;

// One series with its share of each side.
struct Item {
  Labels labels;
  std::vector<Generation::SeriesView> hot;
  scan::SampleColumns cold;
};

class MergedSet final : public scan::SeriesSet {
 public:
  MergedSet(const base::Context& context, Cut cut, ClosedRangeMs range,
            std::vector<Item> items)
      : context_(context),
        cut_(std::move(cut)),
        range_(range),
        items_(std::move(items)) {}

  bool Next() override {
    if (!status_.ok()) return false;
    if (next_ % kSeriesPerCheck == 0) status_ = context_.Check();
    if (!status_.ok() || next_ == items_.size()) return false;
    ++next_;
    return true;
  }
  const Labels& labels() const override { return items_[next_ - 1].labels; }
  Status status() const override { return status_; }

  Status Read(scan::SampleColumns& out) override {
    Item& item = items_[next_ - 1];
    if (item.hot.empty()) {
      out = std::move(item.cold);
      item.cold = {};
      return Status::OK();
    }
    out.clear();
    out.timestamps_ms.insert(out.timestamps_ms.end(), item.cold.timestamps_ms.begin(),
                             item.cold.timestamps_ms.end());
    out.values.insert(out.values.end(), item.cold.values.begin(), item.cold.values.end());
    for (const Generation::SeriesView& view : item.hot) DecodeView(view, range_, out);
    // Late samples put generations across each other, and behind what is settled.
    PutInOrder(&out);
    return Status::OK();
  }

 private:
  const base::Context& context_;
  const Cut cut_;  // Keeps the generations, and with them the views' bytes.
  const ClosedRangeMs range_;
  std::vector<Item> items_;  // In order of labels.
  std::size_t next_ = 0;     // One past the current item.
  Status status_;
};

}  // namespace

Result<std::unique_ptr<scan::SeriesSet>> SeriesReader::Select(
    const base::Context& context, const scan::SeriesRequest& request) {
  FIRN_ASSIGN_OR_RETURN(const std::vector<base::Matcher> matchers,
                        base::Matcher::MakeAll(request.matchers));
  Cut cut = cuts_.Pin();
  std::vector<Item> items;
  std::unordered_map<base::SeriesId, std::size_t> by_id;
  FIRN_ASSIGN_OR_RETURN(
      std::vector<ColdSeries> cold,
      cold_.Read(context, *cut.tables, request.tenant, matchers, request.range));
  for (ColdSeries& series : cold) {
    by_id.emplace(series.id, items.size());
    items.push_back({std::move(series.labels), {}, std::move(series.samples)});
  }
  if (head_ != nullptr) {
    const std::vector<SeriesRef> refs = head_->series().Select(request.tenant, matchers);
    for (std::size_t i = 0; i < refs.size(); ++i) {
      if (i % kSeriesPerCheck == 0) FIRN_RETURN_IF_ERROR(context.Check());
      std::vector<Generation::SeriesView> views =
          head_->Capture(cut.hot, refs[i], request.range);
      if (views.empty()) continue;
      const auto found =
          by_id.empty() ? by_id.end() : by_id.find(head_->series().id(refs[i]));
      if (found != by_id.end()) {
        items[found->second].hot = std::move(views);
      } else {
        items.push_back({head_->series().labels(refs[i]), std::move(views), {}});
      }
    }
  }
  std::sort(items.begin(), items.end(),
            [](const Item& a, const Item& b) { return a.labels < b.labels; });
  return std::make_unique<MergedSet>(context, std::move(cut), request.range,
                                     std::move(items));
}

Result<std::vector<Labels>> SeriesReader::Find(const base::Context& context,
                                               const scan::SeriesRequest& request) {
  FIRN_ASSIGN_OR_RETURN(const std::vector<base::Matcher> matchers,
                        base::Matcher::MakeAll(request.matchers));
  const Cut cut = cuts_.Pin();
  FIRN_ASSIGN_OR_RETURN(
      std::vector<ColdSeries> cold,
      cold_.FindSeries(context, *cut.tables, request.tenant, matchers, request.range));
  std::vector<Labels> found;
  found.reserve(cold.size());
  for (ColdSeries& series : cold) found.push_back(std::move(series.labels));
  if (head_ != nullptr && !cut.hot.empty()) {
    for (const SeriesRef ref : head_->series().Select(request.tenant, matchers)) {
      if (!head_->Capture(cut.hot, ref, request.range).empty()) {
        found.push_back(head_->series().labels(ref));
      }
    }
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

Result<std::vector<std::string>> SeriesReader::LabelNames(
    const base::Context& context, const scan::SeriesRequest& request) {
  FIRN_ASSIGN_OR_RETURN(const std::vector<Labels> series, Find(context, request));
  std::set<std::string> names;
  for (const Labels& labels : series) {
    for (const Label& label : labels) names.insert(label.name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<std::vector<std::string>> SeriesReader::LabelValues(
    const base::Context& context, std::string_view name,
    const scan::SeriesRequest& request) {
  FIRN_ASSIGN_OR_RETURN(const std::vector<Labels> series, Find(context, request));
  std::set<std::string> values;
  for (const Labels& labels : series) {
    if (labels.Has(name)) values.emplace(labels.Get(name));
  }
  return std::vector<std::string>(values.begin(), values.end());
}

}  // namespace firn::tsdb
