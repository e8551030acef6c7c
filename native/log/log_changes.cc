// What changes the set of segments: roll, flush, truncate, delete, close. All on the log thread.
#include <algorithm>

#include "log/batch_cursor.h"
#include "log/log_core.h"

namespace odradek {

namespace {

uint64_t next_random(uint64_t* state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// Where the first batch that reaches `offset` begins.
Result<uint64_t> position_of(Segment& segment, int64_t offset) {
  Result<const OffsetIndex*> index = segment.offset_index();
  if (!index.ok()) return index.status();
  Result<std::shared_ptr<File>> file = segment.file();
  if (!file.ok()) return file.status();
  BatchCursor cursor(**file, (*index)->lookup(offset), segment.size());
  while (const BatchHeader* header = cursor.next()) {
    if (header->last_offset() >= offset) return cursor.at();
  }
  if (!cursor.status().ok()) return cursor.status();
  return segment.size();
}

// Tells readers that what they see may be half gone.
class Truncating {
 public:
  explicit Truncating(std::atomic<uint64_t>& count) : count_(count) { count_.fetch_add(1); }
  ~Truncating() { count_.fetch_add(1); }
  Truncating(const Truncating&) = delete;

 private:
  std::atomic<uint64_t>& count_;
};

}  // namespace

std::shared_ptr<Segment> Log::Core::make_segment(int64_t base_offset) {
  const int64_t jitter =
      options.segment_jitter_ms > 0
          ? static_cast<int64_t>(next_random(&jitter_state) % static_cast<uint64_t>(options.segment_jitter_ms))
          : 0;
  return std::make_shared<Segment>(Segment::Place{&files, directory}, base_offset, options.index_max_bytes, jitter);
}

// REQUIRES: nothing pending.
Status Log::Core::roll(int64_t base_offset, int64_t now_ms) {
  touched = true;
  Segment& old = segments.active();
  if (old.size() == 0 && old.base_offset() == base_offset) return Status::success();
  if (Status sealed = old.seal(); !sealed.ok()) {
    if (!passes(sealed)) break_log(sealed);
    return sealed;
  }
  // Once the new segment exists, a recovery point at its base says that the old one need not be looked at: then its
  // indexes must be on disk too, not only its records.
  if (recovery_point >= next_offset) {
    if (Status synced = old.sync(true); !synced.ok()) {
      break_log(synced);
      return synced;
    }
  }
  std::shared_ptr<Segment> next = make_segment(base_offset);
  directory_dirty = true;
  if (Status made = next->create(now_ms); !made.ok()) {
    for (const char* suffix : {".log", ".index", ".timeindex"}) static_cast<void>(files.remove(next->path(suffix)));
    if (!passes(made)) break_log(made);
    return made;
  }
  Result<std::shared_ptr<File>> file = next->file();
  hot.begin_segment(base_offset, std::move(*file), 0, next_offset);
  segments.add(std::move(next));
  recount();
  listener.rolled(*face, base_offset);
  return Status::success();
}

// Everything up to next_offset becomes durable, oldest first, names last but before anybody is told.
Status Log::Core::flush_all() {
  if (!broken.ok()) return broken;
  const Segments& all = segments.all();
  Status status;
  for (size_t i = segment_holding(all, recovery_point); i < all.size() && status.ok(); ++i) {
    const bool active = i + 1 == all.size();
    if (!active && all[i]->synced_whole()) continue;
    status = all[i]->sync(!active);
  }
  if (status.ok() && directory_dirty) status = files.sync_directory(directory);
  if (!status.ok()) {
    // The system may have dropped the dirty pages: a second fsync would lie. Without a descriptor there was no first.
    if (status.code() != Code::kTooManyFiles) break_log(status);
    return status;
  }
  directory_dirty = false;
  release_flushed();
  if (recovery_point != next_offset) {
    recovery_point = next_offset;
    publish_facts();
    listener.flushed(*face, recovery_point);
  }
  return Status::success();
}

// The files of rolled segments that are on disk need no descriptor of ours.
void Log::Core::release_flushed() {
  const Segments& all = segments.all();
  for (size_t i = all.size() - 1; i > 0 && all[i - 1]->synced_whole(); --i) all[i - 1]->release_file();
}

// Segments leave the list before their files are touched. A reader that still finds them in its snapshot and not on disk
// looks again (read_steadily).
Status Log::Core::drop(std::span<const std::shared_ptr<Segment>> gone) {
  for (const std::shared_ptr<Segment>& segment : gone) {
    if (Status renamed = segment->rename_deleted(); !renamed.ok()) {
      break_log(renamed);
      return renamed;
    }
    deleted.push_back({segment, clock.wall_ms()});
  }
  return Status::success();
}

Result<int64_t> Log::Core::begin_epoch(int32_t epoch) {
  if (epoch < 0) return Status(Code::kInvalidArgument, 0, "an epoch below 0");
  if (epoch < leader_epoch) return Status(Code::kFencedEpoch);
  if (epoch > leader_epoch) {
    leader_epoch = epoch;
    epoch_start = next_offset;
  }
  return std::min(epoch_start, next_offset);
}

Status Log::Core::truncate_to(int64_t offset) {
  if (!broken.ok()) return broken;
  if (offset < 0) return Status(Code::kInvalidArgument, 0, "an offset below 0");
  if (offset >= next_offset) return Status::success();
  const Segments all = segments.all();
  if (offset < all.front()->base_offset()) return start_anew_at(offset);

  const size_t last = segment_holding(all, offset);
  Segment& segment = *all[last];
  Result<uint64_t> position = position_of(segment, offset);
  if (!position.ok()) return position.status();

  touched = true;
  const Truncating truncating(truncations);
  recovery_point = std::min(recovery_point, offset);
  next_offset = offset;
  if (face->start_offset() > offset) face->start_offset_.store(offset, std::memory_order_release);
  publish_end();
  hot.clear();
  segments.replace(Segments(all.begin(), all.begin() + static_cast<ptrdiff_t>(last) + 1));
  // Newest first: a crash in between leaves a log without a hole.
  Segments gone(all.begin() + static_cast<ptrdiff_t>(last) + 1, all.end());
  std::reverse(gone.begin(), gone.end());
  Status status = drop(gone);
  // What is cut must stay cut, or old batches could come back behind new ones; and later segments must be gone before
  // this one shrinks, or a hole could open between them.
  if (status.ok() && !gone.empty()) status = files.sync_directory(directory);
  if (status.ok()) status = segment.truncate(*position, offset, clock.wall_ms());
  if (status.ok()) status = segment.sync(false);
  if (!status.ok()) break_log(status);
  reset_hot_tail();
  recount();
  return status;
}

Status Log::Core::start_anew_at(int64_t offset) {
  if (!broken.ok()) return broken;
  if (offset < 0 || offset > kMaxOffset) return Status(Code::kInvalidArgument, 0, "an offset no log can start at");
  const Segments all = segments.all();
  touched = true;
  const Truncating truncating(truncations);
  // Renamed before the new one is made: it may bear the same name.
  Segments gone(all.rbegin(), all.rend());
  Status status = drop(gone);
  std::shared_ptr<Segment> fresh = make_segment(offset);
  if (status.ok()) status = fresh->create(clock.wall_ms());
  if (status.ok()) status = files.sync_directory(directory);
  if (!status.ok()) {
    break_log(status);
    return status;
  }
  hot.clear();
  segments.replace({std::move(fresh)});
  next_offset = offset;
  recovery_point = offset;
  face->start_offset_.store(offset, std::memory_order_release);
  reset_hot_tail();
  recount();
  publish_end();
  return Status::success();
}

Result<int64_t> Log::Core::delete_segments_below(int64_t offset) {
  if (!broken.ok()) return broken;
  const Segments all = segments.all();
  size_t count = 0;
  while (count + 1 < all.size() && all[count + 1]->base_offset() <= offset) ++count;
  if (count == 0) return static_cast<int64_t>(0);
  // The start moves before files go: nobody is sent to a segment that is about to vanish.
  const int64_t first_kept = all[count]->base_offset();
  if (face->start_offset() < first_kept) face->start_offset_.store(first_kept, std::memory_order_release);
  segments.replace(Segments(all.begin() + static_cast<ptrdiff_t>(count), all.end()));
  recount();
  if (Status dropped = drop({all.data(), count}); !dropped.ok()) return dropped;
  return static_cast<int64_t>(count);
}

Status Log::Core::purge_deleted(int64_t before_ms) {
  Status status;
  const auto purge = [&](const Deleted& entry) {
    if (entry.at_ms > before_ms) return false;
    for (const char* suffix : {".log.deleted", ".index.deleted", ".timeindex.deleted", ".txnindex.deleted"}) {
      const Status removed = files.remove(entry.segment->path(suffix));
      if (!removed.ok() && removed.code() != Code::kNotFound) status = removed;
    }
    return true;
  };
  std::erase_if(deleted, purge);
  return status;
}

Status Log::Core::shut(bool flush) {
  Status status = broken;
  if (!touched) {
    // Thousands of idle partitions stop without a single fsync.
  } else if (status.ok() && flush) {
    Segment& active = segments.active();
    status = active.seal();
    if (status.ok()) status = flush_all();
    if (status.ok()) status = active.sync(true);
    if (!status.ok() && broken.ok()) break_log(status);
  } else if (status.ok()) {
    static_cast<void>(segments.active().seal());
  }
  closed = true;
  hot.clear();
  return status;
}

void Log::Core::break_log(const Status& why) {
  if (!broken.ok()) return;
  broken = why;
  face->is_broken_.store(true, std::memory_order_release);
  listener.broken(*face, why);
}

void Log::Core::reset_hot_tail() {
  hot.clear();
  if (!broken.ok()) return;
  Segment& active = segments.active();
  Result<std::shared_ptr<File>> file = active.file();
  if (file.ok()) hot.begin_segment(active.base_offset(), std::move(*file), active.size(), next_offset);
}

// Everything but the end offset.
void Log::Core::publish_facts() {
  const Segment& active = segments.active();
  face->size_.store(sealed_bytes + active.size(), std::memory_order_release);
  face->segment_count_.store(static_cast<uint32_t>(segments.all().size()), std::memory_order_release);
  face->active_base_.store(active.base_offset(), std::memory_order_release);
  face->active_size_.store(active.size(), std::memory_order_release);
  face->recovery_point_.store(recovery_point, std::memory_order_release);
  face->generation_.store(generation, std::memory_order_release);
}

// The list has changed.
void Log::Core::recount() {
  sealed_bytes = 0;
  const Segments& all = segments.all();
  for (size_t i = 0; i + 1 < all.size(); ++i) sealed_bytes += all[i]->size();
  publish_facts();
}

// Who sees the new end finds everything below it.
void Log::Core::publish_end() { face->end_offset_.store(next_offset, std::memory_order_release); }

}  // namespace odradek
