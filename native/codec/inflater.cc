#include "codec/inflater.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/invariant.h"

namespace odradek {

namespace {
// Less room than this at the window's end is not worth a turn of the decoder.
constexpr size_t kLeastRoom = 64 * 1024;
}  // namespace

static_assert(PlainWindow::kHistory + kLeastRoom + Inflater::kMostUnread < PlainWindow::kBytes);

void Inflater::begin(Codec codec, std::span<const uint8_t> packed) {
  codec_ = codec;
  made_ = 0;
  window_.end = window_.base;
  unread_ = window_.base;
  switch (codec) {
    case Codec::kGzip: return gzip_.begin(packed);
    case Codec::kSnappy: return snappy_.begin(packed);
    case Codec::kLz4: return lz4_.begin(packed);
    case Codec::kZstd: return zstd_.begin(packed);
    case Codec::kNone: break;
  }
  INVARIANT(false);
}

size_t Inflater::history() const {
  switch (codec_) {
    case Codec::kSnappy: return snappy_.history();
    case Codec::kLz4: return lz4_.history();
    default: return 0;  // zlib and zstd keep their own
  }
}

// Moves what is still needed to the window's front, when that is little or the end is near. False: there is no memory.
bool Inflater::make_room() {
  if (!memory_) {
    memory_.reset(new (std::nothrow) uint8_t[PlainWindow::kBytes]);
    if (!memory_) return false;
    window_ = {memory_.get(), memory_.get(), memory_.get() + PlainWindow::kBytes};
    unread_ = window_.base;
  }
  const size_t unread = static_cast<size_t>(window_.end - unread_);
  INVARIANT(unread <= kMostUnread);
  const size_t kept = std::max(unread, history());
  if (kept > kMostUnread && window_.room() >= kLeastRoom) return true;
  if (window_.end - kept != window_.base) std::memmove(window_.base, window_.end - kept, kept);
  window_.end = window_.base + kept;
  unread_ = window_.end - unread;
  return true;
}

Decoded Inflater::run() {
  switch (codec_) {
    case Codec::kGzip: return gzip_.run(window_);
    case Codec::kSnappy: return snappy_.run(window_);
    case Codec::kLz4: return lz4_.run(window_);
    case Codec::kZstd: return zstd_.run(window_);
    case Codec::kNone: break;
  }
  return Decoded::kDamaged;
}

Decoded Inflater::fill() {
  if (!make_room()) return Decoded::kNoMemory;
  const uint8_t* const before = window_.end;
  Decoded decoded;
  do {
    decoded = run();
  } while (decoded == Decoded::kMore && window_.end == before);
  made_ += static_cast<uint64_t>(window_.end - before);
  return decoded;
}

}  // namespace odradek
