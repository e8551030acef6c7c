#include "codec/lz4_encoder.h"

#include <algorithm>

#include "codec/little_endian.h"
#include "codec/match_finder.h"
#include "codec/xxhash32.h"

namespace odradek {

namespace {

constexpr int kFastLevel = 9;
constexpr int kHighestLevel = 17;
constexpr uint32_t kStored = 0x80000000;
constexpr size_t kLastLiterals = 5;
constexpr size_t kNoMatchWithin = 12;
constexpr size_t kPatience = 6;  // the fast encoder steps by one more each 2^6 failures

void put_length(size_t length, std::vector<uint8_t>* out) {
  for (; length >= 255; length -= 255) out->push_back(255);
  out->push_back(static_cast<uint8_t>(length));
}

void put_sequence(std::span<const uint8_t> literals, MatchFinder::Match match, std::vector<uint8_t>* out) {
  const size_t more = match.distance == 0 ? 0 : match.length - MatchFinder::kShortest;
  out->push_back(static_cast<uint8_t>(std::min<size_t>(literals.size(), 15) << 4 | std::min<size_t>(more, 15)));
  if (literals.size() >= 15) put_length(literals.size() - 15, out);
  out->insert(out->end(), literals.begin(), literals.end());
  if (match.distance == 0) return;
  out->push_back(static_cast<uint8_t>(match.distance));
  out->push_back(static_cast<uint8_t>(match.distance >> 8));
  if (more >= 15) put_length(more - 15, out);
}

void encode_block(std::span<const uint8_t> plain, bool thorough, MatchFinder& finder, std::vector<uint8_t>* out) {
  finder.begin(plain.data());
  size_t from = 0;
  size_t misses = 0;
  const size_t last = plain.size() > kNoMatchWithin ? plain.size() - kNoMatchWithin : 0;
  for (size_t at = 0; at < last;) {
    const MatchFinder::Match match = finder.find(at, plain.size() - kLastLiterals);
    if (match.distance == 0) {
      at += thorough ? 1 : 1 + (misses++ >> kPatience);
      continue;
    }
    misses = 0;
    put_sequence(plain.subspan(from, at - from), match, out);
    from = at + match.length;
    if (thorough) {
      while (++at < std::min(from, last)) finder.note(at);
    }
    at = from;
  }
  put_sequence(plain.subspan(from), {}, out);
}

}  // namespace

bool encode_lz4(int level, std::span<const uint8_t> plain, std::vector<uint8_t>* packed) {
  if (level < 1 || level > kHighestLevel) return false;
  const bool thorough = level != kFastLevel;
  uint8_t header[7] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x40};  // magic; version 1, independent blocks; of 64 KiB
  header[6] = static_cast<uint8_t>(xxhash32({header + 4, 2}) >> 8);
  packed->insert(packed->end(), header, header + sizeof header);
  MatchFinder finder(thorough ? 1u << (level - 1) : 1);
  while (!plain.empty()) {
    const std::span<const uint8_t> block = plain.first(std::min(plain.size(), MatchFinder::kMostBytes));
    const size_t length_at = packed->size();
    packed->resize(length_at + 4);
    encode_block(block, thorough, finder, packed);
    uint32_t size = static_cast<uint32_t>(packed->size() - length_at - 4);
    if (size >= block.size()) {
      packed->resize(length_at + 4);
      packed->insert(packed->end(), block.begin(), block.end());
      size = static_cast<uint32_t>(block.size()) | kStored;
    }
    store_le32(packed->data() + length_at, size);
    plain = plain.subspan(block.size());
  }
  packed->insert(packed->end(), 4, 0);
  return true;
}

}  // namespace odradek
