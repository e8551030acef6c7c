// How appends end: news for the main isolate, and the answers that travelled with them.
#include <utility>

#include "addon/exchange.h"
#include "addon/exchange_entry.h"
#include "addon/exchange_outlet.h"

namespace odradek {

void Exchange::completed(Entry& entry, std::span<const AppendDone> done) {
  thread_local std::vector<Completion> news;
  news.clear();
  bool notify = false;
  for (const AppendDone& each : done) {
    const Cookie cookie = Cookie::unpack(each.cookie);
    notify = notify || cookie.notify || each.code != Code::kOk;
    while (!entry.rolls.empty() && each.code == Code::kOk && each.base_offset >= entry.rolls.front()) {
      news.push_back({.kind = static_cast<double>(static_cast<int32_t>(CompletionKind::kRolled)),
                      .log = static_cast<double>(entry.index),
                      .first = static_cast<double>(entry.rolls.front())});
      entry.rolls.erase(entry.rolls.begin());
    }
    news.push_back({.kind = static_cast<double>(static_cast<int32_t>(CompletionKind::kAppended)),
                    .log = static_cast<double>(entry.index),
                    .cookie = static_cast<double>(cookie.script),
                    .code = code_of(each.code),
                    .first = static_cast<double>(each.base_offset),
                    .second = static_cast<double>(each.last_offset),
                    .third = static_cast<double>(each.log_append_time >= 0 ? each.log_append_time : each.max_timestamp),
                    .fourth = static_cast<double>(uint64_t{each.position} + each.length),
                    .generation = static_cast<double>(each.generation),
                    .leader_epoch = static_cast<double>(each.leader_epoch)});
  }
  // First the news, then the answer: whoever holds the answer finds the record (see poll()).
  completions_.push(news);
  news.clear();
  entry.tell_rolls();
  {
    AnswerBatch batch(*reactor_);
    Outlet outlet(*this, batch, news);
    const int64_t start = entry.log ? entry.log->start_offset() : 0;
    uint64_t now_ns = 0;
    for (const AppendDone& each : done) {
      const Cookie cookie = Cookie::unpack(each.cookie);
      if (cookie.answer < 0) continue;
      if (now_ns == 0) now_ns = clock_.monotonic_ns();
      AppendOutcome outcome{.code = each.code,
                            .base_offset = each.base_offset,
                            .log_append_time = each.log_append_time,
                            .start_offset = start,
                            .record_errors = each.failure ? each.failure->record_errors : std::vector<RecordError>(),
                            .record_error_count = each.failure ? each.failure->record_error_count : 0};
      answers_.ended(static_cast<uint32_t>(cookie.answer), cookie.row, std::move(outcome), each.last_offset, entry.gate, now_ns, outlet);
    }
    batch.send();
    if (entry.gate.to_be_listed()) {
      const std::lock_guard guard(parked_logs_lock_);
      parked_logs_.push_back(entry.index);
    }
  }
  if (!news.empty()) {
    completions_.push(news);
    notify = true;
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (notify || (entry.index < watched_.size() && watched_[entry.index].load(std::memory_order_relaxed) != 0)) wake();
}

Answer* Exchange::failed_answer(uint32_t index) {
  Answer* const answer = answers_.find(index);
  return answer != nullptr && answer->told.load(std::memory_order_acquire) ? answer : nullptr;
}

void Exchange::failed_answer_read(uint32_t index) {
  Answer* const answer = failed_answer(index);
  if (answer == nullptr) return;
  for (AppendOutcome& outcome : answer->outcomes) {
    if (outcome.code != Code::kOk || outcome.refusal != 0) outcome = AppendOutcome{};
  }
  answer->failed.store(false, std::memory_order_relaxed);
  answer->refused.store(false, std::memory_order_relaxed);
}

// On main: parked appends of one log go on.
template <typename Release>
void Exchange::let_go(Release release) {
  std::vector<Completion> news;
  {
    AnswerBatch batch(*reactor_);
    Outlet outlet(*this, batch, news);
    released_.clear();
    release(outlet);
    batch.send();
  }
  if (news.empty()) return;
  completions_.push(news);
  wake();
}

int64_t Exchange::commit_alone(uint32_t index, bool alone) {
  Log* const log = this->log(index);
  if (log == nullptr) return -1;
  int64_t end = -1;
  let_go([&](Outlet& outlet) {
    end = entries_[index]->gate.commit_alone(alone, [log] { return log->end_offset(); }, &released_);
    answers_.committed(released_, outlet);
  });
  return end;
}

void Exchange::take_back(uint32_t index, int32_t refusal) {
  if (index >= entries_.size() || !entries_[index]) return;
  let_go([&](Outlet& outlet) {
    entries_[index]->gate.take_back(refusal, &released_);
    answers_.refused(released_, refusal, outlet);
  });
}

size_t Exchange::expire_parked(int32_t refusal) {
  std::vector<uint32_t> logs;
  {
    const std::lock_guard guard(parked_logs_lock_);
    logs.swap(parked_logs_);
  }
  let_go([&](Outlet& outlet) {
    const uint64_t now_ns = clock_.monotonic_ns();
    // A log may have been forgotten since, and another have its place: that one is listed once more, which does no harm.
    std::erase_if(logs, [&](uint32_t index) { return !entries_[index] || !entries_[index]->gate.expire(now_ns, &released_); });
    answers_.refused(released_, refusal, outlet);
  });
  if (!logs.empty()) {
    const std::lock_guard guard(parked_logs_lock_);
    parked_logs_.insert(parked_logs_.end(), logs.begin(), logs.end());
  }
  return logs.size();
}

}  // namespace odradek
