// Logs by index, and the slices that reading them gives.
#include <algorithm>
#include <cstring>

#include "addon/exchange.h"
#include "addon/exchange_entry.h"

namespace odradek {

namespace {

// What a reader is not to have: no bytes, or a piece of a batch where pieces are of no use.
bool is_nothing(const Slice& slice, FirstBatch first) {
  if (slice.length == 0 || !slice.file) return true;
  return first == FirstBatch::kWholeOrNothing && slice.length < slice.first_batch_length;
}

}  // namespace

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
      entry->over.store(true, std::memory_order_release);
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
  entries_[index]->max_message_bytes = options.max_message_bytes;
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

bool Exchange::locate_hot(uint32_t index, int64_t from, int64_t below, uint32_t max_bytes, FirstBatch first,
                          int32_t* slice) {
  Log* const log = this->log(index);
  Slice found;
  if (log == nullptr || !log->locate_hot(from, below, max_bytes, first == FirstBatch::kWhole, &found)) return false;
  slice_facts_[0] = static_cast<double>(found.position);
  slice_facts_[1] = found.length;
  slice_facts_[2] = static_cast<double>(found.first_offset);
  slice_facts_[3] = found.first_batch_length;
  *slice = is_nothing(found, first) ? -1 : static_cast<int32_t>(keep_slice(std::move(found)));
  return true;
}

void Exchange::locate(double cookie, uint32_t index, int64_t from, int64_t below, uint32_t max_bytes,
                      FirstBatch first) {
  Log* const log = this->log(index);
  if (log == nullptr) return job_done(cookie, Code::kClosed);
  log->locate(from, below, max_bytes, first == FirstBatch::kWhole, [this, cookie, first](Result<Slice> found) {
    if (!found.ok()) return job_done(cookie, found.status().code());
    const Slice& slice = *found;
    const uint32_t length = slice.length;
    const auto first_offset = static_cast<double>(slice.first_offset);
    const uint32_t first_batch = slice.first_batch_length;
    const double id = is_nothing(slice, first) ? -1.0 : keep_slice(*std::move(found));
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
    job_done(cookie, Code::kOk, static_cast<double>(answer->offset), static_cast<double>(answer->timestamp), answer->leader_epoch,
             answer->kind == TimestampAnswer::Kind::kRecord ? 1 : 0);
  };
  if (timestamp == INT64_MIN) log->max_timestamp(std::move(told));
  else log->find_by_timestamp(timestamp, from, std::move(told));
}

void Exchange::max_timestamp(double cookie, uint32_t index) { find_by_timestamp(cookie, index, INT64_MIN, 0); }

void Exchange::segments(double cookie, uint32_t index, double* target, size_t room) {
  Log* const log = this->log(index);
  if (log == nullptr) return job_done(cookie, Code::kClosed);
  log->outline([this, cookie, target, room](Result<LogOutline> outline) {
    if (!outline.ok()) return job_done(cookie, outline.status().code());
    const std::vector<SegmentOutline>& all = outline->segments;
    double* at = target;
    for (size_t i = 0; i < std::min(all.size(), room); ++i, at += kSegmentFields) {
      at[0] = static_cast<double>(all[i].base_offset);
      at[1] = static_cast<double>(all[i].size);
      at[2] = static_cast<double>(all[i].modified_ms);
    }
    job_done(cookie, Code::kOk, static_cast<double>(all.size()), static_cast<double>(outline->end_offset));
  });
}

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

}  // namespace odradek
