// SPDX-License-Identifier: Apache-2.0
// status.h: the outcome of an operation that can fail.
//
// No exception crosses a firn interface. A function that can fail returns Status, or
// Result<T> where it also yields a value. The code says what the caller does next; the
// message says what, where and why, outermost clause first:
//
//   settle metrics.samples: commit: catalog row changed (snapshot 81, attempt 3)
//
// Both types are values: immutable once made, safe to copy and to hand to any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace firn {

// Chosen by what the caller does next, not by where the failure arose.
enum class StatusCode : std::uint8_t {
  kOk = 0,
  kInvalidArgument,    // The request is wrong: mend it, do not retry.
  kNotFound,           // The named thing is not there.
  kAlreadyExists,      // The name is taken: choose another, or accept what is there.
  kConflict,           // Somebody else changed it: reload, rebase, try again.
  kPermissionDenied,   // The credentials or file modes do not allow it.
  kUnavailable,        // Try again later: a server or disk does not answer now.
  kResourceExhausted,  // A bound was reached (memory, disk, queue): slow down.
  kDeadlineExceeded,   // The context's deadline passed before the work was done.
  kCancelled,          // The context was cancelled.
  kCorruption,         // Stored bytes are not what was written: stop and tell a person.
  kCommitUnknown,      // A commit may or may not have happened: reload and reconcile.
  kUnimplemented,  // A known feature that this version does not have; the text names it.
  kInternal,       // A broken promise of firn's own: a bug.
};

// The code's name as documentation and JSON write it, such as "InvalidArgument".
std::string_view StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK
  Status(StatusCode code, std::string message)
      : detail_(std::make_shared<const Detail>(Detail{code, std::move(message)})) {}

  static Status OK() { return {}; }
  static Status InvalidArgument(std::string m) {
    return {StatusCode::kInvalidArgument, std::move(m)};
  }
  static Status NotFound(std::string m) { return {StatusCode::kNotFound, std::move(m)}; }
  static Status AlreadyExists(std::string m) {
    return {StatusCode::kAlreadyExists, std::move(m)};
  }
  static Status Conflict(std::string m) { return {StatusCode::kConflict, std::move(m)}; }
  static Status PermissionDenied(std::string m) {
    return {StatusCode::kPermissionDenied, std::move(m)};
  }
  static Status Unavailable(std::string m) {
    return {StatusCode::kUnavailable, std::move(m)};
  }
  static Status ResourceExhausted(std::string m) {
    return {StatusCode::kResourceExhausted, std::move(m)};
  }
  static Status DeadlineExceeded(std::string m) {
    return {StatusCode::kDeadlineExceeded, std::move(m)};
  }
  static Status Cancelled(std::string m) {
    return {StatusCode::kCancelled, std::move(m)};
  }
  static Status Corruption(std::string m) {
    return {StatusCode::kCorruption, std::move(m)};
  }
  static Status CommitUnknown(std::string m) {
    return {StatusCode::kCommitUnknown, std::move(m)};
  }
  static Status Unimplemented(std::string m) {
    return {StatusCode::kUnimplemented, std::move(m)};
  }
  static Status Internal(std::string m) { return {StatusCode::kInternal, std::move(m)}; }

  bool ok() const { return detail_ == nullptr; }
  StatusCode code() const { return ok() ? StatusCode::kOk : detail_->code; }
  // The text without the code's name. Empty when OK. Valid as long as this status lives.
  std::string_view message() const {
    return ok() ? std::string_view() : std::string_view(detail_->message);
  }
  bool Is(StatusCode code) const { return this->code() == code; }

  // Prefix one clause of context: `context: message`. OK stays OK.
  Status With(std::string_view context) const {
    if (ok()) return *this;
    return {detail_->code, std::string(context) + ": " + detail_->message};
  }

  // "OK", or "InvalidArgument: message".
  std::string ToString() const {
    if (ok()) return "OK";
    return std::string(StatusCodeName(detail_->code)) + ": " + detail_->message;
  }

  friend bool operator==(const Status& a, const Status& b) {
    return a.code() == b.code() && a.message() == b.message();
  }
  friend std::ostream& operator<<(std::ostream& out, const Status& s) {
    return out << s.ToString();
  }

 private:
  struct Detail {
    StatusCode code;
    std::string message;
  };
  std::shared_ptr<const Detail> detail_;
};

namespace status_internal {
[[noreturn]] void DieOnBadAccess(const Status& status);
}  // namespace status_internal

// A value, or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  using ValueType = T;

  Result(T value) : state_(std::in_place_index<1>, std::move(value)) {}  // NOLINT
  // REQUIRES: !status.ok().
  Result(Status status) : state_(std::in_place_index<0>, std::move(status)) {  // NOLINT
    if (std::get<0>(state_).ok()) {
      status_internal::DieOnBadAccess(Status::Internal("Result made from an OK Status"));
    }
  }
  template <typename U>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::decay_t<U>, T> &&
             !std::is_same_v<std::decay_t<U>, Status> &&
             !std::is_same_v<std::decay_t<U>, Result<T>>)
  Result(U&& value)  // NOLINT
      : state_(std::in_place_index<1>, std::forward<U>(value)) {}

  bool ok() const { return state_.index() == 1; }
  Status status() const { return ok() ? Status() : std::get<0>(state_); }

  // REQUIRES: ok(). Ends the process with the status otherwise: a programmer's error.
  const T& value() const& {
    Check();
    return *std::get_if<1>(&state_);
  }
  T& value() & {
    Check();
    return *std::get_if<1>(&state_);
  }
  // By value, so that a loop over `F().value()` does not outlive what it runs over.
  T value() && {
    Check();
    return std::move(*std::get_if<1>(&state_));
  }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

 private:
  void Check() const {
    if (!ok()) status_internal::DieOnBadAccess(std::get<0>(state_));
  }
  std::variant<Status, T> state_;
};

}  // namespace firn

#define FIRN_CONCAT_INNER(a, b) a##b
#define FIRN_CONCAT(a, b) FIRN_CONCAT_INNER(a, b)

// Return the status of `expr` from the enclosing function unless it is OK.
#define FIRN_RETURN_IF_ERROR(expr)        \
  do {                                    \
    ::firn::Status firn_status_ = (expr); \
    if (!firn_status_.ok()) [[unlikely]]  \
      return firn_status_;                \
  } while (false)

// Evaluate `expr`, a Result<T>; bind its value to `lhs`, or return its status.
#define FIRN_ASSIGN_OR_RETURN(lhs, expr) \
  FIRN_ASSIGN_OR_RETURN_INNER(FIRN_CONCAT(firn_result_, __COUNTER__), lhs, expr)
#define FIRN_ASSIGN_OR_RETURN_INNER(result, lhs, expr) \
  auto result = (expr);                                \
  if (!result.ok()) [[unlikely]]                       \
    return result.status();                            \
  lhs = std::move(result).value()
