// Inflates the records of one batch after another, a windowful at a time: memory is one window (and what the codec needs
// beside it), whatever a batch becomes.
//
//   inflater.begin(codec, packed);
//   while (inflater.fill() == Decoded::kMore) inflater.consume(look_at(inflater.plain()));
//
// Threads: one user at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "codec/codec.h"
#include "codec/gzip_decoder.h"
#include "codec/lz4_decoder.h"
#include "codec/snappy_decoder.h"
#include "codec/window.h"
#include "codec/zstd_decoder.h"

namespace odradek {

class Inflater {
 public:
  // What may stay unread of plain() before the next fill().
  static constexpr size_t kMostUnread = 1024;

  // `packed` stays where it is, unchanged, until the last fill().
  void begin(Codec codec, std::span<const uint8_t> packed);

  // Adds to plain(). kMore: at least one byte. kEnd: there is no more, and plain() is what was left unread.
  // REQUIRES: no more than kMostUnread bytes of plain() are unread.
  Decoded fill();

  // Plain bytes that were made and not consumed.
  std::span<const uint8_t> plain() const { return {unread_, window_.end}; }
  void consume(size_t bytes) { unread_ += bytes; }

  // All plain bytes so far.
  uint64_t made() const { return made_; }

  // No batch is under way for now: gives back what only an unusual one needed.
  void rest() {
    snappy_.rest();
    zstd_.rest();
  }

 private:
  bool make_room();
  size_t history() const;
  Decoded run();

  Codec codec_ = Codec::kNone;
  std::unique_ptr<uint8_t[]> memory_;
  PlainWindow window_;
  const uint8_t* unread_ = nullptr;
  uint64_t made_ = 0;
  GzipDecoder gzip_;
  SnappyDecoder snappy_;
  Lz4Decoder lz4_;
  ZstdDecoder zstd_;
};

}  // namespace odradek
