// The record batch of Kafka's format v2, byte by byte (all integers big-endian):
//
//   offset size
//        0    8  baseOffset             given by the leader
//        8    4  batchLength            bytes after this field
//       12    4  partitionLeaderEpoch   given by the leader; not in the CRC, so it may be patched
//       16    1  magic = 2              at the same place in formats v0 and v1
//       17    4  crc                    CRC-32C of everything from attributes on
//       21    2  attributes             0-2 codec, 3 LogAppendTime, 4 transactional, 5 control, 6 delete horizon
//       23    4  lastOffsetDelta
//       27    8  baseTimestamp
//       35    8  maxTimestamp
//       43    8  producerId             -1 none
//       51    2  producerEpoch
//       53    4  baseSequence
//       57    4  recordsCount
//       61       records, compressed as a whole when the codec is not 0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/byte_order.h"
#include "base/crc32c.h"

namespace odradek {

namespace batch_at {
constexpr size_t kBaseOffset = 0;
constexpr size_t kLength = 8;
constexpr size_t kLeaderEpoch = 12;
constexpr size_t kMagic = 16;
constexpr size_t kCrc = 17;
constexpr size_t kAttributes = 21;
constexpr size_t kLastOffsetDelta = 23;
constexpr size_t kBaseTimestamp = 27;
constexpr size_t kMaxTimestamp = 35;
constexpr size_t kProducerId = 43;
constexpr size_t kProducerEpoch = 51;
constexpr size_t kBaseSequence = 53;
constexpr size_t kRecordCount = 57;
constexpr size_t kRecords = 61;
}  // namespace batch_at

constexpr size_t kBatchHeaderSize = batch_at::kRecords;
static_assert(batch_at::kRecordCount + 4 == kBatchHeaderSize);
constexpr size_t kBatchLengthEnd = 12;  // batchLength counts from here
constexpr int8_t kMagicV2 = 2;
constexpr int64_t kNoTimestamp = -1;
// Larger ones could not pass through TypeScript unharmed, and leave no room to count on.
constexpr int64_t kMaxOffset = int64_t{1} << 53;

namespace batch_attribute {
constexpr int16_t kCodecMask = 0x07;
constexpr int16_t kLogAppendTime = 0x08;
constexpr int16_t kTransactional = 0x10;
constexpr int16_t kControl = 0x20;
constexpr int16_t kDeleteHorizon = 0x40;
constexpr int16_t kHighestCodec = 4;
constexpr int16_t kKeptAttributes = kCodecMask | kTransactional | kControl | kDeleteHorizon;  // beside LogAppendTime
}  // namespace batch_attribute

// The header of a batch in memory. `at` needs kBatchHeaderSize readable bytes.
class BatchHeader {
 public:
  explicit BatchHeader(const uint8_t* at) : at_(at) {}

  int64_t base_offset() const { return load_i64(at_ + batch_at::kBaseOffset); }
  int32_t length() const { return load_i32(at_ + batch_at::kLength); }
  // Hostile lengths included: never overflows.
  int64_t size() const { return static_cast<int64_t>(length()) + static_cast<int64_t>(kBatchLengthEnd); }
  int32_t leader_epoch() const { return load_i32(at_ + batch_at::kLeaderEpoch); }
  int8_t magic() const { return static_cast<int8_t>(at_[batch_at::kMagic]); }
  uint32_t crc() const { return load_u32(at_ + batch_at::kCrc); }
  int16_t attributes() const { return load_i16(at_ + batch_at::kAttributes); }
  int32_t last_offset_delta() const { return load_i32(at_ + batch_at::kLastOffsetDelta); }
  int64_t last_offset() const { return base_offset() + last_offset_delta(); }
  int64_t base_timestamp() const { return load_i64(at_ + batch_at::kBaseTimestamp); }
  int64_t max_timestamp() const { return load_i64(at_ + batch_at::kMaxTimestamp); }
  int64_t producer_id() const { return load_i64(at_ + batch_at::kProducerId); }
  int16_t producer_epoch() const { return load_i16(at_ + batch_at::kProducerEpoch); }
  int32_t base_sequence() const { return load_i32(at_ + batch_at::kBaseSequence); }
  int32_t record_count() const { return load_i32(at_ + batch_at::kRecordCount); }

  bool compressed() const { return (attributes() & batch_attribute::kCodecMask) != 0; }
  bool control() const { return (attributes() & batch_attribute::kControl) != 0; }
  bool log_append_time() const { return (attributes() & batch_attribute::kLogAppendTime) != 0; }
  bool has_producer_id() const { return producer_id() >= 0; }

 private:
  const uint8_t* at_;
};

// REQUIRES: `batch` is one whole batch, at least kBatchHeaderSize long.
inline bool crc_matches(std::span<const uint8_t> batch) {
  return crc32c(batch.subspan(batch_at::kAttributes)) == load_u32(batch.data() + batch_at::kCrc);
}

}  // namespace odradek
