// Whatever a client sends as a batch: checked, never read outside of, and what is accepted is a batch that recovery and
// readers accept too. With the CRC put right half of the time, so that the fuzzer gets past it.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/byte_order.h"
#include "log/batch.h"
#include "log/batch_check.h"
#include "log/look.h"
#include "log/look_budget.h"
#include "log/record_search.h"
#include "log/record_walk.h"

using namespace odradek;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

class OneInflater final : public InflaterLender {
 public:
  Inflater* inflater(size_t) override { return &inflater_; }

 private:
  Inflater inflater_;
} lender;

void check(std::vector<uint8_t> bytes, uint32_t flags) {
  AppendJob job;
  job.bytes = bytes.data();
  job.length = static_cast<uint32_t>(bytes.size());
  job.flags = flags;
  job.leader_epoch = 1;
  job.now_ms = 1'700'000'000'000;
  job.timestamp_before_max_ms = 1'000'000;
  job.timestamp_after_max_ms = 3'600'000;
  std::vector<CheckedBatch> batches;
  AppendFailure failure;
  Look look;
  const Code code = check_job(job, {1 << 20}, 0, &look, &lender, &batches, &failure);
  if (code != Code::kOk) {
    expect(batches.empty());
    expect(!failure.status.ok());
    expect(failure.record_errors.size() <= AppendFailure::kMaxRecordErrors);
    return;
  }
  size_t at = 0;
  for (const CheckedBatch& batch : batches) {
    expect(batch.size <= bytes.size() - at);
    const std::span<const uint8_t> stored(bytes.data() + at, batch.size);
    const BatchHeader header(stored.data());
    expect(crc_matches(stored));
    expect(header.size() == static_cast<int64_t>(batch.size));
    expect(batch.last_offset_delta >= 0);
    expect(header.max_timestamp() == batch.max_timestamp);
    uint64_t budget = kUnboundedLook;
    static_cast<void>(find_record_in_batch(stored, 5, 0, &budget));
    static_cast<void>(read_control_record(stored.subspan(kBatchHeaderSize)));
    at += batch.size;
  }
  if ((flags & kAppendFollower) == 0) expect(at == bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const uint32_t flags = data[0] & (kAppendLogAppendTime | kAppendKeysRequired | kAppendFollower | kAppendInternal);
  std::vector<uint8_t> bytes(data + 2, data + size);
  if ((data[1] & 1) != 0 && bytes.size() >= kBatchHeaderSize) {
    store_i32(bytes.data() + batch_at::kLength, static_cast<int32_t>(bytes.size() - kBatchLengthEnd));
    bytes[batch_at::kMagic] = 2;
    store_u32(bytes.data() + batch_at::kCrc, crc32c({bytes.data() + batch_at::kAttributes, bytes.size() - batch_at::kAttributes}));
  }
  check(bytes, flags);
  const std::span<const uint8_t> loose(data + 2, size - 2);
  RecordRules rules;
  static_cast<void>(walk_records(loose, data[1], rules, nullptr));
  return 0;
}
