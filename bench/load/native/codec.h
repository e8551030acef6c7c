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

/// Whether its library was there when this was built.
constexpr bool has_codec(Codec codec) {
  constexpr bool kHas[] = {true, LOAD_HAS_ZLIB, LOAD_HAS_SNAPPY, LOAD_HAS_LZ4, LOAD_HAS_ZSTD};
  return kHas[static_cast<size_t>(codec)];
}

/// As Kafka frames it inside a batch: gzip member, xerial snappy stream, lz4 frame, zstd frame.
Bytes compress(Codec codec, ByteView plain);

/// The way back of what compress() made, into `plain`, which has just the room. By the formats' own libraries.
void inflate(Codec codec, ByteView packed, Bytes& plain);

}  // namespace load
