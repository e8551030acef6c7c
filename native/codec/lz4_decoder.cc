#include "codec/lz4_decoder.h"

#include <algorithm>
#include <cstring>

#include "codec/little_endian.h"
#include "codec/match_copy.h"
#include "codec/xxhash32.h"

namespace odradek {

namespace {

constexpr uint32_t kMagic = 0x184d2204;
constexpr uint32_t kStored = 0x80000000;  // of a block's length
constexpr size_t kHeaderBytes = 7;        // without the content's size
constexpr size_t kShortestMatch = 4;
// What an encoder leaves at a block's end: its last five bytes are literals, and no match begins in the last twelve. Some
// decoders insist on it, so whoever lets blocks in has to.
constexpr size_t kLastLiterals = 5;
constexpr size_t kNoMatchWithin = 12;
constexpr size_t kLeastAfterLiterals = 2 + 1 + kLastLiterals;
constexpr ptrdiff_t kLeastAfterMatch = kLastLiterals - 1;
// Room that lets the quick loop do a whole sequence of short lengths without looking.
constexpr ptrdiff_t kMargin = 64;

}  // namespace

void Lz4Decoder::begin(std::span<const uint8_t> packed) {
  *this = Lz4Decoder();
  at_ = packed.data();
  end_ = at_ + packed.size();
}

bool Lz4Decoder::read_header() {
  if (static_cast<size_t>(end_ - at_) < kHeaderBytes || load_le32(at_) != kMagic) return false;
  const uint8_t flags = at_[4];
  const uint8_t sizes = at_[5];
  constexpr uint8_t kReserved = 0x03;  // one of them announces a dictionary
  constexpr uint8_t kIndependent = 0x20;
  if (flags >> 6 != 1 || (flags & kReserved) != 0 || (flags & kIndependent) == 0) return false;
  const int size_code = sizes >> 4;
  if ((sizes & 0x8f) != 0 || size_code < 4) return false;
  block_most_ = size_t{1} << (2 * size_code + 8);
  block_checksums_ = (flags & 0x10) != 0;
  content_checksum_ = (flags & 0x04) != 0;
  const size_t descriptor = (flags & 0x08) != 0 ? 10 : 2;
  if (static_cast<size_t>(end_ - at_) < 4 + descriptor + 1) return false;
  const uint8_t checksum = static_cast<uint8_t>(xxhash32({at_ + 4, descriptor}) >> 8);
  if (at_[4 + descriptor] != checksum) return false;
  at_ += 4 + descriptor + 1;
  return true;
}

// kMore: a block begins.
Decoded Lz4Decoder::next_block() {
  if (end_ - at_ < 4) return Decoded::kDamaged;
  const uint32_t word = load_le32(at_);
  const size_t size = word & ~kStored;
  at_ += 4;
  const size_t left = static_cast<size_t>(end_ - at_);
  if (size == 0) {
    step_ = Step::kEnd;
    return content_checksum_ && left < 4 ? Decoded::kDamaged : Decoded::kEnd;
  }
  if (size > block_most_ || size + (block_checksums_ ? 4 : 0) > left) return Decoded::kDamaged;
  if (block_checksums_ && xxhash32({at_, size}) != load_le32(at_ + size)) return Decoded::kDamaged;
  block_end_ = at_ + size;
  produced_ = 0;
  step_ = (word & kStored) != 0 ? Step::kStored : Step::kSequence;
  return Decoded::kMore;
}

void Lz4Decoder::end_block() {
  at_ = block_end_ + (block_checksums_ ? 4 : 0);
  produced_ = 0;
  step_ = Step::kBlock;
}

Decoded Lz4Decoder::run(PlainWindow& window) {
  if (step_ == Step::kEnd) return Decoded::kEnd;
  if (step_ == Step::kHeader) {
    if (!read_header()) return Decoded::kDamaged;
    step_ = Step::kBlock;
  }
  if (step_ == Step::kBlock) {
    if (const Decoded begun = next_block(); begun != Decoded::kMore) return begun;
  }
  if (step_ != Step::kStored) return decode(window);
  const size_t size = std::min(window.room(), static_cast<size_t>(block_end_ - at_));
  std::memcpy(window.end, at_, size);
  window.end += size;
  at_ += size;
  if (at_ == block_end_) end_block();
  return Decoded::kMore;
}

// Adds what follows a length of 15. False: the block ends inside it, or it is longer than any block.
bool Lz4Decoder::read_length(size_t* length) {
  uint8_t byte;
  do {
    if (at_ == block_end_ || *length > block_most_) return false;
    byte = *at_++;
    *length += byte;
  } while (byte == 255);
  return true;
}

// Sequences that lie well inside both the block and the window. True: nothing was wrong so far; whatever is not so simple
// is left to decode().
bool Lz4Decoder::decode_quickly(PlainWindow& window) {
  const size_t room = std::min(window.room(), block_most_ - produced_);
  if (room <= static_cast<size_t>(kMargin) || block_end_ - at_ <= kMargin) return true;
  uint8_t* to = window.end;
  const uint8_t* at = at_;
  uint8_t* const to_last = to + room - kMargin;
  const uint8_t* const at_last = block_end_ - kMargin;
  const uint8_t* const oldest = to - std::min(produced_, static_cast<size_t>(to - window.base));
  bool well = true;
  while (to < to_last && at < at_last) {
    const uint8_t* const sequence = at;
    uint8_t* const sequence_to = to;
    const uint8_t token = *at++;
    size_t length = token >> 4;
    if (length < 15) {
      std::memcpy(to, at, 16);
    } else {
      uint8_t byte;
      do {
        byte = *at++;
        length += byte;
      } while (byte == 255 && at < at_last);
      if (at >= at_last || length > static_cast<size_t>(at_last - at) || length > static_cast<size_t>(to_last - to)) {
        at = sequence;
        break;
      }
      copy_by_16(to, at, length);
    }
    to += length;
    at += length;
    const size_t distance = load_le16(at);
    at += 2;
    if (distance == 0 || distance > static_cast<size_t>(to - oldest)) {
      well = false;
      break;
    }
    length = token & 15;
    if (length == 15) {
      uint8_t byte;
      do {
        byte = *at++;
        length += byte;
      } while (byte == 255 && at < at_last);
      if (at >= at_last || length > static_cast<size_t>(to_last - to)) {
        at = sequence;
        to = sequence_to;
        break;
      }
    }
    length += kShortestMatch;
    repeat_match(to, distance, length);
    to += length;
  }
  produced_ += static_cast<size_t>(to - window.end);
  window.end = to;
  at_ = at;
  return well;
}

Decoded Lz4Decoder::decode(PlainWindow& window) {
  for (;;) {
    switch (step_) {
      case Step::kSequence: {
        if (!decode_quickly(window)) return Decoded::kDamaged;
        if (at_ == block_end_) return Decoded::kDamaged;
        const uint8_t token = *at_++;
        literals_ = token >> 4;
        match_ = token & 15;
        if (literals_ == 15 && !read_length(&literals_)) return Decoded::kDamaged;
        if (literals_ > static_cast<size_t>(block_end_ - at_) || literals_ > block_most_ - produced_) return Decoded::kDamaged;
        step_ = Step::kLiterals;
        [[fallthrough]];
      }
      case Step::kLiterals: {
        const size_t size = std::min(literals_, window.room());
        std::memcpy(window.end, at_, size);
        window.end += size;
        at_ += size;
        produced_ += size;
        literals_ -= size;
        if (literals_ > 0) return Decoded::kMore;
        if (at_ == block_end_) {
          end_block();
          return Decoded::kMore;
        }
        if (static_cast<size_t>(block_end_ - at_) < kLeastAfterLiterals || block_most_ - produced_ < kNoMatchWithin) {
          return Decoded::kDamaged;
        }
        distance_ = load_le16(at_);
        at_ += 2;
        if (match_ == 15 && (!read_length(&match_) || block_end_ - at_ < kLeastAfterMatch)) return Decoded::kDamaged;
        match_ += kShortestMatch;
        if (distance_ == 0 || distance_ > produced_ || match_ + kLastLiterals > block_most_ - produced_) return Decoded::kDamaged;
        step_ = Step::kMatch;
        [[fallthrough]];
      }
      case Step::kMatch: {
        const size_t size = std::min(match_, window.room());
        repeat_match_exactly(window.end, distance_, size);
        window.end += size;
        produced_ += size;
        match_ -= size;
        if (match_ > 0) return Decoded::kMore;
        step_ = Step::kSequence;
        if (window.room() == 0) return Decoded::kMore;
        break;
      }
      default: return Decoded::kDamaged;
    }
  }
}

}  // namespace odradek
