#include "reactor/frame_reader.h"

#include <algorithm>
#include <cstring>

#include "base/byte_order.h"
#include "base/invariant.h"

namespace odradek::reactor {

FrameReader::Room FrameReader::room(Arena& arena, Slab& slab) {
  Room room;
  if (block_ != Arena::kNoRoom && have_ == block_bytes_ && !claim_block(arena, arena.at(block_))) return room;
  if (block_ == Arena::kNoRoom && total_ > kSmallFrame && !claim_block(arena, aside_.get())) return room;

  if (block_ != Arena::kNoRoom) {
    room.pieces[room.count++] = {arena.at(block_) + have_, block_bytes_ - have_};
    // Beyond the frame only when it ends here: otherwise the stream goes on in the next, longer block.
    if (block_bytes_ == total_ && slab.reserve(kLeastRoom)) room.pieces[room.count++] = {slab.at(), slab.room()};
  } else {
    if (!slab.reserve(have_ + kLeastRoom)) return room;
    if (have_ > 0) std::memcpy(slab.at(), aside_.get(), have_);
    room.pieces[room.count++] = {slab.at() + have_, slab.room() - have_};
  }
  for (uint32_t i = 0; i < room.count; ++i) room.bytes += room.pieces[i].iov_len;
  return room;
}

bool FrameReader::received(Arena& arena, Slab& slab, size_t bytes, uint32_t max_frame, std::vector<Frame>& frames) {
  uint32_t available;  // of the stream, from slab.at() on
  if (block_ != Arena::kNoRoom) {
    const uint32_t into_block = static_cast<uint32_t>(std::min<size_t>(bytes, block_bytes_ - have_));
    have_ += into_block;
    if (have_ < total_) return true;
    frames.push_back({block_ + kSizeBytes, total_ - kSizeBytes});
    block_ = Arena::kNoRoom;
    available = static_cast<uint32_t>(bytes - into_block);
  } else {
    available = have_ + static_cast<uint32_t>(bytes);
    aside_.reset();
  }
  have_ = 0;
  total_ = 0;
  if (available == 0) return true;

  const uint8_t* const begin = slab.at();
  const uint32_t origin = slab.offset();
  uint32_t at = 0;
  uint32_t whole = 0;
  bool sane = true;
  while (available - at >= kSizeBytes) {
    const int32_t size = load_i32(begin + at);
    if (size < 0 || static_cast<uint32_t>(size) > max_frame) {
      sane = false;
      break;
    }
    if (available - at - kSizeBytes < static_cast<uint32_t>(size)) {
      total_ = kSizeBytes + static_cast<uint32_t>(size);
      break;
    }
    frames.push_back({origin + at + kSizeBytes, static_cast<uint32_t>(size)});
    at += kSizeBytes + static_cast<uint32_t>(size);
    ++whole;
  }
  // What is left over is copied out, so its place in the slab is free for the next receive.
  if (sane && at < available) keep(arena, begin + at, available - at);
  slab.announce(at, whole);
  return sane;
}

// No room for a block is no failure yet: the bytes are put aside, and room() asks again.
void FrameReader::keep(Arena& arena, const uint8_t* rest, uint32_t bytes) {
  have_ = bytes;
  if (total_ > kSmallFrame && claim_block(arena, rest)) return;
  aside_ = std::make_unique_for_overwrite<uint8_t[]>(bytes);
  std::memcpy(aside_.get(), rest, bytes);
}

// Takes a (longer) block for the frame under way, whose first have_ bytes are at `head`.
bool FrameReader::claim_block(Arena& arena, const uint8_t* head) {
  const uint32_t bytes = claim_bytes(arena);
  const uint32_t next = arena.lease(bytes);
  if (next == Arena::kNoRoom) return false;
  std::memcpy(arena.at(next), head, have_);
  if (block_ != Arena::kNoRoom) arena.release(block_);
  aside_.reset();
  block_ = next;
  block_bytes_ = bytes;
  return true;
}

uint32_t FrameReader::claim_bytes(const Arena& arena) const {
  if (trusting_) return total_;
  uint64_t earned = std::max<uint64_t>(uint64_t{have_} * 4, 2 * Arena::kPageBytes);
  if (earned * 2 > total_) earned = total_;  // the last step, while the old block is still small beside the new
  const bool plenty = arena.in_use() < arena.capacity() / 2;
  return static_cast<uint32_t>(std::min<uint64_t>(total_, plenty ? std::max<uint64_t>(earned, kFirstClaim) : earned));
}

void FrameReader::reset(Arena& arena, bool trusting) {
  if (block_ != Arena::kNoRoom) arena.release(block_);
  aside_.reset();
  block_ = Arena::kNoRoom;
  have_ = total_ = 0;
  trusting_ = trusting;
}

}  // namespace odradek::reactor
