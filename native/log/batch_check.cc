#include "log/batch_check.h"

#include <algorithm>
#include <utility>

#include "log/batch.h"
#include "log/look.h"
#include "log/record_walk.h"

namespace odradek {

namespace {

Code refuse(AppendFailure* failure, Code code, const char* why) {
  failure->status = Status(code, 0, why);
  return code;
}

// Makes the header say `attributes` and `max_timestamp`, and the CRC agree, without a second pass over the records.
void rewrite_times(std::span<uint8_t> batch, int16_t attributes, int64_t max_timestamp) {
  constexpr size_t kFrom = batch_at::kAttributes;
  constexpr size_t kHead = batch_at::kMaxTimestamp + 8 - kFrom;
  uint8_t head[kHead];
  std::copy_n(batch.data() + kFrom, kHead, head);
  store_i16(head, attributes);
  store_i64(head + (batch_at::kMaxTimestamp - kFrom), max_timestamp);
  const std::span<const uint8_t> old_head(batch.data() + kFrom, kHead);
  const uint32_t crc = crc32c_replace_head(load_u32(batch.data() + batch_at::kCrc), old_head, {head, kHead},
                                           batch.size() - kFrom - kHead);
  std::copy_n(head, kHead, batch.data() + kFrom);
  store_u32(batch.data() + batch_at::kCrc, crc);
}

// Makes the header tell the topic's kind of timestamps and the largest of them. A header that is rewritten keeps only the
// attributes that Kafka knows (DefaultRecordBatch.setMaxTimestamp).
void settle_times(std::span<uint8_t> batch, bool append_time, int64_t max_timestamp) {
  const BatchHeader header(batch.data());
  if (header.log_append_time() == append_time && header.max_timestamp() == max_timestamp) return;
  const int stamp = append_time ? batch_attribute::kLogAppendTime : 0;
  rewrite_times(batch, static_cast<int16_t>((header.attributes() & batch_attribute::kKeptAttributes) | stamp), max_timestamp);
}

// LogValidator.validateBatch.
Code check_header(const BatchHeader& header, bool from_client, AppendFailure* failure) {
  const int64_t offsets = static_cast<int64_t>(header.last_offset_delta()) + 1;
  const int32_t count = header.record_count();
  if (offsets <= 0 || count <= 0) return refuse(failure, Code::kInvalidRecord, "a batch must hold at least one record");
  if (offsets != count) return refuse(failure, Code::kInvalidRecord, "the batch's record count contradicts its offsets");
  if (!from_client) return Code::kOk;
  if (header.control()) return refuse(failure, Code::kInvalidRecord, "clients may not write control records");
  if (header.has_producer_id() && header.base_sequence() < 0) {
    return refuse(failure, Code::kInvalidRecord, "a batch with a producer id needs a sequence number");
  }
  return Code::kOk;
}

// Everything about a batch but its records: UnifiedLog.analyzeAndValidateRecords, then validateBatch.
Code check_outside(std::span<const uint8_t> batch, bool from_client, const BatchLimits& limits, AppendFailure* failure) {
  const BatchHeader header(batch.data());
  if (from_client && header.base_offset() != 0) {
    return refuse(failure, Code::kInvalidRecord, "the base offset of a produced batch must be 0");
  }
  if (from_client && batch.size() > limits.max_message_bytes) {
    return refuse(failure, Code::kMessageTooLarge, "the batch is larger than max.message.bytes");
  }
  if (!crc_matches(batch)) return refuse(failure, Code::kCorruptBatch, "the batch's CRC does not match");
  if ((header.attributes() & batch_attribute::kCodecMask) > batch_attribute::kHighestCodec) {
    return refuse(failure, Code::kUnreadable, "unknown compression codec");
  }
  return check_header(header, from_client, failure);
}

RecordRules rules_for(const BatchHeader& header, const AppendJob& job) {
  const bool from_client = (job.flags & kAppendInternal) == 0;
  RecordRules rules;
  rules.base_timestamp = header.base_timestamp();
  rules.keys_required = (job.flags & kAppendKeysRequired) != 0;
  rules.check_timestamps = from_client && (job.flags & kAppendLogAppendTime) == 0;
  rules.now_ms = job.now_ms;
  rules.before_max_ms = job.timestamp_before_max_ms;
  rules.after_max_ms = job.timestamp_after_max_ms;
  rules.stamped = header.log_append_time();
  rules.refuse_stamped = from_client && rules.stamped;
  rules.stamp = header.max_timestamp();
  rules.compressed = header.compressed();
  return rules;
}

// Makes a verdict the answer. Where the batch is malformed, none of its records is to blame.
Code conclude(const RecordVerdict& verdict, AppendFailure* failure, int64_t* max_timestamp) {
  if (*verdict.reason != 0) {
    failure->record_errors.clear();
    failure->record_error_count = 0;
    return refuse(failure, verdict.code, verdict.reason);
  }
  *max_timestamp = verdict.max_timestamp;
  switch (verdict.code) {
    case Code::kOk: return Code::kOk;
    case Code::kInvalidTimestamp: return refuse(failure, verdict.code, "records were refused for their timestamps");
    default: return refuse(failure, verdict.code, "records were refused for lacking a key");
  }
}

// Looks into a compressed batch, as far as may be for now; gives the largest timestamp.
Code check_inside(std::span<const uint8_t> batch, const AppendJob& job, Look* look, InflaterLender* lender,
                  AppendFailure* failure, int64_t* max_timestamp) {
  Inflater* const inflater = look->budget == 0 ? nullptr : lender->inflater(batch.size());
  if (inflater == nullptr) return Code::kWouldBlock;
  if (!look->under_way) look->check.begin(batch, rules_for(BatchHeader(batch.data()), job), *inflater);
  look->under_way = !look->check.go_on(*inflater, &look->budget);
  if (look->under_way) return Code::kWouldBlock;
  std::swap(*failure, look->check.failure());
  return conclude(look->check.verdict(), failure, max_timestamp);
}

// Looks at the records of a batch, compressed or not; gives their largest timestamp.
Code check_records(std::span<const uint8_t> batch, const AppendJob& job, Look* look, InflaterLender* lender,
                   AppendFailure* failure, int64_t* max_timestamp) {
  const BatchHeader header(batch.data());
  if (header.compressed()) return check_inside(batch, job, look, lender, failure, max_timestamp);
  const std::span<const uint8_t> records = batch.subspan(batch_at::kRecords);
  return conclude(walk_records(records, header.record_count(), rules_for(header, job), failure), failure, max_timestamp);
}

// One batch of a leader's append. What a look that is under way began with was checked from outside then.
Code check_produced(std::span<uint8_t> batch, const AppendJob& job, const BatchLimits& limits, Look* look,
                    InflaterLender* lender, CheckedBatch* checked, AppendFailure* failure) {
  const BatchHeader header(batch.data());
  if (!look->under_way) {
    const Code code = check_outside(batch, (job.flags & kAppendInternal) == 0, limits, failure);
    if (code != Code::kOk) return code;
  }
  int64_t max_timestamp = -1;
  if (const Code code = check_records(batch, job, look, lender, failure, &max_timestamp); code != Code::kOk) return code;
  const bool append_time = (job.flags & kAppendLogAppendTime) != 0;
  if (append_time) max_timestamp = job.now_ms;
  settle_times(batch, append_time, max_timestamp);
  *checked = {static_cast<uint32_t>(batch.size()), header.last_offset_delta(), header.base_offset(), max_timestamp};
  return Code::kOk;
}

Code check_leader_job(const AppendJob& job, const BatchLimits& limits, Look* look, InflaterLender* lender,
                      std::vector<CheckedBatch>* batches, AppendFailure* failure) {
  std::span<uint8_t> rest(job.bytes, job.length);
  if (rest.empty()) return refuse(failure, Code::kInvalidRecord, "no batch to append");
  const size_t first = batches->size();
  if (look->under_way) {
    rest = rest.subspan(look->at);
    batches->insert(batches->end(), look->before.begin(), look->before.end());
  }
  while (!rest.empty()) {
    uint32_t size;
    if (const Code code = check_frame(rest, &size); code != Code::kOk) {
      return refuse(failure, code, code == Code::kCorruptBatch ? "the batch is cut off or its length is impossible"
                                                               : "the batch is not of magic 2");
    }
    CheckedBatch checked;
    const Code code = check_produced(rest.first(size), job, limits, look, lender, &checked, failure);
    if (code == Code::kWouldBlock && look->under_way) {
      look->at = job.length - rest.size();
      look->before.assign(batches->begin() + static_cast<ptrdiff_t>(first), batches->end());
    }
    if (code != Code::kOk) return code;
    batches->push_back(checked);
    rest = rest.subspan(size);
  }
  return Code::kOk;
}

// Why the batch at the front of `rest` cannot be taken from a leader.
Code check_fetched(std::span<const uint8_t> rest, int64_t at_least, CheckedBatch* checked, AppendFailure* failure) {
  uint32_t size;
  if (const Code code = check_frame(rest, &size); code != Code::kOk) {
    return refuse(failure, code, "the fetched batch is cut off or of an unknown format");
  }
  const std::span<const uint8_t> batch = rest.first(size);
  const BatchHeader header(batch.data());
  if (!crc_matches(batch)) return refuse(failure, Code::kCorruptBatch, "the fetched batch's CRC does not match");
  if (header.base_offset() < at_least || header.last_offset_delta() < 0 || header.base_offset() > kMaxOffset) {
    return refuse(failure, Code::kUnexpectedOffset, "the fetched batch's offsets do not continue the log");
  }
  *checked = {size, header.last_offset_delta(), header.base_offset(), header.max_timestamp()};
  return Code::kOk;
}

// A fetch may end inside a batch.
bool cut_off(std::span<const uint8_t> rest) {
  return rest.size() < kBatchHeaderSize || BatchHeader(rest.data()).size() > static_cast<int64_t>(rest.size());
}

Code check_follower_job(const AppendJob& job, int64_t next_offset, std::vector<CheckedBatch>* batches,
                        AppendFailure* failure) {
  std::span<const uint8_t> rest(job.bytes, job.length);
  const size_t before = batches->size();
  while (!rest.empty()) {
    CheckedBatch checked;
    const Code code = check_fetched(rest, next_offset, &checked, failure);
    if (code != Code::kOk) {
      // Kafka 3.9.1 keeps what precedes a broken batch; the next fetch begins there.
      return batches->size() > before || cut_off(rest) ? Code::kOk : code;
    }
    // An answer of a leader older than the epochs it carries (KAFKA-17754).
    if (job.leader_epoch >= 0 && BatchHeader(rest.data()).leader_epoch() > job.leader_epoch) break;
    batches->push_back(checked);
    next_offset = checked.base_offset + checked.last_offset_delta + 1;
    rest = rest.subspan(checked.size);
  }
  return Code::kOk;
}

}  // namespace

Code check_frame(std::span<const uint8_t> bytes, uint32_t* size) {
  if (bytes.size() <= batch_at::kMagic) return Code::kCorruptBatch;
  const int8_t magic = static_cast<int8_t>(bytes[batch_at::kMagic]);
  if (magic != kMagicV2) return magic >= 0 && magic < kMagicV2 ? Code::kUnsupportedMagic : Code::kCorruptBatch;
  if (bytes.size() < kBatchHeaderSize) return Code::kCorruptBatch;
  const int64_t whole = BatchHeader(bytes.data()).size();
  if (whole < static_cast<int64_t>(kBatchHeaderSize) || whole > static_cast<int64_t>(bytes.size())) return Code::kCorruptBatch;
  *size = static_cast<uint32_t>(whole);
  return Code::kOk;
}

Code inspect_batch(const AppendJob& job, const BatchLimits& limits, InflaterLender* lender, uint64_t* budget, AppendFailure* failure) {
  const std::span<const uint8_t> batch(job.bytes, job.length);
  uint32_t size;
  if (const Code code = check_frame(batch, &size); code != Code::kOk || size != batch.size()) {
    return refuse(failure, code == Code::kOk ? Code::kCorruptBatch : code, "the batch is cut off or of an unknown format");
  }
  if (const Code code = check_outside(batch, true, limits, failure); code != Code::kOk) return code;
  Look look;
  look.budget = *budget;
  int64_t max_timestamp;
  const Code code = check_records(batch, job, &look, lender, failure, &max_timestamp);
  *budget = look.budget;
  return code;
}

Code check_job(const AppendJob& job, const BatchLimits& limits, int64_t next_offset, Look* look, InflaterLender* lender,
               std::vector<CheckedBatch>* batches, AppendFailure* failure) {
  const size_t before = batches->size();
  const Code code = (job.flags & kAppendFollower) != 0 ? check_follower_job(job, next_offset, batches, failure)
                                                       : check_leader_job(job, limits, look, lender, batches, failure);
  if (code != Code::kOk) batches->resize(before);
  return code;
}

}  // namespace odradek
