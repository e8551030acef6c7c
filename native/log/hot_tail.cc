#include "log/hot_tail.h"

#include <algorithm>
#include <bit>
#include <mutex>

#include "base/invariant.h"

namespace odradek {

namespace {
constexpr uint32_t kSmallest = 16;      // an idle partition shall cost little
constexpr size_t kMostRegions = 8;      // each holds a file open
}

HotTail::HotTail(uint32_t capacity) : capacity_(std::bit_ceil(std::max(capacity, kSmallest))) {}

void HotTail::begin_segment(int64_t segment_base, std::shared_ptr<FileHandle> file, uint64_t position,
                            int64_t next_offset) {
  std::shared_ptr<FileHandle> dropped;  // closed after the lock
  const std::lock_guard lock(lock_);
  if (regions_.size() == kMostRegions) {
    first_ = std::max(first_, regions_[1].first_batch);
    dropped = std::move(regions_.front().file);
    regions_.erase(regions_.begin());
  }
  regions_.push_back({segment_base, next_, position, next_offset, std::move(file)});
}

void HotTail::clear() {
  std::vector<Batch> ring;
  std::vector<Region> regions;  // freed, and files closed, after the lock
  const std::lock_guard lock(lock_);
  ring.swap(ring_);
  regions.swap(regions_);
  first_ = next_;
}

void HotTail::set_capacity(uint32_t capacity) {
  capacity_ = std::bit_ceil(std::max(capacity, kSmallest));
  if (ring_.size() <= capacity_) return;
  std::vector<Batch> smaller(capacity_);
  const std::lock_guard lock(lock_);
  first_ = std::max(first_, next_ - std::min<uint64_t>(next_, capacity_));
  for (uint64_t i = first_; i < next_; ++i) smaller[i & (capacity_ - 1)] = at(i);
  ring_.swap(smaller);
}

// Grows the ring while it is below its capacity. Only this thread changes it, so it is read here without the lock.
void HotTail::make_room(size_t count) {
  const uint64_t used = next_ - first_;
  if (used + count <= ring_.size() || ring_.size() >= capacity_) return;
  const uint64_t wanted = std::min<uint64_t>(capacity_, std::bit_ceil(std::max<uint64_t>(used + count, kSmallest)));
  std::vector<Batch> larger(wanted);
  for (uint64_t i = first_; i < next_; ++i) larger[i & (wanted - 1)] = at(i);
  const std::lock_guard lock(lock_);
  ring_.swap(larger);
}

void HotTail::push(std::span<const Batch> batches, uint64_t end_position, int64_t next_offset) {
  make_room(batches.size());
  std::vector<Region> dropped;
  {
    const std::lock_guard lock(lock_);
    INVARIANT(!regions_.empty());
    for (const Batch& batch : batches) {
      ring_[next_ & (ring_.size() - 1)] = batch;
      ++next_;
    }
    if (next_ - first_ > ring_.size()) first_ = next_ - ring_.size();
    regions_.back().end_position = end_position;
    regions_.back().next_offset = next_offset;
    if (regions_.size() > 1 && regions_[1].first_batch <= first_) {
      size_t keep = 1;
      while (keep + 1 < regions_.size() && regions_[keep + 1].first_batch <= first_) ++keep;
      dropped.assign(std::make_move_iterator(regions_.begin()),
                     std::make_move_iterator(regions_.begin() + static_cast<ptrdiff_t>(keep)));
      regions_.erase(regions_.begin(), regions_.begin() + static_cast<ptrdiff_t>(keep));
    }
  }
}

uint64_t HotTail::first_ending_at_or_after(int64_t offset) const {
  uint64_t low = first_;
  uint64_t high = next_;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (at(middle).last_offset() < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

uint64_t HotTail::first_beginning_at_or_after(int64_t offset, uint64_t from, uint64_t to) const {
  while (from < to) {
    const uint64_t middle = from + (to - from) / 2;
    if (at(middle).base_offset < offset) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}

const HotTail::Region& HotTail::region_of(uint64_t sequence) const {
  size_t i = regions_.size() - 1;
  while (i > 0 && regions_[i].first_batch > sequence) --i;
  return regions_[i];
}

bool HotTail::locate(int64_t from_offset, int64_t max_offset, uint32_t max_bytes, bool at_least_one_batch,
                     Slice* out) const {
  Slice found;  // what `out` held before may close a file, which is not for the lock
  {
    const std::lock_guard lock(lock_);
    if (!locate_locked(from_offset, max_offset, max_bytes, at_least_one_batch, &found)) return false;
  }
  *out = std::move(found);
  return true;
}

bool HotTail::locate_locked(int64_t from_offset, int64_t max_offset, uint32_t max_bytes, bool at_least_one_batch,
                            Slice* out) const {
  if (regions_.empty()) return false;
  max_offset = std::min(max_offset, regions_.back().next_offset);
  if (from_offset == max_offset) return true;
  if (from_offset > max_offset || first_ == next_) return false;
  const uint64_t first = first_ending_at_or_after(from_offset);
  // Before the oldest one remembered: whether an older one holds the offset is not known here.
  if (first == next_ || (first == first_ && at(first).base_offset > from_offset)) return false;
  if (at(first).base_offset >= max_offset) return true;

  const Region& region = region_of(first);
  const uint64_t region_end = &region == &regions_.back() ? next_ : (&region + 1)->first_batch;
  const auto position_of = [&](uint64_t sequence) {
    return sequence < region_end ? at(sequence).position : region.end_position;
  };
  uint64_t limit = region.end_position;
  if (region.next_offset > max_offset) limit = position_of(first_beginning_at_or_after(max_offset, first, region_end));

  const uint64_t position = at(first).position;
  const uint64_t first_length = position_of(first + 1) - position;
  uint64_t length = std::min<uint64_t>(limit - position, max_bytes);
  if (at_least_one_batch) length = std::max(length, first_length);
  *out = Slice{region.file, position, static_cast<uint32_t>(length), static_cast<uint32_t>(first_length),
               at(first).base_offset, region.segment_base};
  return true;
}

}  // namespace odradek
