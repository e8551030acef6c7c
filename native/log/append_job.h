// What goes into a log and what comes back. Plain data: a job costs no allocation between the main isolate and the file.
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"

namespace odradek {

enum AppendFlags : uint32_t {
  // The topic's message.timestamp.type is LogAppendTime: batches are stamped with now_ms.
  kAppendLogAppendTime = 1u << 0,
  // A compacted topic: every record needs a key.
  kAppendKeysRequired = 1u << 1,
  // A follower's append: the bytes come from a leader. Offsets, epochs, timestamps and CRC stay as they are; several
  // batches; one that is cut off at the end is dropped silently; so is everything from the first batch on that is above
  // leader_epoch, or broken after a good one (KAFKA-17754, Kafka 3.9.1). Batches are checked by header and CRC only.
  kAppendFollower = 1u << 2,
  // From a coordinator of this broker, not from a client: control batches and any base offset are allowed, and the
  // max_message_bytes and timestamp bounds do not apply. The records are still walked and the CRC still checked.
  kAppendInternal = 1u << 3,
};

// One append: whole batches of magic 2 in memory that stays valid and unread by others until the job is done. The log
// thread patches it in place. Leader appends usually carry one batch; several are taken or refused as a whole.
struct AppendJob {
  uint8_t* bytes = nullptr;
  uint32_t length = 0;
  uint32_t flags = 0;
  // Written into each batch; for kAppendFollower the highest one accepted. Below the epoch that the log is in: kFencedEpoch.
  // -1: any, never fenced.
  int32_t leader_epoch = -1;
  // 0: this job stands for itself. Otherwise the generation last learned from an AppendDone (1 at first): what the caller
  // decided (sequence numbers) rests on every earlier such job having succeeded. When one of them fails, the log enters
  // a new generation, and jobs of older ones still queued fail with kStaleGeneration. The failed job's AppendDone is the
  // first to carry the new generation: on seeing it, take back what was assumed of that job and of every job with a
  // generation that is in flight behind it (they all fail), and only then use the new generation. Never take it from
  // Log::generation(), which may have moved past failures not yet seen. Followers' appends need one.
  uint32_t generation = 0;
  int64_t now_ms = 0;  // the caller's clock: LogAppendTime, timestamp bounds, age of the segment
  // CreateTime records older than now_ms - before or newer than now_ms + after are refused. INT64_MAX: no bound.
  int64_t timestamp_before_max_ms = INT64_MAX;
  int64_t timestamp_after_max_ms = INT64_MAX;
  uint64_t cookie = 0;  // comes back in AppendDone
};

// One refused record, for RecordErrors of Produce v8+. The text is the caller's to make.
struct RecordError {
  int32_t index = 0;  // within the batch
  Code code = Code::kOk;  // kInvalidRecord: no key though one is required. kInvalidTimestamp: out of bounds, or stamped
  int64_t timestamp = -1;
  int32_t offset_delta = 0;
  int32_t key_size = -1;    // as it stands there: below 0 none
  int32_t value_size = -1;
};

// Why an append failed. Lives until completed() returns.
struct AppendFailure {
  Status status;
  std::vector<RecordError> record_errors;  // the first kMaxRecordErrors of them
  uint32_t record_error_count = 0;         // all of them

  // More than a batch of a producer holds; a hostile one is not worth more words.
  static constexpr size_t kMaxRecordErrors = 512;
};

// The fate of one job. On failure the offsets are -1 and nothing of the job is in the log.
struct AppendDone {
  uint64_t cookie = 0;
  int64_t base_offset = -1;      // of the first batch
  int64_t last_offset = -1;      // of the last one. A follower append that had nothing to keep: kOk with both -1
  int64_t max_timestamp = -1;    // largest of the job's batches
  int64_t log_append_time = -1;  // now_ms with kAppendLogAppendTime, otherwise -1 (as Produce answers)
  int64_t segment_base = -1;     // where it went: segment and position
  uint32_t position = 0;
  uint32_t length = 0;           // bytes written; may be less than the job's for followers
  uint32_t generation = 1;       // see AppendJob::generation
  int32_t leader_epoch = -1;     // of the last batch written
  Code code = Code::kOk;
  int32_t sys = 0;                         // errno behind the code, if any
  const AppendFailure* failure = nullptr;  // null on success
};

}  // namespace odradek
