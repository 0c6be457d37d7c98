// SPDX-License-Identifier: Apache-2.0
// secret.h: a text that must not be shown.
//
// It has no way to a stream, a log line or an error's text other than Reveal(), which is
// easy to find. The bytes are overwritten when the last copy goes. A value; thread-safe
// to copy and read.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <string_view>

namespace firn {

class Secret {
 public:
  Secret() = default;  // Empty.
  explicit Secret(std::string text)
      : text_(text.empty() ? nullptr : std::make_shared<const Wiped>(std::move(text))) {}

  bool empty() const { return text_ == nullptr; }
  // The text itself, for the one place that sends or computes with it. Valid as long as
  // some copy of this secret lives.
  std::string_view Reveal() const { return text_ ? text_->text : std::string_view(); }

  bool operator==(const Secret& other) const { return Reveal() == other.Reveal(); }
  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  struct Wiped {
    explicit Wiped(std::string t) : text(std::move(t)) {}
    ~Wiped() {
      // Through a volatile pointer, so that the compiler does not leave it out.
      volatile char* bytes = text.data();
      for (std::size_t i = 0; i < text.size(); ++i) bytes[i] = 0;
    }
    Wiped(const Wiped&) = delete;
    Wiped& operator=(const Wiped&) = delete;
    std::string text;
  };
  std::shared_ptr<const Wiped> text_;
};

}  // namespace firn
