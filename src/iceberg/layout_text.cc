// SPDX-License-Identifier: Apache-2.0
#include "iceberg/layout_text.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/nearest_word.h"
#include "iceberg/text_cursor.h"

namespace firn::iceberg {
namespace {

constexpr std::pair<std::string_view, TransformKind> kTransforms[] = {
    {"identity", TransformKind::kIdentity}, {"bucket", TransformKind::kBucket},
    {"truncate", TransformKind::kTruncate}, {"year", TransformKind::kYear},
    {"years", TransformKind::kYear},        {"month", TransformKind::kMonth},
    {"months", TransformKind::kMonth},      {"day", TransformKind::kDay},
    {"days", TransformKind::kDay},          {"hour", TransformKind::kHour},
    {"hours", TransformKind::kHour},        {"void", TransformKind::kVoid},
};

struct Term {
  Transform transform;
  std::string column;
  std::size_t column_offset = 0;
};

Result<std::int32_t> ReadNumber(TextCursor* in, const std::string& transform) {
  const std::string_view word = in->PeekWord();
  std::int32_t number = 0;
  const auto [end, error] =
      std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size() || number <= 0) {
    return in->Unexpected("a positive number, as in " + transform + "(16, column)");
  }
  in->TakeWord();
  return number;
}

// The transform that is called `name`, with its number and the comma behind it where it
// takes one.
Result<Transform> ReadTransform(TextCursor* in, const std::string& name,
                                std::size_t offset) {
  const std::string lower = Lower(name);
  std::vector<std::string_view> names;
  for (const auto& [text, kind] : kTransforms) {
    names.push_back(text);
    if (text != lower) continue;
    Transform transform{kind, 0, {}};
    if (kind == TransformKind::kBucket || kind == TransformKind::kTruncate) {
      FIRN_ASSIGN_OR_RETURN(transform.parameter, ReadNumber(in, name));
      FIRN_RETURN_IF_ERROR(in->Expect(','));
    }
    return transform;
  }
  const std::string_view nearest = base::NearestWord(lower, names);
  return ErrorAt(
      offset,
      "there is no transform " + name +
          (nearest.empty() ? std::string() : "; is " + std::string(nearest) + " meant?"));
}

Result<Term> ReadTerm(TextCursor* in) {
  Term term;
  term.column_offset = in->offset();
  const bool quoted = in->AtQuote();
  FIRN_ASSIGN_OR_RETURN(term.column, in->Name("a column or transform"));
  if (quoted || !in->TakeSymbol('(')) return term;
  FIRN_ASSIGN_OR_RETURN(term.transform,
                        ReadTransform(in, term.column, term.column_offset));
  term.column_offset = in->offset();
  FIRN_ASSIGN_OR_RETURN(term.column, in->Name("a column"));
  FIRN_RETURN_IF_ERROR(in->Expect(')'));
  return term;
}

Status EndTerm(TextCursor* in) {
  if (in->AtEnd()) return Status::OK();
  FIRN_RETURN_IF_ERROR(in->Expect(','));
  return in->AtEnd() ? in->Unexpected("a column or transform") : Status::OK();
}

Result<SortTerm> ReadSortTerm(TextCursor* in) {
  FIRN_ASSIGN_OR_RETURN(Term term, ReadTerm(in));
  SortTerm out{std::move(term.transform), std::move(term.column)};
  out.column_offset = term.column_offset;
  if (in->TakeWord("desc")) {
    out.direction = SortDirection::kDescending;
    out.null_order = NullOrder::kNullsLast;
  } else {
    in->TakeWord("asc");
  }
  if (!in->TakeWord("nulls")) return out;
  if (in->TakeWord("first")) {
    out.null_order = NullOrder::kNullsFirst;
  } else if (in->TakeWord("last")) {
    out.null_order = NullOrder::kNullsLast;
  } else {
    return in->Unexpected("first or last");
  }
  return out;
}

}  // namespace

Result<std::vector<PartitionTerm>> ParsePartitionTerms(std::string_view text) {
  std::vector<PartitionTerm> terms;
  TextCursor in(text);
  while (!in.AtEnd()) {
    FIRN_ASSIGN_OR_RETURN(Term term, ReadTerm(&in));
    PartitionTerm out{std::move(term.transform), std::move(term.column)};
    out.column_offset = term.column_offset;
    if (in.TakeWord("as")) {
      FIRN_ASSIGN_OR_RETURN(out.name, in.Name("a name"));
    }
    terms.push_back(std::move(out));
    FIRN_RETURN_IF_ERROR(EndTerm(&in));
  }
  return terms;
}

Result<std::vector<SortTerm>> ParseSortTerms(std::string_view text) {
  std::vector<SortTerm> terms;
  TextCursor in(text);
  while (!in.AtEnd()) {
    FIRN_ASSIGN_OR_RETURN(SortTerm term, ReadSortTerm(&in));
    terms.push_back(std::move(term));
    FIRN_RETURN_IF_ERROR(EndTerm(&in));
  }
  return terms;
}

Result<const NestedField*> FindTermColumn(const std::string& column,
                                          std::size_t column_offset,
                                          const Transform& transform,
                                          const Schema& schema) {
  const NestedField* field = schema.FindColumn(column);
  if (field == nullptr) {
    std::vector<std::string_view> names;
    for (const NestedField& known : schema.fields()) names.push_back(known.name);
    const std::string_view nearest = base::NearestWord(column, names);
    return ErrorAt(column_offset,
                   "there is no column " + column +
                       (nearest.empty() ? std::string()
                                        : "; is " + std::string(nearest) + " meant?"));
  }
  const PrimitiveType* type = field->type.primitive();
  if (type == nullptr) {
    return ErrorAt(column_offset, "column " + column + " is of type " +
                                      field->type.ToString() +
                                      ", and only primitive types can be used");
  }
  const auto result = ResultType(transform, *type);
  if (!result.ok()) {
    return ErrorAt(column_offset,
                   "column " + column + ": " + std::string(result.status().message()));
  }
  return field;
}

Result<SortOrder> MakeSortOrder(const std::vector<SortTerm>& terms,
                                const Schema& schema) {
  SortOrder order;
  for (const SortTerm& term : terms) {
    FIRN_ASSIGN_OR_RETURN(
        const NestedField* source,
        FindTermColumn(term.column, term.column_offset, term.transform, schema));
    order.fields.push_back({source->id, term.transform, term.direction, term.null_order});
  }
  order.id = order.is_unsorted() ? kUnsortedOrderId : SortOrderId(1);
  return order;
}

}  // namespace firn::iceberg
