#include "log/segment_recovery.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/crc32.h"
#include "log/batch.h"

namespace odradek {

namespace {

constexpr size_t kChunk = 512 * 1024;  // stays in the second-level cache between reading and checking

// A window on the file that moves forward. Grows for a batch that does not fit, never past what the file holds.
class Window {
 public:
  Window(File& file, uint64_t size, std::atomic<uint64_t>* progress) : file_(file), size_(size), progress_(progress) {}

  // At least `need` bytes at `position`, if the file has them: whatever is there otherwise.
  Result<std::span<const uint8_t>> at(uint64_t position, size_t need) {
    if (position + need > filled_to() && filled_to() < size_) {
      if (Status moved = move_to(position, need); !moved.ok()) return moved;
    }
    const uint64_t skip = std::min<uint64_t>(position - start_, filled_);
    return std::span<const uint8_t>(memory_.get() + skip, filled_ - skip);
  }

 private:
  uint64_t filled_to() const { return start_ + filled_; }

  Status move_to(uint64_t position, size_t need) {
    const size_t kept = static_cast<size_t>(filled_to() - position);
    const size_t capacity = std::max<size_t>(kChunk, need);
    if (capacity > capacity_) {
      auto larger = std::make_unique_for_overwrite<uint8_t[]>(capacity);
      if (kept > 0) std::memcpy(larger.get(), memory_.get() + (position - start_), kept);
      memory_ = std::move(larger);
      capacity_ = capacity;
    } else if (kept > 0) {
      std::memmove(memory_.get(), memory_.get() + (position - start_), kept);
    }
    start_ = position;
    filled_ = kept;
    const size_t want = static_cast<size_t>(std::min<uint64_t>(capacity_ - kept, size_ - filled_to()));
    Result<size_t> got = file_.read_at(filled_to(), {memory_.get() + kept, want});
    if (!got.ok()) return got.status();
    filled_ += *got;
    if (*got < want) size_ = filled_to();  // shorter than it was said to be
    if (progress_ != nullptr) progress_->fetch_add(*got, std::memory_order_relaxed);
    return Status::success();
  }

  File& file_;
  uint64_t size_;
  std::atomic<uint64_t>* const progress_;
  std::unique_ptr<uint8_t[]> memory_;
  size_t capacity_ = 0;
  uint64_t start_ = 0;
  size_t filled_ = 0;
};

bool offsets_rise(const BatchHeader& header, int64_t base, int64_t at_least) {
  return header.base_offset() >= at_least && header.last_offset_delta() >= 0 &&
         header.base_offset() <= kMaxOffset && header.last_offset() - base <= INT32_MAX;
}

// A message of format v0 or v1: offset int64, size int32, crc int32, magic int8, ... Torn bytes do not pass for one.
bool is_old_message(std::span<const uint8_t> bytes) {
  constexpr int64_t kLeast = 14;
  const int64_t size = load_i32(bytes.data() + batch_at::kLength);
  if (size < kLeast || size > static_cast<int64_t>(bytes.size() - kBatchLengthEnd)) return false;
  return crc32(bytes.subspan(batch_at::kMagic, static_cast<size_t>(size) - 4)) == load_u32(bytes.data() + kBatchLengthEnd);
}

}  // namespace

Result<Rescan> rescan_segment(Segment& segment, int64_t at_least, uint32_t index_interval_bytes,
                              std::atomic<uint64_t>* progress) {
  if (Status reset = segment.reset_indexes(); !reset.ok()) return reset;
  segment.forget_counts();
  Result<std::shared_ptr<File>> file = segment.file();
  if (!file.ok()) return file.status();
  Window window(**file, segment.size(), progress);
  Rescan rescan;
  at_least = std::max(at_least, segment.base_offset());
  rescan.next_offset = segment.base_offset();
  for (;;) {
    Result<std::span<const uint8_t>> bytes = window.at(rescan.valid_bytes, kBatchHeaderSize);
    if (!bytes.ok()) return bytes.status();
    if (bytes->size() <= batch_at::kMagic) return rescan;
    const int64_t claimed = BatchHeader(bytes->data()).size();
    if (claimed > static_cast<int64_t>(bytes->size()) &&
        claimed <= static_cast<int64_t>(segment.size() - rescan.valid_bytes)) {
      bytes = window.at(rescan.valid_bytes, static_cast<size_t>(claimed));
      if (!bytes.ok()) return bytes.status();
    }
    uint32_t size;
    const Code frame = check_frame(*bytes, &size);
    if (frame == Code::kUnsupportedMagic && is_old_message(*bytes)) {
      return Status(frame, 0, segment.path(".log") + " holds records of a format older than v2");
    }
    if (frame != Code::kOk) return rescan;
    const BatchHeader header(bytes->data());
    if (!offsets_rise(header, segment.base_offset(), at_least) || !crc_matches(bytes->first(size))) return rescan;
    segment.note_batch({size, header.last_offset_delta(), header.base_offset(), header.max_timestamp()},
                       rescan.valid_bytes, index_interval_bytes);
    rescan.valid_bytes += size;
    rescan.next_offset = at_least = header.last_offset() + 1;
  }
}

}  // namespace odradek
