// SPDX-License-Identifier: Apache-2.0
#include "table/deletion_vector.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/budget.h"
#include "base/crc32.h"

namespace firn::table {
namespace {

constexpr std::string_view kMagic = "\xd1\xd3\x39\x64";
constexpr std::size_t kNumberBytes = 4;  // Of the length and of the checksum.
constexpr std::uint32_t kCookie = 12346;
constexpr std::uint32_t kCookieWithRuns = 12347;
constexpr std::uint32_t kBlocksWithOffsets = 4;
constexpr std::uint32_t kBlocksMax = 1 << 16;
constexpr std::int64_t kGrowBytes = 1 << 20;
// A position is a signed number in Iceberg.
constexpr std::uint32_t kHighMax = 0x7fffffff;

std::uint32_t BigEndian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < kNumberBytes; ++i) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

// Takes little-endian numbers off the front; knows how many bytes are left.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : left_(bytes) {}

  std::size_t left() const { return left_.size(); }
  template <typename T>
  Status Read(T* out) {
    FIRN_ASSIGN_OR_RETURN(const std::string_view bytes, Take(sizeof(T)));
    std::make_unsigned_t<T> value = 0;
    for (std::size_t i = sizeof(T); i-- > 0;) {
      value = static_cast<std::make_unsigned_t<T>>(
          static_cast<std::uint64_t>(value) << 8 | static_cast<unsigned char>(bytes[i]));
    }
    *out = static_cast<T>(value);
    return Status::OK();
  }
  Result<std::string_view> Take(std::size_t size) {
    if (size > left_.size()) {
      return Status::Corruption("the bitmap ends " + std::to_string(size - left_.size()) +
                                " bytes too early");
    }
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

 private:
  std::string_view left_;
};

// The 32-bit bitmaps of a blob into one set.
class BitmapDecoder {
 public:
  BitmapDecoder(std::string_view bytes, const GrowMemory& grow)
      : in_(bytes), grow_(grow) {}

  Result<PositionSet> Decode() && {
    std::uint64_t bitmaps = 0;
    FIRN_RETURN_IF_ERROR(in_.Read(&bitmaps));
    std::int64_t before = -1;
    for (std::uint64_t i = 0; i < bitmaps; ++i) {
      std::uint32_t high = 0;
      FIRN_RETURN_IF_ERROR(in_.Read(&high));
      if (high > kHighMax || std::int64_t{high} <= before) {
        return Status::Corruption("the bitmap " + std::to_string(i) +
                                  " is of positions from " + std::to_string(high) +
                                  " * 2^32 on, which are out of order or of range");
      }
      before = high;
      FIRN_RETURN_IF_ERROR(DecodeBitmap(high));
    }
    if (in_.left() > 0) {
      return Status::Corruption(std::to_string(in_.left()) +
                                " bytes come after the bitmap");
    }
    FIRN_RETURN_IF_ERROR(Grow(0));
    return std::move(set_);
  }

 private:
  struct Description {
    std::uint16_t key = 0;
    std::uint16_t count_less_one = 0;
    bool is_runs = false;
  };

  Status DecodeBitmap(std::uint32_t high) {
    FIRN_ASSIGN_OR_RETURN(const std::vector<Description> blocks, ReadDescriptions());
    std::int64_t before = -1;
    for (const Description& block : blocks) {
      if (block.key <= before) return Status::Corruption("its blocks are out of order");
      before = block.key;
      FIRN_ASSIGN_OR_RETURN(PositionSet::Block decoded, ReadBlock(block));
      set_.AddBlock(std::int64_t{high} << PositionSet::kBlockBits | block.key,
                    std::move(decoded));
      FIRN_RETURN_IF_ERROR(Grow(kGrowBytes));
    }
    return Status::OK();
  }

  // Ask for what was taken, once that is `bytes`.
  Status Grow(std::int64_t bytes) {
    const std::int64_t taken = set_.memory_bytes() - asked_bytes_;
    if (grow_ == nullptr || taken < bytes) return Status::OK();
    asked_bytes_ += taken;
    return grow_(taken);
  }

  Result<std::vector<Description>> ReadDescriptions() {
    std::uint32_t cookie = 0;
    FIRN_RETURN_IF_ERROR(in_.Read(&cookie));
    std::uint32_t count = 0;
    std::string_view is_runs;
    if ((cookie & 0xffff) == kCookieWithRuns) {
      count = (cookie >> 16) + 1;
      FIRN_ASSIGN_OR_RETURN(is_runs, in_.Take((count + 7) / 8));
    } else if (cookie == kCookie) {
      FIRN_RETURN_IF_ERROR(in_.Read(&count));
    } else {
      return Status::Corruption("the cookie of a bitmap is " + std::to_string(cookie));
    }
    if (count > kBlocksMax || count * std::size_t{4} > in_.left()) {
      return Status::Corruption("a bitmap has " + std::to_string(count) + " blocks and " +
                                std::to_string(in_.left()) + " bytes");
    }
    std::vector<Description> blocks(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      FIRN_RETURN_IF_ERROR(in_.Read(&blocks[i].key));
      FIRN_RETURN_IF_ERROR(in_.Read(&blocks[i].count_less_one));
      blocks[i].is_runs = !is_runs.empty() && (is_runs[i / 8] >> (i % 8) & 1) != 0;
    }
    if (is_runs.empty() || count >= kBlocksWithOffsets) {
      FIRN_RETURN_IF_ERROR(in_.Take(count * std::size_t{4}).status());
    }
    return blocks;
  }

  Result<PositionSet::Block> ReadBlock(const Description& description) {
    if (description.is_runs) return ReadRuns();
    const std::size_t count = std::size_t{description.count_less_one} + 1;
    return count <= PositionSet::kListMax ? ReadList(count) : ReadBits(count);
  }

  Result<PositionSet::Block> ReadRuns() {
    std::uint16_t count = 0;
    FIRN_RETURN_IF_ERROR(in_.Read(&count));
    if (count == 0 || count * std::size_t{4} > in_.left()) {
      return Status::Corruption("a block of " + std::to_string(count) + " runs");
    }
    PositionSet::Runs runs(count);
    std::int32_t before = -1;
    for (PositionSet::Run& run : runs) {
      std::uint16_t length_less_one = 0;
      FIRN_RETURN_IF_ERROR(in_.Read(&run.first));
      FIRN_RETURN_IF_ERROR(in_.Read(&length_less_one));
      const std::int32_t last = run.first + length_less_one;
      if (run.first <= before || last > UINT16_MAX) {
        return Status::Corruption("the runs of a block are out of order or too long");
      }
      run.last = static_cast<std::uint16_t>(last);
      before = last;
    }
    return PositionSet::Block(std::move(runs));
  }

  Result<PositionSet::Block> ReadList(std::size_t count) {
    if (count * 2 > in_.left()) {
      return Status::Corruption("a list of " + std::to_string(count) +
                                " positions ends too early");
    }
    PositionSet::List list(count);
    std::int32_t before = -1;
    for (std::uint16_t& low : list) {
      FIRN_RETURN_IF_ERROR(in_.Read(&low));
      if (low <= before) return Status::Corruption("a list is out of order");
      before = low;
    }
    return PositionSet::Block(std::move(list));
  }

  Result<PositionSet::Block> ReadBits(std::size_t count) {
    auto bitmap = std::make_unique<PositionSet::Bitmap>();
    if (in_.left() < sizeof *bitmap) {
      return Status::Corruption("a block of bits ends too early");
    }
    std::size_t set = 0;
    for (std::uint64_t& word : *bitmap) {
      FIRN_RETURN_IF_ERROR(in_.Read(&word));
      set += static_cast<std::size_t>(__builtin_popcountll(word));
    }
    if (set != count) {
      return Status::Corruption("a block of " + std::to_string(count) +
                                " positions has " + std::to_string(set));
    }
    return PositionSet::Block(std::move(bitmap));
  }

  Bytes in_;
  const GrowMemory& grow_;
  PositionSet set_;
  std::int64_t asked_bytes_ = 0;
};

}  // namespace

Result<PositionSet> DecodeDeletionVector(std::string_view blob, const GrowMemory& grow) {
  if (blob.size() < 2 * kNumberBytes + kMagic.size()) {
    return Status::Corruption("a deletion vector of " + std::to_string(blob.size()) +
                              " bytes");
  }
  const std::string_view covered =
      blob.substr(kNumberBytes, blob.size() - 2 * kNumberBytes);
  if (BigEndian(blob) != covered.size()) {
    return Status::Corruption("its length is " + std::to_string(BigEndian(blob)) +
                              ", it has " + std::to_string(covered.size()) + " bytes");
  }
  if (!covered.starts_with(kMagic)) {
    return Status::Corruption("no deletion vector: it does not begin with d1 d3 39 64");
  }
  if (BigEndian(blob.substr(blob.size() - kNumberBytes)) != base::Crc32(covered)) {
    return Status::Corruption("its checksum is wrong");
  }
  return BitmapDecoder(covered.substr(kMagic.size()), grow).Decode();
}

Result<PositionSet> ReadDeletionVector(const base::Context& context, io::Store& store,
                                       const iceberg::DeleteFile& file,
                                       const GrowMemory& grow) {
  const std::string what = "deletion vector in " + file.file.file_path;
  const auto read = [&]() -> Result<PositionSet> {
    if (*file.file.content_size_bytes > kDeletionVectorBytesMax) {
      return Status::ResourceExhausted(
          "of " + std::to_string(*file.file.content_size_bytes) + " bytes, at most " +
          std::to_string(kDeletionVectorBytesMax) + " are read");
    }
    const auto size = static_cast<std::uint64_t>(*file.file.content_size_bytes);
    FIRN_ASSIGN_OR_RETURN(
        const base::ByteReservation held,
        base::ByteReservation::Make(context.budget(), static_cast<std::int64_t>(size)));
    io::OpenOptions options;
    options.size_bytes = static_cast<std::uint64_t>(file.file.file_size_bytes);
    FIRN_ASSIGN_OR_RETURN(const auto object,
                          store.OpenReader(context, file.file.file_path, options));
    std::string blob(size, '\0');
    FIRN_RETURN_IF_ERROR(object->ReadAt(
        static_cast<std::uint64_t>(*file.file.content_offset), size, blob.data()));
    FIRN_ASSIGN_OR_RETURN(PositionSet set, DecodeDeletionVector(blob, grow));
    if (set.count() != file.file.record_count) {
      return Status::Corruption("it has " + std::to_string(set.count()) +
                                " positions, the manifest says " +
                                std::to_string(file.file.record_count));
    }
    return set;
  };
  auto set = read();
  if (!set.ok()) return set.status().With(what);
  return set;
}

}  // namespace firn::table
