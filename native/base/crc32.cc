#include "base/crc32.h"

#include <array>

namespace odradek {

namespace {
constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320u : crc >> 1;
    table[byte] = crc;
  }
  return table;
}
constexpr auto kTable = make_table();
}  // namespace

uint32_t crc32(std::span<const uint8_t> bytes) {
  uint32_t raw = 0xffffffffu;
  for (const uint8_t byte : bytes) raw = (raw >> 8) ^ kTable[(raw ^ byte) & 0xff];
  return ~raw;
}

}  // namespace odradek
