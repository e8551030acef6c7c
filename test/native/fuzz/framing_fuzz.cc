// Any bytes, cut anywhere, with frames held as long as the input says: the frame reader finds what a reader with the
// whole stream in its hands finds, never touches a frame that is held, and gives all memory back.
//
// Input: 1 byte of settings, 15 bytes of cuts (used in turn), then the stream.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/arena.h"
#include "base/byte_order.h"
#include "base/invariant.h"
#include "reactor/frame_reader.h"

using namespace odradek;
using namespace odradek::reactor;

namespace {

struct Expected {
  std::vector<std::vector<uint8_t>> frames;
  bool sane = true;
};

Expected read_whole(const uint8_t* stream, size_t size, uint32_t max_frame) {
  Expected expected;
  for (size_t at = 0; size - at >= 4;) {
    const int32_t length = load_i32(stream + at);
    if (length < 0 || static_cast<uint32_t>(length) > max_frame) {
      expected.sane = false;
      break;
    }
    if (size - at - 4 < static_cast<size_t>(length)) break;
    expected.frames.emplace_back(stream + at + 4, stream + at + 4 + length);
    at += 4 + static_cast<size_t>(length);
  }
  return expected;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 16) return 0;
  const uint8_t settings = data[0];
  const uint8_t* const cuts = data + 1;
  const uint8_t* const stream = data + 16;
  const size_t length = size - 16;
  const uint32_t max_frame = (settings & 1) != 0 ? 64 : (settings & 2) != 0 ? 40'000 : 8u << 20;
  const size_t scale = (settings & 4) != 0 ? 1 : (settings & 8) != 0 ? 97 : 4'099;
  auto arena = *Arena::reserve({.capacity = uint64_t{(settings & 16) != 0 ? 8u : 512u} * Arena::kPageBytes});
  const Expected expected = read_whole(stream, length, max_frame);

  std::vector<Frame> seen;  // in order; those below `held_from` were given back
  size_t held_from = 0;
  const auto let_go = [&](size_t below) {
    for (; held_from < below; ++held_from) {
      const Frame& frame = seen[held_from];
      const std::vector<uint8_t>& bytes = expected.frames[held_from];
      INVARIANT(frame.length == bytes.size());
      INVARIANT(frame.length == 0 || std::memcmp(arena->at(frame.offset), bytes.data(), frame.length) == 0);
      arena->release(frame.offset);
    }
  };
  {
    Slab slab(*arena);
    FrameReader reader;
    bool sane = true;
    size_t at = 0;
    for (size_t turn = 0; sane && at < length; ++turn) {
      FrameReader::Room room = reader.room(*arena, slab);
      if (room.count == 0) {
        let_go(seen.size());
        room = reader.room(*arena, slab);
        if (room.count == 0) break;  // longer than this arena can hold
      }
      INVARIANT(room.bytes > 0);
      size_t take = std::min({(1 + cuts[turn % 15]) * scale, length - at, room.bytes});
      const size_t arrived = take;
      for (uint32_t i = 0; i < room.count && take > 0; ++i) {
        const size_t some = std::min(room.pieces[i].iov_len, take);
        std::memcpy(room.pieces[i].iov_base, stream + at, some);
        at += some;
        take -= some;
      }
      const size_t before = seen.size();
      sane = reader.received(*arena, slab, arrived, max_frame, seen);
      INVARIANT(seen.size() - before <= FrameReader::kMostFrames);
      INVARIANT(seen.size() <= expected.frames.size());
      if ((settings & 32) != 0 && cuts[(turn + 7) % 15] % 2 == 0) let_go(held_from + (seen.size() - held_from + 1) / 2);
    }
    if (at == length) INVARIANT(!sane || seen.size() == expected.frames.size());
    if (!sane) INVARIANT(!expected.sane);
    reader.reset(*arena);
  }
  let_go(seen.size());
  INVARIANT(arena->in_use() == 0);
  return 0;
}
