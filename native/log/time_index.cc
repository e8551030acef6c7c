#include "log/time_index.h"

#include <bit>

#include "base/byte_order.h"

namespace odradek {

namespace {

// An entry is three aligned words. A reader racing with the rewriting of a truncated entry may see a mixture, and will
// look again because the log's truncation count moved; the words are atomic so that this is not undefined as well.
std::atomic_ref<uint32_t> word(uint8_t* entry, size_t index) {
  return std::atomic_ref<uint32_t>(reinterpret_cast<uint32_t*>(entry)[index]);
}

uint32_t big_endian(uint32_t v) { return std::endian::native == std::endian::little ? __builtin_bswap32(v) : v; }

}  // namespace

Status TimeIndex::create() {
  entries_.store(0, std::memory_order_release);
  return file_.create();
}

Status TimeIndex::open() {
  if (Status opened = file_.open(); !opened.ok()) return opened;
  entries_.store(file_.entry_count_at_open(), std::memory_order_release);
  return Status::success();
}

bool TimeIndex::plausible(int64_t next_base) const {
  const uint32_t count = entries();
  if (count == 0) return true;
  const TimestampOffset last = read(count - 1);
  if (last.timestamp < 0 || last.offset < base_offset_ || last.offset >= next_base) return false;
  if (count == 1) return true;
  const TimestampOffset before = read(count - 2);
  return before.timestamp < last.timestamp && before.offset <= last.offset;
}

TimestampOffset TimeIndex::read(uint32_t index) const {
  uint8_t* const entry = file_.entry(index);
  const uint64_t high = big_endian(word(entry, 0).load(std::memory_order_relaxed));
  const uint32_t low = big_endian(word(entry, 1).load(std::memory_order_relaxed));
  const auto relative = static_cast<int32_t>(big_endian(word(entry, 2).load(std::memory_order_relaxed)));
  return {static_cast<int64_t>(high << 32 | low), base_offset_ + relative};
}

TimestampOffset TimeIndex::last_entry() const {
  const uint32_t count = entries();
  return count == 0 ? TimestampOffset{-1, base_offset_} : read(count - 1);
}

Status TimeIndex::maybe_append(TimestampOffset largest, bool last) {
  const TimestampOffset before = last_entry();
  if (largest.timestamp <= before.timestamp) return Status::success();
  INVARIANT(largest.offset >= before.offset);
  const uint32_t count = entries_.load(std::memory_order_relaxed);
  INVARIANT(count + (last ? 0 : 1) < file_.max_entries());
  if (Status room = file_.reserve(count + 1); !room.ok()) return room;
  uint8_t* const entry = file_.entry(count);
  const auto timestamp = static_cast<uint64_t>(largest.timestamp);
  word(entry, 0).store(big_endian(static_cast<uint32_t>(timestamp >> 32)), std::memory_order_relaxed);
  word(entry, 1).store(big_endian(static_cast<uint32_t>(timestamp)), std::memory_order_relaxed);
  word(entry, 2).store(big_endian(static_cast<uint32_t>(largest.offset - base_offset_)), std::memory_order_relaxed);
  entries_.store(count + 1, std::memory_order_release);
  return Status::success();
}

TimestampOffset TimeIndex::lookup(int64_t timestamp) const {
  uint32_t low = 0;
  uint32_t high = entries();
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (read(middle).timestamp <= timestamp) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low == 0 ? TimestampOffset{-1, base_offset_} : read(low - 1);
}

void TimeIndex::truncate_to(int64_t offset) {
  uint32_t low = 0;
  uint32_t high = entries();
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (read(middle).offset < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  entries_.store(low, std::memory_order_release);
}

}  // namespace odradek
