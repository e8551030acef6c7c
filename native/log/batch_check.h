// Decides whether batches may enter the log, as Kafka's LogValidator and UnifiedLog.analyzeAndValidateRecords do.
// Pure: memory in, verdict out. The only bytes changed are those of attributes, maxTimestamp and CRC, when the topic's
// timestamp type or the records themselves contradict the header. The order of the checks is Kafka's, because the first
// fault found decides the answer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "log/append_job.h"

namespace odradek {

struct Look;
class InflaterLender;

// What the log must know of a batch that was found good.
struct CheckedBatch {
  uint32_t size;
  int32_t last_offset_delta;
  int64_t base_offset;    // followers: as the leader gave it; otherwise the batch's own, which means nothing
  int64_t max_timestamp;
};

struct BatchLimits {
  uint32_t max_message_bytes;
};

// Checks all batches of `job` and appends their descriptions to `batches`. On failure `batches` is as it was, and
// `failure` says why. kWouldBlock: the look into a compressed batch is not over, because `look` has spent its budget or
// the lender had no inflater; nothing is decided. The followers' variant may take fewer bytes than the job has: the
// batches tell how many. next_offset is where the log ends, which only followers' offsets are compared with.
Code check_job(const AppendJob& job, const BatchLimits& limits, int64_t next_offset, Look* look, InflaterLender* lender,
               std::vector<CheckedBatch>* batches, AppendFailure* failure);

// Looks into one batch ahead of its append, as far as that does not depend on the log's end, and changes nothing. Of the job,
// `bytes` and `length` (that one batch), flags, clock and bounds count. The lender has an inflater. kWouldBlock: `budget` does
// not suffice (look_budget.h).
Code inspect_batch(const AppendJob& job, const BatchLimits& limits, InflaterLender* lender, uint64_t* budget, AppendFailure* failure);

// The next batch's frame in `bytes`: its size, if a whole batch of magic 2 with a sane length is there.
// kCorruptBatch: it is not. kUnsupportedMagic: another format.
Code check_frame(std::span<const uint8_t> bytes, uint32_t* size);

}  // namespace odradek
