// SPDX-License-Identifier: Apache-2.0
// Good files, harmed as the input says, and inputs that are files: an answer or a typed
// error that names the file, within the budget.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "parquet/test_damage.h"

namespace firn::parquet {
namespace {

void HarmAndRead(std::string_view input) {
  static const std::array<std::string, kGoodFiles>& good = *[] {
    auto* files = new std::array<std::string, kGoodFiles>;
    for (int form = 0; form < kGoodFiles; ++form) {
      (*files)[static_cast<std::size_t>(form)] = GoodFile(form);
      if ((*files)[static_cast<std::size_t>(form)].empty()) std::abort();
    }
    return files;
  }();
  base::ByteReader in(input);
  const std::uint8_t form = in.U8();
  const ReadingOptions reading = {.verify_checksums = (form & 0x40) != 0,
                                  .has_keys = true,
                                  .text_form = static_cast<TextForm>((form >> 4) % 3)};
  std::string bytes;
  if (form & 0x80) {
    bytes = input.substr(input.empty() ? 0 : 1);
  } else {
    bytes = good[form % 16 % kGoodFiles];
    Harm(in, bytes);
  }
  const Status status = ReadThrough(std::move(bytes), reading);
  if (IsTyped(status)) return;
  std::fprintf(stderr, "not a typed error: %s\n", status.ToString().c_str());
  std::abort();
}

}  // namespace
}  // namespace firn::parquet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  firn::parquet::HarmAndRead({reinterpret_cast<const char*>(data), size});
  return 0;
}
