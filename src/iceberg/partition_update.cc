// SPDX-License-Identifier: Apache-2.0
#include "iceberg/partition_update.h"

#include <algorithm>
#include <utility>

namespace firn::iceberg {
namespace {

// Applies one change after the other to a copy of a spec.
class SpecEvolution {
 public:
  SpecEvolution(PartitionSpec spec, const std::vector<PartitionSpec>& known_specs,
                const Schema& schema, FieldId last_id, int format_version)
      : spec_(std::move(spec)),
        known_specs_(known_specs),
        schema_(schema),
        last_id_(last_id),
        keeps_places_(format_version == 1) {}

  Status operator()(const AddPartitionField& change) {
    const PartitionTerm& term = change.term;
    FIRN_ASSIGN_OR_RETURN(
        const NestedField* source,
        FindTermColumn(term.column, term.column_offset, term.transform, schema_));
    if (const PartitionField* same = FindEquivalent(spec_, source->id, term)) {
      return Status::AlreadyExists("partition field " + same->name + " is " +
                                   ToString(term.transform) + "(" + term.column +
                                   ") already");
    }
    PartitionField field = NewField(source->id, term);
    FIRN_RETURN_IF_ERROR(FreeName(field.name));
    spec_.fields.push_back(std::move(field));
    return Status::OK();
  }

  Status operator()(const RemovePartitionField& change) {
    const auto at = Find(change.name);
    if (at == spec_.fields.end()) return NoField(change.name);
    if (keeps_places_) {
      at->transform = {TransformKind::kVoid, 0, {}};
    } else {
      spec_.fields.erase(at);
    }
    return Status::OK();
  }

  Status operator()(const RenamePartitionField& change) {
    const auto at = Find(change.name);
    if (at == spec_.fields.end()) return NoField(change.name);
    if (change.new_name != change.name) {
      FIRN_RETURN_IF_ERROR(FreeName(change.new_name));
      at->name = change.new_name;
    }
    return Status::OK();
  }

  Status operator()(const ReplacePartitionFields& change) {
    std::vector<PartitionField> before;
    if (keeps_places_) {
      before = spec_.fields;
      for (PartitionField& field : spec_.fields) {
        const bool wanted =
            std::any_of(change.terms.begin(), change.terms.end(),
                        [&](const PartitionTerm& term) { return Is(field, term); });
        if (!wanted) field.transform = {TransformKind::kVoid, 0, {}};
      }
    } else {
      // All go, and those that stay come back with their ids, in the order of the terms.
      spec_.fields.clear();
    }
    for (const PartitionTerm& term : change.terms) {
      const bool stayed =
          std::any_of(before.begin(), before.end(),
                      [&](const PartitionField& field) { return Is(field, term); });
      if (stayed) continue;
      const Status added = (*this)(AddPartitionField{term});
      // What is in the way is another of the terms: they are wrong, and not the table.
      if (added.Is(StatusCode::kAlreadyExists)) {
        return Status::InvalidArgument(std::string(added.message()));
      }
      FIRN_RETURN_IF_ERROR(added);
    }
    return Status::OK();
  }

  PartitionSpec TakeSpec() && { return std::move(spec_); }

 private:
  static const PartitionField* FindEquivalent(const PartitionSpec& spec, FieldId source,
                                              const PartitionTerm& term) {
    for (const PartitionField& field : spec.fields) {
      if (field.source_id == source && field.transform == term.transform) return &field;
    }
    return nullptr;
  }

  bool Is(const PartitionField& field, const PartitionTerm& term) const {
    const NestedField* source = schema_.FindColumn(term.column);
    return source != nullptr && source->id == field.source_id &&
           term.transform == field.transform;
  }

  bool HasId(FieldId id) const {
    return std::any_of(
        spec_.fields.begin(), spec_.fields.end(),
        [id](const PartitionField& field) { return field.field_id == id; });
  }

  std::vector<PartitionField>::iterator Find(const std::string& name) {
    return std::find_if(spec_.fields.begin(), spec_.fields.end(),
                        [&](const PartitionField& field) { return field.name == name; });
  }

  static Status NoField(const std::string& name) {
    return Status::NotFound("there is no partition field " + name);
  }

  // A void field of version 1 gives its name up to who needs it.
  Status FreeName(const std::string& name) {
    const auto at = Find(name);
    if (at == spec_.fields.end()) return Status::OK();
    if (at->transform.kind == TransformKind::kVoid) {
      at->name += "_" + at->field_id.ToString();
      return Status::OK();
    }
    return Status::AlreadyExists("partition field " + name +
                                 " exists: give another name");
  }

  PartitionField NewField(FieldId source, const PartitionTerm& term) {
    // Ids of version 1 are places, which nothing comes back to.
    for (const PartitionSpec& spec : known_specs_) {
      const PartitionField* same =
          keeps_places_ ? nullptr : FindEquivalent(spec, source, term);
      if (same != nullptr && !HasId(same->field_id) &&
          (term.name.empty() || term.name == same->name)) {
        return *same;
      }
    }
    last_id_ = FieldId(std::max(last_id_.value, kPartitionFieldIdFirst.value - 1) + 1);
    return {
        source, last_id_,
        term.name.empty() ? PartitionFieldName(term.transform, term.column) : term.name,
        term.transform};
  }

  PartitionSpec spec_;
  const std::vector<PartitionSpec>& known_specs_;
  const Schema& schema_;
  FieldId last_id_;
  const bool keeps_places_;
};

}  // namespace

std::string PartitionFieldName(const Transform& transform, std::string_view column) {
  const std::string name(column);
  switch (transform.kind) {
    case TransformKind::kIdentity:
    case TransformKind::kUnknown:
      return name;
    case TransformKind::kBucket:
      return name + "_bucket_" + std::to_string(transform.parameter);
    case TransformKind::kTruncate:
      return name + "_trunc_" + std::to_string(transform.parameter);
    case TransformKind::kVoid:
      return name + "_null";
    default:
      return name + "_" + ToString(transform);
  }
}

Result<PartitionSpec> EvolvePartitionSpec(const TableMetadata& table,
                                          const std::vector<PartitionChange>& changes) {
  const Schema& schema = table.current_schema();
  SpecEvolution evolution(table.default_spec(), table.partition_specs, schema,
                          table.last_partition_id, table.format_version);
  for (const PartitionChange& change : changes) {
    FIRN_RETURN_IF_ERROR(
        std::visit([&](const auto& one) { return evolution(one); }, change));
  }
  PartitionSpec spec = std::move(evolution).TakeSpec();
  FIRN_RETURN_IF_ERROR(CheckPartitionSpec(spec, schema));
  return spec;
}

Result<PartitionSpec> MakePartitionSpec(const std::vector<PartitionTerm>& terms,
                                        const Schema& schema) {
  const std::vector<PartitionSpec> none;
  SpecEvolution evolution({}, none, schema, FieldId(kPartitionFieldIdFirst.value - 1), 2);
  FIRN_RETURN_IF_ERROR(evolution(ReplacePartitionFields{terms}));
  PartitionSpec spec = std::move(evolution).TakeSpec();
  FIRN_RETURN_IF_ERROR(CheckPartitionSpec(spec, schema));
  return spec;
}

}  // namespace firn::iceberg
