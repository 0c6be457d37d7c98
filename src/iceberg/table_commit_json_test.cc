// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table_commit_json.h"

#include <gtest/gtest.h>

#include "iceberg/json.h"
#include "iceberg/test_table.h"

namespace firn::iceberg {
namespace {

CommitTableRequest TestCommit() {
  Snapshot snapshot;
  snapshot.id = SnapshotId(7);
  snapshot.sequence_number = SequenceNumber(3);
  snapshot.timestamp_ms = 5;
  snapshot.manifest_list = "memory://w/l.avro";
  snapshot.operation = Operation::kOverwrite;
  return {TableIdentifier{{{"a", "b"}}, "t"},
          {AssertTableUuid{"u"}, AssertRefSnapshotId{"main", std::nullopt}},
          {AddSnapshot{snapshot},
           SetSnapshotRef{"main", {SnapshotId(7), RefType::kBranch, {}, {}, {}}}}};
}

Result<CommitTableRequest> Parse(std::string_view text) {
  FIRN_ASSIGN_OR_RETURN(const auto json, ParseJson(text));
  return CommitTableRequestFromJson(json);
}

TEST(CommitTableRequest, RoundTrips) {
  CommitTableRequest request = TestCommit();
  for (int i = 0; i < 2; ++i) {
    const auto parsed = Parse(JsonText(ToJson(request)));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, request);
    request.identifier.reset();
  }
  EXPECT_EQ(
      JsonText(ToJson(CommitTableRequest{TableIdentifier{{{"a", "b"}}, "t"}, {}, {}})),
      R"({"identifier":{"namespace":["a","b"],"name":"t"},"requirements":[],"updates":[]})");
}

TEST(CommitTableRequest, ErrorsNameThePlace) {
  const std::pair<const char*, const char*> cases[] = {
      {R"([])", "commit is not a JSON object"},
      {R"({"updates":[]})", "commit: field requirements is missing"},
      {R"({"requirements":[],"updates":{}})", "commit: field updates is not an array"},
      {R"({"requirements":[{"type":"assert-create"},{}],"updates":[]})",
       "requirements 1: requirement: field type is missing"},
      {R"({"requirements":[],"updates":[{"action":"fly"}]})",
       "updates 0: table update fly is not known"},
      {R"({"identifier":{"namespace":[1],"name":"t"},"requirements":[],"updates":[]})",
       "table identifier: field namespace is not an array of strings"},
      {R"({"identifier":{"namespace":["a.b"],"name":"t"},"requirements":[],"updates":[]})",
       "table identifier a.b.t has a dot inside of a name"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_EQ(Parse(text).status().message(), message) << text;
  }
}

TEST(CommitTransactionRequest, EveryChangeNamesItsTable) {
  CommitTableRequest other = TestCommit();
  other.identifier->name = "t2";
  const std::vector<CommitTableRequest> tables = {TestCommit(), other};
  const auto json = ParseJson(JsonText(TransactionToJson(tables)));
  const auto parsed = TransactionFromJson(*json);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, tables);
  other.identifier.reset();
  EXPECT_EQ(TransactionFromJson(*ParseJson(JsonText(TransactionToJson({other}))))
                .status()
                .message(),
            "table-changes 0: commit: field identifier is missing");
}

}  // namespace
}  // namespace firn::iceberg
