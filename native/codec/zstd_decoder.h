// Zstandard as Kafka takes it (zstd-jni's ZstdInputStream): frames one behind the other, skippable ones too, with a window
// of up to 128 MiB, no dictionary. The decoder keeps its memory from batch to batch, unless that is much.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "codec/window.h"

struct ZSTD_DCtx_s;

namespace odradek {

class ZstdDecoder {
 public:
  ZstdDecoder() = default;
  ~ZstdDecoder();
  ZstdDecoder(const ZstdDecoder&) = delete;
  ZstdDecoder& operator=(const ZstdDecoder&) = delete;

  // `packed` stays where it is until the end.
  void begin(std::span<const uint8_t> packed);

  // Makes plain bytes until the window is full or a frame ends.
  Decoded run(PlainWindow& window);

  // Gives memory back that only an unusual batch needed.
  void rest();

 private:
  ZSTD_DCtx_s* context_ = nullptr;
  std::span<const uint8_t> packed_;
  size_t at_ = 0;
  bool between_frames_ = true;
};

}  // namespace odradek
