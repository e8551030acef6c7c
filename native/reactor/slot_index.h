// How many requests can be without an answer sent: the one bound that all tables by request have.
#pragma once

#include <cstdint>

namespace odradek {

// A slot is 31 bits: the low ones are its index, dense from 0 and mostly small; the others change with every use, so that
// a stale slot is recognized.
inline constexpr uint32_t kSlotIndexBits = 20;
inline constexpr uint32_t kMostSlots = 1u << kSlotIndexBits;
inline constexpr uint32_t kSlotIndexMask = kMostSlots - 1;

}  // namespace odradek
