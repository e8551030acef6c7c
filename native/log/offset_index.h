// The sparse map from offset to position, as in Kafka's .index:
//
//   entry: relativeOffset int32, position int32     relativeOffset = last offset of a batch - base offset of the segment
//                                                   position       = where that batch begins in the .log
//
// Entries rise strictly in offset. Look-up gives the greatest entry at or below an offset.
#pragma once

#include <atomic>
#include <cstdint>

#include "log/index_file.h"

namespace odradek {

// Threads: append(), truncate_to(), trim() belong to the log thread; the rest is anyone's. A look-up that races with
// truncate_to() may answer from what was cut; the reader notices by the log's truncation count.
class OffsetIndex {
 public:
  static constexpr uint32_t kEntrySize = 8;

  OffsetIndex(FileSystem& files, std::string path, int64_t base_offset, uint64_t max_bytes)
      : file_(files, std::move(path), kEntrySize, max_bytes), base_offset_(base_offset) {}

  Status create();
  // All entries of the file count: right for a trimmed one.
  Status open();
  // Whether what open() found can be an index of this segment. Cheap: looks at the last entry.
  bool plausible(uint64_t log_size, int64_t next_base) const;

  uint32_t entries() const { return entries_.load(std::memory_order_acquire); }
  bool full() const { return entries() >= file_.max_entries(); }

  // REQUIRES: !full(), last_offset above the last entry's and within 2^31 of base. Fails when space cannot be had;
  // then nothing changed and the entry may simply be left out.
  Status append(int64_t last_offset, uint32_t position);

  // Where to begin looking for `offset`: the position of the greatest entry at or below it, 0 if there is none.
  uint32_t lookup(int64_t offset) const;
  // The first entry above `offset`: its position, or `otherwise` if there is none.
  uint32_t lookup_above(int64_t offset, uint32_t otherwise) const;
  uint32_t last_position() const;

  // Forgets entries at and above `offset`.
  void truncate_to(int64_t offset);
  void clear() { entries_.store(0, std::memory_order_release); }

  Status trim() { return file_.trim(entries()); }
  Status sync() { return file_.sync(); }

 private:
  struct Entry {
    int64_t offset;
    uint32_t position;
  };
  Entry read(uint32_t index) const;
  // How many entries are at or below `offset`.
  uint32_t count_at_or_below(int64_t offset) const;

  IndexFile file_;
  const int64_t base_offset_;
  std::atomic<uint32_t> entries_{0};
};

}  // namespace odradek
