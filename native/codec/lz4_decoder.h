// LZ4 frames, as Kafka takes them (its Lz4BlockInputStream): one frame, independent blocks of 64 KiB to 4 MiB, each with
// or without a checksum. A checksum over the content must be there when the header says so, and is not looked at; what
// follows the frame is not read. Blocks are decoded here, in any number of steps, so that none needs a buffer of its size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "codec/window.h"

namespace odradek {

class Lz4Decoder {
 public:
  // `packed` stays where it is until the end.
  void begin(std::span<const uint8_t> packed);

  // Makes plain bytes until the window is full or a block ends.
  Decoded run(PlainWindow& window);

  // How many of the bytes before window.end the rest of the block may refer to.
  size_t history() const { return produced_ < PlainWindow::kHistory ? produced_ : PlainWindow::kHistory; }

 private:
  enum class Step : uint8_t { kHeader, kBlock, kStored, kSequence, kLiterals, kMatch, kEnd };

  bool read_header();
  Decoded next_block();
  void end_block();
  bool read_length(size_t* length);
  Decoded decode(PlainWindow& window);
  bool decode_quickly(PlainWindow& window);

  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;        // of the frame's bytes
  const uint8_t* block_end_ = nullptr;  // of the block's
  size_t block_most_ = 0;               // plain bytes of a block
  size_t produced_ = 0;                 // of this block
  size_t literals_ = 0;                 // left of the sequence under way
  size_t match_ = 0;
  size_t distance_ = 0;
  Step step_ = Step::kHeader;
  bool block_checksums_ = false;
  bool content_checksum_ = false;
};

}  // namespace odradek
