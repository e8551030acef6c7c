// What the main isolate asks for, in one call for everything it gathered: answers, appends, and answers that travel with
// appends or wait behind them.
#include "addon/append_flags.h"
#include "addon/exchange.h"
#include "addon/exchange_entry.h"
#include "addon/exchange_outlet.h"
#include "log/batch.h"

namespace odradek {

namespace {

constexpr double kOpcodes = 10;     // one more than the largest
constexpr size_t kRespondHead = 3;  // opcode, slot, pieces
constexpr size_t kAnswerHead = 5;   // opcode, slot, offset, length, rows
constexpr size_t kBeginWords = 4;   // opcode, slot, rows, milliseconds
constexpr size_t kAppendWords = 8;  // opcode, then its operands
constexpr size_t kRowWords = 2;     // slot and row, before those
constexpr size_t kAdvanceWords = 4;
constexpr uint32_t kMostRows = 0xffff;
constexpr int64_t kNsPerMs = 1'000'000;

// For words that become indexes, counts and flags; NaN is none.
bool is_uint32(double word) { return word >= 0 && word <= UINT32_MAX; }

}  // namespace

bool Exchange::flush(size_t words) {
  AnswerBatch batch(*reactor_);
  Outlet outlet(*this, batch, failed_);
  const double* const end = commands_.data() + std::min(words, commands_.size());
  bool appended = false;
  bool well = true;
  for (const double* at = commands_.data(); at < end && well;) {
    const auto left = static_cast<size_t>(end - at);
    switch (static_cast<Opcode>(is_uint32(*at) && *at < kOpcodes ? static_cast<int32_t>(*at) : 0)) {
      case Opcode::kRespond: {
        const size_t used = respond(batch, at, left);
        well = used > 0;
        at += used;
        break;
      }
      case Opcode::kRespondNothing:
      case Opcode::kFail:
      case Opcode::kReleaseFrame: {
        well = left >= 2 && is_uint32(at[1]);
        if (!well) break;
        const auto slot = static_cast<uint32_t>(at[1]);
        const auto opcode = static_cast<Opcode>(static_cast<int32_t>(*at));
        if (opcode == Opcode::kRespondNothing) batch.add_none(slot);
        else if (opcode == Opcode::kFail) batch.fail(slot);
        else reactor_->release_frame(slot);
        at += 2;
        break;
      }
      case Opcode::kAppend:
        well = left >= kAppendWords && is_append(at + 1);
        if (!well) break;
        append(at + 1, -1, 0);
        at += kAppendWords;
        appended = true;
        break;
      case Opcode::kAnswer: {
        const size_t used = answer(at, left, outlet);
        well = used > 0;
        at += used;
        break;
      }
      case Opcode::kBegin:
        well = left >= kBeginWords && begin(at);
        at += kBeginWords;
        break;
      case Opcode::kAppendRow:
        well = left >= kAppendWords + kRowWords && append_row(at);
        at += kAppendWords + kRowWords;
        appended = true;
        break;
      case Opcode::kAdvance:
        well = left >= kAdvanceWords && is_uint32(at[1]) && is_uint32(at[3]) && at[2] >= 0;
        if (well) advance(at, outlet);
        at += kAdvanceWords;
        break;
      default:
        well = false;
    }
  }
  // The log threads start while this thread still sends.
  if (words > 0) appended_lately_.store(appended, std::memory_order_relaxed);
  if (appended) threads_->kick();
  batch.send();
  if (!failed_.empty()) {
    completions_.push(failed_);
    failed_.clear();
    wake();
  }
  return well;
}

bool Exchange::is_range(double offset, double length) const {
  // Written so that NaN is refused.
  if (!(offset >= 0 && length >= 0 && offset + length <= static_cast<double>(arena_->capacity()))) return false;
  return arena_->is_leased(static_cast<uint32_t>(offset));
}

size_t Exchange::respond(AnswerBatch& batch, const double* words, size_t left) {
  if (left < kRespondHead || !is_uint32(words[1]) || !is_uint32(words[2])) return 0;
  const auto slot = static_cast<uint32_t>(words[1]);
  const auto count = static_cast<size_t>(words[2]);
  if (count > (left - kRespondHead) / 2) return 0;
  const double* piece = words + kRespondHead;
  const size_t used = kRespondHead + 2 * count;
  if (count == 1 && piece[1] >= 0) {
    if (!is_range(piece[0], piece[1])) return 0;
    batch.add(slot, static_cast<uint32_t>(piece[0]), static_cast<uint32_t>(piece[1]));
    return used;
  }
  pieces_.clear();
  for (size_t index = 0; index < count; index++, piece += 2) {
    if (piece[1] >= 0) {
      if (!is_range(piece[0], piece[1])) return 0;
      pieces_.push_back(Piece::arena(static_cast<uint32_t>(piece[0]), static_cast<uint32_t>(piece[1])));
      continue;
    }
    if (!is_uint32(piece[0]) || piece[1] != -1) return 0;
    const auto id = static_cast<uint32_t>(piece[0]);
    const std::lock_guard guard(slices_lock_);
    if (id >= slices_.size() || !slices_[id].file) return 0;
    pieces_.push_back(Piece::slice(std::move(slices_[id].file), slices_[id].position, slices_[id].length));
    slices_[id] = Slice{};
    free_slices_.push_back(id);
  }
  batch.add(slot, pieces_);
  pieces_.clear();
  return used;
}

bool Exchange::begin(const double* words) {
  if (!is_uint32(words[1]) || !(words[2] >= 1 && words[2] <= kMostRows) || !(words[3] >= -1 && words[3] <= INT32_MAX)) return false;
  const int64_t timeout_ns = words[3] < 0 ? Answer::kNoCommit : static_cast<int64_t>(words[3]) * kNsPerMs;
  return answers_.begin(static_cast<uint32_t>(words[1]), static_cast<uint32_t>(words[2]), timeout_ns);
}

bool Exchange::append_row(const double* words) {
  if (!is_uint32(words[1]) || !is_uint32(words[2]) || !is_append(words + 1 + kRowWords)) return false;
  const auto slot = static_cast<uint32_t>(words[1]);
  const auto row = static_cast<uint32_t>(words[2]);
  Answer* const answer = answers_.find(slot & kSlotIndexMask);
  if (answer == nullptr || !answer->is_open(slot) || row >= answer->outcomes.size()) return false;
  answers_.add(*answer);
  append(words + 1 + kRowWords, slot & kSlotIndexMask, row);
  return true;
}

size_t Exchange::answer(const double* words, size_t left, AnswerOutlet& outlet) {
  if (left < kAnswerHead || !is_uint32(words[1]) || !is_uint32(words[4])) return 0;
  const auto slot = static_cast<uint32_t>(words[1]);
  const auto rows = static_cast<size_t>(words[4]);
  const size_t used = kAnswerHead + rows * 3;
  const double length = words[3];
  Answer* const answer = answers_.find(slot & kSlotIndexMask);
  if (answer == nullptr || !answer->is_main_s(slot) || left < used) return 0;
  if (length > 0 ? rows != answer->outcomes.size() || !is_range(words[2], length) : rows != 0 || (length != 0 && length != -1)) return 0;
  const double* place = words + kAnswerHead;
  for (size_t at = 0; at < rows * 3; at++) if (place[at] != -1 && !(place[at] >= 0 && place[at] + 8 <= length)) return 0;
  const uint32_t before = answer->length > 0 ? answer->offset : Arena::kNoRoom;
  answer->close = length > 0 ? Answer::Close::kSend : length == 0 ? Answer::Close::kNothing : Answer::Close::kFail;
  answer->offset = length > 0 ? static_cast<uint32_t>(words[2]) : 0;
  answer->length = length > 0 ? static_cast<uint32_t>(length) : 0;
  answer->places.resize(rows);
  for (size_t at = 0; at < rows; at++, place += 3) {
    answer->places[at] = {static_cast<int32_t>(place[0]), static_cast<int32_t>(place[1]), static_cast<int32_t>(place[2])};
  }
  // The answer's bytes outlive TypeScript's lease of their block: this reference goes when they are handed over.
  if (answer->length > 0) arena_->retain(answer->offset);
  if (before != Arena::kNoRoom) arena_->release(before);
  answers_.close(*answer, outlet);
  return used;
}

void Exchange::advance(const double* words, AnswerOutlet& outlet) {
  const auto index = static_cast<uint32_t>(words[1]);
  if (index >= entries_.size() || !entries_[index]) return;
  const auto refusal = static_cast<int32_t>(words[3]);
  released_.clear();
  entries_[index]->gate.advance(words[2] >= static_cast<double>(kMaxOffset) ? kMaxOffset : static_cast<int64_t>(words[2]), &released_);
  if (refusal == 0) answers_.committed(released_, outlet);
  else answers_.refused(released_, refusal, outlet);
}

bool Exchange::is_append(const double* operands) const {
  return is_uint32(operands[0]) && is_range(operands[1], operands[2]) && operands[3] >= -1 && operands[3] <= INT32_MAX &&
         is_uint32(operands[4]) && is_uint32(operands[5]) && is_uint32(operands[6]);
}

void Exchange::append(const double* operands, int64_t answer, uint32_t row) {
  const auto index = static_cast<uint32_t>(operands[0]);
  const auto flags = static_cast<uint32_t>(operands[4]);
  const uint64_t cookie = Cookie::pack((flags & kScriptNotify) != 0, answer, row, static_cast<uint32_t>(operands[6]));
  if (index >= entries_.size() || !entries_[index] || !entries_[index]->open.load(std::memory_order_acquire)) {
    refuse_append(cookie, index);
    return;
  }
  Entry& entry = *entries_[index];
  AppendJob job;
  job.bytes = arena_->at(static_cast<uint32_t>(operands[1]));
  job.length = static_cast<uint32_t>(operands[2]);
  job.flags = append_flags(flags);
  job.leader_epoch = static_cast<int32_t>(operands[3]);
  job.generation = static_cast<uint32_t>(operands[5]);
  job.now_ms = clock_.wall_ms();
  job.timestamp_before_max_ms = entry.timestamp_before_max_ms;
  job.timestamp_after_max_ms = entry.timestamp_after_max_ms;
  job.cookie = cookie;
  entry.log->append(job);
}

// An append to a log that is not open ends like one that was closed meanwhile.
void Exchange::refuse_append(uint64_t cookie, uint32_t log) {
  Entry nowhere(*this, log);
  AppendDone done;
  done.cookie = cookie;
  done.code = Code::kClosed;
  completed(nowhere, {&done, 1});
}

}  // namespace odradek
