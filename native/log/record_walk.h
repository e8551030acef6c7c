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
  // Bounds on CreateTime; a timestamp of -1 always passes.
  bool check_timestamps = false;
  int64_t oldest_timestamp = INT64_MIN;
  int64_t newest_timestamp = INT64_MAX;
};

struct RecordVerdict {
  Code code = Code::kOk;        // kInvalidRecord: structure or key; kInvalidTimestamp wins over a missing key
  const char* reason = "";      // for structural failures, static text
  int64_t max_timestamp = -1;   // when kOk
  int32_t offset_of_max = -1;   // delta of the first record that has it
};

// Judges the records of one batch, one after the other.
class RecordJudge {
 public:
  explicit RecordJudge(const RecordRules& rules = {}) : rules_(rules) {}

  // False: the record is to blame, and was added to `errors`, if given.
  bool judge(int32_t index, const RecordHead& record, AppendFailure* errors);

  const RecordVerdict& verdict() const { return verdict_; }

 private:
  RecordRules rules_;
  RecordVerdict verdict_;
};

// Checks that `records` holds exactly `count` records of the v2 format with offset deltas 0 to count - 1 (inner ones of
// a batch as a producer makes it), every length inside, nothing left over, and the rules. Record errors are added to
// `errors`, if given; structure fails at once.
RecordVerdict walk_records(std::span<const uint8_t> records, int32_t count, const RecordRules& rules,
                           AppendFailure* errors);

struct ControlRecord {
  int16_t type = -1;               // 0 abort, 1 commit, 2 leader change, ...
  int32_t coordinator_epoch = -1;  // of transaction markers
};

// The one record of a control batch; `records` may be cut after its value. Nothing when it is not one.
std::optional<ControlRecord> read_control_record(std::span<const uint8_t> records);

}  // namespace odradek
