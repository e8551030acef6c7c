// A round of appends: check, place, write, index, flush where asked, publish, answer. In this order, because a record
// must be on disk (in the page cache; with flush_messages on the platter) before anyone can see or acknowledge it.
#include <algorithm>
#include <cstring>

#include "log/batch.h"
#include "log/log_core.h"
#include "log/look_budget.h"

namespace odradek {

namespace {

// Up to this size a job is copied next to the one before it: cheaper than a piece of its own for the kernel.
constexpr uint32_t kStagedJob = 8 * 1024;
constexpr size_t kStagingBytes = 1 << 20;

}  // namespace

size_t Log::Core::run_round(std::span<Work> works, Workspace& scratch) {
  scratch.done.clear();
  scratch.failures.clear();
  if (!scratch.staging) scratch.staging = std::make_unique_for_overwrite<uint8_t[]>(kStagingBytes);
  touched = true;
  old_generation = generation;
  first_failed = SIZE_MAX;
  pending_done = 0;
  pending_bytes = 0;
  pending_from = next_offset;
  staged_from = 0;
  scratch.batches.clear();
  scratch.pieces.clear();
  look.budget = kLookBudget;
  size_t over = 0;
  while (over < works.size() && append_one(works[over].job, scratch)) ++over;
  if (over == 0) return 0;
  static_cast<void>(write_pending(scratch));
  settle(scratch);
  return over;
}

// False: a compressed batch in it is not looked through yet, and nothing was done.
bool Log::Core::append_one(const AppendJob& job, Workspace& scratch) {
  AppendDone& done = scratch.done.emplace_back();
  done.cookie = job.cookie;
  const bool fenced = job.leader_epoch >= 0 && job.leader_epoch < leader_epoch;
  Status hopeless;
  if (closed) hopeless = Status(Code::kClosed);
  else if (!broken.ok()) hopeless = broken;
  else if (job.generation != 0 && job.generation != generation && !fenced) hopeless = Status(Code::kStaleGeneration);
  if (!hopeless.ok()) {
    look.under_way = false;
    fail(done, hopeless, scratch);
    return true;
  }
  done.generation = job.generation;  // until settle(): whether the job counts on the others
  if (fenced) {
    // Before it is asked for its generation: those behind it are fenced as well, and have no use for being decided anew.
    look.under_way = false;
    if (job.generation == generation) enter_generation(scratch.done.size() - 1);
    fail(done, Status(Code::kFencedEpoch), scratch);
    return true;
  }

  const bool follower = (job.flags & kAppendFollower) != 0;
  const size_t before = scratch.batches.size();
  Status refused;
  if (follower && job.generation == 0) {
    // A hole would open if an earlier job of the same round failed to be written.
    refused = Status(Code::kInvalidArgument, 0, "a follower's append needs a generation");
  } else {
    AppendFailure& failure = scratch.failures.emplace_back();
    const Code code = check_job(job, {options.max_message_bytes}, next_offset, &look, this, &scratch.batches, &failure);
    if (code == Code::kWouldBlock) {
      scratch.failures.pop_back();
      scratch.done.pop_back();
      return false;
    }
    if (code == Code::kOk) {
      scratch.failures.pop_back();
      const std::span<CheckedBatch> batches(scratch.batches.data() + before, scratch.batches.size() - before);
      if (batches.empty()) return true;
      refused = place(job, batches, scratch);
      if (refused.ok()) return true;
      scratch.batches.resize(std::min(scratch.batches.size(), before));
    } else {
      done.failure = &failure;
      refused = failure.status;
    }
  }
  if (job.generation != 0 && refused.code() != Code::kStaleGeneration) enter_generation(scratch.done.size() - 1);
  fail(done, refused, scratch);
  return true;
}

// Gives a checked job its offsets and its place in the file; rolls before it when due.
Status Log::Core::place(const AppendJob& job, std::span<CheckedBatch> batches, Workspace& scratch) {
  uint64_t bytes = 0;
  int64_t count = 0;
  int64_t max_timestamp = batches.front().max_timestamp;
  for (const CheckedBatch& batch : batches) {
    bytes += batch.size;
    count += static_cast<int64_t>(batch.last_offset_delta) + 1;
    max_timestamp = std::max(max_timestamp, batch.max_timestamp);
  }
  if (bytes > options.segment_bytes) {
    return Status(Code::kRecordListTooLarge, 0, "the append is larger than segment.bytes");
  }
  const bool follower = (job.flags & kAppendFollower) != 0;
  const auto first_offset = [&] { return follower ? batches.front().base_offset : next_offset; };
  const auto last_offset = [&] {
    return follower ? batches.back().base_offset + batches.back().last_offset_delta : next_offset + count - 1;
  };

  Segment::Incoming incoming;
  incoming.already = pending_bytes;
  incoming.already_first_timestamp = pending_bytes > 0 ? scratch.batches.front().max_timestamp : -1;
  incoming.bytes = static_cast<uint32_t>(bytes);
  incoming.last_offset = last_offset();
  incoming.max_timestamp = max_timestamp;
  incoming.now_ms = job.now_ms;
  if (segments.active().should_roll(incoming, options)) {
    // The batches of this job stand behind the pending ones in the scratch memory; they survive the writing of those.
    std::vector<CheckedBatch> mine(batches.begin(), batches.end());
    scratch.batches.resize(scratch.batches.size() - mine.size());
    AppendDone own = scratch.done.back();
    scratch.done.pop_back();
    const Status wrote = write_pending(scratch);
    scratch.done.push_back(own);
    if (!wrote.ok()) return job.generation != 0 && job.generation != generation ? Status(Code::kStaleGeneration) : wrote;
    if (Status rolled = roll(first_offset(), job.now_ms); !rolled.ok()) return rolled;
    const size_t at = scratch.batches.size();
    scratch.batches.insert(scratch.batches.end(), mine.begin(), mine.end());
    batches = {scratch.batches.data() + at, mine.size()};
    pending_done = scratch.done.size() - 1;
  }

  AppendDone& done = scratch.done.back();
  done.base_offset = first_offset();
  done.max_timestamp = max_timestamp;
  done.log_append_time = (job.flags & kAppendLogAppendTime) != 0 && !follower ? job.now_ms : -1;
  done.segment_base = segments.active().base_offset();
  done.position = static_cast<uint32_t>(segments.active().size() + pending_bytes);
  done.length = static_cast<uint32_t>(bytes);
  uint8_t* at = job.bytes;
  for (CheckedBatch& batch : batches) {
    if (!follower) {
      batch.base_offset = next_offset;
      store_i64(at + batch_at::kBaseOffset, next_offset);
      store_i32(at + batch_at::kLeaderEpoch, job.leader_epoch);
    }
    next_offset = batch.base_offset + batch.last_offset_delta + 1;
    done.leader_epoch = BatchHeader(at).leader_epoch();
    at += batch.size;
  }
  done.last_offset = next_offset - 1;
  stage(job, static_cast<uint32_t>(bytes), scratch);
  return Status::success();
}

// Adds the job's bytes to what will be written with one call.
void Log::Core::stage(const AppendJob& job, uint32_t bytes, Workspace& scratch) {
  pending_bytes += bytes;
  if (bytes > kStagedJob || staged_from + bytes > kStagingBytes) {
    scratch.pieces.push_back({job.bytes, bytes});
    return;
  }
  uint8_t* const to = scratch.staging.get() + staged_from;
  std::memcpy(to, job.bytes, bytes);
  staged_from += bytes;
  if (!scratch.pieces.empty()) {
    iovec& last = scratch.pieces.back();
    if (static_cast<uint8_t*>(last.iov_base) + last.iov_len == to) {
      last.iov_len += bytes;
      return;
    }
  }
  scratch.pieces.push_back({to, bytes});
}

Status Log::Core::write_pending(Workspace& scratch) {
  if (pending_bytes == 0) {
    pending_done = scratch.done.size();
    return Status::success();
  }
  Segment& active = segments.active();
  uint64_t position = active.size();
  Status cut;
  const Status wrote = active.write(scratch.pieces, &cut);
  scratch.pieces.clear();
  staged_from = 0;
  if (!wrote.ok()) {
    fail_pending(wrote, scratch);
    if (!cut.ok()) break_log(cut);
    else if (!passes(wrote)) break_log(wrote);
    return wrote;
  }
  scratch.hot.clear();
  for (const CheckedBatch& batch : scratch.batches) {
    active.note_batch(batch, position, options.index_interval_bytes);
    scratch.hot.push_back({batch.base_offset, static_cast<uint32_t>(position), batch.last_offset_delta});
    position += batch.size;
  }
  active.publish(position, clock.wall_ms());
  hot.push(scratch.hot, position, next_offset);
  scratch.batches.clear();
  pending_bytes = 0;
  pending_done = scratch.done.size();
  pending_from = next_offset;
  return Status::success();
}

void Log::Core::fail_pending(const Status& why, Workspace& scratch) {
  size_t relied_on = SIZE_MAX;
  for (size_t i = pending_done; i < scratch.done.size(); ++i) {
    AppendDone& done = scratch.done[i];
    if (done.base_offset < 0) continue;  // failed by itself, or had nothing to keep
    if (done.generation != 0) relied_on = std::min(relied_on, i);
    fail(done, why, scratch);
  }
  if (relied_on != SIZE_MAX) enter_generation(relied_on);
  next_offset = pending_from;
  scratch.batches.clear();
  pending_bytes = 0;
  pending_done = scratch.done.size();
}

void Log::Core::fail(AppendDone& done, const Status& why, Workspace& scratch) {
  const uint64_t cookie = done.cookie;
  const AppendFailure* failure = done.failure;
  if (failure == nullptr) {
    AppendFailure& made = scratch.failures.emplace_back();
    made.status = why;
    failure = &made;
  }
  done = AppendDone{};
  done.cookie = cookie;
  done.failure = failure;
  done.code = why.code();
  done.sys = why.sys();
}

// After the last write of a round.
void Log::Core::settle(Workspace& scratch) {
  bool durable = true;
  if (broken.ok() && !closed && next_offset - recovery_point >= options.flush_messages) {
    if (const Status flushed = flush_all(); !flushed.ok()) {
      durable = false;
      break_log(flushed);  // the records are in the file and yet refused: nothing may come behind them
      for (AppendDone& done : scratch.done) {
        if (done.code == Code::kOk) fail(done, flushed, scratch);
      }
    }
  }
  publish_facts();
  if (durable) publish_end();
  for (size_t i = 0; i < scratch.done.size(); ++i) scratch.done[i].generation = i < first_failed ? old_generation : generation;
  listener.completed(*face, scratch.done);
}

// A job that others rely on has failed.
void Log::Core::enter_generation(size_t failed) {
  ++generation;
  first_failed = std::min(first_failed, failed);
}

}  // namespace odradek
