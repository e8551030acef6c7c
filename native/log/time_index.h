// The sparse map from time to offset, as in Kafka's .timeindex:
//
//   entry: timestamp int64, relativeOffset int32     the largest timestamp so far, and the last offset of the batch it is
//                                                    in, relative to the segment's base offset
//
// Timestamps rise strictly; what does not rise is left out. The last entry of a closed segment holds its largest
// timestamp, and one place is kept for it (Kafka's TimeIndex.isFull).
#pragma once

#include <atomic>
#include <cstdint>

#include "log/index_file.h"

namespace odradek {

struct TimestampOffset {
  int64_t timestamp = -1;  // none
  int64_t offset = -1;
};

// Threads: as OffsetIndex.
class TimeIndex {
 public:
  static constexpr uint32_t kEntrySize = 12;

  TimeIndex(FileSystem& files, std::string path, int64_t base_offset, uint64_t max_bytes)
      : file_(files, std::move(path), kEntrySize, max_bytes), base_offset_(base_offset) {}

  Status create();
  Status open();
  bool plausible(int64_t next_base) const;

  uint32_t entries() const { return entries_.load(std::memory_order_acquire); }
  bool full() const { return entries() + 1 >= file_.max_entries(); }

  // Appends if `timestamp` is above the last entry's. `last`: the closing entry, which may take the kept place.
  // Fails when space cannot be had; then nothing changed.
  Status maybe_append(TimestampOffset largest, bool last);

  // The last one; without entries {-1, base offset}, as Kafka says.
  TimestampOffset last_entry() const;
  // The greatest entry with a timestamp at or below; without one {-1, base offset}.
  TimestampOffset lookup(int64_t timestamp) const;

  // Forgets entries whose offset is at or above `offset`.
  void truncate_to(int64_t offset);
  void clear() { entries_.store(0, std::memory_order_release); }

  Status trim() { return file_.trim(entries()); }
  Status sync() { return file_.sync(); }

 private:
  TimestampOffset read(uint32_t index) const;

  IndexFile file_;
  const int64_t base_offset_;
  std::atomic<uint32_t> entries_{0};
};

}  // namespace odradek
