// Plain bytes of several kinds, and what comes out of an inflater, for tests of codecs.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "codec/compressor.h"
#include "codec/inflater.h"

namespace odradek::test {

using Plain = std::vector<uint8_t>;

constexpr Codec kCodecs[] = {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

inline Plain bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

// Words out of a few, with numbers between them: what logs are made of.
inline Plain log_lines(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  static constexpr const char* kWords[] = {"warning ", "connection ", "of ", "client ", "closed ", "after ", "ms\n", "x", "partition "};
  Plain plain;
  while (plain.size() < size) {
    const std::string word = random() % 4 == 0 ? std::to_string(random()) : kWords[random() % std::size(kWords)];
    plain.insert(plain.end(), word.begin(), word.end());
  }
  plain.resize(size);
  return plain;
}

inline Plain noise(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  Plain plain(size);
  for (uint8_t& byte : plain) byte = static_cast<uint8_t>(random());
  return plain;
}

// Short patterns that repeat: matches that overlap themselves, at every small distance.
inline Plain patterns(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  Plain plain;
  while (plain.size() < size) {
    const Plain pattern = noise(1 + random() % 20, random());
    for (size_t times = 1 + random() % 40; times > 0; --times) plain.insert(plain.end(), pattern.begin(), pattern.end());
  }
  plain.resize(size);
  return plain;
}

inline Plain compressed(Codec codec, std::span<const uint8_t> plain, int level) {
  Compressor compressor;
  Plain packed;
  if (!compressor.compress(codec, level, plain, &packed)) packed.clear();
  return packed;
}

inline Plain compressed(Codec codec, std::span<const uint8_t> plain) { return compressed(codec, plain, default_level(codec)); }

// All of it, or nothing where it is damaged. `unread`: so much is left in the window before each fill, as a reader does.
inline std::optional<Plain> inflated(Inflater& inflater, Codec codec, std::span<const uint8_t> packed, size_t unread = 0) {
  Plain plain;
  inflater.begin(codec, packed);
  for (;;) {
    const Decoded decoded = inflater.fill();
    if (decoded != Decoded::kMore && decoded != Decoded::kEnd) return std::nullopt;
    std::span<const uint8_t> made = inflater.plain();
    if (decoded == Decoded::kMore) made = made.first(made.size() - std::min(unread, made.size()));
    plain.insert(plain.end(), made.begin(), made.end());
    inflater.consume(made.size());
    if (decoded == Decoded::kEnd) return plain;
  }
}

inline std::optional<Plain> inflated(Codec codec, std::span<const uint8_t> packed) {
  Inflater inflater;
  return inflated(inflater, codec, packed);
}

inline Plain operator+(Plain left, const Plain& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

}  // namespace odradek::test
