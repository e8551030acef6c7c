// Answers of produce requests that travel with their appends: bytes in the arena, with the places where offsets go. Whoever
// ends the last append of one fills them in and sends it; nobody else keeps anything of the request.
//
// An answer's life. Main begins it and gives appends, one or none for each row of the request, then closes it: that hands over
// the bytes. Between the two, and from then on until the answer ends, appends end on log threads. One that has to be
// committed by others is parked at its log's gate (commit_gate.h) until it goes on.
//
//   begun -> closed -> every append is written --> some failed: told to main, which gives what is to be given again, and closes anew
//                              |                                   ^
//                              | the frame is not needed any more  |
//                              v                                   |
//                      every row has ended ------> some were not committed
//                              |
//                              v
//                            sent
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "addon/commit_gate.h"
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

// How one row ended.
struct AppendOutcome {
  Code code = Code::kOk;
  int32_t refusal = 0;  // Kafka's error code: it was written, and not committed
  int64_t base_offset = -1;
  int64_t log_append_time = -1;
  int64_t start_offset = -1;
  std::vector<RecordError> record_errors = {};  // the first of them
  uint32_t record_error_count = 0;
};

struct Answer {
  enum class Close : uint8_t { kSend, kNothing, kFail };

  uint32_t slot = 0;
  uint32_t offset = 0;
  uint32_t length = 0;  // 0: no bytes are there, or none yet
  Close close = Close::kNothing;
  int64_t timeout_ns = kNoCommit;  // how long it may wait once it is written
  std::vector<AnswerPlace> places;
  // By row; each element is written by main while nobody else may, or by the one thread that ends that append.
  std::vector<AppendOutcome> outcomes;
  // Two counts in one: appends that are not written (above kWritten), and rows that have not ended. Main's hold, until it is
  // closed and while main is told, counts in both.
  std::atomic<uint64_t> left{0};
  std::atomic<bool> failed{false};   // an append of it was not written
  std::atomic<bool> refused{false};  // one was written and not committed
  std::atomic<bool> busy{false};  // begun and not sent
  bool open = false;              // main only: begun and not closed
  std::atomic<bool> told{false};  // main's, from the completion of kind answerFailed on until it is closed again

  // Main may give appends to it.
  bool is_open(uint32_t of) const { return is_main_s(of) && !told.load(std::memory_order_relaxed); }
  // Main may close it: it has the hold.
  bool is_main_s(uint32_t of) const { return busy.load(std::memory_order_relaxed) && slot == of && (open || told.load(std::memory_order_relaxed)); }

  static constexpr int64_t kNoCommit = -1;  // answered as soon as it is written
  static constexpr uint64_t kRow = 1;
  static constexpr uint64_t kWritten = uint64_t{1} << 32;
  static uint64_t rows(uint64_t left) { return left & (kWritten - 1); }
  static uint64_t unwritten(uint64_t left) { return left / kWritten; }
};

// Where answers go on. Called on the thread that brought them there.
class AnswerOutlet {
 public:
  virtual ~AnswerOutlet() = default;
  // The answer's end. It is to be not busy before its slot is given back, and not to be touched after that.
  virtual void send(Answer& answer) = 0;
  virtual void tell(uint32_t answer) = 0;
  virtual void release_frame(uint32_t slot) = 0;
};

// Answers by slot: a request has one, and keeps its slot until that is sent. So a produce request allocates nothing in the
// steady state, and there are no more than requests were ever in flight at once.
//
// Threads: at() from any; ended() from whoever ends the append; the rest from main.
class Answers {
 public:
  Answer& at(uint32_t index) { return chunks_[index / kChunk].load(std::memory_order_acquire)[index % kChunk]; }

  // Null where nothing was ever begun.
  Answer* find(uint32_t index) { return index < kMostSlots && chunks_[index / kChunk].load(std::memory_order_acquire) ? &at(index) : nullptr; }

  // For appends to `rows` rows of the request in `slot`; for an answer that was told, to rows of it that have ended. False:
  // it is on its way.
  bool begin(uint32_t slot, uint32_t rows, int64_t timeout_ns);

  // An append to a row is about to be queued. REQUIRES: begun and not closed
  void add(Answer& answer) { answer.left.fetch_add(Answer::kWritten + Answer::kRow, std::memory_order_relaxed); }

  // An append ended, and `outcome` says how. `gate` is its log's.
  void ended(uint32_t index, uint32_t row, AppendOutcome outcome, int64_t last_offset, CommitGate& gate, uint64_t now_ns, AnswerOutlet& outlet);

  // What is to be sent is known. REQUIRES: begun or told
  void close(Answer& answer, AnswerOutlet& outlet);

  // What was parked goes on.
  void committed(std::span<const ParkedAppend> appends, AnswerOutlet& outlet);
  void refused(std::span<const ParkedAppend> appends, int32_t refusal, AnswerOutlet& outlet);

 private:
  static constexpr uint32_t kChunk = 256;
  static constexpr size_t kKeptRows = 256;  // that an answer keeps room for

  void written(uint32_t index, Answer& answer, AnswerOutlet& outlet);
  void row_over(uint32_t index, Answer& answer, AnswerOutlet& outlet);
  void tell(uint32_t index, Answer& answer, AnswerOutlet& outlet);

  // Fixed places, so that at() needs no lock while begin() makes a chunk.
  std::atomic<Answer*> chunks_[kMostSlots / kChunk] = {};
  std::vector<std::unique_ptr<Answer[]>> made_;
};

}  // namespace odradek
