// The codecs of record batches, by the number in a batch's attributes.
#pragma once

#include <cstdint>

namespace odradek {

enum class Codec : uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

}  // namespace odradek
