// SPDX-License-Identifier: Apache-2.0
#include "iceberg/manifest_merge.h"

#include <algorithm>

namespace firn::iceberg {
namespace {

// How many of the bin's first `size` manifests, the newest, are merged.
std::size_t TailLength(const std::vector<ManifestSize>& manifests, std::size_t size) {
  std::int64_t files = manifests.front().files;
  std::size_t length = 1;
  while (length < size && manifests[length].files <= 2 * files) {
    files += manifests[length++].files;
  }
  return length;
}

}  // namespace

MergePolicy MergePolicy::Of(const TableMetadata& metadata) {
  MergePolicy policy;
  policy.enabled = metadata.PropertyFlag(kPropertyMergeEnabled, true);
  policy.count_min = std::max<std::int64_t>(
      2, metadata.PropertyCount(kPropertyMergeMinCount, kManifestMergeMinCountDefault));
  policy.target_bytes = metadata.PropertyCount(kPropertyManifestTargetSize,
                                               kManifestTargetSizeBytesDefault);
  return policy;
}

std::vector<std::vector<std::size_t>> GroupManifests(
    const std::vector<ManifestSize>& manifests, const MergePolicy& policy) {
  std::vector<std::vector<std::size_t>> groups;
  // The positions [first, last) as one group.
  const auto take = [&](std::size_t first, std::size_t last) {
    std::vector<std::size_t>& group = groups.emplace_back();
    for (std::size_t i = first; i < last; ++i) group.push_back(i);
  };
  // The bin being packed ends, at its older side, before `end`.
  std::size_t begin = manifests.size();
  std::size_t end = begin;
  std::int64_t bytes = 0;
  for (; policy.enabled && begin > 0; --begin) {
    const std::int64_t more = manifests[begin - 1].bytes;
    if (begin < end && bytes + more > policy.target_bytes) {
      take(begin, end);
      end = begin;
      bytes = 0;
    }
    bytes += more;
  }
  // What is left is the newest bin, or all where nothing is merged.
  const bool enough = policy.enabled && std::cmp_greater_equal(end, policy.count_min);
  const std::size_t tail =
      enough ? TailLength(manifests, end) : std::min<std::size_t>(end, 1);
  for (std::size_t i = end; i > tail; --i) take(i - 1, i);
  if (tail > 0) take(0, tail);
  std::reverse(groups.begin(), groups.end());
  return groups;
}

}  // namespace firn::iceberg
