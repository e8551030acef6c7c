// The codecs of record batches. Batches are compressed once, before anything is measured.
//
// gzip needs zlib, the others liblz4, libzstd and libsnappy; build.mjs links what the machine has, and a codec it has
// not is refused by name.
#pragma once

#include <string_view>

#include "wire.h"

namespace load {

enum class Codec : uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

Codec codec_named(std::string_view name);

/// As Kafka frames it inside a batch: gzip member, xerial snappy stream, lz4 frame, zstd frame.
Bytes compress(Codec codec, ByteView plain);

}  // namespace load
