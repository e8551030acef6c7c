// How appends end: news for the main isolate, and the answers that travelled with them. On log threads.
#include "addon/exchange.h"
#include "addon/exchange_entry.h"
#include "base/byte_order.h"

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
                    .segment = static_cast<double>(each.segment_base)});
  }
  // First the news, then the answer: whoever holds the answer finds the record (see poll()).
  completions_.push(news);
  news.clear();
  entry.tell_rolls();
  {
    AnswerBatch batch(*reactor_);
    const int64_t start = entry.log ? entry.log->start_offset() : 0;
    for (const AppendDone& each : done) {
      const Cookie cookie = Cookie::unpack(each.cookie);
      if (cookie.answer < 0) continue;
      const auto index = static_cast<uint32_t>(cookie.answer);
      Answer& answer = answers_.at(index);
      answer.outcomes[cookie.ordinal] = {
          .code = each.code,
          .base_offset = each.base_offset,
          .log_append_time = each.log_append_time,
          .start_offset = start,
          .record_errors = each.failure ? each.failure->record_errors : std::vector<RecordError>(),
          .record_error_count = each.failure ? each.failure->record_error_count : 0};
      if (each.code != Code::kOk) answer.failed.store(true, std::memory_order_relaxed);
      if (answer.remaining.fetch_sub(1, std::memory_order_acq_rel) == 1) settle(index, batch, news);
    }
    batch.send();
  }
  if (!news.empty()) {
    completions_.push(news);
    notify = true;
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (notify || (entry.index < watched_.size() && watched_[entry.index].load(std::memory_order_relaxed) != 0)) wake();
}

void Exchange::settle(uint32_t index, AnswerBatch& batch, std::vector<Completion>& news) {
  Answer& answer = answers_.at(index);
  if (answer.failed.load(std::memory_order_relaxed)) {
    answer.told = true;
    news.push_back({.kind = static_cast<double>(static_cast<int32_t>(CompletionKind::kAnswerFailed)),
                    .log = static_cast<double>(answer.slot),
                    .cookie = static_cast<double>(index)});
    return;
  }
  if (answer.length == 0) {
    batch.add_none(answer.slot);
  } else {
    uint8_t* const bytes = arena_->at(answer.offset);
    for (size_t at = 0; at < answer.places.size(); at++) {
      const AnswerPlace& place = answer.places[at];
      const AppendOutcome& outcome = answer.outcomes[at];
      if (place.base_offset >= 0) store_u64(bytes + place.base_offset, static_cast<uint64_t>(outcome.base_offset));
      if (place.append_time >= 0) store_u64(bytes + place.append_time, static_cast<uint64_t>(outcome.log_append_time));
      if (place.start_offset >= 0) store_u64(bytes + place.start_offset, static_cast<uint64_t>(outcome.start_offset));
    }
    batch.add(answer.slot, answer.offset, answer.length);
    arena_->release(answer.offset);
  }
  answers_.give(index);
}

Answer* Exchange::failed_answer(uint32_t index) {
  return index < answers_.count() && answers_.at(index).told ? &answers_.at(index) : nullptr;
}

void Exchange::failed_answer_done(uint32_t index) {
  Answer* const answer = failed_answer(index);
  if (answer == nullptr) return;
  if (answer->length > 0) arena_->release(answer->offset);
  answer->told = false;
  answers_.give(index);
}

}  // namespace odradek
