#include "addon/answers.h"

#include <algorithm>
#include <utility>

namespace odradek {

bool Answers::begin(uint32_t slot, uint32_t rows, int64_t timeout_ns) {
  const uint32_t index = slot & kSlotIndexMask;
  std::atomic<Answer*>& chunk = chunks_[index / kChunk];
  if (chunk.load(std::memory_order_relaxed) == nullptr) {
    made_.push_back(std::make_unique<Answer[]>(kChunk));
    chunk.store(made_.back().get(), std::memory_order_release);
  }
  Answer& answer = at(index);
  if (answer.busy.load(std::memory_order_acquire)) {
    // Rows that are parked stay as they are: their outcomes are known, and nobody writes to them.
    if (!answer.told.load(std::memory_order_relaxed) || answer.slot != slot || answer.outcomes.size() != rows) return false;
    answer.told.store(false, std::memory_order_relaxed);
    answer.open = true;
    return true;
  }
  answer.busy.store(true, std::memory_order_relaxed);
  answer.open = true;
  answer.slot = slot;
  answer.length = 0;
  answer.timeout_ns = timeout_ns;
  answer.places.clear();
  answer.outcomes.clear();
  if (answer.outcomes.capacity() > kKeptRows && rows <= kKeptRows) {
    answer.outcomes.shrink_to_fit();
    answer.places.shrink_to_fit();
  }
  answer.outcomes.resize(rows);
  answer.failed.store(false, std::memory_order_relaxed);
  answer.refused.store(false, std::memory_order_relaxed);
  answer.left.store(Answer::kWritten + Answer::kRow, std::memory_order_relaxed);
  return true;
}

void Answers::ended(uint32_t index, uint32_t row, AppendOutcome outcome, int64_t last_offset, CommitGate& gate, uint64_t now_ns,
                    AnswerOutlet& outlet) {
  Answer& answer = at(index);
  const bool well = outcome.code == Code::kOk;
  AppendOutcome& place = answer.outcomes[row];
  place = std::move(outcome);
  if (!well) {
    answer.failed.store(true, std::memory_order_relaxed);
  } else if (answer.timeout_ns != Answer::kNoCommit) {
    const uint64_t deadline = answer.timeout_ns == INT64_MAX ? UINT64_MAX : now_ns + static_cast<uint64_t>(answer.timeout_ns);
    // Main may let the row go on as soon as it is parked: what is done here after that needs a hold of its own.
    const auto hold = [&] { answer.left.fetch_add(Answer::kRow, std::memory_order_relaxed); };
    const CommitGate::Arrival arrival = gate.arrive({last_offset, deadline, index, row}, hold);
    if (arrival.fate == CommitGate::Fate::kTakenBack) {
      place.refusal = arrival.refusal;
      answer.refused.store(true, std::memory_order_relaxed);
    }
  }
  written(index, answer, outlet);
}

// One append less is not written; the caller's row, or hold, goes with it.
void Answers::written(uint32_t index, Answer& answer, AnswerOutlet& outlet) {
  const uint64_t left = answer.left.fetch_sub(Answer::kWritten, std::memory_order_acq_rel) - Answer::kWritten;
  if (Answer::unwritten(left) == 0) {
    if (answer.failed.load(std::memory_order_relaxed)) return tell(index, answer, outlet);
    if (Answer::rows(left) > 1) outlet.release_frame(answer.slot);
  }
  row_over(index, answer, outlet);
}

void Answers::row_over(uint32_t index, Answer& answer, AnswerOutlet& outlet) {
  const uint64_t left = answer.left.fetch_sub(Answer::kRow, std::memory_order_acq_rel) - Answer::kRow;
  if (left != 0) return;
  if (answer.refused.load(std::memory_order_relaxed) && answer.close == Answer::Close::kSend) {
    answer.left.store(Answer::kRow, std::memory_order_relaxed);
    return tell(index, answer, outlet);
  }
  outlet.send(answer);
}

// The caller's row becomes main's hold.
void Answers::tell(uint32_t index, Answer& answer, AnswerOutlet& outlet) {
  answer.left.fetch_add(Answer::kWritten, std::memory_order_relaxed);
  answer.told.store(true, std::memory_order_release);
  outlet.tell(index);
}

void Answers::close(Answer& answer, AnswerOutlet& outlet) {
  answer.open = false;
  answer.told.store(false, std::memory_order_relaxed);
  written(answer.slot & kSlotIndexMask, answer, outlet);
}

void Answers::committed(std::span<const ParkedAppend> appends, AnswerOutlet& outlet) {
  for (const ParkedAppend& each : appends) row_over(each.answer, at(each.answer), outlet);
}

void Answers::refused(std::span<const ParkedAppend> appends, int32_t refusal, AnswerOutlet& outlet) {
  for (const ParkedAppend& each : appends) {
    Answer& answer = at(each.answer);
    answer.outcomes[each.row].refusal = refusal;
    answer.refused.store(true, std::memory_order_relaxed);
    row_over(each.answer, answer, outlet);
  }
}

}  // namespace odradek
