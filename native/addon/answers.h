// Success answers of produce requests, which travel with their appends: bytes in the arena, with the places where
// offsets go. The log thread that ends the last append of one fills them in and sends it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/byte_order.h"
#include "base/invariant.h"
#include "base/spin_lock.h"
#include "base/status.h"
#include "log/append_job.h"
#include "reactor/slot_index.h"

namespace odradek {

struct AnswerPlace {
  int32_t base_offset = -1;  // counted from the answer's start; -1: the version has no such field
  int32_t append_time = -1;
  int32_t start_offset = -1;
};

struct AppendOutcome {
  Code code = Code::kOk;
  int64_t base_offset = -1;
  int64_t log_append_time = -1;
  int64_t start_offset = -1;
  std::vector<RecordError> record_errors;  // the first of them
  uint32_t record_error_count = 0;
};

struct Answer {
  uint32_t slot = 0;
  uint32_t offset = 0;
  uint32_t length = 0;  // 0: nothing is to be sent
  // Written by main before the appends are queued, each element then by the one log thread that ends that append.
  std::vector<AnswerPlace> places;
  std::vector<AppendOutcome> outcomes;
  std::atomic<uint32_t> remaining{0};
  std::atomic<bool> failed{false};
  bool told = false;  // main's from the completion of kind answerFailed on, until it is done with it
};

// A pool, so that a produce request allocates nothing in the steady state.
//
// Threads: take() and at() from main, at() and give() from any thread. An answer belongs to main until its appends are
// queued, then to whoever brings `remaining` to zero.
//
// A request has one answer and keeps its slot until that is given back, so there are as many as there are slots.
class Answers {
 public:
  explicit Answers(uint32_t most = kMostSlots) : most_(most) { INVARIANT(most <= kMostSlots); }

  // An index, for cookies. None where all are taken: somebody answers for slots that are no requests.
  std::optional<uint32_t> take() {
    const std::lock_guard guard(lock_);
    if (!free_.empty()) {
      const uint32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    if (count_ == most_) return std::nullopt;
    if (count_ % kChunk == 0) chunks_[count_ / kChunk] = std::make_unique<Answer[]>(kChunk);
    return count_++;
  }

  void give(uint32_t index) {
    const std::lock_guard guard(lock_);
    free_.push_back(index);
  }

  Answer& at(uint32_t index) { return chunks_[index / kChunk][index % kChunk]; }

  uint32_t count() const { return count_; }

  static constexpr uint32_t kChunk = 256;

 private:
  const uint32_t most_;
  SpinLock lock_;
  std::vector<uint32_t> free_;
  uint32_t count_ = 0;
  // Fixed places, so that at() needs no lock while take() adds a chunk.
  std::unique_ptr<Answer[]> chunks_[kMostSlots / kChunk];
};

}  // namespace odradek
