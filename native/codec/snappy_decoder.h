// Snappy as Kafka's clients send it and snappy-java's SnappyInputStream takes it: either one bare block, or a stream with a
// header and blocks with a length each. Several streams may stand one behind the other; fewer than four bytes at the end,
// and what follows a second header that is none, are not read.
//
// Blocks are decoded here, in any number of steps. Most encoders cut their input into pieces of at most 64 KiB, and nothing
// refers from one into another. Go's (klauspost's s2) refers as far back as it likes: from the first copy on that reaches
// further than the window, such a block has memory of its own that holds all of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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
  size_t history() const {
    if (whole_) return 0;
    return produced_ < PlainWindow::kHistory ? produced_ : PlainWindow::kHistory;
  }

  // No block is under way: gives back the memory of one that was left in its midst.
  void rest() { whole_.reset(); }

 private:
  enum class Step : uint8_t { kStart, kChunk, kTag, kLiteral, kCopy, kEnd };

  Decoded read_start();
  Decoded next_chunk();
  bool begin_block(const uint8_t* end);
  Decoded decode(PlainWindow& window);
  void decode_quickly(PlainWindow& window);
  Decoded begin_whole();
  Decoded decode_whole(PlainWindow& window);

  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
  const uint8_t* block_begin_ = nullptr;  // behind its length
  const uint8_t* block_end_ = nullptr;
  size_t block_bytes_ = 0;  // plain ones, as the block says
  size_t produced_ = 0;     // of this block
  size_t left_ = 0;         // of the literal or copy under way
  size_t distance_ = 0;
  Step step_ = Step::kStart;
  bool bare_ = false;
  bool reaches_far_ = false;  // the next copy goes further back than the window
  std::unique_ptr<uint8_t[]> whole_;
  PlainWindow whole_window_;  // over whole_
};

}  // namespace odradek
