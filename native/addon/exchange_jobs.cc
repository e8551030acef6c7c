// What a log is asked to do in its turn, and looks into batches beside it. Each ends with a completion that carries the
// asker's cookie.
#include <algorithm>

#include "addon/append_flags.h"
#include "addon/exchange.h"
#include "addon/exchange_entry.h"
#include "addon/record_errors.h"
#include "codec/inflater.h"
#include "log/batch_check.h"
#include "log/look.h"
#include "log/look_budget.h"

namespace odradek {

namespace {

// Ends a job by a status, with the log's end and start offset.
template <typename Done>
auto by_status(Done done, Log* log) {
  return [done, log](const Status& status) { done(status.code(), static_cast<double>(log->end_offset()), static_cast<double>(log->start_offset())); };
}

template <typename Done>
auto by_offset(Done done) {
  return [done](const Result<int64_t>& offset) {
    done(offset.ok() ? Code::kOk : offset.status().code(), offset.ok() ? static_cast<double>(*offset) : -1);
  };
}

// For a job that stands for itself.
class OwnInflater final : public InflaterLender {
 public:
  Inflater* inflater(size_t) override { return &inflater_; }

 private:
  Inflater inflater_;
};

}  // namespace

#define WITH_LOG(index)                                           \
  Log* const log = this->log(index);                              \
  if (log == nullptr) return job_done(cookie, Code::kClosed);     \
  auto done = [this, cookie](Code code, double first, double second = 0) { job_done(cookie, code, first, second); }

void Exchange::begin_epoch(double cookie, uint32_t index, int64_t epoch) {
  WITH_LOG(index);
  if (epoch < 0 || epoch > INT32_MAX) return done(Code::kInvalidArgument, 0);
  log->begin_epoch(static_cast<int32_t>(epoch), by_offset(done));
  threads_->kick();
}

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
  Entry* const entry = entries_[index].get();
  entry->open.store(false, std::memory_order_release);
  take_back(index, CommitGate::kNobodyLeads);
  log->close(flush, by_offset([done, entry](Code code, double value) {
               entry->over.store(true, std::memory_order_release);
               done(code, value);
             }));
  threads_->kick();
}

void Exchange::abandon_log(double cookie, uint32_t index) {
  WITH_LOG(index);
  Entry* const entry = entries_[index].get();
  entry->open.store(false, std::memory_order_release);
  take_back(index, CommitGate::kNobodyLeads);
  log->abandon(by_status(
      [done, entry](Code code, double end, double) {
        entry->over.store(true, std::memory_order_release);
        done(code, end);
      },
      log));
  threads_->kick();
}

#undef WITH_LOG

void Exchange::forget_log(uint32_t index) {
  if (index >= entries_.size() || !entries_[index] || !entries_[index]->over.load(std::memory_order_acquire)) return;
  entries_[index].reset();
  free_entries_.push_back(index);
}

void Exchange::inspect(double cookie, uint32_t index, std::span<uint8_t> batch, uint32_t flags, std::span<double> errors) {
  if (log(index) == nullptr) return job_done(cookie, Code::kClosed);
  const Entry& entry = *entries_[index];
  AppendJob job;
  job.bytes = batch.data();
  job.length = static_cast<uint32_t>(batch.size());
  job.flags = append_flags(flags);
  job.now_ms = clock_.wall_ms();
  job.timestamp_before_max_ms = entry.timestamp_before_max_ms;
  job.timestamp_after_max_ms = entry.timestamp_after_max_ms;
  threads_->submit_look([=, this, limits = BatchLimits{entry.max_message_bytes}](uint64_t* budget) {
    OwnInflater lender;
    AppendFailure failure;
    const Code code = inspect_batch(job, limits, &lender, budget, &failure);
    if (code == Code::kWouldBlock) return false;
    const size_t told = write_record_errors(failure.record_errors, errors.data(), errors.size());
    job_done(cookie, code, static_cast<double>(told), failure.record_error_count);
    return true;
  });
}

void Exchange::inflate(double cookie, Codec codec, std::span<const uint8_t> packed, std::span<uint8_t> plain) {
  threads_->submit_look([=, this](uint64_t* budget) {
    Inflater inflater;
    inflater.begin(codec, packed);
    size_t copied = 0;
    const auto end = [&](Code code) {
      job_done(cookie, code, code == Code::kOk ? static_cast<double>(inflater.made()) : 0);
      return true;
    };
    for (;;) {
      if (*budget == 0) return false;
      const uint64_t before = inflater.made();
      const Decoded decoded = inflater.fill();
      if (decoded == Decoded::kNoMemory) return end(Code::kOutOfMemory);
      if (decoded == Decoded::kDamaged) return end(Code::kUnreadable);
      spend(budget, codec, inflater.made() - before);
      const size_t size = std::min(inflater.plain().size(), plain.size() - copied);
      std::copy_n(inflater.plain().begin(), size, plain.begin() + static_cast<ptrdiff_t>(copied));
      copied += size;
      inflater.consume(inflater.plain().size());
      if (decoded == Decoded::kEnd) return end(Code::kOk);
    }
  });
}

}  // namespace odradek
