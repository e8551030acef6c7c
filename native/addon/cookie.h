// What travels with an append and comes back with its end.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "reactor/slot_index.h"

namespace odradek {

// A cookie of an append: | notify 1 | answer + 1: 23 | row 16 | TypeScript's own 24 |
struct Cookie {
  bool notify;
  int64_t answer;  // -1: none
  uint32_t row;
  uint32_t script;

  static uint64_t pack(bool notify, int64_t answer, uint32_t row, uint32_t script) {
    return (uint64_t{notify} << 63) | (static_cast<uint64_t>(answer + 1) << 40) | (uint64_t{row & 0xffff} << 24) |
           (script & 0xffffff);
  }
  static Cookie unpack(uint64_t packed) {
    return {(packed >> 63) != 0, static_cast<int64_t>((packed >> 40) & 0x7fffff) - 1,
            static_cast<uint32_t>((packed >> 24) & 0xffff), static_cast<uint32_t>(packed & 0xffffff)};
  }
};

static_assert(kMostSlots < (1u << 23), "an append's cookie has room for any answer");

inline double code_of(Code code) { return static_cast<double>(static_cast<int32_t>(code)); }

}  // namespace odradek
