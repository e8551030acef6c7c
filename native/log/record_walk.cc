#include "log/record_walk.h"

#include <algorithm>

#include "log/batch.h"
#include "log/varint.h"

namespace odradek {

namespace detail {
bool read_long_varint(const uint8_t*& at, const uint8_t* end, int max_bytes, uint64_t* raw) {
  uint64_t value = 0;
  for (int i = 0; i < max_bytes && at < end; ++i) {
    const uint8_t byte = *at++;
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      *raw = value;
      return true;
    }
  }
  return false;
}
}  // namespace detail

namespace {

//   record:  length varint, attributes int8, timestampDelta varlong, offsetDelta varint,
//            keyLength varint, key, valueLength varint, value, headerCount varint, headers
//   header:  keyLength varint, key, valueLength varint, value
// `length` counts what follows it. A negative key or value length means null.
// A length that is no number. Kafka tells it from other faults of a record, by accident.
constexpr const char kNoLength[] = "a record's length does not end";

bool skip_bytes(const uint8_t*& at, const uint8_t* end, int32_t length) {
  if (length <= 0) return true;
  if (end - at < length) return false;
  at += length;
  return true;
}

bool skip_headers(const uint8_t*& at, const uint8_t* end) {
  int32_t count;
  if (!read_varint(at, end, &count)) return false;
  if (count < 0 || count > end - at) return false;
  for (int32_t i = 0; i < count; ++i) {
    int32_t length;
    if (!read_varint(at, end, &length) || length < 0 || !skip_bytes(at, end, length)) return false;
    if (!read_varint(at, end, &length) || !skip_bytes(at, end, length)) return false;
  }
  return true;
}

// Null when all is well, otherwise what is wrong.
const char* read_any_record(const uint8_t*& at, const uint8_t* end, RecordHead* record) {
  int32_t length;
  const uint8_t* const from = at;
  if (!read_varint(at, end, &length)) return at - from == kMostVarintBytes ? kNoLength : "the batch ends inside a record's length";
  if (length < 0 || length > end - at) return "a record reaches past the end of its batch";
  const uint8_t* const record_end = at + length;
  if (length == 0) return "a record is empty";
  ++at;  // attributes, unused
  const bool whole = read_varlong(at, record_end, &record->timestamp_delta) &&
                     read_varint(at, record_end, &record->offset_delta) && read_varint(at, record_end, &record->key_length) &&
                     skip_bytes(at, record_end, record->key_length) && read_varint(at, record_end, &record->value_length) &&
                     skip_bytes(at, record_end, record->value_length) && skip_headers(at, record_end);
  if (!whole) return "a field reaches past the end of its record";
  if (at != record_end) return "a record is longer than its fields";
  return nullptr;
}

// A number of one or two bytes, both readable. False: a longer one.
inline bool read_short(const uint8_t*& at, int64_t* value) {
  uint32_t raw = at[0];
  if (raw < 0x80) {
    at += 1;
  } else {
    if (at[1] >= 0x80) return false;
    raw = (raw & 0x7f) | static_cast<uint32_t>(at[1]) << 7;
    at += 2;
  }
  *value = detail::unzigzag(raw);
  return true;
}

// Most records: short numbers, no headers, not at the very end. The next one's place comes from the length alone, so the
// processor reads ahead while it still checks this one. False: not such a record, or a broken one; `at` is unchanged.
inline bool read_plain_record(const uint8_t*& at, const uint8_t* end, RecordHead* record) {
  constexpr ptrdiff_t kNumbers = 16;  // the numbers before the key, as short ones, and one look beyond
  if (end - at < kNumbers) return false;
  const uint8_t* p = at;
  int64_t length;
  int64_t offset_delta;
  int64_t key_length;
  int64_t value_length;
  if (!read_short(p, &length) || length <= 0 || length > end - p) return false;
  const uint8_t* const record_end = p + length;
  ++p;
  if (!read_short(p, &record->timestamp_delta) || !read_short(p, &offset_delta) || !read_short(p, &key_length)) return false;
  if (key_length > 0) {
    if (key_length > record_end - p) return false;
    p += key_length;
  }
  if (record_end - p < 2 || !read_short(p, &value_length)) return false;
  if (value_length > 0) {
    if (value_length > record_end - p) return false;
    p += value_length;
  }
  if (p + 1 != record_end || *p != 0) return false;  // exactly the count of headers is left, and it is 0
  record->offset_delta = static_cast<int32_t>(offset_delta);
  record->key_length = static_cast<int32_t>(key_length);
  record->value_length = static_cast<int32_t>(value_length);
  at = record_end;
  return true;
}

inline const char* read_record(const uint8_t*& at, const uint8_t* end, RecordHead* record) {
  return read_plain_record(at, end, record) ? nullptr : read_any_record(at, end, record);
}

// Wraps as Java does: a hostile delta yields some timestamp, not undefined behaviour.
inline int64_t add_wrapping(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

inline int64_t subtract_wrapping(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

// LogValidator.recordHasInvalidTimestamp, overflow included.
inline bool out_of_bounds(int64_t timestamp, const RecordRules& rules) {
  const int64_t age = subtract_wrapping(rules.now_ms, timestamp);
  return age > rules.before_max_ms || subtract_wrapping(0, age) > rules.after_max_ms;
}

void note(AppendFailure* errors, int32_t index, Code code, int64_t timestamp, const RecordHead& record) {
  if (errors == nullptr) return;
  ++errors->record_error_count;
  if (errors->record_errors.size() < AppendFailure::kMaxRecordErrors) {
    errors->record_errors.push_back({index, code, timestamp, record.offset_delta, record.key_length, record.value_length});
  }
}

RecordVerdict broken(const char* reason) {
  RecordVerdict verdict;
  verdict.code = reason == kNoLength ? Code::kUnreadable : Code::kInvalidRecord;
  verdict.reason = reason;
  return verdict;
}

}  // namespace

void RecordJudge::judge(int32_t index, const RecordHead& record, AppendFailure* errors) {
  in_turn_ = in_turn_ && record.offset_delta == index;
  const int64_t timestamp = rules_.stamped ? rules_.stamp : add_wrapping(rules_.base_timestamp, record.timestamp_delta);
  verdict_.max_timestamp = std::max(verdict_.max_timestamp, timestamp);
  if (rules_.keys_required && record.key_length < 0) {
    // Kafka stops looking at a record at its first fault, and looks at the key first.
    if (verdict_.code == Code::kOk) verdict_.code = Code::kInvalidRecord;
    note(errors, index, Code::kInvalidRecord, timestamp, record);
  } else if (rules_.check_timestamps && timestamp != kNoTimestamp ? out_of_bounds(timestamp, rules_) : rules_.refuse_stamped) {
    verdict_.code = Code::kInvalidTimestamp;
    note(errors, index, Code::kInvalidTimestamp, timestamp, record);
  }
}

RecordVerdict RecordJudge::verdict() const {
  RecordVerdict verdict = verdict_;
  if (verdict.code == Code::kOk && rules_.compressed && !in_turn_) {
    verdict.code = Code::kUnreadable;
    verdict.reason = "offsets inside the batch do not count up from 0";
  }
  return verdict;
}

RecordVerdict walk_records(std::span<const uint8_t> records, int32_t count, const RecordRules& rules,
                           AppendFailure* errors) {
  RecordJudge judge(rules);
  const uint8_t* at = records.data();
  const uint8_t* const end = at + records.size();
  for (int32_t index = 0; index < count; ++index) {
    RecordHead record;
    if (const char* reason = read_record(at, end, &record)) return broken(reason);
    judge.judge(index, record, errors);
  }
  if (at != end) return broken("bytes are left over after the last record");
  return judge.verdict();
}

std::optional<ControlRecord> read_control_record(std::span<const uint8_t> records) {
  constexpr int32_t kKeySize = 4;          // version int16, type int16
  constexpr int32_t kMarkerValueSize = 6;  // version int16, coordinatorEpoch int32
  const uint8_t* at = records.data();
  const uint8_t* const end = at + records.size();
  int32_t number;
  int64_t long_number;
  if (!read_varint(at, end, &number) || at == end) return std::nullopt;
  ++at;  // attributes
  if (!read_varlong(at, end, &long_number) || !read_varint(at, end, &number)) return std::nullopt;
  if (!read_varint(at, end, &number) || number != kKeySize || end - at < kKeySize) return std::nullopt;
  ControlRecord record;
  record.type = load_i16(at + 2);
  at += kKeySize;
  if (!read_varint(at, end, &number)) return record;
  const bool marker = record.type == 0 || record.type == 1;
  if (marker && number >= kMarkerValueSize && end - at >= kMarkerValueSize) record.coordinator_epoch = load_i32(at + 2);
  return record;
}

}  // namespace odradek
