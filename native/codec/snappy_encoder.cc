#include "codec/snappy_encoder.h"

#include <algorithm>

#include "base/byte_order.h"
#include "codec/match_finder.h"

namespace odradek {

namespace {

constexpr size_t kBlock = 32 * 1024;
constexpr uint8_t kHeader[] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
constexpr size_t kLongestCopy = 64;
constexpr size_t kPatience = 5;  // steps by one more each 2^5 failures

void put_literal(std::span<const uint8_t> bytes, std::vector<uint8_t>* out) {
  if (bytes.empty()) return;
  const size_t number = bytes.size() - 1;
  if (number < 60) {
    out->push_back(static_cast<uint8_t>(number << 2));
  } else {
    const size_t width = number < 256 ? 1 : 2;
    out->push_back(static_cast<uint8_t>((59 + width) << 2));
    out->push_back(static_cast<uint8_t>(number));
    if (width == 2) out->push_back(static_cast<uint8_t>(number >> 8));
  }
  out->insert(out->end(), bytes.begin(), bytes.end());
}

void put_copy(size_t distance, size_t length, std::vector<uint8_t>* out) {
  while (length > 0) {
    // No rest of less than four: those have no short form.
    const size_t some = length <= kLongestCopy ? length : length < kLongestCopy + 4 ? kLongestCopy - 4 : kLongestCopy;
    if (some >= 4 && some < 12 && distance < 2048) {
      out->push_back(static_cast<uint8_t>(1 | (some - 4) << 2 | distance >> 8 << 5));
      out->push_back(static_cast<uint8_t>(distance));
    } else {
      out->push_back(static_cast<uint8_t>(2 | (some - 1) << 2));
      out->push_back(static_cast<uint8_t>(distance));
      out->push_back(static_cast<uint8_t>(distance >> 8));
    }
    length -= some;
  }
}

void encode_block(std::span<const uint8_t> plain, MatchFinder& finder, std::vector<uint8_t>* out) {
  for (size_t length = plain.size(); ; length >>= 7) {
    out->push_back(static_cast<uint8_t>(length < 0x80 ? length : length | 0x80));
    if (length < 0x80) break;
  }
  finder.begin(plain.data());
  size_t from = 0;
  size_t misses = 0;
  for (size_t at = 0; at + MatchFinder::kShortest <= plain.size();) {
    const MatchFinder::Match match = finder.find(at, plain.size());
    if (match.distance == 0) {
      at += 1 + (misses++ >> kPatience);
      continue;
    }
    misses = 0;
    put_literal(plain.subspan(from, at - from), out);
    put_copy(match.distance, match.length, out);
    at += match.length;
    from = at;
  }
  put_literal(plain.subspan(from), out);
}

}  // namespace

void encode_snappy(std::span<const uint8_t> plain, std::vector<uint8_t>* packed) {
  packed->insert(packed->end(), std::begin(kHeader), std::end(kHeader));
  MatchFinder finder(1);
  while (!plain.empty()) {
    const std::span<const uint8_t> block = plain.first(std::min(plain.size(), kBlock));
    const size_t length_at = packed->size();
    packed->resize(length_at + 4);
    encode_block(block, finder, packed);
    store_u32(packed->data() + length_at, static_cast<uint32_t>(packed->size() - length_at - 4));
    plain = plain.subspan(block.size());
  }
}

}  // namespace odradek
