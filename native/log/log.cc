// The face: what is queued, what runs beside, what answers at once.
#include "log/log.h"

#include <algorithm>
#include <thread>

#include "log/log_core.h"
#include "log/log_loader.h"

namespace odradek {

namespace {
// A round: enough to spread the price of a system call, little enough that nobody waits long for strangers.
constexpr size_t kRoundJobs = 1024;
constexpr uint64_t kRoundBytes = 1 << 20;
constexpr size_t kKeptWork = 64;  // entries of queue memory an idle log keeps
}  // namespace

// --- The queue -----------------------------------------------------------------------------------------------------

Log::Core::Core(const OpenRequest& request, Log* log)
    : face(log),
      files(*request.files),
      threads(*request.threads),
      listener(*request.listener),
      clock(*request.clock),
      directory(request.directory),
      options(bounded(request.options)),
      jitter_state(request.options.jitter_seed),
      hot(request.options.hot_batches) {}

void Log::Core::schedule_if_idle(bool was_scheduled) {
  if (!was_scheduled) threads.schedule(face->shared_from_this());
}

void Log::Core::append(const AppendJob& job) {
  {
    std::unique_lock lock(queue_lock);
    if (accepting) {
      queue.push_back({job, nullptr});
      queued_bytes.store(queued_bytes.load(std::memory_order_relaxed) + job.length, std::memory_order_relaxed);
      const bool was_scheduled = std::exchange(scheduled, true);
      lock.unlock();
      return schedule_if_idle(was_scheduled);
    }
  }
  AppendFailure failure;
  failure.status = Status(Code::kClosed);
  AppendDone done;
  done.cookie = job.cookie;
  done.code = Code::kClosed;
  done.failure = &failure;
  listener.completed(*face, {&done, 1});
}

bool Log::Core::enqueue(Command command, bool last) {
  auto work = std::make_unique<Command>(std::move(command));
  bool was_scheduled;
  {
    const std::lock_guard lock(queue_lock);
    if (!accepting) return false;
    accepting = !last;
    queue.push_back({AppendJob{}, std::move(work)});
    was_scheduled = std::exchange(scheduled, true);
  }
  schedule_if_idle(was_scheduled);
  threads.kick();
  return true;
}

bool Log::Core::serve(Workspace& scratch) {
  if (taken_done == taken.size()) {
    taken.clear();
    taken_done = 0;
    const std::lock_guard lock(queue_lock);
    taken.swap(queue);
    queued_bytes.store(0, std::memory_order_relaxed);
  }
  if (taken_done < taken.size()) {
    if (taken[taken_done].command) {
      (*taken[taken_done++].command)();
    } else {
      size_t to = taken_done;
      uint64_t bytes = 0;
      while (to < taken.size() && !taken[to].command && to - taken_done < kRoundJobs && bytes < kRoundBytes) {
        bytes += taken[to++].job.length;
      }
      taken_done += run_round({taken.data() + taken_done, to - taken_done}, scratch);
      if (taken_done < to) return look_later();
      give_inflater_back();
    }
    if (taken_done < taken.size()) return true;
  }
  taken.clear();
  taken_done = 0;
  if (taken.capacity() > kKeptWork) std::vector<Work>().swap(taken);
  const std::lock_guard lock(queue_lock);
  scheduled = !queue.empty();
  return scheduled;
}

void Log::Core::flush_rolled(OffsetDone done) {
  const uint64_t before = truncations.load();
  const auto sync = [this]() -> Result<int64_t> {
    const std::shared_ptr<const Segments> all = segments.snapshot();
    for (size_t i = segment_holding(*all, face->recovery_point()); i + 1 < all->size(); ++i) {
      if ((*all)[i]->synced_whole()) continue;
      if (Status synced = (*all)[i]->sync(true); !synced.ok()) return synced;
    }
    if (Status synced = files.sync_directory(directory); !synced.ok()) return synced;
    return all->back()->base_offset();
  };
  const auto take_over = [this, before, done](const Result<int64_t>& synced) {
    if (!synced.ok() && synced.status().code() == Code::kClosed) return done(synced);
    change(done, [this, before, synced]() -> Result<int64_t> {
      const bool same_segments = truncations.load() == before && before % 2 == 0;
      if (!synced.ok()) {
        if (same_segments) break_log(synced.status());
        return synced;
      }
      release_flushed();
      if (same_segments && *synced > recovery_point) {
        recovery_point = *synced;
        publish_facts();
        listener.flushed(*face, recovery_point);
      }
      return recovery_point;
    });
  };
  beside(take_over, sync);
}

void Log::Core::close(bool flush, OffsetDone done) {
  const bool taken_in = enqueue(
      [this, flush, done] {
        const Status status = shut(flush);
        when_readers_are_done([done, answer = status.ok() ? Result<int64_t>(recovery_point) : Result<int64_t>(status)] {
          done(answer);
        });
      },
      true);
  if (!taken_in) done(Status(Code::kClosed));
}

void Log::Core::abandon(StatusDone done) {
  const bool taken_in = enqueue(
      [this, done] {
        closed = true;
        hot.clear();
        when_readers_are_done([done] { done(Status::success()); });
      },
      true);
  if (!taken_in) done(Status(Code::kClosed));
}

// False: the log is closed.
bool Log::Core::begin_beside() {
  const std::lock_guard lock(beside_lock);
  if (beside_closed) return false;
  ++beside_running;
  return true;
}

void Log::Core::end_beside() {
  std::function<void()> quiet;
  {
    const std::lock_guard lock(beside_lock);
    if (--beside_running == 0 && beside_closed) quiet.swap(when_quiet);
  }
  if (quiet) quiet();
}

void Log::Core::when_readers_are_done(std::function<void()> then) {
  {
    const std::lock_guard lock(beside_lock);
    beside_closed = true;
    if (beside_running > 0) {
      when_quiet = std::move(then);
      return;
    }
  }
  then();
}

// --- The face --------------------------------------------------------------------------------------------------------

Log::Log(const OpenRequest& request) : directory_(request.directory), core_(std::make_unique<Core>(request, this)) {}

Log::~Log() = default;

Result<Log::Opened> Log::open(const OpenRequest& request) {
  INVARIANT(request.files != nullptr && request.threads != nullptr && request.listener != nullptr && request.clock != nullptr);
  const std::shared_ptr<Log> log(new Log(request));
  Core& core = *log->core_;
  Result<LoadedLog> loaded = load_log(request, [&core](int64_t base_offset) { return core.make_segment(base_offset); });
  if (!loaded.ok()) return loaded.status();
  const OpenReport report = loaded->report;
  core.segments.replace(std::move(loaded->segments));
  for (std::shared_ptr<Segment>& dropped : loaded->dropped) core.deleted.push_back({std::move(dropped), core.clock.wall_ms()});
  core.directory_dirty = loaded->directory_dirty;
  core.touched = !request.clean_shutdown || report.segments_recovered > 0 || loaded->directory_dirty;
  core.next_offset = report.end_offset;
  core.recovery_point = report.recovery_point;
  log->start_offset_.store(report.start_offset, std::memory_order_release);
  core.recount();
  core.publish_end();
  core.reset_hot_tail();
  return Opened{log, report};
}

bool Log::serve(Workspace& scratch) { return core_->serve(scratch); }

uint64_t Log::backlog_bytes() const { return core_->queued_bytes.load(std::memory_order_relaxed); }

void Log::append(const AppendJob& job) { core_->append(job); }

bool Log::locate_hot(int64_t from_offset, int64_t max_offset, uint32_t max_bytes, bool at_least_one_batch,
                     Slice* out) const {
  // The tail knows of records a moment before they may be seen.
  max_offset = std::min(max_offset, end_offset());
  if (from_offset < start_offset()) return false;
  return core_->hot.locate(from_offset, max_offset, max_bytes, at_least_one_batch, out);
}

namespace {

// Looks again when a truncation went on meanwhile, for what was read may have been half gone, and when a segment was
// deleted under the reader.
template <typename Core, typename Read>
auto read_steadily(Core& core, const Log& log, Read read) {
  for (;;) {
    const uint64_t before = core.truncations.load();
    // The end before the segments: whatever lies below it is then among them.
    const int64_t end = log.end_offset();
    const int64_t start = log.start_offset();
    const ReadView view{core.segments.snapshot(), start, end};
    auto answer = read(view);
    const bool steady = core.truncations.load() == before && before % 2 == 0;
    const bool vanished = !answer.ok() && answer.status().code() == Code::kNotFound && core.segments.snapshot() != view.segments;
    if (steady && !vanished) return answer;
    std::this_thread::yield();
  }
}

}  // namespace

void Log::locate(int64_t from_offset, int64_t max_offset, uint32_t max_bytes, bool at_least_one_batch, SliceDone done) {
  core_->beside(std::move(done), [=, this] {
    return read_steadily(*core_, *this, [=](const ReadView& view) {
      return locate_in(view, from_offset, max_offset, max_bytes, at_least_one_batch);
    });
  });
}

void Log::find_by_timestamp(int64_t timestamp, int64_t from_offset, TimestampDone done) {
  core_->beside_looking(std::move(done), [=, this](uint64_t* budget) {
    return read_steadily(*core_, *this, [=](const ReadView& view) { return find_timestamp_in(view, timestamp, from_offset, budget); });
  });
}

void Log::max_timestamp(TimestampDone done) {
  core_->beside_looking(std::move(done), [this](uint64_t* budget) {
    return read_steadily(*core_, *this, [budget](const ReadView& view) { return max_timestamp_in(view, budget); });
  });
}

void Log::scan(int64_t from_offset, uint32_t max_batches, ScanDone done) {
  core_->beside(std::move(done), [=, this] {
    return read_steadily(*core_, *this, [=](const ReadView& view) { return scan_in(view, from_offset, max_batches); });
  });
}

void Log::segments(SegmentsDone done) {
  core_->beside(std::move(done), [this] {
    return read_steadily(*core_, *this, [](const ReadView& view) { return facts_of(view); });
  });
}

void Log::outline(std::function<void(Result<LogOutline>)> done) {
  core_->beside(std::move(done), [this] {
    return read_steadily(*core_, *this, [](const ReadView& view) { return outline_of(view); });
  });
}

void Log::begin_epoch(int32_t epoch, OffsetDone done) {
  core_->change(std::move(done), [=, this] { return core_->begin_epoch(epoch); });
}

void Log::truncate_to(int64_t offset, StatusDone done) {
  core_->change(std::move(done), [=, this] { return core_->truncate_to(offset); });
}

void Log::truncate_fully_and_start_at(int64_t offset, StatusDone done) {
  core_->change(std::move(done), [=, this] { return core_->start_anew_at(offset); });
}

void Log::roll(OffsetDone done) {
  core_->change(std::move(done), [this]() -> Result<int64_t> {
    if (!core_->broken.ok()) return core_->broken;
    if (core_->segments.active().size() > 0) {
      if (Status rolled = core_->roll(core_->next_offset, core_->clock.wall_ms()); !rolled.ok()) return rolled;
    }
    return core_->segments.active().base_offset();
  });
}

void Log::flush(OffsetDone done) {
  core_->change(std::move(done), [this]() -> Result<int64_t> {
    if (Status flushed = core_->flush_all(); !flushed.ok()) return flushed;
    return core_->recovery_point;
  });
}

void Log::flush_rolled(OffsetDone done) { core_->flush_rolled(std::move(done)); }

void Log::set_start_offset(int64_t offset, StatusDone done) {
  core_->change(std::move(done), [=, this] {
    if (offset > core_->next_offset) return Status(Code::kOffsetOutOfRange);
    if (offset > start_offset()) start_offset_.store(offset, std::memory_order_release);
    return Status::success();
  });
}

void Log::delete_segments_below(int64_t offset, OffsetDone done) {
  core_->change(std::move(done), [=, this] { return core_->delete_segments_below(offset); });
}

void Log::purge_deleted(int64_t before_ms, StatusDone done) {
  core_->change(std::move(done), [=, this] { return core_->purge_deleted(before_ms); });
}

void Log::update_options(const LogOptions& options) {
  static_cast<void>(core_->enqueue([=, this] {
    core_->options = bounded(options);
    core_->hot.set_capacity(options.hot_batches);
  }));
}

void Log::close(bool flush, OffsetDone done) { core_->close(flush, std::move(done)); }

void Log::abandon(StatusDone done) { core_->abandon(std::move(done)); }

}  // namespace odradek
