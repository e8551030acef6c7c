// The block of arena that a network thread currently receives into. Frames lie in it where they arrived.
#pragma once

#include <cstdint>

#include "base/arena.h"

namespace odradek::reactor {

// Belongs to one network thread. Holds one reference to its block, if it has one; every frame announced out of it
// holds another, so a block that was left lives until its last frame is released.
class Slab {
 public:
  static constexpr uint32_t kBytes = Arena::kPageBytes;

  explicit Slab(Arena& arena) : arena_(arena) {}
  ~Slab() { drop(); }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  // Sees to it that `bytes` (<= kBytes) are free behind at(). False: the arena has no room.
  // When all frames of the block are released, its start is used again: a quiet broker stays within a few warm lines.
  bool reserve(uint32_t bytes) {
    if (block_ != Arena::kNoRoom) {
      if (used_ > 0 && arena_.sole_owner(block_)) used_ = 0;
      if (kBytes - used_ >= bytes) return true;
    }
    const uint32_t next = arena_.lease(kBytes);
    if (next == Arena::kNoRoom) return false;
    drop();
    block_ = next;
    used_ = 0;
    return true;
  }

  // REQUIRES: reserve() returned true before
  uint32_t offset() const { return block_ + used_; }
  uint8_t* at() const { return arena_.at(offset()); }
  uint32_t room() const { return kBytes - used_; }

  // The next `bytes` hold `frames` frames, each with a reference of its own from now on.
  void announce(uint32_t bytes, uint32_t frames) {
    if (frames > 0) arena_.retain(block_, frames);
    used_ += bytes;
  }

  void drop() {
    if (block_ != Arena::kNoRoom) arena_.release(block_);
    block_ = Arena::kNoRoom;
  }

 private:
  Arena& arena_;
  uint32_t block_ = Arena::kNoRoom;
  uint32_t used_ = 0;
};

}  // namespace odradek::reactor
