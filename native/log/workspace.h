// Scratch memory of one log thread: what a round of appends needs, kept between rounds so that none is allocated.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "log/append_job.h"
#include "log/batch_check.h"
#include "log/hot_tail.h"

namespace odradek {

struct Workspace {
  std::vector<CheckedBatch> batches;   // of jobs decided on and not yet written
  std::vector<iovec> pieces;           // what to write for them
  std::unique_ptr<uint8_t[]> staging;  // small jobs, side by side
  std::vector<HotTail::Batch> hot;
  std::vector<AppendDone> done;        // of the round, in order
  std::deque<AppendFailure> failures;  // `done` points into it
};

}  // namespace odradek
