// gzip as Java's GZIPInputStream takes it: members one behind the other; what follows the last one and is no member's
// header is not read. zlib inflates; Node has it, and its program shows it to addons.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "codec/window.h"

namespace odradek {

class GzipDecoder {
 public:
  GzipDecoder() = default;
  ~GzipDecoder();
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;

  // `packed` stays where it is until the end.
  void begin(std::span<const uint8_t> packed);

  // Makes plain bytes until the window is full or a member ends. What a member held is given out before its trailer is
  // looked at, as by Java's: whoever reads may find fault with it first.
  Decoded run(PlainWindow& window);

 private:
  enum class Step : uint8_t { kHeader, kBody, kTrailer };

  bool read_header();
  bool read_trailer();
  Decoded begin_member();

  z_stream stream_{};
  bool made_ = false;  // stream_ holds zlib's memory, which is kept from batch to batch
  Step step_ = Step::kHeader;
  bool first_ = true;
  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
  uint32_t crc_ = 0;
  uint32_t bytes_ = 0;  // modulo 2^32
};

}  // namespace odradek
