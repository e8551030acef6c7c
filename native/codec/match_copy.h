// Copies for decoders of the LZ77 family, in steps of a register: they write up to fifteen bytes too many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace odradek {

// REQUIRES: 16 bytes are readable from each step's start.
inline void copy_by_16(uint8_t* to, const uint8_t* from, size_t length) {
  uint8_t* const end = to + length;
  do {
    std::memcpy(to, from, 16);
    to += 16;
    from += 16;
  } while (to < end);
}

// Repeats `length` bytes that begin `distance` before `to`; the two may overlap.
inline void repeat_match(uint8_t* to, size_t distance, size_t length) {
  const uint8_t* from = to - distance;
  uint8_t* const end = to + length;
  if (distance >= 16) return copy_by_16(to, from, length);
  if (distance < 8) {
    // Write the pattern out for eight bytes; from then on it repeats at a multiple of its length.
    for (int i = 0; i < 8; ++i) to[i] = from[i];
    static constexpr uint8_t kSpread[8] = {0, 8, 8, 9, 8, 10, 12, 14};
    to += 8;
    from = to - kSpread[distance];
  }
  while (to < end) {
    std::memcpy(to, from, 8);
    to += 8;
    from += 8;
  }
}

// The same, not a byte too many.
inline void repeat_match_exactly(uint8_t* to, size_t distance, size_t length) {
  const uint8_t* from = to - distance;
  for (size_t i = 0; i < length; ++i) to[i] = from[i];
}

}  // namespace odradek
