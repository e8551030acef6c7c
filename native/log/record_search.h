// Finds a record inside a batch by its time (UnifiedLog.searchForTimestamp's last step). Any thread.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace odradek {

struct FoundRecord {
  bool found = false;
  int64_t offset = -1;
  int64_t timestamp = -1;
};

// The first record of `batch` whose timestamp is >= `timestamp` and offset >= from_offset. A compressed batch is inflated
// as far as need be, a windowful at a time; kWouldBlock: that is further than `budget` goes (look_budget.h). Ends quietly at
// broken structure; kUnreadable: it does not inflate.
// REQUIRES: `batch` is one whole batch.
Result<FoundRecord> find_record_in_batch(std::span<const uint8_t> batch, int64_t timestamp, int64_t from_offset, uint64_t* budget);

}  // namespace odradek
