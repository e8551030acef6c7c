#include "addon/exchange.h"

#include <cstring>

#include "log/record_walk.h"

namespace odradek {

namespace {

// A cookie of an append: | notify 1 | answer + 1: 23 | ordinal 16 | TypeScript's own 24 |
struct Cookie {
  bool notify;
  int64_t answer;  // -1: none
  uint32_t ordinal;
  uint32_t script;

  static uint64_t pack(bool notify, int64_t answer, uint32_t ordinal, uint32_t script) {
    return (uint64_t{notify} << 63) | (static_cast<uint64_t>(answer + 1) << 40) | (uint64_t{ordinal & 0xffff} << 24) |
           (script & 0xffffff);
  }
  static Cookie unpack(uint64_t packed) {
    return {(packed >> 63) != 0, static_cast<int64_t>((packed >> 40) & 0x7fffff) - 1,
            static_cast<uint32_t>((packed >> 24) & 0xffff), static_cast<uint32_t>(packed & 0xffffff)};
  }
};

constexpr size_t kRespondHead = 3;  // opcode, slot, pieces
constexpr size_t kAnswerHead = 5;   // opcode, slot, offset, length, appends
constexpr size_t kAppendWords = 8;
constexpr uint32_t kMostAppends = 0xffff;

double code_of(Code code) { return static_cast<double>(static_cast<int32_t>(code)); }

uint32_t append_flags(uint32_t script) {
  uint32_t flags = 0;
  if (script & kScriptLogAppendTime) flags |= kAppendLogAppendTime;
  if (script & kScriptKeysRequired) flags |= kAppendKeysRequired;
  if (script & kScriptInspected) flags |= kAppendInnerChecked;
  if (script & kScriptFollower) flags |= kAppendFollower;
  if (script & kScriptInternal) flags |= kAppendInternal;
  return flags;
}

}  // namespace

// A log and who hears of it.
struct Exchange::Entry final : LogListener {
  Entry(Exchange& exchange, uint32_t index) : exchange(exchange), index(index) {}

  void completed(Log& log, std::span<const AppendDone> done) override {
    (void)log;
    exchange.completed(*this, done);
  }
  // The log tells of a roll before it tells how the appends before it in the same round ended. TypeScript takes its
  // snapshot of producers at the roll, so it must hear of those first: the roll is held back to its place among them.
  void rolled(Log&, int64_t base_offset) override { rolls.push_back(base_offset); }
  void tell_rolls() {
    for (const int64_t base_offset : rolls) news(CompletionKind::kRolled, static_cast<double>(base_offset));
    rolls.clear();
  }
  void flushed(Log&, int64_t offset) override { news(CompletionKind::kFlushed, static_cast<double>(offset)); }
  void broken(Log&, const Status& why) override {
    news(CompletionKind::kBroken, 0, code_of(why.code()));
    exchange.wake();
  }

  void news(CompletionKind kind, double value, double code = 0) {
    const Completion completion{.kind = static_cast<double>(static_cast<int32_t>(kind)),
                                .log = static_cast<double>(index),
                                .code = code,
                                .first = value};
    exchange.completions_.push({&completion, 1});
  }

  Exchange& exchange;
  const uint32_t index;
  std::shared_ptr<Log> log;  // set before the opening's completion is pushed, and not changed after
  std::atomic<bool> open{false};
  int64_t timestamp_before_max_ms = INT64_MAX;
  int64_t timestamp_after_max_ms = INT64_MAX;
  std::vector<int64_t> rolls;  // the thread that serves the log only
};

Exchange::Exchange(std::function<void()> wake)
    : wake_(std::move(wake)),
      events_(kEventCapacity),
      out_(kCompletionCapacity),
      commands_(kCommandWords),
      watched_(kLogCapacity) {}

Result<std::unique_ptr<Exchange>> Exchange::start(const ExchangeOptions& options, std::function<void()> wake) {
  std::unique_ptr<Exchange> exchange(new Exchange(std::move(wake)));
  auto arena = Arena::reserve({.capacity = options.arena_bytes});
  if (!arena.ok()) return arena.status();
  exchange->arena_ = *std::move(arena);
  exchange->threads_ = std::make_unique<LogThreads>(LogThreads::Options{.threads = options.log_threads});
  auto reactor = Reactor::start(options.reactor, *exchange->arena_, exchange->clock_, exchange.get(),
                                [self = exchange.get()] { self->wake(); });
  if (!reactor.ok()) return reactor.status();
  exchange->reactor_ = *std::move(reactor);
  return exchange;
}

Exchange::~Exchange() { close(); }

void Exchange::close() {
  if (closed_) return;
  closed_ = true;
  closing_.store(true);
  if (reactor_) reactor_->close();
  // Whatever is still open ends as after a crash: whoever wants a clean stop closes logs first.
  for (auto& entry : entries_) {
    if (entry && entry->open.load()) entry->log->abandon([](const Status&) {});
  }
  if (threads_) {
    threads_->kick();
    threads_->close();
  }
}

void Exchange::wake() {
  if (closing_.load(std::memory_order_relaxed)) return;
  if (!awake_.exchange(true, std::memory_order_seq_cst)) wake_();
}

Exchange::Polled Exchange::poll() {
  awake_.store(false, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Polled polled;
  polled.events = static_cast<uint32_t>(reactor_->poll(events_.data(), events_.size()));
  polled.completions = static_cast<uint32_t>(completions_.take(out_.data(), out_.size()));
  // What did not fit is news that nobody will announce again.
  if (polled.events == events_.size() || (polled.completions == out_.size() && completions_.any())) wake();
  return polled;
}

void Exchange::job_done(double cookie, Code code, double first, double second, double third, double fourth) {
  const Completion completion{.kind = static_cast<double>(static_cast<int32_t>(CompletionKind::kJob)),
                              .cookie = cookie,
                              .code = code_of(code),
                              .first = first,
                              .second = second,
                              .third = third,
                              .fourth = fourth};
  completions_.push({&completion, 1});
  wake();
}

// ---- commands

bool Exchange::flush(size_t words) {
  AnswerBatch batch(*reactor_);
  const double* const end = commands_.data() + std::min(words, commands_.size());
  bool appended = false;
  bool well = true;
  for (const double* at = commands_.data(); at < end && well;) {
    const auto left = static_cast<size_t>(end - at);
    switch (static_cast<Opcode>(static_cast<int32_t>(*at))) {
      case Opcode::kRespond: {
        const size_t used = respond(batch, at, left);
        well = used > 0;
        at += used;
        break;
      }
      case Opcode::kRespondNothing:
      case Opcode::kFail:
      case Opcode::kReleaseFrame: {
        well = left >= 2;
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
        well = left >= kAppendWords && append(at, -1, 0);
        at += kAppendWords;
        appended = true;
        break;
      case Opcode::kAnswer: {
        const size_t used = answer(at, left);
        well = used > 0;
        at += used;
        appended = true;
        break;
      }
      default:
        well = false;
    }
  }
  // The log threads start while this thread still sends.
  if (appended) threads_->kick();
  batch.send();
  return well;
}

size_t Exchange::respond(AnswerBatch& batch, const double* words, size_t left) {
  if (left < kRespondHead) return 0;
  const auto slot = static_cast<uint32_t>(words[1]);
  const auto count = static_cast<size_t>(words[2]);
  if (count > (left - kRespondHead) / 2) return 0;
  const double* piece = words + kRespondHead;
  const size_t used = kRespondHead + 2 * count;
  if (count == 1 && piece[1] >= 0) {
    batch.add(slot, static_cast<uint32_t>(piece[0]), static_cast<uint32_t>(piece[1]));
    return used;
  }
  pieces_.clear();
  for (size_t index = 0; index < count; index++, piece += 2) {
    if (piece[1] >= 0) {
      pieces_.push_back(Piece::arena(static_cast<uint32_t>(piece[0]), static_cast<uint32_t>(piece[1])));
      continue;
    }
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

size_t Exchange::answer(const double* words, size_t left) {
  if (left < kAnswerHead) return 0;
  const auto count = static_cast<size_t>(words[4]);
  const size_t used = kAnswerHead + count * (3 + kAppendWords);
  if (count == 0 || count > kMostAppends || left < used) return 0;
  const uint32_t index = answers_.take();
  Answer& answer = answers_.at(index);
  answer.slot = static_cast<uint32_t>(words[1]);
  answer.offset = static_cast<uint32_t>(words[2]);
  answer.length = static_cast<uint32_t>(words[3]);
  answer.places.resize(count);
  answer.outcomes.assign(count, AppendOutcome{});
  answer.failed.store(false, std::memory_order_relaxed);
  answer.remaining.store(static_cast<uint32_t>(count), std::memory_order_relaxed);
  const double* place = words + kAnswerHead;
  for (size_t at = 0; at < count; at++, place += 3) {
    answer.places[at] = {static_cast<int32_t>(place[0]), static_cast<int32_t>(place[1]), static_cast<int32_t>(place[2])};
  }
  // The answer's bytes outlive TypeScript's lease of their block: this reference goes when they are handed over.
  if (answer.length > 0) arena_->retain(answer.offset);
  for (size_t at = 0; at < count; at++, place += kAppendWords) append(place, index, static_cast<uint32_t>(at));
  return used;
}

bool Exchange::append(const double* words, int64_t answer, uint32_t ordinal) {
  const auto index = static_cast<uint32_t>(words[1]);
  const auto flags = static_cast<uint32_t>(words[5]);
  const uint64_t cookie =
      Cookie::pack((flags & kScriptNotify) != 0, answer, ordinal, static_cast<uint32_t>(words[7]));
  if (static_cast<Opcode>(static_cast<int32_t>(words[0])) != Opcode::kAppend || index >= entries_.size() ||
      !entries_[index] || !entries_[index]->open.load(std::memory_order_acquire)) {
    refuse_append(cookie, index);
    return true;
  }
  Entry& entry = *entries_[index];
  AppendJob job;
  job.bytes = arena_->at(static_cast<uint32_t>(words[2]));
  job.length = static_cast<uint32_t>(words[3]);
  job.flags = append_flags(flags);
  job.leader_epoch = static_cast<int32_t>(words[4]);
  job.generation = static_cast<uint32_t>(words[6]);
  job.now_ms = clock_.wall_ms();
  job.timestamp_before_max_ms = entry.timestamp_before_max_ms;
  job.timestamp_after_max_ms = entry.timestamp_after_max_ms;
  job.cookie = cookie;
  entry.log->append(job);
  return true;
}

// An append to a log that is not open ends like one that was closed meanwhile.
void Exchange::refuse_append(uint64_t cookie, uint32_t log) {
  Entry nowhere(*this, log);
  AppendDone done;
  done.cookie = cookie;
  done.code = Code::kClosed;
  completed(nowhere, {&done, 1});
}

// ---- completions, on log threads

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
          .record_index = each.failure && !each.failure->record_errors.empty() ? each.failure->record_errors[0].index : -1,
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
  return index < answers_.count() ? &answers_.at(index) : nullptr;
}

void Exchange::failed_answer_done(uint32_t index) {
  Answer* const answer = failed_answer(index);
  if (answer == nullptr) return;
  if (answer->length > 0) arena_->release(answer->offset);
  answers_.give(index);
}

// ---- logs

uint32_t Exchange::open_log(double cookie, const OpenRequest& asked) {
  auto index = static_cast<uint32_t>(entries_.size());
  if (!free_entries_.empty()) {
    index = free_entries_.back();
    free_entries_.pop_back();
  } else if (index < kLogCapacity) {
    entries_.emplace_back();
  } else {
    job_done(cookie, Code::kOutOfMemory);
    return index;
  }
  entries_[index] = std::make_unique<Entry>(*this, index);
  watched_[index].store(0, std::memory_order_relaxed);
  Entry* const entry = entries_[index].get();
  OpenRequest request = asked;
  request.files = &files_;
  request.threads = threads_.get();
  request.listener = entry;
  request.clock = &clock_;
  threads_->submit([this, entry, cookie, request = std::move(request)] {
    auto opened = Log::open(request);
    if (!opened.ok()) {
      job_done(cookie, opened.status().code());
      return;
    }
    entry->log = opened->log;
    entry->open.store(true, std::memory_order_release);
    const OpenReport& report = opened->report;
    job_done(cookie, Code::kOk, static_cast<double>(report.end_offset), static_cast<double>(report.start_offset),
             static_cast<double>(report.segments), static_cast<double>(report.bytes_scanned));
  });
  return index;
}

Log* Exchange::log(uint32_t index) {
  if (index >= entries_.size() || !entries_[index] || !entries_[index]->open.load(std::memory_order_acquire)) return nullptr;
  return entries_[index]->log.get();
}

void Exchange::configure_log(uint32_t index, const LogOptions& options, int64_t before, int64_t after) {
  Log* const log = this->log(index);
  if (log == nullptr) return;
  log->update_options(options);
  entries_[index]->timestamp_before_max_ms = before;
  entries_[index]->timestamp_after_max_ms = after;
}

uint32_t Exchange::keep_slice(Slice slice) {
  const std::lock_guard guard(slices_lock_);
  if (free_slices_.empty()) {
    slices_.push_back(std::move(slice));
    return static_cast<uint32_t>(slices_.size() - 1);
  }
  const uint32_t id = free_slices_.back();
  free_slices_.pop_back();
  slices_[id] = std::move(slice);
  return id;
}

bool Exchange::slice_exists(uint32_t slice) {
  const std::lock_guard guard(slices_lock_);
  return slice < slices_.size() && slices_[slice].file != nullptr;
}

uint32_t Exchange::slice_length(uint32_t slice) {
  const std::lock_guard guard(slices_lock_);
  return slice < slices_.size() ? slices_[slice].length : 0;
}

void Exchange::release_slice(uint32_t slice) {
  Slice gone;
  const std::lock_guard guard(slices_lock_);
  if (slice >= slices_.size() || !slices_[slice].file) return;
  gone = std::move(slices_[slice]);
  slices_[slice] = Slice{};
  free_slices_.push_back(slice);
}

bool Exchange::locate_hot(uint32_t index, int64_t from, int64_t below, uint32_t max_bytes, bool at_least_one,
                          int32_t* slice) {
  Log* const log = this->log(index);
  Slice found;
  if (log == nullptr || !log->locate_hot(from, below, max_bytes, at_least_one, &found)) return false;
  slice_facts_[0] = static_cast<double>(found.position);
  slice_facts_[1] = found.length;
  slice_facts_[2] = static_cast<double>(found.first_offset);
  slice_facts_[3] = found.first_batch_length;
  *slice = found.length == 0 || !found.file ? -1 : static_cast<int32_t>(keep_slice(std::move(found)));
  return true;
}

void Exchange::locate(double cookie, uint32_t index, int64_t from, int64_t below, uint32_t max_bytes,
                      bool at_least_one) {
  Log* const log = this->log(index);
  if (log == nullptr) return job_done(cookie, Code::kClosed);
  log->locate(from, below, max_bytes, at_least_one, [this, cookie](Result<Slice> found) {
    if (!found.ok()) return job_done(cookie, found.status().code());
    const Slice& slice = *found;
    const uint32_t length = slice.length;
    const auto first_offset = static_cast<double>(slice.first_offset);
    const uint32_t first_batch = slice.first_batch_length;
    const double id = length == 0 || !slice.file ? -1 : keep_slice(*std::move(found));
    job_done(cookie, Code::kOk, id, length, first_offset, first_batch);
  });
}

void Exchange::read_slice(double cookie, uint32_t slice, uint8_t* target, size_t length) {
  Slice found;
  {
    const std::lock_guard guard(slices_lock_);
    if (slice < slices_.size()) found = slices_[slice];
  }
  release_slice(slice);
  if (!found.file) return job_done(cookie, Code::kInvalidArgument);
  threads_->submit([this, cookie, found = std::move(found), target, length] {
    auto read = found.file->read_at(found.position, {target, std::min<size_t>(length, found.length)});
    if (!read.ok()) return job_done(cookie, read.status().code());
    job_done(cookie, Code::kOk, static_cast<double>(*read));
  });
}

void Exchange::find_by_timestamp(double cookie, uint32_t index, int64_t timestamp, int64_t from) {
  Log* const log = this->log(index);
  if (log == nullptr) return job_done(cookie, Code::kClosed);
  auto told = [this, cookie](Result<TimestampAnswer> answer) {
    if (!answer.ok()) return job_done(cookie, answer.status().code());
    switch (answer->kind) {
      case TimestampAnswer::Kind::kNone:
        return job_done(cookie, Code::kOk, -1, -1, -1, -1);
      case TimestampAnswer::Kind::kRecord:
        return job_done(cookie, Code::kOk, static_cast<double>(answer->offset), static_cast<double>(answer->timestamp), -1, -1);
      case TimestampAnswer::Kind::kCompressedBatch: {
        const auto next = static_cast<double>(answer->next_offset);
        const auto timestamp = static_cast<double>(answer->timestamp);
        const double slice = keep_slice(std::move(answer->batch));
        return job_done(cookie, Code::kOk, -2, timestamp, slice, next);
      }
    }
  };
  if (timestamp == INT64_MIN) log->max_timestamp(std::move(told));
  else log->find_by_timestamp(timestamp, from, std::move(told));
}

void Exchange::max_timestamp(double cookie, uint32_t index) { find_by_timestamp(cookie, index, INT64_MIN, 0); }

void Exchange::scan(double cookie, uint32_t index, int64_t from, double* target, size_t batches) {
  Log* const log = this->log(index);
  if (log == nullptr) return job_done(cookie, Code::kClosed);
  log->scan(from, static_cast<uint32_t>(batches), [this, cookie, target](Result<ScanAnswer> answer) {
    if (!answer.ok()) return job_done(cookie, answer.status().code());
    double* at = target;
    for (const BatchFacts& batch : answer->batches) {
      const double fields[kScanFields] = {
          static_cast<double>(batch.base_offset), static_cast<double>(batch.last_offset),
          static_cast<double>(batch.leader_epoch), static_cast<double>(batch.max_timestamp),
          static_cast<double>(batch.producer_id), static_cast<double>(batch.producer_epoch),
          static_cast<double>(batch.base_sequence), static_cast<double>(batch.record_count),
          static_cast<double>(batch.attributes), static_cast<double>(batch.control_type),
          static_cast<double>(batch.coordinator_epoch), static_cast<double>(batch.size)};
      std::memcpy(at, fields, sizeof fields);
      at += kScanFields;
    }
    job_done(cookie, Code::kOk, static_cast<double>(answer->batches.size()), static_cast<double>(answer->next_offset));
  });
}

namespace {

// Ends a job by a status, with the log's end offset.
template <typename Exchange_>
auto by_status(Exchange_ done, Log* log) {
  return [done, log](const Status& status) { done(status.code(), static_cast<double>(log->end_offset())); };
}

template <typename Done>
auto by_offset(Done done) {
  return [done](const Result<int64_t>& offset) {
    done(offset.ok() ? Code::kOk : offset.status().code(), offset.ok() ? static_cast<double>(*offset) : -1);
  };
}

}  // namespace

#define WITH_LOG(index)                                           \
  Log* const log = this->log(index);                              \
  if (log == nullptr) return job_done(cookie, Code::kClosed);     \
  auto done = [this, cookie](Code code, double value) { job_done(cookie, code, value); }

void Exchange::truncate(double cookie, uint32_t index, int64_t offset) {
  WITH_LOG(index);
  log->truncate_to(offset, by_status(done, log));
  threads_->kick();
}

void Exchange::truncate_fully(double cookie, uint32_t index, int64_t offset) {
  WITH_LOG(index);
  log->truncate_fully_and_start_at(offset, by_status(done, log));
  threads_->kick();
}

void Exchange::roll(double cookie, uint32_t index) {
  WITH_LOG(index);
  Entry* const entry = entries_[index].get();
  log->roll([done = by_offset(done), entry](const Result<int64_t>& offset) {
    entry->tell_rolls();
    done(offset);
  });
  threads_->kick();
}

void Exchange::flush_log(double cookie, uint32_t index) {
  WITH_LOG(index);
  log->flush(by_offset(done));
  threads_->kick();
}

void Exchange::flush_rolled(double cookie, uint32_t index) {
  WITH_LOG(index);
  log->flush_rolled(by_offset(done));
  threads_->kick();
}

void Exchange::set_start_offset(double cookie, uint32_t index, int64_t offset) {
  WITH_LOG(index);
  log->set_start_offset(offset, by_status(done, log));
  threads_->kick();
}

void Exchange::delete_segments_below(double cookie, uint32_t index, int64_t offset) {
  WITH_LOG(index);
  log->delete_segments_below(offset, by_offset(done));
  threads_->kick();
}

void Exchange::purge_deleted(double cookie, uint32_t index, int64_t before_ms) {
  WITH_LOG(index);
  log->purge_deleted(before_ms, by_status(done, log));
  threads_->kick();
}

void Exchange::close_log(double cookie, uint32_t index, bool flush) {
  WITH_LOG(index);
  entries_[index]->open.store(false, std::memory_order_release);
  log->close(flush, by_offset(done));
  threads_->kick();
}

void Exchange::abandon_log(double cookie, uint32_t index) {
  WITH_LOG(index);
  entries_[index]->open.store(false, std::memory_order_release);
  log->abandon(by_status(done, log));
  threads_->kick();
}

#undef WITH_LOG

void Exchange::forget_log(uint32_t index) {
  if (index >= entries_.size() || !entries_[index] || entries_[index]->open.load()) return;
  entries_[index].reset();
  free_entries_.push_back(index);
}

void Exchange::inspect(double cookie, const uint8_t* records, size_t length, int32_t count, int64_t base_timestamp,
                       bool keys_required, int64_t oldest, int64_t newest) {
  threads_->submit([=, this] {
    const RecordRules rules{.base_timestamp = base_timestamp,
                            .keys_required = keys_required,
                            .check_timestamps = oldest != INT64_MIN || newest != INT64_MAX,
                            .oldest_timestamp = oldest,
                            .newest_timestamp = newest};
    AppendFailure failure;
    const RecordVerdict verdict = walk_records({records, length}, count, rules, &failure);
    const int32_t first = failure.record_errors.empty() ? -1 : failure.record_errors[0].index;
    job_done(cookie, verdict.code, static_cast<double>(verdict.max_timestamp), verdict.offset_of_max, first);
  });
}

void Exchange::find_in_records(double cookie, const uint8_t* records, size_t length, int32_t count, int64_t base_offset,
                               int64_t base_timestamp, int64_t timestamp, int64_t from_offset) {
  threads_->submit([=, this] {
    const FoundRecord found = find_record_by_timestamp({records, length}, count, base_offset, base_timestamp, timestamp, from_offset);
    job_done(cookie, Code::kOk, found.found ? static_cast<double>(found.offset) : -1,
             found.found ? static_cast<double>(found.timestamp) : -1);
  });
}

void Exchange::warm(std::shared_ptr<FileHandle> file, uint64_t position, uint32_t length, uint64_t ticket) {
  threads_->submit([this, file = std::move(file), position, length, ticket] {
    // Reading through a small window brings the range into the page cache without memory in proportion to it.
    constexpr size_t kWindow = 128 * 1024;
    thread_local std::unique_ptr<uint8_t[]> window;
    if (!window) window = std::make_unique<uint8_t[]>(kWindow);
    bool ok = true;
    for (uint64_t at = 0; at < length && ok;) {
      auto read = file->read_at(position + at, {window.get(), std::min<size_t>(kWindow, length - at)});
      ok = read.ok() && *read > 0;
      if (ok) at += *read;
    }
    reactor_->warmed(ticket, ok);
  });
}

}  // namespace odradek
