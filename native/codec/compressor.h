// Compresses the records of a batch as Kafka's own producer frames them, for whoever writes batches anew. Levels are
// Kafka's (compression.gzip.level, compression.lz4.level, compression.zstd.level); snappy has none.
//
// Threads: one user at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "codec/codec.h"

struct ZSTD_CCtx_s;

namespace odradek {

// Which level Kafka takes where none is set.
constexpr int default_level(Codec codec) { return codec == Codec::kGzip ? -1 : codec == Codec::kLz4 ? 9 : 3; }

class Compressor {
 public:
  Compressor() = default;
  ~Compressor();
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  // Adds what `plain` becomes to `packed`. False, and `packed` as it was: no memory, or a level that the codec has not.
  // REQUIRES: a codec other than kNone.
  bool compress(Codec codec, int level, std::span<const uint8_t> plain, std::vector<uint8_t>* packed);

 private:
  bool zstd(int level, std::span<const uint8_t> plain, std::vector<uint8_t>* packed);

  ZSTD_CCtx_s* zstd_ = nullptr;
};

}  // namespace odradek
