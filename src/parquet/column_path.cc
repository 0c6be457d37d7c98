// SPDX-License-Identifier: Apache-2.0
#include "parquet/column_path.h"

namespace firn::parquet {
namespace {

using ::parquet::schema::GroupNode;
using ::parquet::schema::Node;

const GroupNode* AsGroup(const Node& node) {
  return node.is_group() ? static_cast<const GroupNode*>(&node) : nullptr;
}

// The group inside a list or a map that stands for no value of its own, or null.
const GroupNode* RepeatedGroup(const GroupNode& group) {
  const bool is_root = group.parent() == nullptr;
  if (is_root || group.field_count() != 1 || !group.field(0)->is_repeated())
    return nullptr;
  return AsGroup(*group.field(0));
}

void AddPaths(const GroupNode& group, const std::string& prefix,
              std::vector<std::string>& paths) {
  if (const GroupNode* repeated = RepeatedGroup(group)) {
    return AddPaths(*repeated, prefix, paths);
  }
  for (int i = 0; i < group.field_count(); ++i) {
    const Node& child = *group.field(i);
    paths.push_back(prefix + child.name());
    if (const GroupNode* below = AsGroup(child)) {
      AddPaths(*below, prefix + child.name() + ".", paths);
    }
  }
}

}  // namespace

const Node* FindNode(const GroupNode& group, std::string_view path) {
  const Node* exact = nullptr;
  for (int i = 0; i < group.field_count(); ++i) {
    if (group.field(i)->name() != path) continue;
    if (exact != nullptr) return nullptr;
    exact = group.field(i).get();
  }
  if (exact != nullptr) return exact;
  for (int i = 0; i < group.field_count(); ++i) {
    const std::string& name = group.field(i)->name();
    const GroupNode* below = AsGroup(*group.field(i));
    if (below == nullptr || path.size() <= name.size() || path[name.size()] != '.' ||
        !path.starts_with(name)) {
      continue;
    }
    if (const Node* found = FindNode(*below, path.substr(name.size() + 1))) return found;
  }
  const GroupNode* repeated = RepeatedGroup(group);
  return repeated == nullptr ? nullptr : FindNode(*repeated, path);
}

const Node* FindNode(const GroupNode& group, std::int32_t field_id) {
  for (int i = 0; i < group.field_count(); ++i) {
    const Node& child = *group.field(i);
    if (child.field_id() == field_id) return &child;
    const GroupNode* below = AsGroup(child);
    const Node* found = below == nullptr ? nullptr : FindNode(*below, field_id);
    if (found != nullptr) return found;
  }
  return nullptr;
}

std::vector<std::string> AllPaths(const GroupNode& group) {
  std::vector<std::string> paths;
  AddPaths(group, "", paths);
  return paths;
}

}  // namespace firn::parquet
