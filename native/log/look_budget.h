// What looking into compressed batches costs, and how much of it is done at a stretch on a thread that others wait for.
#pragma once

#include <algorithm>
#include <cstdint>

#include "codec/codec.h"

namespace odradek {

// In bytes of the cheapest codec: one to two milliseconds.
constexpr uint64_t kLookBudget = 4 << 20;
constexpr uint64_t kUnboundedLook = UINT64_MAX;

// Takes off `budget` what it costs to make plain bytes, about: zlib makes half a gigabyte a second, zstd one, the others two
// and more.
inline void spend(uint64_t* budget, Codec codec, uint64_t made) {
  const uint64_t cost = made * (codec == Codec::kGzip ? 4 : codec == Codec::kZstd ? 2 : 1);
  *budget -= std::min(cost, *budget);
}

}  // namespace odradek
