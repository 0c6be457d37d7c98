// SPDX-License-Identifier: Apache-2.0
// test_objects.h: objects as strings, and tables of every type, for this room's tests.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "arrow/array/array_nested.h"
#include "arrow/array/builder_binary.h"
#include "arrow/array/builder_nested.h"
#include "arrow/array/builder_primitive.h"
#include "arrow/array/builder_time.h"
#include "arrow/record_batch.h"
#include "arrow/table_builder.h"
#include "arrow/type.h"
#include "arrow/util/key_value_metadata.h"

#include "firn/status.h"
#include "io/store.h"

namespace firn::parquet {

class StringWriter final : public io::ObjectWriter {
 public:
  // Bytes become visible in `out` with Close().
  explicit StringWriter(std::string& out) : out_(out) {}
  Status Append(std::string_view bytes) override {
    if (pending_.size() + bytes.size() > limit_bytes_) {
      return Status::ResourceExhausted("disk full");
    }
    pending_.append(bytes);
    return Status::OK();
  }
  Status Close() override {
    out_ = std::move(pending_);
    return Status::OK();
  }
  void set_limit_bytes(std::size_t limit) { limit_bytes_ = limit; }

 private:
  std::string& out_;
  std::string pending_;
  std::size_t limit_bytes_ = std::size_t{1} << 40;
};

class StringReader final : public io::ObjectReader {
 public:
  explicit StringReader(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size_bytes() const override { return bytes_.size(); }
  Status ReadAt(std::uint64_t offset, std::uint64_t size, char* out) override {
    ++requests;
    if (offset > bytes_.size() || size > bytes_.size() - offset) {
      return Status::InvalidArgument("read past the end");
    }
    bytes_read += static_cast<std::int64_t>(size);
    bytes_.copy(out, size, offset);
    return Status::OK();
  }
  std::atomic<std::int64_t> requests{0};
  std::atomic<std::int64_t> bytes_read{0};

 private:
  const std::string bytes_;
};

inline std::shared_ptr<arrow::Field> Id(std::shared_ptr<arrow::Field> field, int id) {
  return field->WithMetadata(
      arrow::key_value_metadata({"PARQUET:field_id"}, {std::to_string(id)}));
}

// Every type that tables of firn use, nullable where it can be; `n` counts the rows.
inline std::shared_ptr<arrow::Schema> EveryTypeSchema() {
  using arrow::field;
  const auto map = std::make_shared<arrow::MapType>(
      Id(field("key", arrow::utf8(), false), 21), Id(field("value", arrow::utf8()), 22));
  const auto element = arrow::struct_(
      {Id(field("at", arrow::int64()), 24), Id(field("v", arrow::float64()), 25)});
  const auto point = arrow::struct_(
      {Id(field("x", arrow::float64()), 27), Id(field("y", arrow::int32()), 28)});
  return arrow::schema({
      Id(field("n", arrow::int64(), false), 1),
      Id(field("flag", arrow::boolean()), 2),
      Id(field("i", arrow::int32()), 3),
      Id(field("l", arrow::int64()), 4),
      Id(field("d", arrow::float64()), 5),
      Id(field("f", arrow::float32()), 6),
      Id(field("s", arrow::utf8()), 7),
      Id(field("metric", arrow::utf8(), false), 8),
      Id(field("b", arrow::binary()), 9),
      Id(field("id", arrow::fixed_size_binary(16), false), 10),
      Id(field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), false), 11),
      Id(field("day", arrow::date32()), 12),
      Id(field("small", arrow::int16()), 13),
      Id(field("labels", map), 20),
      Id(field("events", arrow::list(Id(field("element", element), 23))), 26),
      Id(field("point", point), 29),
  });
}

// `rows` rows of it, sorted by (metric, id, ts).
inline std::shared_ptr<arrow::RecordBatch> EveryTypeBatch(std::int64_t rows,
                                                          std::uint64_t seed) {
  const auto schema = EveryTypeSchema();
  auto made = arrow::RecordBatchBuilder::Make(schema, arrow::default_memory_pool());
  const auto& builder = made.ValueOrDie();
  std::mt19937_64 random(seed);
  const auto below = [&](int n) {
    return static_cast<int>(random() % static_cast<std::uint64_t>(n));
  };
  bool ok = true;
  const auto check = [&](const arrow::Status& status) { ok = ok && status.ok(); };
  const auto put = [&](auto* b, auto value) {
    check(below(10) == 0 ? b->AppendNull() : b->Append(value));
  };
  for (std::int64_t n = 0; n < rows; ++n) {
    const std::int64_t series = n / 7;
    const std::string metric = "metric_" + std::to_string(series / 5 + 100);
    std::string id(16, '\0');
    for (int k = 0; k < 8; ++k) id[k] = static_cast<char>(series >> (56 - 8 * k));
    check(builder->GetFieldAs<arrow::Int64Builder>(0)->Append(n));
    put(builder->GetFieldAs<arrow::BooleanBuilder>(1), below(2) == 0);
    put(builder->GetFieldAs<arrow::Int32Builder>(2), below(1000) - 500);
    put(builder->GetFieldAs<arrow::Int64Builder>(3),
        static_cast<std::int64_t>(random()) >> 8);
    const double real = below(20) == 0   ? std::nan("")
                        : below(20) == 0 ? -0.0
                                         : (below(2000) - 1000) / 8.0;
    put(builder->GetFieldAs<arrow::DoubleBuilder>(4), real);
    put(builder->GetFieldAs<arrow::FloatBuilder>(5), static_cast<float>(real));
    put(builder->GetFieldAs<arrow::StringBuilder>(6),
        std::string(static_cast<std::size_t>(below(20)),
                    static_cast<char>('a' + below(3))));
    check(builder->GetFieldAs<arrow::StringBuilder>(7)->Append(metric));
    put(builder->GetFieldAs<arrow::BinaryBuilder>(8),
        std::string(static_cast<std::size_t>(below(5)), static_cast<char>(below(256))));
    check(builder->GetFieldAs<arrow::FixedSizeBinaryBuilder>(9)->Append(id));
    check(builder->GetFieldAs<arrow::TimestampBuilder>(10)->Append(1'700'000'000'000'000 +
                                                                   n % 7 * 15'000'000));
    put(builder->GetFieldAs<arrow::Date32Builder>(11), 19'000 + static_cast<int>(n / 50));
    put(builder->GetFieldAs<arrow::Int16Builder>(12),
        static_cast<std::int16_t>(below(9)));
    auto* map = builder->GetFieldAs<arrow::MapBuilder>(13);
    if (below(10) == 0) {
      check(map->AppendNull());
    } else {
      check(map->Append());
      for (int k = below(3); k > 0; --k) {
        check(static_cast<arrow::StringBuilder*>(map->key_builder())
                  ->Append("key" + std::to_string(k)));
        put(static_cast<arrow::StringBuilder*>(map->item_builder()),
            "value" + std::to_string(below(5)));
      }
    }
    auto* list = builder->GetFieldAs<arrow::ListBuilder>(14);
    auto* element = static_cast<arrow::StructBuilder*>(list->value_builder());
    if (below(10) == 0) {
      check(list->AppendNull());
    } else {
      check(list->Append());
      for (int k = below(3); k > 0; --k) {
        check(element->Append());
        put(static_cast<arrow::Int64Builder*>(element->field_builder(0)), n);
        put(static_cast<arrow::DoubleBuilder*>(element->field_builder(1)), real);
      }
    }
    auto* point = builder->GetFieldAs<arrow::StructBuilder>(15);
    auto* x = static_cast<arrow::DoubleBuilder*>(point->field_builder(0));
    auto* y = static_cast<arrow::Int32Builder*>(point->field_builder(1));
    const bool null = below(10) == 0;
    check(null ? point->AppendNull() : point->Append());
    if (!null) {
      put(x, real);
      put(y, below(7));
    }
  }
  auto batch = builder->Flush();
  return ok && batch.ok() ? *batch : nullptr;
}

}  // namespace firn::parquet
