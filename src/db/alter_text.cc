// SPDX-License-Identifier: Apache-2.0
#include "db/alter_text.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/quote.h"
#include "base/utf8.h"
#include "iceberg/layout_text.h"
#include "iceberg/schema_change_text.h"

namespace firn::db {
namespace {

template <typename Change>
Result<iceberg::SchemaChange> Parsed(std::string_view what, const std::string& text,
                                     Result<Change> change) {
  if (!change.ok()) {
    // A terminal shows what is not UTF-8 as anything.
    const std::string shown = base::IsValidUtf8(text) ? text : base::Quoted(text);
    return change.status().With(std::string(what) + " " + shown);
  }
  return iceberg::SchemaChange(*std::move(change));
}

Result<iceberg::SchemaChange> ParseColumnChange(const ColumnChange& change) {
  const std::string& text = change.text;
  switch (change.kind) {
    case ColumnChangeKind::kAdd:
      return Parsed("add column", text, iceberg::ParseAddColumn(text));
    case ColumnChangeKind::kDrop:
      return Parsed("drop column", text, iceberg::ParseDropColumn(text));
    case ColumnChangeKind::kRename:
      return Parsed("rename column", text, iceberg::ParseRenameColumn(text));
    case ColumnChangeKind::kWiden:
      return Parsed("widen column", text, iceberg::ParseWidenType(text));
    case ColumnChangeKind::kMakeOptional:
      return Parsed("make column optional", text, iceberg::ParseMakeOptional(text));
    case ColumnChangeKind::kMove:
      return Parsed("move column", text, iceberg::ParseMoveColumn(text));
    case ColumnChangeKind::kDocument:
      return Parsed("document column", text, iceberg::ParseSetDoc(text));
  }
  return Status::Internal("a change of columns of an unknown kind");
}

}  // namespace

Result<iceberg::Alteration> ParseAlteration(const AlterTable& change) {
  if (change.columns.empty() && !change.partition && !change.sort) {
    return Status::InvalidArgument("there is nothing to change");
  }
  iceberg::Alteration alteration;
  for (const ColumnChange& column : change.columns) {
    FIRN_ASSIGN_OR_RETURN(iceberg::SchemaChange parsed, ParseColumnChange(column));
    alteration.columns.push_back(std::move(parsed));
  }
  if (change.partition) {
    auto terms = iceberg::ParsePartitionTerms(*change.partition);
    if (!terms.ok()) return terms.status().With("partition");
    alteration.partition = *std::move(terms);
  }
  if (change.sort) {
    auto terms = iceberg::ParseSortTerms(*change.sort);
    if (!terms.ok()) return terms.status().With("sort");
    alteration.sort = *std::move(terms);
  }
  return alteration;
}

}  // namespace firn::db
