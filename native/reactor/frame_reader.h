// Cuts a stream into frames: an int32 size, big-endian, and that many bytes. Knows no sockets.
//
//   small frames   are received into the thread's slab and stay where they arrived. The head of one that is cut off
//                  is put aside (heap, exactly its bytes) and laid before what comes next.
//   large ones     get a block of their own as soon as their size is known, and are received straight into place;
//                  what follows them in the stream goes into the slab in the same call.
//
// A frame's bytes are always contiguous. A connection between frames holds no memory.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "base/arena.h"
#include "reactor/slab.h"

namespace odradek::reactor {

// A whole frame, with one arena reference that goes to whoever takes it.
struct Frame {
  static constexpr uint32_t kSizeBytes = 4;

  uint32_t offset = 0;  // behind the size
  uint32_t length = 0;

  // Names its block whatever its length: an empty frame may end where the block does, and begin where another one may.
  uint32_t in_block() const { return offset - kSizeBytes; }
};

// One per connection; belongs to its network thread.
class FrameReader {
 public:
  static constexpr uint32_t kSizeBytes = Frame::kSizeBytes;
  // A frame longer than this gets its own block when it does not arrive in one piece.
  static constexpr uint32_t kSmallFrame = 16 * 1024;
  // The least room worth a receive.
  static constexpr uint32_t kLeastRoom = 16 * 1024;
  // A block of its own starts with at most this, and grows by copying as bytes really come: claiming 100 MiB costs the
  // claimant nothing, so it gets nothing.
  static constexpr uint32_t kFirstClaim = (1u << 20) + Arena::kPageBytes;
  // No receive can bring more frames.
  static constexpr uint32_t kMostFrames = Slab::kBytes / kSizeBytes + 1;

  struct Room {
    iovec pieces[2];
    uint32_t count = 0;  // 0: the arena has no room; ask again when it has
    size_t bytes = 0;
  };

  FrameReader() = default;
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  // Where the next bytes go. Nothing but received() may touch `slab` before they are there.
  Room room(Arena& arena, Slab& slab);

  // `bytes` came into what room() gave. Appends whole frames to `frames`. False: a size is negative or above
  // `max_frame`; the frames before it count, and the stream is not to be read any further.
  bool received(Arena& arena, Slab& slab, size_t bytes, uint32_t max_frame, std::vector<Frame>& frames);

  // In the midst of a frame.
  bool midway() const { return have_ > 0; }
  // Has a block of its own with room left: receiving needs no new memory.
  bool has_block() const { return block_ != Arena::kNoRoom && have_ < block_bytes_; }

  // Bytes still to come of a frame that has a block of its own.
  uint32_t missing() const { return block_ != Arena::kNoRoom ? total_ - have_ : 0; }

  bool owns_block() const { return block_ != Arena::kNoRoom; }
  // room() asks for a block, not just for a slab.
  bool wants_block() const { return block_ != Arena::kNoRoom || total_ > kSmallFrame; }

  // Forgets what it has. `trusting`: whoever sends was asked to, so a long frame gets its block whole, and is never copied.
  void reset(Arena& arena, bool trusting = false);

 private:
  void keep(Arena& arena, const uint8_t* rest, uint32_t bytes);
  bool claim_block(Arena& arena, const uint8_t* head);
  uint32_t claim_bytes(const Arena& arena) const;

  std::unique_ptr<uint8_t[]> aside_;   // the first have_ bytes of the frame, when block_ is none and have_ > 0
  uint32_t block_ = Arena::kNoRoom;    // or they lie here, ours
  uint32_t block_bytes_ = 0;           // of it that may be filled: at most total_
  uint32_t have_ = 0;
  uint32_t total_ = 0;                 // size field included; 0: not known yet
  bool trusting_ = false;
};

}  // namespace odradek::reactor
