#include "codec/gzip_decoder.h"

#include <algorithm>
#include <cstring>

#include "codec/little_endian.h"

namespace odradek {

namespace {
constexpr size_t kTrailer = 8;  // CRC, and the plain length modulo 2^32
// Java looks for another member when more than the shortest one's header and trailer are left.
constexpr ptrdiff_t kWorthALook = 18;
}  // namespace

GzipDecoder::~GzipDecoder() {
  if (made_) inflateEnd(&stream_);
}

void GzipDecoder::begin(std::span<const uint8_t> packed) {
  at_ = packed.data();
  end_ = at_ + packed.size();
  step_ = Step::kHeader;
  first_ = true;
}

// RFC 1952. Moves on only if there is a whole header.
bool GzipDecoder::read_header() {
  constexpr uint8_t kHeaderCrc = 2, kExtra = 4, kName = 8, kComment = 16;
  const uint8_t* at = at_;
  if (end_ - at < 10 || at[0] != 0x1f || at[1] != 0x8b || at[2] != Z_DEFLATED) return false;
  const uint8_t flags = at[3];
  at += 10;
  if ((flags & kExtra) != 0) {
    if (end_ - at < 2) return false;
    const ptrdiff_t size = load_le16(at);
    at += 2;
    if (end_ - at < size) return false;
    at += size;
  }
  for (const uint8_t text : {kName, kComment}) {
    if ((flags & text) == 0) continue;
    at = std::find(at, end_, uint8_t{0});
    if (at == end_) return false;
    ++at;
  }
  if ((flags & kHeaderCrc) != 0) {
    if (end_ - at < 2 || (crc32(0, at_, static_cast<uInt>(at - at_)) & 0xffff) != load_le16(at)) return false;
    at += 2;
  }
  at_ = at;
  return true;
}

bool GzipDecoder::read_trailer() {
  if (static_cast<size_t>(end_ - at_) < kTrailer) return false;
  const bool matches = load_le32(at_) == crc_ && load_le32(at_ + 4) == bytes_;
  at_ += kTrailer;
  return matches;
}

// kMore: one has begun.
Decoded GzipDecoder::begin_member() {
  if (!first_ && end_ - at_ <= kWorthALook) return Decoded::kEnd;
  if (!read_header()) return first_ ? Decoded::kDamaged : Decoded::kEnd;
  first_ = false;
  const int ready = made_ ? inflateReset(&stream_) : inflateInit2(&stream_, -MAX_WBITS);
  if (ready != Z_OK) return Decoded::kNoMemory;
  made_ = true;
  step_ = Step::kBody;
  crc_ = 0;
  bytes_ = 0;
  return Decoded::kMore;
}

Decoded GzipDecoder::run(PlainWindow& window) {
  if (step_ == Step::kTrailer) {
    if (!read_trailer()) return Decoded::kDamaged;
    step_ = Step::kHeader;
  }
  if (step_ == Step::kHeader) {
    if (const Decoded begun = begin_member(); begun != Decoded::kMore) return begun;
  }
  stream_.next_in = const_cast<uint8_t*>(at_);
  stream_.avail_in = static_cast<uInt>(end_ - at_);
  stream_.next_out = window.end;
  stream_.avail_out = static_cast<uInt>(window.room());
  const int result = inflate(&stream_, Z_NO_FLUSH);
  at_ = stream_.next_in;
  const size_t made = static_cast<size_t>(stream_.next_out - window.end);
  crc_ = static_cast<uint32_t>(crc32(crc_, window.end, static_cast<uInt>(made)));
  bytes_ += static_cast<uint32_t>(made);
  window.end += made;
  if (result == Z_MEM_ERROR) return Decoded::kNoMemory;
  if (result == Z_STREAM_END) {
    step_ = Step::kTrailer;
    return Decoded::kMore;
  }
  // Z_BUF_ERROR: neither input nor output got on; with room for output, the input is cut off.
  const bool stuck = made == 0 && (result == Z_BUF_ERROR || at_ == end_);
  return result != Z_OK && result != Z_BUF_ERROR ? Decoded::kDamaged : stuck ? Decoded::kDamaged : Decoded::kMore;
}

}  // namespace odradek
