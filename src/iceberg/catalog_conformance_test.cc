// SPDX-License-Identifier: Apache-2.0
// What every catalog does alike. More of them are tried where the environment says so:
//
//   FIRN_TEST_REST_CATALOG    a server, `rest+http://…`
//   FIRN_TEST_REST_IS_NESSIE  it is one of those
//   FIRN_TEST_WAREHOUSE       an object store, `s3://…`, which is the catalog itself
//   FIRN_S3_ENDPOINT          where what speaks S3 is
//   FIRN_TEST_COMMITS         how often each of two rivals commits
//
// The credentials of those stores are looked for in the environment as well.
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <random>
#include <set>
#include <thread>

#include "iceberg/open_catalog.h"
#include "iceberg/test_table.h"
#include "io/environment.h"
#include "io/stores.h"
#include "io/temporary_directory.h"

namespace firn::iceberg {
namespace {

using Properties = std::map<std::string, std::string>;

// A kind of catalog, and what it can do beyond what all can.
struct CatalogKind {
  std::string name;
  std::string uri;  // FILE stands for a database file of the test's.
  bool on_disk = false;
  std::string warehouse = {};  // An object store, or empty.
  bool has_properties = true;  // Of namespaces.
  bool renames = true;
  bool commits_several = false;
  // A namespace that holds another is not dropped.
  bool guards_parents = true;
  // The table's metadata file is at hand after a drop.
  bool keeps_metadata = true;
  // Metadata lists the snapshots of the past, and is after a commit what it is when it is
  // loaded.
  bool keeps_history = true;
  // A table that has not changed is not read again.
  bool tells_unchanged = false;
  // That a branch must not be there yet is a requirement like others.
  bool sees_absence = true;
};

std::vector<CatalogKind> Kinds() {
  std::vector<CatalogKind> kinds = {
      {.name = "SqliteMemory", .uri = "sqlite:///FILE", .commits_several = true},
      {.name = "SqliteDisk",
       .uri = "sqlite:///FILE",
       .on_disk = true,
       .commits_several = true},
      {.name = "FsMemory",
       .uri = "fs",
       .has_properties = false,
       .renames = false,
       .keeps_metadata = false},
      {.name = "FsDisk",
       .uri = "fs",
       .on_disk = true,
       .has_properties = false,
       .renames = false,
       .keeps_metadata = false},
  };
  if (const char* warehouse = std::getenv("FIRN_TEST_WAREHOUSE")) {
    kinds.push_back({.name = "FsStore",
                     .uri = "fs",
                     .warehouse = warehouse,
                     .has_properties = false,
                     .renames = false,
                     .keeps_metadata = false});
  }
  if (const char* server = std::getenv("FIRN_TEST_REST_CATALOG")) {
    const bool is_nessie = std::getenv("FIRN_TEST_REST_IS_NESSIE") != nullptr;
    kinds.push_back({.name = "Rest",
                     .uri = server,
                     .on_disk = true,
                     .commits_several = true,
                     .guards_parents = false,
                     .keeps_history = !is_nessie,
                     .tells_unchanged = !is_nessie,
                     .sees_absence = !is_nessie});
  }
  return kinds;
}

class CatalogConformance : public testing::TestWithParam<CatalogKind> {
 protected:
  void SetUp() override {
    if (IsRestCatalog(GetParam().uri) || !GetParam().warehouse.empty()) {
      StorageOptions storage;
      if (const char* s3 = std::getenv("FIRN_S3_ENDPOINT")) storage.s3.endpoint = s3;
      store = io::MakeStores(storage, io::ProcessEnvironment(), clock, nullptr);
      warehouse =
          io::JoinLocation(GetParam().warehouse, std::to_string(std::random_device()()));
      // Object stores do not answer somebody whose clock differs from theirs.
      clock.SetUs(base::SystemClock().NowUs());
    } else if (GetParam().on_disk) {
      store = io::MakeLocalStore();
      warehouse = "file://" + (directory / "warehouse");
    } else {
      store = std::make_unique<io::MemoryStore>(clock);
      warehouse = "memory://w";
    }
    manifests = std::make_unique<ManifestIo>(*store);
    uri = GetParam().uri;
    const std::size_t at = uri.find("FILE");
    if (at != uri.npos) uri.replace(at, 4, directory / "catalog.db");
    catalog = Open();
    // A server keeps what tests before this one made.
    ns = {{"conformance" + std::to_string(std::random_device()())}};
    table = {ns, "t"};
  }

  // Another connection to the same catalog.
  std::unique_ptr<Catalog> Open() {
    OpenCatalogOptions options;
    options.uri = uri;
    if (!IsRestCatalog(uri)) options.warehouse = warehouse;
    auto opened = OpenCatalog(context, std::move(options),
                              {*store, clock, random, io::ProcessEnvironment()});
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? std::move(opened).value() : nullptr;
  }

  Status CreateNamespace(const Namespace& name, const Properties& properties = {}) {
    return catalog->CreateNamespace(context, name, properties);
  }
  Result<LoadedTable> Create(const TableIdentifier& identifier,
                             Properties properties = {}) {
    CreateTableRequest request;
    request.identifier = identifier;
    request.schema = TestSchema();
    request.spec = TestSpec();
    request.sort_order = TestOrder();
    request.properties = std::move(properties);
    return catalog->CreateTable(context, request);
  }
  void Given(const TableIdentifier& identifier, Properties properties = {}) {
    const Status created = CreateNamespace(identifier.name_space);
    ASSERT_TRUE(created.ok() || created.Is(StatusCode::kAlreadyExists)) << created;
    const auto made = Create(identifier, std::move(properties));
    ASSERT_TRUE(made.ok()) << made.status();
  }
  Result<LoadedTable> Load(const TableIdentifier& identifier) {
    return catalog->LoadTable(context, identifier);
  }
  Status Set(const LoadedTable& base, const Properties& properties) {
    return catalog
        ->CommitTable(context, base.identifier,
                      {AssertTableUuid{base.metadata->table_uuid},
                       AssertRefSnapshotId{"main", base.metadata->current_snapshot_id}},
                      {SetProperties{properties}})
        .status();
  }
  // Commit a snapshot that adds one file, by `of`.
  Result<CommitOutcome> Append(Catalog& of, const std::string& file,
                               const Properties& properties = {}, int retries = 3) {
    CommitOptions options;
    options.retries_max = retries;
    options.total_ms = std::numeric_limits<DurationMs>::max();
    options.wait = [](const base::Context&, DurationMs) {
      std::this_thread::yield();
      return Status::OK();
    };
    return CommitWithRetry(
        context, {of, *manifests, clock, random}, table,
        [&](const LoadedTable& loaded,
            Transaction& transaction) -> Result<BuildDecision> {
          for (const auto& [key, value] : properties) {
            // A position is where its writer left it.
            const std::string* last = loaded.metadata->FindProperty(key);
            const std::int64_t found = last == nullptr ? 0 : std::stoll(*last);
            EXPECT_EQ(found + 1, std::stoll(value)) << key;
          }
          transaction.Append({TestFile(file, 1)});
          transaction.SetProperties(properties);
          return BuildDecision::kCommit;
        },
        options);
  }
  std::vector<std::string> LiveFiles(const LoadedTable& loaded) {
    std::vector<std::string> paths;
    const ManifestIo files(loaded.StoreOr(*store));
    const auto list =
        files.ReadManifestList(context, *loaded.metadata->current_snapshot());
    EXPECT_TRUE(list.ok()) << list.status();
    for (const ManifestFile& manifest : *list) {
      const auto read = files.ReadManifest(context, manifest,
                                           [&](const ManifestHeader&, ManifestEntry&& e) {
                                             if (e.is_live())
                                               paths.push_back(e.data_file.file_path);
                                             return Status::OK();
                                           });
      EXPECT_TRUE(read.ok()) << read.status();
    }
    return paths;
  }

  const io::TemporaryDirectory directory;
  base::Context context;
  base::ManualClock clock{kTestNowUs};
  RandomSource random{std::random_device()()};
  std::unique_ptr<io::Store> store;
  std::unique_ptr<ManifestIo> manifests;
  std::string warehouse;
  std::string uri;
  std::unique_ptr<Catalog> catalog;
  Namespace ns;
  TableIdentifier table;
};

StatusCode CodeOf(const Status& status) { return status.code(); }
template <typename T>
StatusCode CodeOf(const Result<T>& result) {
  return result.status().code();
}

TEST_P(CatalogConformance, NamespacesAreMadeListedAndDropped) {
  const Namespace inner{{ns.levels[0], "inner"}};
  EXPECT_EQ(CodeOf(catalog->NamespaceProperties(context, ns)), StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(catalog->ListTables(context, ns)), StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(catalog->ListViews(context, ns)), StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(catalog->DropNamespace(context, ns)), StatusCode::kNotFound);

  ASSERT_TRUE(CreateNamespace(ns).ok());
  EXPECT_EQ(CodeOf(CreateNamespace(ns)), StatusCode::kAlreadyExists);
  ASSERT_TRUE(CreateNamespace(inner).ok());
  const auto all = catalog->ListNamespaces(context);
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_TRUE(std::is_sorted(all->begin(), all->end()));
  EXPECT_EQ(std::count(all->begin(), all->end(), ns), 1);
  EXPECT_EQ(std::count(all->begin(), all->end(), inner), 1);
  EXPECT_EQ(catalog->ListTables(context, inner)->size(), 0U);
  EXPECT_EQ(catalog->ListViews(context, inner)->size(), 0U);

  if (GetParam().guards_parents) {
    EXPECT_EQ(CodeOf(catalog->DropNamespace(context, ns)), StatusCode::kConflict);
  }
  ASSERT_TRUE(catalog->DropNamespace(context, inner).ok());
  ASSERT_TRUE(catalog->DropNamespace(context, ns).ok());
  EXPECT_EQ(CodeOf(catalog->NamespaceProperties(context, ns)), StatusCode::kNotFound);
  // One comes with those above it.
  const Status nested = CreateNamespace({{ns.levels[0], "a", "b"}});
  ASSERT_TRUE(nested.ok()) << nested;
  EXPECT_TRUE(catalog->NamespaceProperties(context, {{ns.levels[0], "a", "b"}}).ok());
}

TEST_P(CatalogConformance, NamespacesKeepPropertiesOrRefuseThem) {
  if (!GetParam().has_properties) {
    EXPECT_EQ(CodeOf(CreateNamespace(ns, {{"owner", "me"}})), StatusCode::kUnimplemented);
    ASSERT_TRUE(CreateNamespace(ns).ok());
    EXPECT_EQ(CodeOf(catalog->UpdateNamespaceProperties(context, ns, {{"a", "b"}}, {})),
              StatusCode::kUnimplemented);
    return;
  }
  ASSERT_TRUE(CreateNamespace(ns, {{"owner", "me"}, {"team", "ice"}}).ok());
  ASSERT_TRUE(catalog
                  ->UpdateNamespaceProperties(context, ns, {{"owner", "you"}},
                                              {"team", "never there"})
                  .ok());
  const auto properties = catalog->NamespaceProperties(context, ns);
  ASSERT_TRUE(properties.ok()) << properties.status();
  EXPECT_EQ(properties->at("owner"), "you");
  EXPECT_FALSE(properties->contains("team"));
  EXPECT_EQ(CodeOf(catalog->UpdateNamespaceProperties(context, {{"nowhere"}},
                                                      {{"a", "b"}}, {})),
            StatusCode::kNotFound);
}

TEST_P(CatalogConformance, TablesAreMadeLoadedAndListed) {
  EXPECT_EQ(CodeOf(Create(table)), StatusCode::kNotFound);  // No namespace yet.
  ASSERT_TRUE(CreateNamespace(ns).ok());
  EXPECT_EQ(CodeOf(Load(table)), StatusCode::kNotFound);
  EXPECT_FALSE(*catalog->TableExists(context, table));
  const auto made = Create(table, {{"colour", "white"}});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(CodeOf(Create(table)), StatusCode::kAlreadyExists);
  EXPECT_TRUE(*catalog->TableExists(context, table));

  const auto loaded = Open()->LoadTable(context, table);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  if (GetParam().keeps_history) {
    EXPECT_EQ(*loaded->metadata, *made->metadata);
    EXPECT_EQ(loaded->metadata_location, made->metadata_location);
  }
  EXPECT_EQ(loaded->identifier, table);
  // Field ids are those that were asked for.
  EXPECT_EQ(loaded->metadata->current_schema().fields(), TestSchema().fields());
  EXPECT_EQ(loaded->metadata->default_spec().fields, TestSpec().fields);
  EXPECT_EQ(loaded->metadata->default_sort_order().fields, TestOrder().fields);
  EXPECT_EQ(*loaded->metadata->FindProperty("colour"), "white");
  EXPECT_TRUE(loaded->metadata->PropertyFlag(kPropertyDeleteAfterCommit, false));

  if (GetParam().tells_unchanged) {
    EXPECT_EQ(Load(table)->metadata.get(), Load(table)->metadata.get());
    const auto before = Load(table)->metadata;
    ASSERT_TRUE(Append(*catalog, "a").ok());
    EXPECT_NE(*Load(table)->metadata, *before);
  }

  const TableIdentifier second{ns, "a"};
  Given(second);
  EXPECT_EQ(*catalog->ListTables(context, ns),
            (std::vector<TableIdentifier>{second, table}));
  EXPECT_EQ(CodeOf(catalog->DropNamespace(context, ns)), StatusCode::kConflict);
}

TEST_P(CatalogConformance, TablesAreDropped) {
  Given(table);
  const std::string location = Load(table)->metadata_location;
  const auto made = catalog->LoadTable(context, table);
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_TRUE(
      catalog->CommitTable(context, table, {}, {SetProperties{{{"owner", "another"}}}})
          .ok());
  EXPECT_EQ(CodeOf(catalog->DropTableAt(context, table, made->metadata_location)),
            StatusCode::kConflict);
  const auto now = catalog->LoadTable(context, table);
  ASSERT_TRUE(now.ok()) << now.status();
  ASSERT_TRUE(catalog->DropTableAt(context, table, now->metadata_location).ok());
  EXPECT_EQ(CodeOf(catalog->DropTableAt(context, table, now->metadata_location)),
            StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(Load(table)), StatusCode::kNotFound);
  EXPECT_EQ(CodeOf(catalog->DropTable(context, table)), StatusCode::kNotFound);
  EXPECT_EQ(catalog->ListTables(context, ns)->size(), 0U);
  if (GetParam().keeps_metadata) {
    const auto registered = catalog->RegisterTable(context, table, location);
    ASSERT_TRUE(registered.ok()) << registered.status();
    EXPECT_EQ(Load(table)->metadata_location, location);
    EXPECT_EQ(CodeOf(catalog->RegisterTable(context, table, location)),
              StatusCode::kAlreadyExists);
  } else {
    ASSERT_TRUE(Create(table).ok());
  }
}

TEST_P(CatalogConformance, TablesAreRenamedOrKeepTheirName) {
  Given(table);
  const TableIdentifier other{ns, "other"};
  if (!GetParam().renames) {
    EXPECT_EQ(CodeOf(catalog->RenameTable(context, table, other)),
              StatusCode::kUnimplemented);
    EXPECT_TRUE(Load(table).ok());
    return;
  }
  ASSERT_TRUE(catalog->RenameTable(context, table, other).ok());
  EXPECT_EQ(CodeOf(Load(table)), StatusCode::kNotFound);
  ASSERT_TRUE(Load(other).ok());
  EXPECT_EQ(CodeOf(catalog->RenameTable(context, table, other)), StatusCode::kNotFound);
  Given(table);
  EXPECT_EQ(CodeOf(catalog->RenameTable(context, table, other)),
            StatusCode::kAlreadyExists);
  EXPECT_EQ(CodeOf(catalog->RenameTable(context, table, {{{"nowhere"}}, "t"})),
            StatusCode::kNotFound);
}

TEST_P(CatalogConformance, CommitsApplyWhereTheirRequirementsHold) {
  Given(table);
  const auto base = Load(table);
  const auto appended = Append(*catalog, "a");
  ASSERT_TRUE(appended.ok()) << appended.status();
  EXPECT_EQ(Open()->LoadTable(context, table)->metadata->current_snapshot_id,
            appended->table.metadata->current_snapshot_id);
  if (GetParam().keeps_history) {
    EXPECT_EQ(*Open()->LoadTable(context, table)->metadata, *appended->table.metadata);
  }

  if (GetParam().sees_absence) {
    const Status early = Set(*base, {{"k", "v"}});
    EXPECT_EQ(CodeOf(early), StatusCode::kConflict) << early;
  }
  ASSERT_TRUE(Append(*catalog, "b").ok());
  const Status stale = Set(appended->table, {{"k", "v"}});
  EXPECT_EQ(CodeOf(stale), StatusCode::kConflict) << stale;
  EXPECT_EQ(Load(table)->metadata->FindProperty("k"), nullptr);
  ASSERT_TRUE(Set(*Load(table), {{"k", "v"}}).ok());
  EXPECT_EQ(*Load(table)->metadata->FindProperty("k"), "v");
  EXPECT_EQ(CodeOf(Set({{ns, "absent"}, "", base->metadata}, {{"k", "v"}})),
            StatusCode::kNotFound);
}

TEST_P(CatalogConformance, SeveralTablesChangeTogetherOrNotAtAll) {
  const TableIdentifier second{ns, "second"};
  Given(table);
  Given(second);
  const auto change = [&](const TableIdentifier& name, std::string uuid) {
    return TableChange{
        name, {AssertTableUuid{std::move(uuid)}}, {SetProperties{{{"k", "v"}}}}};
  };
  const std::string first_uuid = Load(table)->metadata->table_uuid;
  const std::string second_uuid = Load(second)->metadata->table_uuid;
  const Status refused = catalog->CommitTables(
      context, {change(table, first_uuid), change(second, first_uuid)});
  EXPECT_EQ(Load(table)->metadata->FindProperty("k"), nullptr);
  if (!GetParam().commits_several) {
    EXPECT_EQ(CodeOf(refused), StatusCode::kUnimplemented);
    return;
  }
  EXPECT_EQ(CodeOf(refused), StatusCode::kConflict) << refused;
  const Status done = catalog->CommitTables(
      context, {change(table, first_uuid), change(second, second_uuid)});
  ASSERT_TRUE(done.ok()) << done;
  EXPECT_EQ(*Load(table)->metadata->FindProperty("k"), "v");
  EXPECT_EQ(*Load(second)->metadata->FindProperty("k"), "v");
}

TEST_P(CatalogConformance, CancelledWorkIsNotBegun) {
  Given(table);
  const auto base = Load(table);
  context.Cancel();
  EXPECT_EQ(CodeOf(Load(table)), StatusCode::kCancelled);
  EXPECT_EQ(CodeOf(Set(*base, {{"k", "v"}})), StatusCode::kCancelled);
  EXPECT_EQ(CodeOf(catalog->DropTable(context, table)), StatusCode::kCancelled);
}

TEST_P(CatalogConformance, RivalsLoseAndDoubleNothing) {
  const char* asked = std::getenv("FIRN_TEST_COMMITS");
  const int commits = asked == nullptr ? 40 : std::stoi(asked);
  // A writer that sleeps for longer than versions are kept cannot tell what came of its
  // commit where versions are files; that is another test's.
  Given(table, {{kPropertyMergeMinCount, "10"},
                {kPropertyPreviousVersionsMax, std::to_string(2 * commits + 50)}});
  std::size_t first = 0;
  if (!GetParam().sees_absence) {
    ASSERT_TRUE(Append(*catalog, "first").ok());
    first = 1;
  }
  const auto work = [&](const std::string& writer) {
    const std::unique_ptr<Catalog> own = Open();
    for (int i = 0; i < commits; ++i) {
      const auto outcome = Append(*own, writer + std::to_string(i),
                                  {{"pos." + writer, std::to_string(i + 1)}}, 10'000);
      ASSERT_TRUE(outcome.ok()) << outcome.status();
    }
  };
  std::thread a(work, "a");
  std::thread b(work, "b");
  a.join();
  b.join();
  const auto loaded = Load(table);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const std::size_t all = first + 2U * commits;
  if (GetParam().keeps_history) {
    EXPECT_EQ(loaded->metadata->snapshots.size(), all);
  }
  EXPECT_EQ(loaded->metadata->last_sequence_number.value, static_cast<std::int64_t>(all));
  const std::vector<std::string> files = LiveFiles(*loaded);
  EXPECT_EQ(files.size(), all);
  EXPECT_EQ(std::set<std::string>(files.begin(), files.end()).size(), files.size());
}

INSTANTIATE_TEST_SUITE_P(Catalogs, CatalogConformance, testing::ValuesIn(Kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace firn::iceberg
