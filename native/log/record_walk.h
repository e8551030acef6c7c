// Looks at the records of one uncompressed batch, where they lie, and judges records wherever they come from. Pure; any
// thread. Never reads outside `records`, whatever it holds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/status.h"
#include "log/append_job.h"
#include "log/record_stream.h"

namespace odradek {

struct RecordRules {
  int64_t base_timestamp = 0;
  bool keys_required = false;
  // Bounds on CreateTime, from now_ms; a timestamp of -1 always passes.
  bool check_timestamps = false;
  int64_t now_ms = 0;
  int64_t before_max_ms = INT64_MAX;
  int64_t after_max_ms = INT64_MAX;
  // The batch says LogAppendTime: all its records bear `stamp`. Refused where no bounds are checked.
  bool stamped = false;
  bool refuse_stamped = false;
  int64_t stamp = 0;
  // Offset deltas inside a compressed batch must be 0 to count - 1: it is not rewritten, and Kafka, which would, trips over
  // its own feet. Those of an uncompressed one stay whatever they are.
  bool compressed = false;
};

struct RecordVerdict {
  Code code = Code::kOk;        // kInvalidRecord: structure or key; kInvalidTimestamp wins over a missing key
                                // kUnreadable: a plain length that is no varint, or inner offsets out of turn
  const char* reason = "";      // for structural failures, static text
  int64_t max_timestamp = -1;   // when kOk
};

// Judges the records of one batch, one after the other.
class RecordJudge {
 public:
  explicit RecordJudge(const RecordRules& rules = {}) : rules_(rules) {}

  // One that is to blame is added to `errors`, if given.
  void judge(int32_t index, const RecordHead& record, AppendFailure* errors);

  // After the last one.
  RecordVerdict verdict() const;

 private:
  RecordRules rules_;
  RecordVerdict verdict_;
  bool in_turn_ = true;
};

// Checks that `records` holds exactly `count` records of the v2 format, every length inside, nothing left over, and the
// rules. Record errors are added to `errors`, if given; structure fails at once.
RecordVerdict walk_records(std::span<const uint8_t> records, int32_t count, const RecordRules& rules,
                           AppendFailure* errors);

struct ControlRecord {
  int16_t type = -1;               // 0 abort, 1 commit, 2 leader change, ...
  int32_t coordinator_epoch = -1;  // of transaction markers
};

// The one record of a control batch; `records` may be cut after its value. Nothing when it is not one.
std::optional<ControlRecord> read_control_record(std::span<const uint8_t> records);

}  // namespace odradek
