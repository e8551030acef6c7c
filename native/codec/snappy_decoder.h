// Snappy as Kafka's clients send it and snappy-java's SnappyInputStream takes it: either one bare block, or a stream with a
// header and blocks with a length each. Several streams may stand one behind the other; fewer than four bytes at the end,
// and what follows a second header that is none, are not read.
//
// Blocks are decoded here, in any number of steps. Every encoder cuts its input into pieces of at most 64 KiB, and nothing
// refers from one into another: a block that refers back further is taken for damaged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "codec/window.h"

namespace odradek {

class SnappyDecoder {
 public:
  // `packed` stays where it is until the end.
  void begin(std::span<const uint8_t> packed);

  // Makes plain bytes until the window is full or a block ends.
  Decoded run(PlainWindow& window);

  // How many of the bytes before window.end the rest of the block may refer to.
  size_t history() const { return produced_ < PlainWindow::kHistory ? produced_ : PlainWindow::kHistory; }

 private:
  enum class Step : uint8_t { kStart, kChunk, kTag, kLiteral, kCopy, kEnd };

  Decoded read_start();
  Decoded next_chunk();
  bool begin_block(const uint8_t* end);
  Decoded decode(PlainWindow& window);
  bool decode_quickly(PlainWindow& window);

  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
  const uint8_t* block_end_ = nullptr;
  size_t block_bytes_ = 0;  // plain ones, as the block says
  size_t produced_ = 0;     // of this block
  size_t left_ = 0;         // of the literal or copy under way
  size_t distance_ = 0;
  Step step_ = Step::kStart;
  bool bare_ = false;
};

}  // namespace odradek
