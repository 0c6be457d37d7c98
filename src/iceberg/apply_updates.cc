// SPDX-License-Identifier: Apache-2.0
#include "iceberg/apply_updates.h"

#include <algorithm>
#include <unordered_set>

#include "iceberg/next_id.h"

namespace firn::iceberg {
namespace {

Status Unknown(const char* what, const std::string& id) {
  return Status::InvalidArgument(std::string(what) + " " + id + " does not exist");
}

// Applies one update after the other to a copy of the base.
class Applier {
 public:
  Applier(TableMetadata metadata, TimestampMs now_ms)
      : metadata_(std::move(metadata)), now_ms_(now_ms) {}

  TableMetadata& metadata() { return metadata_; }

  Status operator()(const AssignUuid& u) {
    if (u.uuid.empty()) return Status::InvalidArgument("table uuid is empty");
    metadata_.table_uuid = u.uuid;
    return Status::OK();
  }

  Status operator()(const UpgradeFormatVersion& u) {
    if (u.format_version == metadata_.format_version) return Status::OK();
    if (u.format_version < metadata_.format_version) {
      return Status::InvalidArgument("a table's format version cannot go back to " +
                                     std::to_string(u.format_version));
    }
    if (u.format_version > kFormatVersionWrittenMax) {
      return Status::Unimplemented("table format version " +
                                   std::to_string(u.format_version) + " is not written");
    }
    if (u.format_version >= 2 && metadata_.table_uuid.empty()) {
      return Status::InvalidArgument("version 2 needs a table uuid: assign one first");
    }
    metadata_.format_version = u.format_version;
    return Status::OK();
  }

  Status operator()(const AddSchema& u) {
    FIRN_RETURN_IF_ERROR(CheckSchema(u.schema, metadata_.format_version));
    metadata_.last_column_id =
        std::max({metadata_.last_column_id, u.schema.HighestFieldId(),
                  u.last_column_id.value_or(FieldId(0))});
    for (const Schema& schema : metadata_.schemas) {
      if (schema.SameColumns(u.schema)) {
        last_schema_ = schema.id;
        return Status::OK();
      }
    }
    Schema schema = u.schema;
    schema.id = NextId(metadata_.schemas);
    last_schema_ = schema.id;
    metadata_.schemas.push_back(std::move(schema));
    return Status::OK();
  }

  Status operator()(const SetCurrentSchema& u) {
    FIRN_ASSIGN_OR_RETURN(const SchemaId id,
                          Resolve(u.schema_id, last_schema_, "schema"));
    const Schema* schema = metadata_.FindSchema(id);
    if (schema == nullptr) return Unknown("schema", id.ToString());
    FIRN_RETURN_IF_ERROR(CheckPartitionSpec(metadata_.default_spec(), *schema));
    FIRN_RETURN_IF_ERROR(CheckSortOrder(metadata_.default_sort_order(), *schema));
    metadata_.current_schema_id = id;
    return Status::OK();
  }

  Status operator()(const AddPartitionSpec& u) {
    FIRN_RETURN_IF_ERROR(CheckPartitionSpec(u.spec, metadata_.current_schema()));
    for (const PartitionSpec& spec : metadata_.partition_specs) {
      if (spec.IsCompatibleWith(u.spec)) {
        last_spec_ = spec.id;
        return Status::OK();
      }
    }
    PartitionSpec spec = u.spec;
    spec.id = NextId(metadata_.partition_specs);
    last_spec_ = spec.id;
    metadata_.last_partition_id =
        std::max(metadata_.last_partition_id, spec.HighestFieldId());
    metadata_.partition_specs.push_back(std::move(spec));
    return Status::OK();
  }

  Status operator()(const SetDefaultSpec& u) {
    FIRN_ASSIGN_OR_RETURN(const SpecId id, Resolve(u.spec_id, last_spec_, "spec"));
    const PartitionSpec* spec = metadata_.FindSpec(id);
    if (spec == nullptr) return Unknown("partition spec", id.ToString());
    FIRN_RETURN_IF_ERROR(CheckPartitionSpec(*spec, metadata_.current_schema()));
    metadata_.default_spec_id = id;
    return Status::OK();
  }

  Status operator()(const AddSortOrder& u) {
    for (const SortOrder& order : metadata_.sort_orders) {
      if (order.fields == u.order.fields) {
        last_order_ = order.id;
        return Status::OK();
      }
    }
    SortOrder order = u.order;
    order.id = order.is_unsorted()
                   ? kUnsortedOrderId
                   : std::max(SortOrderId(1), NextId(metadata_.sort_orders));
    FIRN_RETURN_IF_ERROR(CheckSortOrder(order, metadata_.current_schema()));
    last_order_ = order.id;
    metadata_.sort_orders.push_back(std::move(order));
    return Status::OK();
  }

  Status operator()(const SetDefaultSortOrder& u) {
    FIRN_ASSIGN_OR_RETURN(const SortOrderId id,
                          Resolve(u.order_id, last_order_, "sort order"));
    if (metadata_.FindSortOrder(id) == nullptr)
      return Unknown("sort order", id.ToString());
    metadata_.default_sort_order_id = id;
    return Status::OK();
  }

  Status operator()(const AddSnapshot& u) {
    const Snapshot& snapshot = u.snapshot;
    if (metadata_.FindSnapshot(snapshot.id) != nullptr) {
      return Status::InvalidArgument("snapshot " + snapshot.id.ToString() +
                                     " exists already");
    }
    if (snapshot.sequence_number <= metadata_.last_sequence_number &&
        snapshot.parent_id.has_value()) {
      // A commit to another branch took the number first.
      return Status::Conflict(
          "snapshot " + snapshot.id.ToString() + " has the sequence number " +
          snapshot.sequence_number.ToString() + ", not above the last one");
    }
    if (metadata_.format_version >= 3) {
      if (!snapshot.first_row_id || !snapshot.added_rows) {
        return Status::InvalidArgument("snapshot " + snapshot.id.ToString() +
                                       " gives no row ids, which a table of format "
                                       "version 3 needs");
      }
      if (*snapshot.first_row_id != metadata_.next_row_id) {
        return Status::Conflict("snapshot " + snapshot.id.ToString() +
                                " does not begin at the table's next row id, " +
                                std::to_string(metadata_.next_row_id));
      }
      if (__builtin_add_overflow(metadata_.next_row_id, *snapshot.added_rows,
                                 &metadata_.next_row_id)) {
        return Status::InvalidArgument("the table's row ids are used up");
      }
    }
    if (snapshot.schema_id && metadata_.FindSchema(*snapshot.schema_id) == nullptr) {
      return Unknown("schema", snapshot.schema_id->ToString());
    }
    metadata_.last_sequence_number =
        std::max(metadata_.last_sequence_number, snapshot.sequence_number);
    newest_snapshot_ms_ = std::max(newest_snapshot_ms_, snapshot.timestamp_ms);
    added_.insert(snapshot.id);
    metadata_.snapshots.push_back(snapshot);
    return Status::OK();
  }

  Status operator()(const SetSnapshotRef& u) {
    const Snapshot* snapshot = metadata_.FindSnapshot(u.ref.snapshot_id);
    if (snapshot == nullptr) return Unknown("snapshot", u.ref.snapshot_id.ToString());
    if (u.name == kMainBranch) {
      if (u.ref.type != RefType::kBranch) {
        return Status::InvalidArgument("main is a branch and cannot be a tag");
      }
      SetCurrentSnapshot(*snapshot);
    }
    metadata_.refs[u.name] = u.ref;
    return Status::OK();
  }

  Status operator()(const RemoveSnapshots& u) {
    const std::unordered_set<SnapshotId> gone(u.snapshot_ids.begin(),
                                              u.snapshot_ids.end());
    std::erase_if(metadata_.snapshots,
                  [&](const Snapshot& s) { return gone.contains(s.id); });
    std::erase_if(metadata_.refs,
                  [&](const auto& ref) { return gone.contains(ref.second.snapshot_id); });
    std::erase_if(metadata_.statistics, [&](const StatisticsFile& file) {
      return gone.contains(file.snapshot_id);
    });
    std::erase_if(metadata_.partition_statistics,
                  [&](const PartitionStatisticsFile& file) {
                    return gone.contains(file.snapshot_id);
                  });
    if (metadata_.current_snapshot_id && gone.contains(*metadata_.current_snapshot_id)) {
      metadata_.current_snapshot_id.reset();
    }
    // What led up to a snapshot that is gone is no history any more.
    auto& log = metadata_.snapshot_log;
    const auto last_gone = std::find_if(
        log.rbegin(), log.rend(),
        [&](const SnapshotLogEntry& entry) { return gone.contains(entry.snapshot_id); });
    log.erase(log.begin(), last_gone.base());
    return Status::OK();
  }

  Status operator()(const RemoveSnapshotRef& u) {
    if (u.name == kMainBranch) metadata_.current_snapshot_id.reset();
    metadata_.refs.erase(u.name);
    return Status::OK();
  }

  Status operator()(const SetLocation& u) {
    if (u.location.empty()) return Status::InvalidArgument("location is empty");
    metadata_.location = u.location;
    return Status::OK();
  }

  Status operator()(const SetProperties& u) {
    for (const auto& [key, value] : u.properties) metadata_.properties[key] = value;
    return Status::OK();
  }

  Status operator()(const RemoveProperties& u) {
    for (const std::string& key : u.keys) metadata_.properties.erase(key);
    return Status::OK();
  }

  Status operator()(const SetStatistics& u) {
    std::erase_if(metadata_.statistics, [&](const StatisticsFile& file) {
      return file.snapshot_id == u.statistics.snapshot_id;
    });
    metadata_.statistics.push_back(u.statistics);
    return Status::OK();
  }

  Status operator()(const RemoveStatistics& u) {
    std::erase_if(metadata_.statistics, [&](const StatisticsFile& file) {
      return file.snapshot_id == u.snapshot_id;
    });
    return Status::OK();
  }

  Status operator()(const SetPartitionStatistics& u) {
    ForgetPartitionStatistics(u.statistics.snapshot_id);
    metadata_.partition_statistics.push_back(u.statistics);
    return Status::OK();
  }

  Status operator()(const RemovePartitionStatistics& u) {
    ForgetPartitionStatistics(u.snapshot_id);
    return Status::OK();
  }

  Status operator()(const RemovePartitionSpecs& u) {
    for (const SpecId id : u.spec_ids) {
      if (id == metadata_.default_spec_id) {
        return Status::InvalidArgument("partition spec " + id.ToString() +
                                       " is the default and cannot be removed");
      }
      std::erase_if(metadata_.partition_specs,
                    [&](const PartitionSpec& spec) { return spec.id == id; });
    }
    return Status::OK();
  }

  Status operator()(const RemoveSchemas& u) {
    for (const SchemaId id : u.schema_ids) {
      if (id == metadata_.current_schema_id) {
        return Status::InvalidArgument("schema " + id.ToString() +
                                       " is the current one and cannot be removed");
      }
      std::erase_if(metadata_.schemas, [&](const Schema& s) { return s.id == id; });
    }
    return Status::OK();
  }

  // Stamp the result with the time, and log what became current.
  void Finish() {
    metadata_.last_updated_ms =
        std::max({metadata_.last_updated_ms, now_ms_, newest_snapshot_ms_});
    if (current_changed_ && metadata_.current_snapshot_id) {
      // A snapshot made by these updates became current when it was made.
      const Snapshot& current = *metadata_.current_snapshot();
      const TimestampMs at_ms =
          added_.contains(current.id) ? current.timestamp_ms : metadata_.last_updated_ms;
      metadata_.snapshot_log.push_back({at_ms, current.id});
    }
  }

 private:
  void ForgetPartitionStatistics(SnapshotId id) {
    std::erase_if(
        metadata_.partition_statistics,
        [&](const PartitionStatisticsFile& file) { return file.snapshot_id == id; });
  }

  template <typename IdType>
  static Result<IdType> Resolve(IdType id, const std::optional<IdType>& last,
                                const char* what) {
    if (id.value != kLastAdded) return id;
    if (!last) {
      return Status::InvalidArgument(std::string("no ") + what + " was added before");
    }
    return *last;
  }

  void SetCurrentSnapshot(const Snapshot& snapshot) {
    if (metadata_.current_snapshot_id == snapshot.id) return;
    metadata_.current_snapshot_id = snapshot.id;
    current_changed_ = true;
  }

  TableMetadata metadata_;
  TimestampMs now_ms_;
  TimestampMs newest_snapshot_ms_ = 0;
  bool current_changed_ = false;
  std::unordered_set<SnapshotId> added_;
  std::optional<SchemaId> last_schema_;
  std::optional<SpecId> last_spec_;
  std::optional<SortOrderId> last_order_;
};

void LogPreviousMetadata(TimestampMs base_updated_ms, const std::string& base_location,
                         TableMetadata* metadata) {
  auto& log = metadata->metadata_log;
  if (!base_location.empty()) log.push_back({base_updated_ms, base_location});
  const std::int64_t kept_max = std::max<std::int64_t>(
      1,
      metadata->PropertyCount(kPropertyPreviousVersionsMax, kPreviousVersionsMaxDefault));
  const auto size = static_cast<std::int64_t>(log.size());
  if (size > kept_max) log.erase(log.begin(), log.begin() + (size - kept_max));
}

}  // namespace

Result<TableMetadata> MakeTableMetadata(NewTable table) {
  TableMetadata metadata;
  metadata.table_uuid = std::move(table.uuid);
  metadata.location = std::move(table.location);
  metadata.last_updated_ms = table.now_ms;
  FIRN_RETURN_IF_ERROR(CheckSchema(table.schema, metadata.format_version));
  FIRN_RETURN_IF_ERROR(CheckPartitionSpec(table.spec, table.schema));
  table.schema.id = SchemaId(0);
  table.spec.id = SpecId(0);
  table.sort_order.id =
      table.sort_order.is_unsorted() ? kUnsortedOrderId : SortOrderId(1);
  FIRN_RETURN_IF_ERROR(CheckSortOrder(table.sort_order, table.schema));
  metadata.last_column_id = table.schema.HighestFieldId();
  metadata.last_partition_id = table.spec.HighestFieldId();
  metadata.default_sort_order_id = table.sort_order.id;
  metadata.schemas.push_back(std::move(table.schema));
  metadata.partition_specs.push_back(std::move(table.spec));
  // Spark sorts a table's files by an order that is not the table's only where the
  // unsorted order is among those that the table knows.
  if (!table.sort_order.is_unsorted()) metadata.sort_orders.push_back({});
  metadata.sort_orders.push_back(std::move(table.sort_order));
  metadata.properties = std::move(table.properties);
  FIRN_RETURN_IF_ERROR(CheckTableMetadata(metadata));
  return metadata;
}

Result<TableMetadata> ApplyUpdates(const TableMetadata& base,
                                   const std::string& base_location,
                                   const std::vector<Update>& updates,
                                   TimestampMs now_ms) {
  Applier applier(base, now_ms);
  for (const Update& update : updates) {
    FIRN_RETURN_IF_ERROR(std::visit(applier, update));
  }
  applier.Finish();
  TableMetadata next = std::move(applier.metadata());
  LogPreviousMetadata(base.last_updated_ms, base_location, &next);
  FIRN_RETURN_IF_ERROR(CheckTableMetadata(next));
  return next;
}

std::vector<std::string> ForgottenMetadataFiles(const TableMetadata& base,
                                                const std::string& base_location,
                                                const TableMetadata& next) {
  std::unordered_set<std::string_view> kept;
  for (const MetadataLogEntry& entry : next.metadata_log)
    kept.insert(entry.metadata_file);
  std::vector<std::string> forgotten;
  for (const MetadataLogEntry& entry : base.metadata_log) {
    if (!kept.contains(entry.metadata_file)) forgotten.push_back(entry.metadata_file);
  }
  if (!base_location.empty() && !kept.contains(base_location)) {
    forgotten.push_back(base_location);
  }
  return forgotten;
}

}  // namespace firn::iceberg
