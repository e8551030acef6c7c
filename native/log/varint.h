// Zigzag LEB128, as records use it. Readers never look at or past `end`.
#pragma once

#include <cstdint>

namespace odradek {

namespace detail {
inline int64_t unzigzag(uint64_t raw) { return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1); }
bool read_long_varint(const uint8_t*& at, const uint8_t* end, int max_bytes, uint64_t* raw);
}  // namespace detail

// At most 10 bytes. False when it runs past `end` or does not stop; `at` is then anywhere up to `end`.
inline bool read_varlong(const uint8_t*& at, const uint8_t* end, int64_t* value) {
  if (at < end && at[0] < 0x80) {
    *value = detail::unzigzag(*at++);
    return true;
  }
  uint64_t raw;
  if (end - at >= 2 && at[1] < 0x80) {
    raw = (at[0] & 0x7fu) | static_cast<uint64_t>(at[1]) << 7;
    at += 2;
  } else if (!detail::read_long_varint(at, end, 10, &raw)) {
    return false;
  }
  *value = detail::unzigzag(raw);
  return true;
}

constexpr int kMostVarintBytes = 5;

// At most 5 bytes; bits past the 32nd are dropped, as Java's shift does.
inline bool read_varint(const uint8_t*& at, const uint8_t* end, int32_t* value) {
  if (at < end && at[0] < 0x80) {
    *value = static_cast<int32_t>(detail::unzigzag(*at++));
    return true;
  }
  uint64_t raw;
  if (end - at >= 2 && at[1] < 0x80) {
    raw = (at[0] & 0x7fu) | static_cast<uint64_t>(at[1]) << 7;
    at += 2;
  } else if (!detail::read_long_varint(at, end, kMostVarintBytes, &raw)) {
    return false;
  }
  *value = static_cast<int32_t>(detail::unzigzag(raw & 0xffffffffu));
  return true;
}

}  // namespace odradek
