// Big-endian integers at any address, as Kafka stores them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace odradek {

namespace detail {
inline uint16_t swap_if_little(uint16_t v) { return std::endian::native == std::endian::little ? __builtin_bswap16(v) : v; }
inline uint32_t swap_if_little(uint32_t v) { return std::endian::native == std::endian::little ? __builtin_bswap32(v) : v; }
inline uint64_t swap_if_little(uint64_t v) { return std::endian::native == std::endian::little ? __builtin_bswap64(v) : v; }

template <typename U>
U load(const uint8_t* at) {
  U raw;
  std::memcpy(&raw, at, sizeof raw);
  return swap_if_little(raw);
}

template <typename U>
void store(uint8_t* at, U value) {
  const U raw = swap_if_little(value);
  std::memcpy(at, &raw, sizeof raw);
}
}  // namespace detail

inline uint16_t load_u16(const uint8_t* at) { return detail::load<uint16_t>(at); }
inline uint32_t load_u32(const uint8_t* at) { return detail::load<uint32_t>(at); }
inline uint64_t load_u64(const uint8_t* at) { return detail::load<uint64_t>(at); }
inline int16_t load_i16(const uint8_t* at) { return static_cast<int16_t>(load_u16(at)); }
inline int32_t load_i32(const uint8_t* at) { return static_cast<int32_t>(load_u32(at)); }
inline int64_t load_i64(const uint8_t* at) { return static_cast<int64_t>(load_u64(at)); }

inline void store_u16(uint8_t* at, uint16_t v) { detail::store(at, v); }
inline void store_u32(uint8_t* at, uint32_t v) { detail::store(at, v); }
inline void store_u64(uint8_t* at, uint64_t v) { detail::store(at, v); }
inline void store_i16(uint8_t* at, int16_t v) { store_u16(at, static_cast<uint16_t>(v)); }
inline void store_i32(uint8_t* at, int32_t v) { store_u32(at, static_cast<uint32_t>(v)); }
inline void store_i64(uint8_t* at, int64_t v) { store_u64(at, static_cast<uint64_t>(v)); }

}  // namespace odradek
