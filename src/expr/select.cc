// SPDX-License-Identifier: Apache-2.0
// select.cc: evaluation on batches.
//
// 1. Negations are carried down to the leaves, as in may_match.cc: a leaf's mask is of
//    the rows where it is true, or where it is false; a NULL is in neither.
// 2. A leaf on a dictionary is asked of its entries, and then looked up row by row.
// 3. Masks are combined by And and Or, which keep "may match" conservative because no
//    negation is left above them.
#include "expr/select.h"

#include <string_view>
#include <utility>

#include "arrow/array/array_base.h"
#include "arrow/array/array_dict.h"
#include "arrow/array/array_nested.h"
#include "arrow/extension_type.h"
#include "arrow/record_batch.h"
#include "arrow/type.h"

#include "expr/column_mask.h"
#include "expr/column_path.h"

namespace firn::expr {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;

// The values of a column, NULL wherever a struct on the way to it is, and an extension
// type's as those of its storage. Null where the batch has no such column, or two.
ArrayPtr FindColumn(const arrow::RecordBatch& batch, const std::string& name) {
  ArrayPtr array;
  for (const int index : FindColumnPath(batch.schema()->fields(), name)) {
    if (array == nullptr) {
      array = batch.column(index);
      continue;
    }
    auto field = static_cast<const arrow::StructArray&>(*array).GetFlattenedField(index);
    if (!field.ok()) return nullptr;
    array = *std::move(field);
  }
  while (array != nullptr && array->type_id() == arrow::Type::EXTENSION) {
    array = static_cast<const arrow::ExtensionArray&>(*array).storage();
  }
  return array;
}

// mask[i] = of_entry[index of row i], 0 for NULL.
template <typename Index>
void LookUp(const arrow::Array& indices, const Mask& of_entry, Mask& mask) {
  const Index* const values = indices.data()->GetValues<Index>(1);
  if (indices.null_count() == 0) {
    for (std::size_t i = 0; i < mask.size(); ++i) {
      mask[i] = of_entry[static_cast<std::size_t>(values[i])];
    }
    return;
  }
  for (std::size_t i = 0; i < mask.size(); ++i) {
    mask[i] = indices.IsValid(static_cast<std::int64_t>(i))
                  ? of_entry[static_cast<std::size_t>(values[i])]
                  : 0;
  }
}

void LookUp(const arrow::Array& indices, const Mask& of_entry, Mask& mask) {
  switch (indices.type_id()) {
    case arrow::Type::INT8:
      return LookUp<std::int8_t>(indices, of_entry, mask);
    case arrow::Type::UINT8:
      return LookUp<std::uint8_t>(indices, of_entry, mask);
    case arrow::Type::INT16:
      return LookUp<std::int16_t>(indices, of_entry, mask);
    case arrow::Type::UINT16:
      return LookUp<std::uint16_t>(indices, of_entry, mask);
    case arrow::Type::INT32:
      return LookUp<std::int32_t>(indices, of_entry, mask);
    case arrow::Type::UINT32:
      return LookUp<std::uint32_t>(indices, of_entry, mask);
    case arrow::Type::UINT64:
      return LookUp<std::uint64_t>(indices, of_entry, mask);
    default:
      return LookUp<std::int64_t>(indices, of_entry, mask);
  }
}

class Selector {
 public:
  explicit Selector(const arrow::RecordBatch& batch) : batch_(batch) {}

  Mask Visit(const Predicate& predicate, bool negated) const {
    return std::visit([&](const auto& node) { return Ask(node, negated); },
                      predicate.node());
  }

 private:
  Mask Constant(bool value) const {
    return Mask(static_cast<std::size_t>(batch_.num_rows()), value ? 1 : 0);
  }

  // Compare, In, StartsWith or Like.
  template <typename Leaf>
  Mask Ask(const Leaf& leaf, bool negated) const {
    Mask mask = Constant(true);
    const ArrayPtr array = FindColumn(batch_, leaf.column);
    if (array == nullptr) return mask;
    if (array->type_id() != arrow::Type::DICTIONARY) {
      FillMask(leaf, negated, *array, mask);
      return mask;
    }
    const auto& coded = static_cast<const arrow::DictionaryArray&>(*array);
    const arrow::Array& entries = *coded.dictionary();
    Mask of_entry(static_cast<std::size_t>(entries.length()), 1);
    FillMask(leaf, negated, entries, of_entry);
    LookUp(*coded.indices(), of_entry, mask);
    return mask;
  }
  // NULL is not in an empty list, which has no dictionary to ask.
  Mask Ask(const In& leaf, bool negated) const {
    return leaf.literals.empty() ? Constant(negated) : Ask<In>(leaf, negated);
  }

  Mask Ask(const IsNull& p, bool negated) const { return Nulls(p.column, !negated); }
  Mask Ask(const IsNotNull& p, bool negated) const { return Nulls(p.column, negated); }
  Mask Nulls(const std::string& column, bool want_null) const {
    const ArrayPtr array = FindColumn(batch_, column);
    // A dictionary may hold NULL as an entry, so its rows' NULLs are not all of them.
    if (array == nullptr || array->type_id() == arrow::Type::DICTIONARY) {
      return NullsOfDictionary(array.get(), want_null);
    }
    Mask mask = Constant(!want_null);
    if (array->null_count() == 0) return mask;
    for (std::int64_t i = 0; i < array->length(); ++i) {
      mask[i] = static_cast<std::uint8_t>(array->IsNull(i) == want_null);
    }
    return mask;
  }
  Mask NullsOfDictionary(const arrow::Array* array, bool want_null) const {
    Mask mask = Constant(true);
    if (array == nullptr) return mask;
    const auto& coded = static_cast<const arrow::DictionaryArray&>(*array);
    for (std::int64_t i = 0; i < coded.length(); ++i) {
      const bool null =
          coded.IsNull(i) || coded.dictionary()->IsNull(coded.GetValueIndex(i));
      mask[i] = static_cast<std::uint8_t>(null == want_null);
    }
    return mask;
  }

  Mask Ask(const And& p, bool negated) const {
    return Combine(p.operands, negated, !negated);
  }
  Mask Ask(const Or& p, bool negated) const {
    return Combine(p.operands, negated, negated);
  }
  Mask Ask(const Not& p, bool negated) const { return Visit(*p.operand, !negated); }

  Mask Combine(const std::vector<PredicatePtr>& operands, bool negated, bool all) const {
    Mask mask = Constant(all);
    for (const PredicatePtr& operand : operands) {
      const Mask other = Visit(*operand, negated);
      for (std::size_t i = 0; i < mask.size(); ++i) {
        mask[i] = all ? (mask[i] & other[i]) : (mask[i] | other[i]);
      }
    }
    return mask;
  }

  const arrow::RecordBatch& batch_;
};

}  // namespace

void SelectRows(const Predicate& predicate, const arrow::RecordBatch& batch,
                std::vector<std::uint8_t>& mask) {
  mask = Selector(batch).Visit(predicate, false);
}

}  // namespace firn::expr
