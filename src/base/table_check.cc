// SPDX-License-Identifier: Apache-2.0
#include "firn/table_check.h"

namespace firn {

std::string_view TableFaultKindName(TableFaultKind kind) {
  switch (kind) {
    case TableFaultKind::kMetadata:
      return "metadata";
    case TableFaultKind::kManifestList:
      return "manifest list";
    case TableFaultKind::kManifest:
      return "manifest";
    case TableFaultKind::kMissingFile:
      return "missing file";
    case TableFaultKind::kFile:
      return "file";
    case TableFaultKind::kRowCount:
      return "row count";
    case TableFaultKind::kMetrics:
      return "metrics";
    case TableFaultKind::kPartition:
      return "partition";
    case TableFaultKind::kContent:
      return "content";
  }
  return "";
}

std::string ToString(const TableFault& fault) {
  std::string text = fault.location;
  if (!fault.column.empty()) text += ": column " + fault.column;
  text += ": " + std::string(TableFaultKindName(fault.kind)) + ": " + fault.found;
  if (!fault.expected.empty()) text += ", expected " + fault.expected;
  return text;
}

}  // namespace firn
