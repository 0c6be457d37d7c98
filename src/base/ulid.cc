// SPDX-License-Identifier: Apache-2.0
#include "base/ulid.h"

#include <algorithm>

#include "base/assert.h"
#include "base/quote.h"

namespace firn::base {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t kTextSize = 26;
constexpr std::size_t kTimeBytes = 6;
constexpr std::int64_t kTimeMsMax = (std::int64_t{1} << 48) - 1;

// The value of a base-32 digit, or -1.
int DigitValue(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  const std::size_t at = kDigits.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::int64_t TimeMs(const Ulid& ulid) {
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < kTimeBytes; ++i) ms = (ms << 8) | ulid.bytes[i];
  return ms;
}

std::mt19937_64 RandomlySeeded() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device(),
                     device(), device(), device(), device()};
  return std::mt19937_64(seed);
}

}  // namespace

std::string Ulid::ToString() const {
  // 26 digits hold 130 bits: the first digit carries the top three bits only.
  std::string out(kTextSize, '0');
  unsigned bits = 0;  // Bits not yet written, the lowest `held` of them.
  int held = 2;       // Two zero bits in front make 130.
  std::size_t at = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8) | byte;
    held += 8;
    while (held >= 5) {
      held -= 5;
      out[at++] = kDigits[(bits >> held) & 31];
    }
  }
  return out;
}

Result<Ulid> Ulid::Parse(std::string_view text) {
  const auto invalid = [text](std::string_view why) {
    return Status::InvalidArgument("not a ULID: " + Quoted(text) + ": " +
                                   std::string(why));
  };
  if (text.size() != kTextSize) return invalid("not 26 characters");
  Ulid ulid;
  unsigned bits = 0;
  int held = -2;  // The first two of 130 bits must be zero and are not kept.
  std::size_t at = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int digit = DigitValue(text[i]);
    if (digit < 0) return invalid("not base 32");
    if (i == 0 && digit > 7) return invalid("more than 128 bits");
    bits = (bits << 5) | static_cast<unsigned>(digit);
    held += 5;
    if (held >= 8) {
      held -= 8;
      ulid.bytes[at++] = static_cast<std::uint8_t>(bits >> held);
    }
  }
  return ulid;
}

UlidSource::UlidSource(const Clock& clock) : clock_(clock), random_(RandomlySeeded()) {}

UlidSource::UlidSource(const Clock& clock, std::uint64_t seed)
    : clock_(clock), random_(seed) {}

void UlidSource::Follow(const Ulid& seen) {
  std::lock_guard lock(mutex_);
  last_ = std::max(last_, seen);
}

Ulid UlidSource::Next() {
  const std::int64_t now_ms = std::clamp<std::int64_t>(clock_.NowMs(), 0, kTimeMsMax);
  std::lock_guard lock(mutex_);
  if (!last_.IsZero() && now_ms <= TimeMs(last_)) {
    // Same millisecond, or the clock went back: the next number after the last one. A
    // carry out of the random part moves the time on, which keeps the order.
    std::size_t i = last_.bytes.size();
    while (i > 0 && ++last_.bytes[i - 1] == 0) --i;
    FIRN_ASSERT(i > 0);
    return last_;
  }
  for (std::size_t i = 0; i < kTimeBytes; ++i) {
    last_.bytes[i] = static_cast<std::uint8_t>(now_ms >> (40 - 8 * i));
  }
  std::uint64_t word = random_();
  for (std::size_t i = kTimeBytes; i < last_.bytes.size(); ++i) {
    if (i == kTimeBytes + 8) word = random_();
    last_.bytes[i] = static_cast<std::uint8_t>(word);
    word >>= 8;
  }
  return last_;
}

}  // namespace firn::base
