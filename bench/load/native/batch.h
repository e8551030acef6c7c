// A record batch (magic 2) with payloads from a seed: the same parameters give the same bytes on every machine.
#pragma once

#include <cstdint>

#include "codec.h"
#include "wire.h"

namespace load {

struct BatchShape {
  int32_t records = 1;
  size_t value_bytes = 100;
  Codec codec = Codec::none;
  uint64_t seed = 1;
  int64_t timestamp_ms = 0;
};

Bytes build_batch(const BatchShape& shape);

uint32_t crc32c(ByteView bytes);

}  // namespace load
