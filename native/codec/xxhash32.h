// XXH32, which the LZ4 frame format protects its header and blocks with.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "codec/little_endian.h"

namespace odradek {

namespace detail {

constexpr uint32_t kXxPrime1 = 2654435761u;
constexpr uint32_t kXxPrime2 = 2246822519u;
constexpr uint32_t kXxPrime3 = 3266489917u;
constexpr uint32_t kXxPrime4 = 668265263u;
constexpr uint32_t kXxPrime5 = 374761393u;

inline uint32_t xx_round(uint32_t lane, uint32_t word) { return std::rotl(lane + word * kXxPrime2, 13) * kXxPrime1; }

}  // namespace detail

inline uint32_t xxhash32(std::span<const uint8_t> bytes, uint32_t seed = 0) {
  using namespace detail;
  const uint8_t* at = bytes.data();
  const uint8_t* const end = at + bytes.size();
  uint32_t hash = seed + kXxPrime5;
  if (bytes.size() >= 16) {
    uint32_t lanes[4] = {seed + kXxPrime1 + kXxPrime2, seed + kXxPrime2, seed, seed - kXxPrime1};
    for (; end - at >= 16; at += 16) {
      for (int lane = 0; lane < 4; ++lane) lanes[lane] = xx_round(lanes[lane], load_le32(at + 4 * lane));
    }
    hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) + std::rotl(lanes[3], 18);
  }
  hash += static_cast<uint32_t>(bytes.size());
  for (; end - at >= 4; at += 4) hash = std::rotl(hash + load_le32(at) * kXxPrime3, 17) * kXxPrime4;
  for (; at < end; ++at) hash = std::rotl(hash + *at * kXxPrime5, 11) * kXxPrime1;
  hash = (hash ^ hash >> 15) * kXxPrime2;
  hash = (hash ^ hash >> 13) * kXxPrime3;
  return hash ^ hash >> 16;
}

}  // namespace odradek
