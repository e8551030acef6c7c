#include "log/segment.h"

#include <cstdio>

#include "log/batch_cursor.h"

namespace odradek {

std::string segment_name(int64_t base_offset) {
  char name[32];
  std::snprintf(name, sizeof name, "%020lld", static_cast<long long>(base_offset));
  return name;
}

bool parse_segment_name(std::string_view name, int64_t* base_offset, std::string_view* suffix) {
  constexpr size_t kDigits = 20;
  if (name.size() <= kDigits || name[kDigits] != '.') return false;
  uint64_t value = 0;
  for (const char c : name.substr(0, kDigits)) {
    if (c < '0' || c > '9') return false;
    if (__builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, static_cast<uint64_t>(c - '0'), &value)) {
      return false;
    }
  }
  if (value > static_cast<uint64_t>(INT64_MAX)) return false;
  *base_offset = static_cast<int64_t>(value);
  *suffix = name.substr(kDigits);
  return true;
}

Segment::Segment(const Place& place, int64_t base_offset, uint32_t index_max_bytes, int64_t jitter_ms)
    : place_(place), base_offset_(base_offset), index_max_bytes_(index_max_bytes), jitter_ms_(jitter_ms) {}

std::string Segment::path(const char* suffix) const {
  return place_.directory + "/" + segment_name(base_offset_) + suffix;
}

Status Segment::create(int64_t now_ms) {
  Result<std::shared_ptr<File>> file = place_.files->open(path(".log"), OpenMode::kCreate);
  if (!file.ok()) return file.status();
  if (Status emptied = (*file)->truncate(0); !emptied.ok()) return emptied;
  auto offsets = std::make_unique<OffsetIndex>(*place_.files, path(".index"), base_offset_, index_max_bytes_);
  if (Status made = offsets->create(); !made.ok()) return made;
  auto times = std::make_unique<TimeIndex>(*place_.files, path(".timeindex"), base_offset_, index_max_bytes_);
  if (Status made = times->create(); !made.ok()) return made;

  const std::lock_guard lock(opening_);
  file_ = std::move(*file);
  offset_index_ = std::move(offsets);
  time_index_ = std::move(times);
  opened_offset_index_.store(offset_index_.get(), std::memory_order_release);
  opened_time_index_.store(time_index_.get(), std::memory_order_release);
  forget_counts();
  created_ms_ = now_ms;
  modified_ms_.store(now_ms, std::memory_order_relaxed);
  return Status::success();
}

void Segment::adopt(uint64_t size, int64_t modified_ms) {
  size_.store(size, std::memory_order_release);
  modified_ms_.store(modified_ms, std::memory_order_relaxed);
  created_ms_ = modified_ms;
}

Status Segment::open_for_append(int64_t now_ms) {
  Result<std::shared_ptr<File>> opened = file();
  if (!opened.ok()) return opened.status();
  {
    const std::lock_guard lock(opening_);
    file_ = std::move(*opened);
  }
  if (Result<const OffsetIndex*> index = offset_index(); !index.ok()) return index.status();
  if (Result<const TimeIndex*> index = time_index(); !index.ok()) return index.status();
  if (Result<TimestampOffset> known = largest(); !known.ok()) return known.status();
  if (Result<int64_t> known = first_timestamp(); !known.ok()) return known.status();
  bytes_since_index_entry_ = size() - offset_index_->last_position();  // as if it had never been closed
  created_ms_ = now_ms;
  return Status::success();
}

Status Segment::reset_indexes() {
  const std::lock_guard lock(opening_);
  auto offsets = std::make_unique<OffsetIndex>(*place_.files, path(".index"), base_offset_, index_max_bytes_);
  // What space the old files have is kept where possible: recovery must work on a full disk.
  if (!offsets->open().ok()) {
    if (Status made = offsets->create(); !made.ok()) return made;
  }
  offsets->clear();
  auto times = std::make_unique<TimeIndex>(*place_.files, path(".timeindex"), base_offset_, index_max_bytes_);
  if (!times->open().ok()) {
    if (Status made = times->create(); !made.ok()) return made;
  }
  times->clear();
  offset_index_ = std::move(offsets);
  time_index_ = std::move(times);
  opened_offset_index_.store(offset_index_.get(), std::memory_order_release);
  opened_time_index_.store(time_index_.get(), std::memory_order_release);
  return Status::success();
}

void Segment::forget_counts() {
  const std::lock_guard lock(facts_);
  largest_ = {};
  largest_known_ = true;
  first_timestamp_ = -1;
  first_timestamp_known_ = true;
  bytes_since_index_entry_ = 0;
  synced_whole_.store(false, std::memory_order_release);
}

Result<std::shared_ptr<File>> Segment::file() {
  const std::lock_guard lock(opening_);
  if (file_) return file_;
  if (std::shared_ptr<File> open = cold_file_.lock()) return open;
  Result<std::shared_ptr<File>> opened = place_.files->open(path(".log"), OpenMode::kReadWrite);
  if (opened.ok()) cold_file_ = *opened;
  return opened;
}

void Segment::release_file() {
  std::shared_ptr<File> open;  // closed after the lock
  const std::lock_guard lock(opening_);
  open.swap(file_);
  if (open) cold_file_ = open;
}

Status Segment::open_offset_index_locked() {
  auto index = std::make_unique<OffsetIndex>(*place_.files, path(".index"), base_offset_, index_max_bytes_);
  if (Status opened = index->open(); !opened.ok()) return opened;
  if (!index->plausible(size(), INT64_MAX)) index->clear();
  offset_index_ = std::move(index);
  opened_offset_index_.store(offset_index_.get(), std::memory_order_release);
  return Status::success();
}

Status Segment::open_time_index_locked() {
  auto index = std::make_unique<TimeIndex>(*place_.files, path(".timeindex"), base_offset_, index_max_bytes_);
  if (Status opened = index->open(); !opened.ok()) return opened;
  if (!index->plausible(INT64_MAX)) index->clear();
  time_index_ = std::move(index);
  opened_time_index_.store(time_index_.get(), std::memory_order_release);
  return Status::success();
}

Result<const OffsetIndex*> Segment::offset_index() {
  if (const OffsetIndex* index = opened_offset_index_.load(std::memory_order_acquire)) return index;
  const std::lock_guard lock(opening_);
  if (!offset_index_) {
    if (Status opened = open_offset_index_locked(); !opened.ok()) return opened;
  }
  return static_cast<const OffsetIndex*>(offset_index_.get());
}

Result<const TimeIndex*> Segment::time_index() {
  if (const TimeIndex* index = opened_time_index_.load(std::memory_order_acquire)) return index;
  const std::lock_guard lock(opening_);
  if (!time_index_) {
    if (Status opened = open_time_index_locked(); !opened.ok()) return opened;
  }
  return static_cast<const TimeIndex*>(time_index_.get());
}

Result<TimestampOffset> Segment::largest() {
  {
    const std::lock_guard lock(facts_);
    if (largest_known_) return largest_;
  }
  Result<const TimeIndex*> index = time_index();
  if (!index.ok()) return index.status();
  const TimestampOffset last = (*index)->last_entry();
  const std::lock_guard lock(facts_);
  if (!largest_known_) {
    largest_ = last;
    largest_known_ = true;
  }
  return largest_;
}

Result<int64_t> Segment::first_timestamp() {
  {
    const std::lock_guard lock(facts_);
    if (first_timestamp_known_) return first_timestamp_;
  }
  Result<std::shared_ptr<File>> opened = file();
  if (!opened.ok()) return opened.status();
  BatchCursor cursor(**opened, 0, size());
  const BatchHeader* first = cursor.next();
  if (first == nullptr && !cursor.status().ok()) return cursor.status();
  const std::lock_guard lock(facts_);
  if (!first_timestamp_known_) {
    first_timestamp_ = first != nullptr ? first->max_timestamp() : -1;
    first_timestamp_known_ = size() > 0;
  }
  return first_timestamp_;
}

bool Segment::should_roll(const Incoming& incoming, const LogOptions& options) {
  const uint64_t written = size_.load(std::memory_order_relaxed);
  const uint64_t size = written + incoming.already;
  if (size + incoming.bytes > options.segment_bytes) return true;
  if (incoming.last_offset - base_offset_ > INT32_MAX) return true;
  if (offset_index_->full() || time_index_->full()) return true;
  if (size == 0) return false;
  const int64_t first = written > 0 ? first_timestamp_ : incoming.already_first_timestamp;
  const int64_t waited = first >= 0 ? incoming.max_timestamp - first : incoming.now_ms - created_ms_;
  return waited > options.segment_ms - jitter_ms_;
}

Status Segment::write(std::span<const iovec> pieces, Status* cut) {
  const uint64_t at = size_.load(std::memory_order_relaxed);
  Status wrote = file_->write_at(at, pieces);
  *cut = wrote.ok() ? Status::success() : file_->truncate(at);
  return wrote;
}

void Segment::note_batch(const CheckedBatch& batch, uint64_t position, uint32_t index_interval_bytes) {
  const int64_t last_offset = batch.base_offset + batch.last_offset_delta;
  if (position == 0 || batch.max_timestamp > largest_.timestamp) {
    const std::lock_guard lock(facts_);
    if (position == 0) {
      first_timestamp_ = batch.max_timestamp;
      first_timestamp_known_ = true;
    }
    if (batch.max_timestamp > largest_.timestamp) largest_ = {batch.max_timestamp, last_offset};
  }
  if (bytes_since_index_entry_ > index_interval_bytes && !offset_index_->full() && !time_index_->full()) {
    // Without space for an entry the index stays sparser; the next batch tries again.
    if (offset_index_->append(last_offset, static_cast<uint32_t>(position)).ok()) {
      static_cast<void>(time_index_->maybe_append(largest_, false));
      bytes_since_index_entry_ = 0;
    }
  }
  bytes_since_index_entry_ += batch.size;
}

void Segment::publish(uint64_t size, int64_t now_ms) {
  synced_whole_.store(false, std::memory_order_release);
  modified_ms_.store(now_ms, std::memory_order_relaxed);
  size_.store(size, std::memory_order_release);
}

Status Segment::seal() {
  if (Status last = time_index_->maybe_append(largest_, true); !last.ok()) return last;
  if (Status trimmed = offset_index_->trim(); !trimmed.ok()) return trimmed;
  return time_index_->trim();
}

Status Segment::sync(bool whole) {
  Result<std::shared_ptr<File>> opened = file();
  if (!opened.ok()) return opened.status();
  if (Status synced = (*opened)->sync_data(); !synced.ok()) return synced;
  if (!whole) return Status::success();
  if (Result<const OffsetIndex*> index = offset_index(); !index.ok()) return index.status();
  if (Result<const TimeIndex*> index = time_index(); !index.ok()) return index.status();
  if (Status synced = offset_index_->sync(); !synced.ok()) return synced;
  if (Status synced = time_index_->sync(); !synced.ok()) return synced;
  synced_whole_.store(true, std::memory_order_release);
  return Status::success();
}

// The indexes first: an entry past the end of the file would be believed, a missing one costs a longer scan.
Status Segment::truncate(uint64_t position, int64_t offset, int64_t now_ms) {
  if (Status opened = open_for_append(now_ms); !opened.ok()) return opened;
  offset_index_->truncate_to(offset);
  time_index_->truncate_to(offset);
  publish(position, now_ms);
  bytes_since_index_entry_ = position - offset_index_->last_position();
  if (Status cut = file_->truncate(position); !cut.ok()) return cut;
  {
    const std::lock_guard lock(facts_);
    if (position == 0) {
      first_timestamp_ = -1;
      first_timestamp_known_ = true;
    }
    largest_ = time_index_->entries() > 0 ? time_index_->last_entry() : TimestampOffset{};
    largest_known_ = true;
  }
  return reload_largest();
}

// Batches after the last time index entry may hold a larger timestamp than it.
Status Segment::reload_largest() {
  const uint64_t from = largest_.timestamp < 0 ? 0 : offset_index_->lookup(largest_.offset);
  BatchCursor cursor(*file_, from, size());
  while (const BatchHeader* header = cursor.next()) {
    if (header->max_timestamp() <= largest_.timestamp) continue;
    const std::lock_guard lock(facts_);
    largest_ = {header->max_timestamp(), header->last_offset()};
  }
  return cursor.status();
}

Status Segment::rename_deleted() {
  for (const char* suffix : {".log", ".index", ".timeindex", ".txnindex"}) {
    const std::string from = path(suffix);
    const Status renamed = place_.files->rename(from, from + ".deleted");
    if (!renamed.ok() && renamed.code() != Code::kNotFound) return renamed;
  }
  return Status::success();
}

}  // namespace odradek
