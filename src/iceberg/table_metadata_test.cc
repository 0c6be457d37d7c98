// SPDX-License-Identifier: Apache-2.0
#include "iceberg/table_metadata.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "iceberg/apply_updates.h"
#include "iceberg/gzip.h"
#include "iceberg/json.h"
#include "iceberg/metadata_file.h"
#include "iceberg/table_metadata_json.h"
#include "iceberg/test_table.h"
#include "iceberg/update_json.h"

namespace firn::iceberg {
namespace {

TableMetadata NewMetadata() {
  NewTable table;
  table.uuid = "9c12d441-03fe-4693-9a96-a0705ddf69c1";
  table.location = "memory://w/t";
  table.schema = TestSchema();
  table.spec = TestSpec();
  table.sort_order = TestOrder();
  table.properties = {{"owner", "me"}};
  table.now_ms = 1000;
  auto made = MakeTableMetadata(std::move(table));
  EXPECT_TRUE(made.ok()) << made.status();
  return *made;
}

Snapshot MakeSnapshot(std::int64_t id, std::int64_t sequence, TimestampMs at_ms) {
  Snapshot snapshot;
  snapshot.id = SnapshotId(id);
  snapshot.sequence_number = SequenceNumber(sequence);
  snapshot.timestamp_ms = at_ms;
  snapshot.manifest_list = "memory://w/t/metadata/" + std::to_string(id) + ".avro";
  snapshot.summary = {{"added-records", "5"}};
  snapshot.schema_id = SchemaId(0);
  return snapshot;
}

TableMetadata WithSnapshot(const TableMetadata& base, std::int64_t id, TimestampMs at_ms,
                           TimestampMs now_ms) {
  const Snapshot snapshot = MakeSnapshot(id, base.last_sequence_number.value + 1, at_ms);
  auto next =
      ApplyUpdates(base, "memory://w/t/metadata/" + std::to_string(id) + ".json",
                   {AddSnapshot{snapshot},
                    SetSnapshotRef{"main", {snapshot.id, RefType::kBranch, {}, {}, {}}}},
                   now_ms);
  EXPECT_TRUE(next.ok()) << next.status();
  return *next;
}

// Golden text: what is written is what other programs read. Change it only with them.
TEST(TableMetadataJson, HasTheSpecifiedText) {
  TableMetadata metadata = WithSnapshot(NewMetadata(), 77, 2000, 1500);
  EXPECT_EQ(
      TableMetadataToJson(metadata),
      R"({"format-version":2,"table-uuid":"9c12d441-03fe-4693-9a96-a0705ddf69c1",)"
      R"("location":"memory://w/t","last-sequence-number":1,"last-updated-ms":2000,)"
      R"("last-column-id":3,"current-schema-id":0,"schemas":[{"type":"struct",)"
      R"("schema-id":0,"fields":[{"id":1,"name":"id","required":true,"type":"long"},)"
      R"({"id":2,"name":"ts","required":true,"type":"timestamptz"},)"
      R"({"id":3,"name":"host","required":false,"type":"string"}]}],)"
      R"("default-spec-id":0,"partition-specs":[{"spec-id":0,"fields":[{"source-id":2,)"
      R"("field-id":1000,"name":"ts_day","transform":"day"}]}],"last-partition-id":1000,)"
      R"("default-sort-order-id":1,"sort-orders":[{"order-id":0,"fields":[]},)"
      R"({"order-id":1,"fields":[)"
      R"({"transform":"identity","source-id":1,"direction":"asc",)"
      R"("null-order":"nulls-first"}]}],"properties":{"owner":"me"},)"
      R"("current-snapshot-id":77,"refs":{"main":{"snapshot-id":77,"type":"branch"}},)"
      R"("snapshots":[{"snapshot-id":77,"sequence-number":1,"timestamp-ms":2000,)"
      R"("manifest-list":"memory://w/t/metadata/77.avro",)"
      R"("summary":{"operation":"append",)"
      R"("added-records":"5"},"schema-id":0}],"statistics":[],"partition-statistics":[],)"
      R"("snapshot-log":[{"snapshot-id":77,"timestamp-ms":2000}],"metadata-log":[)"
      R"({"metadata-file":"memory://w/t/metadata/77.json","timestamp-ms":1000}]})");
}

TEST(TableMetadataJson, RoundTrips) {
  TableMetadata metadata = WithSnapshot(NewMetadata(), 77, 2000, 1500);
  metadata.refs["t"] = {SnapshotId(77), RefType::kTag, {}, {}, 1000};
  metadata.refs["main"].min_snapshots_to_keep = 3;
  metadata.statistics = {
      {SnapshotId(77),
       "memory://w/s.puffin",
       10,
       5,
       "a2V5",
       {{"ndv", SnapshotId(77), SequenceNumber(1), {FieldId(1)}, {{"ndv", "3"}}}}}};
  metadata.partition_statistics = {{SnapshotId(77), "memory://w/p.parquet", 9}};
  const auto parsed = TableMetadataFromJson(TableMetadataToJson(metadata));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, metadata);
}

TEST(TableMetadataJson, FixturesParseOrFailAsTheirNamesSay) {
  const char* source = std::getenv("FIRN_SOURCE_DIR");
  const std::filesystem::path directory =
      std::filesystem::path(source != nullptr ? source : ".") / "test/corpus/iceberg";
  const std::pair<const char*, StatusCode> cases[] = {
      {"TableMetadataStatisticsFiles.json", StatusCode::kOk},
      {"TableMetadataV2Valid.json", StatusCode::kOk},
      {"TableMetadataV2ValidMinimal.json", StatusCode::kOk},
      {"TableMetadataV1Valid.json", StatusCode::kOk},
      {"TableMetadataV3ValidMinimal.json", StatusCode::kOk},
      {"TableMetadataUnsupportedVersion.json", StatusCode::kUnimplemented},
      {"TableMetadataV2CurrentSchemaNotFound.json", StatusCode::kCorruption},
      {"TableMetadataV2MissingSchemas.json", StatusCode::kCorruption},
  };
  for (const auto& [name, code] : cases) {
    std::ifstream in(directory / name);
    std::stringstream text;
    text << in.rdbuf();
    const auto parsed = TableMetadataFromJson(text.str());
    EXPECT_EQ(parsed.status().code(), code) << name << ": " << parsed.status();
    if (!parsed.ok()) continue;
    const auto again = TableMetadataFromJson(TableMetadataToJson(*parsed));
    ASSERT_TRUE(again.ok()) << name << ": " << again.status();
    EXPECT_EQ(*again, *parsed) << name;
  }
}

TEST(TableMetadataJson, NamesTheFault) {
  const std::string good = TableMetadataToJson(NewMetadata());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return TableMetadataFromJson(text.replace(at, from.size(), to)).status();
  };
  EXPECT_EQ(with(R"("location":"memory://w/t",)", "").message(),
            "table metadata: field location is missing");
  EXPECT_EQ(with(R"("last-updated-ms":1000)", R"("last-updated-ms":"x")").message(),
            "table metadata: field last-updated-ms is not an integer");
  EXPECT_EQ(with(R"("type":"long")", R"("type":"lang")").message(),
            "table metadata: field id: no such type: lang");
  EXPECT_EQ(with(R"("default-spec-id":0)", R"("default-spec-id":7)").message(),
            "table metadata: default partition spec 7 is not in the metadata");
  EXPECT_EQ(with(R"("last-column-id":3)", R"("last-column-id":1)").code(),
            StatusCode::kCorruption);
  EXPECT_EQ(with(R"("id":2)", R"("id":1)").code(), StatusCode::kCorruption);
  EXPECT_EQ(with(R"("type":"string")", R"("type":"variant")").message(),
            "table metadata: schema 0: field host: type variant needs format version 3");
  EXPECT_EQ(with(R"("type":"string")", R"j("type":"geometry(srid:4326)")j"),
            Status::Unimplemented("field host: type geometry is not read"));
  EXPECT_EQ(with(R"("format-version":2)", R"("format-version":4)"),
            Status::Unimplemented("table format version 4 is not read, only 1 to 3: read "
                                  "the table with a later release"));
  EXPECT_EQ(with(R"("format-version":2)", R"("format-version":0)").code(),
            StatusCode::kCorruption);
  EXPECT_EQ(with(R"("format-version":2)", R"("format-version":3)").message(),
            "table metadata: field next-row-id is missing");
  EXPECT_EQ(with(R"("source-id":2,)", R"("source-ids":[2,1],)"),
            Status::Unimplemented("transform day of 2 columns is not read"));
  EXPECT_TRUE(with(R"("source-id":2,)", R"("source-ids":[2],)").ok());
  // Fields not known are ignored.
  EXPECT_TRUE(with(R"("format-version":2)", R"("format-version":2,"new":[{}])").ok());
  EXPECT_EQ(TableMetadataFromJson("[]").status().code(), StatusCode::kCorruption);
  EXPECT_EQ(TableMetadataFromJson(good.substr(0, 300)).status().code(),
            StatusCode::kCorruption);
  EXPECT_EQ(TableMetadataFromJson(std::string(100'000, '[')).status().code(),
            StatusCode::kCorruption);
}

// A table as the first writers left it: no lists, no ids of partition fields, no UUID, no
// refs, and a snapshot that names its manifests and does not say what it did.
constexpr char kVersion1[] =
    R"({"format-version":1,"location":"memory://w/t","last-updated-ms":1000,)"
    R"("last-column-id":2,"schema":{"type":"struct","fields":[)"
    R"({"id":1,"name":"id","required":true,"type":"long"},)"
    R"({"id":2,"name":"ts","required":false,"type":"timestamp"}]},)"
    R"("partition-spec":[{"source-id":2,"name":"ts_day","transform":"day"},)"
    R"({"source-id":1,"name":"id","transform":"identity"}],)"
    R"("current-snapshot-id":7,"snapshots":[{"snapshot-id":7,"timestamp-ms":900,)"
    R"("manifests":["memory://w/t/m1.avro","memory://w/t/m2.avro"]}]})";

TEST(TableMetadataJson, Version1IsFilledIn) {
  const auto parsed = TableMetadataFromJson(kVersion1);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->format_version, 1);
  EXPECT_EQ(parsed->table_uuid, "");
  EXPECT_EQ(parsed->last_sequence_number, SequenceNumber(0));
  EXPECT_EQ(parsed->current_schema().fields().size(), 2U);
  EXPECT_EQ(parsed->default_spec().fields,
            (std::vector<PartitionField>{
                {FieldId(2), FieldId(1000), "ts_day", Transform::Day()},
                {FieldId(1), FieldId(1001), "id", Transform::Identity()}}));
  EXPECT_EQ(parsed->last_partition_id, FieldId(1001));
  EXPECT_TRUE(parsed->default_sort_order().is_unsorted());
  const Snapshot* snapshot = parsed->current_snapshot();
  ASSERT_NE(snapshot, nullptr);
  EXPECT_EQ(snapshot->manifest_list, "");
  EXPECT_EQ(snapshot->manifests,
            (std::vector<std::string>{"memory://w/t/m1.avro", "memory://w/t/m2.avro"}));
  EXPECT_EQ(snapshot->operation, Operation::kOverwrite);
  EXPECT_EQ(parsed->refs.at("main").snapshot_id, SnapshotId(7));

  const auto again = TableMetadataFromJson(TableMetadataToJson(*parsed));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, *parsed);
}

TEST(TableMetadataJson, Version1NamesItsFaults) {
  const auto without = [](const std::string& part, const std::string& instead = "") {
    std::string text = kVersion1;
    const std::size_t at = text.find(part);
    EXPECT_NE(at, std::string::npos) << part;
    return std::string(
        TableMetadataFromJson(text.replace(at, part.size(), instead)).status().message());
  };
  EXPECT_EQ(without(R"("schema":)", R"("scheme":)"),
            "table metadata: field schema is missing");
  EXPECT_EQ(without(R"("partition-spec":)", R"("partition":)"),
            "table metadata: field partition-spec is missing");
  EXPECT_EQ(
      without(R"("name":"id","transform")", R"("field-id":1005,"name":"id","transform")"),
      "some partition fields have a field-id and some do not");
  EXPECT_EQ(without(R"("manifests":["memory://w/t/m1.avro","memory://w/t/m2.avro"])",
                    R"("manifests":[1])"),
            "snapshot: field manifests is not an array of strings");
  EXPECT_EQ(without(R"("manifests":["memory://w/t/m1.avro","memory://w/t/m2.avro"])",
                    R"("x":1)"),
            "snapshot: field manifest-list is missing");
  // What version 1 may leave out is missing from version 2.
  EXPECT_EQ(without(R"("format-version":1)", R"("format-version":2)"),
            "table metadata: field table-uuid is missing");
}

TEST(TableMetadataJson, Version3LosesNothing) {
  TableMetadata metadata = WithSnapshot(NewMetadata(), 77, 2000, 1500);
  metadata.format_version = 3;
  metadata.next_row_id = 12;
  metadata.encryption_keys = {{"k1", "a2V5", std::nullopt, {}},
                              {"k2", "b2V5", "k1", {{"p", "q"}}}};
  metadata.snapshots[0].first_row_id = 5;
  metadata.snapshots[0].added_rows = 7;
  metadata.snapshots[0].key_id = "k2";
  NestedField& host = metadata.schemas[0].root.fields[2];
  host.initial_default = Value(std::string("a\"b"));
  host.write_default = Value(std::string("localhost"));
  metadata.schemas[0].root.fields.push_back({FieldId(4), "nothing", false, kUnknown, ""});
  metadata.schemas[0].root.fields.push_back({FieldId(5), "any", false, kVariant, ""});
  metadata.last_column_id = FieldId(5);
  ASSERT_TRUE(CheckTableMetadata(metadata).ok()) << CheckTableMetadata(metadata);
  const auto parsed = TableMetadataFromJson(TableMetadataToJson(metadata));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, metadata);

  metadata.next_row_id = 11;
  EXPECT_EQ(CheckTableMetadata(metadata).message(),
            "snapshot 77 has row ids that do not lie below the next one, 11");
  metadata.snapshots[0].added_rows = std::numeric_limits<std::int64_t>::max();
  EXPECT_FALSE(CheckTableMetadata(metadata).ok());
  metadata.format_version = 2;
  EXPECT_EQ(CheckTableMetadata(metadata).message(),
            "row ids and encryption keys need format version 3");
}

// A text that one damaged byte or a cut makes of a good one is read or refused, and what
// is read can be written and read again.
TEST(TableMetadataJson, DamageIsRefusedOrHarmless) {
  TableMetadata metadata = WithSnapshot(NewMetadata(), 77, 2000, 1500);
  metadata.format_version = 3;
  metadata.next_row_id = 12;
  metadata.snapshots[0].first_row_id = 5;
  metadata.schemas[0].root.fields[2].initial_default = Value(std::string("x"));
  for (const std::string& good :
       {TableMetadataToJson(metadata), std::string(kVersion1)}) {
    std::size_t refused = 0;
    const auto read = [&](const std::string& text) {
      const auto parsed = TableMetadataFromJson(text);
      if (!parsed.ok()) {
        ++refused;
        EXPECT_TRUE(parsed.status().Is(StatusCode::kCorruption) ||
                    parsed.status().Is(StatusCode::kUnimplemented) ||
                    parsed.status().Is(StatusCode::kInvalidArgument))
            << parsed.status();
        return;
      }
      const auto again = TableMetadataFromJson(TableMetadataToJson(*parsed));
      ASSERT_TRUE(again.ok()) << text << ": " << again.status();
    };
    for (std::size_t at = 0; at < good.size(); at += 3) {
      for (const char byte : {'"', '9', '{', 'x'}) {
        std::string text = good;
        text[at] = byte;
        read(text);
      }
      if (at % 7 == 0) read(good.substr(0, at));
    }
    EXPECT_GT(refused, good.size() / 2);
  }
}

class MetadataFileTest : public TableTest {
 protected:
  TableMetadata metadata = NewMetadata();
};

TEST_F(MetadataFileTest, IsCompressedWhereThePropertySaysSo) {
  const std::string plain = NextMetadataLocation(metadata, "", random);
  EXPECT_TRUE(plain.ends_with(".metadata.json"));
  EXPECT_FALSE(plain.ends_with(".gz.metadata.json"));
  ASSERT_TRUE(WriteMetadataFile(context, store, plain, metadata).ok());
  metadata.properties[kPropertyMetadataCompression] = "gzip";
  const std::string compressed = NextMetadataLocation(metadata, plain, random);
  EXPECT_TRUE(compressed.ends_with(".gz.metadata.json")) << compressed;
  EXPECT_TRUE(compressed.find("/00001-") != std::string::npos) << compressed;
  ASSERT_TRUE(WriteMetadataFile(context, store, compressed, metadata).ok());
  const auto bytes = store.Get(context, compressed, 1 << 20);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_TRUE(IsGzip(*bytes));
  const auto read = ReadMetadataFile(context, store, compressed);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, metadata);

  // Another program's name for it.
  const std::string other = "memory://w/t/metadata/v1.metadata.json.gz";
  ASSERT_TRUE(store.PutIfAbsent(context, other, *bytes).ok());
  EXPECT_TRUE(ReadMetadataFile(context, store, other).ok());
  const std::string cut = "memory://w/t/metadata/cut.gz.metadata.json";
  ASSERT_TRUE(store.PutIfAbsent(context, cut, bytes->substr(0, bytes->size() - 9)).ok());
  EXPECT_EQ(
      ReadMetadataFile(context, store, cut).status(),
      Status::Corruption("table metadata " + cut + ": gzip file is cut off or damaged"));
}

TEST(Gzip, RoundTripsWithinItsBound) {
  const std::string plain(300'000, 'a');
  const auto compressed = Gzip(plain);
  ASSERT_TRUE(compressed.ok()) << compressed.status();
  EXPECT_LT(compressed->size(), 1000U);
  EXPECT_EQ(*Gunzip(*compressed, plain.size()), plain);
  EXPECT_EQ(Gunzip(*compressed, plain.size() - 1).status(),
            Status::Corruption("gzip file holds more than 299999 bytes"));
  EXPECT_EQ(*Gunzip(*Gzip(""), 0), "");
  // Members one behind the other are one file.
  EXPECT_EQ(*Gunzip(*Gzip("ab") + *Gzip("") + *Gzip("cd"), 4), "abcd");
  EXPECT_FALSE(Gunzip(*Gzip("ab") + *Gzip("cd"), 3).ok());
  EXPECT_FALSE(Gunzip(*Gzip("ab") + "x", 10).ok());
  for (std::size_t size = 0; size < compressed->size(); size += 5) {
    EXPECT_EQ(Gunzip(compressed->substr(0, size), 1 << 20).status().code(),
              StatusCode::kCorruption)
        << size;
  }
}

TEST(TableMetadataJson, BranchMainNeedNotBeWritten) {
  std::string text = TableMetadataToJson(WithSnapshot(NewMetadata(), 77, 2000, 1500));
  const std::string refs = R"("refs":{"main":{"snapshot-id":77,"type":"branch"}},)";
  text.erase(text.find(refs), refs.size());
  const auto parsed = TableMetadataFromJson(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->refs.at("main").snapshot_id, SnapshotId(77));
}

// ClickHouse writes this of a table without a snapshot.
TEST(TableMetadataJson, ABranchOfNoSnapshotIsNone) {
  nlohmann::json text = *ParseJson(TableMetadataToJson(NewMetadata()));
  text["current-snapshot-id"] = -1;
  text["refs"] = {{"main", {{"snapshot-id", -1}, {"type", "branch"}}}};
  const auto parsed = TableMetadataFromJson(text.dump());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_FALSE(parsed->current_snapshot_id.has_value());
  EXPECT_TRUE(parsed->refs.empty());
}

TEST(ApplyUpdates, TimeNeverGoesBack) {
  const TableMetadata first = WithSnapshot(NewMetadata(), 1, 5000, 5000);
  const auto next = ApplyUpdates(first, "l", {SetProperties{{{"a", "b"}}}}, 10);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next->last_updated_ms, 5000);
  EXPECT_EQ(next->snapshot_log, first.snapshot_log);
}

TEST(ApplyUpdates, MetadataLogIsBounded) {
  TableMetadata metadata = NewMetadata();
  metadata.properties[kPropertyPreviousVersionsMax] = "3";
  for (int i = 0; i < 6; ++i) {
    const std::string at = "m" + std::to_string(i);
    const auto next = ApplyUpdates(metadata, at, {SetProperties{{{"i", at}}}}, i);
    ASSERT_TRUE(next.ok());
    const auto forgotten = ForgottenMetadataFiles(metadata, at, *next);
    EXPECT_EQ(forgotten, i < 3 ? std::vector<std::string>{}
                               : std::vector<std::string>{"m" + std::to_string(i - 3)});
    metadata = *next;
  }
  ASSERT_EQ(metadata.metadata_log.size(), 3U);
  EXPECT_EQ(metadata.metadata_log[0].metadata_file, "m3");
  EXPECT_EQ(metadata.metadata_log[2].metadata_file, "m5");
}

TEST(ApplyUpdates, SchemasSpecsAndOrdersGetIds) {
  const TableMetadata base = NewMetadata();
  Schema wider = TestSchema();
  wider.root.fields.push_back({FieldId(10), "more", false, kDouble, ""});
  PartitionSpec spec{SpecId(0), {{kTestId, FieldId(1001), "id_b", Transform::Bucket(4)}}};
  SortOrder order{
      SortOrderId(0),
      {{kTestTs, Transform::Day(), SortDirection::kDescending, NullOrder::kNullsLast}}};
  order.id = SortOrderId(99);
  const auto next =
      ApplyUpdates(base, "",
                   {AddSchema{wider}, SetCurrentSchema{}, AddPartitionSpec{spec},
                    SetDefaultSpec{}, AddSortOrder{order}, SetDefaultSortOrder{}},
                   2000);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->current_schema_id, SchemaId(1));
  EXPECT_EQ(next->last_column_id, FieldId(10));
  EXPECT_EQ(next->default_spec_id, SpecId(1));
  EXPECT_EQ(next->last_partition_id, FieldId(1001));
  EXPECT_EQ(next->default_sort_order_id, SortOrderId(2));
  // What is there already is found again, not added twice.
  const auto same = ApplyUpdates(*next, "",
                                 {AddSchema{TestSchema()}, SetCurrentSchema{},
                                  AddPartitionSpec{TestSpec()}, SetDefaultSpec{}},
                                 2000);
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_EQ(same->current_schema_id, SchemaId(0));
  EXPECT_EQ(same->default_spec_id, SpecId(0));
  EXPECT_EQ(same->schemas.size(), 2U);
}

TEST(ApplyUpdates, RemovingSnapshotsCutsTheirHistory) {
  TableMetadata metadata = NewMetadata();
  for (int i = 1; i <= 3; ++i) metadata = WithSnapshot(metadata, i, i * 1000, i * 1000);
  metadata.statistics = {{SnapshotId(1), "s", 1, 1, {}, {}},
                         {SnapshotId(3), "s", 1, 1, {}, {}}};
  const auto next = ApplyUpdates(metadata, "", {RemoveSnapshots{{SnapshotId(2)}}}, 4000);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->snapshots.size(), 2U);
  EXPECT_EQ(next->snapshot_log, (std::vector<SnapshotLogEntry>{{3000, SnapshotId(3)}}));
  EXPECT_EQ(next->statistics.size(), 2U);
  const auto none = ApplyUpdates(metadata, "", {RemoveSnapshots{{SnapshotId(3)}}}, 4000);
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_EQ(none->current_snapshot(), nullptr);
  EXPECT_EQ(none->statistics.size(), 1U);
}

TEST(ApplyUpdates, RefusesWhatDoesNotApply) {
  const TableMetadata base = WithSnapshot(NewMetadata(), 1, 2000, 2000);
  Snapshot late = MakeSnapshot(2, 1, 3000);
  late.parent_id = SnapshotId(1);
  Schema duplicate = TestSchema();
  duplicate.root.fields[1].id = kTestId;
  Schema without_source;
  without_source.root.fields = {TestSchema().root.fields[0]};
  const std::vector<std::vector<Update>> cases = {
      {AddSnapshot{MakeSnapshot(1, 2, 3000)}},
      {SetSnapshotRef{"main", {SnapshotId(9), RefType::kBranch, {}, {}, {}}}},
      {SetSnapshotRef{"main", {SnapshotId(1), RefType::kTag, {}, {}, {}}}},
      {SetCurrentSchema{}},
      {SetCurrentSchema{SchemaId(4)}},
      {SetDefaultSpec{SpecId(4)}},
      {AddSchema{duplicate}},
      {AddSchema{without_source}, SetCurrentSchema{}},
      {AddPartitionSpec{
          {SpecId(0), {{FieldId(99), FieldId(1001), "x", Transform::Day()}}}}},
      {UpgradeFormatVersion{1}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(ApplyUpdates(base, "", cases[i], 4000).status().code(),
              StatusCode::kInvalidArgument)
        << i;
  }
  EXPECT_EQ(ApplyUpdates(base, "", {AddSnapshot{late}}, 0).status().code(),
            StatusCode::kConflict);
  EXPECT_EQ(ApplyUpdates(base, "", {UpgradeFormatVersion{3}}, 0).status().code(),
            StatusCode::kUnimplemented);
}

TEST(ApplyUpdates, Version1IsUpgradedBeforeItIsWrittenTo) {
  const TableMetadata base = *TableMetadataFromJson(kVersion1);
  const Snapshot snapshot = MakeSnapshot(8, 1, 3000);
  EXPECT_EQ(
      ApplyUpdates(base, "", {AddSnapshot{snapshot}}, 4000).status().message(),
      "a table of format version 1 has no sequence numbers: upgrade it to version 2");
  EXPECT_EQ(ApplyUpdates(base, "", {UpgradeFormatVersion{2}}, 4000).status().message(),
            "version 2 needs a table uuid: assign one first");
  const auto next = ApplyUpdates(
      base, "", {AssignUuid{"u"}, UpgradeFormatVersion{2}, AddSnapshot{snapshot}}, 4000);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->format_version, 2);
  EXPECT_EQ(next->snapshots[0].sequence_number, SequenceNumber(0));
  EXPECT_EQ(*TableMetadataFromJson(TableMetadataToJson(*next)), *next);
}

TEST(ApplyUpdates, RowIdsOfVersion3GoOn) {
  TableMetadata base = NewMetadata();
  base.format_version = 3;
  base.next_row_id = 100;
  Snapshot snapshot = MakeSnapshot(8, 1, 3000);
  EXPECT_EQ(
      ApplyUpdates(base, "", {AddSnapshot{snapshot}}, 0).status(),
      Status::InvalidArgument("snapshot 8 gives no row ids, which a table of format "
                              "version 3 needs"));
  snapshot.first_row_id = 99;
  snapshot.added_rows = 20;
  EXPECT_EQ(
      ApplyUpdates(base, "", {AddSnapshot{snapshot}}, 0).status(),
      Status::Conflict("snapshot 8 does not begin at the table's next row id, 100"));
  snapshot.first_row_id = 100;
  const auto next = ApplyUpdates(base, "", {AddSnapshot{snapshot}}, 0);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->next_row_id, 120);
  snapshot.added_rows = std::numeric_limits<std::int64_t>::max();
  EXPECT_FALSE(ApplyUpdates(base, "", {AddSnapshot{snapshot}}, 0).ok());
}

TEST(ApplyUpdates, RemovesSchemasSpecsAndStatistics) {
  const TableMetadata base = NewMetadata();
  Schema wider = TestSchema();
  wider.root.fields.push_back({FieldId(4), "more", false, kLong, ""});
  const auto next = ApplyUpdates(base, "",
                                 {AddSchema{wider}, AddPartitionSpec{{SpecId(0), {}}},
                                  SetPartitionStatistics{{SnapshotId(5), "old", 1}},
                                  SetPartitionStatistics{{SnapshotId(5), "p", 9}}},
                                 2000);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->partition_statistics,
            (std::vector<PartitionStatisticsFile>{{SnapshotId(5), "p", 9}}));
  const auto last =
      ApplyUpdates(*next, "",
                   {RemoveSchemas{{SchemaId(1)}}, RemovePartitionSpecs{{SpecId(1)}},
                    RemovePartitionStatistics{SnapshotId(5)}},
                   3000);
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->schemas, base.schemas);
  EXPECT_EQ(last->partition_specs, base.partition_specs);
  EXPECT_TRUE(last->partition_statistics.empty());
  const Update defaults[] = {RemoveSchemas{{SchemaId(0)}},
                             RemovePartitionSpecs{{SpecId(0)}}};
  for (const Update& update : defaults) {
    EXPECT_EQ(ApplyUpdates(base, "", {update}, 0).status().code(),
              StatusCode::kInvalidArgument);
  }
}

TEST(Requirements, ConflictNamesWhatChanged) {
  const TableMetadata metadata = WithSnapshot(NewMetadata(), 7, 2000, 2000);
  const std::vector<Requirement> holds = {AssertTableUuid{metadata.table_uuid},
                                          AssertRefSnapshotId{"main", SnapshotId(7)},
                                          AssertRefSnapshotId{"other", std::nullopt},
                                          AssertLastAssignedFieldId{FieldId(3)},
                                          AssertCurrentSchemaId{SchemaId(0)},
                                          AssertLastAssignedPartitionId{FieldId(1000)},
                                          AssertDefaultSpecId{SpecId(0)},
                                          AssertDefaultSortOrderId{SortOrderId(1)}};
  EXPECT_TRUE(CheckRequirements(holds, &metadata).ok());
  EXPECT_TRUE(CheckRequirements({AssertCreate{}}, nullptr).ok());
  const std::vector<Requirement> fails = {AssertCreate{},
                                          AssertTableUuid{"x"},
                                          AssertRefSnapshotId{"main", SnapshotId(8)},
                                          AssertRefSnapshotId{"main", std::nullopt},
                                          AssertLastAssignedFieldId{FieldId(2)},
                                          AssertCurrentSchemaId{SchemaId(1)},
                                          AssertLastAssignedPartitionId{FieldId(999)},
                                          AssertDefaultSpecId{SpecId(1)},
                                          AssertDefaultSortOrderId{SortOrderId(0)}};
  for (const Requirement& requirement : fails) {
    EXPECT_EQ(CheckRequirements({requirement}, &metadata).code(), StatusCode::kConflict);
  }
  EXPECT_EQ(CheckRequirements({fails[2]}, &metadata).message(),
            "branch or tag main changed: expected snapshot 8, found 7");
  for (const auto* all : {&holds, &fails}) {
    for (const Requirement& requirement : *all) {
      const auto parsed = RequirementFromJson(*ParseJson(JsonText(ToJson(requirement))));
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      EXPECT_EQ(*parsed, requirement);
    }
  }
}

TEST(UpdateJson, RoundTrips) {
  const std::vector<Update> updates = {
      AssignUuid{"u"},
      UpgradeFormatVersion{2},
      AddSchema{TestSchema()},
      AddSchema{TestSchema(), FieldId(17)},
      SetCurrentSchema{},
      AddPartitionSpec{TestSpec()},
      SetDefaultSpec{SpecId(3)},
      AddSortOrder{TestOrder()},
      SetDefaultSortOrder{},
      AddSnapshot{MakeSnapshot(5, 6, 7)},
      SetSnapshotRef{"main", {SnapshotId(5), RefType::kBranch, 1, 2, 3}},
      RemoveSnapshots{{SnapshotId(1), SnapshotId(2)}},
      RemoveSnapshotRef{"t"},
      SetLocation{"memory://x"},
      SetProperties{{{"a", "b"}}},
      RemoveProperties{{"c"}},
      SetStatistics{{SnapshotId(5), "s", 1, 2, {}, {}}},
      RemoveStatistics{SnapshotId(5)},
      SetPartitionStatistics{{SnapshotId(5), "p", 9}},
      RemovePartitionStatistics{SnapshotId(5)},
      RemovePartitionSpecs{{SpecId(1), SpecId(2)}},
      RemoveSchemas{{SchemaId(0)}},
  };
  for (const Update& update : updates) {
    const std::string text = JsonText(ToJson(update));
    const auto parsed = UpdateFromJson(*ParseJson(text));
    ASSERT_TRUE(parsed.ok()) << text << ": " << parsed.status();
    EXPECT_EQ(*parsed, update) << text;
  }
  EXPECT_EQ(JsonText(ToJson(Update(SetProperties{{{"a", "b"}}}))),
            R"({"action":"set-properties","updates":{"a":"b"}})");
  EXPECT_EQ(UpdateFromJson(*ParseJson(R"({"action":"fly"})")).status().message(),
            "table update fly is not known");
}

TEST(PartitionSpec, PrintsPathsEscaped) {
  PartitionSpec spec = TestSpec();
  spec.fields.push_back({kTestHost, FieldId(1001), "host name", Transform::Identity()});
  EXPECT_EQ(PartitionPath(spec, TestSchema(),
                          {Value(std::int32_t{20'455}), Value(std::string("a/b=c"))}),
            "ts_day=2026-01-02/host%20name=a%2Fb%3Dc");
  // A value from before its column was widened, and one that never was of it.
  spec.fields = {{kTestId, FieldId(1002), "id", Transform::Identity()}};
  EXPECT_EQ(PartitionPath(spec, TestSchema(), {Value(std::int32_t{7})}), "id=7");
  EXPECT_EQ(PartitionPath(spec, TestSchema(), {Value(0.5)}), "id=unknown");
  EXPECT_EQ(ToString(TestSpec(), TestSchema()), "[day(ts) as ts_day]");
  EXPECT_EQ(ToString(TestOrder(), TestSchema()), "[id asc nulls-first]");
}

}  // namespace
}  // namespace firn::iceberg
