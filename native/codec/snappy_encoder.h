// Snappy as Kafka's producer writes it (snappy-java's SnappyOutputStream): a stream of blocks of 32 KiB.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace odradek {

void encode_snappy(std::span<const uint8_t> plain, std::vector<uint8_t>* packed);

}  // namespace odradek
