#include "codec/snappy_decoder.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/byte_order.h"
#include "codec/little_endian.h"
#include "codec/match_copy.h"

namespace odradek {

namespace {

constexpr uint8_t kMagic[8] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0};
constexpr size_t kHeaderBytes = 16;  // magic, version, oldest version that can read it
constexpr int32_t kOldestVersion = 1;
constexpr ptrdiff_t kMargin = 80;    // a longest copy, and the step beyond it
constexpr size_t kMostOfAByte = 22;  // plain bytes: a copy of 64 takes three

enum class Header : uint8_t { kGood, kNone, kTooOld };

// REQUIRES: kHeaderBytes are readable.
Header read_stream_header(const uint8_t* at) {
  if (std::memcmp(at, kMagic, sizeof kMagic) != 0) return Header::kNone;
  return load_i32(at + 8) < kOldestVersion ? Header::kTooOld : Header::kGood;
}

}  // namespace

void SnappyDecoder::begin(std::span<const uint8_t> packed) {
  *this = SnappyDecoder();
  at_ = packed.data();
  end_ = at_ + packed.size();
}

Decoded SnappyDecoder::read_start() {
  if (at_ == end_) return Decoded::kDamaged;
  const Header header = static_cast<size_t>(end_ - at_) < kHeaderBytes ? Header::kNone : read_stream_header(at_);
  if (header == Header::kTooOld) return Decoded::kDamaged;
  if (header == Header::kGood) {
    at_ += kHeaderBytes;
    step_ = Step::kChunk;
    return Decoded::kMore;
  }
  bare_ = true;
  return begin_block(end_) ? Decoded::kMore : Decoded::kDamaged;
}

// kMore: a block begins.
Decoded SnappyDecoder::next_chunk() {
  while (!bare_ && end_ - at_ >= 4) {
    const int32_t size = load_i32(at_);
    if (size != load_i32(kMagic)) {
      at_ += 4;
      if (size <= 0 || size > end_ - at_) return Decoded::kDamaged;
      return begin_block(at_ + size) ? Decoded::kMore : Decoded::kDamaged;
    }
    if (static_cast<size_t>(end_ - at_) < kHeaderBytes) return Decoded::kDamaged;
    const Header header = read_stream_header(at_);
    if (header == Header::kTooOld) return Decoded::kDamaged;
    if (header == Header::kNone) break;
    at_ += kHeaderBytes;
  }
  step_ = Step::kEnd;
  return Decoded::kEnd;
}

// A block begins with its plain length, as a varint.
bool SnappyDecoder::begin_block(const uint8_t* end) {
  uint64_t bytes = 0;
  for (int shift = 0;; shift += 7) {
    if (at_ == end || shift > 28) return false;
    const uint8_t byte = *at_++;
    bytes |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  if (bytes > INT32_MAX) return false;  // Java has no arrays beyond
  block_begin_ = at_;
  block_end_ = end;
  block_bytes_ = bytes;
  produced_ = 0;
  step_ = Step::kTag;
  return true;
}

Decoded SnappyDecoder::run(PlainWindow& window) {
  if (step_ == Step::kStart) {
    if (const Decoded begun = read_start(); begun != Decoded::kMore) return begun;
  }
  if (step_ == Step::kChunk) {
    if (const Decoded begun = next_chunk(); begun != Decoded::kMore) return begun;
  }
  if (step_ == Step::kEnd) return Decoded::kEnd;
  if (reaches_far_ && !whole_) {
    if (const Decoded begun = begin_whole(); begun != Decoded::kMore) return begun;
  }
  return whole_ ? decode_whole(window) : decode(window);
}

// Makes what there was of the block again, where all of it stays. A length that lies is found out before there is memory for it.
Decoded SnappyDecoder::begin_whole() {
  if (block_bytes_ / kMostOfAByte > static_cast<size_t>(block_end_ - block_begin_)) return Decoded::kDamaged;
  whole_.reset(new (std::nothrow) uint8_t[block_bytes_]);
  if (!whole_) return Decoded::kNoMemory;
  whole_window_ = {whole_.get(), whole_.get(), whole_.get() + produced_};
  at_ = block_begin_;
  produced_ = 0;
  while (whole_window_.room() > 0) {
    if (const Decoded decoded = decode(whole_window_); decoded != Decoded::kMore) return decoded;
  }
  return Decoded::kMore;
}

Decoded SnappyDecoder::decode_whole(PlainWindow& window) {
  uint8_t* const from = whole_window_.end;
  whole_window_.limit = from + std::min(window.room(), block_bytes_ - produced_);
  const Decoded decoded = decode(whole_window_);
  const size_t made = static_cast<size_t>(whole_window_.end - from);
  if (made > 0) std::memcpy(window.end, from, made);
  window.end += made;
  if (step_ == Step::kChunk) {
    whole_.reset();
    reaches_far_ = false;
  }
  return decoded;
}

// Elements that lie well inside both the block and the window. Whatever is not so simple is left to decode().
void SnappyDecoder::decode_quickly(PlainWindow& window) {
  const size_t room = std::min(window.room(), block_bytes_ - produced_);
  if (room <= static_cast<size_t>(kMargin) || block_end_ - at_ <= kMargin) return;
  uint8_t* to = window.end;
  const uint8_t* at = at_;
  uint8_t* const to_last = to + room - kMargin;
  const uint8_t* const at_last = block_end_ - kMargin;
  const uint8_t* const oldest = to - std::min(produced_, static_cast<size_t>(to - window.base));
  while (to < to_last && at < at_last) {
    const uint8_t tag = *at;
    if ((tag & 3) == 0) {
      const size_t length = (tag >> 2) + size_t{1};
      if (length > 60) {
        const size_t width = length - 60;
        const size_t bytes = (load_le32(at + 1) & (0xffffffffu >> (32 - 8 * width))) + size_t{1};
        if (bytes > static_cast<size_t>(to_last - to) || bytes + 1 + width > static_cast<size_t>(at_last - at)) break;
        copy_by_16(to, at + 1 + width, bytes);
        at += 1 + width + bytes;
        to += bytes;
        continue;
      }
      copy_by_16(to, at + 1, length);
      at += 1 + length;
      to += length;
      continue;
    }
    size_t length = (tag >> 2) + size_t{1};
    size_t distance;
    size_t size;
    if ((tag & 3) == 2) {
      distance = load_le16(at + 1);
      size = 3;
    } else if ((tag & 3) == 1) {
      length = (tag >> 2 & 7) + size_t{4};
      distance = static_cast<size_t>(tag >> 5) << 8 | at[1];
      size = 2;
    } else {
      distance = load_le32(at + 1);
      size = 5;
    }
    if (distance == 0 || distance > static_cast<size_t>(to - oldest)) break;
    at += size;
    repeat_match(to, distance, length);
    to += length;
  }
  produced_ += static_cast<size_t>(to - window.end);
  window.end = to;
  at_ = at;
}

Decoded SnappyDecoder::decode(PlainWindow& window) {
  for (;;) {
    switch (step_) {
      case Step::kTag: {
        decode_quickly(window);
        if (at_ == block_end_) {
          if (produced_ != block_bytes_) return Decoded::kDamaged;
          produced_ = 0;
          step_ = Step::kChunk;
          return Decoded::kMore;
        }
        const uint8_t* const element = at_;
        const uint8_t tag = *at_++;
        const size_t more = static_cast<size_t>(block_end_ - at_);
        const size_t kind = tag & 3;
        const size_t width = kind == 0 ? (tag >> 2 < 60 ? 0 : (tag >> 2) - size_t{59}) : kind == 3 ? 4 : kind;
        if (width > more) return Decoded::kDamaged;
        size_t number = 0;
        for (size_t i = 0; i < width; ++i) number |= static_cast<size_t>(at_[i]) << (8 * i);
        at_ += width;
        if (kind == 0) {
          left_ = (width == 0 ? tag >> 2 : number) + size_t{1};
          if (left_ > more - width) return Decoded::kDamaged;
          step_ = Step::kLiteral;
        } else {
          left_ = kind == 1 ? (tag >> 2 & 7) + size_t{4} : (tag >> 2) + size_t{1};
          distance_ = kind == 1 ? static_cast<size_t>(tag >> 5) << 8 | number : number;
          if (distance_ == 0 || distance_ > produced_) return Decoded::kDamaged;
          // The window may move on in the midst of the copy, and keeps no more than this.
          if (distance_ > PlainWindow::kHistory && !whole_) {
            at_ = element;
            reaches_far_ = true;
            return Decoded::kMore;
          }
          step_ = Step::kCopy;
        }
        if (left_ > block_bytes_ - produced_) return Decoded::kDamaged;
        break;
      }
      case Step::kLiteral:
      case Step::kCopy: {
        const size_t size = std::min(left_, window.room());
        if (step_ == Step::kCopy) {
          repeat_match_exactly(window.end, distance_, size);
        } else {
          std::memcpy(window.end, at_, size);
          at_ += size;
        }
        window.end += size;
        produced_ += size;
        left_ -= size;
        if (left_ > 0) return Decoded::kMore;
        step_ = Step::kTag;
        if (window.room() == 0) return Decoded::kMore;
        break;
      }
      default: return Decoded::kDamaged;
    }
  }
}

}  // namespace odradek
