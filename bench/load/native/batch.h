// A record batch (magic 2) with payloads from a seed: the same parameters give the same bytes on every machine.
#pragma once

#include <cstdint>

#include <string_view>

#include "codec.h"
#include "wire.h"

namespace load {

// What values are made of. Words shrink to a half or less; lines to about a quarter, as log lines do; noise not at all;
// sparse, which is one byte of noise to a hundred and some zeros, to a hundredth.
enum class Payload : uint8_t { words, lines, noise, sparse };

Payload payload_named(std::string_view name);

struct BatchShape {
  int32_t records = 1;
  size_t value_bytes = 100;
  Codec codec = Codec::none;
  Payload payload = Payload::words;
  uint64_t seed = 1;
  int64_t timestamp_ms = 0;
};

/// The records alone, before they are compressed.
Bytes build_records(const BatchShape& shape);

Bytes build_batch(const BatchShape& shape);

constexpr size_t kBatchHeader = 61;

uint32_t crc32c(ByteView bytes);

}  // namespace load
