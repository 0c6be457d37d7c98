// SPDX-License-Identifier: Apache-2.0
#include "table/ndjson_columns.h"

#include <arrow/array/array_base.h>
#include <arrow/array/builder_base.h>
#include <arrow/array/data.h>
#include <arrow/array/util.h>
#include <arrow/buffer_builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <limits>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/nearest_word.h"
#include "base/utf8.h"
#include "table/arrow_status.h"
#include "table/ndjson_line.h"
#include "table/text_values.h"

namespace firn::table {
namespace {

using DataPtr = std::shared_ptr<arrow::ArrayData>;
using TypePtr = std::shared_ptr<arrow::DataType>;

constexpr std::size_t kShownBytesMax = 80;
constexpr std::size_t kHintsMax = 1000;

// Of the row that is being read.
struct Reading {
  std::optional<JsonFault> fault;
  std::int64_t cells = 0;  // Of all rows.

  void Fault(std::string column, std::string reason) {
    if (!fault.has_value()) fault = {std::move(column), std::move(reason)};
  }
};

// The values of one column, at any depth.
class Values {
 public:
  Values(TypePtr type, std::string path)
      : type_(std::move(type)), path_(std::move(path)) {}
  virtual ~Values() = default;

  const std::string& path() const { return path_; }
  virtual std::int64_t length() const = 0;
  // How many cells a NULL has: those of the fields of a struct are some, too.
  virtual std::int64_t width() const { return 1; }
  virtual Status AppendNulls(std::int64_t count) = 0;
  // The value at which `json` stands, and `json` past it. What is wrong with it is noted,
  // and NULL in its place.
  virtual Status Append(JsonCursor& json, Reading& reading) = 0;
  virtual Result<DataPtr> Finish() = 0;

 protected:
  // Past a value that is none of these.
  Status Refuse(JsonCursor& json, Reading& reading, std::string_view why) {
    const std::string_view value = json.Skip();
    std::string shown = value.size() <= kShownBytesMax && base::IsValidUtf8(value)
                            ? std::string(value)
                            : ShownText(value);
    reading.Fault(path_, std::move(shown) + " " + std::string(why));
    return AppendNulls(1);
  }

  const TypePtr type_;
  const std::string path_;  // For errors: `labels.key`.
};

std::unique_ptr<Values> MakeValues(const TypePtr& type, std::string path,
                                   arrow::MemoryPool* pool);

// Which are NULL.
class Validity {
 public:
  explicit Validity(arrow::MemoryPool* pool) : bits_(pool) {}
  std::int64_t length() const { return bits_.length(); }
  Status Append(std::int64_t count, bool valid) {
    return FromArrow(bits_.Append(count, valid));
  }
  Result<DataPtr> Finish(const TypePtr& type, std::shared_ptr<arrow::Buffer> offsets,
                         std::vector<DataPtr> children) {
    const std::int64_t count = bits_.length();
    const std::int64_t null_count = bits_.false_count();
    FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> valid,
                          FromArrow(bits_.Finish()));
    std::vector<std::shared_ptr<arrow::Buffer>> buffers = {
        null_count > 0 ? std::move(valid) : nullptr};
    if (offsets != nullptr) buffers.push_back(std::move(offsets));
    return arrow::ArrayData::Make(type, count, std::move(buffers), std::move(children),
                                  null_count);
  }

 private:
  arrow::TypedBufferBuilder<bool> bits_;
};

class Primitive final : public Values {
 public:
  Primitive(const TypePtr& type, std::string path, arrow::MemoryPool* pool)
      : Values(type, std::move(path)), values_(type, pool) {}

  std::int64_t length() const override {
    return const_cast<TextValues&>(values_).builder().length();
  }
  Status AppendNulls(std::int64_t count) override {
    return FromArrow(values_.builder().AppendNulls(count));
  }

  Status Append(JsonCursor& json, Reading& reading) override {
    switch (json.kind()) {
      case JsonKind::kNull:
        json.TakeWord();
        return AppendNulls(1);
      case JsonKind::kBool:
        if (type_->id() != arrow::Type::BOOL) break;
        return values_.Append(json.TakeWord());
      case JsonKind::kNumber: {
        if (!IsNumber() && type_->id() != arrow::Type::DECIMAL128) break;
        const std::string_view number = json.TakeWord();
        return Appended(values_.Append(number), number.substr(0, kShownBytesMax),
                        reading);
      }
      case JsonKind::kText: {
        if (type_->id() == arrow::Type::BOOL || (IsNumber() && !IsReal())) break;
        const std::string_view text = json.TakeText();
        if (IsReal() && text != "NaN" && text != "+Inf" && text != "-Inf") {
          return Appended(Status::InvalidArgument("is no " + TableTypeName(*type_)),
                          ShownText(text), reading);
        }
        const Status status = values_.Append(text);
        return status.ok() ? status : Appended(status, ShownText(text), reading);
      }
      case JsonKind::kObject:
      case JsonKind::kArray:
        break;
    }
    return Refuse(json, reading, "is no " + TableTypeName(*type_));
  }

  // False where `text` is none, and then nothing is appended: a key is never NULL.
  Result<bool> AppendKey(std::string_view text, Reading& reading) {
    const Status status = values_.Append(text);
    if (status.ok()) return true;
    if (!status.Is(StatusCode::kInvalidArgument)) return status;
    Note(status, ShownText(text), reading);
    return false;
  }

  Result<DataPtr> Finish() override {
    FIRN_ASSIGN_OR_RETURN(const auto array, FromArrow(values_.builder().Finish()));
    return array->data();
  }

 private:
  bool IsReal() const {
    return type_->id() == arrow::Type::FLOAT || type_->id() == arrow::Type::DOUBLE;
  }
  bool IsNumber() const {
    return IsReal() || type_->id() == arrow::Type::INT32 ||
           type_->id() == arrow::Type::INT64;
  }
  void Note(const Status& status, std::string_view shown, Reading& reading) const {
    reading.Fault(path_, std::string(shown) + " " + std::string(status.message()));
  }
  Status Appended(const Status& status, std::string_view shown, Reading& reading) {
    if (!status.Is(StatusCode::kInvalidArgument)) return status;
    Note(status, shown, reading);
    return AppendNulls(1);
  }

  TextValues values_;
};

class Struct final : public Values {
 public:
  Struct(const TypePtr& type, std::string path, arrow::MemoryPool* pool)
      : Values(type, std::move(path)), validity_(pool) {
    for (int i = 0; i < type_->num_fields(); ++i) {
      const arrow::Field& field = *type_->field(i);
      fields_.push_back(MakeValues(field.type(), Inner(field.name()), pool));
      width_ += fields_.back()->width();
      by_name_.emplace(field.name(), i);
      if (!field.nullable()) required_.push_back(fields_.back().get());
    }
  }

  std::int64_t length() const override { return validity_.length(); }
  std::int64_t width() const override { return width_; }
  Status AppendNulls(std::int64_t count) override {
    return validity_.Append(count, false);
  }

  Status Append(JsonCursor& json, Reading& reading) override {
    if (json.kind() == JsonKind::kNull) {
      json.TakeWord();
      return AppendNulls(1);
    }
    if (json.kind() != JsonKind::kObject) {
      return Refuse(json, reading, "is no object, as a struct is written");
    }
    const std::int64_t row = length();
    std::size_t next = 0;  // The names mostly come in the order of the columns.
    for (bool more = json.Open(); more; more = json.More()) {
      const std::string_view name = json.TakeName();
      if (next >= fields_.size() ||
          type_->field(static_cast<int>(next))->name() != name) {
        const auto found = by_name_.find(name);
        if (found == by_name_.end()) {
          FaultUnknown(name, reading);
          json.Skip();
          continue;
        }
        next = static_cast<std::size_t>(found->second);
      }
      const arrow::Field& field = *type_->field(static_cast<int>(next));
      Values& values = *fields_[next++];
      if (values.length() > row) {
        reading.Fault(values.path(), "the name is there twice");
        json.Skip();
        continue;
      }
      FIRN_RETURN_IF_ERROR(values.AppendNulls(row - values.length()));
      if (!field.nullable() && json.kind() == JsonKind::kNull) FaultNull(values, reading);
      FIRN_RETURN_IF_ERROR(values.Append(json, reading));
    }
    for (const Values* values : required_) {
      if (values->length() <= row) FaultNull(*values, reading);
    }
    return validity_.Append(1, true);
  }

  Result<DataPtr> Finish() override {
    FIRN_ASSIGN_OR_RETURN(std::vector<DataPtr> children, FinishFields());
    return validity_.Finish(type_, nullptr, std::move(children));
  }

 private:
  std::string Inner(const std::string& name) const {
    return path_.empty() ? name : path_ + "." + name;
  }

  static void FaultNull(const Values& values, Reading& reading) {
    reading.Fault(values.path(), "NULL in a required column");
  }

  void FaultUnknown(std::string_view name, Reading& reading) {
    if (reading.fault.has_value()) return;
    const std::string shown(name.substr(0, kShownBytesMax));
    reading.Fault("", "the table has no column " + Inner(shown) + HintFor(shown));
  }

  // To look at all names for each of very many rows would take too long.
  std::string HintFor(const std::string& name) {
    const auto known_hint = hints_.find(name);
    if (known_hint != hints_.end()) return known_hint->second;
    if (hints_.size() >= kHintsMax) return "";
    std::vector<std::string_view> known;
    for (const auto& field : type_->fields()) known.push_back(field->name());
    return hints_[name] = base::DidYouMean(name, known);
  }

  Result<std::vector<DataPtr>> FinishFields() {
    std::vector<DataPtr> children;
    for (const auto& values : fields_) {
      FIRN_RETURN_IF_ERROR(values->AppendNulls(length() - values->length()));
      FIRN_ASSIGN_OR_RETURN(DataPtr child, values->Finish());
      children.push_back(std::move(child));
    }
    return children;
  }

  Validity validity_;
  std::vector<std::unique_ptr<Values>> fields_;  // May be behind, by NULLs.
  std::unordered_map<std::string_view, int> by_name_;
  std::vector<const Values*> required_;
  std::unordered_map<std::string, std::string> hints_;  // By unknown name.
  std::int64_t width_ = 1;
};

// The offsets of lists, and which are NULL.
class Lists {
 public:
  explicit Lists(arrow::MemoryPool* pool) : validity_(pool), offsets_(pool) {}
  std::int64_t length() const { return validity_.length(); }
  Status AppendNulls(std::int64_t count, std::int64_t end) {
    FIRN_RETURN_IF_ERROR(Begin());
    FIRN_RETURN_IF_ERROR(
        FromArrow(offsets_.Append(count, static_cast<std::int32_t>(end))));
    return validity_.Append(count, false);
  }
  // A list of what came since the last one, up to `end`.
  Status Append(std::int64_t end) {
    FIRN_RETURN_IF_ERROR(Begin());
    FIRN_RETURN_IF_ERROR(FromArrow(offsets_.Append(static_cast<std::int32_t>(end))));
    return validity_.Append(1, true);
  }
  Result<DataPtr> Finish(const TypePtr& type, DataPtr values) {
    FIRN_RETURN_IF_ERROR(Begin());
    FIRN_ASSIGN_OR_RETURN(std::shared_ptr<arrow::Buffer> offsets,
                          FromArrow(offsets_.Finish()));
    return validity_.Finish(type, std::move(offsets), {std::move(values)});
  }

 private:
  Status Begin() {
    return offsets_.length() > 0 ? Status::OK() : FromArrow(offsets_.Append(0));
  }

  Validity validity_;
  arrow::TypedBufferBuilder<std::int32_t> offsets_;
};

class List final : public Values {
 public:
  List(const TypePtr& type, std::string path, arrow::MemoryPool* pool)
      : Values(type, std::move(path)),
        lists_(pool),
        elements_(MakeValues(type_->field(0)->type(), path_ + ".element", pool)) {}

  std::int64_t length() const override { return lists_.length(); }
  Status AppendNulls(std::int64_t count) override {
    return lists_.AppendNulls(count, elements_->length());
  }

  Status Append(JsonCursor& json, Reading& reading) override {
    if (json.kind() == JsonKind::kNull) {
      json.TakeWord();
      return AppendNulls(1);
    }
    if (json.kind() != JsonKind::kArray) {
      return Refuse(json, reading, "is no array, as a list is written");
    }
    for (bool more = json.Open(); more; more = json.More()) {
      if (!type_->field(0)->nullable() && json.kind() == JsonKind::kNull) {
        reading.Fault(elements_->path(), "NULL in a required column");
      }
      FIRN_RETURN_IF_ERROR(elements_->Append(json, reading));
      reading.cells += elements_->width();
    }
    return lists_.Append(elements_->length());
  }

  Result<DataPtr> Finish() override {
    FIRN_ASSIGN_OR_RETURN(DataPtr elements, elements_->Finish());
    return lists_.Finish(type_, std::move(elements));
  }

 private:
  Lists lists_;
  const std::unique_ptr<Values> elements_;
};

class Map final : public Values {
 public:
  Map(const TypePtr& type, std::string path, arrow::MemoryPool* pool)
      : Values(type, std::move(path)),
        lists_(pool),
        items_(MakeValues(map().item_type(), path_ + ".value", pool)) {
    if (TextValues::Are(*map().key_type())) {
      keys_ = std::make_unique<Primitive>(map().key_type(), path_ + ".key", pool);
    } else {
      no_keys_ = MakeValues(map().key_type(), path_ + ".key", pool);
    }
  }

  std::int64_t length() const override { return lists_.length(); }
  Status AppendNulls(std::int64_t count) override {
    return lists_.AppendNulls(count, items_->length());
  }

  Status Append(JsonCursor& json, Reading& reading) override {
    if (json.kind() == JsonKind::kNull) {
      json.TakeWord();
      return AppendNulls(1);
    }
    if (json.kind() != JsonKind::kObject) {
      return Refuse(json, reading, "is no object, as a map is written");
    }
    if (keys_ == nullptr) {
      return Refuse(json, reading,
                    "is no map whose keys are nested: write Parquet or Arrow");
    }
    std::set<std::string, std::less<>> seen;
    for (bool more = json.Open(); more; more = json.More()) {
      const std::string_view key = json.TakeName();
      if (!seen.emplace(key).second) {
        reading.Fault(keys_->path(), ShownText(key) + " is there twice");
      }
      FIRN_ASSIGN_OR_RETURN(const bool is_key, keys_->AppendKey(key, reading));
      if (!is_key) {
        json.Skip();
        continue;
      }
      if (!map().item_field()->nullable() && json.kind() == JsonKind::kNull) {
        reading.Fault(items_->path(), "NULL in a required column");
      }
      FIRN_RETURN_IF_ERROR(items_->Append(json, reading));
      reading.cells += 1 + items_->width();
    }
    return lists_.Append(items_->length());
  }

  Result<DataPtr> Finish() override {
    const std::int64_t count = items_->length();
    FIRN_ASSIGN_OR_RETURN(DataPtr keys,
                          keys_ != nullptr ? keys_->Finish() : no_keys_->Finish());
    FIRN_ASSIGN_OR_RETURN(DataPtr items, items_->Finish());
    return lists_.Finish(type_,
                         arrow::ArrayData::Make(type_->field(0)->type(), count, {nullptr},
                                                {std::move(keys), std::move(items)}, 0));
  }

 private:
  const arrow::MapType& map() const { return static_cast<const arrow::MapType&>(*type_); }

  Lists lists_;
  std::unique_ptr<Primitive> keys_;
  std::unique_ptr<Values> no_keys_;  // Of a type that text has no values of: never any.
  const std::unique_ptr<Values> items_;
};

std::unique_ptr<Values> MakeValues(const TypePtr& type, std::string path,
                                   arrow::MemoryPool* pool) {
  switch (type->id()) {
    case arrow::Type::STRUCT:
      return std::make_unique<Struct>(type, std::move(path), pool);
    case arrow::Type::LIST:
      return std::make_unique<List>(type, std::move(path), pool);
    case arrow::Type::MAP:
      return std::make_unique<Map>(type, std::move(path), pool);
    default:
      return std::make_unique<Primitive>(type, std::move(path), pool);
  }
}

// Which columns are required is for the table to say.
TypePtr RowType(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (const auto& field : schema.fields()) fields.push_back(field->WithNullable(true));
  return arrow::struct_(std::move(fields));
}

}  // namespace

class NdjsonColumns::Root {
 public:
  Root(const arrow::Schema& schema, arrow::MemoryPool* pool)
      : rows(RowType(schema), "", pool) {}
  Struct rows;
  Reading reading;
};

NdjsonColumns::NdjsonColumns(std::shared_ptr<arrow::Schema> schema,
                             arrow::MemoryPool* pool)
    : schema_(std::move(schema)), root_(std::make_unique<Root>(*schema_, pool)) {}

NdjsonColumns::~NdjsonColumns() = default;

Result<std::optional<JsonFault>> NdjsonColumns::Append(std::string_view line) {
  JsonCursor json(line);
  root_->reading.fault.reset();
  FIRN_RETURN_IF_ERROR(root_->rows.Append(json, root_->reading));
  root_->reading.cells += root_->rows.width();
  ++rows_;
  return std::move(root_->reading.fault);
}

std::int64_t NdjsonColumns::cells() const { return root_->reading.cells; }

Result<std::shared_ptr<arrow::RecordBatch>> NdjsonColumns::Finish() {
  FIRN_ASSIGN_OR_RETURN(const DataPtr data, root_->rows.Finish());
  root_->reading.cells = 0;
  arrow::ArrayVector columns;
  for (const DataPtr& column : data->child_data) {
    columns.push_back(arrow::MakeArray(column));
  }
  return arrow::RecordBatch::Make(schema_, std::exchange(rows_, 0), std::move(columns));
}

}  // namespace firn::table
