// What the fuzzers of the codecs share: inflating whatever the fuzzer made, with a bound on how much they look at.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include "codec/compressor.h"
#include "codec/inflater.h"

namespace odradek::fuzz {

// A fuzzer's few kilobytes may become much; beyond this nothing is compared.
constexpr size_t kEnough = 8 << 20;

inline void expect(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  bool well = false;
  bool whole = true;  // false: there was more than enough
  std::vector<uint8_t> plain;
};

inline Outcome inflate(Codec codec, std::span<const uint8_t> packed) {
  static Inflater inflater;
  Outcome outcome;
  inflater.begin(codec, packed);
  for (;;) {
    const Decoded decoded = inflater.fill();
    const std::span<const uint8_t> made = inflater.plain();
    expect(made.size() <= PlainWindow::kBytes);
    if (decoded != Decoded::kMore && decoded != Decoded::kEnd) return outcome;
    outcome.plain.insert(outcome.plain.end(), made.begin(), made.end());
    inflater.consume(made.size());
    outcome.well = decoded == Decoded::kEnd;
    outcome.whole = outcome.plain.size() <= kEnough;
    if (outcome.well || !outcome.whole) return outcome;
  }
}

// Whatever goes in comes out.
inline void round_trip(Codec codec, std::span<const uint8_t> plain, int level) {
  static Compressor compressor;
  std::vector<uint8_t> packed;
  expect(compressor.compress(codec, level, plain, &packed));
  const Outcome outcome = inflate(codec, packed);
  expect(outcome.well && std::vector<uint8_t>(plain.begin(), plain.end()) == outcome.plain);
}

}  // namespace odradek::fuzz
