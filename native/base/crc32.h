// CRC-32 (IEEE 802.3), the checksum of messages of the formats v0 and v1. Portable; those are rare.
#pragma once

#include <cstdint>
#include <span>

namespace odradek {

uint32_t crc32(std::span<const uint8_t> bytes);

}  // namespace odradek
