// Where the newest batches of a log are: enough to answer most fetches without touching a file.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/spin_lock.h"
#include "log/slice.h"

namespace odradek {

// One log thread writes, any thread looks up. The lock is held for a binary search at most, never in a system call.
class HotTail {
 public:
  struct Batch {
    int64_t base_offset;
    uint32_t position;
    int32_t last_offset_delta;
    int64_t last_offset() const { return base_offset + last_offset_delta; }
  };

  explicit HotTail(uint32_t capacity);

  // What follows goes into this segment, at its end. (log thread)
  void begin_segment(int64_t segment_base, std::shared_ptr<FileHandle> file, uint64_t position, int64_t next_offset);
  // Batches written side by side; `end_position` is where the last one ends, `next_offset` the log's new end. (log thread)
  void push(std::span<const Batch> batches, uint64_t end_position, int64_t next_offset);
  // Forgets everything; begin_segment() must follow. (log thread)
  void clear();
  // Changes how many batches are remembered. (log thread)
  void set_capacity(uint32_t capacity);

  // As Log::locate_hot.
  bool locate(int64_t from_offset, int64_t max_offset, uint32_t max_bytes, bool at_least_one_batch, Slice* out) const;

 private:
  // A segment with batches among those remembered, or the active one.
  struct Region {
    int64_t segment_base;
    uint64_t first_batch;   // sequence number
    uint64_t end_position;
    int64_t next_offset;
    std::shared_ptr<FileHandle> file;
  };

  const Batch& at(uint64_t sequence) const { return ring_[sequence & (ring_.size() - 1)]; }
  bool locate_locked(int64_t from_offset, int64_t max_offset, uint32_t max_bytes, bool at_least_one_batch,
                     Slice* out) const;
  uint64_t first_ending_at_or_after(int64_t offset) const;
  uint64_t first_beginning_at_or_after(int64_t offset, uint64_t from, uint64_t to) const;
  const Region& region_of(uint64_t sequence) const;
  void make_room(size_t count);

  uint32_t capacity_;
  mutable SpinLock lock_;
  // Under lock_. Batches have sequence numbers that never repeat; first_ to next_ - 1 are in the ring.
  std::vector<Batch> ring_;  // its size is a power of two
  uint64_t first_ = 0;
  uint64_t next_ = 0;
  std::vector<Region> regions_;  // oldest first; the last is the active segment
};

}  // namespace odradek
