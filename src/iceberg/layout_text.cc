// SPDX-License-Identifier: Apache-2.0
#include "iceberg/layout_text.h"

#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/nearest_word.h"

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

Status ErrorAt(std::size_t offset, const std::string& message) {
  return Status::InvalidArgument("character " + std::to_string(offset + 1) + ": " +
                                 message);
}

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         c == '_' || c == '.' || c == '-' || static_cast<unsigned char>(c) >= 0x80;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

struct Term {
  Transform transform;
  std::string column;
  std::size_t column_offset = 0;
};

// Reads a text from its beginning. Borrows the text.
class TermReader {
 public:
  explicit TermReader(std::string_view text) : text_(text) { SkipSpaces(); }

  bool AtEnd() const { return at_ == text_.size(); }

  Status Expect(char symbol) {
    if (TakeSymbol(symbol)) return Status::OK();
    return ErrorAt(at_, std::string("expected '") + symbol + "', found " + Found());
  }

  bool TakeSymbol(char symbol) {
    if (AtEnd() || text_[at_] != symbol) return false;
    ++at_;
    SkipSpaces();
    return true;
  }

  // The next word, where it is `word` in any case.
  bool TakeWord(std::string_view word) {
    const std::string_view next = PeekWord();
    if (Lower(next) != word) return false;
    Skip(next.size());
    return true;
  }

  Result<std::string> Name(std::string_view what) {
    if (!AtEnd() && text_[at_] == '"') return QuotedName();
    const std::string_view word = PeekWord();
    if (word.empty()) {
      return ErrorAt(at_, "expected " + std::string(what) + ", found " + Found());
    }
    Skip(word.size());
    return std::string(word);
  }

  Result<Term> ReadTerm() {
    Term term;
    term.column_offset = at_;
    const bool quoted = !AtEnd() && text_[at_] == '"';
    FIRN_ASSIGN_OR_RETURN(term.column, Name("a column or transform"));
    if (quoted || !TakeSymbol('(')) return term;
    FIRN_ASSIGN_OR_RETURN(term.transform,
                          TransformNamed(term.column, term.column_offset));
    term.column_offset = at_;
    FIRN_ASSIGN_OR_RETURN(term.column, Name("a column"));
    FIRN_RETURN_IF_ERROR(Expect(')'));
    return term;
  }

  Status EndTerm() {
    if (AtEnd()) return Status::OK();
    FIRN_RETURN_IF_ERROR(Expect(','));
    return AtEnd() ? ErrorAt(at_, "expected a column or transform, found the end")
                   : Status::OK();
  }

  Status Unexpected(std::string_view expected) const {
    return ErrorAt(at_, "expected " + std::string(expected) + ", found " + Found());
  }

 private:
  void SkipSpaces() {
    while (!AtEnd() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) {
      ++at_;
    }
  }

  void Skip(std::size_t size) {
    at_ += size;
    SkipSpaces();
  }

  std::string_view PeekWord() const {
    std::size_t end = at_;
    while (end < text_.size() && IsWordByte(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }

  std::string Found() const {
    if (AtEnd()) return "the end";
    const std::string_view word = PeekWord();
    return "'" + std::string(word.empty() ? text_.substr(at_, 1) : word.substr(0, 100)) +
           "'";
  }

  Result<std::string> QuotedName() {
    const std::size_t begin = at_;
    std::string name;
    for (++at_; !AtEnd(); ++at_) {
      if (text_[at_] == '"') {
        // Two quotes are one within the name.
        if (at_ + 1 == text_.size() || text_[at_ + 1] != '"') {
          Skip(1);
          if (name.empty()) return ErrorAt(begin, "the name is empty");
          return name;
        }
        ++at_;
      }
      name.push_back(text_[at_]);
    }
    return ErrorAt(begin, "the quoted name does not end");
  }

  // A transform, with its number and the comma behind it where it takes one.
  Result<Transform> TransformNamed(const std::string& name, std::size_t offset) {
    const std::string lower = Lower(name);
    std::vector<std::string_view> names;
    for (const auto& [text, kind] : kTransforms) {
      names.push_back(text);
      if (text != lower) continue;
      const bool counts =
          kind == TransformKind::kBucket || kind == TransformKind::kTruncate;
      Transform transform{kind, 0, {}};
      if (counts) {
        FIRN_ASSIGN_OR_RETURN(transform.parameter, Number(name));
        FIRN_RETURN_IF_ERROR(Expect(','));
      }
      return transform;
    }
    const std::string_view nearest = base::NearestWord(lower, names);
    return ErrorAt(offset,
                   "there is no transform " + name +
                       (nearest.empty() ? std::string()
                                        : "; is " + std::string(nearest) + " meant?"));
  }

  Result<std::int32_t> Number(const std::string& transform) {
    const std::string_view word = PeekWord();
    std::int32_t number = 0;
    const auto [end, error] =
        std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size() || number <= 0) {
      return ErrorAt(at_, "expected a positive number, as in " + transform +
                              "(16, column), found " + Found());
    }
    Skip(word.size());
    return number;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

Result<SortTerm> ReadSortTerm(TermReader* in) {
  FIRN_ASSIGN_OR_RETURN(Term term, in->ReadTerm());
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
  TermReader in(text);
  while (!in.AtEnd()) {
    FIRN_ASSIGN_OR_RETURN(Term term, in.ReadTerm());
    PartitionTerm out{std::move(term.transform), std::move(term.column)};
    out.column_offset = term.column_offset;
    if (in.TakeWord("as")) {
      FIRN_ASSIGN_OR_RETURN(out.name, in.Name("a name"));
    }
    terms.push_back(std::move(out));
    FIRN_RETURN_IF_ERROR(in.EndTerm());
  }
  return terms;
}

Result<std::vector<SortTerm>> ParseSortTerms(std::string_view text) {
  std::vector<SortTerm> terms;
  TermReader in(text);
  while (!in.AtEnd()) {
    FIRN_ASSIGN_OR_RETURN(SortTerm term, ReadSortTerm(&in));
    terms.push_back(std::move(term));
    FIRN_RETURN_IF_ERROR(in.EndTerm());
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
