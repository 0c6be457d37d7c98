// SPDX-License-Identifier: Apache-2.0
#include "iceberg/manifest_list_avro.h"

#include "iceberg/avro_encoder.h"
#include "iceberg/avro_file.h"

namespace firn::iceberg {
namespace {

// Field ids of the specification. Do not change: files are read by them.
constexpr std::int32_t kPath = 500;
constexpr std::int32_t kLength = 501;
constexpr std::int32_t kSpecId = 502;
constexpr std::int32_t kAddedSnapshotId = 503;
constexpr std::int32_t kAddedFiles = 504;
constexpr std::int32_t kExistingFiles = 505;
constexpr std::int32_t kDeletedFiles = 506;
constexpr std::int32_t kPartitions = 507;
constexpr std::int32_t kContainsNull = 509;
constexpr std::int32_t kLowerBound = 510;
constexpr std::int32_t kUpperBound = 511;
constexpr std::int32_t kAddedRows = 512;
constexpr std::int32_t kExistingRows = 513;
constexpr std::int32_t kDeletedRows = 514;
constexpr std::int32_t kSequenceNumber = 515;
constexpr std::int32_t kMinSequenceNumber = 516;
constexpr std::int32_t kContent = 517;
constexpr std::int32_t kContainsNan = 518;
constexpr std::int32_t kKeyMetadata = 519;

AvroField Required(const char* name, std::int32_t id, AvroKind kind) {
  return MakeAvroField(name, FieldId(id), AvroPrimitive(kind));
}
AvroField Optional(const char* name, std::int32_t id, AvroSchemaPtr type) {
  return MakeAvroField(name, FieldId(id), AvroOptional(std::move(type)));
}

AvroSchemaPtr ManifestFileSchema() {
  const AvroSchemaPtr bytes = AvroPrimitive(AvroKind::kBytes);
  AvroSchemaPtr summary = AvroRecord(
      "r508", {Required("contains_null", kContainsNull, AvroKind::kBoolean),
               Optional("contains_nan", kContainsNan, AvroPrimitive(AvroKind::kBoolean)),
               Optional("lower_bound", kLowerBound, bytes),
               Optional("upper_bound", kUpperBound, bytes)});
  return AvroRecord(
      "manifest_file",
      {Required("manifest_path", kPath, AvroKind::kString),
       Required("manifest_length", kLength, AvroKind::kLong),
       Required("partition_spec_id", kSpecId, AvroKind::kInt),
       Required("content", kContent, AvroKind::kInt),
       Required("sequence_number", kSequenceNumber, AvroKind::kLong),
       Required("min_sequence_number", kMinSequenceNumber, AvroKind::kLong),
       Required("added_snapshot_id", kAddedSnapshotId, AvroKind::kLong),
       Required("added_files_count", kAddedFiles, AvroKind::kInt),
       Required("existing_files_count", kExistingFiles, AvroKind::kInt),
       Required("deleted_files_count", kDeletedFiles, AvroKind::kInt),
       Required("added_rows_count", kAddedRows, AvroKind::kLong),
       Required("existing_rows_count", kExistingRows, AvroKind::kLong),
       Required("deleted_rows_count", kDeletedRows, AvroKind::kLong),
       Optional("partitions", kPartitions, AvroArray(std::move(summary), FieldId(508))),
       Optional("key_metadata", kKeyMetadata, bytes)});
}

void EncodeOptionalBytes(const std::optional<std::string>& bytes, AvroEncoder* out) {
  if (!bytes) return out->Absent();
  out->Present();
  out->Bytes(*bytes);
}

void EncodeSummary(const FieldSummary& summary, AvroEncoder* out) {
  out->Bool(summary.contains_null);
  if (summary.contains_nan) {
    out->Present();
    out->Bool(*summary.contains_nan);
  } else {
    out->Absent();
  }
  EncodeOptionalBytes(summary.lower_bound, out);
  EncodeOptionalBytes(summary.upper_bound, out);
}

// Writes the fields in the order of ManifestFileSchema.
void Encode(const ManifestFile& manifest, AvroEncoder* out) {
  out->String(manifest.manifest_path);
  out->Long(manifest.manifest_length_bytes);
  out->Int(manifest.spec_id.value);
  out->Int(static_cast<std::int32_t>(manifest.content));
  out->Long(manifest.sequence_number.value);
  out->Long(manifest.min_sequence_number.value);
  out->Long(manifest.added_snapshot_id.value);
  out->Int(manifest.added_files_count);
  out->Int(manifest.existing_files_count);
  out->Int(manifest.deleted_files_count);
  out->Long(manifest.added_rows_count);
  out->Long(manifest.existing_rows_count);
  out->Long(manifest.deleted_rows_count);
  out->Present();
  out->ArrayBegin(manifest.partitions.size());
  for (const FieldSummary& summary : manifest.partitions) EncodeSummary(summary, out);
  out->ArrayEnd();
  EncodeOptionalBytes(manifest.key_metadata, out);
}

Status ReadOptionalBytes(AvroDecoder& in, const AvroField& field,
                         std::optional<std::string>* out) {
  std::string bytes;
  bool found = false;
  FIRN_RETURN_IF_ERROR(in.ReadBytes(*field.type, &bytes, &found));
  if (found) *out = std::move(bytes);
  return Status::OK();
}

Result<FieldSummary> DecodeSummary(AvroDecoder& in, const AvroSchema& schema) {
  FieldSummary summary;
  bool found = false;
  FIRN_RETURN_IF_ERROR(in.ReadRecord(
      schema,
      [&](const AvroField& field) -> Status {
        bool flag = false;
        bool flag_found = false;
        switch (field.id.value_or(FieldId(-1)).value) {
          case kContainsNull:
            return in.ReadBool(*field.type, &summary.contains_null, &flag_found);
          case kContainsNan:
            FIRN_RETURN_IF_ERROR(in.ReadBool(*field.type, &flag, &flag_found));
            if (flag_found) summary.contains_nan = flag;
            return Status::OK();
          case kLowerBound:
            return ReadOptionalBytes(in, field, &summary.lower_bound);
          case kUpperBound:
            return ReadOptionalBytes(in, field, &summary.upper_bound);
          default:
            return in.Skip(*field.type);
        }
      },
      &found));
  return summary;
}

// Reads one manifest's line, field by field as the file's own schema orders them.
class ManifestFileDecoder {
 public:
  Result<ManifestFile> Decode(AvroDecoder& in, const AvroSchema& schema) {
    ManifestFile manifest;
    seen_ = 0;
    bool found = false;
    FIRN_RETURN_IF_ERROR(in.ReadRecord(
        schema, [&](const AvroField& field) { return DecodeField(in, field, &manifest); },
        &found));
    if (!found || manifest.manifest_path.empty()) {
      return Status::Corruption("manifest list names a manifest without a path");
    }
    if (seen_ < kRequired || (seen_ < kAll && manifest.sequence_number.value > 0)) {
      return Status::Corruption("manifest list: a required field of " +
                                manifest.manifest_path + " is missing");
    }
    if (seen_ < kAll) manifest.added_files_count = ManifestFile::kCountUnknown;
    return manifest;
  }

 private:
  static constexpr int kRequired = 3;  // All but the counts, which version 1 may lack.
  static constexpr int kAll = 9;

  Status Int(AvroDecoder& in, const AvroField& field, std::int32_t* out) {
    bool found = false;
    FIRN_RETURN_IF_ERROR(in.ReadInt(*field.type, out, &found));
    if (found) ++seen_;
    return Status::OK();
  }
  Status Long(AvroDecoder& in, const AvroField& field, std::int64_t* out) {
    bool found = false;
    FIRN_RETURN_IF_ERROR(in.ReadLong(*field.type, out, &found));
    if (found) ++seen_;
    return Status::OK();
  }
  // Absent in lists of format version 1, where it is 0.
  static Status Sequence(AvroDecoder& in, const AvroField& field, SequenceNumber* out) {
    bool found = false;
    return in.ReadLong(*field.type, &out->value, &found);
  }

  Status DecodeField(AvroDecoder& in, const AvroField& field, ManifestFile* out) {
    bool found = false;
    switch (field.id.value_or(FieldId(-1)).value) {
      case kPath:
        return in.ReadBytes(*field.type, &out->manifest_path, &found);
      case kLength:
        return Long(in, field, &out->manifest_length_bytes);
      case kSpecId:
        return Int(in, field, &out->spec_id.value);
      case kContent: {
        std::int32_t content = 0;
        FIRN_RETURN_IF_ERROR(in.ReadInt(*field.type, &content, &found));
        if (content < 0 || content > 1) {
          return Status::Corruption("manifest has the content " +
                                    std::to_string(content));
        }
        out->content = static_cast<ManifestContent>(content);
        return Status::OK();
      }
      case kSequenceNumber:
        return Sequence(in, field, &out->sequence_number);
      case kMinSequenceNumber:
        return Sequence(in, field, &out->min_sequence_number);
      case kAddedSnapshotId:
        return Long(in, field, &out->added_snapshot_id.value);
      case kAddedFiles:
        return Int(in, field, &out->added_files_count);
      case kExistingFiles:
        return Int(in, field, &out->existing_files_count);
      case kDeletedFiles:
        return Int(in, field, &out->deleted_files_count);
      case kAddedRows:
        return Long(in, field, &out->added_rows_count);
      case kExistingRows:
        return Long(in, field, &out->existing_rows_count);
      case kDeletedRows:
        return Long(in, field, &out->deleted_rows_count);
      case kPartitions:
        return in.ReadArray(
            *field.type,
            [&](const AvroSchema& item) -> Status {
              FIRN_ASSIGN_OR_RETURN(FieldSummary summary, DecodeSummary(in, item));
              out->partitions.push_back(std::move(summary));
              return Status::OK();
            },
            &found);
      case kKeyMetadata:
        return ReadOptionalBytes(in, field, &out->key_metadata);
      default:
        return in.Skip(*field.type);
    }
  }

  int seen_ = 0;  // Required numbers seen.
};

}  // namespace

Result<std::string> EncodeManifestList(SnapshotId snapshot_id,
                                       std::optional<SnapshotId> parent_id,
                                       SequenceNumber sequence_number,
                                       const std::vector<ManifestFile>& manifests) {
  AvroFileWriter file(ManifestFileSchema(),
                      {{"snapshot-id", snapshot_id.ToString()},
                       {"parent-snapshot-id", parent_id ? parent_id->ToString() : "null"},
                       {"sequence-number", sequence_number.ToString()},
                       {"format-version", "2"}},
                      AvroCodec::kDeflate);
  AvroEncoder encoder(file.object());
  for (const ManifestFile& manifest : manifests) {
    Encode(manifest, &encoder);
    FIRN_RETURN_IF_ERROR(file.EndObject());
  }
  return std::move(file).Finish();
}

Result<std::vector<ManifestFile>> DecodeManifestList(std::string_view bytes) {
  FIRN_ASSIGN_OR_RETURN(const AvroFileReader file, AvroFileReader::Open(bytes));
  const auto version = file.metadata().find("format-version");
  if (version != file.metadata().end() && version->second != "1" &&
      version->second != "2" && version->second != "3") {
    return Status::Unimplemented("manifest list of format version " + version->second +
                                 " is not read yet");
  }
  std::vector<ManifestFile> manifests;
  ManifestFileDecoder decoder;
  FIRN_RETURN_IF_ERROR(file.ReadObjects([&](AvroDecoder& in) -> Status {
    FIRN_ASSIGN_OR_RETURN(ManifestFile manifest, decoder.Decode(in, file.schema()));
    manifests.push_back(std::move(manifest));
    return Status::OK();
  }));
  return manifests;
}

}  // namespace firn::iceberg
