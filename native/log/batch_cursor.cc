#include "log/batch_cursor.h"

#include <algorithm>

namespace odradek {

namespace {
constexpr size_t kSmallChunk = 256;
constexpr size_t kLargeChunk = 64 * 1024;
}  // namespace

bool BatchCursor::fill(uint64_t position, size_t size) {
  if (position >= buffer_at_ && position + size <= buffer_at_ + buffered_) return true;
  // Double while batches are found side by side; fall back when the next one lay far beyond.
  if (buffered_ > 0) {
    const bool near = position < buffer_at_ + buffered_ + chunk_;
    chunk_ = near ? std::min(chunk_ * 2, kLargeChunk) : kSmallChunk;
  }
  const size_t want = static_cast<size_t>(std::min<uint64_t>(std::max(chunk_, size), limit_ - position));
  if (buffer_.size() < want) buffer_.resize(want);
  Result<size_t> got = file_.read_at(position, {buffer_.data(), want});
  if (!got.ok()) {
    status_ = got.status();
    return false;
  }
  buffer_at_ = position;
  buffered_ = *got;
  return *got >= size;
}

const BatchHeader* BatchCursor::next() {
  current_ = position_;
  if (limit_ < kBatchHeaderSize || position_ > limit_ - kBatchHeaderSize) return nullptr;
  if (!fill(position_, kBatchHeaderSize)) return nullptr;
  header_ = BatchHeader(buffer_.data() + (position_ - buffer_at_));
  const int64_t size = header_.size();
  if (header_.magic() != kMagicV2 || size < static_cast<int64_t>(kBatchHeaderSize) ||
      static_cast<uint64_t>(size) > limit_ - position_) {
    return nullptr;
  }
  position_ += static_cast<uint64_t>(size);
  return &header_;
}

Result<std::span<const uint8_t>> BatchCursor::bytes(uint64_t offset, size_t size) {
  const uint64_t from = current_ + offset;
  if (from >= buffer_at_ && from + size <= buffer_at_ + buffered_) {
    return std::span<const uint8_t>(buffer_.data() + (from - buffer_at_), size);
  }
  extra_.resize(size);
  Result<size_t> got = file_.read_at(from, extra_);
  if (!got.ok()) return got.status();
  return std::span<const uint8_t>(extra_.data(), *got);
}

}  // namespace odradek
