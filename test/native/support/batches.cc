#include "support/batches.h"

#include <algorithm>

#include "base/crc32c.h"
#include "log/batch.h"

namespace odradek::test {

void put_varint(Bytes* out, int64_t value) {
  uint64_t raw = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  while (raw >= 0x80) {
    out->push_back(static_cast<uint8_t>(raw | 0x80));
    raw >>= 7;
  }
  out->push_back(static_cast<uint8_t>(raw));
}

namespace {
void put_field(Bytes* out, const std::optional<std::string>& field) {
  if (!field) return put_varint(out, -1);
  put_varint(out, static_cast<int64_t>(field->size()));
  out->insert(out->end(), field->begin(), field->end());
}
}  // namespace

Bytes encode_record(const TestRecord& record, int64_t base_timestamp, int32_t offset_delta) {
  Bytes body;
  body.push_back(0);
  put_varint(&body, record.timestamp - base_timestamp);
  put_varint(&body, offset_delta);
  put_field(&body, record.key);
  put_field(&body, record.value);
  put_varint(&body, static_cast<int64_t>(record.headers.size()));
  for (const auto& [name, value] : record.headers) {
    put_field(&body, name);
    put_field(&body, value);
  }
  Bytes whole;
  put_varint(&whole, static_cast<int64_t>(body.size()));
  whole.insert(whole.end(), body.begin(), body.end());
  return whole;
}

Bytes encode(const TestBatch& batch) {
  Bytes out(kBatchHeaderSize);
  const int64_t base_timestamp = batch.records.empty() ? -1 : batch.records.front().timestamp;
  int64_t max_timestamp = -1;
  for (size_t i = 0; i < batch.records.size(); ++i) {
    max_timestamp = std::max(max_timestamp, batch.records[i].timestamp);
    if (batch.payload) continue;
    const Bytes record = encode_record(batch.records[i], base_timestamp, static_cast<int32_t>(i));
    out.insert(out.end(), record.begin(), record.end());
  }
  if (batch.payload) out.insert(out.end(), batch.payload->begin(), batch.payload->end());
  store_i64(out.data() + batch_at::kBaseOffset, batch.base_offset);
  store_i32(out.data() + batch_at::kLength, static_cast<int32_t>(out.size() - kBatchLengthEnd));
  store_i32(out.data() + batch_at::kLeaderEpoch, batch.leader_epoch);
  out[batch_at::kMagic] = 2;
  store_i16(out.data() + batch_at::kAttributes, batch.attributes);
  store_i32(out.data() + batch_at::kLastOffsetDelta, static_cast<int32_t>(batch.records.size()) - 1);
  store_i64(out.data() + batch_at::kBaseTimestamp, base_timestamp);
  store_i64(out.data() + batch_at::kMaxTimestamp, max_timestamp);
  store_i64(out.data() + batch_at::kProducerId, batch.producer_id);
  store_i16(out.data() + batch_at::kProducerEpoch, batch.producer_epoch);
  store_i32(out.data() + batch_at::kBaseSequence, batch.base_sequence);
  store_i32(out.data() + batch_at::kRecordCount, static_cast<int32_t>(batch.records.size()));
  fix_crc(&out);
  return out;
}

void fix_crc(Bytes* batch) {
  store_u32(batch->data() + batch_at::kCrc,
            crc32c({batch->data() + batch_at::kAttributes, batch->size() - batch_at::kAttributes}));
}

TestBatch simple_batch(int32_t count, size_t size, int64_t timestamp) {
  TestBatch batch;
  for (int32_t i = 0; i < count; ++i) {
    TestRecord record;
    record.timestamp = timestamp;
    record.value = std::string(size, static_cast<char>('a' + i % 26));
    batch.records.push_back(record);
  }
  return batch;
}

}  // namespace odradek::test
