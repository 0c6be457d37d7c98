// SPDX-License-Identifier: Apache-2.0
#include "firn/labels.h"

#include <gtest/gtest.h>

namespace firn {
namespace {

TEST(LabelsTest, SortsAndDropsEmptyValues) {
  const Labels labels{{"job", "node"}, {"__name__", "up"}, {"empty", ""}};
  EXPECT_EQ(labels.size(), 2u);
  EXPECT_EQ(labels.begin()->name, "__name__");
  EXPECT_EQ(labels.metric_name(), "up");
  EXPECT_EQ(labels.Get("job"), "node");
  EXPECT_EQ(labels.Get("empty"), "");
  EXPECT_FALSE(labels.Has("empty"));
  EXPECT_TRUE(labels.Has("job"));
}

TEST(LabelsTest, TheLastOfTwoWinsEvenIfItIsEmpty) {
  EXPECT_EQ((Labels{{"a", "1"}, {"b", "x"}, {"a", "2"}}),
            (Labels{{"a", "2"}, {"b", "x"}}));
  EXPECT_EQ((Labels{{"a", "1"}, {"b", "x"}, {"a", ""}}), (Labels{{"b", "x"}}));
}

TEST(LabelsTest, MakeRefusesWhatIsNoLabelSet) {
  EXPECT_EQ(Labels::Make({{"b", "1"}, {"a", "2"}}).value(),
            (Labels{{"a", "2"}, {"b", "1"}}));
  EXPECT_EQ(Labels::Make({{"a", "1"}, {"b", "2"}, {"a", "3"}}).status(),
            Status::InvalidArgument("label \"a\" appears twice"));
  EXPECT_EQ(
      Labels::Make({{"", "x\ny"}}).status(),
      Status::InvalidArgument("a label with the value \"x\\ny\" has an empty name"));
  EXPECT_EQ(Labels::Make({{"a\xff", "1"}}).status(),
            Status::InvalidArgument("label name \"a\\xff\" is not valid UTF-8"));
  EXPECT_EQ(Labels::Make({{"a", "\xc3"}}).status(),
            Status::InvalidArgument("label \"a\": value is not valid UTF-8: \"\\xc3\""));
  // A duplicate is one even where the other has no value.
  EXPECT_FALSE(Labels::Make({{"a", "1"}, {"a", ""}}).ok());
}

TEST(LabelsTest, SetInsertsReplacesAndRemoves) {
  Labels labels{{"b", "2"}};
  labels.Set("c", "3");
  labels.Set("a", "1");
  labels.Set("b", "two");
  EXPECT_EQ(labels, (Labels{{"a", "1"}, {"b", "two"}, {"c", "3"}}));
  labels.Set("b", "");
  labels.Remove("c");
  labels.Remove("missing");
  EXPECT_EQ(labels, (Labels{{"a", "1"}}));
}

TEST(LabelsTest, OrderIsThatOfThePairsInTurn) {
  EXPECT_LT((Labels{{"a", "1"}}), (Labels{{"a", "1"}, {"b", "1"}}));
  EXPECT_LT((Labels{{"a", "1"}, {"z", "9"}}), (Labels{{"a", "2"}}));
  EXPECT_LT((Labels{{"a", "9"}}), (Labels{{"b", "1"}}));
}

TEST(LabelsTest, PrintsAsPrometheusDoes) {
  EXPECT_EQ(Labels().ToString(), "{}");
  EXPECT_EQ((Labels{{"__name__", "up"}}).ToString(), "up");
  EXPECT_EQ((Labels{{"__name__", "job:up:sum"}, {"a", "x"}, {"b", "y"}}).ToString(),
            R"(job:up:sum{a="x", b="y"})");
  EXPECT_EQ((Labels{{"a", "x"}}).ToString(), R"({a="x"})");
  EXPECT_EQ((Labels{{"a", "q\"b\\n\nt\t"}}).ToString(), R"({a="q\"b\\n\nt\t"})");
  EXPECT_EQ((Labels{{"a", "gr\xc3\xbc\xc3\x9f"}}).ToString(),
            "{a=\"gr\xc3\xbc\xc3\x9f\"}");
  // Names that PromQL cannot read bare are quoted.
  EXPECT_EQ((Labels{{"__name__", "http.requests"}, {"k8s.pod", "x"}}).ToString(),
            R"({"http.requests", "k8s.pod"="x"})");
}

TEST(LabelMatcherTest, PrintsEachOperator) {
  const auto text = [](MatchOp op) {
    return LabelMatcher{op, "job", "a|\"b"}.ToString();
  };
  EXPECT_EQ(text(MatchOp::kEqual), R"(job="a|\"b")");
  EXPECT_EQ(text(MatchOp::kNotEqual), R"(job!="a|\"b")");
  EXPECT_EQ(text(MatchOp::kRegex), R"(job=~"a|\"b")");
  EXPECT_EQ(text(MatchOp::kNotRegex), R"(job!~"a|\"b")");
}

}  // namespace
}  // namespace firn
