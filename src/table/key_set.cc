// SPDX-License-Identifier: Apache-2.0
#include "table/key_set.h"

#include <arrow/array/array_base.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <set>
#include <string_view>
#include <utility>

#include "base/quote.h"
#include "iceberg/single_value.h"
#include "table/arrow_status.h"
#include "table/transform_batch.h"

namespace firn::table {
namespace {

// What the set keeps of a key beside its bytes: a node and its share of the buckets.
constexpr std::int64_t kBytesPerKey = 80;
constexpr std::size_t kKeyTextBytesMax = 80;  // In errors.

// The equality of floating-point numbers is not that of what was written, and some types
// have no values to compare.
bool Identifies(const iceberg::PrimitiveType& type) {
  return type.kind != iceberg::PrimitiveKind::kFloat &&
         type.kind != iceberg::PrimitiveKind::kDouble &&
         type.kind != iceberg::PrimitiveKind::kUnknown &&
         type.kind != iceberg::PrimitiveKind::kVariant;
}

// A number as it is; bytes, which may be anything, with quotes and escapes.
std::string KeyText(const arrow::Scalar& value) {
  const std::string text = value.ToString().substr(0, kKeyTextBytesMax);
  const arrow::Type::type id = value.type->id();
  return arrow::is_base_binary_like(id) || id == arrow::Type::FIXED_SIZE_BINARY
             ? base::Quoted(text)
             : text;
}

class KeyMatcher final : public RowMatcher {
 public:
  explicit KeyMatcher(const KeySet& keys) : keys_(keys) {}

  Status Bind(const iceberg::Schema& schema) override {
    for (const std::string& column : keys_.columns()) {
      if (schema.FindColumn(column) == nullptr) {
        return Status::InvalidArgument("the table has no column " + column + " any more");
      }
    }
    return Status::OK();
  }
  expr::PredicatePtr bounds() const override { return keys_.Bounds(); }
  std::vector<std::string> columns() const override { return keys_.columns(); }
  Status Match(const arrow::RecordBatch& batch,
               std::vector<std::uint8_t>& mask) override {
    return keys_.Find(batch, mask);
  }

 private:
  const KeySet& keys_;
};

}  // namespace

Result<KeySet> KeySet::Make(const iceberg::Schema& schema,
                            std::vector<std::string> columns, base::ByteBudget& budget) {
  std::vector<KeyField> fields;
  std::set<std::string_view> named;
  for (const std::string& column : columns) {
    if (!named.insert(column).second) {
      return Status::InvalidArgument("key: column " + column + " is named twice");
    }
    const iceberg::NestedField* found = nullptr;
    for (const iceberg::NestedField& field : schema.fields()) {
      if (field.name == column) found = &field;
    }
    if (found == nullptr) {
      return Status::InvalidArgument("key: the table has no column " + column);
    }
    const iceberg::PrimitiveType* const type = found->type.primitive();
    if (type == nullptr || !Identifies(*type)) {
      return Status::InvalidArgument("key: column " + column + " is of type " +
                                     found->type.ToString() +
                                     ", which identifies no row");
    }
    KeyField field;
    field.source = SourceColumn{{static_cast<int>(fields.size())}, *type};
    field.transform = iceberg::Transform::Identity();
    field.result = *type;
    fields.push_back(std::move(field));
  }
  FIRN_ASSIGN_OR_RETURN(base::ByteReservation reserved,
                        base::ByteReservation::Make(&budget, 0));
  return KeySet(std::move(columns), std::move(fields), std::move(reserved));
}

Result<std::shared_ptr<arrow::RecordBatch>> KeySet::KeyColumns(
    const arrow::RecordBatch& batch) const {
  arrow::FieldVector fields;
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const std::string& name : columns_) {
    const int index = batch.schema()->GetFieldIndex(name);
    if (index < 0) return Status::InvalidArgument("key: there is no column " + name);
    fields.push_back(batch.schema()->field(index));
    columns.push_back(batch.column(index));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), batch.num_rows(),
                                  std::move(columns));
}

void KeySet::Widen(std::size_t i, const arrow::Array& column) {
  const iceberg::PrimitiveType& type = encoder_.fields()[i].result;
  Range& range = ranges_[i];
  for (std::int64_t row = 0; row < column.length(); ++row) {
    iceberg::OptionalValue value = ValueAt(column, row, type);
    if (!value.has_value()) continue;
    if (!range.least || iceberg::CompareValues(*value, *range.least) < 0) {
      range.least = value;
    }
    if (!range.greatest || iceberg::CompareValues(*value, *range.greatest) > 0) {
      range.greatest = std::move(value);
    }
  }
}

Status KeySet::Add(CheckedBatch& batch) {
  FIRN_ASSIGN_OR_RETURN(const auto key_columns, KeyColumns(*batch.rows));
  for (int i = 0; i < key_columns->num_columns(); ++i) {
    Widen(static_cast<std::size_t>(i), *key_columns->column(i));
  }
  FIRN_ASSIGN_OR_RETURN(const auto columns,
                        encoder_.Columns(*key_columns, arrow::default_memory_pool()));
  return batch.MarkInvalid(
      [&](std::int64_t row) { return AddRow(*key_columns, columns, row); });
}

Result<std::optional<InvalidRow>> KeySet::AddRow(
    const arrow::RecordBatch& key_columns,
    const std::vector<std::shared_ptr<arrow::Array>>& encoded, std::int64_t row) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (key_columns.column(static_cast<int>(i))->IsNull(row)) {
      return std::optional(InvalidRow{row, columns_[i], "NULL in a key"});
    }
  }
  std::string key;
  encoder_.AppendKey(encoded, row, &key);
  FIRN_RETURN_IF_ERROR(
      reserved_.Grow(static_cast<std::int64_t>(key.size()) + kBytesPerKey));
  if (keys_.insert(std::move(key)).second) return std::optional<InvalidRow>();
  std::string names;
  std::string text;
  for (int i = 0; i < key_columns.num_columns(); ++i) {
    FIRN_ASSIGN_OR_RETURN(const auto value,
                          FromArrow(key_columns.column(i)->GetScalar(row)));
    names += (i == 0 ? "" : ", ") + columns_[static_cast<std::size_t>(i)];
    text += (i == 0 ? "" : ", ") + KeyText(*value);
  }
  return std::optional(
      InvalidRow{row, std::move(names), "the key " + text + " comes twice"});
}

Status KeySet::Find(const arrow::RecordBatch& batch,
                    std::vector<std::uint8_t>& mask) const {
  FIRN_ASSIGN_OR_RETURN(const auto key_columns, KeyColumns(batch));
  FIRN_ASSIGN_OR_RETURN(const auto columns,
                        encoder_.Columns(*key_columns, arrow::default_memory_pool()));
  mask.assign(static_cast<std::size_t>(batch.num_rows()), 0);
  std::string key;
  for (std::int64_t row = 0; row < batch.num_rows(); ++row) {
    key.clear();
    encoder_.AppendKey(columns, row, &key);
    mask[static_cast<std::size_t>(row)] =
        keys_.find(std::string_view(key)) != keys_.end();
  }
  return Status::OK();
}

expr::PredicatePtr KeySet::Bounds() const {
  expr::PredicatePtr bounds;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Range& range = ranges_[i];
    if (!range.least.has_value()) return nullptr;
    const iceberg::PrimitiveType& type = encoder_.fields()[i].result;
    const auto compare = [&](expr::CompareOp op, const iceberg::Value& value) {
      return expr::MakePredicate(
          expr::Compare{columns_[i], op, iceberg::ValueToLiteral(value, type)});
    };
    bounds =
        expr::Conjoin(std::move(bounds), compare(expr::CompareOp::kGtEq, *range.least));
    bounds = expr::Conjoin(std::move(bounds),
                           compare(expr::CompareOp::kLtEq, *range.greatest));
  }
  return bounds;
}

std::unique_ptr<RowMatcher> MakeKeyMatcher(const KeySet& keys) {
  return std::make_unique<KeyMatcher>(keys);
}

}  // namespace firn::table
