// LZ4 frames as Kafka's producer writes them (Lz4BlockOutputStream): independent blocks of 64 KiB, no checksums but the
// header's; a block that would grow is stored. Level 9, the default, is the fast encoder; others try 2^(level - 1) matches.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace odradek {

// False, and `packed` as it was: the level is not 1 to 17.
bool encode_lz4(int level, std::span<const uint8_t> plain, std::vector<uint8_t>* packed);

}  // namespace odradek
