// The look into the compressed batches of a job, which may take several turns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "log/batch_check.h"
#include "log/compressed_check.h"

namespace odradek {

// Whoever has inflaters to lend.
class InflaterLender {
 public:
  // For a batch of `packed` bytes. Null: there is none to be had now.
  virtual Inflater* inflater(size_t packed) = 0;

 protected:
  ~InflaterLender() = default;
};

// How far it has come. A job whose look is under way is checked again with the same one.
struct Look {
  uint64_t budget = UINT64_MAX;  // what may be spent on it for now (look_budget.h)
  bool under_way = false;
  size_t at = 0;                     // where in the job the batch lies that is looked into
  std::vector<CheckedBatch> before;  // those in front of it, which are done
  CompressedCheck check;
};

}  // namespace odradek
