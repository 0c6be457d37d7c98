// SPDX-License-Identifier: Apache-2.0
#include "expr/row_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arrow/array/array_nested.h"
#include "arrow/json/from_string.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "expr/filter_text.h"

namespace firn::expr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<arrow::RecordBatch> Batch() {
  const auto inner = arrow::struct_(
      {arrow::field("x.y", arrow::int64()), arrow::field("x", arrow::int64())});
  const auto wide = arrow::decimal256(50, 0);
  const auto schema =
      arrow::schema({arrow::field("s", inner), arrow::field("s.t", inner),
                     arrow::field("n", arrow::int64()), arrow::field("wide", wide)});
  const auto column = [](const std::shared_ptr<arrow::DataType>& type,
                         const std::string& json) {
    return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
  };
  return arrow::RecordBatch::Make(
      schema, 3,
      {column(inner, "[[1, 10], null, [3, 30]]"),
       column(inner, "[[4, 40], [5, 50], null]"), column(arrow::int64(), "[7, 8, null]"),
       column(wide, R"(["1", "2", "3"])")});
}

Result<std::vector<std::uint8_t>> Select(std::string_view text) {
  const auto batch = Batch();
  FIRN_ASSIGN_OR_RETURN(const PredicatePtr predicate, ParseFilter(text));
  FIRN_ASSIGN_OR_RETURN(const RowFilter filter,
                        RowFilter::Bind(predicate, *batch->schema()));
  std::vector<std::uint8_t> mask;
  FIRN_RETURN_IF_ERROR(filter.Select(*batch, mask));
  return mask;
}

TEST(RowFilterTest, NamesWithDotsLeadIntoStructs) {
  EXPECT_THAT(Select("s.\"x.y\" = 1").value(), ElementsAre(1, 0, 0));
  EXPECT_THAT(Select("s.x >= 10").value(), ElementsAre(1, 0, 1));
  EXPECT_THAT(Select("\"s.t\".\"x.y\" < 5").value(), ElementsAre(1, 0, 0));
  EXPECT_THAT(Select("\"s.t\".x IS NULL").value(), ElementsAre(0, 0, 1));
  EXPECT_THAT(std::string(Select("s.y = 1").status().message()),
              HasSubstr("there is no column s.y"));
}

TEST(RowFilterTest, NamesTheColumnsItLooksAt) {
  const auto filter =
      RowFilter::Bind(ParseFilter("\"s.t\".\"x.y\" = 1 AND n > 2 OR s.x = 1").value(),
                      *Batch()->schema());
  ASSERT_TRUE(filter.ok()) << filter.status();
  EXPECT_THAT(filter->columns(), ElementsAre("n", "s", "s.t"));
}

TEST(RowFilterTest, NullIsNeitherTrueNorFalse) {
  EXPECT_THAT(Select("n = 7").value(), ElementsAre(1, 0, 0));
  EXPECT_THAT(Select("NOT n = 7").value(), ElementsAre(0, 1, 0));
  EXPECT_THAT(Select("n = 7 OR TRUE").value(), ElementsAre(1, 1, 1));
}

TEST(RowFilterTest, DecidesWhatIsWiderThanAKey) {
  EXPECT_THAT(Select("wide > 1.5").value(), ElementsAre(0, 1, 1));
}

}  // namespace
}  // namespace firn::expr
