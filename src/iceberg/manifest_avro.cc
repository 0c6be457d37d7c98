// SPDX-License-Identifier: Apache-2.0
#include "iceberg/manifest_avro.h"

#include <algorithm>
#include <charconv>

#include "iceberg/avro_encoder.h"
#include "iceberg/avro_file.h"
#include "iceberg/json.h"
#include "iceberg/partition_spec_json.h"
#include "iceberg/schema_json.h"

namespace firn::iceberg {
namespace {

// Field ids of the specification. Do not change: files are read by them.
constexpr std::int32_t kStatus = 0;
constexpr std::int32_t kSnapshotId = 1;
constexpr std::int32_t kDataFile = 2;
constexpr std::int32_t kSequenceNumber = 3;
constexpr std::int32_t kFileSequenceNumber = 4;
constexpr std::int32_t kFilePath = 100;
constexpr std::int32_t kFileFormat = 101;
constexpr std::int32_t kPartition = 102;
constexpr std::int32_t kRecordCount = 103;
constexpr std::int32_t kFileSize = 104;
constexpr std::int32_t kColumnSizes = 108;
constexpr std::int32_t kValueCounts = 109;
constexpr std::int32_t kNullValueCounts = 110;
constexpr std::int32_t kLowerBounds = 125;
constexpr std::int32_t kUpperBounds = 128;
constexpr std::int32_t kKeyMetadata = 131;
constexpr std::int32_t kSplitOffsets = 132;
constexpr std::int32_t kContent = 134;
constexpr std::int32_t kEqualityIds = 135;
constexpr std::int32_t kNanValueCounts = 137;
constexpr std::int32_t kSortOrderId = 140;
constexpr std::int32_t kFirstRowId = 142;
constexpr std::int32_t kReferencedDataFile = 143;
constexpr std::int32_t kContentOffset = 144;
constexpr std::int32_t kContentSize = 145;

constexpr std::pair<FileFormat, std::string_view> kFormats[] = {
    {FileFormat::kParquet, "PARQUET"},
    {FileFormat::kAvro, "AVRO"},
    {FileFormat::kOrc, "ORC"},
    {FileFormat::kPuffin, "PUFFIN"},
};

AvroField Required(const char* name, std::int32_t id, AvroSchemaPtr type) {
  return MakeAvroField(name, FieldId(id), std::move(type));
}
AvroField Optional(const char* name, std::int32_t id, AvroSchemaPtr type) {
  return MakeAvroField(name, FieldId(id), AvroOptional(std::move(type)));
}
AvroSchemaPtr Map(std::int32_t key_id, AvroKind value) {
  return AvroIntMap(FieldId(key_id), FieldId(key_id + 1), AvroPrimitive(value));
}

AvroSchemaPtr PartitionSchema(const StructType& type) {
  std::vector<AvroField> fields;
  for (const NestedField& field : type.fields) {
    fields.push_back(MakeAvroField(
        field.name, field.id, AvroOptional(AvroFromPrimitive(*field.type.primitive()))));
  }
  return AvroRecord("r102", std::move(fields));
}

// The fields of version 3 come last, and in its manifests only.
AvroSchemaPtr ManifestEntrySchema(AvroSchemaPtr partition, int format_version) {
  const AvroSchemaPtr integer = AvroPrimitive(AvroKind::kInt);
  const AvroSchemaPtr number = AvroPrimitive(AvroKind::kLong);
  const AvroSchemaPtr text = AvroPrimitive(AvroKind::kString);
  const AvroSchemaPtr bytes = AvroPrimitive(AvroKind::kBytes);
  std::vector<AvroField> fields = {
      Required("content", kContent, integer),
      Required("file_path", kFilePath, text),
      Required("file_format", kFileFormat, text),
      Required("partition", kPartition, std::move(partition)),
      Required("record_count", kRecordCount, number),
      Required("file_size_in_bytes", kFileSize, number),
      Optional("column_sizes", kColumnSizes, Map(117, AvroKind::kLong)),
      Optional("value_counts", kValueCounts, Map(119, AvroKind::kLong)),
      Optional("null_value_counts", kNullValueCounts, Map(121, AvroKind::kLong)),
      Optional("nan_value_counts", kNanValueCounts, Map(138, AvroKind::kLong)),
      Optional("lower_bounds", kLowerBounds, Map(126, AvroKind::kBytes)),
      Optional("upper_bounds", kUpperBounds, Map(129, AvroKind::kBytes)),
      Optional("key_metadata", kKeyMetadata, bytes),
      Optional("split_offsets", kSplitOffsets, AvroArray(number, FieldId(133))),
      Optional("equality_ids", kEqualityIds, AvroArray(integer, FieldId(136))),
      Optional("sort_order_id", kSortOrderId, integer),
      Optional("referenced_data_file", kReferencedDataFile, text)};
  if (format_version >= 3) {
    fields.push_back(Optional("first_row_id", kFirstRowId, number));
    fields.push_back(Optional("content_offset", kContentOffset, number));
    fields.push_back(Optional("content_size_in_bytes", kContentSize, number));
  }
  return AvroRecord(
      "manifest_entry",
      {Required("status", kStatus, integer), Optional("snapshot_id", kSnapshotId, number),
       Optional("sequence_number", kSequenceNumber, number),
       Optional("file_sequence_number", kFileSequenceNumber, number),
       Required("data_file", kDataFile, AvroRecord("r2", std::move(fields)))});
}

// Writes the fields of an entry in the order of ManifestEntrySchema.
class EntryEncoder {
 public:
  EntryEncoder(std::string& out, int format_version, const StructType& partition_type,
               const AvroSchema& partition_schema)
      : out_(out),
        format_version_(format_version),
        partition_type_(partition_type),
        partition_schema_(partition_schema) {}

  void Encode(const ManifestEntry& entry) {
    out_.Int(static_cast<std::int32_t>(entry.status));
    OptionalId(entry.snapshot_id);
    OptionalId(entry.sequence_number);
    OptionalId(entry.file_sequence_number);
    EncodeFile(entry.data_file);
  }

 private:
  void EncodeFile(const DataFile& file) {
    out_.Int(static_cast<std::int32_t>(file.content));
    out_.String(file.file_path);
    for (const auto& [format, name] : kFormats) {
      if (format == file.file_format) out_.String(name);
    }
    EncodePartition(file.partition);
    out_.Long(file.record_count);
    out_.Long(file.file_size_bytes);
    EncodeCounts(file.column_sizes);
    EncodeCounts(file.value_counts);
    EncodeCounts(file.null_value_counts);
    EncodeCounts(file.nan_value_counts);
    EncodeBounds(file.lower_bounds);
    EncodeBounds(file.upper_bounds);
    OptionalBytes(file.key_metadata);
    EncodeOffsets(file.split_offsets);
    EncodeFieldIds(file.equality_ids);
    file.sort_order_id ? (out_.Present(), out_.Int(file.sort_order_id->value))
                       : out_.Absent();
    OptionalBytes(file.referenced_data_file);
    if (format_version_ < 3) return;
    OptionalLong(file.first_row_id);
    OptionalLong(file.content_offset);
    OptionalLong(file.content_size_bytes);
  }

  void EncodePartition(const PartitionValues& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!values[i]) {
        out_.Absent();
        continue;
      }
      out_.Present();
      out_.Primitive(*values[i], *partition_type_.fields[i].type.primitive(),
                     *partition_schema_.fields[i].type->branches[1]);
    }
  }

  template <typename IdType>
  void OptionalId(const std::optional<IdType>& id) {
    OptionalLong(id ? std::optional<std::int64_t>(id->value) : std::nullopt);
  }

  void OptionalLong(const std::optional<std::int64_t>& number) {
    if (!number) return out_.Absent();
    out_.Present();
    out_.Long(*number);
  }

  void OptionalBytes(const std::optional<std::string>& bytes) {
    if (!bytes) return out_.Absent();
    out_.Present();
    out_.Bytes(*bytes);
  }

  void EncodeCounts(const std::map<FieldId, std::int64_t>& counts) {
    if (counts.empty()) return out_.Absent();
    out_.Present();
    out_.ArrayBegin(counts.size());
    for (const auto& [id, count] : counts) {
      out_.Int(id.value);
      out_.Long(count);
    }
    out_.ArrayEnd();
  }

  void EncodeBounds(const std::map<FieldId, std::string>& bounds) {
    if (bounds.empty()) return out_.Absent();
    out_.Present();
    out_.ArrayBegin(bounds.size());
    for (const auto& [id, bytes] : bounds) {
      out_.Int(id.value);
      out_.Bytes(bytes);
    }
    out_.ArrayEnd();
  }

  void EncodeOffsets(const std::vector<std::int64_t>& offsets) {
    if (offsets.empty()) return out_.Absent();
    out_.Present();
    out_.ArrayBegin(offsets.size());
    for (const std::int64_t offset : offsets) out_.Long(offset);
    out_.ArrayEnd();
  }

  void EncodeFieldIds(const std::vector<FieldId>& ids) {
    if (ids.empty()) return out_.Absent();
    out_.Present();
    out_.ArrayBegin(ids.size());
    for (const FieldId id : ids) out_.Int(id.value);
    out_.ArrayEnd();
  }

  AvroEncoder out_;
  const int format_version_;
  const StructType& partition_type_;
  const AvroSchema& partition_schema_;
};

Status CheckEntry(const ManifestHeader& header, const StructType& partition_type,
                  const ManifestEntry& entry) {
  const DataFile& file = entry.data_file;
  const bool is_data = file.content == FileContent::kData;
  if (is_data != (header.content == ManifestContent::kData)) {
    return Status::InvalidArgument("manifest holds data or deletes, not both");
  }
  if (file.partition.size() != partition_type.fields.size()) {
    return Status::InvalidArgument(
        "partition has " + std::to_string(file.partition.size()) + " values, its spec " +
        std::to_string(partition_type.fields.size()) + " fields");
  }
  for (std::size_t i = 0; i < file.partition.size(); ++i) {
    const NestedField& field = partition_type.fields[i];
    if (file.partition[i] && !Fits(*file.partition[i], *field.type.primitive())) {
      return Status::InvalidArgument("partition value of " + field.name +
                                     " is not of type " + field.type.ToString());
    }
  }
  const bool inherits = !entry.sequence_number || !entry.file_sequence_number;
  if (entry.status != EntryStatus::kAdded && inherits) {
    return Status::InvalidArgument("entry that was not added now has no sequence number");
  }
  if (!std::is_sorted(file.split_offsets.begin(), file.split_offsets.end())) {
    return Status::InvalidArgument("split offsets do not ascend");
  }
  return Status::OK();
}

}  // namespace

Result<std::string> EncodeManifest(const ManifestHeader& header,
                                   const std::vector<ManifestEntry>& entries) {
  FIRN_ASSIGN_OR_RETURN(const StructType partition_type,
                        PartitionType(header.spec, header.schema));
  const AvroSchemaPtr partition_schema = PartitionSchema(partition_type);
  const bool is_data = header.content == ManifestContent::kData;
  AvroFileWriter file(ManifestEntrySchema(partition_schema, header.format_version),
                      {{"schema", SchemaToJsonText(header.schema)},
                       {"schema-id", header.schema.id.ToString()},
                       {"partition-spec", JsonText(FieldsToJson(header.spec))},
                       {"partition-spec-id", header.spec.id.ToString()},
                       {"format-version", std::to_string(header.format_version)},
                       {"content", is_data ? "data" : "deletes"}},
                      AvroCodec::kDeflate);
  EntryEncoder encoder(file.object(), header.format_version, partition_type,
                       *partition_schema);
  for (const ManifestEntry& entry : entries) {
    FIRN_RETURN_IF_ERROR(CheckEntry(header, partition_type, entry)
                             .With("file " + entry.data_file.file_path));
    encoder.Encode(entry);
    FIRN_RETURN_IF_ERROR(file.EndObject());
  }
  return std::move(file).Finish();
}

namespace {

Result<std::int32_t> ParseId(const std::map<std::string, std::string>& metadata,
                             const char* key, std::optional<std::int32_t> otherwise) {
  const auto it = metadata.find(key);
  if (it == metadata.end()) {
    if (otherwise) return *otherwise;
    return Status::Corruption(std::string("manifest has no ") + key);
  }
  std::int32_t value = 0;
  const char* end = it->second.data() + it->second.size();
  const auto [at, error] = std::from_chars(it->second.data(), end, value);
  if (error != std::errc() || at != end) {
    return Status::Corruption(std::string("manifest: ") + key + " is no number");
  }
  return value;
}

Result<ManifestHeader> ReadHeader(const std::map<std::string, std::string>& metadata) {
  ManifestHeader header;
  FIRN_ASSIGN_OR_RETURN(header.format_version, ParseId(metadata, "format-version", 1));
  if (header.format_version < 1 || header.format_version > 3) {
    return Status::Unimplemented("manifest of format version " +
                                 std::to_string(header.format_version) +
                                 " is not read yet");
  }
  const auto schema = metadata.find("schema");
  const auto spec = metadata.find("partition-spec");
  if (schema == metadata.end() || spec == metadata.end()) {
    return Status::Corruption("manifest has no schema or no partition spec");
  }
  FIRN_ASSIGN_OR_RETURN(header.schema, SchemaFromJsonText(schema->second));
  FIRN_ASSIGN_OR_RETURN(const std::int32_t schema_id,
                        ParseId(metadata, "schema-id", header.schema.id.value));
  header.schema.id = SchemaId(schema_id);
  FIRN_ASSIGN_OR_RETURN(const nlohmann::json fields, ParseJson(spec->second));
  FIRN_ASSIGN_OR_RETURN(header.spec.fields, PartitionFieldsFromJson(fields));
  FIRN_ASSIGN_OR_RETURN(const std::int32_t spec_id,
                        ParseId(metadata, "partition-spec-id", 0));
  header.spec.id = SpecId(spec_id);
  const auto content = metadata.find("content");
  if (content != metadata.end() && content->second == "deletes") {
    header.content = ManifestContent::kDeletes;
  }
  return header;
}

// Reads one entry, field by field as the file's own schema orders them.
class EntryDecoder {
 public:
  EntryDecoder(const ManifestHeader& header, const MetricsOf* metrics_of)
      : header_(header), metrics_of_(metrics_of) {
    for (const auto& source : SourceTypes(header.spec, header.schema)) {
      const std::size_t i = types_.size();
      types_.push_back(
          source ? std::optional(*ResultType(header.spec.fields[i].transform, *source))
                 : std::nullopt);
    }
  }

  Result<ManifestEntry> Decode(AvroDecoder& in, const AvroSchema& schema) {
    ManifestEntry entry;
    seen_ = 0;
    bool found = false;
    FIRN_RETURN_IF_ERROR(in.ReadRecord(
        schema,
        [&](const AvroField& field) { return DecodeEntryField(in, field, &entry); },
        &found));
    if (!found || seen_ != kAllSeen) {
      return Status::Corruption("manifest entry lacks a required field");
    }
    return entry;
  }

 private:
  // Required fields, as bits of seen_.
  static constexpr unsigned kSeenStatus = 1;
  static constexpr unsigned kSeenPath = 2;
  static constexpr unsigned kSeenFormat = 4;
  static constexpr unsigned kSeenRecords = 8;
  static constexpr unsigned kSeenSize = 16;
  static constexpr unsigned kAllSeen = 31;

  Status DecodeEntryField(AvroDecoder& in, const AvroField& field, ManifestEntry* entry) {
    bool found = false;
    switch (field.id.value_or(FieldId(-1)).value) {
      case kStatus: {
        std::int32_t status = 0;
        FIRN_RETURN_IF_ERROR(in.ReadInt(*field.type, &status, &found));
        if (status < 0 || status > 2) {
          return Status::Corruption("manifest entry has the status " +
                                    std::to_string(status));
        }
        entry->status = static_cast<EntryStatus>(status);
        return See(kSeenStatus, found);
      }
      case kSnapshotId:
        return ReadId(in, field, &entry->snapshot_id);
      case kSequenceNumber:
        return ReadId(in, field, &entry->sequence_number);
      case kFileSequenceNumber:
        return ReadId(in, field, &entry->file_sequence_number);
      case kDataFile:
        return in.ReadRecord(
            *field.type,
            [&](const AvroField& file_field) {
              return DecodeFileField(in, file_field, &entry->data_file);
            },
            &found);
      default:
        return in.Skip(*field.type);
    }
  }

  Status DecodeFileField(AvroDecoder& in, const AvroField& field, DataFile* file) {
    bool found = false;
    switch (field.id.value_or(FieldId(-1)).value) {
      case kContent:
        return ReadContent(in, field, file);
      case kFilePath:
        FIRN_RETURN_IF_ERROR(in.ReadBytes(*field.type, &file->file_path, &found));
        return See(kSeenPath, found && !file->file_path.empty());
      case kFileFormat:
        return ReadFormat(in, field, file);
      case kPartition:
        return ReadPartition(in, field, file);
      case kRecordCount:
        FIRN_RETURN_IF_ERROR(in.ReadLong(*field.type, &file->record_count, &found));
        return See(kSeenRecords, found && file->record_count >= 0);
      case kFileSize:
        FIRN_RETURN_IF_ERROR(in.ReadLong(*field.type, &file->file_size_bytes, &found));
        return See(kSeenSize, found && file->file_size_bytes >= 0);
      case kColumnSizes:
        return ReadCounts(in, field, &file->column_sizes);
      case kValueCounts:
        return ReadCounts(in, field, &file->value_counts);
      case kNullValueCounts:
        return ReadCounts(in, field, &file->null_value_counts);
      case kNanValueCounts:
        return ReadCounts(in, field, &file->nan_value_counts);
      case kLowerBounds:
        return ReadBounds(in, field, &file->lower_bounds);
      case kUpperBounds:
        return ReadBounds(in, field, &file->upper_bounds);
      case kKeyMetadata:
        return ReadOptionalBytes(in, field, &file->key_metadata);
      case kReferencedDataFile:
        return ReadOptionalBytes(in, field, &file->referenced_data_file);
      case kFirstRowId:
        return ReadOptionalLong(in, field, &file->first_row_id);
      case kContentOffset:
        return ReadOptionalLong(in, field, &file->content_offset);
      case kContentSize:
        return ReadOptionalLong(in, field, &file->content_size_bytes);
      case kSplitOffsets:
        return in.ReadArray(
            *field.type,
            [&](const AvroSchema& item) {
              std::int64_t offset = 0;
              FIRN_RETURN_IF_ERROR(in.ReadLong(item, &offset, &found));
              file->split_offsets.push_back(offset);
              return Status::OK();
            },
            &found);
      case kEqualityIds:
        return in.ReadArray(
            *field.type,
            [&](const AvroSchema& item) {
              std::int32_t id = 0;
              FIRN_RETURN_IF_ERROR(in.ReadInt(item, &id, &found));
              file->equality_ids.emplace_back(id);
              return Status::OK();
            },
            &found);
      case kSortOrderId: {
        std::int32_t id = 0;
        FIRN_RETURN_IF_ERROR(in.ReadInt(*field.type, &id, &found));
        if (found) file->sort_order_id = SortOrderId(id);
        return Status::OK();
      }
      default:
        return in.Skip(*field.type);
    }
  }

  Status See(unsigned bit, bool found) {
    if (found) seen_ |= bit;
    return Status::OK();
  }

  template <typename IdType>
  static Status ReadId(AvroDecoder& in, const AvroField& field,
                       std::optional<IdType>* out) {
    std::optional<std::int64_t> number;
    FIRN_RETURN_IF_ERROR(ReadOptionalLong(in, field, &number));
    if (number) *out = IdType(*number);
    return Status::OK();
  }

  static Status ReadOptionalLong(AvroDecoder& in, const AvroField& field,
                                 std::optional<std::int64_t>* out) {
    std::int64_t value = 0;
    bool found = false;
    FIRN_RETURN_IF_ERROR(in.ReadLong(*field.type, &value, &found));
    if (found) *out = value;
    return Status::OK();
  }

  static Status ReadContent(AvroDecoder& in, const AvroField& field, DataFile* file) {
    std::int32_t content = 0;
    bool found = false;
    FIRN_RETURN_IF_ERROR(in.ReadInt(*field.type, &content, &found));
    if (content < 0 || content > 2) {
      return Status::Corruption("data file has the content " + std::to_string(content));
    }
    file->content = static_cast<FileContent>(content);
    return Status::OK();
  }

  Status ReadFormat(AvroDecoder& in, const AvroField& field, DataFile* file) {
    std::string text;
    bool found = false;
    FIRN_RETURN_IF_ERROR(in.ReadBytes(*field.type, &text, &found));
    for (char& c : text) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    for (const auto& [format, name] : kFormats) {
      if (text != name) continue;
      file->file_format = format;
      return See(kSeenFormat, true);
    }
    return Status::Unimplemented("file format " + text.substr(0, 40) + " is not known");
  }

  // ClickHouse has a long where the partition is an int.
  static Value Narrowed(const Value& value, const PrimitiveType& type) {
    const auto* const wide = std::get_if<std::int64_t>(&value);
    if (wide == nullptr || type.kind != PrimitiveKind::kInt) return value;
    const auto narrow = static_cast<std::int32_t>(*wide);
    return narrow == *wide ? Value(narrow) : value;
  }

  Status ReadPartition(AvroDecoder& in, const AvroField& field, DataFile* file) {
    file->partition.assign(header_.spec.fields.size(), std::nullopt);
    bool found = false;
    return in.ReadRecord(
        *field.type,
        [&](const AvroField& value_field) -> Status {
          FIRN_ASSIGN_OR_RETURN(OptionalValue value, in.ReadPrimitive(*value_field.type));
          for (std::size_t i = 0; i < header_.spec.fields.size(); ++i) {
            if (header_.spec.fields[i].field_id != value_field.id) continue;
            if (value && types_[i]) {
              value = Promote(Narrowed(*value, *types_[i]), *types_[i]);
              if (!value) {
                return Status::Corruption("partition value of " + value_field.name +
                                          " is not of type " + ToString(*types_[i]));
              }
            }
            file->partition[i] = std::move(value);
            break;
          }
          return Status::OK();
        },
        &found);
  }

  // Call `read` for each key of a map kept as an array of records; it reads the value.
  template <typename Read>
  Status ReadMap(AvroDecoder& in, const AvroField& field, const Read& read) {
    bool found = false;
    return in.ReadArray(
        *field.type,
        [&](const AvroSchema& item) {
          std::int32_t key = 0;
          bool item_found = false;
          bool is_key = true;
          return in.ReadRecord(
              item,
              [&](const AvroField& part) -> Status {
                bool part_found = false;
                if (!std::exchange(is_key, false)) {
                  return IsWanted(FieldId(key)) ? read(FieldId(key), *part.type)
                                                : in.Skip(*part.type);
                }
                return in.ReadInt(*part.type, &key, &part_found);
              },
              &item_found);
        },
        &found);
  }

  bool IsWanted(FieldId id) const {
    return metrics_of_ == nullptr || metrics_of_->contains(id);
  }

  Status ReadCounts(AvroDecoder& in, const AvroField& field,
                    std::map<FieldId, std::int64_t>* out) {
    if (metrics_of_ != nullptr && metrics_of_->empty()) return in.Skip(*field.type);
    return ReadMap(in, field, [&](FieldId id, const AvroSchema& type) -> Status {
      std::int64_t count = 0;
      bool found = false;
      FIRN_RETURN_IF_ERROR(in.ReadLong(type, &count, &found));
      if (found) (*out)[id] = count;
      return Status::OK();
    });
  }

  Status ReadBounds(AvroDecoder& in, const AvroField& field,
                    std::map<FieldId, std::string>* out) {
    if (metrics_of_ != nullptr && metrics_of_->empty()) return in.Skip(*field.type);
    return ReadMap(in, field, [&](FieldId id, const AvroSchema& type) -> Status {
      std::string bytes;
      bool found = false;
      FIRN_RETURN_IF_ERROR(in.ReadBytes(type, &bytes, &found));
      if (found) (*out)[id] = std::move(bytes);
      return Status::OK();
    });
  }

  static Status ReadOptionalBytes(AvroDecoder& in, const AvroField& field,
                                  std::optional<std::string>* out) {
    std::string bytes;
    bool found = false;
    FIRN_RETURN_IF_ERROR(in.ReadBytes(*field.type, &bytes, &found));
    if (found) *out = std::move(bytes);
    return Status::OK();
  }

  const ManifestHeader& header_;
  const MetricsOf* const metrics_of_;
  std::vector<std::optional<PrimitiveType>> types_;  // Of the partition's fields.
  unsigned seen_ = 0;
};

}  // namespace

Result<ManifestHeader> DecodeManifest(
    std::string_view bytes,
    const std::function<Status(const ManifestHeader&, ManifestEntry&&)>& visit,
    const MetricsOf* metrics_of) {
  FIRN_ASSIGN_OR_RETURN(const AvroFileReader file, AvroFileReader::Open(bytes));
  auto header = ReadHeader(file.metadata());
  if (header.status().Is(StatusCode::kInvalidArgument)) {
    return Status::Corruption("manifest: " + std::string(header.status().message()));
  }
  FIRN_RETURN_IF_ERROR(header.status());
  EntryDecoder decoder(*header, metrics_of);
  FIRN_RETURN_IF_ERROR(file.ReadObjects([&](AvroDecoder& in) -> Status {
    FIRN_ASSIGN_OR_RETURN(ManifestEntry entry, decoder.Decode(in, file.schema()));
    entry.data_file.spec_id = header->spec.id;
    return visit(*header, std::move(entry));
  }));
  return header;
}

}  // namespace firn::iceberg
