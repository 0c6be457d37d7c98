// SPDX-License-Identifier: Apache-2.0
#include "parquet/wall.h"

#include <memory>

namespace firn::parquet {
namespace {

constexpr char kDetailType[] = "firn::Status";

class CarriedStatus final : public arrow::StatusDetail {
 public:
  explicit CarriedStatus(Status status) : status_(std::move(status)) {}
  const char* type_id() const override { return kDetailType; }
  std::string ToString() const override { return status_.ToString(); }
  const Status& status() const { return status_; }

 private:
  const Status status_;
};

}  // namespace

Status FromArrow(const arrow::Status& status) {
  if (status.ok()) return Status::OK();
  if (status.detail() != nullptr &&
      std::string_view(status.detail()->type_id()) == kDetailType) {
    return static_cast<const CarriedStatus&>(*status.detail()).status();
  }
  switch (status.code()) {
    case arrow::StatusCode::OutOfMemory:
    case arrow::StatusCode::CapacityError:
      return Status::ResourceExhausted(status.message());
    case arrow::StatusCode::NotImplemented:
      return Status::Unimplemented(status.message());
    case arrow::StatusCode::Cancelled:
      return Status::Cancelled(status.message());
    case arrow::StatusCode::TypeError:
      return Status::InvalidArgument(status.message());
    default:
      return Status::Corruption(status.message());
  }
}

Status AsArgument(const arrow::Status& status) {
  if (status.ok()) return Status::OK();
  if (status.detail() != nullptr) return FromArrow(status);
  return Status::InvalidArgument(status.message());
}

arrow::Status ToArrow(const Status& status) {
  if (status.ok()) return arrow::Status::OK();
  const auto code = status.Is(StatusCode::kResourceExhausted)
                        ? arrow::StatusCode::OutOfMemory
                        : arrow::StatusCode::IOError;
  return arrow::Status(code, std::string(status.message()),
                       std::make_shared<CarriedStatus>(status));
}

}  // namespace firn::parquet
