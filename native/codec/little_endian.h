// Integers as the compression formats write them. The log's own are in base/byte_order.h.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace odradek {

inline uint32_t load_le16(const uint8_t* at) { return at[0] | static_cast<uint32_t>(at[1]) << 8; }

inline uint32_t load_le32(const uint8_t* at) {
  uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return std::endian::native == std::endian::little ? value : __builtin_bswap32(value);
}

inline void store_le16(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value);
  at[1] = static_cast<uint8_t>(value >> 8);
}

inline void store_le32(uint8_t* at, uint32_t value) {
  store_le16(at, value);
  store_le16(at + 2, value >> 16);
}

}  // namespace odradek
