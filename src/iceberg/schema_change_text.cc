// SPDX-License-Identifier: Apache-2.0
#include "iceberg/schema_change_text.h"

#include <string>
#include <utility>
#include <vector>

#include "iceberg/column_reader.h"
#include "iceberg/text_cursor.h"

namespace firn::iceberg {
namespace {

struct Path {
  std::string parent;  // Empty: the table itself.
  std::string name;
  std::string full() const { return parent.empty() ? name : parent + "." + name; }
};

// The names of a word: `a.b` has two. One that is empty at the end is to come.
Status SplitAtDots(std::string_view word, std::size_t offset,
                   std::vector<std::string>* names) {
  while (true) {
    const std::size_t dot = word.find('.');
    if (dot == 0) return ErrorAt(offset, "a name is empty");
    names->emplace_back(word.substr(0, dot));
    if (dot == std::string_view::npos) return Status::OK();
    word.remove_prefix(dot + 1);
    if (word.empty()) return Status::OK();
  }
}

// A dot between quotes is part of a name, any other stands between two.
Result<Path> ReadPath(TextCursor* in) {
  std::vector<std::string> names;
  bool ends = false;  // What was read is a path, which a dot may go on with.
  while (!ends || in->PeekWord().starts_with('.')) {
    const std::size_t offset = in->offset();
    const bool quoted = in->AtQuote();
    FIRN_ASSIGN_OR_RETURN(const std::string part, in->Name("a column"));
    std::string_view word = part;
    if (quoted) {
      names.push_back(part);
    } else {
      if (ends) word.remove_prefix(1);
      if (!word.empty()) FIRN_RETURN_IF_ERROR(SplitAtDots(word, offset, &names));
    }
    ends = quoted || !part.ends_with('.');
  }
  Path path;
  path.name = std::move(names.back());
  names.pop_back();
  for (const std::string& name : names) {
    path.parent += (path.parent.empty() ? "" : ".") + name;
  }
  return path;
}

// The name of a field beside `path`, alone or behind the path that both have.
std::string NameBeside(const Path& path, const Path& other) {
  return other.parent == path.parent ? other.name : other.full();
}

Status CheckEnd(const TextCursor& in) {
  return in.AtEnd() ? Status::OK() : in.Unexpected("the end");
}

// A column and nothing else.
Result<std::string> ReadWholePath(std::string_view text) {
  TextCursor in(text);
  FIRN_ASSIGN_OR_RETURN(const Path path, ReadPath(&in));
  FIRN_RETURN_IF_ERROR(CheckEnd(in));
  return path.full();
}

}  // namespace

Result<AddColumn> ParseAddColumn(std::string_view text) {
  TextCursor in(text);
  FIRN_ASSIGN_OR_RETURN(Path path, ReadPath(&in));
  NestedField field;
  FIRN_RETURN_IF_ERROR(ColumnReader(&in).TypeAndRest(&field));
  FIRN_RETURN_IF_ERROR(CheckEnd(in));
  return AddColumn{std::move(path.parent), std::move(path.name), std::move(field.type),
                   field.required, std::move(field.doc)};
}

Result<DropColumn> ParseDropColumn(std::string_view text) {
  FIRN_ASSIGN_OR_RETURN(std::string path, ReadWholePath(text));
  return DropColumn{std::move(path)};
}

Result<RenameColumn> ParseRenameColumn(std::string_view text) {
  TextCursor in(text);
  FIRN_ASSIGN_OR_RETURN(const Path path, ReadPath(&in));
  FIRN_RETURN_IF_ERROR(in.Expect('='));
  const std::size_t offset = in.offset();
  const bool quoted = in.AtQuote();
  FIRN_ASSIGN_OR_RETURN(const Path name, ReadPath(&in));
  FIRN_RETURN_IF_ERROR(CheckEnd(in));
  if (!quoted && !name.parent.empty() && name.parent != path.parent) {
    return ErrorAt(offset,
                   "a column stays where it is: give the new name alone, between double "
                   "quotes where it has a dot");
  }
  return RenameColumn{path.full(), NameBeside(path, name)};
}

Result<WidenType> ParseWidenType(std::string_view text) {
  TextCursor in(text);
  FIRN_ASSIGN_OR_RETURN(const Path path, ReadPath(&in));
  const std::size_t offset = in.offset();
  FIRN_ASSIGN_OR_RETURN(const Type type, ColumnReader(&in).ReadType());
  if (type.primitive() == nullptr) {
    return ErrorAt(offset, "only primitive types widen: of others name the field");
  }
  FIRN_RETURN_IF_ERROR(CheckEnd(in));
  return WidenType{path.full(), *type.primitive()};
}

Result<MakeOptional> ParseMakeOptional(std::string_view text) {
  FIRN_ASSIGN_OR_RETURN(std::string path, ReadWholePath(text));
  return MakeOptional{std::move(path)};
}

Result<MoveColumn> ParseMoveColumn(std::string_view text) {
  TextCursor in(text);
  FIRN_ASSIGN_OR_RETURN(const Path path, ReadPath(&in));
  MoveColumn move{path.full()};
  if (in.TakeWord("first")) {
    FIRN_RETURN_IF_ERROR(CheckEnd(in));
    return move;
  }
  if (in.TakeWord("before")) {
    move.place = Place::kBefore;
  } else if (in.TakeWord("after")) {
    move.place = Place::kAfter;
  } else {
    return in.Unexpected("first, before or after");
  }
  FIRN_ASSIGN_OR_RETURN(const Path sibling, ReadPath(&in));
  FIRN_RETURN_IF_ERROR(CheckEnd(in));
  move.sibling = NameBeside(path, sibling);
  return move;
}

Result<SetDoc> ParseSetDoc(std::string_view text) {
  TextCursor in(text);
  FIRN_ASSIGN_OR_RETURN(const Path path, ReadPath(&in));
  FIRN_RETURN_IF_ERROR(in.Expect('='));
  FIRN_ASSIGN_OR_RETURN(std::string doc, in.Rest());
  return SetDoc{path.full(), std::move(doc)};
}

}  // namespace firn::iceberg
