// Decides whether batches may enter the log, as Kafka's LogValidator and UnifiedLog.analyzeAndValidateRecords do.
// Pure: memory in, verdict out. The only bytes changed are those of attributes, maxTimestamp and CRC, when the topic's
// timestamp type or the records themselves contradict the header. The order of the checks is Kafka's, because the first
// fault found decides the answer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "log/append_job.h"

namespace odradek {

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
// `failure` says why. The followers' variant may take fewer bytes than the job has: the batches tell how many.
// next_offset is where the log ends, which only followers' offsets are compared with.
Code check_job(const AppendJob& job, const BatchLimits& limits, int64_t next_offset, std::vector<CheckedBatch>* batches,
               AppendFailure* failure);

// Looks into one batch ahead of its append, as far as that does not depend on the log's end: a compressed one, of which
// somebody inflated `records`, or any other. Without `records` (they do not inflate) it is refused as kUnreadable, unless it
// has a fault that Kafka finds first. One that is well says its largest timestamp afterwards. Of the job, `bytes` and
// `length` (that one batch), flags, clock and bounds count.
Code inspect_batch(const AppendJob& job, std::optional<std::span<const uint8_t>> records, const BatchLimits& limits,
                   AppendFailure* failure);

// The next batch's frame in `bytes`: its size, if a whole batch of magic 2 with a sane length is there.
// kCorruptBatch: it is not. kUnsupportedMagic: another format.
Code check_frame(std::span<const uint8_t> bytes, uint32_t* size);

}  // namespace odradek
