// Finds earlier occurrences of what comes next, within a piece of at most 64 KiB: a table of the last place of each hash,
// and, where more than the last is to be tried, a chain of the places before.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "codec/little_endian.h"

namespace odradek {

class MatchFinder {
 public:
  static constexpr size_t kMostBytes = 64 * 1024;
  static constexpr size_t kShortest = 4;

  struct Match {
    size_t distance = 0;  // 0: none
    size_t length = 0;
  };

  // Tries the last `attempts` places.
  explicit MatchFinder(uint32_t attempts) : attempts_(attempts), heads_(new uint16_t[kHeads]) {
    if (attempts_ > 1) chain_.reset(new uint16_t[kMostBytes]);
  }

  void begin(const uint8_t* piece) {
    piece_ = piece;
    std::memset(heads_.get(), 0, kHeads * sizeof(uint16_t));
  }

  // The longest match for what begins at `at`, not beyond `end`, and notes the place. Position 0 counts as none: one byte
  // of a piece is never referred to, and no table needs marks.
  // REQUIRES: kShortest bytes at `at`; places are given in rising order.
  Match find(size_t at, size_t end) {
    Match best;
    size_t candidate = note(at);
    for (uint32_t attempt = 0; attempt < attempts_ && candidate > 0; ++attempt) {
      const size_t length = common(candidate, at, end);
      if (length >= kShortest && length > best.length) best = {at - candidate, length};
      candidate = chain_ ? chain_[candidate] : 0;
    }
    return best;
  }

  // Notes a place that is not asked about, and gives the one before with its hash.
  size_t note(size_t at) {
    const uint32_t hash = load_le32(piece_ + at) * 2654435761u >> (32 - kHeadBits);
    const uint16_t before = heads_[hash];
    heads_[hash] = static_cast<uint16_t>(at);
    if (chain_) chain_[at] = before;
    return before;
  }

 private:
  static constexpr int kHeadBits = 13;
  static constexpr size_t kHeads = size_t{1} << kHeadBits;

  size_t common(size_t a, size_t b, size_t end) const {
    size_t length = 0;
    while (b + length + 8 <= end) {
      uint64_t left;
      uint64_t right;
      std::memcpy(&left, piece_ + a + length, 8);
      std::memcpy(&right, piece_ + b + length, 8);
      if (left != right) {
        if constexpr (std::endian::native == std::endian::little) return length + static_cast<size_t>(std::countr_zero(left ^ right)) / 8;
        return length + static_cast<size_t>(std::countl_zero(left ^ right)) / 8;
      }
      length += 8;
    }
    while (b + length < end && piece_[a + length] == piece_[b + length]) ++length;
    return length;
  }

  const uint32_t attempts_;
  const uint8_t* piece_ = nullptr;
  std::unique_ptr<uint16_t[]> heads_;
  std::unique_ptr<uint16_t[]> chain_;
};

}  // namespace odradek
