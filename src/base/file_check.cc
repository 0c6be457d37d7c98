// SPDX-License-Identifier: Apache-2.0
#include "firn/file_check.h"

namespace firn {

std::string_view FaultKindName(FaultKind kind) {
  switch (kind) {
    case FaultKind::kFooter:
      return "footer";
    case FaultKind::kLayout:
      return "layout";
    case FaultKind::kRowCount:
      return "row count";
    case FaultKind::kPage:
      return "page";
    case FaultKind::kStatistics:
      return "statistics";
    case FaultKind::kPageIndex:
      return "page index";
    case FaultKind::kBloomFilter:
      return "bloom filter";
    case FaultKind::kUnreadable:
      return "unreadable";
  }
  return "";
}

std::string ToString(const FileFault& fault) {
  std::string text = fault.file;
  if (fault.row_group >= 0) text += ": row group " + std::to_string(fault.row_group);
  if (!fault.column.empty()) text += ": column " + fault.column;
  if (fault.page >= 0) text += ": page " + std::to_string(fault.page);
  text += ": " + std::string(FaultKindName(fault.kind)) + ": " + fault.found;
  if (!fault.expected.empty()) text += ", expected " + fault.expected;
  return text;
}

}  // namespace firn
