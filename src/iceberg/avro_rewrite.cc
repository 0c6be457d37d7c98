// SPDX-License-Identifier: Apache-2.0
#include "iceberg/avro_rewrite.h"

#include <optional>

#include "iceberg/avro_decoder.h"
#include "iceberg/avro_encoder.h"
#include "iceberg/avro_file.h"

namespace firn::iceberg {
namespace {

class AvroCopy {
 public:
  AvroCopy(AvroDecoder& in, std::string& out, const AvroChanges& changes)
      : in_(in), out_(out), changes_(changes) {}

  // One value of `schema`; `id` is that of the field it is the value of.
  Status Value(const AvroSchema& schema, std::optional<FieldId> id) {
    switch (schema.kind) {
      case AvroKind::kNull:
        return Status::OK();
      case AvroKind::kBoolean:
        return Raw(1);
      case AvroKind::kFloat:
        return Raw(4);
      case AvroKind::kDouble:
        return Raw(8);
      case AvroKind::kFixed:
        return Raw(schema.fixed_bytes);
      case AvroKind::kInt:
      case AvroKind::kEnum:
        return Number(std::nullopt);
      case AvroKind::kLong:
        return Number(id);
      case AvroKind::kBytes:
        return Text(std::nullopt);
      case AvroKind::kString:
        return Text(id);
      case AvroKind::kArray:
        return Array(schema);
      case AvroKind::kMap:
        return Status::Unimplemented("an Avro map with keys of text is not rewritten");
      case AvroKind::kRecord:
        for (const AvroField& field : schema.fields) {
          FIRN_RETURN_IF_ERROR(Value(*field.type, field.id));
        }
        return Status::OK();
      case AvroKind::kUnion:
        return Union(schema, id);
    }
    return Status::Internal("an Avro schema of no kind");
  }

 private:
  Status Raw(std::uint64_t size) {
    FIRN_ASSIGN_OR_RETURN(const std::string_view bytes, in_.Raw(size));
    out_.Fixed(bytes);
    return Status::OK();
  }
  Status Number(std::optional<FieldId> id) {
    FIRN_ASSIGN_OR_RETURN(std::int64_t number, in_.Long());
    if (id.has_value()) {
      FIRN_ASSIGN_OR_RETURN(number, changes_.number(*id, number));
    }
    out_.Long(number);
    return Status::OK();
  }
  Status Text(std::optional<FieldId> id) {
    FIRN_ASSIGN_OR_RETURN(const std::string_view text, in_.Bytes());
    if (!id.has_value()) {
      out_.Bytes(text);
      return Status::OK();
    }
    FIRN_ASSIGN_OR_RETURN(const std::string changed, changes_.text(*id, text));
    out_.String(changed);
    return Status::OK();
  }
  // A block for each item: how many there are is not known before they are through.
  Status Array(const AvroSchema& schema) {
    bool found = false;
    FIRN_RETURN_IF_ERROR(in_.ReadArray(
        schema,
        [&](const AvroSchema& item) {
          out_.ArrayBegin(1);
          return Value(item, std::nullopt);
        },
        &found));
    out_.ArrayEnd();
    return Status::OK();
  }
  Status Union(const AvroSchema& schema, std::optional<FieldId> id) {
    FIRN_ASSIGN_OR_RETURN(const std::int64_t branch, in_.Long());
    if (branch < 0 || static_cast<std::size_t>(branch) >= schema.branches.size()) {
      return Status::Corruption("Avro union has no branch " + std::to_string(branch));
    }
    out_.Long(branch);
    return Value(*schema.branches[static_cast<std::size_t>(branch)], id);
  }

  AvroDecoder& in_;
  AvroEncoder out_;
  const AvroChanges& changes_;
};

}  // namespace

Result<std::string> RewriteAvroFile(std::string_view bytes, const AvroChanges& changes) {
  FIRN_ASSIGN_OR_RETURN(const AvroFileReader reader, AvroFileReader::Open(bytes));
  AvroFileWriter writer(reader);
  FIRN_RETURN_IF_ERROR(reader.ReadObjects([&](AvroDecoder& in) -> Status {
    FIRN_RETURN_IF_ERROR(
        AvroCopy(in, writer.object(), changes).Value(reader.schema(), std::nullopt));
    return writer.EndObject();
  }));
  return std::move(writer).Finish();
}

}  // namespace firn::iceberg
