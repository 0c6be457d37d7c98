// SPDX-License-Identifier: Apache-2.0
#include "iceberg/delete_index.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "iceberg/single_value.h"

namespace firn::iceberg {
namespace {

template <typename T>
void AppendRaw(T value, std::string* key) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  key->append(bytes, sizeof bytes);
}

void AppendText(std::string_view text, std::string* key) {
  AppendRaw(text.size(), key);
  key->append(text);
}

// A value as bytes that are equal where the values are, also where one was written before
// its column was promoted.
void AppendValue(const Value& value, std::string* key) {
  std::visit(
      [&]<typename T>(const T& v) {
        if constexpr (std::is_same_v<T, std::string>) {
          AppendText(v, key);
        } else if constexpr (std::is_same_v<T, Bytes>) {
          AppendText(v.bytes, key);
        } else if constexpr (std::is_same_v<T, Decimal>) {
          AppendRaw(v.unscaled, key);
        } else if constexpr (std::is_floating_point_v<T>) {
          AppendRaw(std::isnan(v) ? std::numeric_limits<double>::quiet_NaN()
                                  : static_cast<double>(v),
                    key);
        } else {
          AppendRaw(static_cast<std::int64_t>(v), key);
        }
      },
      value);
}

// The spec and the partition of a file, as bytes.
std::string PartitionKeyOf(const DataFile& file) {
  std::string key;
  AppendRaw(file.spec_id.value, &key);
  for (const OptionalValue& value : file.partition) {
    key.push_back(value ? 1 : 0);
    if (value) AppendValue(*value, &key);
  }
  return key;
}

const std::string* BoundOf(const std::map<FieldId, std::string>& bounds, FieldId id) {
  const auto found = bounds.find(id);
  return found == bounds.end() ? nullptr : &found->second;
}

// The only data file that position deletes name, where that is known.
const std::string* OnlyFileOf(const DataFile& deletes) {
  if (deletes.referenced_data_file) return &*deletes.referenced_data_file;
  const std::string* lower = BoundOf(deletes.lower_bounds, kDeletedFilePath);
  const std::string* upper = BoundOf(deletes.upper_bounds, kDeletedFilePath);
  return lower != nullptr && upper != nullptr && *lower == *upper ? lower : nullptr;
}

// An upper bound that was cut short is still a bound.
bool MayName(const DataFile& deletes, const std::string& path) {
  const std::string* lower = BoundOf(deletes.lower_bounds, kDeletedFilePath);
  const std::string* upper = BoundOf(deletes.upper_bounds, kDeletedFilePath);
  return (lower == nullptr || *lower <= path) && (upper == nullptr || path <= *upper);
}

// Of NULLs: none, some, or nothing is known.
std::int64_t NullsOf(const DataFile& file, FieldId id) {
  const auto found = file.null_value_counts.find(id);
  return found == file.null_value_counts.end() ? -1 : found->second;
}

OptionalValue ParseBound(const std::string* bytes, const PrimitiveType& type) {
  if (bytes == nullptr) return std::nullopt;
  auto value = ParseValue(*bytes, type);
  return value.ok() ? OptionalValue(std::move(value).value()) : std::nullopt;
}

bool IsNan(const Value& value) {
  if (const auto* v = std::get_if<float>(&value)) return std::isnan(*v);
  if (const auto* v = std::get_if<double>(&value)) return std::isnan(*v);
  return false;
}

bool IsBelow(const OptionalValue& a, const OptionalValue& b) {
  return a && b && !IsNan(*a) && !IsNan(*b) && CompareValues(*a, *b) < 0;
}

// Whether a value of the column may be in both files. Bounds say nothing of NaN.
bool MayShareValue(const DataFile& a, const DataFile& b, FieldId id,
                   const PrimitiveType& type) {
  if (NullsOf(a, id) != 0 && NullsOf(b, id) != 0) return true;
  if (type.kind == PrimitiveKind::kFloat || type.kind == PrimitiveKind::kDouble) {
    return true;
  }
  const auto lower = [&](const DataFile& file) {
    return ParseBound(BoundOf(file.lower_bounds, id), type);
  };
  const auto upper = [&](const DataFile& file) {
    return ParseBound(BoundOf(file.upper_bounds, id), type);
  };
  return !IsBelow(upper(a), lower(b)) && !IsBelow(upper(b), lower(a));
}

void SortBySequence(std::vector<DeleteFilePtr>& files) {
  std::stable_sort(files.begin(), files.end(),
                   [](const DeleteFilePtr& a, const DeleteFilePtr& b) {
                     return a->sequence_number < b->sequence_number;
                   });
}

// Those with a number of `first` or more.
auto Since(const std::vector<DeleteFilePtr>& files, std::int64_t first) {
  return std::lower_bound(files.begin(), files.end(), first,
                          [](const DeleteFilePtr& file, std::int64_t number) {
                            return file->sequence_number.value < number;
                          });
}

std::int64_t MemoryOf(const DataFile& file) {
  constexpr std::int64_t kBytesOfIndex = 256;
  return MemoryBytesOf(file) + static_cast<std::int64_t>(file.file_path.size()) +
         kBytesOfIndex;
}

}  // namespace

DeleteIndex::DeleteIndex(const TableMetadata& metadata, base::ByteBudget* budget)
    : metadata_(metadata), budget_(budget) {}

bool DeleteIndex::IsUnpartitioned(SpecId id) const {
  const PartitionSpec* spec = metadata_.FindSpec(id);
  return spec != nullptr &&
         std::all_of(spec->fields.begin(), spec->fields.end(),
                     [](const PartitionField& field) {
                       return field.transform.kind == TransformKind::kVoid;
                     });
}

Status DeleteIndex::Add(ManifestEntry&& entry) {
  auto made = std::make_shared<DeleteFile>();
  made->file = std::move(entry.data_file);
  made->sequence_number = *entry.sequence_number;
  made->index = count_;
  DataFile& file = made->file;
  // What is not asked about again.
  file.column_sizes.clear();
  file.value_counts.clear();
  file.nan_value_counts.clear();
  file.split_offsets.clear();
  if (!has_memory_) {
    FIRN_ASSIGN_OR_RETURN(memory_, base::ByteReservation::Make(budget_, 0));
    has_memory_ = true;
  }
  FIRN_RETURN_IF_ERROR(memory_.Grow(MemoryOf(file)).With("plan deletes"));
  ++count_;
  if (file.content == FileContent::kEqualityDeletes) {
    if (file.equality_ids.empty()) {
      return Status::Corruption("equality delete file " + file.file_path +
                                " does not say which columns it compares");
    }
    metrics_of_.insert(file.equality_ids.begin(), file.equality_ids.end());
    if (!IsUnpartitioned(file.spec_id)) made->scope = PartitionKeyOf(file);
    (made->scope.empty() ? equal_everywhere_ : equal_partition_[made->scope])
        .push_back(std::move(made));
    return Status::OK();
  }
  const std::string* only = OnlyFileOf(file);
  made->is_of_one_file = only != nullptr;
  if (made->is_vector()) return AddVector(std::move(made));
  (only != nullptr ? of_file_[*only] : of_partition_[PartitionKeyOf(file)])
      .push_back(std::move(made));
  return Status::OK();
}

Status DeleteIndex::AddVector(DeleteFilePtr vector) {
  const DataFile& file = vector->file;
  const std::string what = "deletion vector in " + file.file_path;
  if (!file.referenced_data_file) {
    return Status::Corruption(what + " does not say of which data file it is");
  }
  if (!file.content_offset || !file.content_size_bytes || *file.content_offset < 0 ||
      *file.content_size_bytes < 0 || *file.content_offset > file.file_size_bytes ||
      *file.content_size_bytes > file.file_size_bytes - *file.content_offset) {
    const auto text = [](const std::optional<std::int64_t>& number) {
      return number ? std::to_string(*number) : std::string("none");
    };
    return Status::Corruption(what + ": offset " + text(file.content_offset) +
                              " and size " + text(file.content_size_bytes) +
                              " are no part of its " +
                              std::to_string(file.file_size_bytes) + " bytes");
  }
  const std::string path = *file.referenced_data_file;
  const auto [at, is_new] = vectors_.emplace(path, std::move(vector));
  if (!is_new) {
    return Status::Corruption("data file " + path + " has two deletion vectors, in " +
                              at->second->file.file_path + " and another file");
  }
  return Status::OK();
}

void DeleteIndex::Finish() {
  for (auto* files : {&of_file_, &of_partition_, &equal_partition_}) {
    for (auto& [key, list] : *files) SortBySequence(list);
  }
  SortBySequence(equal_everywhere_);
}

bool DeleteIndex::MayEqual(const DataFile& deletes, const DataFile& data) const {
  return std::all_of(
      deletes.equality_ids.begin(), deletes.equality_ids.end(), [&](FieldId id) {
        const NestedField* field = metadata_.FindFieldEver(id);
        const PrimitiveType* type = field == nullptr ? nullptr : field->type.primitive();
        // A file without the column has its default: its metrics know nothing of it.
        return type == nullptr || MayShareValue(deletes, data, id, *type);
      });
}

std::vector<DeleteFilePtr> DeleteIndex::equalities() const {
  std::vector<DeleteFilePtr> all = equal_everywhere_;
  for (const auto& [scope, files] : equal_partition_) {
    all.insert(all.end(), files.begin(), files.end());
  }
  return all;
}

std::vector<DeleteFilePtr> DeleteIndex::Find(const ManifestEntry& data) const {
  std::vector<DeleteFilePtr> found;
  if (empty()) return found;
  const std::int64_t number = data.sequence_number->value;
  const DataFile& file = data.data_file;
  const auto vector = vectors_.find(file.file_path);
  if (vector != vectors_.end() && vector->second->sequence_number.value >= number) {
    found.push_back(vector->second);
  } else {
    if (const auto at = of_file_.find(file.file_path); at != of_file_.end()) {
      found.insert(found.end(), Since(at->second, number), at->second.end());
    }
    if (!of_partition_.empty()) {
      const auto at = of_partition_.find(PartitionKeyOf(file));
      if (at != of_partition_.end()) {
        std::copy_if(Since(at->second, number), at->second.end(),
                     std::back_inserter(found), [&](const DeleteFilePtr& deletes) {
                       return MayName(deletes->file, file.file_path);
                     });
      }
    }
  }
  const auto add_equal = [&](const BySequence& list) {
    std::copy_if(
        Since(list, number + 1), list.end(), std::back_inserter(found),
        [&](const DeleteFilePtr& deletes) { return MayEqual(deletes->file, file); });
  };
  add_equal(equal_everywhere_);
  if (!equal_partition_.empty()) {
    const auto at = equal_partition_.find(PartitionKeyOf(file));
    if (at != equal_partition_.end()) add_equal(at->second);
  }
  return found;
}

}  // namespace firn::iceberg
