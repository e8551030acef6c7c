#include "log/offset_index.h"

#include <bit>

#include "base/byte_order.h"

namespace odradek {

namespace {
// Entries are aligned to their size, and written whole: a reader racing with a rewrite sees the old or the new one.
std::atomic_ref<uint64_t> word(uint8_t* at) { return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(at)); }
}  // namespace

Status OffsetIndex::create() {
  entries_.store(0, std::memory_order_release);
  return file_.create();
}

Status OffsetIndex::open() {
  if (Status opened = file_.open(); !opened.ok()) return opened;
  entries_.store(file_.entry_count_at_open(), std::memory_order_release);
  return Status::success();
}

bool OffsetIndex::plausible(uint64_t log_size, int64_t next_base) const {
  const uint32_t count = entries();
  if (count == 0) return true;
  const Entry last = read(count - 1);
  if (last.offset < base_offset_ || last.offset >= next_base || last.position >= log_size) return false;
  if (count == 1) return true;
  const Entry before = read(count - 2);
  return before.offset < last.offset && before.position < last.position;
}

OffsetIndex::Entry OffsetIndex::read(uint32_t index) const {
  uint64_t raw = word(file_.entry(index)).load(std::memory_order_relaxed);
  if constexpr (std::endian::native == std::endian::little) raw = __builtin_bswap64(raw);
  return {base_offset_ + static_cast<int32_t>(raw >> 32), static_cast<uint32_t>(raw)};
}

Status OffsetIndex::append(int64_t last_offset, uint32_t position) {
  const uint32_t count = entries_.load(std::memory_order_relaxed);
  INVARIANT(count < file_.max_entries());
  INVARIANT(last_offset >= base_offset_ && last_offset - base_offset_ <= INT32_MAX);
  if (Status room = file_.reserve(count + 1); !room.ok()) return room;
  uint64_t raw = static_cast<uint64_t>(last_offset - base_offset_) << 32 | position;
  if constexpr (std::endian::native == std::endian::little) raw = __builtin_bswap64(raw);
  word(file_.entry(count)).store(raw, std::memory_order_relaxed);
  entries_.store(count + 1, std::memory_order_release);
  return Status::success();
}

uint32_t OffsetIndex::count_at_or_below(int64_t offset) const {
  uint32_t low = 0;
  uint32_t high = entries();
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (read(middle).offset <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

uint32_t OffsetIndex::lookup(int64_t offset) const {
  const uint32_t below = count_at_or_below(offset);
  return below == 0 ? 0 : read(below - 1).position;
}

uint32_t OffsetIndex::lookup_above(int64_t offset, uint32_t otherwise) const {
  const uint32_t below = count_at_or_below(offset);
  return below == entries() ? otherwise : read(below).position;
}

uint32_t OffsetIndex::last_position() const {
  const uint32_t count = entries();
  return count == 0 ? 0 : read(count - 1).position;
}

void OffsetIndex::truncate_to(int64_t offset) {
  entries_.store(count_at_or_below(offset - 1), std::memory_order_release);
}

}  // namespace odradek
